//! A set that is empty begins anew: with the states that have what the getters show, and that are few steps away from the last ones.
//!
//! **What it is.** A search. From the last states that fitted, each call and each thing that can happen to a job is tried, up to
//! [`DEPTH`] of them, and the nearest states that answer every getter as the implementation does are the new set. So each of them is a
//! state of the model, and nothing is written into one.
//!
//! **The laws it keeps.**
//! 1. No getter shows which callbacks are owed. So a state is taken with what it owes, and without it.
//! 2. No getter that is asked shows why a transfer has failed. What the server has given since the last states is the code; where it has given
//!    none, the code is open, and no answer about it is judged.
//! 3. A getter may be what is wrong. So a state is taken as the getters show it, and as it was; and a getter that was found wrong in
//!    this run is left out.
//! 4. A call that was taken and should have been refused may have had its effect. So a state is taken with it, and without it.

use std::collections::BTreeSet;

use contract::core::TransferEvent;
use contract::{
    Call, Core as _, EventView, FileNames, HResult, Interfaces, JobId, JobState, Method, Out, Profile,
    Receiver, ReceiverId, ThreadId,
};
use model::drive::{Applied, DiskResult, From, Stimulus};

use super::member::{CLASSES, Cause, Fed, Member, World, failed_as, open_failures};
use super::{GOOD_LOCAL, GOOD_REMOTE, Standing, States, is_in};
use crate::difference::same_answer;
use crate::server::Served;
use crate::suite::JOBS;

/// What a job shows.
#[derive(Clone, Debug)]
pub(in crate::foreign) struct Shown {
    pub(in crate::foreign) job: JobId,
    pub(in crate::foreign) state: Option<JobState>,
    /// Getters, and what they answer.
    pub(in crate::foreign) getters: Vec<(Call, HResult, Out)>,
}

/// Steps from the last states to the new ones, at most.
const DEPTH: usize = 3;

/// Callbacks that a state can owe: of each job one of two files, the other one, and the end.
const OWED: usize = 3;

/// States that are looked at.
const MOST: usize = 3_000;

/// The thread of calls that no client has made.
const OURS: From = From::Client(ThreadId(69));

impl States {
    /// Begins anew with what the jobs show and what the server has recorded.
    pub(in crate::foreign) fn again(&mut self, shown: &[Shown], fed: [Fed; JOBS]) {
        if self.standing != Standing::Empty {
            return;
        }
        let mut base = std::mem::take(&mut self.members);
        base.retain(|member| !member.has_orphan());
        base.iter_mut().for_each(Member::settle);
        base.extend(self.with_what_was_taken(&base));
        let shown = &self.trusted(shown);
        let as_shown = self.nearest(&base, (shown, fed), fits).unwrap_or_default();
        let as_it_was = self.nearest(&base, (shown, fed), is_there).unwrap_or_default();
        let near = [as_shown, as_it_was].concat();
        if near.is_empty() {
            return self.give_up("no state near the last ones has what the getters show");
        }
        self.members = self.with_and_without(near, shown);
        for member in &mut self.members {
            (0..JOBS).for_each(|job| member.stands_with(&self.world, job, fed[job]));
        }
        self.standing = Standing::Follows;
        self.course.again += 1;
        self.close();
    }

    /// These states behind the call that was taken.
    fn with_what_was_taken(&mut self, base: &[Member]) -> Vec<Member> {
        let Some((job, call)) = self.taken.take() else { return Vec::new() };
        let step = Stimulus::Call { from: OURS, job: Some(job), call };
        let made = base.iter().filter_map(|member| member.after(&self.world, &step));
        made.filter(|member| !member.has_orphan()).collect()
    }

    /// What the jobs show, without the getters that were wrong.
    fn trusted(&self, shown: &[Shown]) -> Vec<Shown> {
        let without = |shown: &Shown| {
            let right = |(call, ..): &&(Call, HResult, Out)| !self.wrong.contains(&call.method());
            Shown { getters: shown.getters.iter().filter(right).cloned().collect(), ..*shown }
        };
        shown.iter().map(without).collect()
    }

    /// The states with what they owe, and without some of it or all of it: what has come since the set was empty was in no state.
    fn with_and_without(&self, near: Vec<Member>, shown: &[Shown]) -> Vec<Member> {
        let (mut all, mut from) = (near, 0);
        for _ in 0..OWED {
            let jobs = || (0..JOBS as u32).map(JobId);
            let told = all[from..].iter().flat_map(|member| {
                jobs().filter_map(|job| member.told(&self.world, job)).collect::<Vec<_>>()
            });
            let is_it = |member: &Member| shown.iter().all(|shown| is_there(member, shown, &self.world));
            let told: Vec<Member> = told.filter(is_it).collect();
            from = all.len();
            all.extend(told);
        }
        all
    }

