//! `bgcheck completions`: what a shell completes.

use clap::CommandFactory;
use clap_complete::Shell;
use reports::ExitCode;

use crate::cli::Cli;
use crate::error::Error;
use crate::output::Output;

/// Print the completions of a shell.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  bgcheck completions bash > ~/.local/share/bash-completion/completions/bgcheck
  bgcheck completions fish > ~/.config/fish/completions/bgcheck.fish")]
pub(crate) struct Args {
    /// Which shell.
    shell: Shell,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<ExitCode, Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "bgcheck", &mut script);
    output.text(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::Held)
}
