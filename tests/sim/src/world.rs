//! The world: nodes, links and a calendar; virtual time goes from event to event.
//!
//! `people` does the work of the plan, `faults` what goes wrong, `wire` the connections, `begin` the organisation; here
//! are the calendar, the writers' batches and the end of a run.
//!
//! Invariants: one thread, no clock, no map whose order differs between runs: the same plan gives the same trace hash
//! (`a_plan_gives_one_trace`).

pub mod begin;
mod faults;
pub mod goods;
mod people;
mod wire;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use crdt_model::id::{AuthorId, CommitHash, DocumentId, request_of};
use crdt_model::scope::Scope;
use node::replica::{Command, RequestKey};

use crate::bugs::Bug;
use crate::check::{Check, Violation};
use crate::ledger::{Call, CallState, Ledger};
use crate::link::Link;
use crate::machine::{Answer, Job, Tag};
use crate::node::{Frontier, SimNode};
use crate::plan::{DAY_MS, Plan};
use crate::random::{Purpose, Stream};

/// Milliseconds that a batch gathers inputs.
const GATHER_MS: u64 = 40;
/// Milliseconds after which the keeper looks at what came.
const DUTY_MS: u64 = 5_000;
/// Events of a run for each of its days, and beyond them; a run that needs more never comes to rest.
const EVENTS_MAX: (u64, u64) = (8_000, 30_000);

/// What is on the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// A step of the plan.
    Step(usize),
    /// A node's writer works.
    Batch(usize),
    /// A keeper looks after its rights.
    Duty(usize),
    /// Bytes reach an end.
    Deliver { link: usize, side: usize, connection: u64 },
    /// A node dials.
    Dial(usize),
    /// A silent connection is given up.
    GiveUp { link: usize, connection: u64 },
    /// A connection that carried a flipped bit ends.
    Drop { link: usize, connection: u64 },
    /// A node comes back.
    Back(usize),
    /// A disk is mended.
    Mend(usize),
    /// A caller repeats its request.
    Repeat(usize),
    /// The right file is put back.
    PutBack(usize),
    /// The plan is over: everything heals.
    Heal,
}

/// What a run counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events of the calendar.
    pub events: u64,
    /// Batches that writers handled.
    pub batches: u64,
    /// Commits that authors made.
    pub commits: u64,
    /// Answers with yes.
    pub acknowledged: u64,
    /// Power cuts and crashes.
    pub cuts: u64,
    /// Faults of all kinds.
    pub faults: u64,
    /// Connections.
    pub connections: u64,
}

impl Counts {
    /// Adds another run's.
    pub fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.batches += other.batches;
        self.commits += other.commits;
        self.acknowledged += other.acknowledged;
        self.cuts += other.cuts;
        self.faults += other.faults;
        self.connections += other.connections;
    }
}

/// How a run ended.
#[derive(Debug, Clone)]
pub struct Report {
    /// The hash of everything that happened, in order.
    pub trace: [u8; 32],
    /// The first promise that was broken, if one was.
    pub violation: Option<Violation>,
    /// Figures.
    pub counts: Counts,
    /// Places that the run came by.
    pub marks: BTreeSet<&'static str>,
}

/// Everything of a run.
pub struct World {
    pub(crate) plan: Plan,
    pub(crate) bug: Option<Bug>,
    pub(crate) now: u64,
    pub(crate) nodes: Vec<SimNode>,
    links: Vec<Link>,
    calendar: BinaryHeap<Reverse<(u64, u64, Event)>>,
    entries: u64,
    duties: BTreeSet<usize>,
    gathering: BTreeSet<usize>,
    pub(crate) ledger: Ledger,
    /// Every number that an author used, with its commit.
    pub(crate) numbers: BTreeMap<(AuthorId, Scope, u64), CommitHash>,
    /// What each node was seen to hold.
    pub(crate) seen: Vec<Frontier>,
    /// What a node told others that it has on disk.
    pub(crate) told: Vec<BTreeMap<(Scope, AuthorId), u64>>,
    /// Commits whose signature was looked at.
    pub(crate) verified: BTreeSet<(Vec<u8>, [u8; 32])>,
    /// Requests that a node acknowledged.
    pub(crate) acknowledged: Vec<Vec<usize>>,
    network: Stream,
    disks: Stream,
    sessions: Stream,
    pub(crate) checks: Stream,
    rogue: people::Rogue,
    trace: blake3::Hasher,
    pub(crate) counts: Counts,
    marks: BTreeSet<&'static str>,
    is_healed: bool,
}

impl World {
    /// Runs a plan to its end, or to the first broken promise.
    pub fn run(plan: &Plan, bug: Option<Bug>) -> Report {
        let mut world = Self::empty(plan, bug);
        let violation = world.live().err();
        world.counts.acknowledged = world.ledger.acknowledged;
        world.counts.commits = world.numbers.len() as u64;
        Report { trace: *world.trace.finalize().as_bytes(), violation, counts: world.counts, marks: world.marks }
    }

