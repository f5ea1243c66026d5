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
//! **What it is not.** A sample: it has no seed, and a race gives equal numbers on every machine.
//!
//! **The law it keeps.** The first failure that it finds has as few forced switches as any schedule that fails ([`Merges::OfOneTask`]). Between two
//! bounds the statement is exact, too: all schedules with at most this number of forced switches have been run ([`Explored::bound`]).

use judge::RuleSet;
use serde::{Deserialize, Serialize};

use super::circles::{Between, Circles};
use super::digest::{Digest, Forgets};
use super::kept;
use super::legs::{Legs, Running, Spot, SpotKey};
use super::moment::{Moment, Recalled};
use super::nodes::{Begins, NodeId, Nodes};
use super::numbers::{Added, Numbers};
use super::strategy::{Arrives, Digests, Explored, More, Options, Strategy, What};
use super::world::Choice;

/// Which moments are taken for one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Merges {
    /// Those with one digest.
    Most,
    /// Those with one digest at which, besides, one task has the turn. These are more, and then the number of forced
    /// switches is exact.
    OfOneTask,
}

/// See the module's documentation.
pub(super) struct Complete {
    legs: Legs,
    forgets: Forgets,
    nodes: Nodes,
    circles: Circles,
    /// Where runs end.
    ends: Numbers<SpotKey>,
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

/// The run that is made now.
struct Present {
    /// The choices that it repeats.
    repeats: Vec<u8>,
    /// Choices that were made.
    made: usize,
    /// Where it leaves what is known: after this number of choices the parts of this moment are taken over.
    recalls: Option<(usize, NodeId)>,
    /// Its last moment with a choice, and what was between it and where the run is now.
    at: Begins,
    between: Between,
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
            legs: Legs::new(forgets),
            forgets,
            nodes: Nodes::new(merges),
            circles: Circles::default(),
            ends: Numbers::new(),
            run: Present::repeats(Vec::new(), None),
            forced: 0,
            now: Vec::new(),
            later: Vec::new(),
            explored: Explored::default(),
            since: 0,
            ways: Vec::new(),
        }
    }

    /// Follows a schedule along known legs.
    fn follow(&mut self, begins: Begins) -> Went {
        let (mut node, mut way) = match begins.after() {
            Some(after) if begins.is_plain() => after,
            _ => return Went::ToARun(begins),
        };
        let mut spot = self.nodes.get(node).spot;
        let mut task = self.task(node, way);
        let mut without_choice = 0;
        loop {
            let at = Begins::at(node, way);
            let Some(next) = self.step(spot, task, node) else { return Went::ToARun(at) };
            let mut ways = std::mem::take(&mut self.ways);
            let what = self.legs.ways(next, &mut ways);
            let went = match *ways {
                [] if self.ends.find(&next.key()).is_some() => Some(Went::ToItsEnd),
                [] => Some(Went::ToARun(at)),
                [_] if without_choice == WITHOUT_CHOICE => Some(Went::ToARun(at)),
                [only] => {
                    (spot, task) = (next, only);
                    without_choice += 1;
                    None
                }
                [first, ..] => match self.enter(next, at, between(without_choice)) {
                    None => Some(Went::ToItsEnd),
                    Some(new) => {
                        self.offer(new, &Options { tasks: &ways, what, current: next.current() }, Some(0));
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
    fn step(&mut self, spot: Spot, task: usize, node: NodeId) -> Option<Spot> {
        if self.since >= BETWEEN_RUNS || self.nodes.get(node).depth >= DEEP {
            return None;
        }
        let next = self.legs.step(spot, task)?;
        self.since += 1;
        self.explored.legs += 1;
        (!self.legs.is_broken(next)).then_some(next)
    }

    /// The task that goes this way.
    fn task(&mut self, node: NodeId, way: u8) -> usize {
        let mut ways = std::mem::take(&mut self.ways);
        self.legs.ways(self.nodes.get(node).spot, &mut ways);
        let task = ways[usize::from(way)];
        self.ways = ways;
        task
    }

    /// A schedule comes to a moment with a choice. Nothing where it is known.
    fn enter(&mut self, spot: Spot, before: Begins, between: Between) -> Option<NodeId> {
        let (node, added) = self.nodes.enter(spot, before);
        self.circles.arrive(before, between, node);
        if added == Added::Known {
            self.explored.merged += 1;
            return None;
        }
        self.explored.states += 1;
        let depth = u64::from(self.nodes.get(node).depth);
        self.explored.depth = self.explored.depth.max(depth + 1);
        Some(node)
    }

    /// Schedules begin with each way from here, but the one that the present schedule goes.
    fn offer(&mut self, node: NodeId, options: &Options<'_>, goes: Option<usize>) {
        for way in (0..options.tasks.len()).filter(|way| Some(*way) != goes) {
            self.begin(Begins::at(node, way as u8), options.forces(way));
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
        let Some(node) = self.enter(spot, self.run.at, self.run.between) else { return Arrives::AtKnown };
        self.run.between = Between::OneLeg;
        let free = |way: &usize| options.forces(*way) == Forces::Nothing;
        let unknown = |way: &usize| !self.legs.knows(spot, options.tasks[*way]);
        let goes = (0..options.tasks.len()).filter(free).find(unknown);
        self.offer(node, options, goes);
        let Some(goes) = goes else { return Arrives::AtKnown };
        self.run.goes = goes;
        self.run.spot = Some(spot);
        self.run.at = Begins::at(node, goes as u8);
        Arrives::AtNew
    }

    /// Something is chosen in the leg that is run. It goes the first way, and other runs the others.
    fn choose_in_leg(&mut self, options: &Options<'_>) {
        for way in 1..options.tasks.len() {
            let begins = self.nodes.with(self.run.at, way as u8);
            self.begin(begins, options.forces(way));
        }
        self.has_chosen_in_leg(0);
    }

    fn has_chosen_in_leg(&mut self, way: u8) {
        self.run.at = self.nodes.with(self.run.at, way);
        if let Some(leg) = &mut self.run.leg {
            leg.has_chosen = true;
        }
    }

    /// The choices in a circle that a fair schedule goes round for ever, once every schedule is known.
    fn circle(&mut self) -> Option<u64> {
        let Complete { circles, nodes, legs, .. } = self;
        circles.shortest(nodes.len(), |node| tasks(legs, nodes, node)).map(|choices| choices as u64)
    }

    /// The run that begins so.
    fn present(&self, begins: Begins) -> Present {
        let repeats = self.nodes.choices(begins);
        let chosen = self.nodes.then(begins).len();
        let recalls = begins.after().map(|(node, _)| (repeats.len() - chosen, node));
        Present::repeats(repeats, recalls)
    }
}

impl Present {
    fn repeats(repeats: Vec<u8>, recalls: Option<(usize, NodeId)>) -> Present {
        Present {
            repeats,
            made: 0,
            recalls,
            at: Begins::FIRST,
            between: Between::OneLeg,
            spot: None,
            leg: None,
            goes: 0,
        }
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
        let from = self.nodes.get(node).spot;
        let recalled = self.legs.recalled(from);
        self.run.leg = Some(Running { from, task, has_chosen: false });
        self.run.at = Begins::at(node, way);
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
            [] if self.legs.is_broken(spot) => Arrives::AtNew,
            [] if self.ends.add(spot.key()).1 == Added::New => Arrives::AtNew,
            [] => Arrives::AtKnown,
            [task] => {
                self.run.between = Between::OneTask;
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
            let Some(begins) = self.now.pop() else {
                self.explored.circle = self.circle();
                return More::No;
            };
            if let Went::ToARun(begins) = self.follow(begins) {
                self.since = 0;
                self.run = self.present(begins);
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
        self.nodes.iter().map(|node| self.legs.digest(node.spot)).collect()
    }

    fn leads(&self) -> Vec<(Digest, usize, Digest)> {
        let digest = |node| self.legs.digest(self.nodes.get(node).spot);
        let lead = |(from, way, to)| {
            (digest(from), tasks(&self.legs, &self.nodes, from)[usize::from(way)], digest(to))
        };
        self.circles.arrivals().map(lead).collect()
    }
}

/// Those who may go on at a moment, way by way.
fn tasks(legs: &Legs, nodes: &Nodes, node: NodeId) -> Vec<usize> {
    let mut ways = Vec::new();
    legs.ways(nodes.get(node).spot, &mut ways);
    ways
}

/// What was between two moments with a choice, after this number of moments without one.
const fn between(without_choice: u32) -> Between {
    if without_choice == 0 { Between::OneLeg } else { Between::OneTask }
}

/// Whether a way forces a switch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Forces {
    ASwitch,
    Nothing,
}

trait Forcing {
    /// Whether this way forces a switch: the task that has the turn could go on, or nothing has to happen at all.
    fn forces(&self, way: usize) -> Forces;
}

impl Forcing for Options<'_> {
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
