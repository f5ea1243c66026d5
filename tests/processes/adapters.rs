//! `bgcheck adapter` with adapters that are wrong: what they do is never taken for what the implementation does.

use std::path::Path;
use std::process::{Command, Output};

use crate::support;
use crate::support::broken::{UNIMPLEMENTED, adapter};

fn bgcheck(args: &[&str], path: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bgcheck"))
        .args(["--color", "never", "-q", "adapter"])
        .args(args)
        .arg(path)
        .args(if args == ["run"] { &["--budget", "3s", "--seed", "1"][..] } else { &[] })
        .output()
        .expect("the command starts")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_stub_keeps_the_protocol_and_is_not_held() {
    let directory = tempfile::tempdir().expect("a directory");
    let manifest = adapter(directory.path(), "[]", UNIMPLEMENTED);
    let checked = bgcheck(&["check"], &manifest);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked));
    assert!(text(&checked).contains("nothing is implemented yet"), "{}", text(&checked));
    let run = bgcheck(&["run"], &manifest);
    assert_eq!(run.status.code(), Some(4), "{}", text(&run));
    assert!(text(&run).contains("CreateJob: the adapter does not pass it on"), "{}", text(&run));
}

#[test]
fn what_an_adapter_does_wrong_is_its_own_fault() {
    let cases = [
        ("        out('no JSON')", "not a JSON object"),
        ("        out({'q': q, 'end': 'seven'})", "invalid type"),
        ("        out({'q': q, 'leave': 1})", "exactly one of `hr`, `threw` and `exited`"),
        ("        out({'errored': id, 'message': 'no such job', 'traceback': 'line 7'})", "no such job"),
        ("        sys.exit('out of memory')", "out of memory"),
        ("        pass", "does not answer within 500 ms"),
        ("        out({'q': q, 'end': id})", "has to be answered with `unimplemented`"),
    ];
    for (answer, wanted) in cases {
        let directory = tempfile::tempdir().expect("a directory");
        let manifest = adapter(directory.path(), "['CreateJob']", answer);
        let checked = bgcheck(&["check"], &manifest);
        assert_eq!(checked.status.code(), Some(6), "{answer}\n{}", text(&checked));
        // The terminal's width folds lines.
        let flat =
            text(&checked).split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
        assert!(flat.contains(wanted), "{answer}\n{flat}");
    }
}

#[test]
fn a_run_ends_and_with_the_code_of_its_verdict() {
    let needed = "['CreateJob', 'AddFile', 'Resume', 'Cancel', 'SetNotifyInterface']";
    let flood = "        while True: q += 1; out({'q': q, 'enter': q, 'job': 0, 'event': 'JobTransferred', 'receiver': 0})";
    let cases = [
        // Everything is named, and nothing is implemented.
        (needed, UNIMPLEMENTED, 4, "verdict: vacuous"),
        // It never answers, whether it writes or not: that is no call which hangs.
        (needed, flood, 6, "does not answer within 500 ms"),
        (needed, "        import time; time.sleep(100)", 6, "does not answer within 500 ms"),
        (needed, "        out('x' * 3000000)", 6, "none of the protocol"),
        (needed, "        sys.exit(9)", 6, "exit status: 9"),
    ];
    for (methods, answer, code, wanted) in cases {
        let directory = tempfile::tempdir().expect("a directory");
        let manifest = adapter(directory.path(), methods, answer);
        let run = bgcheck(&["run"], &manifest);
        let flat = text(&run).split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(run.status.code(), Some(code), "{answer}\n{flat}");
        assert!(flat.contains(wanted), "{answer}\n{flat}");
    }
    for (answer, wanted) in
        [("", "does not answer"), ("print('{\"hello\":2,\"q\":0,\"name\":\"x\"}')", "version 2")]
    {
        let directory = tempfile::tempdir().expect("a directory");
        let manifest = adapter(directory.path(), "[]", UNIMPLEMENTED);
        let program = format!(
            "import sys, time\nsys.stdin.readline()\n{answer}\nsys.stdout.flush()\ntime.sleep(100)\n"
        );
        std::fs::write(directory.path().join("adapter.py"), program).expect("the directory can be written");
        let text = std::fs::read_to_string(&manifest).expect("it was written").replace("5000", "1000");
        std::fs::write(&manifest, text).expect("the directory can be written");
        let run = bgcheck(&["run"], &manifest);
        let flat = self::text(&run).split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(run.status.code(), Some(6), "{flat}");
        assert!(flat.contains(wanted), "{flat}");
    }
}

