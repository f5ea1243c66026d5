//! `bgcheck bench`: our explorer against stateright's, and our service against curl, in one run.

use std::path::PathBuf;

use clap::ValueEnum;
use clap::builder::PossibleValue;
use reports::ExitCode;
use serde_json::json;

use crate::engines::bench::{Subject, compare, download, in_json, in_text, measure};
use crate::error::Error;
use crate::output::Output;

/// Compare our explorer with stateright's, and our service with curl: rates and memory.
///
/// Every engine must come to equal counts, or the run ends with 70. Of several rounds the median is shown, with the least and the most;
/// bytes per state are the most memory the process held, all included. `download` fetches one file from a server on this machine to the
/// directory for temporary files, in turn by the service and by curl. Build with `--release`.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  bgcheck bench                      all, three rounds, some minutes
  bgcheck bench protocol             one model
  bgcheck bench download --mib 256   the service and curl, one file of 256 MiB
  bgcheck bench --rounds 9 --json    for a machine")]
pub(crate) struct Args {
    /// Models, and the download; all of them when left out.
    #[arg(value_enum, value_name = "WHAT")]
    what: Vec<What>,
    /// How large the downloaded file is, in MiB.
    #[arg(long, default_value_t = 1024, value_parser = clap::value_parser!(u64).range(1..=65536), value_name = "N")]
    mib: u64,
    /// How often each engine runs on each model, and each program downloads.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=99), value_name = "N")]
    rounds: u32,
    /// The figures for a machine.
    #[arg(long)]
    json: bool,
    /// Run this engine once, here, and print what it took.
    #[arg(long, hide = true, value_name = "ENGINE")]
    measure: Option<String>,
    /// Download this URL to this file once, here, and print what it took.
    #[arg(long, hide = true, num_args = 2, value_names = ["URL", "FILE"])]
    fetch: Vec<String>,
}

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum What {
    Model(Subject),
    Download,
}

impl What {
    const ALL: [What; 4] = [
        What::Model(Subject::Counters),
        What::Model(Subject::Commit),
        What::Model(Subject::Protocol),
        What::Download,
    ];
}

impl ValueEnum for What {
    fn value_variants<'a>() -> &'a [What] {
        &What::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            What::Model(subject) => subject.to_possible_value(),
            What::Download => {
                Some(PossibleValue::new("download").help("A file through the service, and through curl"))
            }
        }
    }
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<ExitCode, Error> {
    if let [url, file] = &args.fetch[..] {
        output.text(&download::fetch(url, PathBuf::from(file))?)?;
        return Ok(ExitCode::Held);
    }
    let asked = if args.what.is_empty() { &What::ALL[..] } else { &args.what };
    if let (Some(engine), [What::Model(subject), ..]) = (&args.measure, asked) {
        output.text(&measure(engine, *subject))?;
        return Ok(ExitCode::Held);
    }
    let (mut models, mut downloads) = (Vec::new(), Vec::new());
    for what in asked {
        let (text, of_json, all) = match *what {
            What::Model(subject) => {
                let figures = compare(subject, args.rounds, output)?;
                (in_text(subject, args.rounds, &figures), in_json(subject, &figures), &mut models)
            }
            What::Download => {
                let measured = download::compare(args.mib, args.rounds, output)?;
                (measured.in_text(), measured.in_json(), &mut downloads)
            }
        };
        if !args.json {
            output.text(&text)?;
        }
        all.push(of_json);
    }
    if args.json {
        let document =
            json!({ "version": 1, "rounds": args.rounds, "models": models, "downloads": downloads });
        output.json(&document)?;
    }
    Ok(ExitCode::Held)
}
