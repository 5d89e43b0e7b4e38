//! What goes wrong: power, disks, clocks, connections; and how it heals.
//!
//! Invariant: a fault loses nothing that was synced and nothing that another disk holds. Proved by the checks after each.

use crdt_model::id::AuthorId;
use crdt_model::scope::Scope;

use super::{Event, World};
use crate::check::{Check, Violation};
use crate::disk::Fault;
use crate::plan::{Act, DAY_MS, NODES};

impl World {
    /// A fault of the plan.
    pub(super) fn fault(&mut self, node: usize, act: Act, pick: u64) -> Result<(), Violation> {
        if self.is_healed {
            return Ok(());
        }
        self.counts.faults += 1;
        match act {
            Act::PowerCut { ms, sector, again } => return self.cut_power(node, ms, sector, again),
            Act::CrashBetweenAnswers => self.nodes[node].dies_between = true,
            Act::FaultOnce { call } => {
                self.nodes[node].disk.set_fault(Fault::Once(call));
                self.mark("disk call failed once");
            }
            Act::FaultFrom { call, ms } => {
                self.nodes[node].disk.set_fault(Fault::From(call));
                self.enter(self.now + ms, Event::Mend(node));
                self.mark("disk failed for a while");
            }
            Act::Full { room, ms } => {
                self.nodes[node].disk.set_room(Some(room));
                self.enter(self.now + ms, Event::Mend(node));
                self.mark("disk full");
            }
            Act::Pause { ms } => {
                self.nodes[node].away_until = self.nodes[node].away_until.max(self.now + ms);
                self.mark("process paused");
            }
            Act::Clock { off } => {
                (self.nodes[node].clock_off, self.nodes[node].frozen) = (off, None);
                self.mark("clock wrong");
            }
            Act::Frozen => {
                let shown = self.nodes[node].clock(self.now).at.0;
                self.nodes[node].frozen = Some(shown);
                self.mark("clock stands");
            }
            Act::CutMidFrame => {
                let of_node = self.links.iter_mut().filter(|link| link.ends.contains(&node));
                of_node.for_each(|link| link.cuts_next = true);
            }
            Act::FlipBit => self.flip_bit(node, pick),
            Act::OldCopy => return self.old_copy(node),
            _network => self.network_fault(node, act, pick),
        }
        Ok(())
    }

    fn network_fault(&mut self, node: usize, act: Act, pick: u64) {
        let now = self.now;
        for link in 0..self.links.len() {
            let ends = self.links[link].ends;
            let Some(side) = ends.iter().position(|end| *end == node) else { continue };
            let apart = (pick >> ends[0]) & 1 != (pick >> ends[1]) & 1;
            match act {
                Act::Isolate { ms } => self.block(link, [0, 1].as_slice(), now + ms),
                Act::OneWay { ms } if (pick >> link) & 1 == 1 => self.block(link, &[1 - side], now + ms),
                Act::SlowReader { ms } => self.links[link].wires[side].slow_until = now + ms,
                Act::SlowNetwork { ms } => self.links[link].wires[1 - side].slow_until = now + ms,
                Act::Split { ms } if apart => self.block(link, &[0, 1], now + ms),
                _other => {}
            }
        }
        if let Act::Split { ms } = act {
            for link in 0..self.links.len() {
                let ends = self.links[link].ends;
                if (pick >> ends[0]) & 1 != (pick >> ends[1]) & 1 {
                    self.block(link, &[0, 1], now + ms);
                }
            }
        }
        self.mark(match act {
            Act::Isolate { .. } => "node isolated",
            Act::OneWay { .. } => "heard one way",
            Act::Split { .. } => "cluster split",
            Act::SlowReader { .. } => "slow reader",
            _slow => "slow network",
        });
        if let Act::Isolate { ms } | Act::Split { ms } = act
            && ms > DAY_MS
        {
            self.mark("apart for days");
        }
    }

    fn block(&mut self, link: usize, sides: &[usize], until: u64) {
        for side in sides {
            let wire = &mut self.links[link].wires[*side];
            wire.blocked_until = wire.blocked_until.max(until);
        }
        let connection = self.links[link].connection;
        self.enter(self.now + 30_000, Event::GiveUp { link, connection });
    }

    fn flip_bit(&mut self, node: usize, pick: u64) {
        self.nodes[node].forged_next = true;
        if pick.is_multiple_of(2) {
            return;
        }
        let links: Vec<usize> = (0..self.links.len()).filter(|at| self.links[*at].ends.contains(&node)).collect();
        let link = links[(pick / 2) as usize % links.len()];
        self.links[link].flips_next = true;
    }

    fn cut_power(&mut self, node: usize, ms: u64, sector: usize, again: u64) -> Result<(), Violation> {
        if !self.nodes[node].is_up() {
            return Ok(());
        }
        self.mark(if sector == 512 { "power cut, sectors of 512" } else { "power cut, sectors of 4096" });
        self.power_cut(node, ms, sector, again)
    }

