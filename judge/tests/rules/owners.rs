//! R12 and R13 between users: whose job it is, how many there may be, and who logs off.

use contract::call::Whose;
use contract::dialect::Origin;
use contract::event::{By, Caller, EventView};
use contract::*;
use judge::Rule::{R12, R13};

use crate::builder::*;

/// A call by a user from start to end.
fn does(run: &mut Run, user: u32, job: Option<u32>, call: &Call, hr: HResult, out: Out) {
    let caller = Caller { thread: ThreadId(user), user: UserId(user), inside: None };
    let (id, made) = (CallId(900), if let Out::Job(made) = out { Some(made) } else { job.map(JobId) });
    run.push(&EventView::Call { id, caller, job: job.map(JobId), call });
    run.push(&EventView::Return { id, job: made, call, hr, out: &out });
}

fn creates(run: &mut Run, user: u32, job: u32) {
    let create = Call::CreateJob { name: Some("a".into()), kind: 0 };
    does(run, user, None, &create, OK, Out::Job(JobId(job)));
}

/// Two users with a job each.
fn two(origin: Origin) -> Run {
    let mut run = Run::empty(&Profile { origin, ..*bits() });
    creates(&mut run, 0, 0);
    creates(&mut run, 1, 1);
    run
}

#[test]
fn our_engine_denies_the_job_of_another_and_no_own_one() {
    contract::follows!["manager.denied"];
    let denied = HResult::E_ACCESSDENIED;
    for (user, hr, good) in [(0, OK, true), (0, denied, false), (1, denied, true), (1, OK, false)] {
        let mut run = two(Origin::Ours);
        let out = if hr == OK { Out::Job(JobId(0)) } else { Out::None };
        does(&mut run, user, Some(0), &Call::GetJob, hr, out.clone());
        run.breaks(if good { &[] } else { &[R12] });
        // Elsewhere the other user may be an administrator.
        let mut foreign = two(Origin::Foreign);
        does(&mut foreign, user, Some(0), &Call::GetJob, hr, out);
        foreign.breaks(&[]);
    }
}

#[test]
fn a_list_of_ones_own_jobs_has_all_of_them_and_no_others() {
    let mine = Call::EnumJobs { whose: Whose::Mine };
    for (jobs, good) in [(vec![0], true), (vec![], false), (vec![0, 1], false), (vec![1], false)] {
        let mut run = two(Origin::Foreign);
        does(&mut run, 0, None, &mine, OK, Out::Jobs(jobs.into_iter().map(JobId).collect()));
        run.breaks(if good { &[] } else { &[R12] });
    }
    let mut ended = two(Origin::Ours);
    does(&mut ended, 0, Some(0), &Call::Cancel, OK, Out::None);
    does(&mut ended, 0, None, &mine, OK, Out::Jobs(vec![]));
    ended.breaks(&[]);
}

#[test]
fn the_sixty_first_job_of_a_user_is_refused_and_no_earlier_one() {
    contract::follows!["manager.per-user", "manager.per-machine"];
    let mut run = Run::empty(bits());
    (0..60).for_each(|job| creates(&mut run, 0, job));
    run.breaks(&[]);
    let create = Call::CreateJob { name: Some("a".into()), kind: 0 };
    let full = HResult::BG_E_TOO_MANY_JOBS_PER_USER;
    does(&mut run, 0, None, &create, full, Out::None);
    run.breaks(&[]);
    creates(&mut run, 0, 60);
    run.breaks(&[R12]);
    let mut early = Run::empty(bits());
    (0..10).for_each(|job| creates(&mut early, 0, job));
    does(&mut early, 0, None, &create, full, Out::None);
    early.breaks(&[R12]);
}

#[test]
fn the_three_hundred_and_first_job_of_the_machine_is_one_too_many() {
    let mut run = Run::empty(bits());
    (0..300).for_each(|job| creates(&mut run, job % 6, job));
    run.breaks(&[]);
    creates(&mut run, 6, 300);
    run.breaks(&[R12]);
}

#[test]
fn the_two_hundred_and_first_file_is_one_too_many() {
    contract::follows!["file.limit"];
    let names = || FileNames { remote: "http://a.test/f".into(), local: "/f".into() };
    let mut run = two(Origin::Foreign);
    let set = Call::AddFileSet { files: (0..200).map(|_| names()).collect() };
    does(&mut run, 0, Some(0), &set, OK, Out::None);
    run.breaks(&[]);
    does(&mut run, 0, Some(0), &Call::AddFile { file: names() }, OK, Out::None);
    run.breaks(&[R12]);
}

#[test]
fn a_logoff_moves_no_other_users_job() {
    contract::follows!["env.logoff"];
    for (user, rules) in [(0, &[][..]), (1, &[R13])] {
        let mut run = Run::created(bits());
        run.resumes();
        let step = EnvStep::Logoff { user: Some(UserId(user)) };
        run.env(step);
        run.state_by(JobState::Queued, By::Env(step));
        run.breaks(rules);
    }
}

#[test]
fn our_engine_transfers_no_more_jobs_at_once_than_it_has_slots() {
    contract::follows!["scheduler.do-several"];
    let started = |origin: Origin, jobs: u32| {
        let mut run = Run::empty(&Profile { origin, ..*Dialect::Do.profile() });
        for number in 0..jobs {
            creates(&mut run, 0, number);
            let caller = Caller { thread: ThreadId(0), user: UserId(0), inside: None };
            let (id, job) = (CallId(900), Some(JobId(number)));
            run.push(&EventView::Call { id, caller, job, call: &Call::Resume });
            let (from, to) = (Some(JobState::Suspended), JobState::Transferring);
            run.push(&EventView::State { job: JobId(number), from, to, by: By::Call(id) });
            run.push(&EventView::Return { id, job, call: &Call::Resume, hr: OK, out: &Out::None });
        }
        run
    };
    started(Origin::Ours, 4).breaks(&[]);
    started(Origin::Ours, 5).breaks(&[R13]);
    started(Origin::Foreign, 5).breaks(&[]);
}
