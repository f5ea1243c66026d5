//! How fast one run of the fuzz target `lockstep` is without libFuzzer, on the committed programs that speed is measured with.
//!
//! `cargo bench -p properties --bench lockstep`. Items are runs, or executed steps, per second on one core.

use contract::Core as _;
use divan::counter::ItemsCount;
use engine::core::Core;
use properties::program::Program;
use properties::{fuzzing, run};

fn main() {
    divan::main();
}

/// The whole target: bytes are read, and the program run.
#[divan::bench]
fn runs(bencher: divan::Bencher<'_, '_>) {
    let inputs = inputs();
    bencher
        .counter(ItemsCount::new(inputs.len()))
        .bench_local(|| inputs.iter().for_each(|bytes| fuzzing::lockstep(divan::black_box(bytes))));
}

/// The programs' execution alone.
#[divan::bench]
fn steps(bencher: divan::Bencher<'_, '_>) {
    let programs: Vec<Program> = inputs().iter().map(|bytes| Program::from_bytes(bytes)).collect();
    let steps: usize = programs.iter().map(|program| run::run(program, Core::new).steps).sum();
    bencher.counter(ItemsCount::new(steps)).bench_local(|| {
        programs.iter().map(|program| run::run(divan::black_box(program), Core::new).steps).sum::<usize>()
    });
}

/// Reading the bytes alone.
#[divan::bench]
fn parses(bencher: divan::Bencher<'_, '_>) {
    let inputs = inputs();
    bencher.counter(ItemsCount::new(inputs.len())).bench_local(|| {
        inputs.iter().map(|bytes| Program::from_bytes(divan::black_box(bytes)).steps.len()).sum::<usize>()
    });
}

/// The files of `fuzz/sixteen`.
fn inputs() -> Vec<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/sixteen");
    let files = std::fs::read_dir(folder).expect("the committed set is there");
    files
        .map(|file| std::fs::read(file.expect("a readable entry").path()).expect("a readable file"))
        .collect()
}
