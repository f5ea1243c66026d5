//! `bgcheck check`: proved in the scope, or the shortest counterexample.

use std::cell::Cell;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use contract::Dialect;
use explorer::Identity;
use indicatif::HumanCount;
use judge::{Rule, RuleSet};
use model::explore::{Engine, Options, Resources, Visited};
use model::keep::{About, Keep};
use model::product::property_names;
use model::protocol::{Design, Law, Table};
use model::scope::ScopeName;
use reports::{ExitCode, Failure, Finding, Results, Status};
use serde_json::{Value, json};

use crate::cli::{self, CoreChoice};
use crate::engines::check::{self, default_traces};
use crate::engines::counterexample::{Traces, named};
use crate::engines::explored::{Comparison, Done, Explored, ExploredSlice, Found, Together};
use crate::engines::search::{Search as How, Sizes, Telling};
use crate::engines::{liveness, protocol};
use crate::error::Error;
use crate::finish;
use crate::lock::Lock;
use crate::output::{Output, Paint};
use crate::place::Place;
use crate::watch::worker;
use crate::{resources, run};

/// Explore the model to its end: each rule is proved in the scope, or broken by the shortest counterexample.
///
/// The product: every reachable pair of specification and engine core, slice by slice. The protocol: every
/// interleaving of calls, dispatchers, callbacks and the environment, under the engine's design or a weaker one. A rule
/// that has nothing to decide in any slice is vacuous, and the run does not end with 0.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  bgcheck check --scope tiny                     a first look, in seconds
  bgcheck check --dialect do --rules R1,R2       two rules in one dialect
  bgcheck check --scope tiny --canary            a core that is broken on purpose: ends with 2
  bgcheck check --scope wide --budget 1h         ends with 5 when the hour is not enough
  bgcheck check --model protocol                 the engine's barrier, against every interleaving
  bgcheck check --design recheck --scope tiny    why looking twice is not enough: ends with 2
  bgcheck check --compare-designs --scope tiny   every design, and what breaks it
  bgcheck check --engine stateright              the same by another search, to compare
  bgcheck check --scope wide --model protocol --memory 4G --checkpoint run
                                                 for hours: within 4 GiB, and kept on disk
  bgcheck check --scope wide --model protocol --memory 8G --resume run
                                                 after a kill, with the same result
  bgcheck check --hosts hosts.txt --process 0    one of several processes: docs/scale.md
  bgcheck check --json > results.json            for `bgcheck report` and for machines")]
pub(crate) struct Args {
    /// What to explore; the protocol when a design is named, else the product.
    #[arg(long, value_enum, value_name = "MODEL")]
    model: Option<Model>,
    /// Which design of the protocol, such as `barrier` (the engine's) or `recheck`.
    #[arg(long, value_parser = cli::one_of(Design::ALL.iter().copied()), value_name = "DESIGN")]
    design: Option<Design>,
    /// Explore every design of the protocol, and print what breaks it as a Markdown table.
    #[arg(long, conflicts_with_all = ["design", "rules", "budget", "canary", "json", "trace_dir"])]
    compare_designs: bool,
    /// How much: `tiny`, `small`, `default` or `wide`.
    #[arg(long, default_value_t = ScopeName::Default, value_parser = cli::one_of(ScopeName::ALL), value_name = "SCOPE")]
    scope: ScopeName,
    /// Which dialect, `bits` or `do`; both when left out.
    #[arg(long, value_parser = cli::one_of(Dialect::ALL), value_name = "DIALECT")]
    dialect: Option<Dialect>,
    /// Only these rules, such as `R1,R2`.
    #[arg(long, value_delimiter = ',', value_parser = cli::one_of(RuleSet::HERE.iter()), value_name = "RULES")]
    rules: Vec<Rule>,
    /// Which search explores: ours, or stateright's to hold it against. Counts and verdicts are the same.
    #[arg(long, value_enum, default_value_t = Search::Own, value_name = "ENGINE")]
    engine: Search,
    /// Threads; as many as there are cores when left out, and never more.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024), value_name = "N")]
    threads: Option<u16>,
    /// How long at most, such as `90s` or `10m`; without it the scope is explored to its end. With checkpoints, the
    /// level under way is finished first.
    #[arg(long, value_parser = cli::budget, value_name = "TIME")]
    budget: Option<Duration>,
    /// End with the first model and dialect in which something is broken.
    #[arg(long)]
    stop_at_first: bool,
    /// Explore the core that is broken on purpose: R1 and R2 must be found violated.
    #[arg(long)]
    canary: bool,
    /// Where the traces of counterexamples go.
    #[arg(long = "out", short = 'o', alias = "trace-dir", value_name = "DIR")]
    trace_dir: Option<PathBuf>,
    /// Leave out times and rates, so that the output is the same every time.
    #[arg(long)]
    no_times: bool,
    /// The results for a machine, as `bgcheck report` reads them, with what was found in each slice; and on stderr
    /// a line of JSON for each level.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    resources: resources::LongArgs,
}

