//! How the sentences of the documents stand: judged by a rule, kept without one, or not followed; and what is our own choice.
//!
//! They belong to the version of the workbench and not to a run, so a run carries the counts only ([`SentenceCounts`]).

use contract::sentence::{Choice, Coverage, choices, coverages};
use judge::Rule;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::files::pretty;
use crate::words::plural;

/// Every sentence of the documents with what follows it, and every choice that follows none.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Sentences {
    /// How many of each.
    pub counts: SentenceCounts,
    /// The sentences, in the order of `contract/sentences.toml`.
    pub sentences: Vec<SentenceRow>,
    /// The choices.
    pub choices: Vec<ChoiceRow>,
}

/// How many sentences stand how.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SentenceCounts {
    /// All of them.
    pub sentences: u64,
    /// Those that a rule judges by.
    pub judged: u64,
    /// Those of them whose rules no fault or mutant breaks.
    pub unexercised: u64,
    /// Those that are kept, without a rule that judges by them.
    pub kept: u64,
    /// Those that are not followed.
    pub not_followed: u64,
    /// Rules, cells and transitions that follow no sentence: our choices.
    pub choices: u64,
}

/// A sentence of the documents.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct SentenceRow {
    /// Its id.
    pub id: String,
    /// What it demands, in our words.
    pub says: String,
    /// Where it comes from.
    pub source: String,
    /// How it stands.
    pub standing: SentenceStanding,
    /// The rules that judge by it.
    pub rules: Vec<String>,
    /// Everything that follows it: rules, switches, transitions, answers, and files of code and tests.
    pub followed_by: Vec<String>,
    /// Why it is not followed; none when it is.
    pub not_followed: Option<String>,
}

/// How a sentence stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SentenceStanding {
    /// A rule judges by it, and a fault or a mutant shows that the rule can fail.
    Judged,
    /// A rule judges by it, and nothing shows that the rule can fail.
    Unexercised,
    /// Tables, the specification or tests keep it, and no rule judges by it.
    Kept,
    /// It is not followed.
    NotFollowed,
}

/// Something that follows no sentence.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ChoiceRow {
    /// The rule, the switch or the transition.
    pub what: String,
    /// Its text.
    pub says: String,
    /// Why, or where the choice was made.
    pub why: String,
}

impl Sentences {
    /// The sentences of this version. `exercised` has the rules that a seeded fault or a mutant breaks.
    #[must_use]
    pub fn of(exercised: impl IntoIterator<Item = Rule>) -> Sentences {
        let all = coverages();
        let unexercised: Vec<&Coverage> = all.unexercised(exercised).collect();
        let sentences: Vec<SentenceRow> = all
            .all()
            .iter()
            .map(|coverage| SentenceRow::of(coverage, unexercised.contains(&coverage)))
            .collect();
        let choices: Vec<ChoiceRow> = choices().into_iter().map(ChoiceRow::of).collect();
        Sentences { counts: SentenceCounts::of(&sentences, &choices), sentences, choices }
    }

    /// As JSON.
    #[must_use]
    pub fn json(&self) -> String {
        #[derive(Serialize)]
        struct Versioned<'a> {
            version: u32,
            #[serde(flatten)]
            sentences: &'a Sentences,
        }
        pretty(&Versioned { version: 1, sentences: self })
    }

    /// What each rendering shows: the lists that ask for a look. That of the sentences that are judged comes last.
    pub(crate) fn sections(&self) -> [Section; 5] {
        let [kept, not_followed, unexercised, judged] = [
            SentenceStanding::Kept,
            SentenceStanding::NotFollowed,
            SentenceStanding::Unexercised,
            SentenceStanding::Judged,
        ]
        .map(|standing| self.lines(standing));
        [
            Section {
                title: "Sentences without a rule, kept by tables, the specification or tests",
                head: ["sentence", "says", "kept by"],
                lines: kept,
            },
            Section {
                title: "Sentences without a rule, not followed",
                head: ["sentence", "says", "why not"],
                lines: not_followed,
            },
            Section {
                title: "Without a sentence: our choices",
                head: ["rule, switch or transition", "says", "why"],
                lines: self.choices.iter().map(ChoiceRow::line).collect(),
            },
            Section {
                title: "Sentences whose rule no fault and no mutant exercises",
                head: ["sentence", "says", "followed by"],
                lines: unexercised,
            },
            Section {
                title: "Sentences that a rule judges by",
                head: ["sentence", "says", "followed by"],
                lines: judged,
            },
        ]
    }

    fn lines(&self, standing: SentenceStanding) -> Vec<Line> {
        self.sentences.iter().filter(|row| row.standing == standing).map(SentenceRow::line).collect()
    }
}

/// One list, equal in every rendering.
pub(crate) struct Section {
    pub(crate) title: &'static str,
    pub(crate) head: [&'static str; 3],
    pub(crate) lines: Vec<Line>,
}

/// One line of a list.
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) says: String,
    /// Shown where there is room for it; empty for a choice.
    pub(crate) source: String,
    pub(crate) note: String,
}

impl SentenceCounts {
    fn of(sentences: &[SentenceRow], choices: &[ChoiceRow]) -> SentenceCounts {
        let count = |standing| sentences.iter().filter(|row| row.standing == standing).count() as u64;
        let unexercised = count(SentenceStanding::Unexercised);
        SentenceCounts {
            sentences: sentences.len() as u64,
            judged: count(SentenceStanding::Judged) + unexercised,
            unexercised,
            kept: count(SentenceStanding::Kept),
            not_followed: count(SentenceStanding::NotFollowed),
            choices: choices.len() as u64,
        }
    }

    /// In one phrase.
    pub(crate) fn phrase(&self) -> String {
        let SentenceCounts { sentences, judged, unexercised, kept, not_followed, choices } = *self;
        format!(
            "{}: {judged} judged by a rule ({unexercised} of them by one that no fault exercises), {kept} kept without one, \
             {not_followed} not followed; besides, {}",
            plural(sentences, "sentence", "sentences"),
            plural(choices, "choice of ours", "choices of ours"),
        )
    }
}

impl SentenceRow {
    fn of(coverage: &Coverage, is_unexercised: bool) -> SentenceRow {
        let (text, rules) = (coverage.sentence.text(), coverage.rules());
        SentenceRow {
            id: text.id.clone(),
            says: text.says.clone(),
            source: text.source(),
            standing: match (coverage.citations.is_empty(), rules.is_empty()) {
                (true, _) => SentenceStanding::NotFollowed,
                (false, true) => SentenceStanding::Kept,
                (false, false) if is_unexercised => SentenceStanding::Unexercised,
                (false, false) => SentenceStanding::Judged,
            },
            rules: rules.iter().map(|rule| rule.to_string()).collect(),
            followed_by: coverage.citations.iter().map(ToString::to_string).collect(),
            not_followed: text.not_followed.clone(),
        }
    }

    fn line(&self) -> Line {
        let note = self.not_followed.clone().unwrap_or_else(|| self.followed_by.join(", "));
        Line { name: self.id.clone(), says: self.says.clone(), source: self.source.clone(), note }
    }
}

impl ChoiceRow {
    fn of(choice: Choice) -> ChoiceRow {
        ChoiceRow { what: choice.what.to_string(), says: choice.says, why: choice.why.to_owned() }
    }

    fn line(&self) -> Line {
        Line {
            name: self.what.clone(),
            says: self.says.clone(),
            source: String::new(),
            note: self.why.clone(),
        }
    }
}
