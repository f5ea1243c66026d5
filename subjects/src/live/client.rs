//! A client thread: makes jobs, ends each by its plan, and meanwhile makes calls on the jobs of all clients.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use contract::call::{Fetched, Whose};
use contract::{FileId, HResult, JobState, NotifyFlags, Priority, UserId};
use engine::service::{Callback, Job, Manager};

use super::callbacks::own_object;
use super::canary;
use super::plan::{Ending, JobPlan, Keeps, Program, Role};
use super::stage::Stage;
use super::{Canary, LiveConfig};
use crate::random::Rng;

/// Jobs that a thread has going before it goes back to end the oldest.
const GOING: usize = 4;
/// How long a client waits for a job to get somewhere; five minutes of the service's time.
const PATIENCE: Duration = Duration::from_millis(300);

/// What a thread takes of the configuration: that one is borrowed, and a thread that hangs outlives it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Orders {
    pub(super) seed: u64,
    pub(super) users: u32,
    pub(super) canary: Canary,
}

impl Orders {
    pub(super) fn of(config: &LiveConfig<'_>) -> Orders {
        Orders { seed: config.seed, users: config.users.max(1), canary: config.canary }
    }
}

/// The life of client thread `number`.
pub(super) fn run(stage: &Arc<Stage>, orders: Orders, number: u32) {
    let mut client = Client { stage, rng: Rng::new(orders.seed, 1 << 41 | u64::from(number)) };
    let mut going = VecDeque::new();
    while let Some(index) = stage.take_next() {
        let plan = JobPlan::draw(orders, index);
        match client.make(&plan) {
            Ok(job) if plan.ending == Ending::LetGo => stage.let_go(&job, plan.owner),
            Ok(job) => going.push_back((plan, job)),
            Err(_) => {}
        }
        if going.len() > GOING
            && let Some((plan, job)) = going.pop_front()
        {
            client.end(&plan, &job);
        }
        for _ in 0..3 {
            client.race();
        }
    }
    for (plan, job) in going {
        client.end(&plan, &job);
        client.race();
    }
}

struct Client<'a> {
    stage: &'a Arc<Stage>,
    rng: Rng,
}

