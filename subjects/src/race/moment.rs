//! A moment of a run that merges: its parts, each with its digest, and how a run that repeats another one takes them over.
//!
//! **What it is.** [`Moment`] is what a [`Strategy`] is shown wherever it is decided who goes on. [`Recalled`] are the parts of a moment that no
//! task knows. A run that repeats the way to a moment keeps no digest and passes nothing to the rules until it is there. Then it is
//! given them.
//!
//! **The law it keeps.** What all tasks share is computed again where parts are taken over. A run that has come to another moment ends with a panic,
//! which is a verdict: something depends on what is in no digest.
//!
//! [`Strategy`]: super::strategy::Strategy

use std::hash::{Hash, Hasher};

use contract::event::By;
use contract::{CallId, EventView};
use engine::core::Core;
use judge::Judge;

use super::digest::{Digest, Forgets, Past};
use super::happened::Happened;
use super::order::Shared;
use super::refined::{Refined, shown};
use super::strategy::{Arrives, Digests, Idle, What};
use super::world::{Events, Inner, Mode, Task, Ticking};

/// A point of a run at which it is decided who goes on.
#[derive(Clone, Copy)]
pub struct Moment<'a> {
    inner: &'a Inner,
    runnable: &'a [usize],
    forgets: Forgets,
}

impl std::fmt::Debug for Moment<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Moment").field("ways", &self.ways()).field("current", &self.current()).finish()
    }
}

impl<'a> Moment<'a> {
    /// See `digest.rs`.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let pasts = self.tasks().map(|task| task.past);
        whole(self.shared(), pasts, self.watchers().digest(), self.forgets)
    }

    /// The tasks that may go on; the environment is task 0. Without one the run is at its end, and with one there is no choice.
    #[must_use]
    pub fn ways(&self) -> &'a [usize] {
        &self.inner.options
    }

    /// The task that had the turn.
    #[must_use]
    pub fn current(&self) -> usize {
        self.inner.current
    }

    /// What would be chosen now.
    #[must_use]
    pub fn what(&self) -> What {
        self.inner.what()
    }

    /// Whether the host takes part in the race.
    #[must_use]
    pub fn ticking(&self) -> Ticking {
        self.inner.ticking
    }

    /// The tasks that may go on, in the order of their numbers.
    #[must_use]
    pub fn runnable(&self) -> &'a [usize] {
        self.runnable
    }

    /// The digest of what all tasks share.
    pub fn shared(&self) -> Digest {
        self.inner.shared(self.runnable, self.forgets)
    }

    /// What the mutexes contain, in their order.
    pub fn contents(&self) -> impl Iterator<Item = Digest> {
        self.inner.locks.all_contents()
    }

    /// Every task.
    pub fn tasks(&self) -> impl Iterator<Item = &'a Task> {
        self.inner.tasks.iter()
    }

    /// What has happened since the moment before.
    pub fn happened(&self) -> &'a [Happened] {
        &self.inner.happened
    }

    /// Who watches the run.
    pub fn watchers(&self) -> Watchers {
        let judge = self.inner.judge().cloned();
        Watchers { judge, refined: self.inner.refined.clone(), seq: self.inner.seq }
    }

    /// Whether something is broken that stands in no event.
    pub fn is_broken(&self) -> bool {
        let inner = self.inner;
        inner.overwaits > 0 || inner.seen.is_some() || inner.locks.circle().is_some()
    }
}

/// The digest of a moment, of those of its parts.
pub fn whole(
    shared: Digest,
    pasts: impl Iterator<Item = Past>,
    watchers: Digest,
    forgets: Forgets,
) -> Digest {
    Digest::of(|hasher| {
        (shared, watchers).hash(hasher);
        if forgets != Forgets::Reads {
            pasts.for_each(|past| past.hash(hasher));
        }
    })
}