/// Which search explores.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
enum Search {
    /// Level by level on all cores, 64-bit fingerprints.
    Own,
    /// stateright's breadth-first search.
    Stateright,
}

impl From<Search> for Engine {
    fn from(search: Search) -> Self {
        match search {
            Search::Own => Engine::Own,
            Search::Stateright => Engine::Stateright,
        }
    }
}

/// Which model to explore.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
enum Model {
    /// Specification and engine core, one step at a time.
    Product,
    /// Threads, lock, dispatchers and slots.
    Protocol,
    /// Both.
    All,
}

impl Model {
    fn includes(self, other: Model) -> bool {
        self == other || self == Model::All
    }
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<ExitCode, Error> {
    if args.compare_designs {
        return compare(args, output);
    }
    note_threads(args, output);
    let place = Place::here();
    let traces = match &args.trace_dir {
        Some(dir) => Traces::in_dir(dir.clone()),
        None => default_traces(&place.target()),
    };
    let model = model(args)?;
    let carried = rules(model, &args.rules)?;
    let mut results = run::results(&place, carried, 0, args.budget);
    if model.includes(Model::Protocol) && carried.contains(Rule::R16) {
        results.rules.push(run::law_text(Law::BoundedWait));
    }
    // Whoever asks for some rules has not asked for duties.
    let duties = model.includes(Model::Protocol) && args.rules.is_empty();
    if duties {
        results.rules.extend(run::duty_texts());
    }
    let mut slices = Vec::new();
    let enough = Cell::new(false);
    let mut take = |explored: Explored, output: &mut Output| {
        let engine = explored.result();
        enough.set(enough.get() || matches!(&engine.status, Status::Ran(ran) if ran.has_found()));
        results.engines.push(engine);
        worker::know(&results);
        if args.json {
            slices.extend(explored.slices.iter().map(|slice| slice_json(&explored, slice)));
            return Ok(());
        }
        let text = Page { args, output }.explored(&explored);
        output.text(&text)
    };
    let _own = Lock::of_named(args.trace_dir.as_deref())?;
    let _kept = Lock::of_named(args.resources.own())?;
    let resources = resources_of(args, model, carried, &place)?;
    let dialects = dialects(args);
    let search = How {
        scope: args.scope,
        dialects: &dialects,
        engine: args.engine.into(),
        threads: run::threads(args.threads),
        budget: args.budget,
        traces: &traces,
        resources: &resources,
        telling: if args.json { Telling::Json } else { Telling::Words },
        sizes: Sizes::of(&place),
        enough: args.stop_at_first.then_some(&enough),
    };
    let explorations = Explorations { args, carried, search: &search };
    let broke_off = explorations.all(model, duties, output, &mut take).err();
    if search.is_enough() {
        results.run.partial = Some("it was to end with the first finding".to_owned());
    }
    if broke_off.is_some() {
        results.run.partial = Some("an exploration could not go on".to_owned());
    }
    if let Some(error) = resources.keep.as_ref().and_then(Keep::lost) {
        output.warn(&Error::from(error.clone()));
    }
    run::ended(&mut results);
    let outcome = results.outcome();
    if broke_off.is_none() || !results.engines.is_empty() {
        let text = match args.json {
            true => format!("{:#}", document(&results, slices)),
            false => verdict(&results, &outcome, output),
        };
        finish::print(&text, outcome.exit_code, output);
    }
    match broke_off {
        // What was found before is not lost.
        Some(error) if outcome.exit_code == ExitCode::Violated => output.warn(&error),
        Some(error) => return Err(error),
        None => {}
    }
    Ok(outcome.exit_code)
}

/// What the check may use, and what it is, so that it is not mistaken for another one.
fn resources_of(args: &Args, model: Model, carried: RuleSet, place: &Place) -> Result<Resources, Error> {
    if args.engine == Search::Stateright && !args.resources.is_empty() {
        return Err(Error::usage(
            "stateright's search has no checkpoints, no bound of memory and no other processes".to_owned(),
            "leave --engine out".to_owned(),
        ));
    }
    let words =
        |dialects: Vec<Dialect>| dialects.iter().map(Dialect::to_string).collect::<Vec<_>>().join(", ");
    let about = About {
        facts: vec![
            ("model", format!("{model:?}").to_lowercase()),
            ("scope", args.scope.to_string()),
            ("dialect", words(dialects(args))),
            ("rules", carried.to_string()),
            ("design", args.design.unwrap_or(Design::Barrier).to_string()),
            ("core", CoreChoice::canary(args.canary).name().to_owned()),
        ],
    };
    args.resources.resources(&about, place)
}

/// The explorations that the arguments ask for.
struct Explorations<'a> {
    args: &'a Args,
    carried: RuleSet,
    search: &'a How<'a>,
}

