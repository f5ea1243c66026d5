//! What tasks do between two moments, remembered: where a leg is known, it need not be run again.
//!
//! **What it is.** A *leg* is what one task does from where it is chosen up to where it is decided again who goes on. [`Legs`] remembers
//! each leg that was run: from which shared state and which past of the task, to which; and what has happened in it. A *spot* is a moment by
//! its parts. [`Legs::step`] gives the spot to which a known leg leads, without a run.
//!
//! **Why it is sound.** What a task does depends on what it has read so far, which is its past, and on what it reads in the leg. That stands in
//! the contents of mutexes, the waiters, the clock, the disk, the network and the clients: in the shared state. Nothing else can be read: not the
//! past of another task, and not what the rules remember. So two legs from one shared state with one past are equal: they lead to one
//! shared state and one past, and record equal events. These are the assumptions of `digest.rs`, used once more: that digest is right
//! if and only if a leg depends on these two parts.
//!
//! The rules and the protocol watch, and change nothing. What they remember after a leg is computed from what they remembered before, and from the
//! events of the leg ([`Watchers::hear`]), by the code that judges runs.
//!
//! **What is not remembered.** A leg in which something was chosen (which waiter a notification wakes), or that shows something broken outside
//! of events, is run each time. So is every leg after that, and a leg by which a rule is broken for the first time. So each failure is
//! one of a run.
//!
//! **How it is tested.** Every moment of a race without merging is a moment of its exploration by legs, and the other way round
//! (`tests/races/complete.rs`). Where states are kept (`kept.rs`), each run compares what legs give with what it comes to. Each of
//! [`Forgets::OF_LEGS`] breaks these tests.

use std::hash::Hash as _;

use judge::RuleSet;

use super::digest::{Digest, Forgets, Past};
use super::happened::Happened;
use super::moment::{Local, Moment, Recalled, Watchers, whole};
use super::numbers::{Numbers, Table};
use super::strategy::What;
use super::world::{Host, Ticking, list_ways};

/// A moment, by its parts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    shared: SharedId,
    locals: LocalsId,
    pasts: PastsId,
    watchers: WatchersId,
    /// The task that had the turn.
    current: u8,
}

/// What makes a moment the one that it is: two spots with one key have one digest, and the other way round.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct SpotKey(SharedId, PastsId, WatchersId);

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct SharedId(u32);

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct LocalId(u32);

/// The local states of all tasks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct LocalsId(u32);

/// The pasts of all tasks, which are a part of their local states.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct PastsId(u32);

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct WatchersId(u32);

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct HappenedId(u32);

/// See the module's documentation.
pub(super) struct Legs {
    forgets: Forgets,
    shared: Table<Digest, Shared>,
    local: Numbers<Local>,
    /// By task.
    locals: Table<Box<[LocalId]>, PastsId>,
    pasts: Numbers<Box<[Past]>>,
    watchers: Table<Digest, Watched>,
    happened: Table<Digest, Box<[Happened]>>,
    legs: Table<(SharedId, u8, LocalId), Leg>,
    heard: Table<(WatchersId, HappenedId), WatchersId>,
    /// Rules that have had something to decide.
    decided: RuleSet,
    /// Kept to be used again.
    next: Vec<LocalId>,
}

/// Where a leg leads, from all moments with one shared state and one past of the task.
#[derive(Clone, Debug)]
struct Leg {
    shared: SharedId,
    /// The tasks whose past is another one then, among them those that were started.
    locals: Box<[(u8, LocalId)]>,
    happened: HappenedId,
}

/// What all tasks share.
struct Shared {
    /// The tasks that may go on.
    runnable: Box<[usize]>,
    host: Host,
    contents: Box<[Digest]>,
    is_broken: bool,
}

struct Watched {
    watchers: Watchers,
    is_broken: bool,
}

/// A leg that is run: its beginning, and whether it may be remembered.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) from: Spot,
    pub(super) task: usize,
    /// Whether something was chosen in it, besides who goes on after it.
    pub(super) has_chosen: bool,
}