/// Who watches a run and has no part in it: the rules, and the protocol where the race is held to it.
#[derive(Clone)]
pub struct Watchers {
    /// The rules.
    pub judge: Option<Judge>,
    /// The protocol.
    pub refined: Option<Refined>,
    /// The number of the last event.
    seq: u64,
}

impl Watchers {
    /// The digest of what they remember.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(|hasher| {
            if let Some(judge) = &self.judge {
                judge.digest(hasher);
            }
            if let Some(refined) = &self.refined {
                refined.digest(hasher);
            }
        })
    }

    /// They receive what has happened.
    pub fn hear(&mut self, happened: &[Happened]) {
        for happened in happened {
            match (happened, happened.event()) {
                (_, Some(event)) => {
                    self.seq += 1;
                    if let Some(judge) = &mut self.judge {
                        judge.event(self.seq, &event);
                    }
                    if let Some(refined) = &mut self.refined {
                        refined.sees(&event);
                    }
                }
                (Happened::Shown(shown), None) => {
                    if let Some(refined) = &mut self.refined {
                        refined.shown(shown);
                    }
                }
                (_, None) => {}
            }
        }
    }

    /// Whether a rule is broken, or the protocol was left.
    pub fn is_broken(&self) -> bool {
        let violates = |judge: &Judge| judge.violations().next().is_some();
        self.judge.as_ref().is_some_and(violates)
            || self.refined.as_ref().is_some_and(|refined| refined.lost.is_some())
    }
}

/// What a task knows of its past.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Local {
    /// What it has read since it held nothing.
    pub past: Past,
    /// What it had read before each of its open calls.
    calls: Box<[Past]>,
}

impl Local {
    /// What this task knows.
    #[must_use]
    pub fn of(task: &Task) -> Local {
        Local { past: task.past, calls: task.calls.iter().map(|made| made.past).collect() }
    }

    /// Whether this is what the task knows.
    #[must_use]
    pub fn is_of(&self, task: &Task) -> bool {
        self.past == task.past && self.calls.iter().eq(task.calls.iter().map(|made| &made.past))
    }
}

/// The parts of a moment that a run takes over. See the module's documentation.
pub struct Recalled {
    /// What all tasks share.
    pub shared: Digest,
    /// What the mutexes contain, in their order.
    pub contents: Box<[Digest]>,
    /// By task.
    pub locals: Vec<Local>,
    /// Who watches.
    pub watchers: Watchers,
}

impl std::fmt::Debug for Recalled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recalled").field("shared", &self.shared).finish_non_exhaustive()
    }
}

impl Inner {
    /// Whether another run has been at this moment, and the run ends here.
    pub(super) fn is_known(&mut self, runnable: &[usize]) -> bool {
        if self.digests != Digests::Kept {
            return false;
        }
        let mut strategy = std::mem::replace(&mut self.strategy, Box::new(Idle));
        let forgets = strategy.forgets();
        let arrives = strategy.arrives(&Moment { inner: self, runnable, forgets });
        self.strategy = strategy;
        self.happened.clear();
        arrives == Arrives::AtKnown
    }

    /// A way from here was chosen. If it is the first that no other run has taken, the moment's parts are taken over.
    pub(super) fn recall(&mut self, runnable: &[usize]) {
        let Some(recalled) = self.strategy.recalls() else { return };
        let forgets = self.strategy.forgets();
        let Recalled { shared, contents, locals, watchers } = recalled;
        if self.digests == Digests::Later {
            self.digests = Digests::Kept;
            self.locks.recall(&contents);
            for (task, local) in self.tasks.iter_mut().zip(&locals) {
                task.past = local.past;
                task.calls.iter_mut().zip(&local.calls).for_each(|(made, past)| made.past = *past);
            }
            self.seq = self.seq.max(watchers.seq);
            if let (Events::Judged(judge), Some(recalled)) = (&mut self.events, watchers.judge) {
                **judge = recalled;
            }
            self.refined = watchers.refined;
        } else {
            let moment = Moment { inner: self, runnable, forgets };
            assert!(moment.watchers().digest() == watchers.digest(), "the rules remember something else");
        }
        let locals = locals.iter();
        let same = self.tasks.len() == locals.len() && self.tasks.iter().zip(locals).all(|(a, b)| b.is_of(a));
        assert!(
            same && self.shared(runnable, forgets) == shared,
            "a run repeats the choices of another one, and comes to another moment: something depends on what is in no digest",
        );
        self.happened.clear();
    }

