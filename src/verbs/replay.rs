//! `bgcheck replay`: what happened, as a timeline, and the verdicts of the rules.

use std::path::PathBuf;
use std::time::Duration;

use reports::{Chart, ExitCode};

use crate::cli::CoreChoice;
use crate::engines::replay::{Page, Window, judged, long};
use crate::error::Error;
use crate::files::write;
use crate::finish::Reader;
use crate::input::{Given, InputArgs, Taken};
use crate::output::Output;
use crate::watch::{Limit, worker};

/// Show a trace, a fuzzer's artifact or a regression as a timeline, and judge it.
///
/// A trace is judged as it was recorded. One that was written down for a finding ends with the finding's exit code, also where no
/// rule sees the finding in the trace. With `--subject` its calls are run again on that core, and the new run is judged. A race is run
/// again on the service, and must come out as it was recorded.
///
/// A trace may have a byte order mark, be in UTF-16, be packed with gzip, be a JSON array, or have lines before its header. The
/// first line of the output names what the file was taken for. Bytes are an input of a fuzz target in a folder such as
/// fuzz/artifacts/lockstep, and elsewhere with `--target`.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  bgcheck replay target/traces/R1-7f3a09c2-bits.jsonl                     as it was recorded
  bgcheck replay target/traces/R1-7f3a09c2-bits.jsonl --subject core      is it repaired?
  bgcheck replay fuzz/artifacts/lockstep/crash-0123abcd                   the program of a crash
  bgcheck replay crash-0123abcd --target schedule                         the race of a crash, from any place
  bgcheck replay target/traces/R1-0123abcd-bits.jsonl --subject core      a race: its schedule again
  bgcheck replay night.jsonl --around 812345                              of a long trace, forty lines
  bgcheck replay target/traces/R1-7f3a09c2-bits.jsonl --svg chart.svg     a picture, for a page or a report
  bgcheck replay target/traces/agreement-0123abcd-path.jsonl --adapter adapter.toml
  my-recorder | bgcheck replay -                                          a trace from another program
  bgcheck replay trace.jsonl --json                                       verdicts for a machine")]
pub(crate) struct Args {
    #[command(flatten)]
    input: InputArgs,
    /// Run it again on this core.
    #[arg(long, value_enum, value_name = "CORE")]
    subject: Option<CoreChoice>,
    /// Lead another implementation along the path of the trace, through its adapter.
    #[arg(long, value_name = "ADAPTER", conflicts_with = "subject")]
    adapter: Option<PathBuf>,
    /// How often.
    #[arg(long, value_name = "N", requires = "adapter", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    times: u32,
    /// Draw it as a sequence chart into this file, too.
    #[arg(long, value_name = "FILE", conflicts_with = "adapter")]
    svg: Option<PathBuf>,
    /// Draw only the lines around the one with this number.
    #[arg(long, value_name = "SEQ", conflicts_with = "last")]
    around: Option<u64>,
    /// Draw only this number of lines at the end.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    last: Option<u32>,
    /// The verdicts for a machine.
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(crate) fn is_stdin(&self) -> bool {
        self.input.is_stdin()
    }
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<ExitCode, Error> {
    worker::begin("replay", None, "", Limit::Silence(PATIENCE));
    let source = args.input.source()?;
    if args.subject.is_none()
        && let Some((lines, for_what)) = source.longer_than(WHOLE)?
    {
        let page = long((args.input.name(), for_what), &source, lines, args.window())?;
        return args.show(&page, output);
    }
    let Taken { given, for_what } = source.read()?;
    if let Some(adapter) = &args.adapter {
        let Given::Trace(trace) = given else {
            let help = "name a trace in JSON Lines";
            return Err(Error::usage("only a trace can be led through an adapter", help));
        };
        return super::adapter::replay(adapter, &trace, (args.times, args.json), output);
    }
    let page = judged((args.input.name(), for_what), args.input.path(), given, args.subject, args.window())?;
    args.show(&page, output)
}

/// Traces of up to this number of lines are read as a whole.
const WHOLE: u64 = 20_000;

/// How long a run may take to be made again. It takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(120);

impl Args {
    fn window(&self) -> Window {
        match (self.around, self.last) {
            (Some(seq), _) => Window::Around(seq),
            (None, Some(lines)) => Window::Last(lines as usize),
            (None, None) => Window::Usual,
        }
    }

    fn show(&self, page: &Page, output: &mut Output) -> Result<ExitCode, Error> {
        match Reader::of_json(self.json) {
            Reader::Machine => output.json(&page.document())?,
            Reader::Person => {
                let text = page.text(output);
                output.text(&text)?;
            }
        }
        if let Some(file) = &self.svg {
            let chart = Chart::read(page.drawn()).ok_or_else(|| {
                let help = "leave `--svg` out, or draw another part of it";
                Error::usage(format!("{} has no event to draw", page.name()), help)
            })?;
            write(file, &chart.picture(page.name()))?;
        }
        Ok(page.code())
    }
}
