//! Results as data, and their renderings for people and machines.
//!
//! **What it is.** [`Results`] holds what every engine of a run did: how much, on which subject, in which scope, and
//! what that means for each rule. [`Outcome`] is the verdict and the exit code, computed from the results and from
//! nothing else. [`Table`] is the rule x subject table. [`terminal`], [`markdown`], [`html`] and [`json`] render all
//! of it; [`write_all`] puts a report into a directory and [`read`] takes one back. [`Sentences`] holds which sentences of the
//! documents are followed, and by what. An [`Explanation`] is a page about a word that the outputs use. [`junit`], [`sarif`],
//! [`annotations`] and [`summary`] are for CI systems. A [`History`] has a line for each night; a [`Trend`] shows how nights compare, and a
//! [`Comparison`] how two runs do.
//!
//! **What it is not.** An engine or a judge: it fills nothing in, reads no clock and contains no rule. Dates, numbers and
//! the words of the rules are passed in; only where a rule stands in the contract is looked up here (`sarif`).
//!
//! **The law it keeps.** What was *proved* and what was only *sampled* are never one word, every number has a unit
//! and, where there is one, a denominator, and a run that did nothing never looks like one that held.
//!
//! ```
//! use reports::{ExitCode, Finding};
//!
//! // A sampler that never had to decide anything has not sampled the rule.
//! assert_eq!(Finding::sampled(0), Finding::Vacuous);
//! assert_eq!(ExitCode::worst([ExitCode::Skipped, ExitCode::Violated]), ExitCode::Violated);
//! ```

#![forbid(unsafe_code)]

mod account;
mod annotations;
mod chart;
mod compare;
mod explanation;
mod files;
mod grid;
mod history;
mod html;
mod junit;
mod kill;
mod markdown;
mod mutate;
mod outcome;
mod results;
mod sarif;
mod sentences;
mod sheet;
mod source_mutants;
mod spark;
mod summary;
mod table;
mod terminal;
mod trend;
mod words;

pub use crate::account::{Account, LeftOut, Leftover, RaceCount, RuleCount};
pub use crate::annotations::{ANNOTATIONS, annotations};
pub use crate::chart::{Chart, Row as ChartRow};
pub use crate::compare::{
    Changed, Compared, Comparison, Differing, EngineChange, FigureChange, Reach, RuleChange,
};
pub use crate::explanation::{Body, Explanation, Passage};
pub use crate::files::{ReportError, Written, json, read, schema, write_all, write_with};
pub use crate::grid::wrap;
pub use crate::history::{
    Figure, History, Night, NightEngine, NightFinding, Share, Unread, figures, history_schema,
};
pub use crate::html::{COLORS, STYLE, html, html_with};
pub use crate::junit::junit;
pub use crate::kill::{Expected, Kill, KillCell, KillRow, KillVerdict, Kills};
pub use crate::markdown::{MARKDOWN_LINES, markdown};
pub use crate::mutate::{Extent, Fate, Meaning, MutantRow, MutationVerdict, Mutations, Survivor, Survivors};
pub use crate::outcome::{ExitCode, IDLE_NIGHTS, Outcome, REPLAYED_PERCENT, Reason};
pub use crate::results::{
    Agreement, Amount, Approach, Canary, Corpus, EdgeCell, Ended, EngineResult, Failure, Finding, Freedom,
    Known, Machine, ModelEdges, News, Ran, Rate, Results, RuleId, RuleResult, RuleText, Run, SetUpStep,
    Signal, Status, Subject, Unit, Version, WindowRow, Windows, Witness, WitnessSeen,
};
pub use crate::sarif::{Pages, sarif};
pub use crate::sentences::{ChoiceRow, SentenceCounts, SentenceRow, SentenceStanding, Sentences};
pub use crate::source_mutants::{
    JudgedMutant, KnownSurvivors, Measured, MutantFate, Mutated, SampleVerdict, SourceMutants,
};
pub use crate::summary::{SUMMARY_BYTES, summary};
pub use crate::table::{Cell, Part, Row, Standing, Table};
pub use crate::terminal::{Color, EdgesNamed, Style, terminal};
pub use crate::trend::{COMPARED_NIGHTS, Kind, Point, SLOW_PERCENT, Seen, Series, Slow, Trend, TrendNight};
