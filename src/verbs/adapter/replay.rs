//! `bgcheck replay TRACE --adapter`: an implementation along the path of a trace, once more.

use std::collections::BTreeMap;
use std::path::Path;

use judge::Trace;
use properties::foreign::{Stage, play};
use properties::suite::{Case, Failed, Outcome, slice_of, steps_of};
use reports::ExitCode;
use serde_json::json;

use crate::engines::adapter::not_opened;
use crate::error::Error;
use crate::findings::{draw, draw_difference};
use crate::output::{Output, counted, printable};

/// Leads the implementation along the path of a trace, `times` times.
pub(crate) fn replay(
    path: &Path,
    trace: &Trace,
    (times, as_json): (u32, bool),
    output: &mut Output,
) -> Result<ExitCode, Error> {
    if slice_of(&trace.header).is_none() || !steps_of(trace).is_ok_and(|steps| !steps.is_empty()) {
        let help = "name the file that ends with -path.jsonl beside the trace, or a file of a suite; what a race did depends on time, \
                    and `bgcheck adapter run` races again";
        return Err(Error::usage("the trace has no path of the model", help));
    }
    let case = Case { name: "replay".to_owned(), trace: trace.clone() };
    let mut stage = Stage::open(&super::manifest(path)?, 1, None).map_err(not_opened)?;
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    let (mut failed, mut failures): (Option<Failed>, u32) = (None, 0);
    for _ in 0..times {
        let (judged, _) = play(&case, &mut stage).map_err(|fault| not_opened(fault.into()))?;
        match judged.outcome {
            Outcome::Passed => {}
            Outcome::NotRunnable(why) => {
                let code = ExitCode::Vacuous;
                match as_json {
                    true => output.json(
                        &json!({ "version": 1, "times": 0, "failures": {}, "not_run": why, "exit_code": code.code() }),
                    )?,
                    false => output
                        .text(&format!("the implementation cannot be led along this path: {}\n", printable(&why)))?,
                }
                return Ok(code);
            }
            Outcome::Failed(now) => {
                for finding in &now.findings {
                    *seen.entry(format!("{}: {}", finding.id(), finding.what())).or_default() += 1;
                }
                failed = Some(*now);
                failures += 1;
            }
        }
    }
    let code = match failures {
        0 => ExitCode::Held,
        // One callback too many may come behind one call or behind the next, so failures may have different names.
        failures if failures == times => ExitCode::Violated,
        _ => ExitCode::Flaky,
    };
    if as_json {
        output.json(&json!({ "version": 1, "times": times, "failures": seen, "exit_code": code.code() }))?;
        return Ok(code);
    }
    let mut text = failed.as_ref().map(picture).unwrap_or_default();
    for (what, count) in &seen {
        text += &format!("\n{count} of {}: {}\n", counted(u64::from(times), "run"), printable(what));
    }
    text += &format!("\n{}\n", output.verdict(code));
    output.text(&text)?;
    Ok(code)
}

fn picture(failed: &Failed) -> String {
    use properties::suite::Finding;
    match failed.findings.first() {
        Some(Finding::Differs(difference)) => draw_difference(&failed.trace, difference),
        Some(Finding::Broken(_, violation)) => draw(&failed.trace, Some(*violation)),
        None => String::new(),
    }
}
