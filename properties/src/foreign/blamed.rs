//! A file that cannot be written: the disk is blamed for it, and not the server.
//!
//! **What it is.** Behind AddFile the directory of the destination is taken away, and a file stands in its place. What an implementation does then is
//! its own matter. Where the job fails, the error's context is none of the network's (facts D4).
//!
//! **What it is not.** A statement about names that AddFile refuses, or about dialects without real contexts.

use std::path::Path;

use adapter::Fault as AdapterFault;
use adapter::wire::can;
use contract::{Call, ErrorContext, FileNames, HResult, JobId, JobState, Method, UserId};
use judge::Rule;

use super::Stage;
use super::abilities::Abilities;
use super::scripted::{Script, Stop, create};
use super::tally::Tally;
use crate::server::Feed;

/// What it is called in the report.
pub(super) const PLACE: &str = "destinations that go";

const JOB: JobId = JobId(0);

/// Tries it, where the adapter can. What it found goes to the tally.
///
/// # Errors
/// The adapter does something wrong.
pub(super) fn blamed(
    stage: &mut Stage,
    abilities: &Abilities,
    _: &dyn Fn(&Tally) -> bool,
    tally: &mut Tally,
) -> Result<usize, AdapterFault> {
    let needed = [Method::CreateJob, Method::AddFile, Method::Resume];
    if !abilities.has_all(&needed) || stage.session.can(can::OBSERVE) {
        return Ok(0);
    }
    let feed = stage.server.feed();
    let name = format!("directory-{}", stage.next_program());
    let directory = stage.session.seen_at(&name);
    let tried =
        Script::play(stage, PLACE, tally, |script| cannot_be_written(script, &feed, &name, &directory));
    stage.server.forget(&feed);
    // One of them is there.
    let _ = std::fs::remove_dir_all(&directory);
    let _ = std::fs::remove_file(&directory);
    tried.map(|()| 0)
}

fn cannot_be_written(script: &mut Script<'_>, feed: &Feed, name: &str, directory: &Path) -> Result<(), Stop> {
    if std::fs::create_dir(directory).is_err() {
        return Ok(());
    }
    let _made = script.call(UserId(0), None, &create())?;
    let local = script.stage.session.destination(name);
    let separator = if local.contains('\\') { '\\' } else { '/' };
    let local = format!("{local}{separator}file");
    let file = FileNames { remote: feed.url(name).into(), local: local.into() };
    let (added, _) = script.does(JOB, &Call::AddFile { file })?;
    // One that keeps something there from AddFile on has its own reasons, and the directory stays.
    if !added.succeeded() || std::fs::remove_dir(directory).is_err() || std::fs::write(directory, "").is_err()
    {
        return Ok(());
    }
    let _resumed = script.does(JOB, &Call::Resume)?;
    let after = "a file stands where the directory of the destination was";
    match script.settles(JOB)? {
        Some(JobState::Error | JobState::TransientError) => is_blamed(script, after),
        // One that has its temporary files elsewhere notices when it is to move them.
        Some(JobState::Transferred) if script.stage.session.has(Method::Complete) => {
            let (hr, _) = script.does(JOB, &Call::Complete)?;
            if hr == HResult::S_OK {
                let sides =
                    ("Complete -> S_OK".to_owned(), "the code of a file that cannot be moved".to_owned());
                script.differs(["Complete", "succeeds without the file"], after, sides, Rule::R15);
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn is_blamed(script: &mut Script<'_>, after: &str) -> Result<(), Stop> {
    let Some(error) = script.blame(JOB)? else { return Ok(()) };
    let of_the_network =
        [ErrorContext::RemoteFile, ErrorContext::GeneralTransport, ErrorContext::RemoteApplication];
    if of_the_network.contains(&error.context) {
        let sides =
            (format!("the context is {:?}", error.context), format!("it is {:?}", ErrorContext::LocalFile));
        script.differs(["GetError", "the server is blamed for the disk"], after, sides, Rule::R5);
    }
    Ok(())
}
