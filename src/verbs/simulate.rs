//! `bgcheck simulate`: ask the specification.

use std::path::PathBuf;

use clap::ValueEnum;
use contract::defect::Design;
use contract::{Core as _, Dialect};
use engine::core::Core;
use properties::canary::Canary;
use properties::minimize::CoreName;
use properties::simulate::{Session, Weak};
use reports::ExitCode;

use crate::cli;
use crate::engines::simulate::{Form, Source, simulate};
use crate::error::Error;
use crate::output::Output;

/// Ask the specification: play client, network, disk and clock step by step.
///
/// Statements are typed at a prompt, or come from arguments, a script or a pipe. Each one is answered with what happens and why (row of a
/// table, rule, sentence of the documents), what is due for whom, what masks it, and what may happen next. The engine's core runs
/// beside the specification and must agree. `help` at the prompt lists the statements; docs/howto/simulate.md has an example.
///
/// Ends with 2 when a rule was broken or specification and core part, and with 1 at a line of a script that is wrong or not possible.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  bgcheck simulate                                                at a prompt; TAB completes
  bgcheck simulate 'create; add; resume; transfer done' '?'       what each call would answer then
  bgcheck simulate 'create; add; resume' --dialect both           where BITS and Delivery Optimization part
  bgcheck simulate --script steps.txt                             a statement a line; `#` begins a comment
  echo 'create; cancel; disk; cancel?' | bgcheck simulate --json  for a machine, an object a line
  bgcheck simulate --design recheck                               a counterexample of docs/barrier.md, typed by hand")]
pub(crate) struct Args {
    /// Lines of statements; without any, and without a script, they come from stdin.
    #[arg(value_name = "LINE", conflicts_with = "script")]
    lines: Vec<String>,
    /// Read the lines from this file.
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Which dialect, or both side by side.
    #[arg(long, value_enum, default_value_t = Dialects::Bits, value_name = "DIALECT")]
    dialect: Dialects,
    /// Every second job is another user's.
    #[arg(long)]
    two_users: bool,
    /// Beside the specification runs the core that is broken on purpose.
    #[arg(long)]
    canary: bool,
    /// Beside the specification runs a core that waits as this design of docs/barrier.md: `claim-then-call`, `recheck`, `gate-no-wait`,
    /// `gate-and-wait`, `wait-unless-own`, `wait-unless-any`, `nothing-new` or `resume-no-wait`.
    #[arg(long, value_parser = cli::design_of_a_core, value_name = "DESIGN", conflicts_with = "canary")]
    design: Option<Design>,
    /// Replies for a machine, an object a line.
    #[arg(long)]
    json: bool,
}

/// Which dialects.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Dialects {
    /// BITS.
    Bits,
    /// Delivery Optimization.
    Do,
    /// Both side by side.
    Both,
}

impl Dialects {
    fn all(self) -> &'static [Dialect] {
        match self {
            Dialects::Bits => &[Dialect::Bits],
            Dialects::Do => &[Dialect::Do],
            Dialects::Both => &Dialect::ALL,
        }
    }
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<ExitCode, Error> {
    let dialects = args.dialect.all();
    match args.design {
        Some(design) => {
            let session = Session::<Weak<Core>>::new(CoreName::Core, dialects, design.maker());
            converse(args, session.under(design), output)
        }
        None if args.canary => {
            converse(args, Session::new(CoreName::Canary, dialects, Canary::<Core>::new), output)
        }
        None => converse(args, Session::new(CoreName::Core, dialects, Core::new), output),
    }
}

fn converse<C: contract::Core>(
    args: &Args,
    session: Session<C>,
    output: &mut Output,
) -> Result<ExitCode, Error> {
    let session = if args.two_users { session.of_two_users() } else { session };
    let source = match (&args.script, args.lines.as_slice()) {
        (Some(file), _) => Source::Script(file),
        (None, []) => Source::Stdin,
        (None, lines) => Source::Arguments(lines),
    };
    let form = if args.json { Form::Json } else { Form::Text };
    simulate(session, &source, form, output)
}
