//! `bgcheck adapter check`.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use adapter::wire::can;
use contract::defect::{Canary, Place};
use contract::{Event, Method};
use properties::foreign::{Abilities, Stage};
use properties::minimize::Identity;
use properties::oracle::Stop;
use reports::ExitCode;
use serde_json::{Value, json};

use crate::cli;
use crate::engines::adapter::{Trial, Tried, not_opened, tried};
use crate::error::Error;
use crate::output::{Output, printable};

/// Hold an adapter to the protocol.
///
/// Every line is held to the schema while all commands are played that the adapter declares. Then canaries: what the adapter reports is
/// changed on its way, so that the service looks like one that never calls back, one that ignores the mask, and one that is late once in a
/// hundred runs. Each has to be found, or what `run` reports of the adapter is worth little.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  bgcheck adapter check adapters/python/adapter.toml
  bgcheck adapter check my-adapter --no-canaries         the protocol alone, within seconds

Exit codes: 0 the adapter is right and the canaries were found; 4 a canary was not found, or could not be played; 6 the adapter
is at fault.")]
pub(super) struct Args {
    /// The adapter: an adapter.toml, or its directory.
    #[arg(value_name = "ADAPTER")]
    adapter: PathBuf,
    /// Play no canaries.
    #[arg(long)]
    no_canaries: bool,
    /// How long a canary may take.
    #[arg(long, value_parser = cli::budget, default_value = "60s", value_name = "TIME")]
    budget: Duration,
    /// The results for a machine.
    #[arg(long)]
    json: bool,
}

