//! What a person may let happen, as typed: a call, or a move of a callback, the service, the network, the disk or the clock.
//!
//! **The law it keeps.** An act prints as a statement that [`read`](super::read()) reads back as this very act.

use std::fmt;

use contract::core::{Failure, TransferEvent};
use contract::event::Leave;
use contract::{DeliveryId, JobId, ThreadId, UserId};
use model::drive::{DiskResult, From, Late, Stimulus};

use super::call::{self, code};
use contract::Call;

/// One act.
#[derive(Clone, PartialEq, Debug)]
pub struct Act {
    /// Who does it; the first client thread when nothing is typed.
    pub who: Option<Who>,
    /// On which job.
    pub on: On,
    /// What.
    pub verb: Verb,
}

/// Who acts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Who {
    /// A client thread: `t1:`.
    Thread(ThreadId),
    /// The callback or program of this number: `d0:`.
    Delivery(DeliveryId),
    /// The callback of this job that runs: `cb0:`.
    CallbackOf(JobId),
    /// A client of this user, on whichever job: `u1:`.
    User(UserId),
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Who::Thread(thread) => write!(f, "{thread}"),
            Who::Delivery(delivery) => write!(f, "{delivery}"),
            Who::CallbackOf(job) => write!(f, "cb{}", job.0),
            Who::User(user) => write!(f, "{user}"),
        }
    }
}

/// The job of an act.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum On {
    /// The one that is chosen.
    Chosen,
    /// This one: `j1.`.
    Job(JobId),
    /// None, where the verb usually has one: `none.`.
    None,
}

/// What is done.
#[derive(Clone, PartialEq, Debug)]
pub enum Verb {
    /// A call.
    Call(Call),
    /// The scheduler's turn.
    Turn,
    /// The transfer reports.
    Transfer(TransferEvent),
    /// The disk work of Complete or Cancel is done.
    Disk(DiskResult),
    /// A delivery begins.
    Begin,
    /// It enters.
    Enter,
    /// The callback leaves.
    Leave(Leave),
    /// The program exits.
    Exit(i32),
    /// The next delivery, from its begin to its end.
    Deliver(Leave),
    /// Time passes up to the next timer.
    Time,
    /// A user logs off.
    Logoff(UserId),
    /// The network is lost.
    NetworkLost,
    /// The network is back.
    NetworkBack,
    /// The transfer of an older attempt reports.
    LateTransfer(TransferEvent),
    /// Disk work is done that no call waits for.
    LateDisk(DiskResult),
    /// A callback that has left calls.
    LateCall,
    /// A callback that has left leaves again.
    LateLeave(Leave),
    /// A program that has exited is reported as started.
    LateStart,
}

impl Act {
    /// The act that is this stimulus; none for a method that the specification does not know, and for numbers that cannot be typed.
    #[must_use]
    pub fn of(stimulus: &Stimulus) -> Option<Act> {
        let plain = |verb| Act { who: None, on: On::Chosen, verb };
        let on = |job: JobId, verb| Act { who: None, on: On::Job(job), verb };
        let act = match stimulus {
            Stimulus::Call { call: Call::Other { .. }, .. } => return None,
            Stimulus::Call { from, job, call } => {
                let who = match *from {
                    From::Client(thread) if thread.0 > MOST_THREADS => return None,
                    From::Client(thread) => Who::Thread(thread),
                    From::Callback(job) => Who::CallbackOf(job),
                    From::User(user) => Who::User(user),
                };
                let on = match job {
                    Some(job) => On::Job(*job),
                    None if call::needs_job(call.method()) => On::None,
                    None => On::Chosen,
                };
                Act { who: Some(who), on, verb: Verb::Call(call.clone()) }
            }
            Stimulus::Disk { job, result } => on(*job, Verb::Disk(*result)),
            Stimulus::Turn => plain(Verb::Turn),
            Stimulus::Transfer { job, event } => on(*job, Verb::Transfer(*event)),
            Stimulus::Begin(job) => on(*job, Verb::Begin),
            Stimulus::Enter(job) => on(*job, Verb::Enter),
            Stimulus::Leave { job, leave } => on(*job, Verb::Leave(*leave)),
            Stimulus::Exit { job, code } => on(*job, Verb::Exit(*code)),
            Stimulus::Timeout => plain(Verb::Time),
            Stimulus::Logoff(user) => plain(Verb::Logoff(*user)),
            Stimulus::NetworkLost => plain(Verb::NetworkLost),
            Stimulus::NetworkBack => plain(Verb::NetworkBack),
            Stimulus::Late(Late::Report { job, event }) => on(*job, Verb::LateTransfer(*event)),
            Stimulus::Late(Late::Disk { job, result }) => on(*job, Verb::LateDisk(*result)),
            Stimulus::Late(Late::Called) => plain(Verb::LateCall),
            Stimulus::Late(Late::Left(leave)) => plain(Verb::LateLeave(*leave)),
            Stimulus::Late(Late::Started) => plain(Verb::LateStart),
        };
        Some(act)
    }
}

