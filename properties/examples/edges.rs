//! Generates the index of edges, or shows that it is wide enough.
//!
//! - `cargo run --release -p properties --example edges -- --write` writes `model/edges.txt`;
//! - `... -- --saturate` explores each slice in one dimension larger, and prints after each which edges it adds: none (exit 1 otherwise).
//!
//! `bgcheck graph --table edges` prints it, for a comparison with the committed one.

use std::process::ExitCode;
use std::time::Instant;

use properties::edges::{Breadth, Index, MOST, explore, names};

fn main() -> std::io::Result<ExitCode> {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let breadth = match asked.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--write"] => Breadth::Index,
        ["--saturate"] => Breadth::Larger,
        _ => {
            eprintln!("one of --write and --saturate is needed");
            return Ok(ExitCode::FAILURE);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (started, mut added) = (Instant::now(), 0);
    let explored = explore(breadth, threads, &mut |dialect, slice, explored| {
        // Printed at once: when a user stops a long exploration, the edges found until then are on the terminal.
        let unknown = explored.edges.iter().filter(|edge| Index::committed().place(**edge).is_none());
        for edge in unknown {
            println!("not in the index: {edge}");
            added += 1;
        }
        let seconds = started.elapsed().as_secs();
        eprintln!(
            "{dialect} {slice}: {} states, {} edges, {seconds} s so far",
            explored.states,
            explored.edges.len()
        );
    });
    let edges = match explored {
        Ok(edges) => edges,
        Err(unsound) => {
            eprintln!("{unsound}");
            return Ok(ExitCode::FAILURE);
        }
    };
    println!(
        "{} edges, {} committed, {added} met that are not",
        edges.len(),
        Index::committed().edges().len()
    );
    if breadth == Breadth::Index {
        let text = names(&edges).join("\n") + "\n";
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/../model/edges.txt"), text)?;
        println!("written, of at most {MOST}");
        return Ok(ExitCode::SUCCESS);
    }
    Ok(if added == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
