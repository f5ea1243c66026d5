//! What begins, who waits for it, and what a client is handed in the end: R3, R5 and R16 over a whole run.
//!
//! Three kinds of events that only some subjects record. A delivery *begins* under the lock as one thing and must *enter* as
//! that thing, where the run records begins; what the client's own object was *given* must be what the delivery is about, and between enter and leave it is
//! given that exactly once; and a call *waits* only for a delivery of its own job that may still be on its way.
//!
//! A leave and a call from inside a callback are recorded before the engine's lock is taken, a wait while it is held. So a wait
//! that is recorded after the leave of its delivery is no mistake yet. It is one when it cannot be in time: when a later
//! delivery of the job has begun (clause 1 of contract section 4), or when the delivery had already had an answer from the
//! engine (clause 4). A wait inside that very delivery, or for one of another job, is always a mistake.

use std::collections::{BTreeMap, BTreeSet};

use contract::env::EnvStep;
use contract::event::{By, EventView, Given, Recorded, Target};
use contract::hresult::HResult;
use contract::ids::{CallId, DeliveryId, FileId, JobId};
use contract::notify::Event;
use contract::state::JobState;

use contract::{Rule, RuleSet};

/// What is on its way, in a whole run.
#[derive(Clone, Hash, Debug, Default)]
pub(crate) struct Handed {
    /// Whether the run records what clients are given.
    records_given: Seen,
    /// Whether it records the begin of each delivery.
    records_begin: Seen,
    /// Deliveries that have begun or entered and have not left.
    told: BTreeMap<DeliveryId, Told>,
    /// The delivery of each job that began last.
    begun_last: BTreeMap<JobId, DeliveryId>,
    /// Open calls that were made from inside a callback.
    inside: BTreeMap<CallId, DeliveryId>,
    /// The codes with which each job went to ERROR, the present one last.
    errors: BTreeMap<JobId, Errors>,
}

#[derive(Clone, Copy, Hash, Debug)]
struct Told {
    about: About,
    /// The job's error when it began; none when its begin was not seen, or the error is not known.
    error: Option<HResult>,
    begun: Seen,
    /// Whether a call from inside it is back.
    answered: Seen,
    /// Whether the client's object was called.
    given: Seen,
}

impl Told {
    fn new(about: About) -> Told {
        Told { about, error: None, begun: Seen::No, answered: Seen::No, given: Seen::No }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
enum Seen {
    #[default]
    No,
    Yes,
}

/// What a delivery is about.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct About {
    job: JobId,
    event: Event,
    target: Target,
    file: Option<FileId>,
}

#[derive(Clone, Hash, Debug, Default)]
struct Errors {
    now: Option<HResult>,
    ever: BTreeSet<HResult>,
    /// One came whose code is not known, so that any may be given.
    unknown: bool,
}

impl Handed {
    /// Of a run that records these kinds of events.
    pub(crate) fn recorded(kinds: &[Recorded]) -> Handed {
        let records = |kind| if kinds.contains(&kind) { Seen::Yes } else { Seen::No };
        let (records_given, records_begin) = (records(Recorded::Given), records(Recorded::Begin));
        Handed { records_given, records_begin, ..Handed::default() }
    }

    /// Takes in an event: the rules it breaks, and those that had something to decide.
    pub(crate) fn event(&mut self, event: &EventView<'_>) -> (RuleSet, RuleSet) {
        match *event {
            EventView::Begin { delivery, job, event, target, file } => {
                let error = self.errors.get(&job).and_then(|errors| errors.now);
                let about = About { job, event, target, file };
                self.told.insert(delivery, Told { error, begun: Seen::Yes, ..Told::new(about) });
                if matches!(target, Target::Interface(_)) {
                    self.begun_last.insert(job, delivery);
                }
                NOTHING
            }
            EventView::Enter { delivery, job, event, target, file } => {
                self.enter(delivery, About { job, event, target, file })
            }
            EventView::Given { delivery, given, .. } => self.given(delivery, given),
            EventView::Wait { id, job, delivery } => self.wait(id, job, delivery),
            EventView::Leave { delivery, .. } => self.leave(delivery),
            EventView::Call { id, caller, .. } => {
                if let Some(delivery) = caller.inside {
                    self.inside.insert(id, delivery);
                }
                NOTHING
            }
            EventView::Return { id, .. } => {
                let inside = self.inside.remove(&id);
                if let Some(told) = inside.and_then(|delivery| self.told.get_mut(&delivery)) {
                    told.answered = Seen::Yes;
                }
                NOTHING
            }
            EventView::State { job, to: JobState::Error, by, .. } => {
                self.fails(job, by);
                NOTHING
            }
            EventView::State { .. } | EventView::Env { .. } => NOTHING,
        }
    }