    /// The power of a node fails now and comes back later.
    pub(super) fn power_cut(&mut self, node: usize, ms: u64, sector: usize, again: u64) -> Result<(), Violation> {
        self.counts.cuts += 1;
        self.repeat_unanswered(node);
        self.nodes[node].stop();
        let found = self.nodes[node].disk.after_power_cut(&mut self.disks, sector);
        self.nodes[node].replace_disk(found);
        if again > 0 {
            self.nodes[node].disk.set_fault(Fault::From(again));
        }
        self.nodes[node].away_until = self.now + ms;
        self.hang_up_all(node);
        self.enter(self.now + ms, Event::Back(node));
        Ok(())
    }

    fn hang_up_all(&mut self, node: usize) {
        for link in 0..self.links.len() {
            if self.links[link].ends.contains(&node) {
                self.hang_up(link);
            }
        }
    }

    /// A node starts on what its disk holds.
    pub(super) fn come_back(&mut self, node: usize) -> Result<(), Violation> {
        if self.nodes[node].is_up() || self.nodes[node].away_until > self.now {
            return Ok(());
        }
        let started = self.nodes[node].start(self.now, &mut self.sessions);
        let (_, failed) = self.nodes[node].disk.calls();
        match started {
            Ok(()) => {
                // What was to fail during the recovery must not fail after it.
                self.nodes[node].disk.set_fault(Fault::None);
                self.spared(node, |world| world.check_after_start(node))?;
                self.plan_duty(node);
                Ok(())
            }
            Err(why) if failed > 0 => {
                self.mark("power cut while a node recovered");
                self.note(&why);
                self.counts.cuts += 1;
                let found = self.nodes[node].disk.after_power_cut(&mut self.disks, 512);
                self.nodes[node].replace_disk(found);
                self.enter(self.now + 5_000, Event::Back(node));
                self.nodes[node].away_until = self.now + 5_000;
                Ok(())
            }
            Err(why) => Err(Violation::of(Check::Durable, format!("node {node} does not recover: {why}"))),
        }
    }

    /// A disk works again.
    pub(super) fn mend(&mut self, node: usize) -> Result<(), Violation> {
        self.nodes[node].disk.set_fault(Fault::None);
        self.nodes[node].disk.set_room(None);
        self.come_back(node)
    }

    /// Somebody puts an older file back: the first peer that saw more of the node's own log says so, and until then it
    /// takes no orders. What a node does that sold on such a file is for the incarnations of a later format.
    fn old_copy(&mut self, node: usize) -> Result<(), Violation> {
        let held = &mut self.nodes[node];
        if !held.is_up() || held.older.is_empty() || held.is_meeting {
            return Ok(());
        }
        held.right = held.disk.surely();
        held.stop();
        let older = held.older.clone();
        held.replace_disk(older);
        held.is_meeting = true;
        held.away_until = self.now;
        self.mark("file replaced by an older copy");
        self.repeat_unanswered(node);
        self.hang_up_all(node);
        self.come_back(node)?;
        self.look_whether_met(node);
        Ok(())
    }

    /// A session told that somebody runs on an older copy: the right file is put back.
    pub(super) fn told_of_older_copy(&mut self, node: usize) {
        self.mark("older copy detected by a peer");
        self.enter(self.now + 60_000, Event::PutBack(node));
    }

    pub(super) fn put_back(&mut self, node: usize) -> Result<(), Violation> {
        if !self.nodes[node].is_meeting {
            return Ok(());
        }
        let held = &mut self.nodes[node];
        held.stop();
        let right = std::mem::take(&mut held.right);
        held.replace_disk(right);
        held.is_meeting = false;
        held.away_until = self.now;
        self.hang_up_all(node);
        self.come_back(node)
    }

    /// A node whose own log lacks nothing takes orders again.
    pub(super) fn look_whether_met(&mut self, node: usize) {
        let own = self.nodes[node].frontier();
        let author = self.nodes[node].author();
        let last = |(of, scope, seq): &(AuthorId, Scope, u64)| {
            *of == author && own.get(&(scope.clone(), *of)).is_none_or(|head| head.seq < *seq)
        };
        if own.is_empty() || self.numbers.keys().any(last) {
            return;
        }
        self.nodes[node].is_meeting = false;
        self.seen[node] = own;
        self.told[node].clear();
        self.mark("older copy that lacked nothing of its own");
    }

    /// Everything heals: power, disks, network. Clocks stay wrong.
    pub(super) fn heal(&mut self) -> Result<(), Violation> {
        self.is_healed = true;
        for link in &mut self.links {
            (link.flips_next, link.cuts_next) = (false, false);
            link.attempts = 0;
            for wire in &mut link.wires {
                (wire.blocked_until, wire.slow_until) = (0, 0);
            }
        }
        for node in 0..NODES {
            self.nodes[node].away_until = self.now;
            (self.nodes[node].dies_between, self.nodes[node].forged_next) = (false, false);
            self.put_back(node)?;
            self.mend(node)?;
            self.plan_duty(node);
        }
        for link in 0..self.links.len() {
            // A connection that carried a flipped bit may have ended in silence.
            self.links[link].cut();
            self.enter(self.now, Event::Dial(link));
        }
        Ok(())
    }
}
