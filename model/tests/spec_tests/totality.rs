//! Anything may be called, reported and delivered at any time: no panic, no answer that the table forbids, no effect
//! of what failed or was refused.

use contract::answers;
use contract::core::{Change, DiskOutcome, Then};
use contract::env::DiskAct;
use contract::event::{Leave, Target};
use contract::{
    Call, Dialect, EnvStep, Event, FileId, FileNames, HResult, Interfaces, JobId, JobState, Profile,
    Receiver, ReceiverId, UserId,
};
use model::spec::{Ticket, Turn, World};
use proptest::prelude::*;

use crate::script::local;

#[derive(Clone, Debug)]
enum Action {
    Call(u32, Option<JobId>, Call),
    Disk(JobId, DiskOutcome),
    Step(JobId, FileId, EnvStep),
    Begin(JobId, usize),
    Started(usize),
    Leave(usize, Leave),
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn every_answer_is_allowed_and_what_fails_changes_nothing(
        dialect in prop_oneof![Just(Dialect::Bits), Just(Dialect::Do)],
        actions in prop::collection::vec(action(), 0..60),
    ) {
        let mut run = Run { profile: *dialect.profile(), world: World::new(), flying: Vec::new() };
        run.profile.jobs_per_user = 2;
        for action in &actions {
            let before = run.world;
            run.apply(action)?;
            run.check(&before)?;
        }
    }
}

struct Run {
    profile: Profile,
    world: World<3>,
    flying: Vec<(JobId, Ticket)>,
}

impl Run {
    fn apply(&mut self, action: &Action) -> Result<(), TestCaseError> {
        let before = self.world;
        let refused = match action {
            Action::Call(user, job, call) => return self.call(UserId(*user), *job, call),
            Action::Disk(job, outcome) => return self.disk(*job, outcome),
            Action::Step(job, file, step) => self.step(*job, *file, *step),
            Action::Begin(job, nth) => self.begin(*job, *nth)?,
            Action::Started(nth) => {
                self.on_flying(*nth, |world, _, job, ticket| world.program_started(job, ticket).is_err())
            }
            Action::Leave(nth, leave) => {
                let refused = self.on_flying(*nth, |world, profile, job, ticket| {
                    world.leave(profile, job, *ticket, *leave).is_err()
                });
                if !refused && !self.flying.is_empty() {
                    self.flying.remove(nth % self.flying.len());
                }
                refused
            }
        };
        prop_assert!(!refused || self.world == before, "a refused {action:?} changed something");
        Ok(())
    }

    fn call(&mut self, user: UserId, job: Option<JobId>, call: &Call) -> Result<(), TestCaseError> {
        let before = self.world;
        let reply = self.world.call(&self.profile, user, job, call);
        let state = job.and_then(|job| before.state(job)).unwrap_or(JobState::Suspended);
        let known = job.is_none_or(|job| before.state(job).is_some());
        if reply.then == Then::Return && known && job.is_some() {
            let allowed = answers::allows(&self.profile, call.method(), state, reply.hr);
            prop_assert!(allowed, "{call} answers {} in {state}", reply.hr);
        }
        if reply.hr.failed() || reply.then == Then::Busy {
            prop_assert_eq!(self.world, before, "{} failed and changed something", call);
        }
        Ok(())
    }

    fn disk(&mut self, job: JobId, outcome: &DiskOutcome) -> Result<(), TestCaseError> {
        let before = self.world;
        let reply = self.world.disk(&self.profile, job, outcome);
        let Some(was) = before.job(job).filter(|job| job.is_finalising()) else {
            prop_assert_eq!(self.world, before);
            return Ok(());
        };
        let now = self.world.job(job).map(|job| (job.is_finalising(), job.state()));
        let ended = now.is_some_and(|(_, state)| state.is_final());
        prop_assert_eq!(now.map(|(finalising, _)| finalising), Some(false));
        prop_assert_eq!(ended, reply.hr.succeeded());
        prop_assert!(ended || now.map(|(_, state)| state) == Some(was.state()));
        Ok(())
    }

