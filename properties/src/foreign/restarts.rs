//! What survives a restart of the implementation: jobs, what was set of them, and what has been transferred.
//!
//! **What it is.** For each way to end and each state, a job is brought there, and the implementation is ended and started again. Then
//! the getters answer as before, and an object whose registration is lost gets no callback. The job goes on to its end.
//!
//! **What it is not.** A path of the model: its service keeps no job on disk, and R17 has no monitor.

use std::time::{Duration, Instant};

use adapter::Fault;
use adapter::wire::{RestartKind, can};
use contract::{Call, Event, FileNames, HResult, JobId, JobState, Method, Out};
use judge::Rule;

use super::Stage;
use super::abilities::Abilities;
use super::scripted::{Script, Stop, register};
use super::tally::Tally;
use crate::server::{Compared, FEED_SEED, FEED_SIZE, Feed, Served, content};

/// What it is called in the report.
pub(super) const PLACE: &str = "restarts";

const JOB: JobId = JobId(0);

/// Where the job is when the implementation ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Before {
    Suspended,
    Transferred,
    Error,
    Cancelled,
}

const ALL: [Before; 4] = [Before::Suspended, Before::Transferred, Before::Error, Before::Cancelled];

/// Tries each, where the adapter can. What it found goes to the tally. Returns how many were not begun.
///
/// # Errors
/// The adapter does something wrong.
pub(super) fn restarts(
    stage: &mut Stage,
    abilities: &Abilities,
    is_over: &dyn Fn(&Tally) -> bool,
    tally: &mut Tally,
) -> Result<usize, Fault> {
    let needed = [Method::CreateJob, Method::AddFile, Method::Resume, Method::Cancel];
    if !stage.session.can(can::RESTART) || !abilities.has_all(&needed) {
        return Ok(0);
    }
    let kinds = [RestartKind::Stop, RestartKind::Kill];
    let all: Vec<_> = kinds.into_iter().flat_map(|kind| ALL.map(|at| (kind, at))).collect();
    for (number, (kind, before)) in all.iter().copied().enumerate() {
        if is_over(tally) {
            return Ok(all.len() - number);
        }
        let feed = stage.server.feed();
        let name = format!("restart-{}", stage.next_program());
        let tried = Script::play(stage, PLACE, tally, |script| restart(script, (kind, before), &feed, &name));
        stage.server.forget(&feed);
        let _ = std::fs::remove_file(stage.session.seen_at(&name));
        tried?;
    }
    Ok(0)
}

fn restart(
    script: &mut Script<'_>,
    (kind, before): (RestartKind, Before),
    feed: &Feed,
    name: &str,
) -> Result<(), Stop> {
    let local = script.stage.session.destination(name);
    script.job(JOB, vec![FileNames { remote: feed.url(name).into(), local: local.into() }])?;
    for call in settings() {
        if script.stage.session.has(call.method()) {
            let _set = script.does(JOB, &call)?;
        }
    }
    registers(script)?;
    if !comes_to(script, before, feed)? {
        return Ok(());
    }
    script.stage.session.rest(script.stage.session.limits().quiet)?;
    let answers = look(script)?;
    let lost = script.stage.session.restart(kind)?;
    let after = format!("the implementation was {} in {before:?} and started again", ended(kind));
    let (told, state) = (script.stage.session.callbacks().0, script.stage.session.poll(JOB)?);
    is_where_it_was(script, before, state, &after);
    if before == Before::Cancelled {
        return Ok(());
    }
    for ((call, then), (_, now)) in answers.iter().zip(look(script)?) {
        // An object that is gone is registered no more.
        if *call != Call::GetNotifyInterface && *then != now {
            let method = call.method().to_string();
            let sides = (in_words(&method, &now), in_words(&method, then));
            script.differs(["a restart", &format!("{method} answers otherwise")], &after, sides, Rule::R17);
        }
    }
    let quiet = script.stage.session.limits().quiet;
    if lost.iter().any(|lost| lost == CALLBACKS) {
        let _never = script.stage.session.wait(quiet, &mut |_| false)?;
        if script.stage.session.callbacks().0 > told {
            let sides = ("a callback comes".to_owned(), "no object is registered any more".to_owned());
            script.differs(["a restart", "a callback at an object that is gone"], &after, sides, Rule::R3);
        }
    }
    // What failed before would fail again.
    script.stage.server.serve(feed, Served::Whole);
    goes_on(script, before, &after)?;
    ends(script, name, &after)
}

/// What `lost` has when registrations do not survive.
const CALLBACKS: &str = "callbacks";

fn ended(kind: RestartKind) -> &'static str {
    match kind {
        RestartKind::Stop => "stopped",
        RestartKind::Kill => "killed",
    }
}

fn settings() -> [Call; 4] {
    [
        Call::SetDisplayName { name: Some("kept".into()) },
        Call::SetDescription { description: Some("kept, too".into()) },
        Call::SetPriority { priority: 1 },
        Call::SetMinimumRetryDelay { seconds: 700 },
    ]
}

fn registers(script: &mut Script<'_>) -> Result<(), Stop> {
    if script.stage.session.has(Method::SetNotifyInterface) {
        let _registered = script.does(JOB, &register(0))?;
    }
    Ok(())
}

