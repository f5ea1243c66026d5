//! Programs that are written down call by call, for what no path of the model has: numbers, bytes, silence, restarts.
//!
//! **What it is not.** A path: nothing of it can be led along the model, so what it finds is not made smaller.

use std::time::{Duration, Instant};

use adapter::{Answered, Fault};
use contract::call::Progress;
use contract::dialect::Contexts;
use contract::{
    Call, ErrorInfo, FileNames, HResult, Interfaces, JobId, JobState, Method, Out, Receiver, ReceiverId,
    ThreadId, UserId,
};
use judge::{Rule, Verdicts};

use super::Stage;
use super::ended::{ended, has_ended};
use super::leftovers::clear;
use super::tally::Tally;
use crate::difference::{Account, Concern, Difference};
use crate::server::{Fault as Habit, Seed};
use crate::suite::{Finding, hung};

/// A program that is being played.
pub(super) struct Script<'a> {
    pub(super) stage: &'a mut Stage,
    place: &'a str,
    found: Vec<Difference>,
    /// What the last CreateJob that failed has answered.
    refused: Option<HResult>,
}

/// Why a program was left.
pub(super) enum Stop {
    /// The adapter does something wrong.
    Fault(Fault),
    /// The adapter does not make a call of this method.
    Unimplemented(Method),
    /// The next call is on a job that was not made.
    WithoutJob,
    /// A call did not come back in time.
    Open(String),
    /// A call was answered in place of a service that is not there any more.
    Ended,
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Stop {
        Stop::Fault(fault)
    }
}

