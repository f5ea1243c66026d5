//! Every schedule of a race, up to those whose rest is known.
//!
//! **What it is.** [`Complete`] runs schedules in the order of the switches that they force: first the one that forces none, then those with one,
//! and so on. A *forced switch* takes the turn from a task that could go on, or lets time pass or a task wake without need. A schedule that
//! comes to a moment with a known digest (`digest.rs`) ends there. When no schedule is left, every schedule of the race has been run,
//! up to its rest being that of another one.
//!
//! The service itself is run only where a schedule comes to a leg that is not known yet (`legs.rs`). Such a run repeats the choices that lead there, without
//! a digest and without a rule, and takes over the parts of the moment. Then it goes on along legs that are not known, as far as there are any
//! that force no switch. Between runs schedules go along known legs, which costs about a hundredth.
//!
//! **What it is not.** A sample: it has no seed, and the same race gives the same numbers on every machine.
//!
//! **The law it keeps.** The first failure that it finds has as few forced switches as any schedule that fails ([`Merges::OfOneTask`]). Between two
//! bounds the statement is exact, too: all schedules with at most so many forced switches have been run ([`Explored::bound`]).

use std::collections::BTreeSet;

use judge::RuleSet;
use serde::{Deserialize, Serialize};

use super::digest::{Digest, Forgets};
use super::kept;
use super::legs::{Legs, Running, Spot};
use super::moment::{Moment, Recalled};
use super::strategy::{Arrives, Digests, More, Options, Strategy, What};
use super::world::Choice;

/// Which moments are taken for one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Merges {
    /// Those with one digest.
    Most,
    /// Those with one digest at which, besides, one and the same task has the turn. These are more, and then the number of forced
    /// switches is exact.
    OfOneTask,
}

/// How far a complete exploration has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Explored {
    /// Moments with a choice of who goes on, no two with one digest.
    pub states: u64,
    /// Schedules that ended at a moment that was known.
    pub merged: u64,
    /// Legs, those of runs and those that were known.
    pub legs: u64,
    /// Legs that were run.
    pub run: u64,
    /// Choices in the longest schedule.
    pub depth: u64,
    /// Every schedule that forces at most so many switches has been run; none when not even those without one have.
    pub bound: Option<u32>,
}

/// See the module's documentation.
pub(super) struct Complete {
    merges: Merges,
    legs: Legs,
    forgets: Forgets,
    /// Moments with a choice, and the ends of runs.
    known: BTreeSet<(Digest, usize)>,
    ends: BTreeSet<Digest>,
    nodes: Vec<Node>,
    run: Present,
    /// How many switches the present schedules force.
    forced: u32,
    /// How schedules begin that force as many switches as the present one.
    now: Vec<Begins>,
    /// How schedules begin that force one more.
    later: Vec<Begins>,
    explored: Explored,
    /// Legs since the last run.
    since: u32,
    /// Kept to be used again.
    ways: Vec<usize>,
}

/// A moment with a choice, and how it is reached.
struct Node {
    before: Begins,
    spot: Spot,
    /// Choices up to here.
    depth: u32,
}

/// The number of a [`Node`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct NodeId(u32);

/// The beginning of a schedule.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Begins {
    /// The last moment with a choice, and the way from there; nothing before the first one.
    after: Option<(NodeId, u8)>,
    /// What is chosen in the legs that follow, besides who goes on.
    then: Box<[u8]>,
}

/// The run that is made now.
#[derive(Default)]
struct Present {
    /// The choices that it repeats.
    repeats: Vec<u8>,
    /// Choices that were made.
    made: usize,
    /// Where it leaves what is known: so many choices are made when the parts of this moment are taken over.
    recalls: Option<(usize, NodeId)>,
    /// Its last moment with a choice.
    at: Begins,
    /// The moment to which it has come, where a task is about to be chosen.
    spot: Option<Spot>,
    /// The leg under way.
    leg: Option<Running>,
    /// The way to go at the next choice of who goes on.
    goes: usize,
}

