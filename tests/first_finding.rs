//! The tutorial "your first finding": each of its commands is run, in order, in one directory, and prints what the page has.
//!
//! A block of `console` has commands behind `$`, the exit code behind `?`, and the lines that are printed, in which `...` stands for any lines.

mod support;

use std::path::Path;
use std::process::{Command, Output};

const TUTORIAL: &str = include_str!("../docs/tutorial/your-first-finding.md");

/// A command of the page.
struct Step {
    typed: String,
    exit_code: i32,
    printed: Vec<String>,
}

fn steps() -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut inside = false;
    for line in TUTORIAL.lines() {
        match (inside, line) {
            (false, "```console") => inside = true,
            (true, "```") => inside = false,
            (true, line) => match (line.strip_prefix("$ "), line.strip_prefix("? "), steps.last_mut()) {
                (Some(typed), ..) => {
                    steps.push(Step { typed: typed.to_owned(), exit_code: 0, printed: Vec::new() });
                }
                (None, Some(code), Some(step)) => step.exit_code = code.parse().expect("an exit code"),
                (None, None, Some(step)) => step.printed.push(line.to_owned()),
                (None, _, None) => panic!("a block begins with a command: {line}"),
            },
            _ => {}
        }
    }
    steps
}

#[test]
fn each_command_of_the_tutorial_prints_what_the_page_has() {
    let checkout = support::checkout();
    let regressions = checkout.path().join("properties/regressions");
    std::fs::create_dir_all(&regressions).expect("a test may fail here");
    std::fs::write(regressions.join("mod.rs"), "//! Tests.\n").expect("a test may fail here");
    let steps = steps();
    assert!(steps.len() > 6, "{} commands", steps.len());
    for step in steps {
        let output = run(&step.typed, checkout.path());
        let text =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(step.exit_code), "{}\n{text}", step.typed);
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        assert!(
            fits(&step.printed, &lines),
            "$ {}\n{text}\nis not what the page has:\n{}",
            step.typed,
            step.printed.join("\n")
        );
    }
}

/// Whether the lines are these, where `...` stands for any.
fn fits(wanted: &[String], lines: &[&str]) -> bool {
    match wanted.split_first() {
        // A block may end with an empty line.
        None => lines.iter().all(|line| line.is_empty()),
        Some((first, rest)) if first == "..." => (0..=lines.len()).any(|from| fits(rest, &lines[from..])),
        Some((first, rest)) => {
            lines.split_first().is_some_and(|(line, more)| first.trim_end() == *line && fits(rest, more))
        }
    }
}

/// Runs a line in a shell; `bgcheck` is the one under test.
fn run(typed: &str, dir: &Path) -> Output {
    let directory = Path::new(env!("CARGO_BIN_EXE_bgcheck")).parent().expect("a directory");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path =
        std::env::join_paths(std::iter::once(directory.to_owned()).chain(std::env::split_paths(&path)));
    let mut command = Command::new("sh");
    command.args(["-c", typed]).current_dir(dir).env("PATH", path.expect("no colon in the path"));
    command.env("NO_COLOR", "1").env("COLUMNS", "100").output().expect("there is a shell")
}

#[test]
fn three_dots_stand_for_any_lines_and_nothing_else_does() {
    let wanted = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert!(fits(&wanted("a\n...\nc"), &["a", "b", "b", "c", ""]));
    assert!(fits(&wanted("..."), &[]));
    assert!(!fits(&wanted("a\nc"), &["a", "b", "c"]));
    assert!(!fits(&wanted("a\n...\nd"), &["a", "b", "c"]));
    assert!(!fits(&wanted("a"), &["a", "b"]));
}
