//! `bgcheck`: explores a formal model of background-copy jobs, and fuzzes a real engine against it.
//!
//! **What it is.** The command: [`cli`] declares what can be typed, [`verbs`] has a thin file for each verb, [`engines`] runs the
//! engines of the other crates and turns what they found into results, [`output`] writes to people and machines, [`explain`]
//! explains its words.
//!
//! **What it is not.** A judge or a model. Nothing here knows a rule.
//!
//! **The law it keeps.** Results go to stdout and everything else to stderr; the exit code is one of `docs/exit-codes.md`, even
//! after a panic, and never depends on who reads the output.

#![forbid(unsafe_code)]

mod ci;
mod cli;
mod clock;
mod complaint;
mod error;
mod files;
mod findings;
mod finish;
mod guard;
mod input;
mod lock;
mod night;
mod output;
mod peers;
mod place;
mod progress;
mod resources;
mod run;
mod signals;
mod watch;
mod watched;

mod engines;
mod explain;
mod verbs;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};
use properties::canary;
use reports::Signal;

use crate::cli::Cli;
use crate::output::Output;
use crate::watch::{reaper, worker};

fn main() -> ExitCode {
    if reaper::is_reaper() {
        reaper::reap();
        return ExitCode::SUCCESS;
    }
    signals::catch();
    adapter::on_start(worker::group);
    let code = guard::run(|| match parse() {
        Ok(cli) => obey(&cli),
        Err(error) => say(&error),
    });
    reaper::finish();
    ExitCode::from(code.code())
}

fn parse() -> Result<Cli, clap::Error> {
    // clap colours its own messages before it has read the option that decides whether to.
    let color = output::color_asked_for(std::env::args_os());
    let matches = Cli::command().color(color).try_get_matches()?;
    Cli::from_arg_matches(&matches)
}

fn obey(cli: &Cli) -> reports::ExitCode {
    let mut output = Output::new(cli.color, cli.talk());
    watch::set_limit(cli.limit);
    behave_as_asked();
    let obeyed = match cli.verb.input() {
        Some(input) if !worker::is_worker() => watched::verb(cli, input, &mut output),
        _ => {
            if worker::is_worker() {
                progress::night::begin();
                worker::start();
            }
            verbs::run(&cli.verb, &mut output)
        }
    };
    match obeyed {
        Ok(code) => code,
        Err(error) => {
            // What a run could not do that was stopped, it could not do because it was stopped, unless it found something.
            let stopped = signals::first().filter(|_| error.exit_code() != reports::ExitCode::Violated);
            let code = stopped.map_or(error.exit_code(), Signal::exit_code);
            match stopped {
                Some(signal) => {
                    output.note(&format!("{signal} stopped it before anything was known: {error}"))
                }
                None => output.complain(error),
            }
            code
        }
    }
}

/// Tests ask a canary to hang or to die: see `properties::canary`.
fn behave_as_asked() {
    let asked = std::env::var("BGCHECK_CANARY").ok();
    if let Some(Ok(kind)) = asked.map(|asked| asked.parse()) {
        canary::behave_as(kind);
    }
}

/// clap exits with 2 on a usage error, which here means that a rule was broken.
fn say(error: &clap::Error) -> reports::ExitCode {
    // When the help cannot be written, there is nothing left to do about it.
    let _ = error.print();
    if error.use_stderr() { reports::ExitCode::Usage } else { reports::ExitCode::Held }
}
