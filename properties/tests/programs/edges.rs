//! The committed index of edges: sorted, whole, and wide enough for every program that is sampled.

use crate::inputs;

use properties::edges::{Edge, Index, MOST, Reached};
use properties::sample;

#[test]
fn every_line_of_the_index_is_an_edge_in_order() {
    let lines: Vec<&str> = Index::text().lines().collect();
    assert!(lines.is_sorted_by(|one, next| one < next), "sorted, and none twice");
    assert!(lines.len() <= MOST);
    let index = Index::committed();
    assert_eq!(index.edges().len(), lines.len());
    for (place, edge) in index.edges().iter().enumerate() {
        assert_eq!(index.place(*edge), Some(place));
        assert_eq!(edge.to_string().parse(), Ok(*edge));
    }
    assert!("TRANSFERRED mask=T | Cancel -> begins".parse::<Edge>().is_err());
}

#[test]
fn no_sampled_program_leaves_the_index() {
    let mut reached = Reached::none();
    for seed in 0..20_000 {
        reached.run(&sample::bytes(seed));
    }
    assert_eq!(reached.unknown(), []);
    // Far below what is reached, and far above what a sink that misses a kind of step would see.
    assert!(reached.count() > reached.of() / 3, "{reached}");
}

/// Otherwise the fuzzer begins each time with looking for what was found before; `properties --example cover` makes them anew.
#[test]
fn the_committed_seeds_reach_every_edge() {
    let mut reached = Reached::none();
    inputs::seeds().for_each(|seed| reached.run(&seed));
    assert_eq!(reached.missing().collect::<Vec<_>>(), []);
}
