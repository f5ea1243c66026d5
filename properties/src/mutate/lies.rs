//! Traces with one lie: a line that is gone, comes too early, or holds something else than what happened.
//!
//! No subject lies in all the ways in which one could, so rules are also held against traces that no subject wrote. All that is
//! known of a lie is the verdict of the unchanged rules. They condemn some lies, and cannot detect others.

use contract::call::Completed;
use contract::mutation::other_code;
use contract::{
    CommandLine, DeliveryId, DiskAct, EnvStep, Event, FileId, Found, HResult, JobId, JobState, NotifyFlags,
    Out, Priority, ReceiverId,
};
use judge::trace::{EnterLine, EnvLine, Kind, LeaveLine, Left, ReturnLine, StateLine, Told};
use judge::{Ended, Line, Trace};

/// Every lie about a trace, with a name that lies of one kind share.
pub(super) fn lies(trace: &Trace) -> impl Iterator<Item = (String, Trace)> + use<'_> {
    let lines = (0..trace.lines.len()).flat_map(move |at| {
        let of = kind(&trace.lines[at].what);
        let kind = of.clone();
        let others = others(&trace.lines[at].what).into_iter();
        let told = others.map(move |(lie, what)| (format!("{lie} {kind}"), with(trace, at, &[what])));
        let gone = std::iter::once((format!("gone {of}"), with(trace, at, &[])));
        let idle = EnvLine { step: EnvStep::Idle, job: job_of(&trace.lines[at].what), file: None };
        let rests = [trace.lines[at].what.clone(), Kind::Env(idle)];
        let rests = std::iter::once((format!("rest after {of}"), with(trace, at, &rests)));
        let early = early(trace, at).map(move |trace| (format!("early {of}"), trace));
        told.chain(gone).chain(rests).chain(early)
    });
    let ends = std::iter::once((
        "the end".to_owned(),
        Trace {
            header: judge::Header { ended: Ended::AtRest, ..trace.header.clone() },
            lines: trace.lines.clone(),
        },
    ));
    lines.chain(ends).chain(found(trace))
}

/// The trace with these lines in the place of the one at `at`.
fn with(trace: &Trace, at: usize, what: &[Kind]) -> Trace {
    let before = trace.lines[..at].iter().map(|line| &line.what);
    let after = trace.lines[at + 1..].iter().map(|line| &line.what);
    numbered(trace, before.chain(what).chain(after).cloned())
}

/// The trace with the line at `at` before the one before it.
fn early(trace: &Trace, at: usize) -> Option<Trace> {
    let mut lines = trace.lines.clone();
    (at > 0).then(|| {
        lines.swap(at - 1, at);
        numbered(trace, lines.into_iter().map(|line| line.what))
    })
}

/// The trace with an observation of its first file at the end.
fn found(trace: &Trace) -> impl Iterator<Item = (String, Trace)> + use<'_> {
    let all = [Found::Absent, Found::Whole, Found::Wrong, Found::Foreign];
    let pairs = all.into_iter().flat_map(move |destination| {
        all.into_iter().take(2).map(move |temporary| EnvStep::Observed { destination, temporary })
    });
    pairs.map(move |step| {
        let line = Kind::Env(EnvLine { step, job: Some(JobId(0)), file: Some(FileId(0)) });
        let lines = trace.lines.iter().map(|line| line.what.clone()).chain([line]);
        (format!("{step:?}"), numbered(trace, lines))
    })
}

fn numbered(trace: &Trace, lines: impl Iterator<Item = Kind>) -> Trace {
    let lines = lines.zip(1..).map(|(what, seq)| Line { seq, what }).collect();
    Trace { header: trace.header.clone(), lines }
}

/// What a line could hold instead, each with a name.
fn others(what: &Kind) -> Vec<(&'static str, Kind)> {
    match what {
        Kind::Return(line) => answers(line),
        Kind::Enter(line) => enters(line),
        Kind::Leave(line) => {
            let outcomes = [Left::Hr(HResult::S_OK), Left::Hr(HResult::S_FALSE), Left::Hr(HResult::E_FAIL)];
            let outcomes = outcomes.into_iter().chain([Left::Panicked]);
            outcomes.map(|outcome| ("leave", Kind::Leave(LeaveLine { outcome, ..*line }))).collect()
        }
        Kind::Env(line) => steps(line),
        Kind::State(line) => {
            let to = JobState::ALL.into_iter().filter(|to| *to != line.to);
            let to = to.map(|to| ("to", Kind::State(StateLine { to, ..*line })));
            let from = [None, Some(JobState::Queued), Some(JobState::Cancelled)];
            let from = from.into_iter().filter(|from| *from != line.from);
            to.chain(from.map(|from| ("from", Kind::State(StateLine { from, ..*line })))).collect()
        }
        _ => Vec::new(),
    }
}

fn answers(line: &ReturnLine) -> Vec<(&'static str, Kind)> {
    let codes = [other_code(line.hr), HResult::S_OK, HResult::E_FAIL, HResult::BG_E_INVALID_STATE];
    let codes = codes.into_iter().filter(|hr| *hr != line.hr);
    let codes = codes.map(|hr| ("hr", Kind::Return(ReturnLine { hr, ..line.clone() })));
    let outs = outs(&line.out).into_iter();
    codes.chain(outs.map(|out| ("out", Kind::Return(ReturnLine { out, ..line.clone() })))).collect()
}

