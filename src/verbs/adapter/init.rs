//! `bgcheck adapter init`.

use std::path::PathBuf;

use clap::ValueEnum;
use reports::ExitCode;

use crate::error::Error;
use crate::files::write;
use crate::output::{Output, printable};
use crate::run::quoted;

/// Write the beginning of an adapter into a new directory.
///
/// It keeps the protocol from the start, and answers each method with `unimplemented` until you write it.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  bgcheck adapter init python my-adapter
  bgcheck adapter check my-adapter")]
pub(super) struct Args {
    /// What it is to be written in.
    #[arg(value_enum, value_name = "LANGUAGE")]
    language: Language,
    /// The directory; it must not be there, or be empty.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Language {
    /// Python 3, standard library alone.
    Python,
    /// C, with pthreads.
    C,
    /// C++ 17.
    Cpp,
    /// Rust, with serde_json.
    Rust,
}

/// A file's name, and its text.
type Template = (&'static str, &'static str);

macro_rules! template {
    ($dir:literal: $($from:literal => $to:literal),* $(,)?) => {
        &[$(($to, include_str!(concat!("../../../adapters/templates/", $dir, "/", $from))),)*]
    };
}

impl Language {
    const fn files(self) -> &'static [Template] {
        match self {
            Language::Python => {
                template!("python": "adapter.py" => "adapter.py", "adapter.toml" => "adapter.toml", "README.md" => "README.md")
            }
            Language::C => {
                template!("c": "adapter.c" => "adapter.c", "Makefile" => "Makefile", "adapter.toml" => "adapter.toml", "README.md" => "README.md")
            }
            Language::Cpp => {
                template!("cpp": "adapter.cpp" => "adapter.cpp", "Makefile" => "Makefile", "adapter.toml" => "adapter.toml", "README.md" => "README.md")
            }
            Language::Rust => {
                template!("rust": "Cargo.toml.template" => "Cargo.toml", "src/main.rs" => "src/main.rs", "adapter.toml" => "adapter.toml", "README.md" => "README.md")
            }
        }
    }

    /// What has to be typed before it runs.
    const fn build(self) -> Option<&'static str> {
        match self {
            Language::Python => None,
            Language::C | Language::Cpp => Some("make"),
            Language::Rust => Some("cargo build --release"),
        }
    }
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<ExitCode, Error> {
    let shown = printable(&args.dir.display().to_string());
    let is_empty = |dir: &PathBuf| std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_none());
    if args.dir.exists() && !is_empty(&args.dir) {
        return Err(Error::usage(
            format!("{shown} is there already, and is not empty"),
            "name a new directory",
        ));
    }
    let mut text = String::new();
    for (name, content) in args.language.files() {
        write(&args.dir.join(name), content)?;
        text += &format!("{shown}/{name}\n");
    }
    text += "\nnext:\n";
    let typed = quoted(&shown);
    if let Some(build) = args.language.build() {
        text += &format!("  cd {typed} && {build} && cd -\n");
    }
    text += &format!("  bgcheck adapter check {typed}\n");
    output.text(&text)?;
    Ok(ExitCode::Held)
}
