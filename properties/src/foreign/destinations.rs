//! What stands at a destination before the job does, and what stands in its way: bgcheck puts it there, so no adapter has to be able to.
//!
//! **What it is.** A file of another program stays unchanged until Complete, and for good when the job is cancelled. Where a
//! directory is in the way, Complete fails, the job stays as it was (facts G28), and Complete is good once the way is free.
//!
//! **What it is not.** A statement about names that AddFile refuses: what is in the way comes behind AddFile.

use std::path::Path;
use std::time::{Duration, Instant};

use adapter::Fault;
use adapter::wire::can;
use contract::{Call, FileNames, JobId, JobState, Method};
use judge::Rule;

use super::Stage;
use super::abilities::Abilities;
use super::scripted::{Script, Stop, create};
use super::tally::Tally;
use crate::server::{Compared, FEED_SEED, FEED_SIZE, content};

/// What it is called in the report.
pub(super) const PLACE: &str = "destinations";

const JOB: JobId = JobId(0);

/// The bytes of another program's file.
const OTHERS: &[u8] = b"somebody else's file";

/// How the job ends whose destination is a file already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Cancelled,
    /// Before anything was transferred.
    CompletedEmpty,
    Completed,
}

/// What is done where a directory is in the way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Then {
    /// The way is freed, and Complete is called again.
    CompletedAgain,
    Cancelled,
}

/// Tries each, where the adapter can. What it found goes to the tally. Returns how many were not begun.
///
/// # Errors
/// The adapter does something wrong.
pub(super) fn destinations(
    stage: &mut Stage,
    abilities: &Abilities,
    is_over: &dyn Fn(&Tally) -> bool,
    tally: &mut Tally,
) -> Result<usize, Fault> {
    let needed = [Method::CreateJob, Method::AddFile, Method::Resume, Method::Complete, Method::Cancel];
    // Where bgcheck cannot see the disk, it cannot put anything there.
    if !abilities.has_all(&needed) || stage.session.can(can::OBSERVE) {
        return Ok(0);
    }
    let ends = [End::Cancelled, End::CompletedEmpty, End::Completed];
    let thens = [Then::CompletedAgain, Then::Cancelled];
    let all = ends.len() + thens.len();
    for number in 0..all {
        if is_over(tally) {
            return Ok(all - number);
        }
        let feed = stage.server.feed();
        let name = format!("destination-{}", stage.next_program());
        let path = stage.session.seen_at(&name);
        let tried = Script::play(stage, PLACE, tally, |script| {
            let local = script.stage.session.destination(&name);
            let file = FileNames { remote: feed.url(&name).into(), local: local.into() };
            match ends.get(number) {
                Some(end) => file_stands(script, *end, file, &path),
                None => directory_stands(script, thens[number - ends.len()], file, &path),
            }
        });
        stage.server.forget(&feed);
        // One of them is there.
        let _ = std::fs::remove_dir_all(&path);
        let _ = std::fs::remove_file(&path);
        tried?;
    }
    Ok(0)
}

/// Another program's file stands at the destination.
fn file_stands(script: &mut Script<'_>, end: End, file: FileNames, path: &Path) -> Result<(), Stop> {
    if std::fs::write(path, OTHERS).is_err() {
        return Ok(());
    }
    let _made = script.call(contract::UserId(0), None, &create())?;
    let (added, _) = script.does(JOB, &Call::AddFile { file })?;
    if !added.succeeded() {
        // Whether a name is taken is each implementation's own matter.
        return Ok(());
    }
    if end != End::CompletedEmpty && !is_transferred(script)? {
        return Ok(());
    }
    if !is_others(path) {
        let after = "somebody else's file stands at the destination, and the job has not ended";
        changed(script, ["before the end of a job", "a file at the destination is touched"], after);
        return Ok(());
    }
    let call = if end == End::Cancelled { Call::Cancel } else { Call::Complete };
    let (hr, _) = script.does(JOB, &call)?;
    let after = format!("somebody else's file stands at the destination, and {} -> {hr}", call.method());
    match end {
        End::Cancelled | End::CompletedEmpty if !is_others(path) => {
            changed(script, [call.method().name(), "somebody else's file is touched"], &after);
        }
        // One that refuses to overwrite a file leaves it.
        End::Completed if hr.succeeded() && !is_whole(path) => {
            let sides =
                ("another file stands there".to_owned(), "the server's file stands there whole".to_owned());
            script.differs(
                ["Complete -> S_OK", "the file that stood there is still there"],
                &after,
                sides,
                Rule::R15,
            );
        }
        End::Completed if !hr.succeeded() && !is_others(path) => {
            changed(script, ["Complete fails", "a file at the destination is touched"], &after);
        }
        _ => {}
    }
    Ok(())
}

