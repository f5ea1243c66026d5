//! What has a number: callbacks of one user at once, and jobs of one user.
//!
//! **What it is not.** Paths of the model: these have two jobs at most.

use adapter::wire::{Action, Order};
use adapter::{Answered, Fault};
use contract::core::Config;
use contract::{
    Call, Event, FileNames, HResult, Interfaces, JobId, Method, Receiver, ReceiverId, ThreadId, UserId,
};
use judge::{Rule, Verdicts};

use super::Stage;
use super::abilities::Abilities;
use super::tally::Tally;
use crate::difference::{Account, Concern, Difference};
use crate::server::Feed;
use crate::suite::{Finding, hung};

/// Tries both limits, as far as the adapter can. What it found goes to the tally.
///
/// # Errors
/// The adapter does something wrong.
pub(super) fn limits(stage: &mut Stage, abilities: &Abilities, tally: &mut Tally) -> Result<(), Fault> {
    let profile = *stage.session.dialect().profile();
    let slots = Config::of(&profile).callback_slots;
    let feed = stage.server.feed();
    let mut limits = Limits { stage, feed, found: Vec::new() };
    let callbacks = abilities.can_hold() && CALLS.into_iter().all(|method| abilities.has(method));
    let tried = match callbacks {
        true => limits.played("limit of callbacks", tally, |limits| limits.callbacks(slots)),
        false => Ok(()),
    };
    // Who has no second user may be one for whom there is no limit, such as an administrator.
    let jobs = abilities.has_users() && abilities.has(Method::CreateJob);
    let tried = tried.and_then(|()| match jobs {
        true => limits.played("limit of jobs", tally, |limits| limits.jobs(profile.jobs_per_user)),
        false => Ok(()),
    });
    let feed = limits.feed.clone();
    stage.server.forget(&feed);
    tried
}

const CALLS: [Method; 4] = [Method::CreateJob, Method::AddFile, Method::SetNotifyInterface, Method::Resume];

/// Jobs beyond those whose callbacks may be inside at once.
const MORE: u32 = 2;

struct Limits<'a> {
    stage: &'a mut Stage,
    feed: Feed,
    found: Vec<Difference>,
}

/// Why a program was left: a call was not made, or did not come back.
struct Stuck(Option<String>);

type Played<T = ()> = Result<Result<T, Stuck>, Fault>;