impl Explorations<'_> {
    /// A model that carries none of the rules asked for has nothing to say.
    fn all(&self, model: Model, duties: bool, output: &mut Output, take: Done<'_>) -> Result<(), Error> {
        if model.includes(Model::Product) && self.carried.intersects(of_product()) {
            self.product(output, take)?;
        }
        if model.includes(Model::Protocol) && self.carried.intersects(of_protocol()) {
            self.protocol(output, take)?;
        }
        if duties { self.liveness(output, take) } else { Ok(()) }
    }

    fn product(&self, output: &mut Output, take: Done<'_>) -> Result<(), Error> {
        let rules = self.carried.intersection(of_product());
        let core = CoreChoice::canary(self.args.canary);
        check::run(&check::Plan { search: self.search, rules, core }, output, take)
    }

    fn protocol(&self, output: &mut Output, take: Done<'_>) -> Result<(), Error> {
        self.of_protocol(|plan| protocol::run(plan, output, take))
    }

    fn liveness(&self, output: &mut Output, take: Done<'_>) -> Result<(), Error> {
        self.of_protocol(|plan| liveness::run(plan, output, take))
    }

    fn of_protocol(&self, run: impl FnOnce(&protocol::Plan<'_>) -> Result<(), Error>) -> Result<(), Error> {
        let design = self.args.design.unwrap_or(Design::Barrier);
        run(&protocol::Plan { search: self.search, laws: &Law::of(self.carried), design })
    }
}

fn dialects(args: &Args) -> Vec<Dialect> {
    args.dialect.map_or(Dialect::ALL.to_vec(), |dialect| vec![dialect])
}

/// More threads than cores share them, and each takes memory of its own.
fn note_threads(args: &Args, output: &Output) {
    let cores = run::cores();
    if let Some(asked) = args.threads.filter(|asked| usize::from(*asked) > cores)
        && !output.is_quiet()
    {
        output.note(&format!(
            "note: {asked} threads were asked for, and {cores} are used: there are no more cores"
        ));
    }
}

