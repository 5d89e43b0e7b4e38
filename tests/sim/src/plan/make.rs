//! Makes a plan of a seed: a day's work for every site, and faults from the half of the menu that this seed has on.
//!
//! Invariant: work and faults are drawn from streams of their own. Proved by `a_seed_makes_one_plan_and_another_seed_another`.

use super::{Act, DAY_MS, NODES, Plan, Step};
use crate::random::{Purpose, Stream};

/// Operations of a day in the whole cluster; with what keepers book for them they make about 300 commits.
const OPERATIONS_A_DAY: u64 = 390;
/// Faults of a day.
const FAULTS_A_DAY: u64 = 14;
/// A minute in milliseconds.
const MINUTE: u64 = 60_000;
/// Twenty years in milliseconds.
const YEARS_20: i64 = 20 * 365 * 86_400_000;

/// What people do, with how often of a hundred.
const WORK: [(Act, u64); 14] = [
    (Act::Order, 26),
    (Act::WalkIn, 18),
    (Act::Confirm, 7),
    (Act::Ship, 15),
    (Act::Cancel, 7),
    (Act::Receipt, 9),
    (Act::Adjustment, 3),
    (Act::Lend, 2),
    (Act::Return, 1),
    (Act::Send, 4),
    (Act::ShipFulfilment, 4),
    (Act::CancelFulfilment, 2),
    (Act::Import, 1),
    (Act::Overreach, 1),
];

/// Kinds of faults.
const FAULTS: usize = 18;

/// Makes the plan of a seed for so many days.
pub fn make(seed: u64, days: u64) -> Plan {
    let mut work = Stream::new(seed, Purpose::Work);
    let mut faults = Stream::new(seed, Purpose::Faults);
    let menu: Vec<bool> = half_of_the_menu(&mut faults);
    let mut steps = Vec::new();
    for day in 0..days {
        for _ in 0..OPERATIONS_A_DAY {
            let at = day * DAY_MS + 8 * 60 * MINUTE + work.below(12 * 60 * MINUTE);
            let act = weighted(&mut work);
            steps.push(Step { at, node: work.below(NODES as u64) as usize, act, pick: work.draw() });
        }
        for _ in 0..FAULTS_A_DAY {
            let at = day * DAY_MS + 7 * 60 * MINUTE + faults.below(14 * 60 * MINUTE);
            let kind = faults.below(FAULTS as u64) as usize;
            let node = faults.below(NODES as u64) as usize;
            let (act, pick) = (fault(kind, &mut faults), faults.draw());
            if menu[kind] {
                steps.push(Step { at, node, act, pick });
            }
        }
    }
    steps.sort_by_key(|step| step.at);
    Plan { seed, days, steps }
}

/// A plan with a power cut after every second operation, now and then again while the node recovers.
pub fn storm(seed: u64, days: u64) -> Plan {
    let mut plan = make(seed, days);
    let mut faults = Stream::new(seed, Purpose::Faults);
    plan.steps.retain(|step| WORK.iter().any(|(act, _)| *act == step.act));
    let mut cuts = Vec::new();
    for step in plan.steps.iter().filter(|step| step.pick.is_multiple_of(2)) {
        let sector = if faults.one_in(2) { 512 } else { 4_096 };
        let again = if faults.one_in(4) { 1 + faults.below(60) } else { 0 };
        let act = Act::PowerCut { ms: 1_000 + faults.below(20_000), sector, again };
        // At the very moment of the operation's batch, or a little later while it travels.
        cuts.push(Step { at: step.at + faults.below(60), node: step.node, act, pick: faults.draw() });
    }
    plan.steps.extend(cuts);
    plan.steps.sort_by_key(|step| step.at);
    plan
}

fn half_of_the_menu(chance: &mut Stream) -> Vec<bool> {
    let mut kinds: Vec<usize> = (0..FAULTS).collect();
    for at in (1..FAULTS).rev() {
        kinds.swap(at, chance.below(at as u64 + 1) as usize);
    }
    let on = &kinds[..FAULTS / 2];
    (0..FAULTS).map(|kind| on.contains(&kind)).collect()
}

fn weighted(chance: &mut Stream) -> Act {
    let mut left = chance.below(WORK.iter().map(|(_, weight)| weight).sum());
    for (act, weight) in WORK {
        match left.checked_sub(weight) {
            Some(rest) => left = rest,
            None => return act,
        }
    }
    Act::Order
}

/// From seconds to, seldom, days.
fn a_while(chance: &mut Stream) -> u64 {
    match chance.below(10) {
        0..=4 => 1_000 + chance.below(MINUTE),
        5..=7 => chance.below(3 * 60 * MINUTE),
        8 => chance.below(DAY_MS),
        _long => chance.below(3 * DAY_MS),
    }
}

fn fault(kind: usize, chance: &mut Stream) -> Act {
    let ms = a_while(chance);
    let call = 1 + chance.below(400);
    match kind {
        0..=2 => Act::PowerCut {
            ms: 1_000 + ms / 50,
            sector: if chance.one_in(2) { 512 } else { 4_096 },
            again: if chance.one_in(3) { 1 + chance.below(60) } else { 0 },
        },
        3 => Act::CrashBetweenAnswers,
        4 => Act::FaultOnce { call },
        5 => Act::FaultFrom { call, ms: ms / 20 },
        6 => Act::Full { room: chance.below(200_000) as usize, ms: ms / 20 },
        7 => Act::Pause { ms },
        8 => Act::Clock { off: chance.below(2 * YEARS_20 as u64) as i64 - YEARS_20 },
        9 => Act::Frozen,
        10 | 11 => Act::Isolate { ms },
        12 => Act::OneWay { ms },
        13 => Act::Split { ms },
        14 => Act::CutMidFrame,
        15 => Act::FlipBit,
        16 => {
            if chance.one_in(2) {
                Act::SlowReader { ms: ms / 20 }
            } else {
                Act::SlowNetwork { ms: ms / 20 }
            }
        }
        _last => Act::OldCopy,
    }
}