impl Script<'_> {
    /// Plays a program and takes down what came of it.
    ///
    /// # Errors
    /// The adapter does something wrong.
    pub(super) fn play(
        stage: &mut Stage,
        place: &str,
        tally: &mut Tally,
        program: impl FnOnce(&mut Script<'_>) -> Result<(), Stop>,
    ) -> Result<(), Fault> {
        stage.session.begin()?;
        let mut script = Script { stage, place, found: Vec::new(), refused: None };
        let hangs = match program(&mut script) {
            Ok(()) | Err(Stop::Ended) => None,
            Err(Stop::Unimplemented(method)) => {
                tally.count_not_runnable(&format!("{place}: {method} is unimplemented"));
                return script.end();
            }
            Err(Stop::WithoutJob) => {
                let why = script.refused.map_or_else(|| "fails".to_owned(), |hr| format!("-> {hr}"));
                tally.count_not_runnable(&format!("{place}: CreateJob {why}"));
                return script.end();
            }
            Err(Stop::Open(what)) => Some(what),
            Err(Stop::Fault(fault)) => return Err(fault),
        };
        let stage = &mut *script.stage;
        if !stage.session.is_gone() {
            stage.session.rest(stage.session.limits().quiet)?;
        }
        let header = stage.header(place);
        let trace = stage.session.finish(&header);
        let hangs = hangs.map(|what| hung(&trace, &what));
        let ended = ended(&trace);
        if ended.is_some() {
            stage.session.kill();
        }
        let verdicts = Verdicts::of(&trace);
        let findings: Vec<Finding> = std::mem::take(&mut script.found)
            .into_iter()
            .chain(hangs)
            .chain(ended)
            .map(Finding::Differs)
            .collect();
        tally.take_scripted(place, &trace, &verdicts, &findings);
        script.end()
    }

    /// Ends what the program has begun.
    fn end(self) -> Result<(), Fault> {
        let Stage { session, leftovers, .. } = self.stage;
        if !session.is_gone() {
            let _ended = clear(session, self.place, leftovers)?;
        }
        Ok(())
    }

    /// Makes a call as a user and waits for its answer.
    pub(super) fn call(
        &mut self,
        user: UserId,
        job: Option<JobId>,
        call: &Call,
    ) -> Result<(HResult, Option<Out>), Stop> {
        if job.is_some_and(|job| self.stage.session.number(job).is_none()) {
            return Err(Stop::WithoutJob);
        }
        let calling = self.stage.session.start_call((ThreadId(0), user), job, call);
        match self.stage.session.await_call(&calling)? {
            Answered::Returned { hr, .. } if has_ended(hr) => Err(Stop::Ended),
            Answered::Returned { hr, out } => {
                if matches!(call, Call::CreateJob { .. }) && !hr.succeeded() {
                    self.refused = Some(hr);
                }
                Ok((hr, out))
            }
            Answered::Unimplemented(_) => Err(Stop::Unimplemented(call.method())),
            Answered::Open => Err(Stop::Open(format!("{} does not come back in time", call.method()))),
        }
    }

    /// Makes a call as the first user.
    pub(super) fn does(&mut self, job: JobId, call: &Call) -> Result<(HResult, Option<Out>), Stop> {
        self.call(UserId(0), Some(job), call)
    }

    /// Makes the first user's next job, with these files.
    pub(super) fn job(&mut self, job: JobId, files: Vec<FileNames>) -> Result<(), Stop> {
        let _made = self.call(UserId(0), None, &create())?;
        for file in files {
            let _added = self.does(job, &Call::AddFile { file })?;
        }
        Ok(())
    }

    /// Makes the first user's next job, with one file of the server that does this.
    pub(super) fn job_of(&mut self, job: JobId, fault: Habit, size: u64, seed: Seed) -> Result<(), Stop> {
        let remote = self.stage.server.url(&fault, size, seed).into();
        let local = self.stage.session.destination(&name_of(seed)).into();
        self.job(job, vec![FileNames { remote, local }])
    }

    /// The error of a job, where the dialect has contexts of errors and the implementation gives them.
    pub(super) fn blame(&mut self, job: JobId) -> Result<Option<ErrorInfo>, Stop> {
        let session = &self.stage.session;
        if session.dialect().profile().contexts != Contexts::Real || !session.has(Method::GetError) {
            return Ok(None);
        }
        let (_, out) = self.does(job, &Call::GetError)?;
        Ok(match out {
            Some(Out::Error(error)) => Some(error),
            _ => None,
        })
    }

    /// The state in which the job comes to rest, if it does in time.
    pub(super) fn settles(&mut self, job: JobId) -> Result<Option<JobState>, Stop> {
        self.settles_watched(job, &mut |_| Ok(()))
    }

    /// As [`Script::settles`]; `look` is called again and again while the job is on its way.
    pub(super) fn settles_watched(
        &mut self,
        job: JobId,
        look: &mut dyn FnMut(&mut Self) -> Result<(), Stop>,
    ) -> Result<Option<JobState>, Stop> {
        let until = Instant::now() + self.stage.session.limits().due;
        while Instant::now() < until {
            let state = self.stage.session.poll(job)?;
            self.stage.session.forget_poll();
            if !state.is_some_and(is_on_its_way) {
                return Ok(state);
            }
            look(self)?;
            let _never = self.stage.session.wait(LOOKS, &mut |_| false)?;
        }
        Ok(None)
    }

    /// The progress of a job, where the implementation has it.
    pub(super) fn progress(&mut self, job: JobId) -> Result<Option<Progress>, Stop> {
        if !self.stage.session.has(Method::GetProgress) {
            return Ok(None);
        }
        Ok(match self.does(job, &Call::GetProgress)? {
            (hr, Some(Out::Progress(progress))) if hr.succeeded() => Some(progress),
            _ => None,
        })
    }

    /// Notes where the implementation and the contract part. `skeleton` has no numbers: it names the failure.
    pub(super) fn differs(
        &mut self,
        skeleton: [&str; 2],
        after: &str,
        (subject, wanted): (String, String),
        rule: Rule,
    ) {
        self.found.push(Difference {
            skeleton: skeleton.map(str::to_owned).to_vec(),
            after: after.to_owned(),
            subject,
            wanted,
            account: Account::Suite,
            concern: Concern::Rule(rule),
            job: None,
            seq: 0,
        });
    }
}

/// Whether the job moves by itself.
pub(super) const fn is_on_its_way(state: JobState) -> bool {
    matches!(state, JobState::Queued | JobState::Connecting | JobState::Transferring)
}

/// How often a job that is on its way is looked at.
const LOOKS: Duration = Duration::from_millis(1);

/// The name of the destination of a server's file.
pub(super) fn name_of(seed: Seed) -> String {
    format!("t{}", seed.0)
}

pub(super) fn create() -> Call {
    Call::CreateJob { name: Some("job".into()), kind: 0 }
}

/// Registers an object that receives what a plain callback interface has.
pub(super) fn register(id: u32) -> Call {
    Call::SetNotifyInterface {
        receiver: Some(Receiver { id: ReceiverId(id), interfaces: Interfaces::CALLBACK }),
    }
}
