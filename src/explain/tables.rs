//! Words of the other tables: switches, defects, sentences of the documents, and the glossary.

use contract::defect::{self, Breaks, Defect, Fault, Place, Reach};
use contract::dialect::{self, Row};
use contract::sentence::{Sentence, coverages};
use model::protocol::Duty;
use reports::Explanation;

use super::{Kind, Word, mentions, sentence};
use crate::place;

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

/// Faults, designs, flaws and canaries.
pub(super) fn defects() -> Vec<Word> {
    let word = |defect: &'static Defect| {
        let kind = match defect.kind {
            defect::Kind::Fault => Kind::Fault,
            defect::Kind::Design => Kind::Design,
            defect::Kind::Flaw => Kind::Flaw,
            defect::Kind::Canary => Kind::Canary,
        };
        Word::new(kind, defect.name, defect.what, move |page| Ok(about(defect, page)))
    };
    Defect::all().map(word).collect()
}

fn about(defect: &Defect, page: Explanation) -> Explanation {
    let page = page.text("Breaks", broken(defect.breaks));
    let page = match defect.clause {
        Some(clause) => page.text("Disobeys", format!("clause {clause} of the barrier")),
        None => page,
    };
    let page = page.text("Sits in", defect.sits_in());
    let page = match defect.reach {
        Reach::EveryEngine => page,
        Reach::OnlySchedules(why) => page.text("Met only under chosen schedules", why),
        Reach::OnlyLive(why) => page.text("Met only by live runs", why),
    };
    let same: Vec<String> = alike(defect).map(|other| other.name.to_owned()).collect();
    let page = if same.is_empty() { page } else { page.words("The same mistake elsewhere", same) };
    page.commands("Who sees it", who_sees(defect))
}

fn broken(breaks: Breaks) -> String {
    match breaks {
        Breaks::Rule(rule) => format!("{rule} {}", rule.name()),
        Breaks::Duty(_) => {
            let duty = Duty::ALL.iter().find(|duty| duty.to_string() == breaks.to_string());
            duty.map_or_else(|| breaks.to_string(), |duty| format!("{duty} {}", duty.name()))
        }
        Breaks::Process => "no rule: it does not come back, or its process ends".to_owned(),
        Breaks::Nothing => "nothing".to_owned(),
    }
}

/// Other entries of the catalogue that are this mistake in another place.
fn alike(defect: &Defect) -> impl Iterator<Item = &'static Defect> {
    let is_fault =
        |fault: Option<Fault>, other: &Defect| fault.is_some_and(|fault| fault.name() == other.name);
    Defect::all().filter(move |other| is_fault(defect.fault, other) || is_fault(other.fault, defect))
}

/// What to type to see it found.
fn who_sees(defect: &Defect) -> Vec<String> {
    let name = defect.name;
    match defect.kind {
        defect::Kind::Fault => vec![format!("bgcheck kill --only {name}")],
        defect::Kind::Design => defect.places.iter().filter_map(|place| with_design(*place, name)).collect(),
        defect::Kind::Flaw => vec![format!("bgcheck explain {}", defect.breaks)],
        defect::Kind::Canary => defect.places.iter().filter_map(|place| with_canary(*place)).collect(),
    }
}

fn with_design(place: Place, name: &str) -> Option<String> {
    match place {
        Place::Protocol => Some(format!("bgcheck check --model protocol --scope tiny --design {name}")),
        Place::Service => Some(format!("bgcheck race --design {name}")),
        Place::AroundCore => Some(format!("bgcheck simulate --design {name}")),
        _ => None,
    }
}

fn with_canary(place: Place) -> Option<String> {
    match place {
        Place::AroundCore => Some("bgcheck properties --canary".to_owned()),
        Place::Clients => Some("bgcheck live --canary".to_owned()),
        Place::Conversation => Some("bgcheck adapter check adapter.toml".to_owned()),
        _ => None,
    }
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
pub(super) fn terms(place: &place::Place) -> Vec<Word> {
    let text = std::fs::read_to_string(place.join("docs/glossary.md")).unwrap_or_default();
    let term = |line: &str| {
        let (term, meaning) = line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | ")?;
        Some(Word::new(Kind::Term, term.trim_matches('`'), meaning, Ok))
    };
    // The first row is the head.
    text.lines().filter_map(term).skip(1).collect()
}
