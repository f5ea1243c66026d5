//! A recorded run of another subject as a program for a core, as far as its lines show what happened around the calls.
//!
//! **What it is.** Calls stay calls. What a callback reports has happened before it: its transfer has ended, or failed. Its beginning, its calls and its
//! end are its own. A state that an observer has seen, or that is recorded, is led to.
//!
//! **What it is not.** The recorded run itself. What is guessed too much makes no sense on the core and does nothing there, so
//! `replay` reports how many of the calls were made.

use std::collections::BTreeMap;

use contract::core::{Failure, TransferEvent};
use contract::event::Leave;
use contract::{Call, CallId, DeliveryId, ErrorContext, Event, HResult, JobId, JobState, Out, ThreadId};
use judge::Trace;
use judge::trace::{Kind, Left, Told};
use model::drive::{DiskResult, Stimulus};

use crate::program::Program;
use crate::run::from_trace;
use crate::tape;

/// The program, where no stimuli stand in the trace; none where they do, and [`from_trace`] has it all.
///
/// # Errors
/// As of [`from_trace`].
pub fn translated(trace: &Trace) -> Result<Option<Program>, tape::Error> {
    let calls = from_trace(trace)?;
    if trace.lines.iter().any(|line| matches!(line.what, Kind::Choose(_))) {
        return Ok(None);
    }
    // The calls of a program stand in it in their order.
    let mut own = calls.steps.iter().cloned();
    let mut translation = Translation::default();
    for line in &trace.lines {
        let call = if matches!(line.what, Kind::Call(_)) { own.next() } else { None };
        translation.line(&line.what, call);
    }
    Ok(Some(Program { steps: translation.steps, ..calls }))
}

/// Calls of clients that a trace has, and that came back.
#[must_use]
pub fn calls_of(trace: &Trace) -> usize {
    let is_call = |what: &Kind| matches!(what, Kind::Call(call) if call.thread != ThreadId::OBSERVER);
    trace.lines.iter().filter(|line| is_call(&line.what)).count()
}

#[derive(Default)]
struct Translation {
    steps: Vec<Stimulus>,
    /// The job and the receiver, by delivery.
    told: BTreeMap<DeliveryId, (JobId, Told)>,
    /// Polls that have not come back.
    polls: BTreeMap<CallId, Option<JobId>>,
}

/// Files of a job that may have to come before it is TRANSFERRED.
const FILES: usize = 8;

impl Translation {
    fn line(&mut self, what: &Kind, call: Option<Stimulus>) {
        match what {
            Kind::Call(line) if line.thread == ThreadId::OBSERVER => {
                self.polls.insert(line.id, line.job);
            }
            Kind::Call(line) => {
                self.steps.extend(call);
                if let (Some(job), Call::Complete | Call::Cancel) = (line.job, &line.call) {
                    self.steps.push(Stimulus::Disk { job, result: DiskResult::Good });
                }
            }
            Kind::Return(back) => {
                let polled = self.polls.remove(&back.call).flatten();
                if let (Some(job), Out::State(state)) = (polled, &back.out) {
                    self.leads_to(job, *state);
                }
            }
            Kind::State(state) => self.leads_to(state.job, state.to),
            Kind::Enter(enter) => {
                match enter.event {
                    Event::JobTransferred => self.leads_to(enter.job, JobState::Transferred),
                    Event::JobError => self.leads_to(enter.job, JobState::Error),
                    Event::FileTransferred => {
                        self.begins(enter.job);
                        self.reports(enter.job, TransferEvent::FileDone);
                    }
                    _ => {}
                }
                self.told.insert(enter.delivery, (enter.job, enter.receiver));
                self.steps.extend([Stimulus::Begin(enter.job), Stimulus::Enter(enter.job)]);
            }
            Kind::Leave(leave) => {
                let Some((job, told)) = self.told.remove(&leave.delivery) else { return };
                self.steps.push(match (told, leave.outcome) {
                    (_, Left::Exited(code)) => Stimulus::Exit { job, code },
                    (Told::CommandLine, _) => Stimulus::Exit { job, code: 0 },
                    (_, outcome) => Stimulus::Leave { job, leave: Leave::from(outcome) },
                });
            }
            _ => {}
        }
    }