fn outs(out: &Out) -> Vec<Out> {
    match out {
        Out::State(told) => JobState::ALL.into_iter().filter(|state| state != told).map(Out::State).collect(),
        Out::Flags(flags) => vec![Out::Flags(*flags ^ NotifyFlags::JOB_ERROR)],
        Out::Receiver(told) => {
            let all = [None, Some(ReceiverId(0)), Some(ReceiverId(1))];
            all.into_iter().filter(|receiver| receiver != told).map(Out::Receiver).collect()
        }
        Out::Priority(Priority::Foreground) => vec![Out::Priority(Priority::Low)],
        Out::Priority(_) => vec![Out::Priority(Priority::Foreground)],
        Out::Delay(delay) => vec![Out::Delay(contract::Millis(delay.0 + 1_000))],
        Out::Progress(progress) => {
            let (mut bytes, mut files, mut few) = (*progress, *progress, *progress);
            bytes.bytes_transferred += 100;
            files.files_transferred += 1;
            few.bytes_transferred = 0;
            [bytes, files, few].map(Out::Progress).to_vec()
        }
        Out::FileProgress(progress) => {
            let (mut bytes, mut completed) = (*progress, *progress);
            bytes.bytes_transferred += 100;
            completed.completed = Completed::Yes;
            [bytes, completed].map(Out::FileProgress).to_vec()
        }
        Out::CommandLine(Some(_)) => vec![Out::CommandLine(None)],
        Out::CommandLine(None) => {
            let line = CommandLine { program: "/program".into(), parameters: "".into() };
            vec![Out::CommandLine(Some(line))]
        }
        Out::Jobs(jobs) => {
            let mut more = jobs.clone();
            more.push(JobId(0));
            vec![Out::Jobs(more)]
        }
        _ => Vec::new(),
    }
}

fn enters(line: &EnterLine) -> Vec<(&'static str, Kind)> {
    let events = Event::ALL.into_iter().filter(|event| *event != line.event);
    let events = events.map(|event| ("event", Kind::Enter(EnterLine { event, ..*line })));
    let told = [Told::CommandLine, Told::Interface(ReceiverId(0)), Told::Interface(ReceiverId(1))];
    let told = told.into_iter().filter(|told| *told != line.receiver);
    let told = told.map(|receiver| ("receiver", Kind::Enter(EnterLine { receiver, ..*line })));
    let files = [None, Some(FileId(0)), Some(FileId(1))].into_iter().filter(|file| *file != line.file);
    let files = files.map(|file| ("file", Kind::Enter(EnterLine { file, ..*line })));
    let other = Kind::Enter(EnterLine { delivery: DeliveryId(line.delivery.0 + 50), ..*line });
    events.chain(told).chain(files).chain([("delivery", other)]).collect()
}

fn steps(line: &EnvLine) -> Vec<(&'static str, Kind)> {
    let other = |step: EnvStep| ("step", Kind::Env(EnvLine { step, ..*line }));
    let mut lies = match line.step {
        EnvStep::Bytes { transferred, total } => vec![
            other(EnvStep::Bytes { transferred: transferred + 100, total }),
            other(EnvStep::Bytes { transferred: transferred.saturating_sub(1), total }),
            other(EnvStep::Bytes { transferred, total: Some(0) }),
        ],
        EnvStep::SizeKnown { total } => {
            vec![other(EnvStep::SizeKnown { total: 0 }), other(EnvStep::SizeKnown { total: total + 100 })]
        }
        EnvStep::Disk { .. } => {
            let acts = [DiskAct::Renamed, DiskAct::Removed, DiskAct::RemoveFailed, DiskAct::RenameFailed];
            acts.map(|act| other(EnvStep::Disk { act })).to_vec()
        }
        _ => Vec::new(),
    };
    let files = [Some(FileId(0)), Some(FileId(1))].into_iter().filter(|file| *file != line.file);
    lies.extend(files.map(|file| ("file", Kind::Env(EnvLine { file, ..*line }))));
    lies
}

fn job_of(what: &Kind) -> Option<JobId> {
    match what {
        Kind::Call(line) => line.job,
        Kind::Return(line) => line.job,
        Kind::Enter(line) => Some(line.job),
        Kind::Env(line) => line.job,
        Kind::State(line) => Some(line.job),
        _ => None,
    }
}

/// What a line is about, in a word or two.
fn kind(what: &Kind) -> String {
    match what {
        Kind::Call(line) => format!("call {}", line.call.method()),
        Kind::Return(line) => format!("return {:?}", std::mem::discriminant(&line.out)),
        Kind::Enter(line) => format!("enter {}", line.event),
        Kind::Leave(line) => format!("leave {:?}", std::mem::discriminant(&line.outcome)),
        Kind::Env(line) => format!("env {}", line.step.kind()),
        Kind::State(line) => format!("state {}", line.to),
        _ => String::new(),
    }
}
