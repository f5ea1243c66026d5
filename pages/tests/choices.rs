//! The steps that a page offers, and where it leads: what is offered can be typed, and does what the button states.

use contract::Dialect;
use engine::core::Core;
use properties::minimize::CoreName;
use properties::simulate::{Reply, Session, Sided, Where, read, standing};

fn session(dialects: &[Dialect]) -> Session<Core> {
    Session::new(CoreName::Core, dialects, contract::Core::new)
}

/// Along random walks, in one dialect and both: each choice is read back and obeyed, and what it states comes true.
#[test]
fn each_choice_is_a_statement_that_does_what_it_states() {
    let mut tried = 0;
    for (seed, dialects) in [(1, &Dialect::ALL[..1]), (2, &Dialect::ALL[1..]), (3, &Dialect::ALL[..])] {
        let mut walk = session(dialects);
        for step in 0..12 {
            walk.wander(seed + step, 1);
            for choice in walk.choices() {
                let statements = read(&choice.typed).expect("it is a statement");
                assert_eq!(statements.len(), 1, "{}", choice.typed);
                let mut next = walk.clone();
                let Ok(Reply::Stepped(done)) = next.obey(&statements[0]) else {
                    panic!("{} is offered and not obeyed", choice.typed)
                };
                for (leads, now) in choice.leads.iter().zip(&done.done) {
                    let stated = leads.what.as_ref().map(|leads| &leads.happens);
                    assert_eq!(stated, now.what.as_ref().map(|done| &done.happened), "{}", choice.typed);
                }
                if choice.changes_nothing() {
                    assert_eq!(standing(&next.stands()), standing(&walk.stands()), "{}", choice.typed);
                }
                tried += 1;
            }
        }
    }
    assert!(tried > 1_000, "{tried} choices");
}

#[test]
fn a_choice_that_breaks_a_rule_states_it() {
    use contract::defect::Design;
    use properties::simulate::Weak;
    let design = Design::Recheck;
    let mut walk = Session::<Weak<Core>>::new(CoreName::Core, &[Dialect::Bits], design.maker());
    for statement in
        read("create; add; register p0; resume; transfer done; begin; cancel; disk").expect("it reads")
    {
        let _stepped = walk.obey(&statement).expect("it is possible");
    }
    let choices = walk.choices();
    let breaks = |sides: &[Sided<Result<properties::simulate::Leads, _>>]| {
        sides.iter().any(|one| matches!(&one.what, Ok(leads) if matches!(&leads.to, Where::Broken(what) if what.contains("R1"))))
    };
    // It is broken already in that specification and core part, so the rule is in what happens.
    let enter = choices.iter().find(|choice| choice.typed == "d0: enter").expect("the callback may enter");
    assert!(breaks(&enter.leads) || walk.is_broken(), "{enter:?}");
}

/// It ends early where every job has ended and nothing can happen any more.
#[test]
fn a_walk_by_chance_is_a_function_of_its_seed() {
    let path = |seed: u64| {
        let mut walk = session(&[Dialect::Bits]);
        let taken = walk.wander(seed, 30);
        assert!(taken == 30 || walk.choices().iter().all(|choice| choice.changes_nothing()), "{taken} steps");
        assert_eq!(taken, walk.len());
        walk.typed().collect::<Vec<_>>()
    };
    assert_eq!(path(5), path(5));
    assert_ne!(path(5), path(6));
    assert!((0..10).any(|seed| path(seed).len() > 20));
}
