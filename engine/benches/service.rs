//! What a call costs, with few and many jobs, open ones and ended ones.
//!
//! `cargo bench -p engine --bench service --no-default-features`. Files are not fetched here: what is measured is the service.

use std::hint::black_box;

use contract::core::{Config, TransferEvent};
use contract::dialect::Profile;
use contract::{Dialect, HResult, UserId};
use engine::service::{Disk, Fetch, Job, Order, Place, Service};
use engine::transfer::Progress;

fn main() {
    divan::main();
}

/// GetState, with a given number of open jobs.
#[divan::bench(args = [1, 300, 3_000])]
fn get_state(bencher: divan::Bencher<'_, '_>, open: u32) {
    let service = service();
    let jobs = open_jobs(&service, open);
    bencher.bench_local(|| black_box(&jobs[0]).state());
}

/// GetState, with one open job, after a given number of jobs have ended.
#[divan::bench(args = [0, 100_000, 1_000_000])]
fn get_state_after(bencher: divan::Bencher<'_, '_>, ended: u32) {
    let service = service();
    end_jobs(&service, ended);
    let jobs = open_jobs(&service, 1);
    bencher.bench_local(|| black_box(&jobs[0]).state());
}

/// SetPriority, which moves a job in the queue, with a given number of open jobs.
#[divan::bench(args = [1, 300, 3_000])]
fn set_priority(bencher: divan::Bencher<'_, '_>, open: u32) {
    let service = service();
    let jobs = open_jobs(&service, open);
    let last = &jobs[jobs.len() - 1];
    bencher.bench_local(|| last.set_priority(black_box(contract::Priority::Low)));
}

/// A job from CreateJob to Cancel, with a given number of open jobs beside it.
#[divan::bench(args = [1, 300, 3_000])]
fn create_and_cancel(bencher: divan::Bencher<'_, '_>, open: u32) {
    let service = service();
    let _jobs = open_jobs(&service, open);
    bencher.bench_local(|| end_jobs(&service, 1));
}

fn service() -> Service {
    let config = Config::of(&Profile {
        jobs_per_user: u32::MAX,
        jobs_per_machine: u32::MAX,
        ..*Dialect::Bits.profile()
    });
    let service =
        Service::builder(config).fetch(std::sync::Arc::new(Still)).disk(std::sync::Arc::new(Still)).start();
    service.expect("the machine has threads")
}

/// Jobs that queue behind one that transfers and gets nowhere.
fn open_jobs(service: &Service, number: u32) -> Vec<Job> {
    let manager = service.manager(UserId(0));
    let job = |_| {
        let job = manager.create_job("open").expect("there is no limit");
        job.add_file("http://nowhere/file", "/nowhere/file").expect("the names are good");
        job.resume().expect("it has a file");
        job
    };
    (0..number).map(job).collect()
}

fn end_jobs(service: &Service, number: u32) {
    let manager = service.manager(UserId(1));
    for _ in 0..number {
        let job = manager.create_job("ended").expect("there is no limit");
        job.cancel().expect("it lives");
    }
}

/// A network that connects and then waits for the service to end, and a disk without files.
struct Still;

impl Fetch for Still {
    fn fetch(&self, _: &Order, progress: &mut dyn Progress) {
        while progress.report(TransferEvent::Connected) == contract::core::TransferReply::Continue {
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
    }
}

impl Disk for Still {
    fn rename(&self, _: &Place) -> Result<(), HResult> {
        Ok(())
    }

    fn remove(&self, _: &Place) -> Result<(), HResult> {
        Ok(())
    }
}