/// The model asked for. A design is one of the protocol's, and the canary is a core, which only the product has.
fn model(args: &Args) -> Result<Model, Error> {
    let implied = if args.design.is_some() { Model::Protocol } else { Model::Product };
    let model = args.model.unwrap_or(implied);
    if args.design.is_some() && model == Model::Product {
        return Err(Error::usage(
            "the product has no designs".to_owned(),
            "leave --model out, or choose `protocol`".to_owned(),
        ));
    }
    if args.canary && model != Model::Product {
        return Err(Error::usage(
            "the protocol has no core that could be broken on purpose".to_owned(),
            "leave --model out, or choose a weaker design, such as `--design recheck`".to_owned(),
        ));
    }
    Ok(model)
}

/// Every design, and what breaks it.
fn compare(args: &Args, output: &mut Output) -> Result<ExitCode, Error> {
    if args.model == Some(Model::Product) {
        return Err(Error::usage(
            "the product has no designs".to_owned(),
            "leave --model out, or choose `protocol`".to_owned(),
        ));
    }
    let resources = Resources { enough: Some(worker::stop()), ..Resources::default() };
    for dialect in dialects(args) {
        let progress = output.progress(&format!("check every design ({dialect})"));
        let tell = |now: model::explore::Progress| progress.tell(|| now.to_string());
        let engine = args.engine.into();
        let (threads, resources) = (run::threads(args.threads), &resources);
        let options = Options { engine, threads, budget: None, progress: &tell, resources };
        let table = Table::of(args.scope, dialect.profile(), &options)?;
        drop(progress);
        output.text(&format!("Scope `{}`, dialect `{dialect}`:\n\n{}\n", args.scope, table.markdown()))?;
    }
    Ok(ExitCode::Held)
}

fn of_product() -> RuleSet {
    RuleSet::HERE.iter().filter(|rule| property_names(*rule).is_some()).collect()
}

fn of_protocol() -> RuleSet {
    let rules = Law::ALL.iter().filter_map(|law| if let Law::Rule(rule) = law { Some(*rule) } else { None });
    rules.collect()
}

/// The rules asked for, or all that the model carries.
fn rules(model: Model, asked: &[Rule]) -> Result<RuleSet, Error> {
    let (carried, name) = match model {
        Model::Product => (of_product(), "the product does"),
        Model::Protocol => (of_protocol(), "the protocol does"),
        Model::All => (of_product().union(of_protocol()), "the models do"),
    };
    if let Some(rule) = asked.iter().find(|rule| !carried.contains(**rule)) {
        return Err(Error::usage(
            format!("{name} not carry rule {rule} ({})", rule.name()),
            format!("choose among {carried}"),
        ));
    }
    Ok(if asked.is_empty() { carried } else { asked.iter().copied().collect() })
}

/// The rules that every exploration of the run decided, when another one had nothing to decide.
fn decided(results: &Results) -> RuleSet {
    let found = || {
        let ran = results.engines.iter().filter_map(|engine| match &engine.status {
            Status::Ran(ran) => Some(ran.findings.iter()),
            _ => None,
        });
        ran.flatten().filter_map(|result| Some((result.rule.0.parse::<Rule>().ok()?, &result.finding)))
    };
    let vacuous: RuleSet =
        found().filter(|(_, finding)| matches!(finding, Finding::Vacuous)).map(|(rule, _)| rule).collect();
    if vacuous.is_empty() {
        return RuleSet::EMPTY;
    }
    found().map(|(rule, _)| rule).filter(|rule| !vacuous.contains(*rule)).collect()
}

