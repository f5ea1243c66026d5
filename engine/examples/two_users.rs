//! Two users of one service: `cargo run -p engine --example two_users`.
//!
//! Each sees its own jobs alone, and one's slow server does not hold up the other.

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use engine::service::{Job, Manager, Service};
use engine::{Config, Dialect, HResult, JobState, Priority, StateSet, UserId, Whose};

mod support;

const PATIENCE: Duration = Duration::from_secs(20);

fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let server = support::serve()?;
    // One worker, so that there is something to share.
    let service = Service::builder(Config::of(Dialect::Bits.profile())).workers(1).start()?;
    let (slow, fast) = (service.manager(UserId(1)), service.manager(UserId(2)));

    let begun = Instant::now();
    let slow_jobs = [
        begin(&slow, &format!("http://{server}/100000/800"), &directory.path().join("slow-0"))?,
        begin(&slow, &format!("http://{server}/100000/0"), &directory.path().join("slow-1"))?,
    ];
    slow_jobs[0].wait_for(StateSet::of(JobState::Transferring), PATIENCE)?;
    let fast_job = begin(&fast, &format!("http://{server}/100000/0"), &directory.path().join("fast"))?;

    fast_job.wait_for(StateSet::of(JobState::Transferred), PATIENCE)?;
    println!("the second user has its file after {:?}", begun.elapsed());
    assert_eq!(slow_jobs[0].state()?, JobState::Transferring);

    assert_eq!(fast.jobs(Whose::Mine)?.count()?, 1);
    let listed: Vec<Job> = slow.jobs(Whose::Mine)?.into_iter().collect();
    assert!(listed == slow_jobs);
    assert_eq!(fast.job(slow_jobs[0].id()?), Err(HResult::E_ACCESSDENIED));

    for job in slow_jobs.iter().chain([&fast_job]) {
        job.wait_for(StateSet::of(JobState::Transferred), PATIENCE)?;
        job.complete()?;
    }
    println!("the first user has both of its files after {:?}", begun.elapsed());
    Ok(())
}

fn begin(manager: &Manager, remote: &str, local: &Path) -> Result<Job, HResult> {
    let job = manager.create_job("one of two users")?;
    job.set_priority(Priority::Foreground)?;
    job.add_file(remote, local)?;
    job.resume()?;
    Ok(job)
}

#[test]
fn it_runs() {
    main().expect("both users have their files");
}
