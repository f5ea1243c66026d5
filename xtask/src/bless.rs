//! Running the steps, one after another, and saying what came of each.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
use std::time::Instant;

use crate::asked::Plan;
use crate::sources::{By, Depth, Source};

/// Lines of a command's output that are shown when it fails.
const SHOWN: usize = 20;

/// Runs the steps of a plan. The exit code is 1 when one of them failed.
pub(crate) fn bless(plan: &Plan) -> ExitCode {
    let bench = Bench::new(&plan.profile);
    let mut failed: Vec<&Source> = Vec::new();
    for (number, source) in (1..).zip(&plan.steps) {
        println!("[{number}/{}] {}: {}", plan.steps.len(), source.name, source.by.shown(&plan.profile));
        let (started, before) = (Instant::now(), bench.contents(source));
        match bench.run(source) {
            Ok(()) => {
                let changed = changed(&before, &bench.contents(source));
                println!("    done in {} s, {changed}", started.elapsed().as_secs());
            }
            Err(why) => {
                println!("    failed after {} s: {why}", started.elapsed().as_secs());
                failed.push(source);
            }
        }
    }
    if failed.is_empty() {
        println!(
            "{} steps, and none failed. Read the difference before you commit it: git diff",
            plan.steps.len()
        );
        return ExitCode::SUCCESS;
    }
    println!("{} of {} steps failed:", failed.len(), plan.steps.len());
    for source in failed {
        println!("    {}: cargo xtask bless --profile {} {}", source.name, plan.profile, source.name);
    }
    ExitCode::from(1)
}

/// Files by their names, with what is in them.
type Contents = BTreeMap<PathBuf, Vec<u8>>;

/// Where steps run.
struct Bench<'a> {
    root: PathBuf,
    profile: &'a str,
}

impl Bench<'_> {
    fn new(profile: &str) -> Bench<'_> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        Bench { root: root.canonicalize().unwrap_or(root), profile }
    }

    fn run(&self, source: &Source) -> Result<(), String> {
        match &source.by {
            By::Test { variable, value, .. } => {
                let mut cargo = self.cargo();
                cargo.args(source.by.test_args(self.profile)).env(variable, value);
                finish(&mut cargo).map(drop)
            }
            By::Command(args) => self.bgcheck(args, &[0]).map(drop),
            By::Output(args, depth) => {
                let output = self.bgcheck(args, &[0, NOTHING_TO_DECIDE])?;
                let text = String::from_utf8_lossy(&output.stdout);
                let text = match depth {
                    Depth::Kept => text.into_owned(),
                    Depth::LeftOut => text.lines().map(|line| without_depth(line) + "\n").collect(),
                };
                let [file] = source.files else { return Err("an output is one file".to_owned()) };
                fs::write(self.root.join(file), text).map_err(|error| format!("{file}: {error}"))
            }
        }
    }

    /// Builds the command as the tests have it, and runs it.
    fn bgcheck(&self, args: &[&str], good: &[i32]) -> Result<Output, String> {
        let mut build = self.cargo();
        build.args(["test", "--workspace", "--profile", self.profile, "--test", "commands", "--no-run"]);
        finish(&mut build)?;
        let mut command = Command::new(self.built());
        ended(command.args(args).current_dir(&self.root), good)
    }

    fn cargo(&self) -> Command {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(&self.root);
        cargo
    }

    /// The file of the command.
    fn built(&self) -> PathBuf {
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
        let directory = match self.profile {
            "dev" | "test" => "debug",
            "bench" => "release",
            other => other,
        };
        self.root.join(target).join(directory).join(format!("bgcheck{}", env::consts::EXE_SUFFIX))
    }

    fn contents(&self, source: &Source) -> Contents {
        let mut contents = Contents::new();
        source.files.iter().for_each(|file| read(&self.root.join(file), &mut contents));
        contents
    }
}

/// A file, or all that is in a directory. What cannot be read is as what is not there.
fn read(path: &Path, contents: &mut Contents) {
    if let Ok(entries) = fs::read_dir(path) {
        entries.filter_map(Result::ok).for_each(|entry| read(&entry.path(), contents));
    } else if let Ok(bytes) = fs::read(path) {
        contents.insert(path.to_owned(), bytes);
    }
}

/// Which files are not what they were, in words.
fn changed(before: &Contents, after: &Contents) -> String {
    let differs = |path: &&PathBuf| before.get(*path) != after.get(*path);
    let all: std::collections::BTreeSet<&PathBuf> = before.keys().chain(after.keys()).collect();
    let names: Vec<String> = all
        .into_iter()
        .filter(differs)
        .map(|path| path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned()))
        .collect();
    if names.is_empty() { "unchanged".to_owned() } else { format!("changed: {}", names.join(", ")) }
}

/// The exit code of bgcheck where some rule has had nothing to decide: the counts are good.
const NOTHING_TO_DECIDE: i32 = 4;

/// Runs a command to its end. Its output is shown when it fails.
fn finish(command: &mut Command) -> Result<Output, String> {
    ended(command, &[0])
}

/// As [`finish`], for a command that may end with each of these codes.
fn ended(command: &mut Command, good: &[i32]) -> Result<Output, String> {
    let output = command.output().map_err(|error| not_started(command, &error))?;
    if output.status.code().is_some_and(|code| good.contains(&code)) {
        return Ok(output);
    }
    let mut lines: Vec<String> = Vec::new();
    for bytes in [&output.stdout, &output.stderr] {
        lines.extend(String::from_utf8_lossy(bytes).lines().map(str::to_owned));
    }
    let last = &lines[lines.len().saturating_sub(SHOWN)..];
    Err(format!("{}\n        {}", output.status, last.join("\n        ")))
}

fn not_started(command: &Command, error: &io::Error) -> String {
    format!("{} does not start: {error}", command.get_program().to_string_lossy())
}

/// The line without `, depth N`.
fn without_depth(line: &str) -> String {
    match line.split_once(", depth ") {
        Some((before, after)) => before.to_owned() + after.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_depth_is_left_out_and_nothing_else() {
        assert_eq!(without_depth("    9 states, 3 edges, depth 12, exact"), "    9 states, 3 edges, exact");
        assert_eq!(without_depth("no depth"), "no depth");
    }

    #[test]
    fn a_file_that_is_new_gone_or_different_is_named() {
        let of = |files: &[(&str, &str)]| -> Contents {
            files.iter().map(|(name, text)| (PathBuf::from(name), text.as_bytes().to_vec())).collect()
        };
        let before = of(&[("a", "1"), ("b", "1"), ("c", "1")]);
        assert_eq!(changed(&before, &before), "unchanged");
        assert_eq!(changed(&before, &of(&[("a", "1"), ("b", "2"), ("d", "1")])), "changed: b, c, d");
    }

    #[test]
    fn a_command_that_fails_is_an_error_with_its_output() {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        let error = finish(cargo.arg("no-such-subcommand")).expect_err("there is no such subcommand");
        assert!(error.contains("no-such-subcommand"), "{error}");
        let error = finish(&mut Command::new("/no/such/program")).expect_err("there is no such program");
        assert!(error.starts_with("/no/such/program does not start"), "{error}");
    }
}
