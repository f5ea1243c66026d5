//! What happens in a leg of a run, kept: to be passed once more to the rules and to the protocol of another run.

use contract::event::{By, Caller, Given, Leave, Target};
use contract::{Call, CallId, DeliveryId, EnvStep, Event, EventView, FileId, HResult, JobId, JobState, Out};

use super::refined::AllShown;

/// An event with the names that the rules know, or what stood of the jobs when the lock was given back.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[expect(missing_docs, reason = "the fields are those of the events, `EventView`")]
pub enum Happened {
    /// A call begins.
    Call { id: CallId, caller: Caller, job: Option<JobId>, call: Call },
    /// A call is back.
    Return { id: CallId, job: Option<JobId>, call: Call, hr: HResult, out: Out },
    /// A delivery begins.
    Begin { about: About },
    /// A call waits for a delivery.
    Wait { id: CallId, job: JobId, delivery: DeliveryId },
    /// A callback or program is entered.
    Enter { about: About },
    /// A callback was given this.
    Given { about: About, given: Given },
    /// It is left.
    Leave { about: About, leave: Leave },
    /// Something outside of the service.
    Env { step: EnvStep, job: Option<JobId>, file: Option<FileId> },
    /// A job has another state.
    State { job: JobId, from: Option<JobState>, to: JobState, by: By },
    /// This is no event.
    Shown(AllShown),
}

/// A delivery, as all of its events name it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct About {
    delivery: DeliveryId,
    job: JobId,
    event: Event,
    target: Target,
    file: Option<FileId>,
}

impl Happened {
    pub(super) fn of(event: &EventView<'_>) -> Happened {
        match *event {
            EventView::Call { id, caller, job, call } => {
                Happened::Call { id, caller, job, call: call.clone() }
            }
            EventView::Return { id, job, call, hr, out } => {
                Happened::Return { id, job, call: call.clone(), hr, out: out.clone() }
            }
            EventView::Begin { delivery, job, event, target, file } => {
                Happened::Begin { about: About { delivery, job, event, target, file } }
            }
            EventView::Wait { id, job, delivery } => Happened::Wait { id, job, delivery },
            EventView::Enter { delivery, job, event, target, file } => {
                Happened::Enter { about: About { delivery, job, event, target, file } }
            }
            EventView::Given { delivery, job, event, target, file, given } => {
                Happened::Given { about: About { delivery, job, event, target, file }, given }
            }
            EventView::Leave { delivery, job, event, target, file, leave } => {
                Happened::Leave { about: About { delivery, job, event, target, file }, leave }
            }
            EventView::Env { step, job, file } => Happened::Env { step, job, file },
            EventView::State { job, from, to, by } => Happened::State { job, from, to, by },
        }
    }

    /// The event; nothing where it is none.
    pub(super) fn event(&self) -> Option<EventView<'_>> {
        Some(match self {
            Happened::Call { id, caller, job, call } => {
                EventView::Call { id: *id, caller: *caller, job: *job, call }
            }
            Happened::Return { id, job, call, hr, out } => {
                EventView::Return { id: *id, job: *job, call, hr: *hr, out }
            }
            Happened::Begin { about } => {
                let About { delivery, job, event, target, file } = *about;
                EventView::Begin { delivery, job, event, target, file }
            }
            Happened::Wait { id, job, delivery } => {
                EventView::Wait { id: *id, job: *job, delivery: *delivery }
            }
            Happened::Enter { about } => {
                let About { delivery, job, event, target, file } = *about;
                EventView::Enter { delivery, job, event, target, file }
            }
            Happened::Given { about, given } => {
                let About { delivery, job, event, target, file } = *about;
                EventView::Given { delivery, job, event, target, file, given: *given }
            }
            Happened::Leave { about, leave } => {
                let About { delivery, job, event, target, file } = *about;
                EventView::Leave { delivery, job, event, target, file, leave: *leave }
            }
            Happened::Env { step, job, file } => EventView::Env { step: *step, job: *job, file: *file },
            Happened::State { job, from, to, by } => {
                EventView::State { job: *job, from: *from, to: *to, by: *by }
            }
            Happened::Shown(_) => return None,
        })
    }
}