/// What became of a canary.
enum Sung {
    /// It was found, as this, after so long.
    Found(String, Duration),
    NotFound,
    /// It cannot be played on this adapter, and why.
    NotPlayed(&'static str),
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<ExitCode, Error> {
    let manifest = super::manifest(&args.adapter)?;
    let mut stage = Stage::open(&manifest, 1, None).map_err(not_opened)?;
    let hello = stage.session.hello().clone();
    let unknown: Vec<String> = unknown(&hello);
    let tour = properties::foreign::tour(&mut stage).map_err(|fault| not_opened(fault.into()))?;
    let abilities = Abilities::of(&stage.session);
    if let Some(fault) = stage.session.end() {
        return Err(not_opened(fault.into()));
    }
    let mut canaries = Vec::new();
    // What the service does by itself is no canary's.
    let own = if args.no_canaries { BTreeSet::new() } else { own(args, &manifest, output)? };
    for canary in Canary::of(Place::Conversation).filter(|_| !args.no_canaries) {
        let sung = match hindrance(canary, &abilities) {
            Some(why) => Sung::NotPlayed(why),
            None => {
                let (budget, stop) = (args.budget, Stop::AtFirst);
                let trial = Trial {
                    manifest: &manifest,
                    budget,
                    seed: 1,
                    stop,
                    workers: ONE,
                    canary: Some(canary),
                    known: &own,
                };
                sung(&tried(&trial, output)?, &own)?
            }
        };
        canaries.push((canary, sung));
    }
    let code = code(args, &hello, &canaries);
    if args.json {
        output.json(&document(&hello, &unknown, &tour, &canaries, code))?;
        return Ok(code);
    }
    let mut text = format!("{} speaks version {} of the protocol\n", printable(&hello.name), hello.hello);
    let here = |names: &[String], all: usize| format!("{} of {all}", names.len());
    text += &format!(
        "  methods {}, events {}, can: {}\n",
        here(&hello.methods, Method::ALL.len()),
        here(&hello.events, Event::ALL.len()),
        if hello.can.is_empty() { "nothing else".to_owned() } else { hello.can.join(", ") }
    );
    for name in &unknown {
        text += &format!("  not known here, and ignored: {}\n", printable(name));
    }
    for step in &tour {
        text += &format!("  {step}\n");
    }
    for (canary, sung) in &canaries {
        text += &format!("  canary, {}: {}\n", canary.defect().phrase(), in_words(sung));
    }
    if hello.methods.is_empty() {
        text += "  nothing is implemented yet: begin with CreateJob, AddFile, Resume, Cancel and SetNotifyInterface\n";
    }
    text += &format!(
        "\n{}\n",
        if code == ExitCode::Held {
            "the adapter keeps the protocol"
        } else {
            "what is wrong would not be seen through this adapter"
        }
    );
    output.text(&text)?;
    Ok(code)
}

/// What the service is found to do wrong by itself, in the time of a canary.
fn own(args: &Args, manifest: &adapter::Manifest, output: &Output) -> Result<BTreeSet<Identity>, Error> {
    let none = BTreeSet::new();
    let (budget, stop, canary) = (args.budget / 6, Stop::Never, None);
    let tried =
        tried(&Trial { manifest, budget, seed: 1, stop, workers: ONE, canary, known: &none }, output)?;
    Ok(tried.campaign.tally.ids())
}

/// A canary sings in each hundredth run of one process.
const ONE: NonZeroUsize = NonZeroUsize::MIN;

fn sung(tried: &Tried, own: &BTreeSet<Identity>) -> Result<Sung, Error> {
    let new = tried.campaign.tally.found.iter().filter(|(id, _)| !own.contains(id));
    let first = new.min_by_key(|(_, found)| found.first.1);
    match (first, &tried.fault) {
        (Some((id, found)), _) => Ok(Sung::Found(id.to_string(), found.first.1)),
        (None, Some(fault)) => Err(Error::Missing {
            what: fault.to_string(),
            help: "mend the adapter, and check it again".to_owned(),
        }),
        (None, None) => Ok(Sung::NotFound),
    }
}

/// Names of methods, events and abilities that this version does not know.
fn unknown(hello: &adapter::wire::Hello) -> Vec<String> {
    let method = |name: &&String| !Method::ALL.iter().any(|method| method.name() == name.as_str());
    let event = |name: &&String| !Event::ALL.iter().any(|event| event.to_string() == **name);
    let ability = |name: &&String| !can::ALL.contains(&name.as_str());
    let methods = hello.methods.iter().filter(method);
    methods
        .chain(hello.events.iter().filter(event))
        .chain(hello.can.iter().filter(ability))
        .cloned()
        .collect()
}

/// What is missing to play a canary.
fn hindrance(canary: Canary, abilities: &Abilities) -> Option<&'static str> {
    let calls_back = [Method::CreateJob, Method::AddFile, Method::Resume, Method::SetNotifyInterface]
        .into_iter()
        .all(|method| abilities.has(method));
    match canary {
        _ if !calls_back => Some("it needs CreateJob, AddFile, Resume and SetNotifyInterface"),
        Canary::IgnoresTheMask => {
            (!abilities.has(Method::SetNotifyFlags)).then_some("it needs SetNotifyFlags")
        }
        Canary::OneLateCallback => (!abilities.has(Method::Cancel)).then_some("it needs Cancel"),
        _ => None,
    }
}

fn code(args: &Args, hello: &adapter::wire::Hello, canaries: &[(Canary, Sung)]) -> ExitCode {
    // A stub keeps the protocol, and that is all that it has to.
    let is_stub = hello.methods.is_empty() || args.no_canaries;
    let all = canaries.iter().all(|(_, sung)| matches!(sung, Sung::Found(..)));
    if is_stub || all { ExitCode::Held } else { ExitCode::Vacuous }
}

fn in_words(sung: &Sung) -> String {
    match sung {
        Sung::Found(id, after) => format!("found after {:.1} s, {id}", after.as_secs_f64()),
        Sung::NotFound => "NOT FOUND".to_owned(),
        Sung::NotPlayed(why) => format!("not played: {why}"),
    }
}

fn document(
    hello: &adapter::wire::Hello,
    unknown: &[String],
    tour: &[String],
    canaries: &[(Canary, Sung)],
    code: ExitCode,
) -> Value {
    let canary = |(canary, sung): &(Canary, Sung)| json!({ "canary": canary.defect().phrase(), "result": in_words(sung) });
    json!({
        "version": 1,
        "hello": hello,
        "not_known": unknown,
        "tour": tour,
        "canaries": canaries.iter().map(canary).collect::<Vec<_>>(),
        "exit_code": code.code(),
    })
}
