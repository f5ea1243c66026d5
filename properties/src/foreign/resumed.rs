//! A transfer that was interrupted and goes on: what was transferred counts, as long as the server's file is what it was.
//!
//! **What it is.** A server with ranges and a strong entity tag cuts a connection in the middle. Once the job is at rest, its progress is noted. Then it
//! is resumed, and the rest comes slowly, so that there is time to look. The progress stays above half of what was noted (rule R14).
//!
//! **What it is not.** A demand to note any progress, to ask for a range, or to keep the last bytes: those that were not written yet may be lost.

use adapter::Fault as AdapterFault;
use contract::{Call, JobId, JobState, Method};
use judge::Rule;

use super::Stage;
use super::abilities::Abilities;
use super::scripted::{Script, Stop};
use super::tally::Tally;
use crate::server::{Fault, Seed};

/// What it is called in the report.
pub(super) const PLACE: &str = "transfers that go on";

const JOB: JobId = JobId(0);

/// Half of the file comes at once, and half within a third of a second.
const SIZE: u64 = 40_000;
const HABIT: Fault = Fault::CutThenDrip { bytes_per_second: 60_000 };

/// Tries it, where the adapter can. What it found goes to the tally.
///
/// # Errors
/// The adapter does something wrong.
pub(super) fn resumed(
    stage: &mut Stage,
    abilities: &Abilities,
    _: &dyn Fn(&Tally) -> bool,
    tally: &mut Tally,
) -> Result<usize, AdapterFault> {
    let needed = [Method::CreateJob, Method::AddFile, Method::Resume, Method::GetProgress];
    if !abilities.has_all(&needed) {
        return Ok(0);
    }
    let seed = Seed(stage.next_program());
    Script::play(stage, PLACE, tally, |script| goes_on(script, seed)).map(|()| 0)
}

fn goes_on(script: &mut Script<'_>, seed: Seed) -> Result<(), Stop> {
    script.job_of(JOB, HABIT, SIZE, seed)?;
    let _resumed = script.does(JOB, &Call::Resume)?;
    let state = script.settles(JOB)?;
    // One that tries again by itself is not at rest in between.
    if !matches!(state, Some(JobState::TransientError | JobState::Error)) {
        return Ok(());
    }
    let noted = script.progress(JOB)?.map_or(0, |progress| progress.bytes_transferred);
    let (hr, _) = script.does(JOB, &Call::Resume)?;
    if noted == 0 || !hr.succeeded() {
        return Ok(());
    }
    let mut least = noted;
    let mut look = |script: &mut Script<'_>| -> Result<(), Stop> {
        let now = script.progress(JOB)?.map_or(noted, |progress| progress.bytes_transferred);
        least = least.min(now);
        let _never = script.stage.session.wait(script.stage.session.limits().quiet, &mut |_| false)?;
        Ok(())
    };
    let _state = script.settles_watched(JOB, &mut look)?;
    if least < noted / 2 {
        let sides = (
            format!("{noted} bytes were transferred, and later {least}"),
            "progress goes back only when the server's file has changed".to_owned(),
        );
        let after = "a connection was cut, and the server's file is what it was";
        script.differs(["Resume", "progress goes back"], after, sides, Rule::R14);
    }
    Ok(())
}
