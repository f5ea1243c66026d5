//! libFuzzer's extra counters: what an input reaches of the model, beside the code it runs.
//!
//! **What it is.** A byte for each place that an input can reach, in the section that libFuzzer reads after every run and clears before
//! the next. For `lockstep` a place is an edge of the committed index ([`Index`]), for `schedule` a window
//! ([`Window`]): a call that took effect while another thread stood at a step. An input that reaches a place no input has reached
//! before is kept, whatever code it covers.
//!
//! **What it is not.** A count. A byte is 1 or 0: how often a place is passed would only make inputs longer.
//!
//! **The second order.** With the feature `pairs` each pair of successive places of an input has a counter, too, by a hash into 64 Ki of
//! them: `cargo fuzz run -s none --features pairs lockstep`. libFuzzer reads all counters after every run, so these cost speed, and
//! pairs are many: it is for long runs. With `UNGUIDED` in the environment no counter is set: that is what they are measured against.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU8, Ordering};

use properties::edges::{Edge, EdgeSink, Index, MOST};
use properties::race::Window;

/// Counters of pairs of places.
const PAIRS: usize = if cfg!(feature = "pairs") { 1 << 16 } else { 0 };

const _: () = assert!(Window::ALL <= MOST);

// Only libFuzzer reads it. Without `used` it would be left out of the program.
#[used]
#[unsafe(link_section = "__libfuzzer_extra_counters")]
static COUNTERS: [AtomicU8; MOST + PAIRS] = [const { AtomicU8::new(0) }; MOST + PAIRS];

/// Whether no counter is set, to measure what they are worth.
static UNGUIDED: LazyLock<bool> = LazyLock::new(|| std::env::var_os("UNGUIDED").is_some());

/// Sets the counters of what one input reaches.
pub struct Counting {
    last: Option<usize>,
}

impl Counting {
    /// For an input that begins.
    pub fn new() -> Counting {
        Counting { last: None }
    }

    /// A window was hit.
    pub fn window(&mut self, window: Window) {
        self.reached(window.place());
    }

    fn reached(&mut self, place: usize) {
        if *UNGUIDED {
            return;
        }
        COUNTERS[place].store(1, Ordering::Relaxed);
        if let Some(last) = self.last.replace(place).filter(|_| cfg!(feature = "pairs")) {
            let pair = (last * MOST + place) as u32;
            // Fibonacci hashing: the upper bits of the product are spread best.
            let hash = (pair.wrapping_mul(0x9E37_79B1) >> 16) as usize;
            COUNTERS[MOST + hash].store(1, Ordering::Relaxed);
        }
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
        if let Some(place) = Index::committed().place(edge) {
            self.reached(place);
        }
    }
}