/// A strategy that runs every schedule, with a part of the reduction left out: for tests that hold it to what it claims.
#[must_use]
pub fn complete(merges: Merges, forgets: Forgets) -> Box<dyn Strategy> {
    Box::new(Complete::new(merges, forgets))
}

/// What became of a schedule that went along known legs.
enum Went {
    /// It has ended.
    ToItsEnd,
    /// A leg has to be run.
    ToARun(Begins),
}

/// Legs between two runs at most: a run shows who waits that it goes on.
const BETWEEN_RUNS: u32 = 1 << 16;

/// Legs after one another without a choice, after which the schedule is run: if it goes round in a circle, a run shows that.
const WITHOUT_CHOICE: u32 = 1_000;

/// Choices in a schedule beyond which it is run: if it has no end, a run shows that.
const DEEP: u32 = 8_000;

impl Complete {
    fn new(merges: Merges, forgets: Forgets) -> Complete {
        Complete {
            merges,
            legs: Legs::new(forgets),
            forgets,
            known: BTreeSet::new(),
            ends: BTreeSet::new(),
            nodes: Vec::new(),
            run: Present::default(),
            forced: 0,
            now: Vec::new(),
            later: Vec::new(),
            explored: Explored::default(),
            since: 0,
            ways: Vec::new(),
        }
    }

    fn node(&self, node: NodeId) -> &Node {
        &self.nodes[node.0 as usize]
    }

    /// Follows a schedule along known legs.
    fn follow(&mut self, begins: Begins) -> Went {
        let (mut node, mut way) = match begins.after {
            Some(after) if begins.then.is_empty() => after,
            _ => return Went::ToARun(begins),
        };
        let mut spot = self.node(node).spot.clone();
        let mut task = self.task(node, way);
        let mut without_choice = 0;
        loop {
            let at = Begins { after: Some((node, way)), then: Box::default() };
            let Some(next) = self.step(&spot, task, node) else { return Went::ToARun(at) };
            let mut ways = std::mem::take(&mut self.ways);
            let what = self.legs.ways(&next, &mut ways);
            let went = match *ways {
                [] if self.ends.contains(&self.legs.digest(&next)) => Some(Went::ToItsEnd),
                [] => Some(Went::ToARun(at)),
                [_] if without_choice == WITHOUT_CHOICE => Some(Went::ToARun(at)),
                [only] => {
                    (spot, task) = (next, only);
                    without_choice += 1;
                    None
                }
                [first, ..] => match self.enter(next.clone(), at) {
                    None => Some(Went::ToItsEnd),
                    Some(new) => {
                        let current = self.legs.current(&next);
                        self.offer(new, &Options { tasks: &ways, what, current }, Some(0));
                        (node, way, spot, task) = (new, 0, next, first);
                        without_choice = 0;
                        None
                    }
                },
            };
            self.ways = ways;
            if let Some(went) = went {
                return went;
            }
        }
    }

    /// Where a leg leads, if it is known and breaks nothing.
    fn step(&mut self, spot: &Spot, task: usize, node: NodeId) -> Option<Spot> {
        if self.since >= BETWEEN_RUNS || self.node(node).depth >= DEEP {
            return None;
        }
        let next = self.legs.step(spot, task)?;
        self.since += 1;
        self.explored.legs += 1;
        (!self.legs.is_broken(&next)).then_some(next)
    }

    /// The task that goes this way.
    fn task(&mut self, node: NodeId, way: u8) -> usize {
        let mut ways = std::mem::take(&mut self.ways);
        self.legs.ways(&self.node(node).spot, &mut ways);
        let task = ways[usize::from(way)];
        self.ways = ways;
        task
    }

