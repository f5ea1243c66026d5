//! The explorer on models that do little, so that it is what is measured; `bgcheck bench` compares it with stateright's on large ones.
//!
//! `cargo bench -p explorer --bench explorer`

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use explorer::reference::counters::Counters;
use explorer::reference::two_phase::TwoPhase;
use explorer::{Exact, Explorer, Form, Hashed, Memory, Retraced};
use stateright::{Checker as _, Model};

fn main() {
    divan::main();
}

/// A hundred thousand states, five edges each.
fn counters() -> Counters {
    Counters { count: 5, modulus: 10 }
}

const STATES: usize = 100_000;

/// A form on one worker and on two.
#[divan::bench(types = [Exact, Hashed<u64>, Retraced<u64>], args = [1, 2])]
fn counters_with<F: Form<Counters>>(bencher: Bencher<'_, '_>, workers: usize) {
    bencher.counter(ItemsCount::new(STATES)).bench(|| {
        let report = Explorer::<_, F>::new(counters()).workers(workers).explore();
        assert_eq!(black_box(report).map(|report| report.states), Ok(STATES as u64));
    });
}

/// What the disk costs: a twentieth of the memory that it would take.
#[divan::bench]
fn counters_in_little_memory(bencher: Bencher<'_, '_>) {
    let directory = std::env::temp_dir();
    bencher.counter(ItemsCount::new(STATES)).bench(|| {
        let memory = Memory { bytes: 200_000, directory: directory.clone() };
        let report = Explorer::exact(counters()).memory(memory).explore();
        assert_eq!(black_box(report).map(|report| report.states), Ok(STATES as u64));
    });
}

/// The reference.
#[divan::bench(args = [1, 2])]
fn counters_with_stateright(bencher: Bencher<'_, '_>, threads: usize) {
    bencher.counter(ItemsCount::new(STATES)).bench(|| {
        let checker = counters().checker().threads(threads).spawn_bfs().join();
        assert_eq!(black_box(checker).unique_state_count(), STATES);
    });
}

/// A model with properties and more edges per state: 50,816 states.
#[divan::bench(args = [1, 2])]
fn two_phase_commit(bencher: Bencher<'_, '_>, workers: usize) {
    bencher.counter(ItemsCount::new(50_816_usize)).bench(|| {
        let report = Explorer::exact(TwoPhase::new(6)).workers(workers).explore();
        assert_eq!(black_box(report).map(|report| report.states), Ok(50_816));
    });
}