impl Client<'_> {
    /// Creates the job, fills it, registers, and resumes it.
    fn make(&mut self, plan: &JobPlan) -> Result<Job, HResult> {
        let manager = self.stage.service.manager(plan.owner);
        let job = self.create(&manager, plan)?;
        self.stage.made.fetch_add(1, Ordering::Relaxed);
        self.add_files(plan, &job);
        let _ = job.set_priority(plan.priority);
        if let Some(seconds) = plan.retry_delay_s {
            let _ = job.set_minimum_retry_delay(seconds);
        }
        if let Some(seconds) = plan.no_progress_s {
            let _ = job.set_no_progress_timeout(seconds);
        }
        if let Some(program) = plan.program {
            self.set_program(&job, program);
        }
        let _ = job.set_notify_flags(plan.mask);
        let object = match plan.keeps {
            Keeps::Yes => plan.object.and_then(|object| self.stage.objects.get(object)).cloned(),
            Keeps::No => plan.object.and_then(|object| self.own_object(object)),
        };
        let _ = job.set_notify_interface(object);
        if plan.role == Role::Ordinary && plan.ending != Ending::LetGo {
            // No other thread may race the remaining jobs.
            self.stage.board().insert(plan.index, job.clone());
        }
        let _ = job.resume();
        Ok(job)
    }

    fn own_object(&mut self, number: usize) -> Option<Arc<dyn Callback>> {
        let rng = Rng::new(self.rng.number(), number as u64);
        own_object(&Arc::downgrade(self.stage), number, rng)
    }

    /// Tries until there is room: the jobs of a user, and those of the machine, are limited.
    fn create(&self, manager: &Manager, plan: &JobPlan) -> Result<Job, HResult> {
        loop {
            match manager.create_job(&format!("live {}", plan.index)) {
                Err(_) if !self.stage.is_late() => std::thread::sleep(Duration::from_millis(5)),
                answer => return answer,
            }
        }
    }

    fn add_files(&mut self, plan: &JobPlan, job: &Job) {
        // A machine without room for files is not what this run is about: the job stays empty then.
        let Ok(paths) = self.stage.prepare(plan) else { return };
        let named = plan.files.iter().zip(&paths).filter_map(|(file, path)| {
            Some((self.stage.server.url(&file.fault, file.size, file.seed), path.to_str()?))
        });
        let named: Vec<(String, &str)> = named.collect();
        let names: Vec<(&str, &str)> = named.iter().map(|(url, path)| (url.as_str(), *path)).collect();
        let together = self.rng.once_in(2) && job.add_file_set(&names).is_ok();
        if !together && !names.iter().all(|(url, path)| job.add_file(url, path).is_ok()) {
            return;
        }
        for ((number, file), path) in (0..).zip(&plan.files).zip(&paths) {
            self.stage.place(job.number(), FileId(number), *file, path.clone());
        }
    }

    fn set_program(&self, job: &Job, program: Program) {
        let Some(paths) = &self.stage.programs else { return };
        let path = match program {
            Program::Succeeds => &paths.succeeds,
            Program::Fails => &paths.fails,
            Program::Missing => "/nowhere/to/be/found",
        };
        let _ = job.set_notify_cmd_line(Some(path), Some("program and arguments"));
    }

    /// Ends the job as planned. Whatever else happened to it meanwhile is answered by the engine, and judged.
    fn end(&mut self, plan: &JobPlan, job: &Job) {
        match plan.role {
            Role::Ordinary | Role::Crowd => self.end_as_planned(plan, job),
            Role::ToldAfterCancel => canary::tell_after_cancel(self.stage, job),
            Role::ToldMasked => canary::tell_masked(self.stage, job),
        }
        if self.rng.once_in(2) && self.stage.state(job.number()).is_none_or(JobState::is_final) {
            // With the last handle the record goes, too, as for a client that lets go of a job it has ended.
            let dropped = self.stage.board().remove(&plan.index);
            drop(dropped);
        }
    }

    fn end_as_planned(&mut self, plan: &JobPlan, job: &Job) {
        match plan.ending {
            Ending::CancelAtOnce => {}
            Ending::CancelRunning | Ending::CompleteEarly => self.wait_for(job, is_under_way),
            Ending::Callbacks => self.wait_for(job, JobState::is_final),
            Ending::Leave | Ending::LetGo => {}
            Ending::SuspendResume => self.suspend_and_resume(job),
            Ending::CancelSettled | Ending::Complete => self.wait_for(job, is_settled),
            Ending::Mask => self.mask(plan, job),
            Ending::Unregister => self.unregister(job),
            Ending::Reregister => self.register_again(job),
            Ending::Repair => self.repair(plan, job),
        }
        self.dawdle(2000);
        match plan.ending {
            Ending::CancelAtOnce | Ending::CancelRunning | Ending::CancelSettled => drop(job.cancel()),
            Ending::Leave | Ending::LetGo => {}
            Ending::Callbacks if plan.index.is_multiple_of(2) => {}
            _ => drop(job.complete()),
        }
    }

    fn mask(&mut self, plan: &JobPlan, job: &Job) {
        self.wait_for(job, is_settled);
        let disabled = plan.mask | NotifyFlags::DISABLE;
        let flags = if self.rng.once_in(2) { disabled } else { NotifyFlags::empty() };
        let _ = job.set_notify_flags(flags);
        self.dawdle(3000);
        let _ = job.set_notify_flags(plan.mask);
        self.dawdle(3000);
    }

    fn unregister(&mut self, job: &Job) {
        self.wait_for(job, is_settled);
        let _ = job.set_notify_interface(None);
        self.dawdle(3000);
        let _ = job.set_notify_interface(self.stage.object(&mut self.rng));
        self.dawdle(3000);
    }

    fn register_again(&mut self, job: &Job) {
        for _ in 0..4 {
            if let Ok(Some(same)) = job.notify_interface() {
                let _ = job.set_notify_interface(Some(same));
            }
            self.dawdle(4000);
        }
        self.wait_for(job, is_settled);
    }

    fn suspend_and_resume(&mut self, job: &Job) {
        for _ in 0..3 {
            self.wait_for(job, is_under_way);
            let _ = (job.suspend(), job.progress());
            self.dawdle(1000);
            let _ = (job.resume(), job.state());
        }
        self.wait_for(job, is_settled);
    }

    /// What a client does who knows another server: once for each file that may be in error.
    fn repair(&mut self, plan: &JobPlan, job: &Job) {
        for _ in &plan.files {
            self.wait_for(job, is_settled);
            let file = job.error().and_then(|error| error.file());
            let Ok(file) = file else { break };
            let Some(url) = self.stage.repair(job.number(), file.number()) else { break };
            let _ = (file.set_remote_name(&url), job.resume());
        }
        self.wait_for(job, is_settled);
    }

    /// Waits until the job is as wanted or has ended, but not longer than patience lasts.
    fn wait_for(&mut self, job: &Job, wanted: impl Fn(JobState) -> bool) {
        let until = Instant::now() + PATIENCE;
        let number = job.number();
        let there = |state: Option<JobState>| state.is_none_or(|state| wanted(state) || state.is_final());
        // Looking is not calling: a trace full of GetState would hide what it is about.
        while !there(self.stage.state(number)) && Instant::now() < until && !self.stage.is_late() {
            std::thread::sleep(Duration::from_millis(1));
            if self.rng.once_in(20) {
                let _ = (job.state(), job.progress());
            }
        }
    }

    /// Takes up to so long, in microseconds.
    fn dawdle(&mut self, most_us: u64) {
        let us = self.rng.below(most_us);
        // Half of the time nothing at all, because that is when races are closest.
        if us.is_multiple_of(2) {
            std::thread::sleep(Duration::from_micros(us));
        }
    }

    /// Does something to a random job of the run.
    fn race(&mut self) {
        let Some(job) = self.stage.any_job(&mut self.rng) else { return };
        match self.rng.below(28) {
            0 => drop(job.cancel()),
            1 => drop(job.complete()),
            2 | 3 => drop(job.set_notify_flags(NotifyFlags::empty())),
            4 | 5 => drop(job.set_notify_flags(everything())),
            6 => drop(job.set_notify_interface(None)),
            7 | 8 => drop(job.set_notify_interface(self.stage.object(&mut self.rng))),
            9 => {
                let same = job.notify_interface().ok().flatten();
                let _ = job.set_notify_interface(same);
            }
            10 => drop(job.suspend()),
            11 | 12 => drop(job.resume()),
            13 => {
                let priority = Priority::from_raw(self.rng.below(4) as u32).unwrap_or(Priority::Low);
                let _ = job.set_priority(priority);
            }
            14 => drop(job.set_description("set by another user")),
            15 => drop(job.set_display_name("renamed")),
            16 => drop(job.error().map(|error| (error.error(), error.error_description(0x0409)))),
            17 => self.find(&job),
            18 => self.list(&job),
            26 | 27 => self.be_another_user(&job),
            19 => drop((job.notify_flags(), job.times(), job.kind())),
            _ => self.weather_or_look(&job),
        }
    }

    fn weather_or_look(&mut self, job: &Job) {
        match self.rng.below(60) {
            0 => {
                self.stage.service.network_lost();
                self.dawdle(2000);
                self.stage.service.network_back();
            }
            1 => self.stage.service.logoff(UserId(self.rng.below(5) as u32)),
            2 => drop(self.manager(job).jobs(Whose::All)),
            // Refused, each in its own way, and refused means that nothing changed.
            3 => drop(job.add_file("gopher://example.com/", "relative")),
            4 => drop(job.set_proxy_settings()),
            5 => drop((job.take_ownership(), job.proxy_settings())),
            _ => drop((job.state(), job.progress())),
        }
    }

    /// A job is found by its id, by its owner.
    fn find(&self, job: &Job) {
        let found = job.id().and_then(|id| self.manager(job).job(id)).map(|found| found.number());
        let _ = job.owner();
        if found.is_ok_and(|found| found != job.number()) {
            let owed = job.number().to_string();
            self.stage.notes.add("GetJob by id", format!("{found:?}"), &owed, "facts B3");
        }
    }

    /// A list has the jobs of its user and of no other user.
    fn list(&self, job: &Job) {
        let Some(owner) = self.owner(job) else { return };
        let jobs = self.stage.service.manager(owner).jobs(Whose::Mine);
        let some = jobs.and_then(|mut jobs| jobs.next(5, Fetched::Wanted));
        let foreign = some.ok().into_iter().flat_map(|some| some.value).find(|listed| {
            // The record of a job that ended meanwhile may be gone.
            self.owner(listed).is_some_and(|other| other != owner)
        });
        if let Some(foreign) = foreign {
            let found = format!("{} in a list of {owner}", foreign.number());
            self.stage.notes.add("EnumJobs of one user", found, "this user's jobs", "facts B3");
        }
    }

    /// Another user has the id of a job, and nothing else of it.
    fn be_another_user(&mut self, job: &Job) {
        let (Some(owner), Ok(id)) = (self.owner(job), job.id()) else { return };
        let other = UserId(owner.0 + 1 + self.rng.below(3) as u32);
        let found = self.stage.service.manager(other).job(id).map(|found| found.number());
        if !matches!(found, Err(hr) if hr == HResult::E_ACCESSDENIED || hr == self.stage.not_found) {
            let found = format!("{found:?} for {other}");
            self.stage.notes.add(
                "GetJob of another user's job",
                found,
                "E_ACCESSDENIED",
                "facts B3; rule R12",
            );
        }
    }

    fn owner(&self, job: &Job) -> Option<UserId> {
        self.stage.service.inspect(|core| core.owner(job.number()))
    }

    /// The manager of the job's owner.
    fn manager(&self, job: &Job) -> Manager {
        self.stage.service.manager(self.owner(job).unwrap_or(UserId(0)))
    }
}

fn everything() -> NotifyFlags {
    NotifyFlags::DEFAULT | NotifyFlags::JOB_MODIFICATION | NotifyFlags::FILE_TRANSFERRED
}

fn is_under_way(state: JobState) -> bool {
    matches!(state, JobState::Transferring) || is_settled(state)
}

fn is_settled(state: JobState) -> bool {
    matches!(state, JobState::Transferred | JobState::Error) || state.is_final()
}
