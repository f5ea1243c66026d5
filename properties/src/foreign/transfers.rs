//! A server that misbehaves, and what stands at the destination in the end.
//!
//! **What it is.** For each habit of a server (connections that end early, ranges that are wrong, a file that changes, codings, redirects) a job
//! with one file, resumed until it is transferred or has failed, and completed. When Complete answers S_OK the file has exactly the
//! bytes that a client may end up with. For statuses, whether a retry is tried. Who is blamed for what failed. Counts of bytes.
//!
//! **What it is not.** A demand to download everything: an implementation may give a file up. It may not keep wrong bytes.

use std::cmp::Ordering;
use std::ffi::OsString;

use adapter::wire::can;
use adapter::{Fault as AdapterFault, Session};
use contract::call::Progress;
use contract::core::Failure;
use contract::{Call, ErrorContext, FileNames, HResult, JobId, JobState, Method, UserId};
use judge::Rule;

use super::Stage;
use super::abilities::Abilities;
use super::aftermath::{TIDYING, left};
use super::scripted::{Script, Stop, create, name_of};
use super::tally::Tally;
use crate::oracle::{Attempt, attempts};
use crate::server::{
    BadRange, Change, Compared, Content, Fault, Garbage, Redirect, Scheme, Seed, Server, Traffic, content,
};

/// What it is called in the report.
pub(super) const PLACE: &str = "servers that misbehave";

const JOB: JobId = JobId(0);

/// Of most files, in bytes: several pieces on the way.
const SIZE: u64 = 30_000;

/// How often a job that waits for a retry is resumed.
const RESUMES: u32 = 5;

/// What a server does with its file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Habit {
    fault: Fault,
    /// Of the file, in bytes.
    size: u64,
}

/// Goes on with the servers that were not met yet until time is over, where the adapter can. What it found goes to the tally. Returns how many
/// were not begun.
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
    if !abilities.has_all(&needed) || stage.session.can(can::OBSERVE) {
        return Ok(0);
    }
    let all = trials(&stage.session);
    while let Some(trial) = all.get(stage.servers_met) {
        if is_over(tally) {
            return Ok(all.len() - stage.servers_met);
        }
        stage.servers_met += 1;
        // A URL of its own for each, because the server counts requests.
        let seed = Seed(stage.next_program());
        Script::play(stage, PLACE, tally, |script| match trial {
            Trial::Meets(habit) => meets(script, *habit, seed),
            Trial::HasTwoFiles => has_two_files(script, [seed, Seed(!seed.0)]),
            Trial::IsNotTrusted => is_not_trusted(script, seed),
            Trial::IsLedIntoTheClear => is_led_into_the_clear(script, seed),
        })?;
    }
    Ok(0)
}

/// A server that an implementation meets.
enum Trial {
    Meets(Habit),
    HasTwoFiles,
    IsNotTrusted,
    IsLedIntoTheClear,
}

fn trials(session: &Session) -> Vec<Trial> {
    let trusts = session.can(can::HTTPS);
    let over_tls = [Some(Trial::IsNotTrusted), trusts.then_some(Trial::IsLedIntoTheClear)];
    let habits = habits().into_iter().map(Trial::Meets).chain([Trial::HasTwoFiles]);
    habits.chain(over_tls.into_iter().flatten()).collect()
}

