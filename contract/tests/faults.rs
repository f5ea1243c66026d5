//! The list of seeded faults is complete, and a build without the feature has none of them.

use std::collections::BTreeSet;

use contract::defect::{Fault, Place, Reach, Seeded};
use contract::{Rule, RuleSet};

/// Without a fault, no test shows that a rule or a clause can fail.
#[test]
fn every_rule_with_a_monitor_and_every_clause_of_the_barrier_has_a_fault() {
    let rules: BTreeSet<Rule> = Fault::ALL.iter().map(|fault| fault.rule()).collect();
    assert_eq!(rules, RuleSet::HERE.iter().collect());
    let clauses: BTreeSet<u8> = Fault::ALL.iter().filter_map(|fault| fault.clause()).collect();
    assert_eq!(clauses, (1..=7).collect());
    assert!(Fault::ALL.len() >= 36, "{} faults", Fault::ALL.len());
    for place in [Place::Core, Place::Service, Place::Transfer] {
        assert!(Fault::ALL.iter().any(|fault| fault.place() == place), "{place:?}");
    }
}

#[test]
fn a_fault_has_a_name_of_its_own_that_is_read_back_and_a_sentence() {
    let names: BTreeSet<&str> = Fault::ALL.iter().map(|fault| fault.name()).collect();
    assert_eq!(names.len(), Fault::ALL.len());
    for fault in Fault::ALL {
        assert_eq!(fault.name().parse(), Ok(*fault));
        assert!(fault.name().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{fault}");
        assert!(fault.what().ends_with('.') && !fault.what().contains('|'), "{fault}: {}", fault.what());
        // A driver that steps the core by hand chooses schedules, so only a fault of the service or of a transfer is hard to reach.
        assert!(fault.reach() == Reach::EveryEngine || fault.place() != Place::Core, "{fault}");
    }
    assert!("cancel".parse::<Fault>().is_err());
}

/// Without the feature there is no room for a fault, and a check for one is always false.
#[test]
fn a_build_without_the_feature_cannot_have_a_fault() {
    for fault in Fault::ALL {
        assert_eq!(Seeded::of(Some(*fault)).is(*fault), Seeded::AVAILABLE);
        assert!(!Seeded::NONE.is(*fault));
    }
    assert_eq!(size_of::<Seeded>() == 0, !Seeded::AVAILABLE);
}

/// `docs/faults.md` is written by `bgcheck kill -o docs/faults.md`; after a change of the list it has to be again.
#[test]
fn the_document_lists_the_faults_as_they_are() {
    let document = include_str!("../../docs/faults.md");
    for fault in Fault::ALL {
        let row = format!("| `{fault}` | {} |", fault.rule());
        assert!(document.contains(&row), "docs/faults.md has no row {row}");
        let line = format!("- `{fault}`: {}", fault.what());
        assert!(document.contains(&line), "docs/faults.md does not say: {line}");
    }
    assert_eq!(document.matches("\n- `").count(), Fault::ALL.len());
}