/// Whether the job has come where it was to come.
fn comes_to(script: &mut Script<'_>, before: Before, feed: &Feed) -> Result<bool, Stop> {
    let wanted = match before {
        Before::Suspended => return Ok(true),
        Before::Cancelled => {
            let (hr, _) = script.does(JOB, &Call::Cancel)?;
            return Ok(hr.succeeded());
        }
        Before::Transferred => JobState::Transferred,
        Before::Error => {
            script.stage.server.serve(feed, Served::Status(404));
            JobState::Error
        }
    };
    let _resumed = script.does(JOB, &Call::Resume)?;
    reaches(script, wanted)
}

/// Polls the job until it is in this state.
fn reaches(script: &mut Script<'_>, wanted: JobState) -> Result<bool, Stop> {
    let until = Instant::now() + script.stage.session.limits().due;
    loop {
        let state = script.stage.session.poll(JOB)?;
        if state == Some(wanted) || Instant::now() >= until {
            return Ok(state == Some(wanted));
        }
        script.stage.session.forget_poll();
        let _never = script.stage.session.wait(LOOKS, &mut |_| false)?;
    }
}

const LOOKS: Duration = Duration::from_millis(1);

/// The code of a call, and what it gave back.
type Answer = (HResult, Option<Out>);

fn in_words(method: &str, (hr, out): &Answer) -> String {
    let out = out.as_ref().map(|out| format!(", {out:?}")).unwrap_or_default();
    format!("{method} -> {hr}{out}")
}

/// What the getters answer.
fn look(script: &mut Script<'_>) -> Result<Vec<(Call, Answer)>, Stop> {
    let getters: [Call; 9] = [
        Call::GetState,
        Call::GetDisplayName,
        Call::GetDescription,
        Call::GetPriority,
        Call::GetNotifyFlags,
        Call::GetMinimumRetryDelay,
        Call::EnumFilesGetCount,
        Call::GetProgress,
        Call::GetError,
    ];
    let mut answers = Vec::new();
    for getter in getters {
        if script.stage.session.has(getter.method()) {
            let answer = script.does(JOB, &getter)?;
            answers.push((getter, answer));
        }
    }
    Ok(answers)
}

fn is_where_it_was(script: &mut Script<'_>, before: Before, state: Option<JobState>, after: &str) {
    let wanted = match before {
        Before::Suspended => JobState::Suspended,
        Before::Transferred => JobState::Transferred,
        Before::Error => JobState::Error,
        Before::Cancelled => JobState::Cancelled,
    };
    // A job that has ended may be gone.
    if state == Some(wanted) || before == Before::Cancelled && state.is_none() {
        return;
    }
    let subject = state.map_or_else(|| format!("{JOB} is gone"), |state| format!("{JOB} is {state}"));
    let what =
        state.map_or_else(|| "the job is gone".to_owned(), |_| "the job is in another state".to_owned());
    script.differs(["a restart", &what], after, (subject, format!("{JOB} is {wanted}")), Rule::R17);
}

/// A client that registers again receives what the state owes; what was suspended or has failed is resumed.
fn goes_on(script: &mut Script<'_>, before: Before, after: &str) -> Result<(), Stop> {
    let owed = match before {
        Before::Transferred => Some(Event::JobTransferred),
        Before::Error => Some(Event::JobError),
        Before::Suspended | Before::Cancelled => None,
    };
    let session = &script.stage.session;
    let owed = owed.filter(|event| session.reports(*event) && session.has(Method::SetNotifyInterface));
    let due = session.limits().due;
    if let Some(event) = owed {
        let before = session.entered_of(JOB, event);
        registers(script)?;
        if !script.stage.session.wait(due, &mut |session| session.entered_of(JOB, event) > before)? {
            let sides = ("nothing".to_owned(), format!("{event}({JOB}) starts"));
            script.differs(["a restart", &format!("{event} is missing")], after, sides, Rule::R19);
        }
    }
    if before != Before::Transferred {
        let _resumed = script.does(JOB, &Call::Resume)?;
        if !reaches(script, JobState::Transferred)? {
            let sides =
                ("Resume does not lead the job to TRANSFERRED".to_owned(), format!("{JOB} is TRANSFERRED"));
            script.differs(["a restart", "the job does not go on"], after, sides, Rule::R17);
        }
    }
    Ok(())
}

/// The job is completed, and its file stands there.
fn ends(script: &mut Script<'_>, name: &str, after: &str) -> Result<(), Stop> {
    if !script.stage.session.has(Method::Complete) || script.stage.session.can(can::OBSERVE) {
        return Ok(());
    }
    let (hr, _) = script.does(JOB, &Call::Complete)?;
    let file = std::fs::File::open(script.stage.session.seen_at(name));
    let is_whole = file.is_ok_and(|file| {
        content(FEED_SEED, FEED_SIZE).compare(file).is_ok_and(|compared| compared == Compared::Same)
    });
    if hr == HResult::S_OK && !is_whole {
        let sides =
            ("the file is not there, or not whole".to_owned(), "the file stands there whole".to_owned());
        script.differs(["a restart", "the file is not whole"], after, sides, Rule::R15);
    }
    Ok(())
}