    /// A schedule comes to a moment with a choice. Nothing where it is known.
    fn enter(&mut self, spot: Spot, before: Begins) -> Option<NodeId> {
        let current = match self.merges {
            Merges::Most => 0,
            Merges::OfOneTask => self.legs.current(&spot),
        };
        if !self.known.insert((self.legs.digest(&spot), current)) {
            self.explored.merged += 1;
            return None;
        }
        let choices = before.then.len() as u32;
        let depth = choices + before.after.map_or(0, |(node, _)| self.node(node).depth + 1);
        self.explored.states += 1;
        self.explored.depth = self.explored.depth.max(u64::from(depth) + 1);
        self.nodes.push(Node { before, spot, depth });
        Some(NodeId(self.nodes.len() as u32 - 1))
    }

    /// Schedules begin with each way from here, but the one that the present schedule goes.
    fn offer(&mut self, node: NodeId, options: &Options<'_>, goes: Option<usize>) {
        for way in (0..options.tasks.len()).filter(|way| Some(*way) != goes) {
            let begins = Begins { after: Some((node, way as u8)), then: Box::default() };
            self.begin(begins, options.forces(way));
        }
    }

    fn begin(&mut self, begins: Begins, forces: Forces) {
        match forces {
            Forces::ASwitch => self.later.push(begins),
            Forces::Nothing => self.now.push(begins),
        }
    }

    /// The present run comes to a moment with a choice. It goes on where it comes to what is not known.
    fn arrives_at_choice(&mut self, spot: Spot, options: &Options<'_>) -> Arrives {
        let before = std::mem::take(&mut self.run.at);
        let Some(node) = self.enter(spot.clone(), before) else { return Arrives::AtKnown };
        let free = |way: &usize| options.forces(*way) == Forces::Nothing;
        let unknown = |way: &usize| !self.legs.knows(&spot, options.tasks[*way]);
        let goes = (0..options.tasks.len()).filter(free).find(unknown);
        self.offer(node, options, goes);
        let Some(goes) = goes else { return Arrives::AtKnown };
        self.run.goes = goes;
        self.run.spot = Some(spot);
        self.run.at = Begins { after: Some((node, goes as u8)), then: Box::default() };
        Arrives::AtNew
    }

    /// Something is chosen in the leg that is run. It goes the first way, and other runs the others.
    fn choose_in_leg(&mut self, options: &Options<'_>) {
        for way in 1..options.tasks.len() {
            let begins = self.run.at.with(way as u8);
            self.begin(begins, options.forces(way));
        }
        self.has_chosen_in_leg(0);
    }

    fn has_chosen_in_leg(&mut self, way: u8) {
        self.run.at = self.run.at.with(way);
        if let Some(leg) = &mut self.run.leg {
            leg.has_chosen = true;
        }
    }

    /// The run that begins so.
    fn present(&self, begins: &Begins) -> Present {
        let mut parts: Vec<(&[u8], Option<u8>)> = Vec::new();
        let mut at = begins;
        loop {
            parts.push((&at.then, at.after.map(|(_, way)| way)));
            let Some((node, _)) = at.after else { break };
            at = &self.node(node).before;
        }
        let choices =
            parts.into_iter().rev().flat_map(|(then, way)| way.into_iter().chain(then.iter().copied()));
        let repeats: Vec<u8> = choices.collect();
        let recalls = begins.after.map(|(node, _)| (repeats.len() - begins.then.len(), node));
        Present { repeats, recalls, ..Present::default() }
    }
}

impl Begins {
    /// The same, and this is chosen in the leg that follows.
    fn with(&self, way: u8) -> Begins {
        let then = self.then.iter().copied().chain(Some(way)).collect();
        Begins { after: self.after, then }
    }
}

