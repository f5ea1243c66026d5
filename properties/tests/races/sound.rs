//! The real service survives the schedules of a hunt, and what it survives is not nothing.

use std::time::Duration;

use judge::Rule;
use properties::race::{HuntOptions, Kind, Window, hunt};

#[test]
fn the_service_survives_random_schedules_and_priorities_that_change() {
    for kind in [Kind::Random, Kind::Pct { depth: 3 }] {
        let options =
            HuntOptions { kind, runs: Some(10_000), ..HuntOptions::new(Duration::from_secs(600), &|_| ()) };
        let hunted = hunt(&options);
        if let Some(failure) = hunted.failures.first() {
            panic!(
                "{}: {}\n{}\n{}",
                kind,
                failure.violated,
                failure.race,
                failure.race.to_rust(&failure.schedule)
            );
        }
        assert_eq!((hunted.schedules, hunted.cut), (10_000, 0));
        assert!(hunted.waits > 0 && hunted.overwaited.is_none(), "{kind}: L3 in {} waits", hunted.waits);
        for rule in [Rule::R1, Rule::R2, Rule::R3, Rule::R4, Rule::R5, Rule::R6, Rule::R18] {
            let decided = hunted.decisions.iter().any(|(known, decisions)| *known == rule && *decisions > 0);
            assert!(decided, "{kind}: nothing to decide for {rule}");
        }
        let empty = hunted.windows.empty();
        assert!(empty.len() <= Window::ALL / 20, "{kind}: these windows were never hit: {empty:?}");
    }
}
