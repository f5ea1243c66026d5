//! Stimuli as text: a line each, for scripts, regressions and the `choose` lines of traces.
//!
//! The law: `parse(print(stimulus)) == stimulus`. A call is its JSON, as in a trace; everything else is words.

use contract::core::{Failure, TransferEvent};
use contract::event::Leave;
use contract::{Call, ErrorContext, HResult, JobId, ThreadId, UserId};
use model::drive::{DiskResult, From, Late, Stimulus};

/// A line that is not a stimulus.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{line:?} is not a stimulus: expected, for example, `begin 0`, `timeout` or `client 0 job 0 {{\"method\":\"Cancel\"}}`"
)]
pub struct Error {
    line: String,
}

impl Error {
    pub(crate) fn new(line: &str) -> Error {
        Error { line: line.chars().take(120).collect() }
    }
}

/// The stimulus as a line that [`parse()`] reads back.
#[must_use]
pub fn print(stimulus: &Stimulus) -> String {
    match stimulus {
        Stimulus::Call { from, job, call } => {
            let from = match from {
                From::Client(thread) => format!("client {}", thread.0),
                From::Callback(job) => format!("callback {}", job.0),
                From::User(user) => format!("user {}", user.0),
            };
            let job = job.map_or_else(|| "-".to_owned(), |job| job.0.to_string());
            // A call is plain data with text keys, which always has a JSON form.
            let call = serde_json::to_string(call).unwrap_or_default();
            format!("{from} job {job} {call}")
        }
        Stimulus::Disk { job, result } => print_disk(*job, *result),
        Stimulus::Turn => "turn".to_owned(),
        Stimulus::Transfer { job, event } => format!("transfer {} {}", job.0, print_event(event)),
        Stimulus::Begin(job) => format!("begin {}", job.0),
        Stimulus::Enter(job) => format!("enter {}", job.0),
        Stimulus::Leave { job, leave } => format!("leave {} {}", job.0, print_leave(*leave)),
        Stimulus::Exit { job, code } => format!("exit {} {code}", job.0),
        Stimulus::Timeout => "timeout".to_owned(),
        Stimulus::Logoff(user) => format!("logoff {}", user.0),
        Stimulus::NetworkLost => "network_lost".to_owned(),
        Stimulus::NetworkBack => "network_back".to_owned(),
        Stimulus::Late(Late::Report { job, event }) => {
            format!("late transfer {} {}", job.0, print_event(event))
        }
        Stimulus::Late(Late::Disk { job, result }) => format!("late {}", print_disk(*job, *result)),
        Stimulus::Late(Late::Called) => "late called".to_owned(),
        Stimulus::Late(Late::Left(leave)) => format!("late left {}", print_leave(*leave)),
        Stimulus::Late(Late::Started) => "late started".to_owned(),
    }
}

fn print_disk(job: JobId, result: DiskResult) -> String {
    match result {
        DiskResult::Good => format!("disk {} good", job.0),
        DiskResult::RenameFails(after) => format!("disk {} rename_fails {after}", job.0),
        DiskResult::LeavesBehind => format!("disk {} leaves_behind", job.0),
    }
}

fn print_leave(leave: Leave) -> String {
    match leave {
        Leave::Returned(hr) => format!("0x{:08X}", hr.0),
        Leave::Panicked => "panicked".to_owned(),
        Leave::Exited(code) => format!("exited {code}"),
    }
}

/// The stimulus as a reader wants it.
#[must_use]
pub fn describe(stimulus: &Stimulus) -> String {
    match stimulus {
        Stimulus::Call { from, job, call } => {
            let from = match from {
                From::Client(thread) => format!("{thread}"),
                From::Callback(job) => format!("callback of {job}"),
                From::User(user) => format!("{user}"),
            };
            let job = job.map_or_else(String::new, |job| format!("{job}."));
            format!("{from}: {job}{call}")
        }
        Stimulus::Leave { job, leave: Leave::Returned(hr) } => format!("callback of {job} leaves with {hr}"),
        Stimulus::Begin(job) => format!("a delivery of {job} begins"),
        Stimulus::Enter(job) => format!("the delivery of {job} enters"),
        Stimulus::Turn => "the scheduler's turn".to_owned(),
        Stimulus::Timeout => "time passes to the next timer".to_owned(),
        other => print(other).replace('_', " "),
    }
}

/// Reads a line that [`print()`] wrote.
///
/// # Errors
/// The line is not one of those.
pub fn parse(line: &str) -> Result<Stimulus, Error> {
    parse_stimulus(line).ok_or_else(|| Error::new(line))
}

