//! JobModification where nothing was modified: SetNotifyFlags is no change of a job, and one change is delivered once.
//!
//! **What it is not.** A comparison with a path: there a JobModification may come at any time, because an implementation may take its time.
//! Here nothing else is done, and silence is waited for.

use std::time::Duration;

use adapter::Fault;
use contract::{Call, Event, JobId, Method, NotifyFlags};
use judge::Rule;

use super::Stage;
use super::abilities::Abilities;
use super::scripted::{Script, Stop, register};
use super::tally::Tally;

/// What it is called in the report.
pub(super) const PLACE: &str = "changes and silence";

const JOB: JobId = JobId(0);

/// Trials of each kind. What comes in all of them is no coincidence.
const TRIALS: usize = 3;

/// Tries it, where the adapter can. What it found goes to the tally.
///
/// # Errors
/// The adapter does something wrong.
pub(super) fn quiet(
    stage: &mut Stage,
    abilities: &Abilities,
    _: &dyn Fn(&Tally) -> bool,
    tally: &mut Tally,
) -> Result<usize, Fault> {
    let needed =
        [Method::CreateJob, Method::SetNotifyInterface, Method::SetNotifyFlags, Method::SetDisplayName];
    let can = abilities.has_all(&needed);
    if !can || !abilities.events().contains(Event::JobModification.flag()) {
        return Ok(0);
    }
    Script::play(stage, PLACE, tally, modifications).map(|()| 0)
}

fn modifications(script: &mut Script<'_>) -> Result<(), Stop> {
    let flags = || Call::SetNotifyFlags { flags: NotifyFlags::JOB_MODIFICATION.bits() };
    script.job(JOB, Vec::new())?;
    let _registered = script.does(JOB, &register(0))?;
    let _asked = script.does(JOB, &flags())?;
    let due = script.stage.session.limits().due;
    let silence = script.stage.session.limits().quiet * SILENCE;
    let _before = count(script, silence)?;
    let (mut again, mut quiet) = (0, 0);
    for trial in 0..TRIALS {
        let before = so_far(script);
        let _changed =
            script.does(JOB, &Call::SetDisplayName { name: Some(format!("name {trial}").into()) })?;
        let comes =
            &mut |session: &adapter::Session| session.entered_of(JOB, Event::JobModification) > before;
        if !script.stage.session.wait(due, comes)? {
            // That none comes at all is reported by its name, and no silence means anything then.
            return Ok(());
        }
        again += usize::from(count(script, silence)? > 0);
        let _same = script.does(JOB, &flags())?;
        quiet += usize::from(count(script, silence)? > 0);
    }
    if again == TRIALS {
        let sides =
            ("JobModification comes again, and nothing has changed".to_owned(), "it comes once".to_owned());
        script.differs(
            ["SetDisplayName", "JobModification comes again"],
            "SetDisplayName -> S_OK",
            sides,
            Rule::R8,
        );
    } else if quiet == TRIALS {
        let sides =
            ("JobModification comes".to_owned(), "nothing comes: flags are no change of a job".to_owned());
        script.differs(
            ["SetNotifyFlags", "JobModification comes"],
            "SetNotifyFlags -> S_OK",
            sides,
            Rule::R8,
        );
    }
    Ok(())
}

/// Silence that is waited for, in times of that after which a run is at rest.
const SILENCE: u32 = 4;

fn so_far(script: &Script<'_>) -> usize {
    script.stage.session.entered_of(JOB, Event::JobModification)
}

/// How many come in this time.
fn count(script: &mut Script<'_>, time: Duration) -> Result<usize, Stop> {
    let before = so_far(script);
    let _never = script.stage.session.wait(time, &mut |_| false)?;
    Ok(so_far(script) - before)
}