    /// Tries the step with every state it might lead to, and returns whether all were refused.
    fn step(&mut self, job: JobId, file: FileId, step: EnvStep) -> bool {
        let from = self.world.state(job);
        JobState::ALL.into_iter().all(|to| {
            let state = from.filter(|from| *from != to).map(|from| (Some(from), to));
            let change = Change { job: Some(job), file: Some(file), step: Some(step), state };
            self.world.step(&self.profile, &change).is_err()
        })
    }

    /// Begins the n-th of all pending events, and returns whether that was refused.
    fn begin(&mut self, job: JobId, nth: usize) -> Result<bool, TestCaseError> {
        let pending: Vec<_> = self.world.pending(&self.profile, job).iter().collect();
        let Some((event, file)) = pending.get(nth % pending.len().max(1)) else { return Ok(false) };
        let file = (*event == Event::FileTransferred).then_some(*file);
        for target in
            [Target::Interface(ReceiverId(0)), Target::Interface(ReceiverId(1)), Target::CommandLine]
        {
            if let Ok(ticket) = self.world.begin(&self.profile, job, *event, file, target) {
                self.flying.push((job, ticket));
                return Ok(false);
            }
        }
        // When the first of the order is refused, too, there must be a reason besides the order.
        let excused =
            self.world.job(job).is_some_and(|job| job.is_begun() || !nth.is_multiple_of(pending.len()))
                || *event != Event::FileTransferred;
        prop_assert!(excused, "{event} is pending and cannot begin");
        Ok(true)
    }

    fn on_flying(
        &mut self,
        nth: usize,
        act: impl FnOnce(&mut World<3>, &Profile, JobId, &mut Ticket) -> bool,
    ) -> bool {
        if self.flying.is_empty() {
            return false;
        }
        let nth = nth % self.flying.len();
        let (job, ticket) = &mut self.flying[nth];
        act(&mut self.world, &self.profile, *job, ticket)
    }

    /// What holds in every state and for every change.
    fn check(&self, before: &World<3>) -> Result<(), TestCaseError> {
        for id in (0..3).map(JobId) {
            let (was, is) = (before.state(id), self.world.state(id));
            prop_assert!(!was.is_some_and(JobState::is_final) || was == is, "R10: {was:?} to {is:?}");
            let quiet = self.world.job(id).is_none_or(|job| job.is_finalising() || job.state().is_final());
            prop_assert!(!quiet || self.world.pending(&self.profile, id).is_empty());
            for rule in model::spec::witnessed_rules() {
                // A witness never panics either; what it returns is tested by scripts.
                let _ = self.world.witness(&self.profile, id, rule);
            }
        }
        // A job waits for a turn, or one of two running jobs has to stop.
        let with =
            |wanted: fn(JobState) -> bool| self.world.jobs().iter().filter(|job| wanted(job.state())).count();
        let moves = with(|state| state == JobState::Queued) > 0 || with(JobState::is_running) > 1;
        prop_assert!(self.world.may_turn(&self.profile) == Turn::None || moves);
        Ok(())
    }
}

fn action() -> impl Strategy<Value = Action> {
    let job = || (0..3u32).prop_map(JobId);
    let maybe_job = prop_oneof![9 => job().prop_map(Some), 1 => Just(Some(JobId(7))), 1 => Just(None)];
    prop_oneof![
        8 => (0..2u32, maybe_job, call()).prop_map(|(user, job, call)| Action::Call(user, job, call)),
        2 => (job(), outcome()).prop_map(|(job, outcome)| Action::Disk(job, outcome)),
        12 => (job(), (0..3u32).prop_map(FileId), step())
            .prop_map(|(job, file, step)| Action::Step(job, file, step)),
        4 => (job(), 0..4usize).prop_map(|(job, nth)| Action::Begin(job, nth)),
        1 => (0..4usize).prop_map(Action::Started),
        3 => (0..4usize, leave()).prop_map(|(nth, leave)| Action::Leave(nth, leave)),
    ]
}