    fn empty(plan: &Plan, bug: Option<Bug>) -> Self {
        let stream = |purpose| Stream::new(plan.seed, purpose);
        Self {
            plan: plan.clone(),
            bug,
            now: 0,
            nodes: Vec::new(),
            links: Vec::new(),
            calendar: BinaryHeap::new(),
            entries: 0,
            duties: BTreeSet::new(),
            gathering: BTreeSet::new(),
            ledger: Ledger::default(),
            numbers: BTreeMap::new(),
            seen: Vec::new(),
            told: Vec::new(),
            verified: BTreeSet::new(),
            acknowledged: Vec::new(),
            network: stream(Purpose::Network),
            disks: stream(Purpose::Disk),
            sessions: stream(Purpose::Sessions),
            checks: stream(Purpose::Checks),
            rogue: people::Rogue::default(),
            trace: blake3::Hasher::new(),
            counts: Counts::default(),
            marks: BTreeSet::new(),
            is_healed: false,
        }
    }

    fn live(&mut self) -> Result<(), Violation> {
        self.begin()?;
        for at in 0..self.plan.steps.len() {
            self.enter(self.plan.steps[at].at, Event::Step(at));
        }
        self.enter(self.plan.days * DAY_MS, Event::Heal);
        let most = EVENTS_MAX.0 * self.plan.days + EVENTS_MAX.1;
        while let Some(Reverse((at, _, event))) = self.calendar.pop() {
            self.now = self.now.max(at);
            self.counts.events += 1;
            if self.counts.events > most {
                return Err(Violation::of(
                    Check::Quiet,
                    format!("more than {most} events, healed: {}", self.is_healed),
                ));
            }
            self.happen(event)?;
        }
        self.check_at_rest()
    }

    fn happen(&mut self, event: Event) -> Result<(), Violation> {
        self.note(&format!("{} {event:?}", self.now));
        match event {
            Event::Step(at) => self.step_of_plan(at),
            Event::Batch(node) => self.batch(node),
            Event::Duty(node) => {
                self.duties.remove(&node);
                self.duty(node);
                Ok(())
            }
            Event::Deliver { link, side, connection } => self.deliver(link, side, connection),
            Event::Dial(link) => self.dial(link),
            Event::GiveUp { link, connection } => {
                if self.links[link].connection == connection && !self.links[link].is_free(self.now) {
                    self.hang_up(link);
                }
                Ok(())
            }
            Event::Drop { link, connection } => {
                if self.links[link].connection == connection {
                    self.hang_up(link);
                }
                Ok(())
            }
            Event::Back(node) => self.come_back(node),
            Event::Mend(node) => self.mend(node),
            Event::Repeat(call) => {
                self.send_call(call);
                Ok(())
            }
            Event::PutBack(node) => self.put_back(node),
            Event::Heal => self.heal(),
        }
    }

    /// Puts an event on the calendar.
    fn enter(&mut self, at: u64, event: Event) {
        self.entries += 1;
        self.calendar.push(Reverse((at.max(self.now), self.entries, event)));
    }

    /// Adds to the trace.
    fn note(&mut self, what: &str) {
        self.trace.update(what.as_bytes()).update(b"\n");
    }

    /// The run came by here.
    pub(crate) fn mark(&mut self, place: &'static str) {
        self.marks.insert(place);
    }

    /// A new call of a caller at a node.
    fn call(&mut self, node: usize, command: Command) -> usize {
        self.ledger.calls.push(Call { node, command, state: CallState::Open, tries: 0, last_failure: None });
        let number = self.ledger.calls.len() - 1;
        self.send_call(number);
        number
    }

    fn send_call(&mut self, number: usize) {
        let call = &mut self.ledger.calls[number];
        if call.state != CallState::Open {
            return;
        }
        call.tries += 1;
        let (node, command, tries) = (call.node, call.command.clone(), call.tries);
        let target = &self.nodes[node];
        if !target.is_up() || target.away_until > self.now || target.is_meeting {
            self.repeat_later(number);
            return;
        }
        let key = match self.bug {
            Some(Bug::RetryWithoutKey) => format!("call {number} try {tries}"),
            _other => format!("call {number}"),
        };
        let mut input = target.input(self.now, command);
        input.request =
            Some(RequestKey { id: request_of(b"till", &key), body_hash: *blake3::hash(key.as_bytes()).as_bytes() });
        self.nodes[node].queue.push(Job { tag: Tag::Call(number), input });
        self.gather(node);
    }

    fn repeat_later(&mut self, number: usize) {
        let tries = self.ledger.calls[number].tries.min(6);
        let wait = (10_000_u64 << tries) + self.network.below(5_000);
        self.enter(self.now + wait, Event::Repeat(number));
    }

    /// The node's writer works soon.
    fn gather(&mut self, node: usize) {
        if self.gathering.insert(node) {
            self.enter(self.now + GATHER_MS, Event::Batch(node));
        }
    }

    fn plan_duty(&mut self, node: usize) {
        // The second till of a store and head office keep nobody's rights.
        if !matches!(node, 0 | 2) && self.duties.insert(node) {
            self.enter(self.now + DUTY_MS, Event::Duty(node));
        }
    }

