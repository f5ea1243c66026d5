//! `bgcheck adapter`: another implementation under test.

mod check;
mod init;
mod minimize;
mod page;
mod replay;
mod run;

use clap::Subcommand;
use reports::ExitCode;

use crate::error::Error;
use crate::output::Output;

pub(crate) use self::minimize::{Wanted, minimize};
pub(crate) use self::replay::replay;
pub(crate) use crate::engines::adapter::manifest;

/// Use another implementation through its adapter: a program that speaks JSON lines.
///
/// `init` writes the beginning of an adapter, `check` holds it to the protocol, `run` tries the implementation behind it. The protocol is in
/// docs/adapter-protocol.md.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Write the beginning of an adapter into a new directory.
    Init(init::Args),
    /// Hold an adapter to the protocol, and show that what is wrong would be seen through it.
    Check(check::Args),
    /// Try the implementation behind an adapter: suites, races, random paths, one verdict.
    Run(run::Args),
}

impl Args {
    /// Whether an adapter is started.
    pub(crate) const fn runs_a_subject(&self) -> bool {
        matches!(self.what, What::Check(_) | What::Run(_))
    }
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<ExitCode, Error> {
    match &args.what {
        What::Init(args) => init::run(args, output),
        What::Check(args) => check::run(args, output),
        What::Run(args) => run::run(args, output),
    }
}