/// The last lines: why it ends as it does, and the rules that the scope decides, when it has too little for others.
fn verdict(results: &Results, outcome: &reports::Outcome, output: &Output) -> String {
    let (decided, mut text) = (decided(results), String::new());
    if let Some(partial) = &results.run.partial {
        put(&mut text, format_args!("partial: {partial}; these are the results up to then"));
    }
    for reason in &outcome.reasons {
        put(&mut text, format_args!("exit {}: {}", reason.exit_code.code(), reason.what));
    }
    if outcome.exit_code == ExitCode::Vacuous && !decided.is_empty() {
        let rules: Vec<String> = decided.iter().map(|rule| rule.to_string()).collect();
        let rules = rules.join(",");
        put(&mut text, format_args!("only the rules that this scope decides: `--rules {rules}`"));
    }
    put(&mut text, format_args!("{}", output.verdict(outcome.exit_code)));
    text
}

/// The results with a field for each slice, which a reader of results ignores.
fn document(results: &Results, slices: Vec<Value>) -> Value {
    let mut document: Value = reports::json(results).parse().unwrap_or_default();
    document["slices"] = Value::Array(slices);
    document
}

fn slice_json(explored: &Explored, slice: &ExploredSlice) -> Value {
    let laws = slice.laws.iter().map(|(law, found)| (law.id.to_owned(), json!(found.word())));
    let disagreement = match &slice.comparison {
        Comparison::Part(what, _) => Some(what),
        Comparison::None | Comparison::Agree => None,
    };
    json!({
        "slice": slice.name,
        "scope": slice.scope,
        "dialect": explored.dialect,
        "switches": explored.turned,
        "design": explored.design,
        "states": slice.states, "edges": slice.edges, "depth": slice.depth,
        "time_ms": run::millis(slice.elapsed),
        "collision_probability": slice.visited.collision_probability,
        "bytes": slice.visited.bytes,
        "bytes_on_disk": slice.visited.bytes_on_disk,
        "fired": slice.fired.iter().map(|fired| (fired.class.clone(), json!(fired.edges))).collect::<serde_json::Map<_, _>>(),
        "complete": slice.complete,
        "rules": laws.collect::<serde_json::Map<_, _>>(),
        "disagreement": disagreement,
    })
}

/// The results for a reader.
struct Page<'a> {
    args: &'a Args,
    output: &'a Output,
}

