//! `bgcheck check`: proved in the scope, or the shortest counterexample.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use contract::Dialect;
use contract::judge::{Rule, RuleSet};
use indicatif::HumanCount;
use model::explore::{Extent, Proof, Report};
use model::product::property_names;
use model::scope::ScopeName;
use reports::{ExitCode, Failure, Results};
use serde_json::{Value, json};

use crate::cli::{self, CoreChoice};
use crate::engines::check::{Explored, ExploredSlice, Plan, Together, default_traces, run as explore};
use crate::engines::counterexample::{Traces, named};
use crate::error::Error;
use crate::output::{Output, Paint};
use crate::place::Place;
use crate::run;

/// Explore the model to its end: each rule is proved in the scope, or broken by the shortest counterexample.
///
/// Every reachable pair of specification and engine core is visited, slice by slice. A rule that has nothing to decide in
/// any slice is vacuous, and the run does not end with 0.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  bgcheck check --scope tiny                     a first look, in seconds
  bgcheck check --dialect do --rules R1,R2       two rules in one dialect
  bgcheck check --scope tiny --canary            a core that is broken on purpose: ends with 2
  bgcheck check --scope wide --budget 1h         ends with 5 when the hour is not enough
  bgcheck check --json > results.json            for `bgcheck report` and for machines")]
pub(crate) struct Args {
    /// How much: `tiny`, `small`, `default` or `wide`.
    #[arg(long, default_value_t = ScopeName::Default, value_name = "SCOPE")]
    scope: ScopeName,
    /// Which dialect, `bits` or `do`; both when left out.
    #[arg(long, value_name = "DIALECT")]
    dialect: Option<Dialect>,
    /// Only these rules, such as `R1,R2`.
    #[arg(long, value_delimiter = ',', value_name = "RULES")]
    rules: Vec<Rule>,
    /// Threads; as many as there are cores when left out.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024), value_name = "N")]
    threads: Option<u16>,
    /// How long at most, such as `90s` or `10m`; without it the scope is explored to its end.
    #[arg(long, value_parser = cli::budget, value_name = "TIME")]
    budget: Option<Duration>,
    /// Explore the core that is broken on purpose: R1 and R2 must be found violated.
    #[arg(long)]
    canary: bool,
    /// Where the traces of counterexamples go.
    #[arg(long, value_name = "DIR")]
    trace_dir: Option<PathBuf>,
    /// Leave out times and rates, so that the output is the same every time.
    #[arg(long)]
    no_times: bool,
    /// The results for a machine, as `bgcheck report` reads them, with what was found in each slice.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<ExitCode, Error> {
    let place = Place::here();
    let traces = match &args.trace_dir {
        Some(dir) => Traces::in_dir(dir.clone()),
        None => default_traces(&place.join("target")),
    };
    let plan = Plan {
        scope: args.scope,
        dialects: &args.dialect.map_or(Dialect::ALL.to_vec(), |dialect| vec![dialect]),
        rules: rules(&args.rules)?,
        threads: args.threads.map_or_else(run::cores, usize::from),
        budget: args.budget,
        core: CoreChoice::canary(args.canary),
        traces: &traces,
    };
    let mut results = run::results(&place, plan.rules, 0, args.budget);
    let mut slices = Vec::new();
    explore(&plan, output, &mut |explored, output| {
        results.engines.push(explored.result(plan.core));
        if args.json {
            slices.extend(explored.slices.iter().map(|slice| slice_json(&explored, slice)));
            return Ok(());
        }
        let text = Page { args, output }.explored(&explored);
        output.text(&text)
    })?;
    let outcome = results.outcome();
    if args.json {
        output.json(&document(&results, slices))?;
    } else {
        let text = verdict(&outcome, output);
        output.text(&text)?;
    }
    Ok(outcome.exit_code)
}

/// The rules asked for, or all that the product carries.
fn rules(asked: &[Rule]) -> Result<RuleSet, Error> {
    let carried: RuleSet = RuleSet::HERE.iter().filter(|rule| property_names(*rule).is_some()).collect();
    if let Some(rule) = asked.iter().find(|rule| !carried.contains(**rule)) {
        return Err(Error::usage(
            format!("the product does not carry rule {rule} ({})", rule.name()),
            format!("choose among {carried}"),
        ));
    }
    Ok(if asked.is_empty() { carried } else { asked.iter().copied().collect() })
}

fn verdict(outcome: &reports::Outcome, output: &Output) -> String {
    let mut text = String::new();
    for reason in &outcome.reasons {
        put(&mut text, format_args!("exit {}: {}", reason.exit_code.code(), reason.what));
    }
    let paint = if outcome.exit_code == ExitCode::Held { Paint::Good } else { Paint::Bad };
    let line = format!("verdict: {}, exit code {}", outcome.verdict, outcome.exit_code.code());
    put(&mut text, format_args!("{}", output.paint(paint, &line)));
    text
}

/// The results with a field for each slice, which a reader of results ignores.
fn document(results: &Results, slices: Vec<Value>) -> Value {
    let mut document: Value = reports::json(results).parse().unwrap_or_default();
    document["slices"] = Value::Array(slices);
    document
}

