//! What a file holds, as a page: the run, what the rules decide in it, and what it was written down for.
//!
//! [`played`] makes the run that is shown, [`excerpt`] the part of it that is drawn.

mod excerpt;
mod played;

use std::path::Path;

use judge::trace::HeaderFinding;
use judge::{Header, Reader, RuleSet, Trace, Verdict, Verdicts};
use properties::fuzzing;
use reports::ExitCode;
use serde_json::{Value, json};

pub(crate) use self::excerpt::Window;
use self::excerpt::{Excerpts, Shown};
use self::played::Played;
pub(crate) use self::played::trace_of;
use crate::cli::CoreChoice;
use crate::error::Error;
use crate::input::{Given, Source};
use crate::output::{Output, Paint, counted, printable};

/// The page about a file.
pub(crate) struct Page {
    name: String,
    for_what: String,
    body: Body,
}

#[expect(clippy::large_enum_variant, reason = "there is one")]
enum Body {
    Run {
        played: Played,
        verdicts: Verdicts,
        shown: Shown,
    },
    /// A text for the parser: it is refused with a line, or prints and parses to itself.
    Law(Result<String, String>),
}

/// The page about what was read as a whole. `path` is the file, for errors.
pub(crate) fn judged(
    (name, for_what): (String, String),
    path: &Path,
    given: Given,
    subject: Option<CoreChoice>,
    window: Window,
) -> Result<Page, Error> {
    let body = match given {
        Given::Text(bytes) => Body::Law(fuzzing::trace_law(&bytes)),
        given => {
            let played = played::played(path, given, subject)?;
            let verdicts = Verdicts::of_rules(&played.trace, RuleSet::HERE);
            let shown = Shown::whole(&played, &verdicts, window);
            Body::Run { played, verdicts, shown }
        }
    };
    Ok(Page { name, for_what, body })
}

/// The page about a trace of which only a part is held in memory: it is judged while it is read, and read again for what is shown.
pub(crate) fn long(
    (name, for_what): (String, String),
    source: &Source<'_>,
    lines: u64,
    window: Window,
) -> Result<Page, Error> {
    let wrong = |error| source.error(error);
    let verdicts = Verdicts::of_reader(source.lines()?).map_err(wrong)?;
    let reader = Reader::new(source.lines()?).map_err(wrong)?;
    let mut header = reader.header().clone();
    let finding = header.finding.take();
    let mut excerpts = Excerpts::of(&verdicts, window);
    for line in reader {
        excerpts.take(line.map_err(wrong)?);
    }
    let shown = excerpts.shown(&header, lines);
    let trace = Trace { header, lines: Vec::new() };
    let played = Played { trace, program: None, broken: None, difference: None, finding, made: None };
    Ok(Page { name, for_what, body: Body::Run { played, verdicts, shown } })
}

/// What a replay ends with: what it was written down for, and else what the rules see in it.
fn code(played: &Played, verdicts: &Verdicts) -> ExitCode {
    if let Some(found) = &played.finding {
        return code_of(found);
    }
    let judged = verdicts.rules.values().any(|verdict| matches!(verdict, Verdict::Held { .. }));
    if played.broken.is_some() || verdicts.first().is_some() {
        ExitCode::Violated
    } else if judged && played.made.is_none_or(|(made, of)| made == of) {
        ExitCode::Held
    } else {
        // No rule had anything to decide, or the run did not come to its last call. That none is broken shows nothing then.
        ExitCode::Vacuous
    }
}

/// The exit code of a finding. Whatever a header has, nothing that was found is held.
pub(crate) fn code_of(found: &HeaderFinding) -> ExitCode {
    match ExitCode::of(found.exit_code) {
        Some(ExitCode::Flaky) => ExitCode::Flaky,
        _ => ExitCode::Violated,
    }
}

impl Page {
    /// The file's name, as printed.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The events that are drawn.
    pub(crate) fn drawn(&self) -> &str {
        match &self.body {
            Body::Run { shown, .. } => &shown.drawn,
            Body::Law(_) => "",
        }
    }

