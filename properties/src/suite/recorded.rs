//! A suite on a subject that runs by itself and records what its clients see: one trace for each file.
//!
//! **What it is.** The recorded trace is judged by the rules, and its answers are held against the file's: the same calls in the
//! same order, each with the same HRESULT. Callbacks are judged by the rules alone, for when they come is the subject's freedom.

use std::path::Path;

use contract::judge::trace::Kind;
use contract::judge::{Rule, RuleSet, Trace, Verdicts};
use contract::{Call, HResult, JobId};

use super::files::FileError;
use super::{Case, Failed, Outcome};

/// What became of a file, by the trace of the same name in a directory.
///
/// # Errors
/// The trace cannot be read, or is none.
pub fn as_recorded(case: &Case, dir: &Path) -> Result<Outcome, FileError> {
    let path = dir.join(&case.name);
    match std::fs::read_to_string(&path) {
        Ok(text) => match Trace::parse(&text) {
            Ok(trace) => Ok(recorded(case, trace)),
            Err(source) => Err(FileError::Trace { path, source }),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Ok(Outcome::NotRunnable("no trace of this name was recorded".to_owned()))
        }
        Err(source) => Err(FileError::Io { what: "read", path, source }),
    }
}

/// What became of a file whose run is this trace.
pub fn recorded(case: &Case, trace: Trace) -> Outcome {
    if let Some((rule, what)) = broken_rule(&trace) {
        return Outcome::Failed(Box::new(Failed { trace, rule: Some(rule), what }));
    }
    match differs(&answers(&case.trace), &answers(&trace)) {
        None => Outcome::Passed,
        Some(what) => Outcome::Failed(Box::new(Failed { trace, rule: None, what })),
    }
}

/// The first rule that a trace breaks, and what it demands.
pub(super) fn broken_rule(trace: &Trace) -> Option<(Rule, String)> {
    let rule = Verdicts::of_rules(trace, RuleSet::HERE).first()?.rule;
    Some((rule, format!("{rule} {}: {}", rule.name(), rule.sentence())))
}

/// A call, and what it answered if it has.
struct Answered<'a> {
    job: Option<JobId>,
    call: &'a Call,
    hr: Option<HResult>,
}

/// The calls of a trace in the order in which they were made, with their answers.
fn answers(trace: &Trace) -> Vec<Answered<'_>> {
    let mut answers: Vec<Answered<'_>> = Vec::new();
    let mut open = std::collections::BTreeMap::new();
    for line in &trace.lines {
        match &line.what {
            Kind::Call(call) => {
                open.insert(call.id, answers.len());
                answers.push(Answered { job: call.job, call: &call.call, hr: None });
            }
            Kind::Return(line) => {
                if let Some(answer) = open.remove(&line.call).and_then(|at| answers.get_mut(at)) {
                    answer.hr = Some(line.hr);
                }
            }
            _ => {}
        }
    }
    answers
}

/// The first answer that is another one than in the suite.
fn differs(wanted: &[Answered<'_>], said: &[Answered<'_>]) -> Option<String> {
    let hr = |hr: Option<HResult>| hr.map_or_else(|| "nothing".to_owned(), |hr| hr.to_string());
    for (number, (wanted, said)) in wanted.iter().zip(said).enumerate() {
        // Names of files and programs are each subject's own.
        if (wanted.job, wanted.call.method()) != (said.job, said.call.method()) {
            let (wanted, said) = (wanted.call, said.call);
            return Some(format!("call {} is {said}, and in the suite {wanted}", number + 1));
        }
        // A path may end in the middle of a call, and the subject goes on.
        if wanted.hr.is_some() && wanted.hr != said.hr {
            let (call, said, wanted) = (wanted.call, hr(said.hr), hr(wanted.hr));
            return Some(format!("call {}, {call}, answers {said}, and in the suite {wanted}", number + 1));
        }
    }
    let (wanted, said) = (wanted.len(), said.len());
    (wanted != said).then(|| format!("{said} calls were made, and in the suite {wanted}"))
}