/// It makes the first job, and leaves every later CreateJob open without a beginning: the implementation is never called, so it is not blamed.
#[test]
fn a_call_that_was_never_made_blames_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let answer = "        if command.get('call') == 'CreateJob':\n\
         \x20           if command['job'] > 0: continue\n\
         \x20           out({'q': q, 'start': id})\n\
         \x20           out({'q': q + 1, 'end': id, 'hr': '0x00000000'})\n\
         \x20       elif 'call' in command:\n\
         \x20           out({'q': q, 'start': id})\n\
         \x20           out({'q': q + 1, 'end': id, 'hr': '0x00000000'})\n\
         \x20       elif 'poll' in command: out({'q': q, 'end': id, 'out': {'state': 'Suspended'}})\n\
         \x20       else: out({'q': q, 'end': id})";
    let manifest = adapter(directory.path(), "['CreateJob']", answer);
    let run = bgcheck(&["run"], &manifest);
    let flat = text(&run).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("does not begin the call CreateJob"), "{flat}");
    assert!(!flat.contains("does not come back in time"), "{flat}");
    assert_ne!(run.status.code(), Some(2), "{flat}");
}

#[test]
fn what_is_typed_wrong_is_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let manifest = directory.path().join("adapter.toml");
    let cases = [
        (None, "adapter.toml"),
        (Some("dialect = \"bits\"\n"), "command"),
        (Some("command = []\ndialect = \"bits\"\n"), "`command` is empty"),
        (Some("command = [\"x\"]\ndialect = \"klingon\"\n"), "klingon"),
        (Some("command = [\"x\"]\ndialect = \"bits\"\ncal_ms = 1\n"), "cal_ms"),
    ];
    for (content, wanted) in cases {
        if let Some(content) = content {
            std::fs::write(&manifest, content).expect("the directory can be written");
        }
        let run = bgcheck(&["run"], &manifest);
        assert_eq!(run.status.code(), Some(1), "{content:?}\n{}", text(&run));
        assert!(text(&run).contains(wanted), "{content:?}\n{}", text(&run));
    }
    std::fs::write(&manifest, "command = [\"./nothing-here\"]\ndialect = \"bits\"\n").expect("written");
    let run = bgcheck(&["run"], &manifest);
    assert_eq!(run.status.code(), Some(6), "{}", text(&run));
    assert!(text(&run).contains("cannot be started"), "{}", text(&run));
}

#[test]
fn each_template_is_written_and_not_over_what_is_there() {
    let directory = tempfile::tempdir().expect("a directory");
    for language in ["python", "c", "cpp", "rust"] {
        let target = directory.path().join(language);
        let init = bgcheck(&["init", language], &target);
        assert_eq!(init.status.code(), Some(0), "{}", text(&init));
        assert!(target.join("adapter.toml").is_file());
        let again = bgcheck(&["init", language], &target);
        assert_eq!(again.status.code(), Some(1), "{}", text(&again));
    }
}

