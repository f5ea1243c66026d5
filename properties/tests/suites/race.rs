//! The real service follows every path of a suite, and without the barrier it does not.

use contract::defect::Design;
use contract::{Core as _, Dialect};
use engine::core::Core;
use judge::Rule;
use model::scope::ScopeName;
use model::suite::{Cover, Pace};
use properties::suite::{Committed, Order, generate, on_other, on_race};

#[test]
fn the_service_can_be_led_along_every_path_and_the_designs_that_are_wrong_break_rules_there() {
    let (cover, dialect, pace) = (Cover::Transition, Dialect::Bits, Pace::AnyTime);
    let order = Order { cover, dialect, scope: ScopeName::Tiny, pace, longest: 200 };
    let suite = generate(&order, Core::new, &|_, _| ()).expect("the engine's core is right");
    let on = |design| {
        let ran = on_other(&suite, Core::new, &|_| (), &|case| on_race(case, design));
        ran.expect("the manifest names a cover")
    };
    let barrier = on(Design::Barrier);
    assert_eq!((barrier.failures().next(), barrier.missing.len()), (None, 0));
    assert_eq!(barrier.passed(), suite.cases.len());
    for design in [Design::ClaimThenCall, Design::Recheck, Design::GateNoWait] {
        let wrong = on(design);
        let broken = |rule| wrong.failures().any(|(_, failed)| failed.rule() == Some(rule));
        assert!(broken(Rule::R1) && broken(Rule::R2) && broken(Rule::R3), "{design}");
    }
}

/// Paths of two jobs, and paths that leave a timer that is over, are the only ones that are not followed.
#[test]
fn the_service_follows_the_committed_paths_of_scope_default() {
    for name in ["bits-default", "do-default"] {
        let suite = Committed::named(name).expect("it is committed").read().expect("it is a suite");
        let ran = on_other(&suite, Core::new, &|_| (), &|case| on_race(case, Design::Barrier));
        let ran = ran.expect("the manifest names a cover");
        assert_eq!(ran.failures().next(), None, "{name}");
        let left_out = ran.not_runnable().count();
        assert!(left_out < 40 && ran.passed() + left_out == suite.cases.len(), "{name}: {left_out} left out");
    }
}