impl Strategy for Complete {
    fn choose(&mut self, options: &Options<'_>) -> usize {
        let known = self.run.repeats.get(self.run.made).copied();
        self.run.made += 1;
        match (known, options.what) {
            // It is recalled what leads on from here, or is still to be.
            (Some(way), What::GoesOn | What::GoesOnOrTime) => usize::from(way),
            (Some(way), _) if self.run.recalls.is_some() => usize::from(way),
            (Some(way), What::Wakes | What::WakesWithoutCause) => {
                self.has_chosen_in_leg(way);
                usize::from(way)
            }
            (None, What::GoesOn | What::GoesOnOrTime) => {
                let way = self.run.goes;
                let from = self.run.spot.take();
                self.run.leg = from.map(|from| Running { from, task: options.tasks[way], has_chosen: false });
                way
            }
            (None, What::Wakes | What::WakesWithoutCause) => {
                self.choose_in_leg(options);
                0
            }
        }
    }

    /// Where states are kept, a run makes digests from its beginning, and compares.
    fn digests(&self) -> Digests {
        if self.run.recalls.is_some() && !kept::is_keeping() { Digests::Later } else { Digests::Kept }
    }

    fn forgets(&self) -> Forgets {
        self.forgets
    }

    fn recalls(&mut self) -> Option<Recalled> {
        let (_, node) = self.run.recalls.take_if(|(made, _)| *made == self.run.made)?;
        let way = *self.run.repeats.get(self.run.made - 1)?;
        let task = self.task(node, way);
        let from = self.node(node).spot.clone();
        let recalled = self.legs.recalled(&from);
        self.run.leg = Some(Running { from, task, has_chosen: false });
        self.run.at = Begins { after: Some((node, way)), then: Box::default() };
        Some(recalled)
    }

    fn arrives(&mut self, moment: &Moment<'_>) -> Arrives {
        if self.run.recalls.is_some() {
            return Arrives::AtNew;
        }
        let leg = self.run.leg.take();
        let spot = self.legs.arrive(leg.as_ref(), moment);
        self.explored.legs += 1;
        self.explored.run += 1;
        match *moment.ways() {
            [] if self.legs.is_broken(&spot) => Arrives::AtNew,
            [] if self.ends.insert(self.legs.digest(&spot)) => Arrives::AtNew,
            [] => Arrives::AtKnown,
            [task] => {
                self.run.leg = Some(Running { from: spot, task, has_chosen: false });
                Arrives::AtNew
            }
            ref tasks => {
                let (what, current) = (moment.what(), moment.current());
                self.arrives_at_choice(spot, &Options { tasks, what, current })
            }
        }
    }

    fn next(&mut self, _: &[Choice]) -> More {
        loop {
            if self.now.is_empty() {
                self.explored.bound = Some(self.forced);
                self.forced += 1;
                std::mem::swap(&mut self.now, &mut self.later);
            }
            let Some(begins) = self.now.pop() else { return More::No };
            if let Went::ToARun(begins) = self.follow(begins) {
                self.since = 0;
                self.run = self.present(&begins);
                return More::Yes;
            }
        }
    }

    fn explored(&self) -> Option<Explored> {
        Some(self.explored)
    }

    fn decided(&self) -> RuleSet {
        self.legs.decided()
    }

    fn moments(&self) -> Vec<Digest> {
        self.known.iter().map(|(digest, _)| *digest).collect()
    }
}

/// Whether a way forces a switch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Forces {
    ASwitch,
    Nothing,
}

impl Options<'_> {
    /// Whether this way forces a switch: the task that has the turn could go on, or nothing has to happen at all.
    fn forces(&self, way: usize) -> Forces {
        let goes_on = self.tasks.first() == Some(&self.current);
        let passes = self.what == What::GoesOnOrTime && way + 1 == self.tasks.len();
        let forces = match self.what {
            What::GoesOn | What::GoesOnOrTime => goes_on && way > 0 || passes,
            What::Wakes => false,
            What::WakesWithoutCause => way > 0,
        };
        if forces { Forces::ASwitch } else { Forces::Nothing }
    }
}
