//! What is typed behind `cargo xtask`.

use std::fmt;

use crate::sources::{SOURCES, Source, Takes};

/// What `--help` prints.
pub(crate) const HELP: &str = "\
Maintains the repository.

Usage: cargo xtask bless [OPTIONS] [NAME]...

Renews generated files: those of the steps that are named, or all. Each step prints a line, and which files are not what they were.
Read the difference before you commit it: git diff.

Options:
      --list            Print each step with its files and its source, and run nothing
      --quick           Leave out the steps that take long, from several minutes to hours
      --profile NAME    Build with this profile [default: release]
  -h, --help            Print this

Exit codes:
  0  every step did its work
  1  a step failed; the last lines name it, with the command that repeats it
  2  the command line is wrong
";

/// What is to be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Asked {
    /// Print the help.
    Help,
    /// Print the steps.
    List,
    /// Run steps.
    Bless(Plan),
}

/// Which steps, and how they are built.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Plan {
    pub(crate) steps: Vec<&'static Source>,
    pub(crate) profile: String,
}

/// A command line that is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Wrong {
    NoTask,
    Task(String),
    Option(String),
    Step(String),
    NoProfile,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wrong::NoTask => f.write_str("no task is named; the only one is `bless`"),
            Wrong::Task(name) => write!(f, "there is no task {name:?}; the only one is `bless`"),
            Wrong::Option(name) => write!(f, "there is no option {name:?}"),
            Wrong::Step(name) => {
                let names: Vec<&str> = SOURCES.iter().map(|source| source.name).collect();
                write!(f, "there is no step {name:?}; the steps are {}", names.join(", "))
            }
            Wrong::NoProfile => f.write_str("--profile needs the name of a profile of Cargo.toml"),
        }
    }
}

impl Asked {
    /// Reads the arguments behind the name of the program.
    pub(crate) fn read(mut args: impl Iterator<Item = String>) -> Result<Asked, Wrong> {
        match args.next().as_deref() {
            None => return Err(Wrong::NoTask),
            Some("-h" | "--help" | "help") => return Ok(Asked::Help),
            Some("bless") => {}
            Some(other) => return Err(Wrong::Task(other.to_owned())),
        }
        let (mut names, mut profile) = (Vec::new(), "release".to_owned());
        let (mut quick, mut list) = (false, false);
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "-h" | "--help" => return Ok(Asked::Help),
                "--list" => list = true,
                "--quick" => quick = true,
                "--profile" => profile = args.next().ok_or(Wrong::NoProfile)?,
                option if option.starts_with('-') => return Err(Wrong::Option(arg)),
                _ => names.push(arg),
            }
        }
        if let Some(unknown) = names.iter().find(|name| SOURCES.iter().all(|source| source.name != **name)) {
            return Err(Wrong::Step(unknown.clone()));
        }
        if list {
            return Ok(Asked::List);
        }
        let is_asked = |source: &&Source| names.is_empty() || names.iter().any(|name| name == source.name);
        let fits = |source: &&Source| !quick || source.takes == Takes::Minutes;
        Ok(Asked::Bless(Plan { steps: SOURCES.iter().filter(is_asked).filter(fits).collect(), profile }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Asked, Wrong> {
        Asked::read(line.split_whitespace().map(str::to_owned))
    }

    fn names(line: &str) -> Vec<&'static str> {
        match read(line) {
            Ok(Asked::Bless(plan)) => plan.steps.iter().map(|source| source.name).collect(),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn steps_are_all_or_those_that_are_named_in_the_order_of_the_list() {
        assert_eq!(names("bless").len(), SOURCES.len());
        assert_eq!(names("bless transcripts rules"), ["rules", "transcripts"]);
        let quick = names("bless --quick");
        assert!(quick.contains(&"rules") && !quick.contains(&"faults"), "{quick:?}");
    }

    #[test]
    fn a_wrong_line_is_refused_with_what_is_wrong() {
        assert_eq!(read(""), Err(Wrong::NoTask));
        assert_eq!(read("blass"), Err(Wrong::Task("blass".to_owned())));
        assert_eq!(read("bless --fast"), Err(Wrong::Option("--fast".to_owned())));
        assert_eq!(read("bless --profile"), Err(Wrong::NoProfile));
        assert_eq!(read("bless ruls --list"), Err(Wrong::Step("ruls".to_owned())));
    }

    #[test]
    fn help_and_list_run_nothing() {
        assert_eq!([read("--help"), read("bless rules -h")], [Ok(Asked::Help), Ok(Asked::Help)]);
        assert_eq!(read("bless --quick --list"), Ok(Asked::List));
    }
}