    /// The states that fit, after as few steps as possible.
    fn nearest(
        &self,
        base: &[Member],
        (shown, fed): (&[Shown], [Fed; JOBS]),
        fits: fn(&Member, &Shown, &World) -> bool,
    ) -> Option<Vec<Member>> {
        let mut known = BTreeSet::new();
        let mut level: Vec<Member> = base.to_vec();
        for depth in 0..=DEPTH {
            level.retain(|member| known.insert(member.fingerprint()));
            let is_it = |member: &&Member| shown.iter().all(|shown| fits(member, shown, &self.world));
            let found: Vec<Member> = level.iter().filter(is_it).cloned().collect();
            if !found.is_empty() {
                return Some(found);
            }
            if depth == DEPTH || known.len() > MOST {
                break;
            }
            let mut next = Vec::new();
            for member in &level {
                for shown in shown.iter().filter(|shown| !fits(member, shown, &self.world)) {
                    next.extend(steps(member, (shown, fed), &self.world));
                }
                if next.len() > MOST {
                    break;
                }
            }
            level = next;
        }
        None
    }
}

/// Whether a state has what a job shows.
fn fits(member: &Member, shown: &Shown, world: &World) -> bool {
    is_there(member, shown, world)
        && shown.getters.iter().all(|(call, hr, out)| {
            let answer = ask(member, world, shown.job, call);
            answer.is_some_and(|(ours, given)| {
                ours == *hr && (*out == Out::None || same_answer(&given, out).is_empty())
            })
        })
}

/// Whether the job is in the state that it shows.
fn is_there(member: &Member, shown: &Shown, _: &World) -> bool {
    is_in(member, shown.job, shown.state)
}

/// What a getter answers.
fn ask(member: &Member, world: &World, job: JobId, call: &Call) -> Option<(HResult, Out)> {
    let mut state = member.state.clone();
    let mut answer = None;
    let step = Stimulus::Call { from: OURS, job: Some(job), call: call.clone() };
    let applied = state.apply(&world.profile, &step, &mut |event| {
        if let EventView::Return { hr, out, .. } = event {
            answer = Some((*hr, (*out).clone()));
        }
    });
    answer.filter(|_| applied == Applied::Done)
}

/// What may have happened to a job.
fn steps(member: &Member, (shown, fed): (&Shown, [Fed; JOBS]), world: &World) -> Vec<Member> {
    let job = shown.job;
    let call = |call: Call| {
        let made = member.after(world, &Stimulus::Call { from: OURS, job: Some(job), call })?;
        let works = made.state.driver().core().is_finalising(job);
        if works { made.after(world, &Stimulus::Disk { job, result: DiskResult::Good }) } else { Some(made) }
    };
    let report = |event: TransferEvent| member.after(world, &Stimulus::Transfer { job, event });
    let set = shown.getters.iter().filter_map(|(getter, _, out)| setter(getter, out));
    let calls = [Call::Resume, Call::Suspend, Call::Cancel, Call::Complete, add()].into_iter().chain(set);
    let mut next: Vec<Member> = calls.filter_map(call).filter(|member| !member.has_orphan()).collect();
    next.extend([TransferEvent::Connected, TransferEvent::FileDone].into_iter().filter_map(report));
    next.extend(failures(member, (job, fed), world));
    next.extend(member.told(world, job));
    next.extend(member.after(world, &Stimulus::Timeout));
    next.extend(member.successors(world));
    next
}

/// How the transfer of a job may have failed: with a status that the server has given since, in either class, or else with an open code.
fn failures(member: &Member, (job, fed): (JobId, [Fed; JOBS]), world: &World) -> Vec<Member> {
    let of_status = |served: &Served| match served {
        Served::Status(status) => Some(CLASSES.map(|class| (failed_as(class, *status), Cause::Known))),
        Served::Whole | Served::Stalls => None,
    };
    let at = job.index();
    let given: Vec<_> = member.given(world, at, fed[at]).iter().filter_map(of_status).flatten().collect();
    let all = if given.is_empty() { open_failures().collect() } else { given };
    all.into_iter().filter_map(|failure| member.fails(world, job, failure)).collect()
}

/// A call with values that the specification takes, where there are such.
pub(super) fn accepted(call: &Call, profile: &Profile) -> Option<Call> {
    match call {
        Call::AddFile { .. } => Some(add()),
        Call::AddFileSet { files } => {
            let files =
                files.iter().map(|_| FileNames { remote: GOOD_REMOTE.into(), local: GOOD_LOCAL.into() });
            Some(Call::AddFileSet { files: files.collect() })
        }
        Call::SetNotifyFlags { flags } => {
            Some(Call::SetNotifyFlags { flags: flags & profile.accepted_flags().bits() })
        }
        Call::SetNotifyInterface { receiver: Some(Receiver { id, .. }) } => Some(register(*id)),
        _ => None,
    }
}

/// The call that sets what a getter shows.
fn setter(getter: &Call, out: &Out) -> Option<Call> {
    match (getter.method(), out) {
        (Method::GetNotifyFlags, Out::Flags(flags)) => Some(Call::SetNotifyFlags { flags: flags.bits() }),
        (Method::GetNotifyInterface, Out::Receiver(receiver)) => {
            Some(receiver.map_or(Call::SetNotifyInterface { receiver: None }, register))
        }
        _ => None,
    }
}

fn register(id: ReceiverId) -> Call {
    let interfaces = Interfaces::CALLBACK | Interfaces::CALLBACK2;
    Call::SetNotifyInterface { receiver: Some(Receiver { id, interfaces }) }
}

fn add() -> Call {
    Call::AddFile { file: FileNames { remote: GOOD_REMOTE.into(), local: GOOD_LOCAL.into() } }
}