/// What servers and networks do, those that break HTTP included: what becomes of the job then is each implementation's own matter, but not
/// which bytes it keeps. Statuses that ask for credentials are left out. First what changes the bytes that come.
fn habits() -> Vec<Habit> {
    let mut all: Vec<Fault> =
        BadRange::ALL.iter().map(|how| Fault::BadRange { how: *how, cuts: 1 }).collect();
    all.extend(Change::ALL.iter().map(|how| Fault::Changed { how: *how, cuts: 1 }));
    all.push(Fault::EndLost);
    all.extend([1, 2].map(|times| Fault::Cut { times }));
    all.extend([Fault::Ok, Fault::CloseDelimited, Fault::PromisesMore, Fault::PromisesLess]);
    all.extend([Fault::Hangup { times: 1 }, Fault::Coded, Fault::UnaskedPart]);
    all.extend([0, 1].map(|cuts| Fault::Chunked { cuts }));
    all.push(Fault::NoRanges { cuts: 1 });
    let ways =
        [Redirect::Chain(2), Redirect::Loop, Redirect::LocalFile, Redirect::Missing, Redirect::Garbage];
    all.extend(ways.map(Fault::Redirect));
    all.extend([Garbage::StatusLine, Garbage::Chunk].map(Fault::Garbage));
    all.extend([404, 503].map(|status| Fault::StatusFirst { status, times: 1 }));
    all.extend(STATUSES.map(Fault::Status));
    let usual = all.into_iter().map(|fault| Habit { fault, size: SIZE });
    // Files without a byte, with one, and with more than one read takes.
    let empty = [Fault::Ok, Fault::CloseDelimited, Fault::Chunked { cuts: 0 }];
    let empty = empty.map(|fault| Habit { fault, size: 0 });
    let large = [Fault::Ok, Fault::Cut { times: 1 }, Fault::Chunked { cuts: 1 }];
    let large = large.map(|fault| Habit { fault, size: LARGE });
    usual.chain(empty).chain([Habit { fault: Fault::Ok, size: 1 }]).chain(large).collect()
}

const LARGE: u64 = 300_000;

/// Those of which the documents state what follows.
const STATUSES: [u16; 12] = [403, 404, 408, 409, 410, 500, 501, 502, 503, 504, 505, 400];

impl Habit {
    /// What an implementation overlooks that is taken in by it: mistakes of different kinds have different names.
    const fn kind(self) -> &'static str {
        match self.fault {
            Fault::BadRange { .. } | Fault::UnaskedPart => "another range",
            Fault::Changed { .. } => "another version",
            Fault::Coded => "a coding",
            Fault::Redirect(_) => "a redirect",
            Fault::Status(_) | Fault::StatusFirst { .. } => "a status",
            Fault::Garbage(_) | Fault::Endless(_) => "no HTTP",
            Fault::Ok | Fault::Drip { .. } | Fault::Stall { .. } => "nothing is wrong",
            Fault::Hangup { .. }
            | Fault::Cut { .. }
            | Fault::CutThenDrip { .. }
            | Fault::EndLost
            | Fault::PromisesMore
            | Fault::PromisesLess
            | Fault::NoRanges { .. }
            | Fault::Chunked { .. }
            | Fault::CloseDelimited => ANOTHER_LENGTH,
        }
    }

    /// The only bytes that a client may end up with.
    fn content(self, seed: Seed) -> Option<Content> {
        match self.fault {
            // One that asks for the rest gets it.
            Fault::UnaskedPart => Some(content(seed, self.size)),
            _ => self.fault.content(self.size, seed),
        }
    }
}

fn meets(script: &mut Script<'_>, habit: Habit, seed: Seed) -> Result<(), Stop> {
    let name = name_of(seed);
    script.job_of(JOB, habit.fault, habit.size, seed)?;
    let after = format!("the server is {}", habit.fault);
    if let Some(first) = goes_on(script, &after)? {
        retried(script, habit, first, &after);
    }
    blamed(script, habit, &after)?;
    let state = script.stage.session.poll(JOB)?;
    if state == Some(JobState::Transferred) {
        if let (Some(progress), Some(content)) = (script.progress(JOB)?, habit.content(seed)) {
            is_counted(script, &progress, content.remaining(), &after);
        }
        let (hr, _) = script.does(JOB, &Call::Complete)?;
        if hr == HResult::S_OK {
            let path = script.stage.session.seen_at(&name);
            kept(script, habit, seed, &path, &after);
            leaves_nothing(script, "Complete", &name);
            let _ = std::fs::remove_file(path);
        }
    } else if script.stage.session.has(Method::Cancel) {
        let (hr, _) = script.does(JOB, &Call::Cancel)?;
        if hr == HResult::S_OK {
            leaves_nothing(script, "Cancel", "");
        }
    }
    Ok(())
}

/// Resumes the job until it is transferred or has failed for good. The state in which it came to rest first, when it always came to rest.
fn goes_on(script: &mut Script<'_>, after: &str) -> Result<Option<JobState>, Stop> {
    let (mut first, mut failed) = (None, 0);
    for _ in 0..=RESUMES {
        let (hr, _) = script.does(JOB, &Call::Resume)?;
        if !hr.succeeded() {
            break;
        }
        let Some(state) = script.settles(JOB)? else { return Ok(None) };
        first.get_or_insert(state);
        if let Some(progress) = script.progress(JOB)? {
            is_possible(script, &progress, after);
        }
        failed += u32::from(state == JobState::Error);
        // What has failed is repaired, perhaps: that is tried once.
        if state != JobState::TransientError && !(state == JobState::Error && failed == 1) {
            break;
        }
    }
    Ok(first)
}

