//! What a live run comes to.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use contract::{Event, FileId, HResult, JobId, JobState, StepKind};
use judge::trace::{Kind, Left, Told};
use judge::{Trace, Verdicts};

use super::Hang;
use super::closing::Disk;
use crate::wrong::Wrong;

/// What happened in a live run, and how the rules judge it.
#[derive(Clone, Debug)]
pub struct LiveReport {
    /// Everything that was recorded.
    pub trace: Trace,
    /// What became of each rule.
    pub verdicts: Verdicts,
    /// Jobs that were created.
    pub jobs: u32,
    /// Callbacks that entered, notification programs included.
    pub callbacks: u64,
    /// Calls that clients made, from inside callbacks included.
    pub calls: u64,
    /// Files that stood at their destinations and were compared with the server's.
    pub files_compared: u64,
    /// Their bytes.
    pub bytes_compared: u64,
    /// Files that should not be as they are.
    pub wrong_files: Vec<WrongFile>,
    /// What a client, a disk or a server saw that should not be.
    pub wrong: Vec<Wrong>,
    /// What else happened, and how often.
    pub seen: Seen,
    /// How long it took, judging included.
    pub elapsed: Duration,
    /// What was still open when the watchdog bit; none when everything came back.
    pub hang: Option<String>,
}

/// A file with wrong bytes, or one that should not be there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WrongFile {
    /// The job it belongs to.
    pub job: JobId,
    /// The file it belongs to.
    pub file: FileId,
    /// Where it stands.
    pub path: PathBuf,
    /// What the server does to it.
    pub fault: String,
    /// What is wrong with it.
    pub what: &'static str,
}

/// How often things happened that a run is to provoke.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Seen {
    /// Environment steps, by kind.
    pub steps: BTreeMap<StepKind, u64>,
    /// States entered.
    pub states: BTreeMap<JobState, u64>,
    /// Callbacks, by event.
    pub events: BTreeMap<Event, u64>,
    /// Callbacks that did not answer S_OK.
    pub failed_callbacks: u64,
    /// Callbacks that panicked.
    pub panicked_callbacks: u64,
    /// Calls made from inside callbacks.
    pub nested_calls: u64,
    /// Calls that were refused.
    pub refused_calls: u64,
    /// Notification programs that ran; none when this machine has no `true` and `false` to run, so that the part was skipped.
    pub programs: Option<u64>,
}

pub(super) fn report(
    trace: Trace,
    verdicts: Verdicts,
    (disk, wrong): (Disk, Vec<Wrong>),
    (hang, positions): (Hang, &str),
    programs: ProgramsHere,
    elapsed: Duration,
) -> LiveReport {
    let seen = Seen::of(&trace, programs);
    let count =
        |wanted: fn(&Kind) -> bool| trace.lines.iter().filter(|line| wanted(&line.what)).count() as u64;
    let created = |kind: &Kind| matches!(kind, Kind::State(state) if state.from.is_none());
    LiveReport {
        // As many as a u32 can number.
        jobs: u32::try_from(count(created)).unwrap_or(u32::MAX),
        callbacks: count(|kind| matches!(kind, Kind::Enter(_))),
        calls: count(|kind| matches!(kind, Kind::Call(_))),
        files_compared: disk.files,
        bytes_compared: disk.bytes,
        wrong_files: disk.wrong,
        wrong,
        hang: describe(hang, positions, &trace),
        seen,
        elapsed,
        verdicts,
        trace,
    }
}

/// Whether this machine has the notification programs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ProgramsHere {
    Yes,
    No,
}

impl Seen {
    fn of(trace: &Trace, programs: ProgramsHere) -> Seen {
        let mut seen = Seen { programs: (programs == ProgramsHere::Yes).then_some(0), ..Seen::default() };
        for line in &trace.lines {
            seen.count(&line.what);
        }
        seen
    }

