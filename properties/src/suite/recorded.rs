//! A suite on a subject that runs by itself and records what its clients see: one trace for each file.
//!
//! **What it is.** The recorded trace is judged by the rules, and its answers are held against the file's: the same calls in the
//! same order, each with the same HRESULT. Callbacks are judged by the rules alone, for when they come is the subject's freedom.

use std::path::Path;

use contract::judge::trace::Kind;
use contract::judge::{RuleSet, Trace, Verdicts};
use contract::{Call, HResult, JobId};

use super::files::FileError;
use super::{Case, Failed, Outcome, Suite};

/// What became of each file, by the traces of the same names in a directory.
///
/// # Errors
/// A trace cannot be read, or is none.
pub fn as_recorded(suite: &Suite, dir: &Path) -> Result<Vec<(String, Outcome)>, FileError> {
    let of = |case: &Case| {
        let path = dir.join(&case.name);
        let outcome = match std::fs::read_to_string(&path) {
            Ok(text) => {
                let trace = Trace::parse(&text).map_err(|source| FileError::Trace { path, source })?;
                recorded(case, trace)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Outcome::NotRunnable("no trace of this name was recorded".to_owned())
            }
            Err(source) => return Err(FileError::Io { what: "read", path, source }),
        };
        Ok((case.name.clone(), outcome))
    };
    suite.cases.iter().map(of).collect()
}

/// What became of a file whose run is this trace.
pub fn recorded(case: &Case, trace: Trace) -> Outcome {
    let verdicts = Verdicts::of_rules(&trace, RuleSet::HERE);
    if let Some(first) = verdicts.first() {
        let rule = first.rule;
        let what = format!("{rule} {}: {}", rule.name(), rule.sentence());
        return Outcome::Failed(Box::new(Failed { trace, rule: Some(rule), what }));
    }
    match differs(&answers(&case.trace), &answers(&trace)) {
        None => Outcome::Passed,
        Some(what) => Outcome::Failed(Box::new(Failed { trace, rule: None, what })),
    }
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
        if wanted.hr != said.hr {
            let (call, said, wanted) = (wanted.call, hr(said.hr), hr(wanted.hr));
            return Some(format!("call {}, {call}, answers {said}, and in the suite {wanted}", number + 1));
        }
    }
    let (wanted, said) = (wanted.len(), said.len());
    (wanted != said).then(|| format!("{said} calls were made, and in the suite {wanted}"))
}
