//! What a night leaves for CI systems and for the nights after it: every format from one run, and again from the next.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// A night of a subject that is broken on purpose, in seconds.
fn night(dir: &Path, out: &str) -> Output {
    let mut command = in_a_workflow(dir);
    command.args(["nightly", "--canary", "--budget", "4m", "--seed", "1", "--quiet", "--engine", "check"]);
    command.args([
        "--out",
        out,
        "--junit",
        "ci/junit.xml",
        "--sarif",
        "ci/bgcheck.sarif",
        "--history",
        "ci/history.ndjson",
    ]);
    command.arg("--annotations");
    let ended = command.output().expect("the command runs");
    assert_eq!(ended.status.code(), Some(2), "{}", String::from_utf8_lossy(&ended.stderr));
    ended
}

/// As in a GitHub workflow.
fn in_a_workflow(dir: &Path) -> Command {
    let mut command = bgcheck(dir);
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", dir.join("summary.md"));
    command.env("BGCHECK_PAGES", "https://example.org/bgcheck/blob/main");
    command
}

fn bgcheck(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bgcheck"));
    command.current_dir(dir).env("NO_COLOR", "1");
    for name in ["GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "BGCHECK_PAGES"] {
        command.env_remove(name);
    }
    command
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn a_night_informs_its_ci_system_and_the_nights_after_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    let first = night(dir, "first");
    let told = String::from_utf8_lossy(&first.stderr);
    let errors = told.lines().filter(|line| line.starts_with("::error title=R")).count();
    assert!((2..=10).contains(&errors), "{told}");

    let sarif: Value = serde_json::from_str(&read(&dir.join("ci/bgcheck.sarif"))).expect("it is JSON");
    let run = &sarif["runs"][0];
    let results = run["results"].as_array().expect("there are results");
    assert!(results.iter().any(|result| result["ruleId"] == "R1"), "{sarif:#}");
    let help = run["tool"]["driver"]["rules"][0]["helpUri"].as_str().expect("the pages are known");
    assert!(help.starts_with("https://example.org/bgcheck/blob/main/docs/contract.md#r1-"), "{help}");
    assert!(read(&dir.join("ci/junit.xml")).contains("<failure message=\"R1-"));
    // What is broken on purpose is nothing for the page of the workflow.
    assert!(!dir.join("summary.md").exists());
    assert!(String::from_utf8_lossy(&first.stdout).contains("This is the first night that is kept"));

    let second = night(dir, "second");
    assert!(String::from_utf8_lossy(&second.stdout).contains("found again"));
    let history = read(&dir.join("ci/history.ndjson"));
    let nights: Vec<Value> =
        history.lines().map(|line| serde_json::from_str(line).expect("a line is a night")).collect();
    assert_eq!(nights.len(), 2, "{history}");
    assert_eq!(nights[0]["findings"][0]["first"], nights[1]["findings"][0]["first"]);
    assert!(nights[0]["toolchain"].as_str().is_some_and(|name| name.starts_with("rustc ")), "{history}");

    let report = |args: &[&str]| bgcheck(dir).arg("report").args(args).output().expect("the command runs");
    let trend = report(&["--trend", "ci/history.ndjson", "--html", "ci/trend.html"]);
    let text = String::from_utf8_lossy(&trend.stdout);
    assert!(trend.status.success() && text.starts_with("Trend of the nights\n2 nights from "), "{text}");
    assert!(read(&dir.join("ci/trend.html")).contains("<svg class=\"spark\""));
    // One seed finds one thing, so nothing is new.
    let compared = report(&["first", "second"]);
    assert_eq!(compared.status.code(), Some(0), "{}", String::from_utf8_lossy(&compared.stdout));
    let formats = ["junit", "sarif"].map(|format| report(&["first", "--format", format]));
    assert!(formats.iter().all(|shown| shown.status.code() == Some(2) && !shown.stdout.is_empty()));
    let none = report(&["first", "second", "--format", "sarif"]);
    assert_eq!(none.status.code(), Some(1));
}

/// Without options: the history beside the reports, and in a workflow its page and the annotations.
#[test]
fn an_ordinary_night_needs_no_option_to_be_kept_and_shown() {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    let mut command = in_a_workflow(dir);
    command.args(["nightly", "--budget", "1s", "--seed", "1", "--quiet", "--engine", "properties"]);
    let ended = command.output().expect("the command runs");
    let told = String::from_utf8_lossy(&ended.stderr);
    let code = ended.status.code().expect("it was not killed");
    assert_eq!(told.lines().any(|line| line.starts_with("::")), code != 0, "{code}: {told}");
    let summary = read(&dir.join("summary.md"));
    assert!(summary.starts_with("# bgcheck: ") && summary.contains("## Rules x subjects"), "{summary}");
    assert!(summary.contains("This is the first night that is kept"), "{summary}");
    assert_eq!(read(&dir.join("reports/history.ndjson")).lines().count(), 1);
    let trend = bgcheck(dir).args(["report", "--trend"]).output().expect("the command runs");
    assert!(String::from_utf8_lossy(&trend.stdout).contains("properties (product)"), "{trend:?}");
}

/// Its history and its formats are no reason for a night to end otherwise.
#[test]
fn what_cannot_be_written_is_a_warning() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("ci"), "a file where a directory has to be").expect("it can be written");
    let ended = night(dir.path(), "out");
    let told = String::from_utf8_lossy(&ended.stderr);
    for file in ["junit.xml", "bgcheck.sarif", "history.ndjson"] {
        assert!(
            told.lines().any(|line| line.starts_with("warning: ") && line.contains(file)),
            "{file}: {told}"
        );
    }
    assert!(dir.path().join("out/report.html").exists());
}