    /// Brings a job where it was seen, if it is on its way there.
    fn leads_to(&mut self, job: JobId, state: JobState) {
        let failed = |class, hr| TransferEvent::Failed { class, hr, context: ErrorContext::RemoteFile };
        match state {
            JobState::Connecting | JobState::Transferring => self.begins(job),
            JobState::Transferred => {
                self.begins(job);
                (0..FILES).for_each(|_| self.reports(job, TransferEvent::FileDone));
            }
            JobState::Error => {
                self.begins(job);
                self.reports(job, failed(Failure::Fatal, HResult::BG_E_HTTP_ERROR_404));
            }
            JobState::TransientError => {
                self.begins(job);
                self.reports(job, failed(Failure::Transient, HResult::BG_E_HTTP_ERROR_503));
            }
            _ => {}
        }
    }

    fn begins(&mut self, job: JobId) {
        self.steps.push(Stimulus::Turn);
        self.reports(job, TransferEvent::Connected);
    }

    fn reports(&mut self, job: JobId, event: TransferEvent) {
        self.steps.push(Stimulus::Transfer { job, event });
    }
}

#[cfg(test)]
mod tests {
    use contract::Core as _;

    use super::*;

    #[test]
    fn a_run_without_stimuli_comes_out_again() {
        let text = "\
{\"format\":1,\"dialect\":\"bits\",\"origin\":\"foreign\",\"scope\":\"\",\"subject\":\"x\",\"engine\":\"adapter\",\"clock_scale\":1,\
\"records\":[\"call\",\"return\",\"enter\",\"leave\"],\"ended\":\"cut\"}
{\"seq\":1,\"kind\":\"call\",\"id\":0,\"thread\":0,\"user\":0,\"method\":\"CreateJob\",\"args\":{\"name\":\"job\",\"kind\":0}}
{\"seq\":2,\"kind\":\"return\",\"call\":0,\"job\":0,\"hr\":\"S_OK\",\"out\":{\"job\":0}}
{\"seq\":3,\"kind\":\"call\",\"id\":1,\"thread\":0,\"user\":0,\"job\":0,\"method\":\"AddFile\",\"args\":{\"file\":{\"remote\":\"http://127.0.0.1/f\",\"local\":\"/f\"}}}
{\"seq\":4,\"kind\":\"return\",\"call\":1,\"job\":0,\"hr\":\"S_OK\"}
{\"seq\":5,\"kind\":\"call\",\"id\":2,\"thread\":0,\"user\":0,\"job\":0,\"method\":\"SetNotifyInterface\",\"args\":{\"receiver\":{\"id\":0,\"interfaces\":\"CALLBACK\"}}}
{\"seq\":6,\"kind\":\"return\",\"call\":2,\"job\":0,\"hr\":\"S_OK\"}
{\"seq\":7,\"kind\":\"call\",\"id\":3,\"thread\":0,\"user\":0,\"job\":0,\"method\":\"Resume\"}
{\"seq\":8,\"kind\":\"return\",\"call\":3,\"job\":0,\"hr\":\"S_OK\"}
{\"seq\":9,\"kind\":\"enter\",\"delivery\":0,\"job\":0,\"event\":\"JobTransferred\",\"receiver\":{\"interface\":0}}
{\"seq\":10,\"kind\":\"leave\",\"delivery\":0,\"outcome\":{\"hr\":\"S_OK\"}}
{\"seq\":11,\"kind\":\"call\",\"id\":4,\"thread\":0,\"user\":0,\"job\":0,\"method\":\"Complete\"}
{\"seq\":12,\"kind\":\"return\",\"call\":4,\"job\":0,\"hr\":\"S_OK\"}
";
        let trace = Trace::parse(text).expect("a trace");
        let program = translated(&trace).expect("its calls are calls").expect("it has no stimuli");
        let again = crate::run::trace(&program, engine::core::Core::new, "replay", None);
        assert_eq!(calls_of(&again), calls_of(&trace));
        let answers = |trace: &Trace| {
            let of = |what: &Kind| if let Kind::Return(back) = what { Some(back.hr) } else { None };
            trace.lines.iter().filter_map(|line| of(&line.what)).collect::<Vec<_>>()
        };
        assert_eq!(answers(&again), answers(&trace));
        let told =
            |trace: &Trace| trace.lines.iter().filter(|line| matches!(line.what, Kind::Enter(_))).count();
        assert_eq!(told(&again), 1);
        assert_eq!(translated(&again).expect("a trace of ours"), None);
    }
}
