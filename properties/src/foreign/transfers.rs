//! A server that misbehaves, and what stands at the destination in the end.
//!
//! **What it is.** For each habit of a server (connections that end early, ranges that are wrong, a file that changes, redirects) a job with one
//! file, resumed until it is transferred or has failed, and completed. When Complete answers S_OK the file has exactly the bytes that a
//! client may end up with. For statuses, whether a retry is tried.
//!
//! **What it is not.** A demand to download everything: an implementation may give a file up. It may not keep wrong bytes.

use std::time::{Duration, Instant};

use adapter::Fault as AdapterFault;
use adapter::wire::can;
use contract::core::Failure;
use contract::dialect::Contexts;
use contract::{Call, ErrorContext, FileNames, HResult, JobId, JobState, Method, Out, UserId};
use judge::Rule;

use super::Stage;
use super::abilities::Abilities;
use super::scripted::{Script, Stop, create};
use super::tally::Tally;
use crate::oracle::{Attempt, attempts};
use crate::server::{BadRange, Change, Compared, Fault, Garbage, Redirect, Scheme, Seed};

const JOB: JobId = JobId(0);

/// Of each file, in bytes: several pieces on the way.
const SIZE: u64 = 30_000;

/// How often a job that waits for a retry is resumed.
const RESUMES: u32 = 5;

/// Tries each habit until time is over, where the adapter can. What it found goes to the tally. Returns how many were not begun.
///
/// # Errors
/// The adapter does something wrong.
pub(super) fn transfers(
    stage: &mut Stage,
    abilities: &Abilities,
    is_over: &dyn Fn(&Tally) -> bool,
    tally: &mut Tally,
) -> Result<usize, AdapterFault> {
    let needed = [Method::CreateJob, Method::AddFile, Method::Resume, Method::Complete];
    // Where bgcheck cannot see the disk, `observe` answers with a digest, which need not be there.
    if !needed.into_iter().all(|method| abilities.has(method)) || stage.session.can(can::OBSERVE) {
        return Ok(0);
    }
    let habits = habits();
    for (number, habit) in habits.iter().enumerate() {
        if is_over(tally) {
            return Ok(habits.len() - number);
        }
        // A URL of its own for each, because the server counts requests.
        let seed = Seed(stage.next_program());
        Script::play(stage, "servers that misbehave", tally, |script| meets(script, *habit, seed))?;
    }
    let seed = Seed(stage.next_program());
    Script::play(stage, "servers that misbehave", tally, |script| is_not_trusted(script, seed))?;
    Ok(0)
}

/// What servers and networks do, those that break HTTP included: what becomes of the job then is each implementation's own matter, but not
/// which bytes it keeps. Statuses that ask for credentials are left out.
fn habits() -> Vec<Fault> {
    let mut all = vec![Fault::Ok, Fault::CloseDelimited, Fault::PromisesMore, Fault::Hangup { times: 1 }];
    all.extend([1, 2].map(|times| Fault::Cut { times }));
    all.extend(Change::ALL.iter().map(|how| Fault::Changed { how: *how, cuts: 1 }));
    all.extend(BadRange::ALL.iter().map(|how| Fault::BadRange { how: *how, cuts: 1 }));
    all.extend([0, 1].map(|cuts| Fault::Chunked { cuts }));
    all.push(Fault::NoRanges { cuts: 1 });
    let ways =
        [Redirect::Chain(2), Redirect::Loop, Redirect::LocalFile, Redirect::Missing, Redirect::Garbage];
    all.extend(ways.map(Fault::Redirect));
    all.extend([Garbage::StatusLine, Garbage::Chunk].map(Fault::Garbage));
    all.push(Fault::StatusFirst { status: 503, times: 1 });
    all.extend([403, 404, 408, 409, 410, 500, 501, 502, 503, 504, 505].map(Fault::Status));
    all
}

fn meets(script: &mut Script<'_>, habit: Fault, seed: Seed) -> Result<(), Stop> {
    let name = format!("t{}", seed.0);
    let local = script.stage.session.destination(&name);
    let remote = script.stage.server.url(&habit, SIZE, seed);
    script.job(JOB, vec![FileNames { remote: remote.into(), local: local.into() }])?;
    let after = format!("the server is {habit}");
    let mut first = None;
    for _ in 0..=RESUMES {
        let (hr, _) = script.does(JOB, &Call::Resume)?;
        if !hr.succeeded() {
            break;
        }
        let Some(state) = settles(script)? else { return Ok(()) };
        first.get_or_insert(state);
        if state != JobState::TransientError {
            break;
        }
    }
    if let (Fault::Status(_), Some(state)) = (habit, first) {
        retried(script, habit, state, &after);
    }
    blamed(script, habit, &after)?;
    if script.stage.session.poll(JOB)? == Some(JobState::Transferred) {
        let wrong = progress(script, habit, seed)?;
        if let Some((value, wanted)) = wrong {
            let sides = (
                format!("bytes_transferred is {value} in TRANSFERRED"),
                format!("the file has {wanted} bytes"),
            );
            script.differs(["GetProgress", "another bytes_transferred"], &after, sides, Rule::R14);
        }
        let (hr, _) = script.does(JOB, &Call::Complete)?;
        if hr == HResult::S_OK {
            let path = script.stage.session.seen_at(&name);
            kept(script, habit, seed, &path, &after);
            let _ = std::fs::remove_file(path);
        }
    }
    Ok(())
}

