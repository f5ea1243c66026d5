//! `bgcheck replay` and `bgcheck minimize` know what they read: one violating trace in every form that people produce.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The trace, as JSON Lines.
fn trace() -> String {
    let marked = std::fs::read_to_string(fixture("v-bom.jsonl")).expect("it is committed");
    marked.trim_start_matches('\u{feff}').to_owned()
}

#[test]
fn every_form_of_a_violating_trace_ends_with_2_and_is_named() {
    let whole = trace();
    let [little, big] = [u16::to_le_bytes as fn(u16) -> [u8; 2], u16::to_be_bytes].map(|bytes| {
        let text = format!("\u{feff}{whole}");
        text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>()
    });
    let values = whole.lines().map(|line| {
        let value: serde_json::Value = serde_json::from_str(line).expect("a line is JSON");
        serde_json::to_string_pretty(&value).expect("it was JSON")
    });
    let forms: [(&str, Vec<u8>, &str); 11] = [
        ("bom.jsonl", read("v-bom.jsonl"), "with a byte order mark"),
        ("latin1.jsonl", read("v-latin1.jsonl"), "no UTF-8 read as Latin-1"),
        ("array.json", read("v-array.json"), "JSON array"),
        ("packed.jsonl.gz", read("v-gzip.jsonl.gz"), "packed with gzip"),
        ("little.jsonl", little, "in UTF-16"),
        ("big.jsonl", big, "in UTF-16"),
        ("values.json", values.collect::<Vec<_>>().join("\n").into_bytes(), "in JSON values"),
        (
            "comment.jsonl",
            format!("# recorded today\n// by hand\n\n{whole}").into(),
            "without 2 lines before",
        ),
        (
            "log.jsonl",
            format!("[12:00:01] starting\n{{\"level\":\"info\"}}\n{whole}").into(),
            "without 2 lines before",
        ),
        (
            "prefix.jsonl",
            whole.lines().map(|line| format!("12:00 INFO {line}\n")).collect::<String>().into(),
            "before the `{`",
        ),
        ("crlf.jsonl", whole.replace('\n', "\r\n").into(), "a trace in JSON Lines"),
    ];
    let dir = tempfile::tempdir().expect("a directory");
    for (name, bytes, taken_for) in forms {
        let path = write(dir.path(), name, &bytes);
        let shown = bgcheck(&["replay", name], dir.path());
        assert_eq!(shown.status.code(), Some(2), "{name}: {}", said(&shown));
        assert!(said(&shown).contains(taken_for), "{name}: {}", said(&shown));
        let small = bgcheck(&["minimize", name, "-o", "small.jsonl", "--quiet"], dir.path());
        assert_eq!(small.status.code(), Some(2), "{name}: {}", said(&small));
        assert!(said(&small).contains(taken_for), "{name}: {}", said(&small));
        std::fs::remove_file(path).expect("it was written");
    }
}

#[test]
fn stdin_is_a_trace_too() {
    let mut command = command(&["replay", "-"], Path::new("."));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the command runs");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(trace().as_bytes()).expect("it reads");
    drop(stdin);
    let shown = child.wait_with_output().expect("it ends");
    assert_eq!(shown.status.code(), Some(2), "{}", said(&shown));
    assert!(said(&shown).starts_with("stdin: a trace in JSON Lines\n"), "{}", said(&shown));
}

