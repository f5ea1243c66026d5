//! A suite on a subject that runs by itself and records what its clients see: one trace for each file.
//!
//! **What it is.** The recorded trace is judged by the rules, and held against the file from rest to rest: calls with their
//! arguments, answers and what they give back, callbacks with their receivers, and states where they are recorded.
//!
//! **What it is not.** Strict about what is the subject's freedom: see [`super::compare`].

use judge::{Header, Recorded, Rule, RuleSet, Trace, Verdicts, failure_id};

use super::compare::{Led, compare};
use super::rests::Rests;
use super::{Case, Finding, Judged};
use crate::difference::{Account, Concern, Difference};

/// What became of a file of a suite, by the trace that was recorded for it.
#[must_use]
pub fn recorded(case: &Case, trace: Trace) -> Judged {
    if let Some(missing) = NEEDED.iter().find(|(kind, _)| !trace.header.records.contains(kind)) {
        return Judged::not_runnable(format!(
            "the trace does not record {}, so they cannot be compared",
            missing.1
        ));
    }
    if let Some(difference) = another_dialect(&case.trace.header, &trace.header) {
        return Judged::of(trace, [Finding::Differs(difference)], Default::default());
    }
    let Some(rests) = Rests::of(case) else {
        return Judged::not_runnable(format!("there is no slice {:?} any more", case.trace.header.scope));
    };
    let compared = compare(&case.trace, &trace, Led::AtRest(&rests));
    let differences = compared.differences.into_iter().map(Finding::Differs);
    let findings: Vec<Finding> = broken_rules(&trace).into_iter().chain(differences).collect();
    Judged::of(trace, findings, compared.steps)
}

/// What a trace must record to be compared.
const NEEDED: [(Recorded, &str); 4] = [
    (Recorded::Call, "calls (`call`)"),
    (Recorded::Return, "answers (`return`)"),
    (Recorded::Enter, "starts of callbacks (`enter`)"),
    (Recorded::Leave, "ends of callbacks (`leave`)"),
];

/// Every rule that a trace breaks, each where it is broken first.
pub(super) fn broken_rules(trace: &Trace) -> Vec<Finding> {
    let verdicts = Verdicts::of_rules(trace, RuleSet::HERE);
    verdicts.violations().map(|violation| Finding::Broken(failure_id(trace, &violation), violation)).collect()
}

/// The run of another dialect is no run of this file.
fn another_dialect(wanted: &Header, header: &Header) -> Option<Difference> {
    let switches = |header: &Header| {
        // Plain data with text keys, which always has a JSON form.
        let turned = serde_json::to_string(&header.switches).unwrap_or_default();
        format!("dialect {}, switches turned: {turned}", header.dialect)
    };
    let what = match (wanted.dialect == header.dialect, wanted.switches == header.switches) {
        (true, true) => return None,
        (false, _) => "another dialect",
        (true, false) => "other switches",
    };
    Some(Difference {
        skeleton: vec![what.to_owned()],
        after: "the header of the trace".to_owned(),
        subject: switches(header),
        wanted: switches(wanted),
        account: Account::Suite,
        concern: Concern::Rule(Rule::R12),
        job: None,
        seq: 0,
    })
}
