//! `bgcheck simulate` with files: scripts, pipes, traces and tests that it writes.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const MASKED: &str = "create; add; register p0 v2; flags TRANSFERRED|DISABLE; resume; transfer done";

#[test]
fn a_run_that_is_saved_can_be_judged_and_loaded() {
    let dir = tempfile::tempdir().expect("a test may fail here");
    let saved = simulate(dir.path(), &[MASKED, "flags TRANSFERRED", "deliver", "save run.jsonl"]);
    assert_eq!(saved.status.code(), Some(0), "{}", said(&saved));
    let judged = bgcheck(dir.path(), &["replay", "run.jsonl"]).output().expect("the command runs");
    assert_eq!(judged.status.code(), Some(0), "{}", said(&judged));
    assert!(said(&judged).contains("p0.JobTransferred(j0) starts"), "{}", said(&judged));
    let again = bgcheck(dir.path(), &["replay", "run.jsonl", "--subject", "core"]).output();
    assert_eq!(again.expect("the command runs").status.code(), Some(0));
    let loaded = simulate(dir.path(), &["load run.jsonl", "steps"]);
    // `deliver` is three steps. The turn is one more, which `transfer done` has made.
    assert!(said(&loaded).contains(" 11  j0.leave S_OK\n"), "{}", said(&loaded));
    let (was, is) = (last_stand(&saved), last_stand(&loaded));
    assert_eq!(was, is);
}

/// The test that is printed is the one that is committed, which `properties` compiles and runs.
#[test]
fn the_test_that_is_printed_is_the_one_that_is_committed() {
    let dir = tempfile::tempdir().expect("a test may fail here");
    let printed = simulate(dir.path(), &[MASKED, "cancel; disk", "test simulated_masked_end"]);
    let committed = include_str!("../properties/regressions/simulated_masked_end.rs");
    let (_, test) = committed.split_once("\n\n").expect("a test follows the comment");
    assert!(said(&printed).ends_with(&format!("> test simulated_masked_end\n{test}")), "{}", said(&printed));
}

/// A person does not wait: 50 ms for each answer, here as the mean of many, the start of the command included.
#[test]
fn an_answer_takes_less_than_fifty_milliseconds() {
    let dir = tempfile::tempdir().expect("a test may fail here");
    let mut lines = vec!["create; add; register p0 v2; resume"];
    lines.extend(["flags ERROR", "flags TRANSFERRED", "?", "cancel?"].repeat(50));
    let begun = std::time::Instant::now();
    let answered = simulate(dir.path(), &lines);
    let each = begun.elapsed() / lines.len() as u32;
    assert_eq!(answered.status.code(), Some(0), "{}", said(&answered));
    assert!(each < std::time::Duration::from_millis(50), "{each:?} for each of {} lines", lines.len());
}

#[test]
fn a_script_ends_at_its_first_wrong_line_and_names_it() {
    let dir = tempfile::tempdir().expect("a test may fail here");
    let script =
        |name: &str, text: &str| std::fs::write(dir.path().join(name), text).expect("a test may fail here");
    script("good.txt", "\u{feff}create # a job\r\n\r\nadd; resume\n");
    script("wrong.txt", "create\nadd\nresum3\ncancel\n");
    script("not-now.txt", "create\n\nenter\n");
    script("long.txt", &format!("create\nname {}\n", "x".repeat(100_000)));
    let run =
        |name: &str| bgcheck(dir.path(), &["simulate", "--script", name]).output().expect("the command runs");
    assert_eq!(run("good.txt").status.code(), Some(0), "{}", said(&run("good.txt")));
    for (name, place) in [
        ("wrong.txt", "wrong.txt:3: column 1: \"resum3\" is no word here"),
        ("not-now.txt", "not-now.txt:3: no delivery of j0 has begun"),
        ("long.txt", "long.txt:2: column 16385: the line has more than 16384"),
    ] {
        let wrong = run(name);
        assert_eq!(wrong.status.code(), Some(1), "{}", said(&wrong));
        let error = String::from_utf8_lossy(&wrong.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(error.replace(" │ ", " ").contains(place), "{error}");
    }
    assert!(!said(&run("wrong.txt")).contains("> cancel"), "nothing behind the wrong line is done");
    let missing = run("missing.txt");
    assert_eq!(missing.status.code(), Some(1), "{}", said(&missing));
}

#[test]
fn a_pipe_is_read_line_by_line_and_answered_with_an_object_a_line() {
    let dir = tempfile::tempdir().expect("a test may fail here");
    let mut command = bgcheck(dir.path(), &["simulate", "--json", "--dialect", "both"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the command runs");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(b"create; cancel?\nadd; resume\n?\n").expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).expect("it is text");
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect();
    let kinds: Vec<&str> = lines.iter().filter_map(|line| line["kind"].as_str()).collect();
    assert_eq!(kinds, ["step", "asked", "step", "step", "answers"]);
    assert_eq!(lines[1]["dialects"][0]["answer"], "S_OK");
    let states = lines[3]["stands"].as_array().expect("both").iter().map(|side| &side["jobs"][0]["state"]);
    assert_eq!(states.collect::<Vec<_>>(), ["Queued", "Transferring"]);
}

/// A broken rule is the result, also where a later line is wrong or the step is taken back.
#[test]
fn a_broken_rule_ends_with_2() {
    let dir = tempfile::tempdir().expect("a test may fail here");
    let broken = "create; add; register p0; resume; transfer done; begin; t1: cancel; disk; d0: enter";
    for more in [&["undo"][..], &["nonsense"], &[]] {
        let mut args = vec!["simulate", "--canary", broken];
        args.extend(more);
        let output = bgcheck(dir.path(), &args).output().expect("the command runs");
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains("BROKEN: R1 cancelled"), "{}", said(&output));
    }
}

fn simulate(dir: &Path, lines: &[&str]) -> Output {
    let args: Vec<&str> = ["simulate"].into_iter().chain(lines.iter().copied()).collect();
    bgcheck(dir, &args).output().expect("the command runs")
}

fn bgcheck(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bgcheck"));
    command.args(args).current_dir(dir).env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The last line about the job.
fn last_stand(output: &Output) -> Option<String> {
    said(output).lines().rev().find(|line| line.starts_with("j0 TRANSFERRED: ")).map(str::to_owned)
}
