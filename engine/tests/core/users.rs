//! Jobs belong to users: who finds them, who lists them, and whose logoff moves them.

use contract::call::{Fetched, Whose};

use super::*;

#[test]
fn a_job_is_found_and_listed_by_its_owner_alone() {
    let mut bench = Bench::bits();
    let (ours, theirs) = (UserId(0), UserId(1));
    let jobs = [ours, theirs, ours].map(|user| bench.create_for(user));
    let ask = |bench: &mut Bench, user: UserId, job: Option<JobId>, call: Call| {
        let answer = bench.core.call(user, job, &call);
        (answer.hr, answer.out)
    };
    let mine = Call::EnumJobs { whose: Whose::Mine };
    let found = (HResult::S_OK, Out::Job(jobs[1]));
    assert_eq!(ask(&mut bench, theirs, Some(jobs[1]), Call::GetJob), found);
    assert_eq!(ask(&mut bench, ours, Some(jobs[1]), Call::GetJob).0, HResult::E_ACCESSDENIED);
    assert_eq!(ask(&mut bench, ours, None, mine.clone()), (HResult::S_OK, Out::Jobs(vec![jobs[0], jobs[2]])));
    assert_eq!(ask(&mut bench, theirs, None, mine.clone()), (HResult::S_OK, Out::Jobs(vec![jobs[1]])));
    assert_eq!(ask(&mut bench, theirs, None, Call::EnumJobsGetCount), (HResult::S_OK, Out::Count(1)));
    bench.end(jobs[0], Call::Cancel);
    assert_eq!(ask(&mut bench, ours, None, mine), (HResult::S_OK, Out::Jobs(vec![jobs[2]])));
    assert_eq!(ask(&mut bench, ours, Some(jobs[0]), Call::GetJob).0, HResult::BG_E_NOT_FOUND);
    assert_eq!(bench.get(jobs[1], Call::GetOwner), Out::Count(1));
    assert_eq!([bench.core.owner(jobs[0]), bench.core.owner(jobs[1])], [Some(ours), Some(theirs)]);
}

#[test]
fn an_enumerator_gives_what_is_there_and_says_when_it_is_less() {
    let mut bench = Bench::bits();
    let jobs = [0, 1, 2].map(|_| bench.create_for(USER));
    let next = |skip, celt, fetched| Call::EnumJobsNext { skip, celt, fetched };
    let mut ask = |call: Call| {
        let answer = bench.core.call(USER, None, &call);
        (answer.hr, answer.out)
    };
    let (all, too_few) = (HResult::S_OK, HResult::S_FALSE);
    assert_eq!(ask(next(1, 2, Fetched::Wanted)), (all, Out::Jobs(jobs[1..].to_vec())));
    assert_eq!(ask(next(1, 3, Fetched::Wanted)), (too_few, Out::Jobs(jobs[1..].to_vec())));
    assert_eq!(ask(next(0, 1, Fetched::Null)), (all, Out::Jobs(jobs[..1].to_vec())));
    assert_eq!(ask(next(0, 2, Fetched::Null)).0, HResult::E_INVALIDARG);
    assert_eq!(ask(Call::EnumJobsSkip { celt: 3 }).0, all);
    assert_eq!(ask(Call::EnumJobsSkip { celt: 4 }).0, too_few);
    assert_eq!([ask(Call::EnumJobsReset).0, ask(Call::EnumJobsClone).0], [all; 2]);
}

#[test]
fn a_logoff_takes_the_users_transferring_jobs_to_the_queue() {
    let mut bench = Bench::delivery_optimization();
    let ours = bench.transferring();
    let theirs = bench.resumed_for(UserId(1));
    let ending = bench.resumed();
    assert_eq!(bench.core.call(USER, Some(ending), &Call::Cancel).then, Then::Disk);
    bench.core.handle_logoff(USER);
    let states = [ours, theirs, ending].map(|job| bench.state(job));
    assert_eq!(states, [JobState::Queued, JobState::Transferring, JobState::Transferring]);
    assert!(bench.steps().contains(&EnvStep::Logoff { user: Some(USER) }));
}
