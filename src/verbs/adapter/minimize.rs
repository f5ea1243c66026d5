//! `bgcheck minimize TRACE --adapter`: a path on which an implementation fails, made smaller by leading it again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use judge::trace::HeaderFinding;
use judge::{Header, Rule, RuleSet, Trace};
use properties::foreign::{Effort, Stage, play, smaller};
use properties::minimize::{Case as Recorded, Identity, minimize as excerpt_of};
use properties::suite::{Case, Finding, Outcome, is_from_outside, slice_of, steps_of};
use reports::ExitCode;
use serde_json::json;

use crate::engines::adapter::not_opened;
use crate::engines::check::default_traces;
use crate::error::Error;
use crate::files::{slashes, write};
use crate::findings::{draw, draw_difference, draw_failed};
use crate::output::{Output, counted, printable};
use crate::place::Place;
use crate::progress::{Progress, Work};
use crate::run::{is_stopped, quoted};
use crate::watch::worker;

/// What is asked for.
pub(crate) struct Wanted<'a> {
    /// The adapter.
    pub(crate) adapter: &'a Path,
    /// Runs that measure how often the failure comes.
    pub(crate) times: u32,
    /// Of several failures, one that breaks this rule.
    pub(crate) rule: Option<Rule>,
    /// Where the small path goes.
    pub(crate) output: Option<&'a Path>,
    pub(crate) as_json: bool,
}

/// How long leaving out may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// A failure that was met, how often, and one run with it.
struct Met {
    count: u32,
    finding: Finding,
    trace: Trace,
}

/// Makes the path of a trace smaller on the implementation.
pub(crate) fn minimize(trace: &Trace, wanted: &Wanted<'_>, output: &mut Output) -> Result<ExitCode, Error> {
    if slice_of(&trace.header).is_none() || !steps_of(trace).is_ok_and(|steps| !steps.is_empty()) {
        let help = "name the file that ends with -path.jsonl beside the trace, or a file of a suite; without `--adapter` a run is cut down to \
                    what shows the failure";
        return Err(Error::usage("the trace has no path of the model", help));
    }
    let case = Case { name: "minimize".to_owned(), trace: trace.clone() };
    let mut stage = Stage::open(&super::manifest(wanted.adapter)?, 1, None).map_err(not_opened)?;
    let asked = trace.header.finding.as_ref().map(|finding| finding.id.clone());
    let progress = output.progress("minimize");
    let (id, met) = match measured(&case, wanted, asked.as_deref(), &mut stage, &progress)? {
        Measured::Met(id, met) => (id, met),
        Measured::Nothing(why) => return nothing(&why, wanted.as_json, output),
    };
    // Its end is when nothing more can be left out, or when time is over.
    let most = PATIENCE.as_secs();
    progress.tell(Work::step(1, 2), || format!("leaving out what is not needed, for {most} s at most"));
    let effort = Effort {
        runs: Effort::runs_for((met.count, wanted.times)),
        until: Instant::now() + PATIENCE,
        enough: &|| {
            worker::sign();
            is_stopped()
        },
    };
    let found = smaller(id, &case, &mut stage, &effort).map_err(|fault| not_opened(fault.into()))?;
    drop(progress);
    let (finding, run, small) = match &found {
        Some(found) => (&found.finding, &found.trace, &found.case),
        None => (&met.finding, &met.trace, &case),
    };
    let code = if met.count == wanted.times { ExitCode::Violated } else { ExitCode::Flaky };
    let file = place_of(id, wanted.output);
    let header = HeaderFinding { id: id.to_string(), exit_code: code.code(), what: finding.what() };
    let header = Header { finding: Some(header), ..small.trace.header.clone() };
    if let Err(error) = write(&file, &Trace { header, lines: small.trace.lines.clone() }.print()) {
        output.warn(&error);
    }
    let sizes = (acts(&case), acts(small));
    let excerpt = excerpt(run, finding);
    let again =
        format!("bgcheck replay {} --adapter {}", quoted(&slashes(&file)), quoted(&slashes(wanted.adapter)));
    let (tries, is_smallest) = found.as_ref().map_or((0, true), |found| (found.tries, found.is_smallest));
    if wanted.as_json {
        output.json(&json!({
            "version": 1, "id": id.to_string(), "what": finding.what(),
            "rate": { "reproduced": met.count, "replays": wanted.times },
            "runs_of_each_path": effort.runs, "tries": tries, "minimal": is_smallest,
            "acts": { "before": sizes.0, "after": sizes.1 },
            "timeline": picture(run, finding), "excerpt": excerpt,
            "path_file": slashes(&file), "replay": again, "exit_code": code.code(),
        }))?;
        return Ok(code);
    }
    let mut text = format!("{id}: {}\n", printable(&finding.what()));
    text += &format!("  came in {} of {}\n", met.count, counted(u64::from(wanted.times), "run"));
    text += &match &found {
        None => format!("  nothing can be left out of {}\n", counted(sizes.0 as u64, "outside step")),
        Some(_) => format!(
            "  {} left of {}; {} tried, up to {} each{}\n",
            counted(sizes.1 as u64, "outside step"),
            sizes.0,
            counted(u64::from(tries), "shorter path"),
            counted(u64::from(effort.runs), "run"),
            if is_smallest { "; nothing more can be left out" } else { "; time or tries were over" }
        ),
    };
    if let Some(excerpt) = excerpt {
        text += &format!("\nof a run, as little as shows it:\n\n{excerpt}");
    }
    text += &format!("\na run of the small path:\n\n{}", picture(run, finding));
    text += &format!("\npath:   {}\nagain:  {again}\n{}\n", slashes(&file), output.verdict(code));
    output.text(&text)?;
    Ok(code)
}

