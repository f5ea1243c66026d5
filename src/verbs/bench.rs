//! `bgcheck bench`: our explorer against stateright's, in one run.

use reports::ExitCode;
use serde_json::json;

use crate::engines::bench::{Subject, compare, in_json, in_text, measure};
use crate::error::Error;
use crate::output::Output;

/// Compare our explorer with stateright's: states per second, memory, one worker and two.
///
/// Every engine must come to the same counts, or the run ends with 70. Of several rounds the median is shown, with the least and the most;
/// bytes per state are the most memory the process held, all included. Build with `--release`.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  bgcheck bench                      every model, three rounds, some minutes
  bgcheck bench protocol             one model
  bgcheck bench --rounds 9 --json    for a machine")]
pub(crate) struct Args {
    /// The models: counters, commit, protocol; every one when left out.
    #[arg(value_enum, value_name = "MODEL")]
    models: Vec<Subject>,
    /// How often each engine runs on each model.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=99), value_name = "N")]
    rounds: u32,
    /// The figures for a machine.
    #[arg(long)]
    json: bool,
    /// Run this engine once, here, and print what it took.
    #[arg(long, hide = true, value_name = "ENGINE")]
    measure: Option<String>,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<ExitCode, Error> {
    let asked = if args.models.is_empty() { &Subject::ALL[..] } else { &args.models };
    if let (Some(engine), [subject, ..]) = (&args.measure, asked) {
        output.text(&measure(engine, *subject))?;
        return Ok(ExitCode::Held);
    }
    let mut document = Vec::new();
    for subject in asked {
        let figures = compare(*subject, args.rounds, output)?;
        if args.json {
            document.push(in_json(*subject, &figures));
        } else {
            let text = in_text(*subject, args.rounds, &figures);
            output.text(&text)?;
        }
    }
    if args.json {
        output.json(&json!({ "version": 1, "rounds": args.rounds, "models": document }))?;
    }
    Ok(ExitCode::Held)
}