#[test]
fn what_is_no_trace_is_refused_with_the_reason_and_what_to_type() {
    let dir = tempfile::tempdir().expect("a directory");
    let cut: Vec<u8> = read("v-gzip.jsonl.gz").into_iter().take(200).collect();
    let refused: [(&str, Vec<u8>, &str, &str); 9] = [
        ("empty.jsonl", read("empty.jsonl"), "is empty", "--target"),
        ("space.jsonl", b"\n \n".to_vec(), "is empty", "--target"),
        ("bytes.bin", vec![1, 2, 0, 7, 9, 200], "is no text", "--target lockstep"),
        ("prose.txt", b"Dear all,\nit crashed.\n".to_vec(), "none of its 2 lines is a header", "JSON Lines"),
        ("packed.zst", b"\x28\xb5\x2f\xfd rest".to_vec(), "packed with zstd", "unzstd packed.zst"),
        ("cut.gz", cut, "cannot read cut.gz", "gzip -t cut.gz"),
        ("array.json", b"[{\"format\":1".to_vec(), "begins as a JSON array", "JSON Lines"),
        (
            "results.json",
            b"{\"version\":1,\n\"engines\":[]}".to_vec(),
            "the results of a run",
            "bgcheck report",
        ),
        ("wide.txt", b"\xff\xfe\0\0{\0\0\0".to_vec(), "UTF-32", "iconv"),
    ];
    for (name, bytes, why, help) in refused {
        write(dir.path(), name, &bytes);
        for verb in ["replay", "minimize"] {
            let shown = bgcheck(&[verb, name], dir.path());
            let text = said(&shown).split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(shown.status.code(), Some(1), "{verb} {name}: {text}");
            assert!(text.contains(why) && text.contains(help), "{verb} {name}: {text}");
        }
    }
    let shown = bgcheck(&["replay", "."], dir.path());
    assert!(shown.status.code() == Some(1) && said(&shown).contains("is a directory"), "{}", said(&shown));
}

#[test]
fn bytes_are_an_input_of_a_fuzz_target_by_their_folder_or_by_an_option() {
    let dir = tempfile::tempdir().expect("a directory");
    let crash = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cmd/replay.in/artifact.bin"));
    let crash = crash.expect("it is committed");
    write(dir.path(), "fuzz/artifacts/lockstep/crash-1", &crash);
    write(dir.path(), "fuzz/artifacts/trace/crash-2", b"\xff");
    write(dir.path(), "crash-3", &crash);
    let replayed = |args: &[&str]| {
        let shown = bgcheck(args, dir.path());
        (shown.status.code(), said(&shown))
    };
    for (args, taken_for) in [
        (
            &["replay", "fuzz/artifacts/lockstep/crash-1"][..],
            "fuzz target lockstep, 5 bytes, because of its folder",
        ),
        (&["replay", "fuzz/artifacts/trace/crash-2"], "fuzz target trace, 1 byte, because of its folder"),
        (
            &["replay", "crash-3", "--target", "lockstep"],
            "fuzz target lockstep, 5 bytes, because of --target",
        ),
        (
            &["replay", "crash-3", "--target", "schedule"],
            "fuzz target schedule, 5 bytes, because of --target",
        ),
    ] {
        let (code, text) = replayed(args);
        assert!(code == Some(0) && text.contains(taken_for), "{args:?}: {text}");
    }
    assert_eq!(replayed(&["replay", "crash-3"]).0, Some(1));
}

#[test]
fn several_traces_in_a_file_are_named_and_one_can_be_chosen() {
    let dir = tempfile::tempdir().expect("a directory");
    let held = include_str!("../cmd/replay.in/held.jsonl");
    write(dir.path(), "two.jsonl", format!("{held}{}", trace()).as_bytes());
    let replayed = |more: &[&str]| bgcheck(&[&["replay", "two.jsonl"], more].concat(), dir.path());
    let both = replayed(&[]);
    assert_eq!(both.status.code(), Some(1), "{}", said(&both));
    assert!(said(&both).contains("has 2 traces, whose headers are in lines 1, "), "{}", said(&both));
    let codes = ["1", "2", "3"].map(|number| replayed(&["--trace", number]).status.code());
    assert_eq!(codes, [Some(0), Some(2), Some(1)]);
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inputs").join(name)
}

fn read(name: &str) -> Vec<u8> {
    std::fs::read(fixture(name)).expect("it is committed")
}

fn write(dir: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.join(name);
    std::fs::create_dir_all(path.parent().expect("it has one")).expect("a test may fail here");
    std::fs::write(&path, bytes).expect("a test may fail here");
    path
}

fn command(args: &[&str], dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bgcheck"));
    command.args(args).current_dir(dir).env("NO_COLOR", "1");
    command
}

fn bgcheck(args: &[&str], dir: &Path) -> Output {
    command(args, dir).output().expect("the command runs")
}

fn said(output: &Output) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}
