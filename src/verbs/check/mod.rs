//! `bgcheck check`: proved in the scope, or the shortest counterexample.

mod asked;
mod page;

use std::cell::Cell;
use std::path::PathBuf;
use std::time::Duration;

use contract::Dialect;
use contract::defect::Design;
use judge::{Rule, RuleSet};
use model::explore::{Options, Resources};
use model::keep::{About, Keep};
use model::protocol::{Law, Table};
use model::scope::ScopeName;
use reports::{ExitCode, Status};

use self::asked::{Model, Search, model, of_product, of_protocol, rules};
use self::page::{Page, Times, document, slice_json, verdict};
use crate::cli::{self, CoreChoice};
use crate::engines::check::{self, default_traces};
use crate::engines::explored::{Done, Explored};
use crate::engines::search::{Labels, Search as How, Telling};
use crate::engines::{liveness, protocol};
use crate::error::Error;
use crate::findings::Traces;
use crate::finish;
use crate::lock::Lock;
use crate::output::Output;
use crate::place::Place;
use crate::progress::{Ahead, Work};
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
  bgcheck check --engine stateright              by another search, to compare
  bgcheck check --scope wide --model protocol --memory 4G --checkpoint run
                                                 for hours: within 4 GiB, and kept on disk
  bgcheck check --scope wide --model protocol --memory 8G --resume run
                                                 after a kill, with an equal result
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
    /// Which search explores: ours, or stateright's to hold it against. Counts and verdicts are equal.
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
    /// Leave out times and rates, so that the output is identical every time.
    #[arg(long)]
    no_times: bool,
    /// The results for a machine, as `bgcheck report` reads them, with what was found in each slice; and on stderr
    /// a line of JSON for each level.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    resources: resources::LongArgs,
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
    // A user who asks for some rules has not asked for duties.
    let duties = model.includes(Model::Protocol) && args.rules.is_empty();
    if duties {
        results.rules.extend(run::duty_texts());
    }
    let times = if args.no_times { Times::LeftOut } else { Times::Shown };
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
        let text = Page { times, output }.explored(&explored);
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
        ahead: Ahead::on(1, &place),
        expected: Labels::default(),
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
    /// A model that carries none of the rules asked for is not explored.
    fn all(&self, model: Model, duties: bool, output: &mut Output, take: Done<'_>) -> Result<(), Error> {
        let product = model.includes(Model::Product) && self.carried.intersects(of_product());
        let protocol = model.includes(Model::Protocol) && self.carried.intersects(of_protocol());
        let laws = Law::of(self.carried);
        let design = self.args.design.unwrap_or(Design::Barrier);
        let on_product = check::Plan {
            search: self.search,
            rules: self.carried.intersection(of_product()),
            core: CoreChoice::canary(self.args.canary),
        };
        let on_protocol = protocol::Plan { search: self.search, laws: &laws, design };
        // All of it is known before the first begins, so that what is left is about the whole.
        if product {
            check::expect(&on_product);
        }
        if protocol {
            protocol::expect(&on_protocol);
        }
        if duties {
            liveness::expect(&on_protocol);
        }
        if product {
            check::run(&on_product, output, take)?;
        }
        if protocol {
            protocol::run(&on_protocol, output, take)?;
        }
        if duties { liveness::run(&on_protocol, output, take) } else { Ok(()) }
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
        let tell = |now: model::explore::Progress| progress.tell(Work::UNKNOWN, || now.to_string());
        let engine = args.engine.into();
        let (threads, resources) = (run::threads(args.threads), &resources);
        let options = Options { engine, threads, budget: None, progress: &tell, resources };
        let table = Table::of(args.scope, dialect.profile(), &options)?;
        drop(progress);
        output.text(&format!("Scope `{}`, dialect `{dialect}`:\n\n{}\n", args.scope, table.markdown()))?;
    }
    Ok(ExitCode::Held)
}