/// Two files with other bytes and other sizes, the first of which comes in two parts: each is at its own destination.
fn has_two_files(script: &mut Script<'_>, seeds: [Seed; 2]) -> Result<(), Stop> {
    let habits = [(Fault::Cut { times: 1 }, SIZE), (Fault::Ok, SIZE / 3)];
    let habits = habits.map(|(fault, size)| Habit { fault, size });
    let files = habits.iter().zip(seeds).map(|(habit, seed)| FileNames {
        remote: script.stage.server.url(&habit.fault, habit.size, seed).into(),
        local: script.stage.session.destination(&name_of(seed)).into(),
    });
    let files: Vec<FileNames> = files.collect();
    let _made = script.call(UserId(0), None, &create())?;
    for file in files {
        let (added, _) = script.does(JOB, &Call::AddFile { file })?;
        if !added.succeeded() {
            return Ok(());
        }
    }
    let after = "a job has two files";
    let _state = goes_on(script, after)?;
    if script.stage.session.poll(JOB)? != Some(JobState::Transferred) {
        return Ok(());
    }
    let (hr, _) = script.does(JOB, &Call::Complete)?;
    for (habit, seed) in habits.into_iter().zip(seeds) {
        let path = script.stage.session.seen_at(&name_of(seed));
        if hr == HResult::S_OK {
            kept(script, habit, seed, &path, after);
        }
        let _ = std::fs::remove_file(path);
    }
    Ok(())
}

/// A server with a certificate that no authority known to the machine has signed.
fn is_not_trusted(script: &mut Script<'_>, seed: Seed) -> Result<(), Stop> {
    // Each server has a certificate of its own, and no adapter was given this one's.
    let Ok(stranger) = Server::start() else { return Ok(()) };
    let remote = stranger.url_over(Scheme::Https, &Fault::Ok, SIZE, seed);
    if goes_to(script, remote, seed)? == Some(JobState::Transferred) {
        let sides = (format!("{JOB} is {}", JobState::Transferred), "the transfer fails".to_owned());
        let after = "no known authority has signed the server's certificate";
        script.differs(["an unknown certificate", "the file is transferred"], after, sides, Rule::R15);
    }
    Ok(())
}

/// A server that is trusted, and that leads the client to one without TLS. Facts D2: that needs a flag, which is off.
fn is_led_into_the_clear(script: &mut Script<'_>, seed: Seed) -> Result<(), Stop> {
    let fault = Fault::Redirect(Redirect::OtherScheme);
    let remote = script.stage.server.url_over(Scheme::Https, &fault, SIZE, seed);
    let state = goes_to(script, remote, seed)?;
    if script.stage.server.traffic(&Fault::Ok, SIZE, seed).requests > 0 {
        let state = state.map_or_else(|| "on its way".to_owned(), |state| state.to_string());
        let sides =
            (format!("the file is asked for in the clear, and {JOB} is {state}"), "it is not".to_owned());
        let after = "a server leads the client from HTTPS to HTTP";
        script.differs(["a redirect from HTTPS to HTTP", "it is followed"], after, sides, Rule::R15);
    }
    Ok(())
}

/// A job with this file: the state in which it comes to rest. None also where AddFile refuses, as without HTTPS.
fn goes_to(script: &mut Script<'_>, remote: String, seed: Seed) -> Result<Option<JobState>, Stop> {
    let local = script.stage.session.destination(&name_of(seed));
    let _made = script.call(UserId(0), None, &create())?;
    let file = FileNames { remote: remote.into(), local: local.into() };
    let (added, _) = script.does(JOB, &Call::AddFile { file })?;
    if !added.succeeded() {
        return Ok(None);
    }
    let _resumed = script.does(JOB, &Call::Resume)?;
    script.settles(JOB)
}

