//! How far a suite is that is being generated: each slice is explored, and then covered.

use std::cell::Cell;
use std::time::Instant;

use model::scope::{slices, variants};
use model::suite::Progress;
use properties::pins;
use properties::suite::Order;

use crate::place::Place;
use crate::progress::{Ahead, Guess, Work};

/// The slices of an order.
pub(super) struct Slices {
    pub(super) ahead: Ahead,
    names: Vec<&'static str>,
    under_way: Cell<UnderWay>,
}

/// The part that is being done: two of each slice.
#[derive(Clone, Copy)]
struct UnderWay {
    part: usize,
    amount: u64,
    began: Instant,
}

/// States that are explored in a millisecond by the search that makes a graph, and how much of that time covering takes.
const STATES_OF_A_MS: f64 = 60.0;
const COVERING: f64 = 0.5;

impl Slices {
    pub(super) fn of(order: &Order) -> Slices {
        let ahead = Ahead::on(1, &Place::here());
        let profile = order.dialect.profile();
        let names: Vec<_> = slices(order.scope, profile).iter().map(|slice| slice.name).collect();
        let usual =
            variants(order.dialect, order.scope).into_iter().find(|variant| variant.turned.is_empty());
        let heading = usual.map(|variant| pins::product(order.scope, &variant)).unwrap_or_default();
        let Order { cover, dialect, scope, pace, longest } = order;
        for name in &names {
            let states = pins::size(&heading, name).map(|size| size.states);
            let ms = states.map(|states| states as f64 / STATES_OF_A_MS);
            let part =
                |what| format!("generate {cover} {dialect} {scope} {} {longest} {name}: {what}", pace.name());
            ahead.expect(part("explore"), Guess { amount: states, ms, worth: 0 });
            ahead.expect(part("cover"), Guess { ms: ms.map(|ms| ms * COVERING), ..Guess::default() });
        }
        let under_way = UnderWay { part: 0, amount: 0, began: Instant::now() };
        Slices { ahead, names, under_way: Cell::new(under_way) }
    }

    /// How much is done, when a slice is so far.
    pub(super) fn work(&self, slice: &str, now: Progress) -> Work {
        let slice = self.names.iter().position(|name| *name == slice).unwrap_or_default();
        let (part, done, of) = match now {
            Progress::Exploring(states) => (2 * slice, states as u64, None),
            Progress::Covering { left, of } => (2 * slice + 1, (of - left) as u64, Some(of as u64)),
        };
        let before = self.under_way.get();
        if part != before.part {
            self.ahead.end_since(before.part, before.amount, before.began);
            // What a slice has that nothing was to be done for is over, too.
            (before.part + 1..part).for_each(|skipped| self.ahead.leave(skipped, 0));
        }
        let began = if part == before.part { before.began } else { Instant::now() };
        self.under_way.set(UnderWay { part, amount: of.unwrap_or(done), began });
        if let Some(of) = of {
            self.ahead.has(part, of);
        }
        self.ahead.reach(part, done);
        self.ahead.in_parts("steps")
    }

    /// All is done.
    pub(super) fn end(self) {
        let UnderWay { part, amount, began } = self.under_way.get();
        self.ahead.end_since(part, amount, began);
    }
}
