//! Whose jobs there are, and how many: R12 by owners and limits, R13 by logoffs and by transfers at once, over a whole run.
//!
//! Known are the jobs whose CreateJob was recorded. One lives for certain from the return of its CreateJob until a call starts that
//! may end it; it may live until such a call is back, or it has expired. A list must show every job of the caller that lives for
//! certain all the time, and none of another user. A job too many is one beyond the limit while all the others live for certain.
//!
//! That a user is refused the job of another, and that a limit refuses nothing below it, is a law for our own engine: elsewhere a user
//! may be an administrator, and jobs may be there that no trace shows.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash as _, Hasher};

use contract::call::{Call, Out, Whose};
use contract::dialect::{Profile, TransferSlots};
use contract::env::EnvStep;
use contract::event::{By, EventView};
use contract::hresult::HResult;
use contract::ids::{CallId, JobId, UserId};
use contract::state::JobState;

use contract::{Rule, RuleSet};

/// The jobs of a run by their owners.
#[derive(Clone, Debug, Default)]
pub(crate) struct Queue {
    jobs: BTreeMap<JobId, Made>,
    users: BTreeMap<UserId, Owner>,
    /// Open calls that ask for a job, or for jobs.
    asking: BTreeMap<CallId, Asking>,
    /// Jobs that connect or transfer.
    running: BTreeSet<JobId>,
}

#[derive(Clone, Copy, Debug)]
struct Made {
    owner: UserId,
    /// When CreateJob was back.
    made: u64,
    files: u32,
}

#[derive(Clone, Hash, Debug, Default)]
struct Owner {
    /// Jobs that live for certain.
    live: BTreeSet<JobId>,
    /// Jobs that may live.
    may_live: BTreeSet<JobId>,
    /// Successful and open CreateJobs so far.
    creations: u32,
}

#[derive(Clone, Copy, Debug)]
struct Asking {
    user: UserId,
    called: u64,
    /// Jobs of the user that may have lived when the call started, and CreateJobs before it.
    may_live: u32,
    creations: u32,
}

/// What was violated, and what had something to decide.
type Decided = (RuleSet, RuleSet);

const NOTHING: Decided = (RuleSet::EMPTY, RuleSet::EMPTY);

impl Queue {
    /// Adds it to a hash. Of the numbers of events only their order counts, and only while a call of `asking` is open.
    pub(crate) fn digest<H: Hasher>(&self, state: &mut H) {
        let Queue { jobs, users, asking, running } = self;
        jobs.iter().for_each(|(job, made)| (job, made.owner, made.files).hash(state));
        for (id, asking) in asking {
            (id, asking.user, asking.may_live, asking.creations).hash(state);
            jobs.values().for_each(|made| (made.made < asking.called).hash(state));
        }
        (jobs.len(), asking.len(), users, running).hash(state);
    }

    /// Takes in an event.
    pub(crate) fn event(&mut self, profile: &Profile, seq: u64, event: &EventView<'_>) -> Decided {
        match *event {
            EventView::Call { id, caller, job, call } => {
                self.call(seq, id, caller.user, job, call);
                NOTHING
            }
            EventView::Return { id, job, call, hr, out } => {
                let asking = self.asking.remove(&id);
                self.back(profile, seq, asking, job, call, hr, out)
            }
            EventView::State { job, to, by, .. } => self.moved(profile, job, to, by),
            _ => NOTHING,
        }
    }

    /// The service died: calls and transfers are gone, jobs are not.
    pub(crate) fn restart(&mut self) {
        self.asking.clear();
        self.running.clear();
    }

    fn moved(&mut self, profile: &Profile, job: JobId, to: JobState, by: By) -> Decided {
        let starts = to.is_running() && self.running.insert(job);
        if !to.is_running() {
            self.running.remove(&job);
        }
        match by {
            By::Env(EnvStep::Logoff { user: Some(user) }) => {
                let own = self.jobs.get(&job).is_none_or(|made| made.owner == user);
                check(Rule::R13, own)
            }
            By::Env(_) if to.is_final() => {
                self.may_end(job);
                self.ended(job);
                NOTHING
            }
            _ if starts => self.has_slot(profile),
            _ => NOTHING,
        }
    }

    /// Another implementation may have more slots. One for background jobs and any number for the others cannot be distinguished by states.
    fn has_slot(&self, profile: &Profile) -> Decided {
        match profile.transfer_slots {
            TransferSlots::AtMost(most) if !profile.origin.is_foreign() => {
                check(Rule::R13, self.running.len() <= most as usize)
            }
            _ => NOTHING,
        }
    }

    fn call(&mut self, seq: u64, id: CallId, user: UserId, job: Option<JobId>, call: &Call) {
        match call {
            Call::Cancel | Call::Complete => {
                if let Some(job) = job {
                    self.may_end(job);
                }
            }
            Call::CreateJob { .. } | Call::GetJob | Call::EnumJobs { .. } | Call::EnumJobsNext { .. } => {
                let owner = self.users.entry(user).or_default();
                owner.creations += u32::from(matches!(call, Call::CreateJob { .. }));
                let (may_live, creations) = (owner.may_live.len() as u32, owner.creations);
                self.asking.insert(id, Asking { user, called: seq, may_live, creations });
            }
            _ => {}
        }
    }

