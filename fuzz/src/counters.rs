//! libFuzzer's extra counters: the edges of the model that an input reaches.
//!
//! **What it is.** A byte for each edge of the committed index ([`model::edges::Index`]), in the section that libFuzzer reads after
//! every run and clears before the next. An input that reaches an edge no input has reached before is kept, whatever code it covers.
//!
//! **What it is not.** A count. A byte is 1 or 0: how often an edge is passed would only make inputs longer.
//!
//! **The second order.** With the feature `pairs` each pair of successive edges of an input has a counter, too, by a hash into 64 Ki of
//! them: `cargo fuzz run -s none --features pairs lockstep`. libFuzzer reads all counters after every run, so these cost speed, and
//! pairs are many: it is for long runs.

use std::sync::atomic::{AtomicU8, Ordering};

use properties::edges::{Edge, EdgeSink, Index, MOST};

/// Counters of pairs of edges.
const PAIRS: usize = if cfg!(feature = "pairs") { 1 << 16 } else { 0 };

// Nobody here reads it, and without `used` it would be left out of the program.
#[used]
#[unsafe(link_section = "__libfuzzer_extra_counters")]
static COUNTERS: [AtomicU8; MOST + PAIRS] = [const { AtomicU8::new(0) }; MOST + PAIRS];

/// Sets the counters of the edges of one input.
pub struct Counting {
    index: &'static Index,
    last: Option<usize>,
}

impl Counting {
    /// For an input that begins.
    pub fn new() -> Counting {
        Counting { index: Index::committed(), last: None }
    }
}

impl Default for Counting {
    fn default() -> Counting {
        Counting::new()
    }
}

impl EdgeSink for Counting {
    const LISTENS: bool = true;

    fn edge(&mut self, edge: Edge) {
        let Some(place) = self.index.place(edge) else { return };
        COUNTERS[place].store(1, Ordering::Relaxed);
        if let Some(last) = self.last.replace(place).filter(|_| cfg!(feature = "pairs")) {
            let pair = (last * MOST + place) as u32;
            // Fibonacci hashing: the upper bits of the product are spread best.
            let hash = (pair.wrapping_mul(0x9E37_79B1) >> 16) as usize;
            COUNTERS[MOST + hash].store(1, Ordering::Relaxed);
        }
    }
}