    fn count(&mut self, kind: &Kind) {
        match kind {
            Kind::Env(env) => *self.steps.entry(env.step.kind()).or_default() += 1,
            Kind::State(state) => *self.states.entry(state.to).or_default() += 1,
            Kind::Enter(enter) => {
                *self.events.entry(enter.event).or_default() += 1;
                if let (Told::CommandLine, Some(programs)) = (enter.receiver, &mut self.programs) {
                    *programs += 1;
                }
            }
            Kind::Leave(leave) => match leave.outcome {
                Left::Hr(HResult::S_OK) | Left::Exited(0) => {}
                Left::Hr(_) | Left::Exited(_) => self.failed_callbacks += 1,
                Left::Panicked => self.panicked_callbacks += 1,
            },
            Kind::Call(call) => self.nested_calls += u64::from(call.inside.is_some()),
            Kind::Return(back) => self.refused_calls += u64::from(back.hr.failed()),
            Kind::Begin(_) | Kind::Wait(_) | Kind::Given(_) => {}
            Kind::Unknown(_) | Kind::Choose(_) | Kind::Crash {} | Kind::Restart {} => {}
        }
    }
}

/// What was open at the end of a run that did not come back, and where its threads are.
fn describe(hang: Hang, positions: &str, trace: &Trace) -> Option<String> {
    let mut text = match hang {
        Hang::No => return None,
        Hang::Clients => "clients did not come back".to_owned(),
        Hang::Shutdown => "the service did not stop".to_owned(),
        Hang::Disk => "the files could not be looked at while the service was stopping".to_owned(),
        Hang::Flood => "the service does so much by itself that the run was ended".to_owned(),
    };
    let (mut calls, mut deliveries) = (BTreeMap::new(), BTreeMap::new());
    for line in &trace.lines {
        match &line.what {
            Kind::Call(call) => drop(calls.insert(call.id, call)),
            Kind::Return(back) => drop(calls.remove(&back.call)),
            Kind::Enter(enter) => drop(deliveries.insert(enter.delivery, enter)),
            Kind::Leave(leave) => drop(deliveries.remove(&leave.delivery)),
            _ => {}
        }
    }
    for call in calls.values() {
        let job = call.job.map_or_else(|| "no job".to_owned(), |job| job.to_string());
        // Writing to a string cannot fail.
        let _ = write!(text, "; {} on {job} by thread {} is open", call.call.method(), call.thread);
        if let Some(inside) = call.inside {
            let _ = write!(text, " inside {inside}");
        }
    }
    for enter in deliveries.values() {
        let _ = write!(text, "; {} of {} ({}) has not left", enter.event, enter.job, enter.delivery);
    }
    let _ = write!(text, "\nwhere every thread was seen last:\n{positions}");
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hang_names_what_is_open_and_nothing_else() {
        let text = concat!(
            r#"{"format":1,"dialect":"bits","records":["call","return","enter","leave"]}"#,
            "\n",
            r#"{"seq":1,"kind":"call","id":0,"thread":1,"user":0,"job":4,"method":"Resume"}"#,
            "\n",
            r#"{"seq":2,"kind":"return","call":0,"job":4,"hr":"S_OK"}"#,
            "\n",
            r#"{"seq":3,"kind":"enter","delivery":7,"job":4,"event":"JobError","receiver":{"interface":0}}"#,
            "\n",
            r#"{"seq":4,"kind":"call","id":1,"thread":2,"user":0,"job":4,"method":"Cancel"}"#,
        );
        let trace = Trace::parse(text).expect("the trace is good");
        let positions = "client 1: came to Called 9.0 s ago\n";
        assert_eq!(describe(Hang::No, positions, &trace), None);
        assert_eq!(
            describe(Hang::Clients, positions, &trace).as_deref(),
            Some(
                "clients did not come back; Cancel on j4 by thread t2 is open; JobError of j4 (d7) has not left\n\
                 where every thread was seen last:\n\
                 client 1: came to Called 9.0 s ago\n"
            )
        );
    }
}
