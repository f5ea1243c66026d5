//! Generated suites: they reach what they promise, the engine's core passes them, and whatever is wrong fails them.

use contract::{Core as _, Dialect, HResult};
use engine::core::Core;
use judge::Rule;
use judge::trace::Kind;
use model::scope::ScopeName;
use model::suite::{Cover, Pace};
use properties::canary::Canary;
use properties::suite::{Order, Outcome, Suite, generate, on_core};

fn suite(cover: Cover, dialect: Dialect, pace: Pace) -> Suite {
    let order = Order { cover, dialect, scope: ScopeName::Tiny, pace, longest: 200 };
    generate(&order, Core::new, &|_, _| ()).expect("the engine's core is right")
}

/// A suite may grow. The sizes show a change that was not intended.
#[test]
fn the_suites_of_the_smallest_scope_have_these_sizes_and_reach_everything() {
    let (bits, delivery_optimization) = (Dialect::Bits, Dialect::Do);
    let sizes = [
        (Cover::State, bits, Pace::AnyTime, "76 files, 710 steps, 224 states"),
        (Cover::Transition, bits, Pace::AnyTime, "281 files, 4650 steps, 1938 edges"),
        (Cover::Transition, bits, Pace::AtRest, "100 files, 1711 steps, 979 edges"),
        (Cover::Sneak, delivery_optimization, Pace::AnyTime, "70 files, 10636 steps, 8100 refused calls"),
        (Cover::Pair, bits, Pace::AtRest, "1882 files, 26035 steps, 11576 pairs of edges"),
    ];
    for (cover, dialect, pace, size) in sizes {
        let suite = suite(cover, dialect, pace);
        let ran = on_core(&suite, Core::new, &|_| ()).expect("the manifest names a cover");
        assert_eq!(ran.failures().next(), None, "{cover} {dialect}");
        assert_eq!(ran.missing, Vec::<String>::new(), "{cover} {dialect}");
        let found = format!("{} files, {} steps, {} {}", ran.passed(), ran.steps, ran.items, cover.units());
        assert_eq!(found, size, "{cover} {dialect}");
    }
}

#[test]
fn a_core_that_is_wrong_breaks_its_rules_in_a_suite() {
    let suite = suite(Cover::Transition, Dialect::Bits, Pace::AnyTime);
    let ran = on_core(&suite, Canary::<Core>::new, &|_| ()).expect("the manifest names a cover");
    for rule in [Rule::R1, Rule::R2] {
        assert!(ran.failures().any(|(_, failed)| failed.rule() == Some(rule)), "{rule} is not broken");
    }
}

#[test]
fn what_only_a_removed_file_reaches_is_named() {
    let mut suite = suite(Cover::State, Dialect::Bits, Pace::AtRest);
    let dir = tempfile::tempdir().expect("a test may fail here");
    suite.write(dir.path()).expect("a test may fail here");
    assert_eq!(Suite::read(dir.path()).expect("it was just written"), suite);
    let removed = suite.cases.remove(0);
    std::fs::remove_file(dir.path().join(&removed.name)).expect("a test may fail here");
    let read = Suite::read(dir.path()).expect("a missing file is no error");
    let ran = on_core(&read, Core::new, &|_| ()).expect("the manifest names a cover");
    assert_eq!(ran.absent, [removed.name]);
    assert!(!ran.missing.is_empty() && ran.missing.iter().all(|name| read.manifest.names.contains(name)));
}

#[test]
fn another_answer_than_the_suites_fails_its_file() {
    let mut suite = suite(Cover::State, Dialect::Bits, Pace::AtRest);
    let lines = &mut suite.cases[0].trace.lines;
    let answer = lines.iter_mut().rev().find_map(|line| match &mut line.what {
        Kind::Return(answer) => Some(answer),
        _ => None,
    });
    answer.expect("every path makes calls").hr = HResult::E_ABORT;
    let ran = on_core(&suite, Core::new, &|_| ()).expect("the manifest names a cover");
    let (name, failed) = ran.failures().next().expect("it is another answer");
    assert_eq!((name, ran.failures().count()), (suite.cases[0].name.as_str(), 1));
    assert!(failed.what().contains("E_ABORT"), "{}", failed.what());
    assert!(matches!(ran.files[1].1, Outcome::Passed));
}
