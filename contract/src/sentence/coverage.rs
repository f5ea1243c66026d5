//! What follows each sentence, and what follows none.

use std::fmt;

use super::{Follows, Sentence};
use crate::answers;
use crate::call::Method;
use crate::dialect::{self, Dialect};
use crate::state::{EDGES, Edge, In};
use crate::{Rule, RuleSet};

/// Something that follows a sentence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Citation {
    /// A rule.
    Rule(Rule),
    /// A cell of the dialect table.
    Cell {
        /// The row.
        row: &'static str,
        /// The column.
        dialect: Dialect,
    },
    /// A row of the transition table, by which R13 judges.
    Edge(&'static Edge),
    /// What a method may answer in a state, by which R12 judges.
    Answer(Method),
    /// Which of these answers it is, by arguments, files and limits: specification and core agree on it, and no rule judges it.
    AnswerBeyondState(Method),
    /// Other code or a test, by its file.
    File(&'static str),
}

impl Citation {
    /// The rule that judges by it; none for what only the specification, the engine or a test keeps.
    #[must_use]
    pub const fn rule(self) -> Option<Rule> {
        match self {
            Citation::Rule(rule) => Some(rule),
            Citation::Edge(_) => Some(Rule::R13),
            Citation::Answer(_) => Some(Rule::R12),
            Citation::AnswerBeyondState(_) | Citation::Cell { .. } | Citation::File(_) => None,
        }
    }
}

impl fmt::Display for Citation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Citation::Rule(rule) => write!(f, "{rule}"),
            Citation::Cell { row, dialect } => write!(f, "switch {row} ({dialect})"),
            Citation::Edge(edge) => write!(f, "{} -> {} by {}", edge.from, edge.to, edge.cause),
            Citation::Answer(method) => write!(f, "answers of {method}"),
            Citation::AnswerBeyondState(method) => write!(f, "answers of {method} beyond R12"),
            Citation::File(file) => f.write_str(file),
        }
    }
}

/// A sentence with everything that follows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Coverage {
    /// The sentence.
    pub sentence: Sentence,
    /// What follows it: rules, cells, rows, answers, files, in this order.
    pub citations: Vec<Citation>,
}

impl Coverage {
    /// The rules that judge by it.
    #[must_use]
    pub fn rules(&self) -> RuleSet {
        self.citations.iter().filter_map(|citation| citation.rule()).collect()
    }
}

/// All sentences with what follows them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Coverages(Vec<Coverage>);

/// What follows each sentence.
#[must_use]
pub fn coverages() -> Coverages {
    let mut cited = vec![Vec::new(); Sentence::COUNT];
    for (follows, citation) in citations() {
        for sentence in follows {
            cited[usize::from(sentence.0)].push(citation);
        }
    }
    for (sentence, file) in cited_in() {
        cited[usize::from(sentence.0)].push(Citation::File(file));
    }
    let of = |(sentence, citations)| Coverage { sentence, citations };
    Coverages(Sentence::all().zip(cited).map(of).collect())
}

impl Coverages {
    /// Every sentence, in the order of the file.
    #[must_use]
    pub fn all(&self) -> &[Coverage] {
        &self.0
    }

    /// The sentences that the project follows, and that no rule judges by.
    pub fn without_a_rule(&self) -> impl Iterator<Item = &Coverage> {
        self.0.iter().filter(|coverage| !coverage.citations.is_empty() && coverage.rules().is_empty())
    }

    /// The sentences that nothing follows.
    pub fn not_followed(&self) -> impl Iterator<Item = &Coverage> {
        self.0.iter().filter(|coverage| coverage.citations.is_empty())
    }

    /// The sentences none of whose rules has been shown to be able to fail. `exercised` has the rules that a seeded fault or a mutant
    /// of the model breaks, from wherever they are listed.
    pub fn unexercised(&self, exercised: impl IntoIterator<Item = Rule>) -> impl Iterator<Item = &Coverage> {
        let exercised: RuleSet = exercised.into_iter().collect();
        let judged = self.0.iter().filter(|coverage| !coverage.rules().is_empty());
        judged.filter(move |coverage| !coverage.rules().intersects(exercised))
    }
}

/// Something that follows no sentence, because the documents have none: a choice of this project.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Choice {
    /// What was chosen: a rule, a cell or a row.
    pub what: Citation,
    /// The text that stands there.
    pub says: String,
    /// Why, or where the choice was made.
    pub why: &'static str,
}

/// Our choices: rules first, then cells of the dialect table and rows of the transition table.
#[must_use]
pub fn choices() -> Vec<Choice> {
    let rules = Rule::ALL.iter().filter_map(|rule| {
        let why = rule.choice()?;
        Some(Choice { what: Citation::Rule(*rule), says: rule.sentence().to_owned(), why })
    });
    let rows = dialect::rows().into_iter().flat_map(|row| {
        let dialect::Row { field, what, bits, bits_source, delivery_optimization, do_source, .. } = row;
        let cell = |dialect, value, why| Choice {
            what: Citation::Cell { row: field, dialect },
            says: format!("{what}: {value}"),
            why,
        };
        let bits = row.bits_follows.is_empty().then(|| cell(Dialect::Bits, bits, bits_source));
        let other = row.do_follows.is_empty().then(|| cell(Dialect::Do, delivery_optimization, do_source));
        bits.into_iter().chain(other)
    });
    let edges = EDGES.iter().filter(|edge| edge.follows.is_empty());
    let edges = edges.map(|edge| Choice {
        what: Citation::Edge(edge),
        says: match edge.dialects {
            In::Both => "a transition".to_owned(),
            In::Only(dialect) => format!("a transition, in {dialect} only"),
        },
        why: edge.source,
    });
    rules.chain(rows).chain(edges).collect()
}

/// Everything that carries sentences as data.
fn citations() -> Vec<(Follows, Citation)> {
    let rules = Rule::ALL.iter().map(|rule| (rule.follows(), Citation::Rule(*rule)));
    let cells = dialect::rows().into_iter().flat_map(|row| {
        let cell = |dialect| Citation::Cell { row: row.field, dialect };
        [(row.bits_follows, cell(Dialect::Bits)), (row.do_follows, cell(Dialect::Do))]
    });
    let edges = EDGES.iter().map(|edge| (edge.follows, Citation::Edge(edge)));
    let answers = Method::ALL.iter().map(|method| (answers::follows(*method), Citation::Answer(*method)));
    let beyond = Method::ALL.iter();
    let beyond =
        beyond.map(|method| (answers::follows_beyond_state(*method), Citation::AnswerBeyondState(*method)));
    rules.chain(cells).chain(edges).chain(answers).chain(beyond).collect()
}

/// The sentences that code and tests outside of this crate's tables cite, with the file.
///
/// Written by a test that reads the sources (`contract/citations.txt`), so that a command has the list without having the sources.
pub fn cited_in() -> impl Iterator<Item = (Sentence, &'static str)> {
    let lines = include_str!("../../citations.txt").lines().filter_map(|line| line.split_once(' '));
    lines.filter_map(|(id, file)| Some((Sentence::find(id)?, file)))
}