fn changed(script: &mut Script<'_>, skeleton: [&str; 2], after: &str) {
    let sides = ("the file has changed, or is gone".to_owned(), "it is as it was".to_owned());
    script.differs(skeleton, after, sides, Rule::R15);
}

/// A directory that is not empty stands where the file is to be.
fn directory_stands(script: &mut Script<'_>, then: Then, file: FileNames, path: &Path) -> Result<(), Stop> {
    script.job(JOB, vec![file])?;
    if !is_transferred(script)? {
        return Ok(());
    }
    let inside = path.join("inside");
    if std::fs::create_dir(path).and_then(|()| std::fs::write(&inside, OTHERS)).is_err() {
        return Ok(());
    }
    let (hr, _) = script.does(JOB, &Call::Complete)?;
    let after = format!("a directory stands at the destination, and Complete -> {hr}");
    if hr.succeeded() {
        let sides = (format!("Complete -> {hr}"), "the code of a file that cannot be moved".to_owned());
        script.differs(["Complete", "succeeds without the file"], &after, sides, Rule::R15);
        return Ok(());
    }
    if !is_others(&inside) {
        changed(script, ["Complete fails", "what is in the way is touched"], &after);
    }
    let state = script.stage.session.poll(JOB)?;
    if state != Some(JobState::Transferred) {
        let subject = state.map_or_else(|| format!("{JOB} is gone"), |state| format!("{JOB} is {state}"));
        let sides = (subject, format!("{JOB} is {}", JobState::Transferred));
        script.differs(["Complete fails", "the job is in another state"], &after, sides, Rule::R11);
        return Ok(());
    }
    let _ = std::fs::remove_dir_all(path);
    match then {
        Then::Cancelled => {
            let (hr, _) = script.does(JOB, &Call::Cancel)?;
            if !hr.succeeded() {
                let sides = (format!("Cancel -> {hr}"), "Cancel -> S_OK".to_owned());
                script.differs(["Complete fails", "Cancel fails behind it"], &after, sides, Rule::R12);
            }
        }
        Then::CompletedAgain => {
            let (hr, _) = script.does(JOB, &Call::Complete)?;
            if !hr.succeeded() {
                let sides = (format!("Complete -> {hr}"), "Complete -> S_OK".to_owned());
                script.differs(
                    ["Complete fails", "it fails again when the way is free"],
                    &after,
                    sides,
                    Rule::R11,
                );
            } else if !is_whole(path) {
                let sides = (
                    "the file is not there, or not whole".to_owned(),
                    "the file stands there whole".to_owned(),
                );
                script.differs(["Complete again", "the file is not whole"], &after, sides, Rule::R15);
            }
        }
    }
    Ok(())
}

/// Resumes the job, and waits until it is transferred.
fn is_transferred(script: &mut Script<'_>) -> Result<bool, Stop> {
    let _resumed = script.does(JOB, &Call::Resume)?;
    let until = Instant::now() + script.stage.session.limits().due;
    loop {
        let state = script.stage.session.poll(JOB)?;
        if state == Some(JobState::Transferred) || Instant::now() >= until {
            return Ok(state == Some(JobState::Transferred));
        }
        script.stage.session.forget_poll();
        let _never = script.stage.session.wait(LOOKS, &mut |_| false)?;
    }
}

const LOOKS: Duration = Duration::from_millis(1);

fn is_others(path: &Path) -> bool {
    std::fs::read(path).is_ok_and(|bytes| bytes == OTHERS)
}

fn is_whole(path: &Path) -> bool {
    let file = std::fs::File::open(path);
    file.is_ok_and(|file| {
        content(FEED_SEED, FEED_SIZE).compare(file).is_ok_and(|same| same == Compared::Same)
    })
}