/// Whether a status may go away by itself is the contract's.
fn retried(script: &mut Script<'_>, habit: Habit, state: JobState, after: &str) {
    // One that tries again by itself does so before it is at rest, and sees only what lasts.
    if !matches!(habit.fault, Fault::Status(_)) {
        return;
    }
    let wanted = match attempts(habit.fault, habit.size).first() {
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

/// Who is blamed for what failed, where the dialect has it: the server's answer, or the connection; never the disk. Statuses have a code, too.
fn blamed(script: &mut Script<'_>, habit: Habit, after: &str) -> Result<(), Stop> {
    let Some(error) = script.blame(JOB)? else { return Ok(()) };
    let (context, code) = match habit.fault {
        Fault::Status(status) => (Some(ErrorContext::RemoteFile), Some(HResult::from_http(status))),
        Fault::PromisesMore => (Some(ErrorContext::GeneralTransport), None),
        _ => (None, None),
    };
    if let Some(context) = context.filter(|context| *context != error.context) {
        let sides = (format!("the context is {:?}", error.context), format!("it is {context:?}"));
        script.differs(["GetError", "another context"], after, sides, Rule::R5);
    } else if error.context == ErrorContext::LocalFile && habit.fault.is_of_the_network() {
        let sides = ("the context is LocalFile".to_owned(), "the server or the network is blamed".to_owned());
        script.differs(["GetError", "the disk is blamed for the server"], after, sides, Rule::R5);
    }
    if let Some(code) = code.filter(|code| *code != error.hr) {
        let sides = (format!("the code is {}", error.hr), format!("it is {code}"));
        script.differs(["GetError", "another code of a status"], after, sides, Rule::R5);
    }
    Ok(())
}

/// No more is transferred than there is.
fn is_possible(script: &mut Script<'_>, progress: &Progress, after: &str) {
    let Progress { bytes_total, bytes_transferred, files_total, files_transferred } = *progress;
    let bytes = bytes_total.filter(|total| bytes_transferred > *total);
    let of = match (bytes, files_transferred > files_total) {
        (Some(total), _) => format!("{bytes_transferred} of {total} bytes"),
        (None, true) => format!("{files_transferred} of {files_total} files"),
        (None, false) => return,
    };
    let sides = (format!("{of} are transferred"), "at most all of them are".to_owned());
    script.differs(["GetProgress", "more is transferred than there is"], after, sides, Rule::R14);
}

/// All of a job that is transferred.
fn is_counted(script: &mut Script<'_>, progress: &Progress, size: u64, after: &str) {
    let total = progress.bytes_total.map_or_else(|| "unknown".to_owned(), |total| total.to_string());
    let fields = [
        ("bytes_transferred", progress.bytes_transferred.to_string(), size),
        ("bytes_total", total, size),
        ("files_transferred", progress.files_transferred.to_string(), 1),
        ("files_total", progress.files_total.to_string(), 1),
    ];
    let wrong = fields.into_iter().find(|(_, value, wanted)| *value != wanted.to_string());
    if let Some((field, value, wanted)) = wrong {
        let sides = (format!("{field} is {value} in TRANSFERRED"), format!("it is {wanted}"));
        script.differs(["GetProgress", &format!("another {field}")], after, sides, Rule::R14);
    }
}

/// A completed file has the bytes that a client may end up with, and no others.
fn kept(script: &mut Script<'_>, habit: Habit, seed: Seed, path: &std::path::Path, after: &str) {
    let there = std::fs::File::open(path);
    let what = match (habit.content(seed), there) {
        (Some(content), Ok(file)) => match content.clone().compare(file) {
            Ok(Compared::Same) => return,
            Ok(Compared::Differs { at }) => {
                let length = std::fs::metadata(path).map_or(0, |file| file.len());
                let came = Came {
                    whole: length.cmp(&content.remaining()),
                    traffic: script.stage.server.traffic(&habit.fault, habit.size, seed),
                };
                if came.is_excused(habit) {
                    return;
                }
                return script.differs(
                    ["Complete -> S_OK", &format!("the file has other bytes: {}", came.overlooked(habit))],
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
    script.differs(
        ["Complete -> S_OK", &format!("{what}: {}", habit.kind())],
        after,
        (what.to_owned(), wanted),
        Rule::R15,
    );
}

/// What has come of a file that was kept and is wrong.
struct Came {
    /// Its length, compared with the whole one.
    whole: Ordering,
    traffic: Traffic,
}

impl Came {
    /// By its date a file that changes within a second is what it was. A client is excused that has asked for the rest, each time with a
    /// condition, and that has a whole file then.
    fn is_excused(&self, habit: Habit) -> bool {
        let is_same_date = matches!(habit.fault, Fault::Changed { how: Change::SameDate, .. });
        let asks = self.traffic.ranges > 0 && self.traffic.unconditional == 0;
        is_same_date && asks && self.whole.is_eq()
    }

    /// What was overlooked. A client that keeps what has come of a connection that ended early has met no other range and no other version.
    fn overlooked(&self, habit: Habit) -> &'static str {
        let is_cut = matches!(habit.fault, Fault::BadRange { .. } | Fault::Changed { .. });
        let never_asks = self.traffic.requests <= 1;
        if is_cut && (self.whole.is_lt() || never_asks) { ANOTHER_LENGTH } else { habit.kind() }
    }
}

const ANOTHER_LENGTH: &str = "another length";

/// A job that has ended leaves the file that it was completed with, and no other.
fn leaves_nothing(script: &mut Script<'_>, call: &str, name: &str) {
    let stage = &mut *script.stage;
    let left = left(&stage.session, &stage.litter, TIDYING, &|found: &OsString| *found == *name);
    stage.litter.note(&stage.session);
    if let Some(first) = left.first() {
        let sides = (
            format!("{} stands in the directory of the destinations", first.to_string_lossy()),
            "only files of completed jobs stand there".to_owned(),
        );
        let after = format!("{call} -> S_OK");
        script.differs([after.as_str(), "a file is left"], &after, sides, Rule::R15);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_habit_ends_and_those_without_a_file_are_among_them() {
        let habits = habits();
        assert!(habits.len() > 15, "{}", habits.len());
        assert!(habits.iter().any(|habit| habit.content(Seed(1)).is_none()));
        assert!(habits.iter().all(|habit| !attempts(habit.fault, habit.size).is_empty()));
        for (number, habit) in habits.iter().enumerate() {
            assert!(!habits[..number].contains(habit), "{habit:?} is there twice");
        }
    }

    const DATED: Habit = Habit { fault: Fault::Changed { how: Change::SameDate, cuts: 1 }, size: SIZE };

    fn came(whole: Ordering, requests: u32, ranges: u32, unconditional: u32) -> Came {
        Came { whole, traffic: Traffic { requests, ranges, unconditional, bytes: 0 } }
    }

    /// A client that never asks for the rest has asked for nothing under a condition.
    #[test]
    fn only_a_client_that_asks_for_the_rest_is_excused() {
        assert!(came(Ordering::Equal, 2, 1, 0).is_excused(DATED));
        assert!(!came(Ordering::Equal, 2, 1, 1).is_excused(DATED));
        assert!(!came(Ordering::Less, 1, 0, 0).is_excused(DATED), "it keeps half of the file");
        assert!(!came(Ordering::Less, 2, 1, 0).is_excused(DATED), "it keeps a part of the file");
    }

    /// Half of a file that is kept has one name, whatever the server would have done with a request for the rest.
    #[test]
    fn a_file_that_is_too_short_has_one_name() {
        let half = came(Ordering::Less, 1, 0, 0);
        let asked = came(Ordering::Equal, 2, 1, 1);
        let cut = Habit { fault: Fault::Cut { times: 1 }, size: SIZE };
        for how in BadRange::ALL {
            let habit = Habit { fault: Fault::BadRange { how: *how, cuts: 1 }, size: SIZE };
            assert_eq!(half.overlooked(habit), half.overlooked(cut), "{habit:?}");
            assert_eq!(asked.overlooked(habit), "another range", "{habit:?}");
        }
        for how in Change::ALL {
            let habit = Habit { fault: Fault::Changed { how: *how, cuts: 1 }, size: SIZE };
            assert_eq!(half.overlooked(habit), half.overlooked(cut), "{habit:?}");
            assert_eq!(asked.overlooked(habit), "another version", "{habit:?}");
        }
        let unasked = Habit { fault: Fault::UnaskedPart, size: SIZE };
        assert_eq!(half.overlooked(unasked), "another range", "a part that was not asked for did come");
    }
}
