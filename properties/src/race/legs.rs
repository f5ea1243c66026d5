//! What tasks do between two moments, remembered: where a leg is known, it need not be run again.
//!
//! **What it is.** A *leg* is what one task does from where it is chosen up to where it is decided again who goes on. [`Legs`] remembers
//! each leg that was run: from which shared state and which past of the task, to which; and what has happened in it. A *spot* is a moment by
//! its parts. [`Legs::step`] gives the spot to which a known leg leads, without a run.
//!
//! **Why it is sound.** What a task does depends on what it has read so far, which is its past, and on what it reads in the leg. That stands in
//! the contents of mutexes, the waiters, the clock, the disk, the network and the clients: in the shared state. Nothing else can be read: not the
//! past of another task, and not what the rules remember. So two legs from one shared state with one past do the same: they lead to one
//! shared state and one past, and record the same events. These are the assumptions of `digest.rs`, used once more: that digest is right
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
//! (`tests/races/complete.rs`). Where states are kept (`kept.rs`), each run compares what legs say with what it comes to. Each of
//! [`Forgets::OF_LEGS`] breaks these tests.

use std::collections::BTreeMap;
use std::hash::Hash as _;

use judge::RuleSet;

use super::digest::{Digest, Forgets};
use super::happened::Happened;
use super::moment::{Local, Moment, Recalled, Watchers, whole};
use super::strategy::What;
use super::world::{Host, Ticking, list_ways};

/// A moment, by its parts.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    shared: SharedId,
    /// By task.
    locals: Box<[LocalId]>,
    watchers: WatchersId,
    /// The task that had the turn.
    current: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct SharedId(u32);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct LocalId(u32);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct WatchersId(u32);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct HappenedId(u32);

/// See the module's documentation.
pub(super) struct Legs {
    forgets: Forgets,
    shared: Table<Digest, Shared>,
    locals: Table<Local, Local>,
    watchers: Table<Digest, Watched>,
    happened: Table<Digest, Box<[Happened]>>,
    legs: BTreeMap<(SharedId, u8, LocalId), Leg>,
    heard: BTreeMap<(WatchersId, HappenedId), WatchersId>,
    /// Rules that have had something to decide.
    decided: RuleSet,
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
    digest: Digest,
    /// The tasks that may go on.
    runnable: Box<[usize]>,
    host: Host,
    contents: Box<[Digest]>,
    is_broken: bool,
}

struct Watched {
    digest: Digest,
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

/// Things with numbers, each known by its key.
struct Table<K, T> {
    numbers: BTreeMap<K, u32>,
    all: Vec<T>,
}

impl<K: Ord, T> Table<K, T> {
    fn new() -> Table<K, T> {
        Table { numbers: BTreeMap::new(), all: Vec::new() }
    }

    fn add(&mut self, key: K, value: impl FnOnce() -> T) -> u32 {
        let Table { numbers, all } = self;
        *numbers.entry(key).or_insert_with(|| {
            all.push(value());
            all.len() as u32 - 1
        })
    }

    fn get(&self, number: u32) -> &T {
        &self.all[number as usize]
    }
}

impl Legs {
    pub(super) fn new(forgets: Forgets) -> Legs {
        Legs {
            forgets,
            shared: Table::new(),
            locals: Table::new(),
            watchers: Table::new(),
            happened: Table::new(),
            legs: BTreeMap::new(),
            heard: BTreeMap::new(),
            decided: RuleSet::EMPTY,
        }
    }

    /// Rules that have had something to decide in a leg.
    pub(super) fn decided(&self) -> RuleSet {
        self.decided
    }

    pub(super) fn digest(&self, spot: &Spot) -> Digest {
        let pasts = spot.locals.iter().map(|local| self.locals.get(local.0).past);
        let watchers = self.watchers.get(spot.watchers.0).digest;
        whole(self.shared.get(spot.shared.0).digest, pasts, watchers, self.forgets)
    }

    /// The task that has the turn at this spot.
    pub(super) fn current(&self, spot: &Spot) -> usize {
        usize::from(spot.current)
    }

    /// Whether something is broken at this spot.
    pub(super) fn is_broken(&self, spot: &Spot) -> bool {
        self.shared.get(spot.shared.0).is_broken || self.watchers.get(spot.watchers.0).is_broken
    }