fn call() -> impl Strategy<Value = Call> {
    let file = || (0..3u32).prop_map(FileId);
    let remote = || prop::sample::select(&["http://h/a", "https://h/b", "ftp://h/", ""][..]);
    let receiver = prop::option::of((0..2u32, 0..8u8).prop_map(|(id, bits)| Receiver {
        id: ReceiverId(id),
        interfaces: Interfaces::from_bits_truncate(bits),
    }));
    let names = move || remote().prop_map(|remote| FileNames { remote: remote.into(), local: local() });
    prop_oneof![
        2 => Just(Call::CreateJob { name: Some("a".into()), kind: 0 }),
        6 => names().prop_map(|file| Call::AddFile { file }),
        1 => prop::collection::vec(names(), 0..4).prop_map(|files| Call::AddFileSet { files }),
        6 => Just(Call::Resume),
        2 => prop::sample::select(vec![Call::Suspend, Call::Complete, Call::Cancel]),
        3 => (0..0x50u32).prop_map(|flags| Call::SetNotifyFlags { flags }),
        3 => receiver.prop_map(|receiver| Call::SetNotifyInterface { receiver }),
        1 => (0..5u32).prop_map(|priority| Call::SetPriority { priority }),
        1 => prop::sample::select(vec![
            Call::SetNotifyCmdLine { program: None, parameters: None },
            crate::script::program(),
        ]),
        1 => prop_oneof![Just(0), any::<u32>()].prop_map(|seconds| Call::SetNoProgressTimeout { seconds }),
        1 => any::<u32>().prop_map(|seconds| Call::SetMinimumRetryDelay { seconds }),
        1 => (file(), remote()).prop_map(|(file, remote)| Call::FileSetRemoteName { file, remote: remote.into() }),
        1 => file().prop_map(|file| Call::FileGetProgress { file }),
        1 => (any::<u32>(), any::<u32>()).prop_map(|(skip, celt)| Call::EnumFilesNext {
            skip,
            celt,
            fetched: contract::call::Fetched::Wanted,
        }),
        3 => prop::sample::select(vec![
            Call::GetState,
            Call::GetProgress,
            Call::GetError,
            Call::ErrorGetFile,
            Call::ErrorGetProtocol,
            Call::GetJob,
            Call::GetErrorCount,
            Call::EnumJobsGetCount,
            Call::TakeOwnership,
        ]),
    ]
}

fn outcome() -> impl Strategy<Value = DiskOutcome> {
    let failed =
        prop::option::weighted(0.3, (0..5u32).prop_map(|file| (FileId(file), HResult::E_ACCESSDENIED)));
    (failed, 0..2u32).prop_map(|(rename_failed, left_behind)| DiskOutcome { rename_failed, left_behind })
}

fn step() -> impl Strategy<Value = EnvStep> {
    let size = || prop_oneof![0..4u64, any::<u64>()];
    prop_oneof![
        6 => Just(EnvStep::Turn),
        6 => Just(EnvStep::Connected),
        3 => Just(EnvStep::FileDone),
        1 => size().prop_map(|total| EnvStep::SizeKnown { total }),
        1 => (size(), prop::option::of(size())).prop_map(|(transferred, total)| EnvStep::Bytes { transferred, total }),
        2 => prop::sample::select(vec![
            crate::script::FAILED,
            crate::script::BROKEN,
            EnvStep::FileRestarted,
            EnvStep::Preempt,
            EnvStep::Logoff { user: None },
            EnvStep::NetworkLost,
            EnvStep::NetworkBack,
            EnvStep::RetryDelayOver,
            EnvStep::NoProgressTimeout,
            EnvStep::Expiry,
            EnvStep::Idle,
            EnvStep::Disk { act: DiskAct::Renamed },
        ]),
    ]
}

fn leave() -> impl Strategy<Value = Leave> {
    prop::sample::select(vec![
        Leave::Returned(HResult::S_OK),
        Leave::Returned(HResult::S_FALSE),
        Leave::Returned(HResult::E_FAIL),
        Leave::Panicked,
        Leave::Exited(0),
        Leave::Exited(1),
    ])
}
