//! The committed suites are what the model does, the engine's core passes them, and a core that is wrong does not.

use std::collections::{BTreeMap, BTreeSet};

use contract::core::Config;
use contract::dialect::Switch;
use contract::mutation::Mutation;
use contract::{Core as _, Profile};
use engine::core::Core;
use judge::RuleSet;
use model::lockstep::Lockstep;
use model::scope::{ScopeName, slice};
use model::suite::{Cover, Item, Options, Pace, Quotient, Subject, Walk, plan};
use properties::canary::Canary;
use properties::suite::{
    COMMITTED, Case, Committed, JOBS, Order, Suite, first_failure, generate, on_core, slice_of, steps_of,
};

/// What is made again in seconds is made again here. `bgcheck generate --committed --check` does it with all of them.
#[test]
fn the_small_ones_are_what_the_model_has_now() {
    for committed in COMMITTED.iter().filter(|suite| suite.order.scope == ScopeName::Tiny) {
        let now = committed.generate(&|_, _| ()).expect("the engine's core is right");
        assert!(committed.is(&now), "{}: run `bgcheck generate --committed`", committed.name);
    }
}

#[test]
fn the_core_passes_each_and_covers_what_it_promises() {
    for committed in COMMITTED {
        let suite = committed.read().expect("it is committed");
        let ran = on_core(&suite, Core::new, &|_| ()).expect("the manifest names a cover");
        assert_eq!((ran.failures().count(), ran.missing.len()), (0, 0), "{}", committed.name);
        assert_eq!(ran.passed(), suite.manifest.files.len(), "{}", committed.name);
        assert!(ran.passed() > 0 && ran.items > 0, "{}", committed.name);
    }
}

/// The manifest must promise the whole quotient. Slices that are explored in seconds stand for the others.
#[test]
fn a_suite_of_scope_default_promises_every_edge_of_the_quotient() {
    for name in ["bits-default", "do-default"] {
        let committed = Committed::named(name).expect("it is committed");
        let promised: BTreeSet<String> = read(name).manifest.names.into_iter().collect();
        let profile = committed.order.dialect.profile();
        for slice_name in ["default/jobs", "default/objects"] {
            let slice = slice(slice_name, profile).expect("it is a slice of the scope");
            let edges = edges(&Subject { profile, slice: &slice, make: Core::new });
            assert!(edges.len() > 100, "{name}: {} edges in {slice_name}", edges.len());
            assert_eq!(edges.difference(&promised).next(), None, "{name}: {slice_name}");
        }
    }
}

/// Every edge of the quotient of a slice, by name.
fn edges(subject: &Subject<'_, Core>) -> BTreeSet<String> {
    let (mut quotient, mut covered) = (Quotient::new(), BTreeSet::new());
    let options = Options {
        cover: Cover::Transition,
        pace: Pace::AnyTime,
        longest: 200,
        allows: &|_| true,
        progress: &|_| (),
    };
    plan(subject, &options, &mut quotient, &mut covered).expect("the engine's core is right");
    covered.iter().map(|item| item.name(&quotient)).collect()
}

/// A later slice may reach it again: that is so for five of the 6,563 paths of `bits-default`.
#[test]
fn each_path_has_an_edge_that_no_other_one_of_its_slice_has() {
    for committed in COMMITTED.iter().filter(|suite| suite.order.cover == Cover::Transition) {
        let suite = committed.read().expect("it is committed");
        let mut quotient = Quotient::new();
        for of_slice in suite.cases.chunk_by(|one, next| one.trace.header.scope == next.trace.header.scope) {
            let paths: Vec<BTreeSet<Item>> =
                of_slice.iter().map(|case| edges_of(case, &mut quotient)).collect();
            let mut counts: BTreeMap<Item, u32> = BTreeMap::new();
            paths.iter().flatten().for_each(|edge| *counts.entry(*edge).or_default() += 1);
            let superfluous = paths.iter().filter(|path| path.iter().all(|edge| counts[edge] > 1)).count();
            assert_eq!(superfluous, 0, "{}: {}", committed.name, of_slice[0].trace.header.scope);
        }
    }
}

fn edges_of(case: &Case, quotient: &mut Quotient) -> BTreeSet<Item> {
    let slice = slice_of(&case.trace.header).expect("it is a slice of a scope");
    let config = slice.config(&case.trace.header.profile());
    let owners = slice.users.owners();
    let lockstep = Lockstep::<_, JOBS>::around(Core::new(&config), &config, owners, RuleSet::EMPTY);
    let mut walk = Walk::new(&config.profile, lockstep, quotient);
    let path = steps_of(&case.trace).expect("it is a path");
    path.iter().filter_map(|step| walk.step(step, &mut |_| ()).item(Cover::Transition, step)).collect()
}

#[test]
fn a_path_that_is_removed_leaves_edges_uncovered() {
    let mut suite = read("do-default");
    suite.cases.remove(suite.cases.len() / 2);
    let ran = on_core(&suite, Core::new, &|_| ()).expect("the manifest names a cover");
    assert_eq!(ran.failures().count(), 0);
    assert!(!ran.missing.is_empty() && ran.missing.iter().all(|name| suite.manifest.names.contains(name)));
}

/// BG_NOTIFY_DISABLE is in no mask of the scope `tiny`.
#[test]
fn a_core_that_ignores_disable_fails_only_the_suites_of_scope_default() {
    let ignores = |config: &Config| {
        let profile = Profile { disable_masks: Switch::Off, ..config.profile };
        Core::new(&Config { profile, ..*config })
    };
    for committed in COMMITTED.iter().filter(|suite| suite.order.pace == Pace::AnyTime) {
        let suite = committed.read().expect("it is committed");
        let first = first_failure(&suite, ignores, Mutation::NONE, &|| true);
        let failed = first.expect("the manifest names a cover").failed.is_some();
        assert_eq!(failed, committed.order.scope == ScopeName::Default, "{}", committed.name);
    }
}

fn read(name: &str) -> Suite {
    Committed::named(name).expect("it is committed").read().expect("it is a suite")
}

#[test]
fn a_core_that_is_wrong_fails_a_committed_one() {
    let suite = read("bits-tiny");
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