    /// What a replay ends with.
    pub(crate) fn code(&self) -> ExitCode {
        match &self.body {
            Body::Run { played, verdicts, .. } => code(played, verdicts),
            Body::Law(Ok(_)) => ExitCode::Held,
            Body::Law(Err(_)) => ExitCode::Violated,
        }
    }

    /// For a person.
    pub(crate) fn text(&self, output: &Output) -> String {
        let head = format!("{}: {}\n", self.name, self.for_what);
        let body = match &self.body {
            Body::Run { played, verdicts, shown } => of_run(played, verdicts, shown, output),
            Body::Law(Ok(what) | Err(what)) => format!("{}\n", printable(what)),
        };
        format!("{head}{body}\n{}\n", output.verdict(self.code()))
    }

    /// For a machine.
    pub(crate) fn document(&self) -> Value {
        let code = self.code().code();
        let (played, verdicts, shown) = match &self.body {
            Body::Run { played, verdicts, shown } => (played, verdicts, shown),
            Body::Law(Ok(what) | Err(what)) => {
                return json!({ "version": 1, "taken_for": self.for_what, "what": what, "exit_code": code });
            }
        };
        let ids = shown.ids.values().map(ToString::to_string);
        let ids = ids.chain(played.difference.as_ref().map(|difference| difference.id().to_string()));
        json!({
            "version": 1,
            "taken_for": self.for_what,
            "header": played.trace.header,
            "finding": played.finding,
            "verdicts": verdicts,
            "failures": ids.collect::<Vec<_>>(),
            "broken": played.broken,
            "timeline": shown.drawn,
            "exit_code": code,
        })
    }
}

fn of_run(played: &Played, verdicts: &Verdicts, shown: &Shown, output: &Output) -> String {
    let Header { dialect, scope, subject, engine, seed, .. } = &played.trace.header;
    let seed = seed.map_or_else(String::new, |seed| format!(", seed {seed}"));
    let mut text = format!(
        "trace of {}, dialect {dialect}, scope {}, by {}{seed}: {}, {}\n",
        or_unnamed(subject),
        or_unnamed(scope),
        or_unnamed(engine),
        counted(verdicts.events, "event"),
        counted(verdicts.jobs, "job")
    );
    if let Some(program) = &played.program {
        text += &format!("\nthe program\n{program}");
    }
    if let Some((made, of)) = played.made {
        text += &format!(
            "\ntranslated, because the trace has no stimuli: {made} of {} were made\n",
            counted(of as u64, "call")
        );
    }
    text += &format!("\n{}\n", shown.drawn);
    text += &rules(shown, verdicts, output);
    if let Some(broken) = &played.broken {
        text += &format!("\n{}\n", output.paint(Paint::Bad, broken));
    }
    if let Some(found) = &played.finding {
        text += &format!("\n{}\n", output.paint(Paint::Bad, &in_words(found)));
    }
    text
}

/// What the trace was written down for.
fn in_words(found: &HeaderFinding) -> String {
    let what = if found.what.is_empty() { String::new() } else { format!("\n{}", found.what) };
    let seen = match code_of(found) {
        ExitCode::Flaky => ", which was not seen on each replay",
        _ => "",
    };
    let text = format!("written down for {}{seen}{what}", found.id);
    text.lines().map(printable).collect::<Vec<_>>().join("\n")
}

fn rules(shown: &Shown, verdicts: &Verdicts, output: &Output) -> String {
    let mut text = String::new();
    for (rule, verdict) in &verdicts.rules {
        let (paint, said) = match verdict {
            Verdict::Held { decisions } => {
                (Paint::Good, format!("held: {}", counted(*decisions, "decision")))
            }
            Verdict::Violated { first, count } => {
                let id = shown.ids.get(rule).map_or_else(String::new, |id| format!(": {id}"));
                (Paint::Bad, format!("violated at seq {}, {count} in all{id}", first.seq))
            }
            Verdict::Vacuous => (Paint::Dim, "nothing to decide".to_owned()),
            Verdict::Undecided { why } => (Paint::Warn, format!("undecided: {why}")),
        };
        text += &format!("  {rule:<4}{:<14}{}\n", rule.name(), output.paint(paint, &said));
    }
    text
}

fn or_unnamed(text: &str) -> String {
    if text.is_empty() { "(unnamed)".to_owned() } else { printable(text) }
}
