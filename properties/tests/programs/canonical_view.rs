//! Equal views have equal successors: what lets the product model key its states on `Core::canonical` (contract section 5).
//!
//! Breadth first, as the checker goes: whenever a state is reached again by another way, both are given every stimulus, and
//! what they do must be equal. Every slice, because each frees another part of the core.

#![expect(clippy::disallowed_types, reason = "states are looked up by hash and never iterated over")]

use std::collections::{HashMap, VecDeque};

use contract::{Core as _, Dialect};
use engine::core::Core;
use judge::RuleSet;
use model::product::{Product, State};
use model::scope::{ScopeName, Slice, slices};
use stateright::Model;

/// States met per slice. The leftover of a notification chain, which this test once found, showed after 2,700.
const STATES: usize = 3_000;

#[test]
fn states_that_look_alike_go_on_alike() {
    std::thread::scope(|scope| {
        for dialect in Dialect::ALL {
            let compare = move || {
                slices(ScopeName::Default, dialect.profile()).iter().for_each(|slice| match slice.jobs {
                    1 => compare_slice::<1>(dialect, slice),
                    _ => compare_slice::<2>(dialect, slice),
                })
            };
            scope.spawn(compare);
        }
    });
}

fn compare_slice<const J: usize>(dialect: Dialect, slice: &Slice) {
    let product = Product::<Core, J>::around(dialect.profile(), slice, RuleSet::EMPTY, Core::new);
    let mut compared = 0;
    let mut seen = HashMap::new();
    let mut frontier = VecDeque::from([product.first()]);
    while let Some(state) = frontier.pop_front().filter(|_| seen.len() < STATES) {
        for (action, next) in product.next_steps(&state) {
            match seen.get(&next) {
                Some(twin) => {
                    compare(&product, &next, twin, &format!("{dialect}, {}, after {action:?}", slice.name));
                    compared += 1;
                }
                None => {
                    seen.insert(next.clone(), next.clone());
                    frontier.push_back(next);
                }
            }
        }
    }
    assert!(compared > STATES, "{dialect}, {}: only {compared} twins compared", slice.name);
}

fn compare<const J: usize>(
    product: &Product<Core, J>,
    one: &State<Core, J>,
    other: &State<Core, J>,
    at: &str,
) {
    let (ours, theirs) = (product.next_steps(one), product.next_steps(other));
    assert_eq!(ours.len(), theirs.len(), "{at}: different stimuli are enabled");
    for ((action, after), (same, again)) in ours.into_iter().zip(theirs) {
        assert_eq!(action, same, "{at}: different stimuli are enabled");
        assert!(after == again, "{at}: {action:?} tells two equal states apart:\n{one:#?}\n{other:#?}");
    }
}