impl Legs {
    pub(super) fn new(forgets: Forgets) -> Legs {
        Legs {
            forgets,
            shared: Table::new(),
            local: Numbers::new(),
            locals: Table::new(),
            pasts: Numbers::new(),
            watchers: Table::new(),
            happened: Table::new(),
            legs: Table::new(),
            heard: Table::new(),
            decided: RuleSet::EMPTY,
            next: Vec::new(),
        }
    }

    /// Rules that have had something to decide in a leg.
    pub(super) fn decided(&self) -> RuleSet {
        self.decided
    }

    pub(super) fn digest(&self, spot: Spot) -> Digest {
        let locals = self.locals.key(spot.locals.0);
        let pasts = locals.iter().map(|local| self.local.get(local.0).past);
        whole(*self.shared.key(spot.shared.0), pasts, *self.watchers.key(spot.watchers.0), self.forgets)
    }

    /// Whether something is broken at this spot.
    pub(super) fn is_broken(&self, spot: Spot) -> bool {
        self.shared.get(spot.shared.0).is_broken || self.watchers.get(spot.watchers.0).is_broken
    }

    /// The ways to go from here, and what their choice is about.
    pub(super) fn ways(&self, spot: Spot, ways: &mut Vec<usize>) -> What {
        let Shared { runnable, host, .. } = self.shared.get(spot.shared.0);
        list_ways(ways, runnable, usize::from(spot.current), *host);
        match host {
            Host::LetsTimePass => What::GoesOnOrTime,
            Host::Waits | Host::TakesPart => What::GoesOn,
        }
    }

    /// The parts of a moment, for a run that repeats the way to it.
    pub(super) fn recalled(&self, spot: Spot) -> Recalled {
        let locals = self.locals.key(spot.locals.0);
        Recalled {
            shared: *self.shared.key(spot.shared.0),
            contents: self.shared.get(spot.shared.0).contents.clone(),
            locals: locals.iter().map(|local| self.local.get(local.0).clone()).collect(),
            watchers: self.watchers.get(spot.watchers.0).watchers.clone(),
        }
    }

    /// Whether the leg of this task from here is known.
    pub(super) fn knows(&self, spot: Spot, task: usize) -> bool {
        !self.is_broken(spot) && self.legs.find(&self.key(spot, task)).is_some()
    }

    /// Where the leg of this task leads from here, if it is known.
    pub(super) fn step(&mut self, spot: Spot, task: usize) -> Option<Spot> {
        if self.is_broken(spot) {
            return None;
        }
        let leg = self.legs.find(&self.key(spot, task))?;
        let Leg { shared, locals: changed, happened } = self.legs.get(leg);
        let (shared, happened) = (*shared, *happened);
        let mut next = std::mem::take(&mut self.next);
        next.clear();
        next.extend_from_slice(self.locals.key(spot.locals.0));
        changed.iter().for_each(|(task, local)| set(&mut next, usize::from(*task), *local));
        let (locals, pasts) = self.add_locals(&next);
        self.next = next;
        let watchers = match self.forgets {
            Forgets::LegEvents => spot.watchers,
            _ => self.hear(spot.watchers, happened),
        };
        Some(Spot { shared, locals, pasts, watchers, current: task as u8 })
    }

    /// The spot of a moment to which a run has come by this leg; nothing where it is its first.
    pub(super) fn arrive(&mut self, by: Option<&Running>, moment: &Moment<'_>) -> Spot {
        let shared = self.add_shared(moment);
        let current = moment.current() as u8;
        let mut changed = Vec::new();
        let from = by.map(|leg| self.locals.key(leg.from.locals.0).to_vec());
        let mut locals = from.unwrap_or_default();
        for (number, task) in moment.tasks().enumerate() {
            if locals.get(number).is_some_and(|known| self.local.get(known.0).is_of(task)) {
                continue;
            }
            let local = LocalId(self.local.add(Local::of(task)).0);
            changed.push((number as u8, local));
            set(&mut locals, number, local);
        }
        let (locals, pasts) = self.add_locals(&locals);
        let Some(Running { from, task, has_chosen }) = by else {
            let watchers = self.add_watchers(moment.watchers());
            return Spot { shared, locals, pasts, watchers, current };
        };
        let happened = self.add_happened(moment.happened());
        let watchers = self.hear(from.watchers, happened);
        let whole = !self.shared.get(shared.0).is_broken && !self.is_broken(*from) && !has_chosen;
        if whole {
            let leg = Leg { shared, locals: changed.into(), happened };
            self.legs.add(self.key(*from, *task), || leg);
        }
        Spot { shared, locals, pasts, watchers, current }
    }

