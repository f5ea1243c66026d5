//! Schedules per second: the body of the fuzz target `schedule` on its seeds, beside the smallest thing shuttle can run.
//!
//! `cargo bench -p properties --bench race`. The subject must reach at least a fifth of the toy's rate.

use divan::counter::ItemsCount;
use properties::fuzzing;

fn main() {
    divan::main();
}

/// Two threads and one mutex, with everything made anew for each run, as `shuttle::check` does.
#[divan::bench]
fn toy(bencher: divan::Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(1_u32)).bench(|| {
        let scheduler = shuttle::scheduler::RandomScheduler::new_from_seed(1, 1);
        shuttle::Runner::new(scheduler, shuttle::Config::new()).run(two_threads)
    });
}

/// As [`toy`], but a hundred runs by one runner: its stacks are kept.
#[divan::bench]
fn toy_with_kept_stacks(bencher: divan::Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(100_u32)).bench(|| {
        let scheduler = shuttle::scheduler::RandomScheduler::new_from_seed(1, 100);
        shuttle::Runner::new(scheduler, shuttle::Config::new()).run(two_threads)
    });
}

/// The service under the seeds of the target.
#[divan::bench]
fn schedule(bencher: divan::Bencher<'_, '_>) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/schedule");
    let listed = std::fs::read_dir(folder).expect("the corpus is committed");
    let read = |entry: std::io::Result<std::fs::DirEntry>| std::fs::read(entry?.path());
    let inputs: Vec<Vec<u8>> = listed.map(|entry| read(entry).expect("a readable seed")).collect();
    bencher
        .counter(ItemsCount::new(inputs.len()))
        .bench(|| inputs.iter().for_each(|input| fuzzing::schedule(input)));
}

fn two_threads() {
    let shared = std::sync::Arc::new(shuttle::sync::Mutex::new(0_u32));
    let theirs = std::sync::Arc::clone(&shared);
    let thread = shuttle::thread::spawn(move || *theirs.lock().expect("nobody panics") += 1);
    *shared.lock().expect("nobody panics") += 1;
    thread.join().expect("nobody panics");
}