fn parse_stimulus(line: &str) -> Option<Stimulus> {
    let mut words = line.splitn(3, ' ');
    let (verb, first, rest) = (words.next()?, words.next(), words.next());
    let job = || first?.parse().ok().map(JobId);
    Some(match verb {
        "client" | "callback" | "user" => {
            let number: u32 = first?.parse().ok()?;
            let from = match verb {
                "client" => From::Client(ThreadId(number)),
                "callback" => From::Callback(JobId(number)),
                _ => From::User(UserId(number)),
            };
            let (job, call) = rest?.strip_prefix("job ")?.split_once(' ')?;
            let job = if job == "-" { None } else { Some(JobId(job.parse().ok()?)) };
            Stimulus::Call { from, job, call: serde_json::from_str::<Call>(call).ok()? }
        }
        "disk" => Stimulus::Disk { job: job()?, result: parse_disk(rest?)? },
        "turn" => Stimulus::Turn,
        "transfer" => Stimulus::Transfer { job: job()?, event: parse_event(rest?)? },
        "begin" => Stimulus::Begin(job()?),
        "enter" => Stimulus::Enter(job()?),
        "leave" => Stimulus::Leave { job: job()?, leave: parse_leave(rest?)? },
        "exit" => Stimulus::Exit { job: job()?, code: rest?.parse().ok()? },
        "timeout" => Stimulus::Timeout,
        "logoff" => Stimulus::Logoff(UserId(first?.parse().ok()?)),
        "network_lost" => Stimulus::NetworkLost,
        "network_back" => Stimulus::NetworkBack,
        "late" => Stimulus::Late(match (first?, rest) {
            ("called", None) => Late::Called,
            ("started", None) => Late::Started,
            ("left", Some(leave)) => Late::Left(parse_leave(leave)?),
            (verb @ ("transfer" | "disk"), Some(rest)) => match parse_stimulus(&format!("{verb} {rest}"))? {
                Stimulus::Transfer { job, event } => Late::Report { job, event },
                Stimulus::Disk { job, result } => Late::Disk { job, result },
                _ => return None,
            },
            _ => return None,
        }),
        _ => return None,
    })
}

fn parse_disk(text: &str) -> Option<DiskResult> {
    match text {
        "good" => Some(DiskResult::Good),
        "leaves_behind" => Some(DiskResult::LeavesBehind),
        other => Some(DiskResult::RenameFails(other.strip_prefix("rename_fails ")?.parse().ok()?)),
    }
}

fn parse_leave(text: &str) -> Option<Leave> {
    match text.strip_prefix("exited ") {
        Some(code) => Some(Leave::Exited(code.parse().ok()?)),
        None if text == "panicked" => Some(Leave::Panicked),
        None => Some(Leave::Returned(text.parse().ok()?)),
    }
}

fn print_event(event: &TransferEvent) -> String {
    match event {
        TransferEvent::Connected => "connected".to_owned(),
        TransferEvent::SizeKnown(total) => format!("size {total}"),
        TransferEvent::Bytes(bytes) => format!("bytes {bytes}"),
        TransferEvent::Restarted => "restarted".to_owned(),
        TransferEvent::FileDone => "file_done".to_owned(),
        TransferEvent::Failed { class, hr, context } => {
            let class = match class {
                Failure::Transient => "transient",
                Failure::Fatal => "fatal",
            };
            format!("{class} 0x{:08X} {}", hr.0, *context as u8)
        }
    }
}

fn parse_event(text: &str) -> Option<TransferEvent> {
    let words: Vec<&str> = text.split(' ').collect();
    Some(match words[..] {
        ["connected"] => TransferEvent::Connected,
        ["restarted"] => TransferEvent::Restarted,
        ["file_done"] => TransferEvent::FileDone,
        ["size", total] => TransferEvent::SizeKnown(total.parse().ok()?),
        ["bytes", bytes] => TransferEvent::Bytes(bytes.parse().ok()?),
        [class @ ("transient" | "fatal"), hr, context] => {
            let class = if class == "fatal" { Failure::Fatal } else { Failure::Transient };
            let hr: HResult = hr.parse().ok()?;
            TransferEvent::Failed { class, hr, context: parse_context(context)? }
        }
        _ => return None,
    })
}

fn parse_context(number: &str) -> Option<ErrorContext> {
    use ErrorContext as C;
    let all = [
        C::None,
        C::Unknown,
        C::GeneralQueueManager,
        C::QueueManagerNotification,
        C::LocalFile,
        C::RemoteFile,
        C::GeneralTransport,
        C::RemoteApplication,
    ];
    all.get(number.parse::<usize>().ok()?).copied()
}
