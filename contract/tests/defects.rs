//! The catalogue of defects is one list, and the documents have all of it.

use std::collections::BTreeSet;

use contract::defect::{Breaks, Canary, Defect, Design, Fault, Flaw, Kind, Place, Reach};

#[test]
fn a_defect_has_a_name_of_its_own_a_place_and_a_sentence() {
    let names: BTreeSet<&str> = Defect::all().map(|defect| defect.name).collect();
    assert_eq!(names.len(), Defect::all().count());
    for defect in Defect::all() {
        let name = defect.name;
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{name}");
        assert!(defect.what.ends_with('.') && !defect.what.contains('|'), "{name}: {}", defect.what);
        assert!(!defect.places.is_empty(), "{name}");
        assert!(defect.clause.is_none_or(|clause| (1..=7).contains(&clause)), "{name}");
    }
}

/// Code asks by an enum for what readers find by its name.
#[test]
fn every_variant_is_in_the_catalogue_but_the_barrier() {
    let faults = Fault::ALL.iter().map(|fault| fault.defect());
    let designs = Design::ALL.iter().map(|design| design.defect());
    let flaws = Flaw::ALL.iter().map(|flaw| flaw.defect());
    let canaries = Canary::ALL.iter().map(|canary| canary.defect());
    let all: Vec<&Defect> = faults.chain(designs).chain(flaws).chain(canaries).collect();
    let sound: Vec<&str> =
        all.iter().filter(|one| one.breaks == Breaks::Nothing).map(|one| one.name).collect();
    assert_eq!(sound, ["barrier"]);
    assert!(all.into_iter().filter(|one| one.breaks != Breaks::Nothing).eq(Defect::all()));
}

/// The rule of a fault is what it is asked for, and its place is one.
#[test]
fn a_fault_breaks_a_rule_in_one_place() {
    for fault in Fault::ALL {
        let defect = fault.defect();
        assert_eq!((defect.kind, defect.breaks), (Kind::Fault, Breaks::Rule(fault.rule())), "{fault}");
        assert_eq!((defect.places, defect.fault), (&[fault.place()][..], None), "{fault}");
    }
}

/// What is a fault, too, weakens the core's own wait, as the fault does.
#[test]
fn a_design_that_is_a_fault_is_one_of_the_core() {
    let twice = Defect::all().filter_map(|defect| Some((defect, defect.fault?)));
    let named: Vec<(&str, &str)> = twice.map(|(defect, fault)| (defect.name, fault.name())).collect();
    let expected = [
        ("gate-and-wait", "called-is-waited-for"),
        ("nothing-new", "mask-nothing-new"),
        ("resume-no-wait", "resume-returns-early"),
        ("expire-anyway", "expiry-ignores-delivery"),
    ];
    assert_eq!(named, expected);
    for (design, fault) in expected {
        let (design, fault): (Design, Fault) = (design.parse().expect("one"), fault.parse().expect("one"));
        let Defect { breaks, clause, .. } = *design.defect();
        assert_eq!((breaks, clause), (Breaks::Rule(fault.rule()), fault.clause()));
        assert_eq!((fault.place(), fault.reach()), (Place::Core, Reach::EveryEngine));
    }
}

#[test]
fn a_design_is_read_where_it_can_be() {
    for place in [Place::Protocol, Place::Service, Place::AroundCore] {
        for design in Design::ALL {
            let read = Design::read(place, design.name());
            assert_eq!(read.is_ok(), design.defect().is_in(place), "{design}: {read:?}");
        }
    }
    assert_eq!("barrier".parse(), Ok(Design::Barrier));
    let said = |place, name| Design::read(place, name).map_err(|unknown| unknown.to_string()).unwrap_err();
    let unknown = said(Place::Service, "barriere");
    assert!(unknown.starts_with("\"barriere\" is not a design of the service: expected `claim-then-call`, "));
    assert!(unknown.ends_with(" or `barrier`") && !unknown.contains("expire-anyway"), "{unknown}");
    let elsewhere = said(Place::AroundCore, "expire-anyway");
    assert!(elsewhere.ends_with("or `resume-no-wait`; `expire-anyway` is one of: protocol"), "{elsewhere}");
}

/// A canary is named in the middle of a sentence.
#[test]
fn a_phrase_is_the_sentence_without_its_capital_and_its_stop() {
    assert_eq!(Canary::NeverCallsBack.defect().phrase(), "a service that never calls back");
}

/// `docs/faults.md` is written by `bgcheck kill -o docs/faults.md`.
#[test]
fn the_document_lists_what_is_no_fault_behind_the_matrix() {
    let document = include_str!("../../docs/faults.md");
    let (_, others) = document.split_once("\n## The other defects\n").expect("it has the part");
    for defect in Defect::all().filter(|defect| defect.kind != Kind::Fault) {
        let Defect { name, kind, breaks, what, .. } = defect;
        let row = others.lines().find(|line| line.starts_with(&format!("| `{name}` | {kind} | {breaks} |")));
        assert!(row.is_some_and(|row| row.ends_with(&format!("| {what} |"))), "{name}: {row:?}");
    }
}
