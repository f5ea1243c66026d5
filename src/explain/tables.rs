//! Words of the other tables: switches, seeded faults, sentences of the documents, and the glossary.

use contract::dialect::{self, Row};
use contract::defect::{Fault, Reach};
use contract::sentence::{Sentence, coverages};
use reports::Explanation;

use super::{Kind, Word, mentions, sentence};
use crate::place::Place;

pub(super) fn switches() -> Vec<Word> {
    let word = |row: Row| {
        let (field, what) = (row.field, row.what);
        let page = move |page: Explanation| {
            let page = page.text("In bits", format!("{} ({})", row.bits, row.bits_source));
            let page = page.text("In do", format!("{} ({})", row.delivery_optimization, row.do_source));
            let page = page.list("Documents of BITS", sentence_lines(row.bits_follows));
            Ok(page.list("Documents of Delivery Optimization", sentence_lines(row.do_follows)))
        };
        Word::new(Kind::Switch, field, sentence(what), page)
    };
    dialect::rows().into_iter().map(word).collect()
}

pub(super) fn faults() -> Vec<Word> {
    let word = |fault: &Fault| {
        let fault = *fault;
        let page = move |page: Explanation| {
            let page = page.text("Breaks", format!("{} {}", fault.rule(), fault.rule().name()));
            let page = match fault.clause() {
                Some(clause) => page.text("Disobeys", format!("clause {clause} of the barrier")),
                None => page,
            };
            let page = page.text("Sits in", format!("{:?}", fault.place()).to_lowercase());
            let page = match fault.reach() {
                Reach::EveryEngine => page,
                Reach::OnlySchedules(why) => page.text("Met only under chosen schedules", why),
                Reach::OnlyLive(why) => page.text("Met only by live runs", why),
            };
            Ok(page.commands("Who sees it", [format!("bgcheck kill --only {fault}")]))
        };
        Word::new(Kind::Fault, fault.name(), fault.what(), page)
    };
    Fault::ALL.iter().map(word).collect()
}

pub(super) fn sentences() -> Vec<Word> {
    let word = |sentence: Sentence| {
        let page = move |page: Explanation| {
            let text = sentence.text();
            let page = page.text("From", text.source());
            let page = match &text.not_followed {
                Some(why) => page.text("Not followed", why),
                None => page,
            };
            let all = coverages();
            let coverage = all.all().iter().find(|coverage| coverage.sentence == sentence);
            let cited = coverage.into_iter().flat_map(|coverage| &coverage.citations);
            Ok(page.list("Followed by", cited.map(ToString::to_string)))
        };
        Word::new(Kind::Sentence, sentence.id(), &sentence.text().says, page)
    };
    Sentence::all().map(word).collect()
}

/// Sentences, each with its id.
pub(super) fn sentence_lines(sentences: &[Sentence]) -> Vec<String> {
    sentences.iter().map(|sentence| format!("{}: {}", sentence.id(), sentence.text().says)).collect()
}

/// The sentences that have a word in them.
pub(super) fn sentences_about(word: &str) -> Vec<String> {
    let about: Vec<Sentence> = Sentence::all().filter(|one| mentions(&one.text().says, word)).collect();
    sentence_lines(&about)
}

/// The glossary, where the command runs in a checkout that has one.
pub(super) fn terms(place: &Place) -> Vec<Word> {
    let text = std::fs::read_to_string(place.join("docs/glossary.md")).unwrap_or_default();
    let term = |line: &str| {
        let (term, meaning) = line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | ")?;
        Some(Word::new(Kind::Term, term.trim_matches('`'), meaning, Ok))
    };
    // The first row is the head.
    text.lines().filter_map(term).skip(1).collect()
}
