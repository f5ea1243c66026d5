//! Every sentence is followed or explained, and every rule stands on a sentence or a reason.

use contract::Sentence;
use contract::defect::Fault;
use contract::sentence::{Citation, Coverage, choices, coverages};
use contract::{Rule, RuleSet};

#[test]
fn every_sentence_is_followed_or_says_why_it_is_not() {
    let all = coverages();
    let wrong = all.all().iter().filter_map(|coverage| {
        let reason = coverage.sentence.text().not_followed.as_deref();
        Some(format!("{}: {}", coverage.sentence, mistake(coverage, reason)?))
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_sentence_that_nobody_follows_is_noticed_and_so_is_an_excuse_too_many() {
    let sentence = Sentence::named("resume.empty");
    let with = |citations: &[Citation]| Coverage { sentence, citations: citations.to_vec() };
    let (nobody, a_rule) = (with(&[]), with(&[Citation::Rule(Rule::R12)]));
    assert!(mistake(&nobody, None).is_some() && mistake(&a_rule, Some("a reason")).is_some());
    assert!(mistake(&nobody, Some("a reason")).is_none() && mistake(&a_rule, None).is_none());
}

/// What is wrong with how a sentence is followed.
fn mistake(coverage: &Coverage, reason_why_not: Option<&str>) -> Option<&'static str> {
    match (coverage.citations.is_empty(), reason_why_not) {
        (true, None) => Some("nothing follows it, and no reason is given"),
        (false, Some(_)) => Some("something follows it in spite of a reason why not"),
        _ => None,
    }
}

#[test]
fn every_rule_stands_on_sentences_or_on_a_reason() {
    for rule in Rule::ALL {
        assert_eq!(rule.follows().is_empty(), rule.choice().is_some(), "{rule}");
    }
    let ours = choices().into_iter().filter_map(|choice| match choice.what {
        Citation::Rule(rule) => Some(rule),
        _ => None,
    });
    assert_eq!(ours.collect::<RuleSet>(), RuleSet::of(&[Rule::R1, Rule::R4]));
    for choice in choices() {
        assert!(!choice.why.is_empty() && !choice.says.is_empty(), "{}", choice.what);
    }
}

#[test]
fn nothing_is_cited_twice_in_one_place() {
    for coverage in coverages().all() {
        let cited = &coverage.citations;
        for (at, citation) in cited.iter().enumerate() {
            assert!(!cited[..at].contains(citation), "{}: {citation} twice", coverage.sentence);
        }
    }
}

/// What a fault exercises is a rule; without faults no rule that judges by a sentence has been shown to be able to fail.
#[test]
fn a_rule_without_a_fault_leaves_its_sentences_unexercised() {
    let all = coverages();
    let ids = |exercised: &[Rule]| -> Vec<Sentence> {
        all.unexercised(exercised.iter().copied()).map(|coverage| coverage.sentence).collect()
    };
    let judged = all.all().iter().filter(|coverage| !coverage.rules().is_empty()).count();
    assert_eq!(ids(&[]).len(), judged);
    assert_eq!(ids(Rule::ALL), []);
    let by_faults: Vec<Rule> = Fault::ALL.iter().map(|fault| fault.rule()).collect();
    let of_restarts = all.all().iter().filter(|coverage| coverage.rules() == RuleSet::of(&[Rule::R17]));
    let of_restarts: Vec<Sentence> = of_restarts.map(|coverage| coverage.sentence).collect();
    assert!(!of_restarts.is_empty());
    assert_eq!(ids(&by_faults), of_restarts, "only R17 has no monitor, and so no fault");
    let without_r9: Vec<Rule> = by_faults.into_iter().filter(|rule| *rule != Rule::R9).collect();
    assert!(ids(&without_r9).contains(&Sentence::named("deliver.four")));
}