    /// The task that runs has read this: what it does from here on may depend on it.
    pub(super) fn reads(&mut self, what: impl Hash) {
        if self.digests == Digests::Kept && self.mode != Mode::Over {
            self.me().past.then(what);
        }
    }

    /// The task that runs comes to something that tasks share.
    pub(super) fn touches(&mut self, shared: Shared) {
        if self.mode == Mode::Racing {
            self.order.touch(shared, self.current);
        }
    }

    /// The task that runs holds nothing of what it has read, and stands at this place.
    pub(super) fn holds_nothing(&mut self, place: impl Hash) {
        if self.digests == Digests::Kept {
            self.me().past = Past::at(place);
        }
    }

    /// Of all that it has read in its present call, or since it held nothing, only this counts from here on.
    pub(super) fn carries(&mut self, what: impl Hash) {
        if self.digests == Digests::Kept && self.mode != Mode::Over {
            let forgets = self.strategy.forgets() == Forgets::Carried;
            let me = self.me();
            me.past = me.calls.last().map_or_else(Past::default, |made| made.past);
            match forgets {
                true => me.past.then("carries"),
                false => me.past.then(("carries", what)),
            }
        }
    }

    /// The lock is given back, and this is the core then.
    pub(super) fn shows(&mut self, core: &Core) {
        if let Some(refined) = &mut self.refined {
            let shown = shown(core);
            refined.shown(&shown);
            self.happened.push(Happened::Shown(shown));
        }
    }

    /// The judge, where events are judged as they come.
    pub(super) fn judge(&self) -> Option<&Judge> {
        match &self.events {
            Events::Judged(judge) => Some(judge),
            Events::Written(_) | Events::Dropped => None,
        }
    }

    /// The tasks that wait for a notification, by condition variable.
    pub(super) fn waiting(&self) -> &[Vec<usize>] {
        &self.condvars
    }

    /// Adds what is known of calls and callbacks beyond what each task knows of its own.
    pub(super) fn hash_calls<H: Hasher>(&self, state: &mut H) {
        let mut telling = self.telling.clone();
        telling.sort_unstable();
        let mut ended = self.ended.clone();
        ended.sort_unstable();
        ended.dedup();
        (self.open, telling, ended).hash(state);
    }

    /// By which name the rules know an open call. In a run that merges it is named by its task, so that the order in which two tasks call does
    /// not show in their names.
    pub(super) fn name_of(&self, id: CallId) -> CallId {
        let made = self.tasks.iter().flat_map(|task| &task.calls).find(|made| made.id == id);
        made.map_or(id, |made| made.name)
    }

    /// The event with the names that the rules know. A call that is back is forgotten.
    pub(super) fn renamed<'a>(&mut self, event: EventView<'a>) -> EventView<'a> {
        let merges = self.digests != Digests::None;
        let name = |id| if merges { self.name_of(id) } else { id };
        let renamed = match event {
            EventView::Call { id, caller, job, call } => EventView::Call { id: name(id), caller, job, call },
            EventView::Return { id, job, call, hr, out } => {
                EventView::Return { id: name(id), job, call, hr, out }
            }
            EventView::Wait { id, job, delivery } => EventView::Wait { id: name(id), job, delivery },
            EventView::State { job, from, to, by: By::Call(id) } => {
                EventView::State { job, from, to, by: By::Call(name(id)) }
            }
            other => other,
        };
        if let EventView::Return { .. } = event {
            self.me().calls.pop();
        }
        renamed
    }
}