fn slice_json(explored: &Explored, slice: &ExploredSlice) -> Value {
    let Report { states, edges, depth, elapsed, .. } = slice.report;
    let proofs = slice.report.proofs.iter().map(|(rule, proof)| (rule.to_string(), json!(word(proof))));
    json!({
        "slice": slice.report.slice,
        "scope": slice.report.scope,
        "dialect": explored.variant.profile.dialect,
        "switches": explored.variant.turned,
        "states": states, "edges": edges, "depth": depth,
        "time_ms": run::millis(elapsed),
        "complete": slice.report.extent == Extent::Complete,
        "rules": proofs.collect::<serde_json::Map<_, _>>(),
        "disagreement": slice.disagreement.as_ref().map(|(what, _)| what),
    })
}

const fn word(proof: &Proof) -> &'static str {
    match proof {
        Proof::Proved => "proved",
        Proof::Violated(_) => "violated",
        Proof::Vacuous => "vacuous",
        Proof::Unfinished => "unfinished",
    }
}

/// The results for a reader.
struct Page<'a> {
    args: &'a Args,
    output: &'a Output,
}

impl Page<'_> {
    fn explored(&self, explored: &Explored) -> String {
        let mut text = String::new();
        let dialect = named(explored.variant.profile.dialect, explored.variant.turned);
        let title = format!("check, scope {}, dialect {dialect}", explored.scope);
        put(&mut text, format_args!("{}", self.output.paint(Paint::Bold, &title)));
        for slice in &explored.slices {
            self.slice(slice, &mut text);
        }
        self.scope(explored, &dialect, &mut text);
        text
    }

    fn slice(&self, slice: &ExploredSlice, text: &mut String) {
        let report = &slice.report;
        put(text, format_args!("\n  {}", report.scope));
        let [states, edges] = [report.states, report.edges].map(|count| HumanCount(count as u64));
        let rate = HumanCount(report.states_per_second() as u64);
        let times = match self.args.no_times {
            true => String::new(),
            false => format!(", {:.1} s, {rate} states/s", report.elapsed.as_secs_f64()),
        };
        put(text, format_args!("    {states} states, {edges} edges, depth {}{times}", report.depth));
        self.rules_of(report, text);
        self.witnesses(report, text);
        match &slice.disagreement {
            None => put(
                text,
                format_args!("    agreement   specification and core agree in every state explored"),
            ),
            Some((what, failure)) => {
                self.failure(
                    &format!("{}: specification and core disagree: {what}", failure.id),
                    failure,
                    text,
                );
            }
        }
        for (_, failure) in &slice.failures {
            self.failure(&format!("{}, as short as it can be", failure.id), failure, text);
        }
    }

    fn rules_of(&self, report: &Report, text: &mut String) {
        let words = [
            ("proved", Paint::Good),
            ("violated", Paint::Bad),
            ("vacuous", Paint::Warn),
            ("unfinished", Paint::Warn),
        ];
        for (name, paint) in words {
            let of_it = report.proofs.iter().filter(|(_, proof)| word(proof) == name);
            let rules: Vec<String> = of_it.map(|(rule, _)| rule.to_string()).collect();
            if !rules.is_empty() {
                let padded = self.output.paint(paint, &format!("{name:<12}"));
                put(text, format_args!("    {padded}{}", rules.join(" ")));
            }
        }
    }

    fn witnesses(&self, report: &Report, text: &mut String) {
        let all = report.proofs.len();
        let reached = report.proofs.iter().filter(|(_, proof)| *proof == Proof::Proved).count();
        let broken = report.proofs.iter().filter(|(_, proof)| matches!(proof, Proof::Violated(_))).count();
        let beside =
            if broken == 0 { String::new() } else { format!("; {broken} violated, which need none") };
        put(
            text,
            format_args!(
                "    witnesses   {reached} of {all} rules decide something in a reachable state{beside}"
            ),
        );
    }

    fn failure(&self, head: &str, failure: &Failure, text: &mut String) {
        put(text, format_args!("\n    {}", self.output.paint(Paint::Bad, head)));
        for line in failure.timeline.lines() {
            put(text, format_args!("{}", format!("      {line}").trim_end()));
        }
        let trace = failure.trace_file.as_deref().unwrap_or("nowhere");
        put(text, format_args!("      trace:  {trace}\n      replay: {}", failure.replay_command));
    }

    /// The rules in the scope: what the slices say together.
    fn scope(&self, explored: &Explored, dialect: &str, text: &mut String) {
        put(text, format_args!("\n  rules in scope {}, dialect {dialect}", explored.scope));
        for rule in explored.rules() {
            let (paint, said) = match explored.together(rule) {
                Together::Proved(slices) => (Paint::Good, format!("proved in {}", slices.join(", "))),
                Together::Violated(failure) => (Paint::Bad, format!("violated: {}", failure.id)),
                Together::Vacuous => (Paint::Warn, "vacuous: nothing to decide in any slice".to_owned()),
                Together::Unfinished => (Paint::Warn, "unfinished: the budget was spent before".to_owned()),
            };
            let said = self.output.paint(paint, &said);
            put(text, format_args!("    {rule:<4}{:<14}{said}", rule.name()));
        }
        text.push('\n');
    }
}

fn put(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{line}");
}