#[test]
fn a_committed_suite_holds_through_the_pipe() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("adapters/python/adapter.toml");
    let conformed = Command::new(env!("CARGO_BIN_EXE_bgcheck"))
        .args(["--color", "never", "-q", "conform", "--suite", "bits-tiny-at-rest", "--adapter"])
        .arg(&manifest)
        .output()
        .expect("the command starts");
    let text = text(&conformed);
    assert_eq!(conformed.status.code(), Some(0), "{text}");
    // Paths that wait for a timer or let the disk fail cannot be led.
    assert!(
        text.contains("0 failed") && text.contains("time passes") && text.contains("cannot `disk`"),
        "{text}"
    );
}

/// What it tours of the tutorial's adapter, and of ours, which can more.
#[test]
fn the_tour_plays_what_can_go_wrong_and_names_what_it_does_not_play() {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("adapters/python/adapter.toml");
    let engine = support::bgcheck().with_file_name(format!("adapter-engine{}", std::env::consts::EXE_SUFFIX));
    let directory = tempfile::tempdir().expect("a directory");
    let ours = directory.path().join("adapter.toml");
    let text = format!("command = [{:?}]\ndialect = \"bits\"\n", engine.display().to_string());
    std::fs::write(&ours, text).expect("the directory can be written");
    let both = [
        "a callback that throws",
        "a callback that calls ",
        "its process ended during a call, and a new one makes a job",
    ];
    let of_python = ["not played, not in `can`: ", "`users`", "not played, methods: Suspend, Cancel"];
    let of_ours = ["calls of two users", "not played, in `can`: `nested_jobs`"];
    for (manifest, own) in [(&python, &of_python[..]), (&ours, &of_ours[..])] {
        let checked = bgcheck(&["check", "--no-canaries"], manifest);
        let text = self::text(&checked);
        assert_eq!(checked.status.code(), Some(0), "{text}");
        for wanted in both.iter().chain(own) {
            assert!(text.contains(wanted), "there is no {wanted:?} in\n{text}");
        }
    }
}

/// It promises what its callbacks do not do.
#[test]
fn a_callback_that_does_not_end_as_ordered_is_the_fault_of_the_adapter() {
    let throws = ("adapter.py", "order.get(\"throw\")", "False");
    let nests = ("adapter.py", "order.get(\"calls\", [])", "[]");
    for (change, wanted) in [(throws, "has left without `threw`"), (nests, "has made 0 calls")] {
        let (code, text) = support::mini::checked(&[change]);
        let flat = text.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
        assert_eq!(code, Some(6), "{flat}");
        assert!(flat.contains(wanted), "{flat}");
    }
}

/// What `reset` could not end stands in the page, in the document and in the reports, by its number and its state.
#[test]
fn what_reset_could_not_end_is_counted_and_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let answer = "        if 'call' in command:\n\
         \x20           out({'q': q, 'start': id})\n\
         \x20           out({'q': q + 1, 'end': id, 'hr': '0x00000000'})\n\
         \x20           job = command['job']\n\
         \x20       elif 'poll' in command: out({'q': q, 'end': id, 'out': {'state': 'Suspended'}})\n\
         \x20       elif 'reset' in command: out({'q': q, 'end': id, 'left': [job]})\n\
         \x20       else: out({'q': q, 'end': id})";
    let manifest = adapter(directory.path(), "['CreateJob']", answer);
    let out = directory.path().join("out");
    let to = out.display().to_string();
    let run = |args: &[&str]| {
        let args = [&["run", "--budget", "8s", "--seed", "1"], args].concat();
        text(&bgcheck(&args, &manifest))
    };
    let page = run(&["--out", &to]);
    let what = "a job in SUSPENDED, behind a path";
    assert!(page.contains(&format!("`reset` could not end: {what}: ")), "{page}");
    let report = |name: &str| std::fs::read_to_string(out.join(name)).expect("a report");
    for name in ["report.html", "results.json"] {
        assert!(report(name).contains(what), "{name}: {}", report(name));
    }
    let document: serde_json::Value = serde_json::from_str(&run(&["--json"])).expect("a document");
    assert!(document["leftovers"][what].as_u64() > Some(0), "{document}");
}