    /// The service started again: what was on its way is gone.
    pub(crate) fn restart(&mut self) {
        self.told.clear();
        self.begun_last.clear();
        self.inside.clear();
    }

    fn fails(&mut self, job: JobId, by: By) {
        let errors = self.errors.entry(job).or_default();
        errors.now = match by {
            By::Env(EnvStep::FatalError { hr }) => Some(hr),
            _ => None,
        };
        match errors.now {
            Some(hr) => drop(errors.ever.insert(hr)),
            None => errors.unknown = true,
        }
    }

    fn enter(&mut self, delivery: DeliveryId, about: About) -> (RuleSet, RuleSet) {
        let Some(told) = self.told.get_mut(&delivery).filter(|told| told.begun == Seen::Yes) else {
            self.told.insert(delivery, Told::new(about));
            // It enters as nothing that has begun.
            return if self.records_begin == Seen::Yes { decided(true, false) } else { NOTHING };
        };
        let begun = std::mem::replace(&mut told.about, about);
        decided(begun.target == about.target, begun == About { target: begun.target, ..about })
    }

    fn given(&mut self, delivery: DeliveryId, given: Given) -> (RuleSet, RuleSet) {
        let Some(told) = self.told.get_mut(&delivery) else { return NOTHING };
        let is_first = std::mem::replace(&mut told.given, Seen::Yes) == Seen::No;
        let told = *told;
        let About { job, target, file, event } = told.about;
        let object = given.receiver.is_none_or(|receiver| Target::Interface(receiver) == target);
        let job_fits = given.job.is_none_or(|given| given == job);
        let file_fits = given.file.is_none() || given.file == file;
        let error_fits =
            given.error.is_none_or(|error| event == Event::JobError && self.may_fail(&told, error));
        decided(object, is_first && job_fits && file_fits && error_fits)
    }

    /// A callback that leaves without having called the client's object has reported nothing.
    fn leave(&mut self, delivery: DeliveryId) -> (RuleSet, RuleSet) {
        let Some(told) = self.told.remove(&delivery) else { return NOTHING };
        let is_object = matches!(told.about.target, Target::Interface(_));
        if self.records_given == Seen::No || !is_object {
            return NOTHING;
        }
        decided(true, told.given == Seen::Yes)
    }

    /// Whether the delivery may carry this error: the one at its begin, and where that was not seen, any the job has had.
    fn may_fail(&self, told: &Told, error: HResult) -> bool {
        let Some(errors) = self.errors.get(&told.about.job) else { return true };
        match (told.begun, told.error) {
            (Seen::Yes, Some(begun)) => begun == error,
            _ => errors.unknown || errors.ever.contains(&error),
        }
    }

    fn wait(&self, id: CallId, job: JobId, delivery: DeliveryId) -> (RuleSet, RuleSet) {
        let r16 = RuleSet::of(&[Rule::R16]);
        let own = self.inside.get(&id) == Some(&delivery);
        let about_another = self.told.get(&delivery).is_some_and(|told| told.about.job != job);
        let answered = self.told.get(&delivery).is_some_and(|told| told.answered == Seen::Yes);
        let is_object =
            self.told.get(&delivery).is_none_or(|told| matches!(told.about.target, Target::Interface(_)));
        let replaced = is_object && self.begun_last.get(&job).is_some_and(|last| *last != delivery);
        let good = !own && !about_another && !answered && !replaced;
        (if good { RuleSet::EMPTY } else { r16 }, r16)
    }
}

const NOTHING: (RuleSet, RuleSet) = (RuleSet::EMPTY, RuleSet::EMPTY);

/// R3 by the object, R5 by everything else.
fn decided(object: bool, rest: bool) -> (RuleSet, RuleSet) {
    let broken = |rule, good: bool| if good { RuleSet::EMPTY } else { RuleSet::of(&[rule]) };
    (broken(Rule::R3, object).union(broken(Rule::R5, rest)), RuleSet::of(&[Rule::R3, Rule::R5]))
}
