//! The committed pictures are what the command draws. `UPDATE_PICTURES=1` writes them again.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

fn run(args: &[&str], exit_code: i32) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bgcheck"));
    let done = command.args(args).env("NO_COLOR", "1").output().expect("the command runs");
    let said = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(exit_code), "{args:?}\n{said}");
}

/// Compares what is drawn with what is committed, or commits it.
fn compare(name: &str, drawn: &Path) {
    let committed = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/pictures").join(name);
    let drawn = std::fs::read_to_string(drawn).expect("it has been drawn");
    if std::env::var_os("UPDATE_PICTURES").is_some() {
        std::fs::create_dir_all(committed.parent().expect("a directory"))
            .expect("the checkout can be written");
        std::fs::write(&committed, &drawn).expect("the checkout can be written");
    }
    let there = std::fs::read_to_string(&committed).unwrap_or_default();
    assert!(drawn == there, "{} is stale: UPDATE_PICTURES=1 cargo test --test pictures", committed.display());
    assert!(!drawn.contains("href") && !drawn.contains("<script"), "a picture loads nothing");
}

#[test]
fn the_counterexample_is_drawn_as_it_is_committed() {
    let trace = support::served::raced_trace("pictures");
    let dir = trace.parent().expect("a directory");
    // The name of the file stands in the picture, so it is named from where it lies.
    let mut replay = Command::new(env!("CARGO_BIN_EXE_bgcheck"));
    replay.args(["replay", "R1-20902fa0-race-bits.jsonl", "--svg", "chart.svg", "--quiet"]).current_dir(dir);
    assert_eq!(replay.output().expect("the command runs").status.code(), Some(2));
    compare("late-callback.svg", &dir.join("chart.svg"));
}

/// What the command prints in a terminal of 100 columns, as a picture.
fn terminal(args: &[&str], exit_code: i32) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bgcheck"));
    // Lines are broken where a terminal shows them, and as a process that is watched breaks them.
    command.args(args).args(["--color", "always"]).env("BGCHECK_WIDTH", "100").env("BGCHECK_COLORS", "oe");
    command.current_dir("tests/cmd/report.in");
    let done = command.output().expect("the command runs");
    let printed = String::from_utf8(done.stdout).expect("the command prints UTF-8");
    assert_eq!(done.status.code(), Some(exit_code), "{args:?}\n{printed}");
    let typed = args.iter().map(|arg| if arg.contains(' ') { format!("'{arg}'") } else { (*arg).to_owned() });
    let typed = typed.collect::<Vec<_>>().join(" ");
    anstyle_svg::Term::new().render_svg(&format!("$ bgcheck {typed}\n{printed}"))
}

#[test]
fn what_a_terminal_shows_is_drawn_as_it_is_committed() {
    let dir = tempfile::tempdir().expect("a test may fail here");
    let masked = "create; add; register p0 v2; flags TRANSFERRED|DISABLE; resume; transfer done";
    for (name, args, exit_code) in [
        ("simulate.svg", vec!["simulate", masked, "what-if cancel"], 0),
        ("report.svg", vec!["report", "after.json"], 2),
        ("compare.svg", vec!["report", "before.json", "after.json"], 2),
        ("trend.svg", vec!["report", "--trend", "history.ndjson"], 0),
    ] {
        let file = dir.path().join(name);
        std::fs::write(&file, terminal(&args, exit_code)).expect("a test may fail here");
        compare(name, &file);
    }
}

#[test]
fn the_state_graphs_are_drawn_as_they_are_committed() {
    let dir = tempfile::tempdir().expect("a test may fail here");
    for dialect in ["bits", "do"] {
        let file = dir.path().join(format!("{dialect}.svg"));
        run(&["graph", "--dialect", dialect, "--format", "svg", "--out", &file.display().to_string()], 0);
        compare(&format!("states-{dialect}.svg"), &file);
    }
}
