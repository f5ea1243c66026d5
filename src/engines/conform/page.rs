//! What became of the files of a suite, for people and for machines.

use std::collections::BTreeMap;

use model::suite::Cover;
use properties::minimize::Identity;
use properties::suite::{Conformed, Finding, Outcome, Suite};
use reports::{ExitCode, Failure};
use serde_json::{Value, json};

use super::On;
use crate::output::{counted, printable};

/// A suite that has run.
pub(crate) struct Ran<'a> {
    pub(crate) on: On<'a>,
    pub(crate) suite: &'a Suite,
    /// Of a committed one.
    pub(crate) name: Option<&'a str>,
    pub(crate) conformed: &'a Conformed,
    /// What is to be read first, with its file.
    pub(crate) failure: Option<&'a (String, Failure)>,
}

/// Items that are named one by one. Of the rest only the number is printed.
const NAMED: usize = 20;

/// `1,234 of 1,240 edges covered; missing: ...`.
pub(crate) fn summary_of_cover(conformed: &Conformed, cover: Cover) -> String {
    let Conformed { items, missing, .. } = conformed;
    let number = indicatif::HumanCount;
    let units = if *items == 1 { cover.unit() } else { cover.units() };
    let mut text = format!("{} of {} {units} covered", number(conformed.covered()), number(*items));
    for name in missing.iter().take(NAMED) {
        text += &format!("\n  missing: {}", printable(name));
    }
    if missing.len() > NAMED {
        text += &format!("\n  and {} more, all of them with --json", number((missing.len() - NAMED) as u64));
    }
    text
}

impl Ran<'_> {
    /// On the core everything that is promised must be reached. Of other subjects that is not expected, but something must have run.
    pub(crate) fn code(&self) -> ExitCode {
        let conformed = self.conformed;
        let whole = conformed.missing.is_empty() && conformed.absent.is_empty();
        let expects_all = matches!(self.on, On::Core(_));
        if conformed.failures().next().is_some() {
            ExitCode::Violated
        } else if conformed.passed() == 0 || expects_all && !whole || !conformed.absent.is_empty() {
            ExitCode::Vacuous
        } else {
            ExitCode::Held
        }
    }

    /// For a person.
    pub(crate) fn text(&self, cover: Cover) -> String {
        let Ran { on, suite, name, conformed, failure } = *self;
        let manifest = &suite.manifest;
        let mut text = format!(
            "{}{} cover of {}, scope {}, on {}\n",
            name.map(|name| format!("{name}: ")).unwrap_or_default(),
            manifest.cover,
            manifest.dialect,
            printable(&manifest.scope),
            on.name()
        );
        let failed = conformed.failures().count();
        let not_runnable = conformed.not_runnable().count();
        text += &format!(
            "  {} passed, {failed} failed, {not_runnable} not runnable here, {} not there; {}\n",
            counted(conformed.passed() as u64, "file"),
            conformed.absent.len(),
            counted(conformed.steps, "step")
        );
        for name in conformed.absent.iter().take(NAMED) {
            text += &format!("  not there: {}\n", printable(name));
        }
        text += &why_not(conformed);
        // What a failure or a subject that cannot be led has cut off is missing, too. Then no missing item is named.
        let summary = summary_of_cover(conformed, cover);
        let is_news = failed + not_runnable == 0;
        let said = if is_news { &summary[..] } else { summary.lines().next().unwrap_or("") };
        text += &format!("  {}\n", said.replace('\n', "\n  "));
        text += &failures(conformed);
        if let Some((name, failure)) = failure {
            text += &format!("\n{} failed: {}\n{}", printable(name), failure.id, failure.timeline);
            text += &format!("replay: {}\n", failure.replay_command);
        }
        text
    }

    /// For a machine.
    pub(crate) fn document(&self) -> Value {
        let Ran { on, suite, name, conformed, failure } = *self;
        let finding = |finding: &Finding| json!({ "id": finding.id().to_string(), "what": finding.what() });
        let file = |(name, outcome): &(String, Outcome)| match outcome {
            Outcome::Passed => json!({ "file": name, "outcome": "passed" }),
            Outcome::Failed(failed) => json!({
                "file": name,
                "outcome": "failed",
                "rule": failed.rule().map(|rule| rule.to_string()),
                "what": failed.what(),
                "failures": failed.findings.iter().map(finding).collect::<Vec<_>>(),
            }),
            Outcome::NotRunnable(why) => json!({ "file": name, "outcome": "not runnable", "why": why }),
        };
        json!({
            "version": 1,
            "suite": name,
            "cover": suite.manifest.cover,
            "dialect": suite.manifest.dialect,
            "scope": suite.manifest.scope,
            "subject": on.name(),
            "files": conformed.files.iter().map(file).collect::<Vec<_>>(),
            "absent": conformed.absent,
            "steps": conformed.steps,
            "covered": conformed.covered(),
            "of": conformed.items,
            "missing": conformed.missing,
            "failures": conformed.by_id().into_iter().map(|(id, (files, first, finding))| json!({
                "id": id.to_string(),
                "files": files,
                "first": first,
                "what": finding.what(),
            })).collect::<Vec<_>>(),
            "failure": failure.map(|(_, failure)| failure),
            "exit_code": self.code().code(),
        })
    }
}

/// Every failure by its name, each with how many files have it and the first.
fn failures(conformed: &Conformed) -> String {
    let line = |(id, (count, first, finding)): (Identity, (usize, &str, &Finding))| {
        let files = counted(count as u64, "file");
        format!("  {id}: {files}, first {}: {}\n", printable(first), printable(&finding.what()))
    };
    conformed.by_id().into_iter().map(line).collect()
}

/// The reasons for which files could not be run, each with how many and the first.
fn why_not(conformed: &Conformed) -> String {
    let mut reasons: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    for (name, why) in conformed.not_runnable() {
        reasons.entry(why).or_insert((0, name)).0 += 1;
    }
    let line = |(why, (count, first)): (&str, (usize, &str))| {
        format!(
            "  not runnable: {}, {} and others: {}\n",
            counted(count as u64, "file"),
            printable(first),
            printable(why)
        )
    };
    reasons.into_iter().map(line).collect()
}
