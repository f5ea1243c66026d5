//! `bgcheck doctor`: what is installed, what is missing, and the command that installs it.

use reports::ExitCode;

use crate::engines::doctor::{Need, Part, parts};
use crate::error::Error;
use crate::output::{Output, Paint};
use crate::place::Place;

/// Say what is installed, what is missing, and the command that installs it.
///
/// Ends with 6 when something is missing that an engine of `bgcheck nightly` needs.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  bgcheck doctor
  bgcheck doctor --json")]
pub(crate) struct Args {
    /// For a machine.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<ExitCode, Error> {
    let parts = parts(&Place::here());
    let missing = |part: &&Part| part.found.is_none() && part.need == Need::Required;
    let code = match parts.iter().any(|part| missing(&part)) {
        true => ExitCode::Skipped,
        false => ExitCode::Held,
    };
    if args.json {
        let document = serde_json::json!({ "version": 1, "parts": parts, "exit_code": code.code() });
        output.json(&document)?;
    } else {
        let text = page(&parts, output);
        output.text(&text)?;
    }
    Ok(code)
}

fn page(parts: &[Part], output: &Output) -> String {
    let mut text = String::new();
    for part in parts {
        let (paint, said) = match (&part.found, part.need) {
            (Some(found), _) => (Paint::Good, found.clone()),
            (None, Need::Required) => (Paint::Bad, "MISSING".to_owned()),
            (None, Need::Optional) => (Paint::Warn, "missing (optional)".to_owned()),
        };
        text += &format!("{:<18}{}\n", part.name, output.paint(paint, &said));
        if part.found.is_none() {
            text += &format!("{:<18}for {}\n{:<18}to install: {}\n", "", part.needed_for, "", part.install);
        }
    }
    text
}
