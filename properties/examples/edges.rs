//! Generates the index of edges, or compares it with the committed one.
//!
//! - `cargo run --release -p properties --example edges` explores and compares (exit 1 when `model/edges.txt` is another set);
//! - `... -- --write` writes `model/edges.txt`;
//! - `... -- --saturate` explores each slice in one dimension larger, and says after each which edges it adds: none.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Instant;

use contract::Dialect;
use engine::core::Core;
use model::edge::Edge;
use model::edges::{Breadth, Index, MOST, explorations, reachable};
use properties::program;

fn main() -> std::io::Result<ExitCode> {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| asked.iter().any(|word| word == flag);
    let (edges, sound) = explore(if has("--saturate") { Breadth::Larger } else { Breadth::Index });
    let committed: BTreeSet<Edge> = Index::committed().edges().iter().copied().collect();
    if has("--write") {
        let mut names: Vec<String> = edges.iter().map(Edge::to_string).collect();
        names.sort_unstable();
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../model/edges.txt");
        std::fs::write(path, names.join("\n") + "\n")?;
        println!("{} edges of at most {MOST} written", names.len());
        return Ok(code(sound));
    }
    let added = edges.difference(&committed).count();
    // The larger scope has no slice for some of the smaller one's, so that what is missing in it says nothing.
    let lost: Vec<&Edge> =
        if has("--saturate") { Vec::new() } else { committed.difference(&edges).collect() };
    lost.iter().for_each(|edge| println!("not reachable: {edge}"));
    println!(
        "{} edges found, {} committed: {added} added, {} lost",
        edges.len(),
        committed.len(),
        lost.len()
    );
    Ok(code(sound && added == 0 && lost.is_empty()))
}

fn code(good: bool) -> ExitCode {
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn explore(breadth: Breadth) -> (BTreeSet<Edge>, bool) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let calls = program::calls();
    let (mut edges, mut sound) = (BTreeSet::new(), true);
    for dialect in [Dialect::Bits, Dialect::Do] {
        let known = |name: &str| dialect == Dialect::Bits || !name.contains("programs");
        // Without command lines the slices of programs are the others again.
        for exploration in explorations(breadth).into_iter().filter(|one| known(one.slice.name)) {
            let started = Instant::now();
            let explored = reachable::<Core>(dialect.profile(), &exploration, &calls, threads);
            for edge in explored.edges {
                // Said at once: who stops a long exploration knows what there was until then.
                if edges.insert(edge) && Index::committed().place(edge).is_none() {
                    println!("not in the index: {edge}");
                }
            }
            sound &= explored.is_sound;
            eprintln!(
                "{dialect} {}: {} states, {} edges so far, {:.1} s{}",
                exploration.slice.name,
                explored.states,
                edges.len(),
                started.elapsed().as_secs_f64(),
                if explored.is_sound { "" } else { ", NOT SOUND" }
            );
        }
    }
    (edges, sound)
}