impl Page<'_> {
    fn explored(&self, explored: &Explored) -> String {
        let mut text = String::new();
        let dialect = named(explored.dialect, explored.turned);
        let design =
            explored.design.map_or_else(String::new, |design| format!(" of the protocol, design {design}"));
        let aspect = explored.aspect;
        let title = format!("check{aspect}, scope {}{design}, dialect {dialect}", explored.scope);
        put(&mut text, format_args!("{}", self.output.paint(Paint::Bold, &title)));
        if !explored.memory.is_empty() {
            put(&mut text, format_args!("  {}", explored.memory));
        }
        let mut drawn = Vec::new();
        for slice in &explored.slices {
            self.slice(slice, &mut drawn, &mut text);
        }
        self.scope(explored, &dialect, &mut text);
        text
    }

    /// A failure that has been drawn in an earlier slice is named and not drawn again.
    fn slice<'a>(&self, slice: &'a ExploredSlice, drawn: &mut Vec<&'a str>, text: &mut String) {
        put(text, format_args!("\n  {}", slice.scope));
        let [states, edges] = [slice.states, slice.edges].map(|count| HumanCount(count as u64));
        let rate = HumanCount(slice.states_per_second() as u64);
        let times = match self.args.no_times {
            true => String::new(),
            false => format!(", {:.1} s, {rate} states/s", slice.elapsed.as_secs_f64()),
        };
        put(text, format_args!("    {states} states, {edges} edges, depth {}{times}", slice.depth));
        put(text, format_args!("    {}", self.visited(slice)));
        if !slice.size.is_empty() {
            put(text, format_args!("    {}", slice.size));
        }
        self.laws_of(slice, text);
        self.witnesses(slice, text);
        match &slice.comparison {
            Comparison::None => {}
            Comparison::Agree => put(
                text,
                format_args!("    agreement   specification and core agree in every state explored"),
            ),
            Comparison::Part(what, failure) => {
                self.failure(
                    &format!("{}: specification and core disagree: {what}", failure.id),
                    failure,
                    text,
                );
            }
        }
        for (_, found) in &slice.laws {
            let Found::Violated(failure) = found else { continue };
            if drawn.contains(&failure.id.as_str()) {
                put(text, format_args!("    {} again: {}", failure.id, failure.replay_command));
            } else {
                drawn.push(&failure.id);
                self.failure(&format!("{}, as short as it can be", failure.id), failure, text);
            }
        }
        if let Some((what, failure)) = &slice.remark {
            put(text, format_args!("    {what}: {}", failure.replay_command));
        }
    }

    /// How states were remembered, and so how sure it is that none was left out.
    fn visited(&self, slice: &ExploredSlice) -> String {
        let Visited { identity, collision_probability, bytes, bytes_on_disk } = slice.visited;
        let per_state = |bytes: u64| bytes as f64 / slice.states.max(1) as f64;
        let mut held = bytes
            .filter(|_| !self.args.no_times)
            .map_or_else(String::new, |bytes| format!(", {:.1} bytes a state", per_state(bytes)));
        if bytes_on_disk > 0 && !self.args.no_times {
            // Writing to a String cannot fail.
            let _ = write!(held, " and {:.1} on disk", per_state(bytes_on_disk));
        }
        match identity {
            Identity::Packed => format!("each state remembered whole{held}"),
            Identity::Fingerprint { bits } => {
                format!("{bits}-bit fingerprints, collision probability {collision_probability:.0e}{held}")
            }
        }
    }

    fn laws_of(&self, slice: &ExploredSlice, text: &mut String) {
        let words = [
            ("proved", Paint::Good),
            ("violated", Paint::Bad),
            ("vacuous", Paint::Warn),
            ("unfinished", Paint::Warn),
            ("undecided", Paint::Warn),
        ];
        for (name, paint) in words {
            let of_it = slice.laws.iter().filter(|(_, found)| found.word() == name);
            let laws: Vec<&str> = of_it.map(|(law, _)| law.id).collect();
            if !laws.is_empty() {
                let padded = self.output.paint(paint, &format!("{name:<12}"));
                put(text, format_args!("    {padded}{}", laws.join(" ")));
            }
        }
    }

    fn witnesses(&self, slice: &ExploredSlice, text: &mut String) {
        let count = |word: &str| slice.laws.iter().filter(|(_, found)| found.word() == word).count();
        let (all, reached, broken) = (slice.laws.len(), count("proved"), count("violated"));
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
        for note in &failure.notes {
            put(text, format_args!("      {note}"));
        }
        let trace = failure.trace_file.as_deref().unwrap_or("nowhere");
        put(text, format_args!("      trace:  {trace}\n      replay: {}", failure.replay_command));
    }

    /// The rules in the scope: what the slices say together.
    fn scope(&self, explored: &Explored, dialect: &str, text: &mut String) {
        put(text, format_args!("\n  rules in scope {}, dialect {dialect}", explored.scope));
        for law in explored.laws() {
            let (paint, said) = match explored.together(law) {
                Together::Proved(slices) => (Paint::Good, format!("proved in {}", slices.join(", "))),
                Together::Violated(failure) => (Paint::Bad, format!("violated: {}", failure.id)),
                Together::Vacuous => (Paint::Warn, "vacuous: nothing to decide in any slice".to_owned()),
                Together::Unfinished => (Paint::Warn, "unfinished: the budget was spent before".to_owned()),
                Together::Parted(slices) => {
                    (Paint::Warn, format!("undecided: specification and core part in {}", slices.join(", ")))
                }
            };
            let said = self.output.paint(paint, &said);
            put(text, format_args!("    {:<4}{:<14}{said}", law.id, law.name));
        }
        let idle = explored.never_fired();
        if !idle.is_empty() {
            put(text, format_args!("    actions that no slice took: {}", idle.join(", ")));
        }
        text.push('\n');
    }
}

fn put(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{line}");
}