impl Limits<'_> {
    /// Plays a program and takes down what came of it.
    fn played(
        &mut self,
        place: &str,
        tally: &mut Tally,
        program: impl FnOnce(&mut Self) -> Played,
    ) -> Result<(), Fault> {
        self.stage.session.begin()?;
        let ended = program(self)?;
        if !self.stage.session.is_gone() {
            self.stage.session.rest(self.stage.session.limits().quiet)?;
        }
        let header = self.stage.header(place);
        let trace = self.stage.session.finish(&header);
        let hangs = match ended {
            Err(Stuck(Some(what))) => Some(hung(&trace, &what)),
            _ => None,
        };
        let verdicts = Verdicts::of(&trace);
        let findings = self.found.drain(..).chain(hangs).map(Finding::Differs);
        tally.take_limit(place, &trace, &verdicts, findings.collect());
        if !self.stage.session.is_gone() && !self.stage.session.reset()?.is_empty() {
            self.stage.session.kill();
        }
        Ok(())
    }

    /// More jobs have something to be told than callbacks may be inside: each callback is held.
    fn callbacks(&mut self, slots: u32) -> Played {
        let jobs = slots + MORE;
        let action = Action { hold: true, ..Action::default() };
        let order = Order { event: Event::JobTransferred.to_string(), action };
        self.stage.session.order(vec![order; jobs as usize])?;
        for job in (0..jobs).map(JobId) {
            if let Err(stuck) = self.begins(job)? {
                return Ok(Err(stuck));
            }
        }
        let (due, quiet) = (self.stage.session.limits().due, self.stage.session.limits().quiet);
        let _all = self.stage.session.wait(due, &mut |session| session.callbacks().0 >= slots)?;
        self.stage.session.rest(quiet)?;
        let inside = self.stage.session.inside().len() as u32;
        if inside != slots {
            let subject = format!("{inside} callbacks are inside at once, and {jobs} jobs have one");
            let rule = if inside > slots { Rule::R9 } else { Rule::R19 };
            self.differs("callbacks at once", subject, format!("{slots} are"), rule);
        }
        let mut waits = 0;
        while self.stage.session.callbacks().1 < jobs && waits <= jobs {
            for callback in self.stage.session.inside() {
                self.stage.session.release(callback)?;
            }
            let left = self.stage.session.callbacks().1;
            let comes = &mut |session: &adapter::Session| {
                let (entered, gone) = session.callbacks();
                gone >= jobs || gone > left && entered > gone
            };
            waits += u32::from(!self.stage.session.wait(due / STEPS, comes)?);
        }
        let left = self.stage.session.callbacks().1;
        if left < jobs {
            let subject = format!("{left} callbacks have come of {jobs} jobs");
            self.differs("callbacks that had to wait", subject, "each job has one".to_owned(), Rule::R19);
        }
        Ok(Ok(()))
    }

    /// A job that is told of its transfer.
    fn begins(&mut self, job: JobId) -> Played {
        let name = format!("l{job}");
        let file = FileNames {
            remote: self.feed.url(&name).into(),
            local: self.stage.session.destination(&name).into(),
        };
        // An object for each, so that no one of them is called twice at once.
        let receiver = Some(Receiver { id: ReceiverId(job.0), interfaces: Interfaces::CALLBACK });
        let calls = [Call::AddFile { file }, Call::SetNotifyInterface { receiver }, Call::Resume];
        if let Err(stuck) = self.call(UserId(0), None, &create())? {
            return Ok(Err(stuck));
        }
        for call in calls {
            if let Err(stuck) = self.call(UserId(0), Some(job), &call)? {
                return Ok(Err(stuck));
            }
        }
        Ok(Ok(()))
    }

    /// The second user makes jobs until one is refused.
    fn jobs(&mut self, most: u32) -> Played {
        for made in 0..=most {
            let answer = match self.call(UserId(1), None, &create())? {
                Ok(answer) => answer,
                Err(stuck) => return Ok(Err(stuck)),
            };
            let wanted = if made < most { HResult::S_OK } else { HResult::BG_E_TOO_MANY_JOBS_PER_USER };
            if answer != wanted {
                let subject = format!("CreateJob -> {answer} with {made} jobs of the user");
                self.differs("jobs of one user", subject, wanted.to_string(), Rule::R12);
                break;
            }
        }
        Ok(Ok(()))
    }

    fn call(&mut self, user: UserId, job: Option<JobId>, call: &Call) -> Played<HResult> {
        let calling = self.stage.session.start_call((ThreadId(0), user), job, call);
        Ok(match self.stage.session.await_call(&calling)? {
            Answered::Returned { hr, .. } => Ok(hr),
            Answered::Unimplemented(_) => Err(Stuck(None)),
            Answered::Open => Err(Stuck(Some(format!("{} does not come back in time", call.method())))),
        })
    }

    fn differs(&mut self, what: &str, subject: String, wanted: String, rule: Rule) {
        self.found.push(Difference {
            skeleton: vec!["a limit".to_owned(), what.to_owned()],
            after: "many jobs of one user".to_owned(),
            subject,
            wanted,
            account: Account::Suite,
            concern: Concern::Rule(rule),
            job: None,
            seq: 0,
        });
    }
}

/// Of the time for what is due, so many parts are waited for one callback after the other.
const STEPS: u32 = 4;

fn create() -> Call {
    Call::CreateJob { name: Some("limit".into()), kind: 0 }
}