    fn duty(&mut self, node: usize) {
        let target = &mut self.nodes[node];
        if !target.is_up() || target.is_meeting {
            return;
        }
        let input = target.input(self.now, Command::Refill);
        target.queue.push(Job { tag: Tag::Duty, input });
        self.gather(node);
    }

    /// A writer handles what waits for it.
    fn batch(&mut self, node: usize) -> Result<(), Violation> {
        self.gathering.remove(&node);
        let target = &mut self.nodes[node];
        if !target.is_up() {
            return Ok(());
        }
        if target.away_until > self.now {
            let until = target.away_until;
            self.gathering.insert(node);
            self.enter(until, Event::Batch(node));
            return Ok(());
        }
        let many = target.queue.len().min(node::store::BATCH_INPUTS_MAX);
        let jobs: Vec<Job> = target.queue.drain(..many).collect();
        if jobs.is_empty() {
            return Ok(());
        }
        let is_left = !target.queue.is_empty();
        let answers = target.process(jobs);
        self.counts.batches += 1;
        if is_left {
            self.gather(node);
        }
        self.answers(node, answers)
    }

    fn answers(&mut self, node: usize, answers: Vec<(Tag, Answer)>) -> Result<(), Violation> {
        let dies_after = match std::mem::take(&mut self.nodes[node].dies_between) {
            true => Some(self.disks.below(answers.len() as u64 + 1) as usize),
            false => None,
        };
        let mut wrote = false;
        for (at, (tag, answer)) in answers.into_iter().enumerate() {
            if dies_after == Some(at) {
                self.mark("died between two answers");
                self.repeat_unanswered(node);
                return self.power_cut(node, 2_000, 512, 0);
            }
            self.note(&format!("{node} {tag:?} {answer:?}"));
            wrote |= self.answer(node, tag, &answer)?;
        }
        if wrote {
            if !self.nodes[node].is_meeting {
                self.spared(node, |world| world.check_after_batch(node))?;
            }
            self.news(node)?;
            self.plan_duty(node);
        }
        Ok(())
    }

    /// Gives one answer; says whether something new is durable.
    fn answer(&mut self, node: usize, tag: Tag, answer: &Answer) -> Result<bool, Violation> {
        match tag {
            Tag::Call(number) => {
                let site = self.nodes[node].site.clone();
                if self.network.one_in(60) && matches!(answer, Answer::Done(_)) {
                    self.mark("answer lost on its way");
                    self.repeat_later(number);
                    return Ok(true);
                }
                if self.ledger.answered(number, answer, &site) {
                    self.mark("answer lost, request repeated");
                    self.repeat_later(number);
                    return Ok(false);
                }
                if let Answer::Done(outcome) = answer {
                    self.acknowledged[node].push(number);
                    self.spared(node, |world| world.check_answer(node, number, outcome))?;
                    return Ok(true);
                }
                Ok(false)
            }
            Tag::Frame { link, side, connection, frame } => {
                let is_stored = self.stored(node, answer)?;
                self.frame_done(link, side, connection, frame, answer)?;
                Ok(is_stored)
            }
            Tag::Duty => Ok(match answer {
                Answer::Done(node::replica::Outcome::Refilled(counts)) => {
                    counts.booked + counts.loans + counts.fulfilments > 0
                }
                Answer::Failed(_) => {
                    self.enter(self.now + 60_000, Event::Duty(node));
                    self.duties.insert(node);
                    false
                }
                _other => false,
            }),
        }
    }

    /// Notes what became of commits that arrived; says whether something is new.
    fn stored(&mut self, node: usize, answer: &Answer) -> Result<bool, Violation> {
        let Answer::Done(node::replica::Outcome::Received(received)) = answer else { return Ok(false) };
        if received.set_aside > 0 {
            self.mark("commit set aside");
        }
        if received.waiting > 0 {
            self.mark("commit waits for another");
        }
        if received.duplicates > 0 {
            self.mark("commit came twice");
        }
        if let Some(refusal) = &received.refused {
            return Err(Violation::of(Check::Works, format!("node {node} refused an honest commit: {refusal:?}")));
        }
        Ok(received.stored > 0)
    }

    /// Calls that wait in a queue that is about to be lost.
    fn repeat_unanswered(&mut self, node: usize) {
        let open: Vec<usize> = (0..self.ledger.calls.len())
            .rev()
            .take(400)
            .filter(|number| {
                let call = &self.ledger.calls[*number];
                call.node == node && call.state == CallState::Open
            })
            .collect();
        for number in open {
            self.repeat_later(number);
        }
    }

    /// Any order of a site that its callers know, the younger the likelier.
    fn some_order(&self, scope: &Scope, pick: u64) -> Option<DocumentId> {
        let known: Vec<&DocumentId> =
            self.ledger.orders.keys().filter(|(held, _)| held == scope).map(|(_, id)| id).collect();
        let young = known.len().min(60);
        let among = &known[known.len() - young..];
        among.get((pick % young.max(1) as u64) as usize).map(|id| **id)
    }
}