    /// The ways to go from here, and what their choice is about.
    pub(super) fn ways(&self, spot: &Spot, ways: &mut Vec<usize>) -> What {
        let Shared { runnable, host, .. } = self.shared.get(spot.shared.0);
        list_ways(ways, runnable, usize::from(spot.current), *host);
        match host {
            Host::LetsTimePass => What::GoesOnOrTime,
            Host::Waits | Host::TakesPart => What::GoesOn,
        }
    }

    /// The parts of a moment, for a run that repeats the way to it.
    pub(super) fn recalled(&self, spot: &Spot) -> Recalled {
        let Shared { digest, contents, .. } = self.shared.get(spot.shared.0);
        Recalled {
            shared: *digest,
            contents: contents.clone(),
            locals: spot.locals.iter().map(|local| self.locals.get(local.0).clone()).collect(),
            watchers: self.watchers.get(spot.watchers.0).watchers.clone(),
        }
    }

    /// Whether the leg of this task from here is known.
    pub(super) fn knows(&self, spot: &Spot, task: usize) -> bool {
        !self.is_broken(spot) && self.legs.contains_key(&self.key(spot, task))
    }

    /// Where the leg of this task leads from here, if it is known.
    pub(super) fn step(&mut self, spot: &Spot, task: usize) -> Option<Spot> {
        if self.is_broken(spot) {
            return None;
        }
        let key = self.key(spot, task);
        let Leg { shared, locals: changed, happened } = self.legs.get(&key)?;
        let (shared, happened) = (*shared, *happened);
        let mut locals = spot.locals.to_vec();
        changed.iter().for_each(|(task, local)| set(&mut locals, usize::from(*task), *local));
        let watchers = match self.forgets {
            Forgets::LegEvents => spot.watchers,
            _ => self.hear(spot.watchers, happened),
        };
        Some(Spot { shared, locals: locals.into(), watchers, current: task as u8 })
    }

    /// The spot of a moment to which a run has come by this leg; nothing where it is its first.
    pub(super) fn arrive(&mut self, by: Option<&Running>, moment: &Moment<'_>) -> Spot {
        let shared = self.add_shared(moment);
        let current = moment.current() as u8;
        let mut changed = Vec::new();
        let mut locals = by.map(|leg| leg.from.locals.to_vec()).unwrap_or_default();
        for (number, task) in moment.tasks().enumerate() {
            if locals.get(number).is_some_and(|known| self.locals.get(known.0).is_of(task)) {
                continue;
            }
            let local = self.locals.add_local(Local::of(task));
            changed.push((number as u8, local));
            set(&mut locals, number, local);
        }
        let locals = locals.into_boxed_slice();
        let Some(Running { from, task, has_chosen }) = by else {
            let watchers = self.add_watchers(moment.watchers());
            return Spot { shared, locals, watchers, current };
        };
        let happened = self.add_happened(moment.happened());
        let watchers = self.hear(from.watchers, happened);
        let whole = !self.shared.get(shared.0).is_broken && !self.is_broken(from) && !has_chosen;
        if whole {
            let leg = Leg { shared, locals: changed.into(), happened };
            self.legs.insert(self.key(from, *task), leg);
        }
        Spot { shared, locals, watchers, current }
    }

    fn key(&self, spot: &Spot, task: usize) -> (SharedId, u8, LocalId) {
        let local = spot.locals.get(task).copied().unwrap_or(LocalId(u32::MAX));
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
            digest,
            runnable: moment.runnable().into(),
            host,
            contents: moment.contents().collect(),
            is_broken: moment.is_broken(),
        }))
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
        WatchersId(self.watchers.add(digest, || Watched { digest, watchers, is_broken }))
    }

    /// What those who watch remember after this has happened.
    fn hear(&mut self, before: WatchersId, happened: HappenedId) -> WatchersId {
        let told = self.happened.get(happened.0);
        if told.is_empty() {
            return before;
        }
        if let Some(known) = self.heard.get(&(before, happened)) {
            return *known;
        }
        let mut watchers = self.watchers.get(before.0).watchers.clone();
        watchers.hear(told);
        let after = self.add_watchers(watchers);
        self.heard.insert((before, happened), after);
        after
    }
}

impl Table<Local, Local> {
    fn add_local(&mut self, local: Local) -> LocalId {
        LocalId(self.add(local.clone(), || local))
    }
}

/// The local state of a task that was not there before is added.
fn set(locals: &mut Vec<LocalId>, task: usize, local: LocalId) {
    match locals.get_mut(task) {
        Some(known) => *known = local,
        None => locals.push(local),
    }
}