/// A server whose certificate is signed by nobody that the machine knows.
fn is_not_trusted(script: &mut Script<'_>, seed: Seed) -> Result<(), Stop> {
    let local = script.stage.session.destination(&format!("t{}", seed.0));
    let remote = script.stage.server.url_over(Scheme::Https, &Fault::Ok, SIZE, seed);
    let _made = script.call(UserId(0), None, &create())?;
    let file = FileNames { remote: remote.into(), local: local.into() };
    let (added, _) = script.does(JOB, &Call::AddFile { file })?;
    if !added.succeeded() {
        // One that knows no HTTPS is not asked.
        return Ok(());
    }
    let _resumed = script.does(JOB, &Call::Resume)?;
    if settles(script)? == Some(JobState::Transferred) {
        let sides = (format!("{JOB} is {}", JobState::Transferred), "the transfer fails".to_owned());
        let after = "the server's certificate is signed by nobody that is known";
        script.differs(["an unknown certificate", "the file is transferred"], after, sides, Rule::R15);
    }
    Ok(())
}

/// The state in which the job comes to rest, if it does in time.
fn settles(script: &mut Script<'_>) -> Result<Option<JobState>, Stop> {
    let until = Instant::now() + script.stage.session.limits().due;
    while Instant::now() < until {
        let state = script.stage.session.poll(JOB)?;
        script.stage.session.forget_poll();
        match state {
            Some(JobState::Queued | JobState::Connecting | JobState::Transferring) => {}
            state => return Ok(state),
        }
        let _never = script.stage.session.wait(LOOKS, &mut |_| false)?;
    }
    Ok(None)
}

const LOOKS: Duration = Duration::from_millis(1);

/// Whether a status may go away by itself is the contract's.
fn retried(script: &mut Script<'_>, habit: Fault, state: JobState, after: &str) {
    let wanted = match attempts(habit, SIZE).first() {
        Some(Attempt::Failed(Failure::Fatal, _)) => JobState::Error,
        Some(Attempt::Failed(Failure::Transient, _)) => JobState::TransientError,
        Some(Attempt::Done) | None => return,
    };
    if state != wanted {
        let sides = (format!("{JOB} is {state}"), format!("{JOB} is {wanted}"));
        script.differs(
            ["an HTTP status", &format!("subject {state}, wanted {wanted}")],
            after,
            sides,
            Rule::R13,
        );
    }
}

/// Who is blamed for what failed, where the dialect has it: the server's answer, or the connection. Statuses have a code, too.
fn blamed(script: &mut Script<'_>, habit: Fault, after: &str) -> Result<(), Stop> {
    let (context, code) = match habit {
        Fault::Status(status) => (ErrorContext::RemoteFile, Some(HResult::from_http(status))),
        Fault::PromisesMore => (ErrorContext::GeneralTransport, None),
        _ => return Ok(()),
    };
    let session = &script.stage.session;
    let is_real = session.dialect().profile().contexts == Contexts::Real;
    if !is_real || !session.has(Method::GetError) {
        return Ok(());
    }
    let (_, out) = script.does(JOB, &Call::GetError)?;
    let Some(Out::Error(error)) = out else { return Ok(()) };
    if error.context != context {
        let sides = (format!("the context is {:?}", error.context), format!("it is {context:?}"));
        script.differs(["GetError", "another context"], after, sides, Rule::R5);
    }
    if let Some(code) = code.filter(|code| *code != error.hr) {
        let sides = (format!("the code is {}", error.hr), format!("it is {code}"));
        script.differs(["GetError", "another code of a status"], after, sides, Rule::R5);
    }
    Ok(())
}

/// The bytes that the implementation counts, where these are others than the file has.
fn progress(script: &mut Script<'_>, habit: Fault, seed: Seed) -> Result<Option<(u64, u64)>, Stop> {
    let Some(content) = habit.content(SIZE, seed) else { return Ok(None) };
    if !script.stage.session.has(Method::GetProgress) {
        return Ok(None);
    }
    let (_, out) = script.does(JOB, &Call::GetProgress)?;
    Ok(match out {
        Some(Out::Progress(progress)) if progress.bytes_transferred != content.remaining() => {
            Some((progress.bytes_transferred, content.remaining()))
        }
        _ => None,
    })
}

/// A completed file has the bytes that a client may end up with, and no others.
fn kept(script: &mut Script<'_>, habit: Fault, seed: Seed, path: &std::path::Path, after: &str) {
    let there = std::fs::File::open(path);
    let what = match (habit.content(SIZE, seed), there) {
        (Some(content), Ok(file)) => match content.compare(file) {
            Ok(Compared::Same) => return,
            Ok(Compared::Differs { at }) => {
                return script.differs(
                    ["Complete -> S_OK", "the file has other bytes"],
                    after,
                    (
                        format!("the file differs from the server's at byte {at}"),
                        "it has the server's bytes".to_owned(),
                    ),
                    Rule::R15,
                );
            }
            Err(_) => "the file cannot be read",
        },
        (Some(_), Err(_)) => "there is no file",
        (None, _) => "what came is no whole file, and is kept as one",
    };
    let wanted = "the server's file stands there whole".to_owned();
    script.differs(["Complete -> S_OK", what], after, (what.to_owned(), wanted), Rule::R15);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_habit_ends_and_those_without_a_file_are_among_them() {
        let habits = habits();
        assert!(habits.len() > 15, "{}", habits.len());
        assert!(habits.iter().any(|habit| habit.content(SIZE, Seed(1)).is_none()));
        assert!(habits.iter().all(|habit| !attempts(*habit, SIZE).is_empty()));
    }
}