    #[allow(clippy::too_many_arguments, reason = "the fields of a return, and who called")]
    fn back(
        &mut self,
        profile: &Profile,
        seq: u64,
        asking: Option<Asking>,
        job: Option<JobId>,
        call: &Call,
        hr: HResult,
        out: &Out,
    ) -> Decided {
        match (call, asking, job) {
            (Call::Cancel | Call::Complete, _, Some(job)) if hr.succeeded() => {
                self.ended(job);
                NOTHING
            }
            (Call::AddFile { .. }, _, Some(job)) if hr.succeeded() => self.files(profile, job, 1),
            (Call::AddFileSet { files }, _, Some(job)) if hr.succeeded() => {
                self.files(profile, job, files.len() as u32)
            }
            (Call::CreateJob { .. }, Some(asking), Some(job)) if hr.succeeded() => {
                self.create(profile, seq, asking.user, job)
            }
            (Call::CreateJob { .. }, Some(asking), _) => self.refuse(profile, asking, hr),
            (Call::GetJob, Some(asking), Some(job)) => self.found(profile, asking.user, job, hr),
            (Call::EnumJobs { whose: Whose::Mine } | Call::EnumJobsNext { .. }, Some(asking), _) => {
                let Out::Jobs(listed) = out else { return NOTHING };
                let all = matches!(call, Call::EnumJobs { .. });
                self.listed(asking, listed, if all { Listed::All } else { Listed::Some })
            }
            _ => NOTHING,
        }
    }

    fn create(&mut self, profile: &Profile, seq: u64, user: UserId, job: JobId) -> Decided {
        self.jobs.insert(job, Made { owner: user, made: seq, files: 0 });
        let owner = self.users.entry(user).or_default();
        owner.live.insert(job);
        owner.may_live.insert(job);
        let own = owner.live.len();
        let all: usize = self.users.values().map(|owner| owner.live.len()).sum();
        let fits = own <= profile.jobs_per_user as usize && all <= profile.jobs_per_machine as usize;
        check(Rule::R12, fits)
    }

    /// A refusal for a limit needs as many jobs as the limit.
    fn refuse(&mut self, profile: &Profile, asking: Asking, hr: HResult) -> Decided {
        let owner = self.users.entry(asking.user).or_default();
        let made_since = owner.creations.saturating_sub(asking.creations);
        owner.creations = owner.creations.saturating_sub(1);
        let per_user = hr == HResult::BG_E_TOO_MANY_JOBS_PER_USER;
        // A run that shows no job may have begun with a full queue.
        if !per_user || self.jobs.is_empty() || profile.origin.is_foreign() {
            return NOTHING;
        }
        // Calls that were open when this one started may have made a job, too.
        let open = self.asking.values().filter(|other| other.user == asking.user).count() as u32;
        check(Rule::R12, asking.may_live + made_since + open >= profile.jobs_per_user)
    }

    fn files(&mut self, profile: &Profile, job: JobId, more: u32) -> Decided {
        let Some(made) = self.jobs.get_mut(&job) else { return NOTHING };
        made.files = made.files.saturating_add(more);
        let fits = made.files <= profile.files_per_job;
        if fits { NOTHING } else { check(Rule::R12, false) }
    }

    fn found(&self, profile: &Profile, user: UserId, job: JobId, hr: HResult) -> Decided {
        let Some(made) = self.jobs.get(&job).filter(|_| !profile.origin.is_foreign()) else { return NOTHING };
        let denied = hr == HResult::E_ACCESSDENIED;
        let good = if made.owner == user { !denied } else { denied || hr == profile.not_found };
        check(Rule::R12, good)
    }

    fn listed(&self, asking: Asking, listed: &[JobId], how: Listed) -> Decided {
        let is_own = |job: &JobId| self.jobs.get(job).is_none_or(|made| made.owner == asking.user);
        let own = listed.iter().all(is_own);
        let before = |job: &&JobId| self.jobs.get(job).is_some_and(|made| made.made < asking.called);
        let mut live = self.users.get(&asking.user).into_iter().flat_map(|owner| owner.live.iter());
        let complete = how == Listed::Some || live.by_ref().filter(before).all(|job| listed.contains(job));
        check(Rule::R12, own && complete)
    }

    /// From here on the job may have ended.
    fn may_end(&mut self, job: JobId) {
        if let Some(owner) = self.owner(job) {
            owner.live.remove(&job);
        }
    }

    fn ended(&mut self, job: JobId) {
        if let Some(owner) = self.owner(job) {
            owner.may_live.remove(&job);
        }
    }

    fn owner(&mut self, job: JobId) -> Option<&mut Owner> {
        let owner = self.jobs.get(&job)?.owner;
        self.users.get_mut(&owner)
    }
}

/// Whether a list shows every job.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Listed {
    All,
    Some,
}

fn check(rule: Rule, good: bool) -> Decided {
    let rule = RuleSet::of(&[rule]);
    (if good { RuleSet::EMPTY } else { rule }, rule)
}