    fn key(&self, spot: Spot, task: usize) -> (SharedId, u8, LocalId) {
        let local = self.locals.key(spot.locals.0).get(task).copied().unwrap_or(LocalId(u32::MAX));
        match self.forgets {
            Forgets::LegPast => (spot.shared, task as u8, LocalId(0)),
            Forgets::LegShared => (SharedId(0), task as u8, local),
            _ => (spot.shared, task as u8, local),
        }
    }

    fn add_shared(&mut self, moment: &Moment<'_>) -> SharedId {
        let digest = moment.shared();
        let host = match (moment.what(), moment.ticking()) {
            (What::GoesOnOrTime, _) => Host::LetsTimePass,
            (_, Ticking::No) => Host::Waits,
            (_, Ticking::Yes) => Host::TakesPart,
        };
        SharedId(self.shared.add(digest, || Shared {
            runnable: moment.runnable().into(),
            host,
            contents: moment.contents().collect(),
            is_broken: moment.is_broken(),
        }))
    }

    fn add_locals(&mut self, locals: &[LocalId]) -> (LocalsId, PastsId) {
        let Legs { locals: all, local, pasts, forgets, .. } = self;
        if let Some(known) = all.find(locals) {
            return (LocalsId(known), *all.get(known));
        }
        let past = |id: &LocalId| local.get(id.0).past;
        let of_all = match forgets {
            Forgets::Reads => Box::default(),
            _ => locals.iter().map(past).collect(),
        };
        let pasts = PastsId(pasts.add(of_all).0);
        (LocalsId(all.add(locals.into(), || pasts)), pasts)
    }

    fn add_happened(&mut self, happened: &[Happened]) -> HappenedId {
        let digest = Digest::of(|hasher| happened.hash(hasher));
        HappenedId(self.happened.add(digest, || happened.into()))
    }

    fn add_watchers(&mut self, watchers: Watchers) -> WatchersId {
        let decisions = watchers.judge.iter().flat_map(judge::Judge::decisions);
        let decided: RuleSet =
            decisions.filter(|(_, decisions)| *decisions > 0).map(|(rule, _)| rule).collect();
        self.decided = self.decided.union(decided);
        let (digest, is_broken) = (watchers.digest(), watchers.is_broken());
        WatchersId(self.watchers.add(digest, || Watched { watchers, is_broken }))
    }

    /// What those who watch remember after this has happened.
    fn hear(&mut self, before: WatchersId, happened: HappenedId) -> WatchersId {
        let told = self.happened.get(happened.0);
        if told.is_empty() {
            return before;
        }
        if let Some(known) = self.heard.find(&(before, happened)) {
            return *self.heard.get(known);
        }
        let mut watchers = self.watchers.get(before.0).watchers.clone();
        watchers.hear(told);
        let after = self.add_watchers(watchers);
        self.heard.add((before, happened), || after);
        after
    }
}

impl Spot {
    /// The task that has the turn here.
    pub(super) fn current(self) -> usize {
        usize::from(self.current)
    }

    pub(super) fn key(self) -> SpotKey {
        SpotKey(self.shared, self.pasts, self.watchers)
    }
}

/// The local state of a task that was not there before is added.
fn set(locals: &mut Vec<LocalId>, task: usize, local: LocalId) {
    match locals.get_mut(task) {
        Some(known) => *known = local,
        None => locals.push(local),
    }
}