enum Measured {
    Met(Identity, Box<Met>),
    /// There is nothing to make small, and why.
    Nothing(String),
}

/// Leads the implementation along the path again and again: which failure is to be made small, and how often it comes.
fn measured(
    case: &Case,
    wanted: &Wanted<'_>,
    asked: Option<&str>,
    stage: &mut Stage,
    progress: &Progress,
) -> Result<Measured, Error> {
    let mut all: BTreeMap<Identity, Met> = BTreeMap::new();
    for run in 0..wanted.times {
        let work = Work::counted(run.into(), wanted.times.into(), "runs");
        progress.tell(work, || "how often it comes".to_owned());
        let (judged, _) = play(case, stage).map_err(|fault| not_opened(fault.into()))?;
        match judged.outcome {
            Outcome::Passed => {}
            Outcome::NotRunnable(why) => {
                return Ok(Measured::Nothing(format!(
                    "the implementation cannot be led along this path: {why}"
                )));
            }
            Outcome::Failed(failed) => {
                for finding in failed.findings {
                    let trace = failed.trace.clone();
                    all.entry(finding.id()).or_insert(Met { count: 0, finding, trace }).count += 1;
                }
            }
        }
    }
    let fits = |met: &Met| wanted.rule.is_none_or(|rule| met.finding.rule() == Some(rule));
    let weight =
        |id: &Identity, met: &Met| (asked == Some(&*id.to_string()), met.count, met.finding.rule().is_some());
    let best = all.into_iter().filter(|(_, met)| fits(met)).max_by_key(|(id, met)| weight(id, met));
    Ok(match best {
        Some((id, met)) => Measured::Met(id, Box::new(met)),
        None => {
            let rule = wanted.rule.map(|rule| format!(" that breaks {rule}")).unwrap_or_default();
            let runs = counted(u64::from(wanted.times), "run");
            Measured::Nothing(format!(
                "no failure{rule} came in {runs} of this path; lead it more often with `--times`"
            ))
        }
    })
}

fn nothing(why: &str, as_json: bool, output: &mut Output) -> Result<ExitCode, Error> {
    let code = ExitCode::Vacuous;
    match as_json {
        true => output.json(&json!({ "version": 1, "id": null, "why": why, "exit_code": code.code() }))?,
        false => output.text(&format!("{}\n{}\n", printable(why), output.verdict(code)))?,
    }
    Ok(code)
}

fn acts(case: &Case) -> usize {
    steps_of(&case.trace).map_or(0, |steps| steps.iter().filter(|step| is_from_outside(step)).count())
}

fn place_of(id: Identity, output: Option<&Path>) -> PathBuf {
    let usual = || default_traces(&Place::here().target()).dir.join(format!("{id}-minimal-path.jsonl"));
    output.map_or_else(usual, Path::to_owned)
}

/// Of the run, as little as still breaks the rule.
fn excerpt(run: &Trace, finding: &Finding) -> Option<String> {
    let rule = finding.rule()?;
    let minimal = excerpt_of(&Recorded::of_trace(run), RuleSet::of(&[rule])).ok()?;
    Some(draw_failed(&minimal.failed))
}

fn picture(run: &Trace, finding: &Finding) -> String {
    match finding {
        Finding::Differs(difference) => draw_difference(run, difference),
        Finding::Broken(_, violation) => draw(run, Some(*violation)),
    }
}
