//! The committed suites are what the model says, the engine's core passes them, and a core that is wrong does not.

#![cfg(feature = "suites")]

use contract::Core as _;
use engine::core::Core;
use model::scope::ScopeName;
use model::suite::{Cover, Pace};
use properties::canary::Canary;
use properties::suite::{COMMITTED, Committed, Order, Suite, generate, on_core};

/// The suites of the smallest scope are made again here; the others take too long for a test, and `bgcheck generate --committed --check` does it.
#[test]
fn the_small_ones_are_what_the_model_has_now() {
    for committed in COMMITTED.iter().filter(|suite| suite.order.scope == ScopeName::Tiny) {
        let now = committed.generate(&|_, _| ()).expect("the engine's core is right");
        assert!(committed.is(&now), "{}: run `bgcheck generate --committed`", committed.name);
    }
}

#[test]
fn the_core_passes_the_small_ones_and_covers_what_they_promise() {
    for committed in COMMITTED.iter().filter(|suite| suite.order.scope == ScopeName::Tiny) {
        let suite = committed.read().expect("it is committed");
        let ran = on_core(&suite, Core::new, &|_| ()).expect("the manifest names a cover");
        assert_eq!((ran.failures().count(), ran.missing.len()), (0, 0), "{}", committed.name);
        assert!(ran.passed() > 0 && ran.items > 0, "{}", committed.name);
    }
}

#[test]
fn a_core_that_is_wrong_fails_a_committed_one() {
    let suite = Committed::named("bits-tiny").expect("it is committed").read().expect("it is a suite");
    let ran = on_core(&suite, Canary::<Core>::new, &|_| ()).expect("the manifest names a cover");
    assert!(ran.failures().count() > 0);
}

#[test]
fn what_is_packed_is_the_same_suite_again() {
    for (cover, pace) in
        [(Cover::Pair, Pace::AtRest), (Cover::State, Pace::AnyTime), (Cover::Sneak, Pace::AnyTime)]
    {
        let order = Order { cover, pace, ..COMMITTED[0].order };
        let suite = generate(&order, Core::new, &|_, _| ()).expect("the engine's core is right");
        let packed = suite.pack().expect("it fits into memory");
        assert_eq!(Suite::unpack(&packed).expect("it was packed"), suite, "{cover}");
        assert!(Suite::unpack(&packed[..packed.len() / 2]).is_err(), "{cover}: half of it is none");
    }
    assert!(Suite::unpack(b"{}").is_err());
}
