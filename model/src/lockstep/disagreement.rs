//! Where specification and core part, in words.

use std::fmt;

use contract::core::{Pending, Timer, Timers};
use contract::env::StepKind;
use contract::{DeliveryId, HResult, JobId, JobState, Method, Time};

use crate::spec::Refused;

/// Where specification and core part.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Disagreement {
    /// They answer a call differently.
    Answer {
        /// Which method.
        method: Method,
        /// What the specification answers.
        spec: HResult,
        /// What the core answers.
        core: HResult,
    },
    /// A getter gives back something else.
    Out(Method),
    /// One of them finalises the job, or is busy, and the other does not.
    Finalising(Method),
    /// The specification does not allow what the core did.
    Refused(JobId, Refused),
    /// A job is in different states.
    State {
        /// The job.
        job: JobId,
        /// Its state in the specification.
        spec: Option<JobState>,
        /// Its state in the core.
        core: Option<JobState>,
    },
    /// Different events are pending.
    Pending {
        /// The job.
        job: JobId,
        /// What is pending in the specification.
        spec: Pending,
        /// What is pending in the core.
        core: Pending,
    },
    /// A delivery of the job may begin in one of them and not in the other.
    Ready {
        /// The job.
        job: JobId,
        /// What the core returns.
        core: Readiness,
    },
    /// A timer of the job runs in one of them alone, or fires at another time.
    Timer {
        /// The job.
        job: JobId,
        /// Which timer.
        timer: Timer,
        /// When it fires in the specification, if it runs.
        spec: Option<Time>,
        /// When it fires in the core, if it runs.
        core: Option<Time>,
    },
    /// The core returns another time to be woken than that of its next timer.
    Wakes {
        /// The next timer, if one runs.
        spec: Option<Time>,
        /// When the core is to be woken, if at all.
        core: Option<Time>,
    },
    /// The time of a timer has come, and it has not fired.
    NotFired(Time),
    /// A call waits for another delivery than the one it has to wait for (clause 3).
    WaitsFor {
        /// The method.
        method: Method,
        /// What it has to wait for, if for anything.
        spec: Option<DeliveryId>,
        /// What it waits for, if for anything.
        core: Option<DeliveryId>,
    },
    /// A call would wait for a delivery of the job that has provably entered (clauses 4 and 6).
    Waits(JobId),
    /// No call would wait for a delivery of the job that has not left, has called nothing and is no program that runs (clause 3).
    Released(JobId),
    /// The job makes something else of what its transfer reports.
    Report(JobId, StepKind),
    /// The transfer of the job is to fetch another file, or from another byte on.
    Fetch(JobId),
    /// A transfer is to go on, to stop or to fetch another file, and in the specification it is not.
    Reply(JobId),
    /// What came too late changed something, or was answered otherwise.
    TooLate(StepKind),
    /// A job that is ended wants something else done to its files (R15).
    Disk(JobId),
    /// A job's turn is enabled in the specification, and the core's scheduler has nothing to do.
    Turn,
    /// The core's dispatcher finds a delivery that may begin, or finds none, and in the specification it is the other way round.
    Dispatch(Readiness),
    /// The core's scheduler has something to do, and no job's turn is enabled in the specification.
    NoTurn,
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Disagreement::Answer { method, spec, core } => {
                write!(f, "{method} answers {core}, and the specification {spec}")
            }
            Disagreement::Out(method) => {
                write!(f, "{method} gives back something else than the specification")
            }
            Disagreement::Finalising(method) => {
                write!(f, "after {method} one of core and specification ends the job and the other does not")
            }
            Disagreement::Refused(job, why) => {
                write!(f, "the specification does not allow what {job} did: {why}")
            }
            Disagreement::State { job, spec, core } => write!(
                f,
                "{job} is {}, and in the specification {}",
                core.map_or("nowhere".to_owned(), |state| state.to_string()),
                spec.map_or("nowhere".to_owned(), |state| state.to_string())
            ),
            Disagreement::Pending { job, spec, core } => {
                write!(f, "pending for {job}: {core:?}, and in the specification {spec:?}")
            }
            Disagreement::Ready { job, core: Readiness::Ready } => {
                write!(f, "a delivery of {job} may begin, and in the specification it may not yet")
            }
            Disagreement::Ready { job, core: Readiness::NotReady } => {
                write!(f, "no delivery of {job} may begin, and in the specification one may begin now")
            }
            Disagreement::Timer { job, timer, spec, core } => write!(
                f,
                "the {timer} of {job} {}, and in the specification it {}",
                fires(*core),
                fires(*spec)
            ),
            Disagreement::Wakes { spec, core } => {
                write!(f, "the core asks to be woken {}, and its next timer {}", at(*core), fires(*spec))
            }
            Disagreement::NotFired(at) => write!(f, "a timer that was due at {at} has not fired"),
            Disagreement::WaitsFor { method, spec, core } => {
                let delivery = |waits: &Option<DeliveryId>| {
                    waits.map_or_else(|| "nothing".to_owned(), |delivery| delivery.to_string())
                };
                write!(
                    f,
                    "{method} waits for {}, and has to wait for {} (clause 3)",
                    delivery(core),
                    delivery(spec)
                )
            }
            Disagreement::Released(job) => {
                write!(f, "a delivery of {job} has not left, and is not waited for (clause 3)")
            }
            Disagreement::Report(job, step) => {
                write!(f, "{job} makes something else of a report of its transfer: {step}")
            }
            Disagreement::Fetch(job) => {
                write!(f, "the transfer of {job} is to fetch another file, or from another byte on")
            }
            Disagreement::Reply(job) => {
                write!(f, "the transfer of {job} is to go on otherwise than in the specification")
            }
            Disagreement::TooLate(step) => {
                write!(f, "what came too late is not ignored: {step}")
            }
            Disagreement::Waits(job) => {
                write!(f, "a delivery of {job} has entered, and is waited for as if it had not")
            }
            Disagreement::Disk(job) => {
                write!(
                    f,
                    "the files of {job} are to be renamed and removed otherwise than in the specification"
                )
            }
            Disagreement::Turn => f.write_str("a job's turn is due and the scheduler has nothing to do"),
            Disagreement::Dispatch(Readiness::Ready) => {
                f.write_str("a dispatcher finds a delivery, and in the specification none may begin")
            }
            Disagreement::Dispatch(Readiness::NotReady) => {
                f.write_str("a dispatcher finds no delivery, and in the specification one may begin now")
            }
            Disagreement::NoTurn => f.write_str("no job's turn is due and the scheduler has something to do"),
        }
    }
}

/// Whether a delivery may begin.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Readiness {
    /// It may.
    Ready,
    /// It may not.
    NotReady,
}

fn at(time: Option<Time>) -> String {
    time.map_or_else(|| "never".to_owned(), |time| format!("at {time}"))
}

fn fires(time: Option<Time>) -> String {
    time.map_or_else(|| "does not run".to_owned(), |time| format!("fires at {time}"))
}

/// The first timer in which the two differ.
pub(super) fn differing_timer(job: JobId, spec: &Timers, core: &Timers) -> Option<Disagreement> {
    let timer = Timer::ALL.into_iter().find(|timer| spec.at(*timer) != core.at(*timer))?;
    Some(Disagreement::Timer { job, timer, spec: spec.at(timer), core: core.at(timer) })
}
