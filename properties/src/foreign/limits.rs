//! What has a number: callbacks of one user at once, jobs of one user, and callbacks that throw.
//!
//! **What it is not.** Paths of the model: these have two jobs at most.

use adapter::Fault;
use adapter::wire::{Action, Order, can};
use contract::core::Config;
use contract::{Event, FileNames, HResult, JobId, Method, UserId};
use judge::Rule;

use super::Stage;
use super::abilities::Abilities;
use super::scripted::{Script, Stop, create, register};
use super::tally::Tally;
use crate::server::Feed;

/// Tries each limit, as far as the adapter can. What it found goes to the tally.
///
/// # Errors
/// The adapter does something wrong.
pub(super) fn limits(
    stage: &mut Stage,
    abilities: &Abilities,
    _: &dyn Fn(&Tally) -> bool,
    tally: &mut Tally,
) -> Result<usize, Fault> {
    let profile = *stage.session.dialect().profile();
    let slots = Config::of(&profile).callback_slots;
    let feed = stage.server.feed();
    let tried = all(stage, abilities, &feed, (slots, profile.jobs_per_user), tally);
    stage.server.forget(&feed);
    tried.map(|()| 0)
}

fn all(
    stage: &mut Stage,
    abilities: &Abilities,
    feed: &Feed,
    (slots, jobs): (u32, u32),
    tally: &mut Tally,
) -> Result<(), Fault> {
    let calls_back = abilities.has_all(&CALLS);
    if calls_back && abilities.can_hold() {
        Script::play(stage, PLACE_OF_CALLBACKS, tally, |script| callbacks(script, feed, slots))?;
        tally.finish(PLACE_OF_CALLBACKS);
    }
    if calls_back && stage.session.can(can::THROW) {
        Script::play(stage, PLACE_OF_THROWS, tally, |script| throws(script, feed))?;
        tally.finish(PLACE_OF_THROWS);
    }
    // Who has no second user may be one for whom there is no limit, such as an administrator.
    if abilities.has_users() && abilities.has(Method::CreateJob) {
        Script::play(stage, PLACE_OF_JOBS, tally, |script| many_jobs(script, jobs))?;
        tally.finish(PLACE_OF_JOBS);
    }
    Ok(())
}

/// What each of them is called in the report.
const PLACE_OF_CALLBACKS: &str = "limit of callbacks";
const PLACE_OF_THROWS: &str = "callbacks that throw";
const PLACE_OF_JOBS: &str = "limit of jobs";
pub(super) const PLACES: [&str; 3] = [PLACE_OF_CALLBACKS, PLACE_OF_THROWS, PLACE_OF_JOBS];

const CALLS: [Method; 4] = [Method::CreateJob, Method::AddFile, Method::SetNotifyInterface, Method::Resume];

/// What the failures of this file come behind.
const AFTER: &str = "many jobs of one user";

/// Jobs beyond those whose callbacks may be inside at once.
const MORE: u32 = 2;

/// More jobs have an event due than callbacks may be inside: each callback is held.
fn callbacks(script: &mut Script<'_>, feed: &Feed, slots: u32) -> Result<(), Stop> {
    let jobs = slots + MORE;
    let action = Action { hold: true, ..Action::default() };
    let order = Order { event: Event::JobTransferred.to_string(), job: None, action };
    script.stage.session.order(vec![order; jobs as usize])?;
    for job in (0..jobs).map(JobId) {
        begins(script, feed, job)?;
    }
    let limits = script.stage.session.limits();
    let _all = script.stage.session.wait(limits.due, &mut |session| session.callbacks().0 >= slots)?;
    script.stage.session.rest(limits.quiet)?;
    let inside = script.stage.session.inside().len() as u32;
    if inside != slots {
        let subject = format!("{inside} callbacks are inside at once, and {jobs} jobs have one");
        let rule = if inside > slots { Rule::R9 } else { Rule::R19 };
        script.differs(["a limit", "callbacks at once"], AFTER, (subject, format!("{slots} are")), rule);
    }
    let mut waits = 0;
    while script.stage.session.callbacks().1 < jobs && waits <= jobs {
        for callback in script.stage.session.inside() {
            script.stage.session.release(callback)?;
        }
        let left = script.stage.session.callbacks().1;
        let comes = &mut |session: &adapter::Session| {
            let (entered, gone) = session.callbacks();
            gone >= jobs || gone > left && entered > gone
        };
        waits += u32::from(!script.stage.session.wait(limits.due / STEPS, comes)?);
    }
    let left = script.stage.session.callbacks().1;
    if left < jobs {
        let sides = (format!("{left} callbacks have come of {jobs} jobs"), "each job has one".to_owned());
        script.differs(["a limit", "callbacks that had to wait"], AFTER, sides, Rule::R19);
    }
    Ok(())
}

/// The wait for each next callback lasts at most the time for what is due, divided by this number.
const STEPS: u32 = 4;

/// Jobs whose callbacks throw, one after the other. Each of them may end a thread that was to call back.
const THROWS: u32 = 12;

/// Callbacks that throw take nothing away from the callbacks of other jobs.
fn throws(script: &mut Script<'_>, feed: &Feed) -> Result<(), Stop> {
    let due = script.stage.session.limits().due;
    for number in 0..THROWS {
        let action = Action { throw: true, ..Action::default() };
        let order = Order { event: Event::JobTransferred.to_string(), job: None, action };
        script.stage.session.order(vec![order])?;
        begins(script, feed, JobId(number))?;
        if !script.stage.session.wait(due, &mut |session| session.callbacks().1 > number)? {
            let sides = (format!("no callback comes behind {number} that threw"), "one comes".to_owned());
            script.differs(["a limit", "callbacks that throw"], AFTER, sides, Rule::R18);
            return Ok(());
        }
    }
    Ok(())
}

/// A job whose object receives the end of its transfer.
fn begins(script: &mut Script<'_>, feed: &Feed, job: JobId) -> Result<(), Stop> {
    let name = format!("l{job}");
    let local = script.stage.session.destination(&name).into();
    script.job(job, vec![FileNames { remote: feed.url(&name).into(), local }])?;
    // An object for each, so that no one of them is called twice at once.
    let _registered = script.does(job, &register(job.0))?;
    let _resumed = script.does(job, &contract::Call::Resume)?;
    Ok(())
}

/// The second user makes jobs until one is refused.
fn many_jobs(script: &mut Script<'_>, most: u32) -> Result<(), Stop> {
    for made in 0..=most {
        let (answer, _) = script.call(UserId(1), None, &create())?;
        let wanted = if made < most { HResult::S_OK } else { HResult::BG_E_TOO_MANY_JOBS_PER_USER };
        if answer != wanted {
            let subject = format!("CreateJob -> {answer} with {made} jobs of the user");
            script.differs(["a limit", "jobs of one user"], AFTER, (subject, wanted.to_string()), Rule::R12);
            break;
        }
    }
    Ok(())
}
