//! A counterexample that is as small as it gets: as a page, for a machine, and as a trace.

use std::path::Path;

use judge::trace::HeaderFinding;
use judge::{Header, Rule, Trace};
use properties::minimize::{Case, End, Failed, Minimal, NotAFailure, Section};
use reports::ExitCode;
use serde_json::{Value, json};

use super::replay::code_of;
use crate::error::Error;
use crate::files::slashes;
use crate::findings::draw_failed;
use crate::finish::Reader;
use crate::output::{Output, Paint, printable, verdict_in_words};
use crate::run::quoted;

/// The small trace, so that its replay ends as this run does.
pub(crate) fn with_finding(minimal: &Minimal, code: ExitCode) -> Trace {
    let Failed { id, skeleton, trace, .. } = &minimal.failed;
    let found = HeaderFinding { id: id.to_string(), exit_code: code.code(), what: skeleton.join(", then ") };
    let header = Header { finding: Some(found), ..trace.header.clone() };
    Trace { header, lines: trace.lines.clone() }
}

pub(crate) fn code(minimal: &Minimal) -> ExitCode {
    match minimal.rate {
        Some(rate) if !rate.is_certain() => ExitCode::Flaky,
        _ => ExitCode::Violated,
    }
}

pub(crate) fn page(
    minimal: &Minimal,
    small: &Path,
    test: Option<&Path>,
    code: ExitCode,
    output: &Output,
) -> String {
    let mut text = format!("{}\n", output.paint(Paint::Bad, &minimal.failed.id.to_string()));
    for fact in minimal.facts() {
        text += &format!("  {fact}\n");
    }
    text += &format!("\n{}\n", draw_failed(&minimal.failed));
    for Section { heading, text: below } in minimal.sections() {
        text += &format!("{}{below}\n", output.paint(Paint::Bold, heading));
    }
    let mut printed: String = text.lines().map(|line| line_of(line, output) + "\n").collect();
    printed += &format!("trace:  {}\n", slashes(small));
    if let Some(path) = test {
        printed += &format!("test:   {}\n", slashes(path));
    }
    printed += &format!("replay: {}\n", replay(minimal, small));
    printed + &format!("{}\n", output.verdict(code))
}

/// What came from a file is printed without anything that a terminal would obey; what this program colours stays coloured.
fn line_of(line: &str, output: &Output) -> String {
    let colored = output.style().color == reports::Color::Always && line.starts_with('\u{1b}');
    if colored { line.to_owned() } else { printable(line) }
}

fn replay(minimal: &Minimal, small: &Path) -> String {
    let subject = match &minimal.case {
        Case::Stepped(core, _) => format!(" --subject {}", core.name()),
        Case::Race(_) => " --subject core".to_owned(),
        Case::Recorded(_) => String::new(),
    };
    format!("bgcheck replay {}{subject}", quoted(&slashes(small)))
}

pub(crate) fn document(
    minimal: &Minimal,
    for_what: &str,
    small: &Path,
    test: Option<&Path>,
    code: ExitCode,
) -> Value {
    let rule = minimal.failed.id.rule();
    let tapes = minimal.tapes.iter().map(|tape| {
        json!({
            "of": tape.parts,
            "before": tape.effort.before,
            "after": tape.effort.after,
            "tries": tape.effort.tests,
            "minimal": tape.effort.end == End::Minimal,
        })
    });
    json!({
        "version": 1,
        "taken_for": for_what,
        "id": minimal.failed.id.to_string(),
        "skeleton": minimal.failed.skeleton,
        "rule": rule,
        "sentence": rule.map(Rule::sentence),
        "source": rule.map(Rule::source),
        "tapes": tapes.collect::<Vec<_>>(),
        "rate": minimal.rate.map(|rate| json!({ "reproduced": rate.reproduced, "replays": rate.replays })),
        "timeline": draw_failed(&minimal.failed),
        "program": minimal.case.program(),
        "passes_when": minimal.nearest.as_ref().map(|nearest| &nearest.what),
        "passing_timeline": minimal.nearest_timeline(),
        "test": minimal.test.as_ref().map(|test| &test.text),
        "test_file": test.map(slashes),
        "trace_file": slashes(small),
        "replay": replay(minimal, small),
        "exit_code": code.code(),
    })
}

/// No rule is broken in the file, so there is nothing to make small. A finding that no rule sees stays one.
pub(crate) fn nothing(
    (file, for_what): (&str, &str),
    (rule, finding): (Option<Rule>, Option<&HeaderFinding>),
    reader: Reader,
    output: &mut Output,
) -> Result<ExitCode, Error> {
    let finding = finding.filter(|_| rule.is_none());
    let (code, what) = match (finding, rule) {
        (Some(found), _) => {
            let what = format!(
                "{file} was written down for {}, which no rule sees in its lines and no engine here can run again, so it stays as it was found",
                printable(&found.id)
            );
            (code_of(found), what)
        }
        (None, Some(rule)) => {
            let what = format!("{file} does not break {rule}, so there is nothing to make small");
            (ExitCode::Vacuous, what)
        }
        (None, None) => {
            (ExitCode::Vacuous, format!("{file}: {NotAFailure}, so there is nothing to make small"))
        }
    };
    match reader {
        Reader::Machine => {
            let id = finding.map(|found| &found.id);
            output.json(&json!({
                "version": 1, "taken_for": for_what, "id": id, "why": what, "exit_code": code.code()
            }))?;
        }
        Reader::Person => {
            let verdict = output.paint(Paint::Warn, &verdict_in_words(code));
            output.text(&format!("{file}: {for_what}\n{what}\n{verdict}"))?;
        }
    }
    Ok(code)
}
