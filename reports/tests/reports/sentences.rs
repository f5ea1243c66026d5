//! The sentences of the documents: every rendering prints one list, and none is lost on the way.

use judge::Rule;
use reports::{SentenceStanding, Sentences, Style};

#[test]
fn every_sentence_stands_somewhere_and_the_counts_add_up() {
    let all = Sentences::of(Rule::ALL.iter().copied());
    let counts = all.counts;
    assert_eq!(counts.sentences, contract::Sentence::COUNT as u64);
    assert_eq!(counts.judged + counts.kept + counts.not_followed, counts.sentences);
    assert_eq!((counts.unexercised, counts.choices), (0, all.choices.len() as u64));
    assert!([counts.judged, counts.kept, counts.not_followed, counts.choices].iter().all(|count| *count > 0));
    for row in &all.sentences {
        let judged = !row.rules.is_empty();
        assert_eq!(judged, row.standing == SentenceStanding::Judged, "{}", row.id);
        assert_eq!(row.followed_by.is_empty(), row.not_followed.is_some(), "{}", row.id);
    }
}

#[test]
fn a_rule_that_nothing_exercises_shows_in_its_sentences_and_nowhere_else() {
    let without =
        |left_out: Rule| Sentences::of(Rule::ALL.iter().copied().filter(move |rule| *rule != left_out));
    let unexercised: Vec<String> = without(Rule::R9)
        .sentences
        .into_iter()
        .filter(|row| row.standing == SentenceStanding::Unexercised)
        .map(|row| row.id)
        .collect();
    assert_eq!(unexercised, ["deliver.four", "deliver.blocked"]);
    assert_eq!(Sentences::of([]).counts.unexercised, Sentences::of([]).counts.judged);
}

#[test]
fn each_rendering_has_every_list() {
    let all = Sentences::of(Rule::ALL.iter().copied().filter(|rule| *rule != Rule::R9));
    let (terminal, markdown, html) = (all.terminal(Style::PLAIN), all.markdown(), all.html());
    let json: serde_json::Value = serde_json::from_str(&all.json()).expect("it is JSON");
    assert_eq!(json["sentences"].as_array().map(Vec::len), Some(all.sentences.len()));
    assert_eq!(json["counts"]["judged"], all.counts.judged);
    for row in &all.sentences {
        // On a terminal what is judged and can fail is counted only: there is nothing to look at.
        let listed = row.standing != SentenceStanding::Judged;
        assert_eq!(terminal.contains(&format!("\n  {}: ", row.id)), listed, "{}", row.id);
        assert_eq!(markdown.matches(&format!("\n| {} | ", row.id)).count(), 1, "{}", row.id);
        assert_eq!(html.matches(&format!("<th scope=\"row\">{}</th>", row.id)).count(), 1, "{}", row.id);
        let values = json["sentences"].as_array().expect("it is a list");
        assert!(values.iter().any(|value| value["id"] == row.id && value["says"] == row.says), "{}", row.id);
    }
    for line in terminal.lines() {
        assert!(line.chars().count() <= Style::PLAIN.width, "{line}");
    }
}
