//! Which call had to wait for which callback.

use judge::cases::Example;
use judge::{Rule, owed};

fn of(rule: Rule) -> Option<String> {
    let example = Example::of(rule).expect("the rule has an example");
    owed(&example.trace, &example.violation)
}

#[test]
fn a_call_that_was_back_too_early_had_to_wait() {
    for (rule, call) in [(Rule::R1, "Cancel"), (Rule::R2, "SetNotifyFlags"), (Rule::R4, "Complete")] {
        let owed = of(rule).expect("a callback starts");
        assert!(owed.starts_with(&format!("{call} has to wait until the callback for ")), "{rule}: {owed}");
    }
}

#[test]
fn what_is_about_no_callback_owes_no_wait() {
    for rule in [Rule::R10, Rule::R12, Rule::R13] {
        assert_eq!(of(rule), None, "{rule}");
    }
}