/// Client threads are numbered up to here; then come the service's own.
pub(super) const MOST_THREADS: u32 = 98;

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(who) = &self.who {
            write!(f, "{who}: ")?;
        }
        match self.on {
            On::Chosen => {}
            On::Job(job) => write!(f, "{job}.")?,
            On::None => f.write_str("none.")?,
        }
        write!(f, "{}", self.verb)
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verb::Call(call) => f.write_str(&call::print(call)),
            Verb::Turn => f.write_str("turn"),
            Verb::Transfer(event) => write!(f, "transfer {}", reported(event)),
            Verb::Disk(result) => write!(f, "disk {}", worked(*result)),
            Verb::Begin => f.write_str("begin"),
            Verb::Enter => f.write_str("enter"),
            Verb::Leave(leave) => write!(f, "leave {}", left(*leave)),
            Verb::Exit(code) => write!(f, "exit {code}"),
            Verb::Deliver(leave) => write!(f, "deliver {}", left(*leave)),
            Verb::Time => f.write_str("time"),
            Verb::Logoff(user) => write!(f, "logoff {user}"),
            Verb::NetworkLost => f.write_str("network lost"),
            Verb::NetworkBack => f.write_str("network back"),
            Verb::LateTransfer(event) => write!(f, "late transfer {}", reported(event)),
            Verb::LateDisk(result) => write!(f, "late disk {}", worked(*result)),
            Verb::LateCall => f.write_str("late called"),
            Verb::LateLeave(leave) => write!(f, "late left {}", left(*leave)),
            Verb::LateStart => f.write_str("late started"),
        }
    }
}

fn reported(event: &TransferEvent) -> String {
    match event {
        TransferEvent::Connected => "connected".to_owned(),
        TransferEvent::SizeKnown(total) => format!("size {total}"),
        TransferEvent::Bytes(bytes) => format!("bytes {bytes}"),
        TransferEvent::Restarted => "restarted".to_owned(),
        TransferEvent::FileDone => "done".to_owned(),
        TransferEvent::Failed { class, hr, context } => {
            let class = match class {
                Failure::Transient => "transient",
                Failure::Fatal => "fatal",
            };
            format!("fails {class} {} {context:?}", code(*hr))
        }
    }
}

fn worked(result: DiskResult) -> String {
    match result {
        DiskResult::Good => "good".to_owned(),
        DiskResult::RenameFails(after) => format!("rename-fails {after}"),
        DiskResult::LeavesBehind => "leaves-behind".to_owned(),
    }
}

fn left(leave: Leave) -> String {
    match leave {
        Leave::Returned(hr) => code(hr),
        Leave::Panicked => "panics".to_owned(),
        Leave::Exited(number) => format!("exited {number}"),
    }
}
