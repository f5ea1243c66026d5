//! The file of known failures, by the command: what it accepts, and what it makes of entries that are changed, stale or skipped.
//!
//! The subject is an adapter of a few lines, whose GetState is wrong each time.

use std::fs;
use std::path::Path;

use crate::support::broken::adapter;
use crate::support::{command, said};

/// Jobs are SUSPENDED for a poll, and in this state for GetState.
fn answer(state: &str) -> String {
    format!(
        "        if command.get('call') == 'GetState':\n\
         \x20           out({{'q': q, 'start': id}})\n\
         \x20           out({{'q': q + 1, 'end': id, 'hr': '0x00000000', 'out': {{'state': '{state}'}}}})\n\
         \x20       elif 'call' in command:\n\
         \x20           good = command['args'].get('name')\n\
         \x20           out({{'q': q, 'start': id}})\n\
         \x20           out({{'q': q + 1, 'end': id, 'hr': '0x00000000' if good else '0x80070057'}})\n\
         \x20       elif 'poll' in command: out({{'q': q, 'end': id, 'out': {{'state': 'Suspended'}}}})\n\
         \x20       else: out({{'q': q, 'end': id}})"
    )
}

/// A directory with the adapter, and the file of known failures that it names.
struct Subject {
    directory: tempfile::TempDir,
}

impl Subject {
    fn new() -> Subject {
        let subject = Subject { directory: tempfile::tempdir().expect("a directory") };
        subject.becomes("Queued");
        subject
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn becomes(&self, state: &str) {
        let manifest = adapter(self.path(), "['CreateJob', 'GetState']", &answer(state));
        let text = fs::read_to_string(&manifest).expect("it was written");
        fs::write(manifest, format!("{text}known = \"known.toml\"\n")).expect("it can be written");
    }

    fn known(&self) -> String {
        fs::read_to_string(self.path().join("known.toml")).expect("a file of known failures")
    }

    fn knows(&self, text: &str) {
        fs::write(self.path().join("known.toml"), text).expect("it can be written");
    }

    /// The exit code, and what was printed.
    fn run(&self, args: &[&str]) -> (Option<i32>, String) {
        let run = ["-q", "adapter", "run", "adapter.toml", "--budget", "8s", "--seed", "1", "--out", "out"];
        let args = [&run, args].concat();
        let output = command(&args, self.path(), self.path()).output().expect("the command runs");
        (output.status.code(), said(&output))
    }

    fn ends(&self, args: &[&str], code: i32, wanted: &str) -> String {
        let (ended, text) = self.run(args);
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(ended, Some(code), "{args:?}: {text}\n{}", self.known());
        assert!(flat.contains(wanted), "{args:?}: there is no {wanted:?} in {text}");
        text
    }
}

/// A run that is not whole, although it has tried everything.
const IN_PART: &[&str] = &["--stop-at-first"];

/// The file without the lines that begin so.
fn without(text: &str, key: &str) -> String {
    text.lines().filter(|line| !line.starts_with(key)).map(|line| format!("{line}\n")).collect()
}

#[test]
fn what_is_accepted_is_known_and_what_is_changed_is_named() {
    let subject = Subject::new();
    let (code, text) = subject.run(&[]);
    assert_eq!(code, Some(2), "{text}");
    subject.ends(&["--accept"], 0, "");
    let known = subject.known();
    assert!(known.contains("\ncase = \"") && known.contains(", path "), "{known}");
    assert!(known.contains("why = \"not looked at yet\""), "{known}");
    let text = subject.ends(&[], 0, "verdict: held");
    assert!(text.contains(" known"), "{text}");
    // A file that is older has no cases.
    subject.knows(&without(&known, "case"));
    subject.ends(&[], 0, "verdict: held");
    let message = known.lines().find(|line| line.starts_with("message")).expect("an entry has a message");
    subject.knows(&known.replacen(message, "message = \"R1 (cancelled): Once\"", 1));
    subject.ends(&[], 2, "not as known: ");
    subject.ends(IN_PART, 2, "not as known: ");
}

#[test]
fn an_entry_whose_case_was_tried_without_it_is_stale_also_in_a_part_of_a_run() {
    let subject = Subject::new();
    subject.ends(&["--accept"], 0, "");
    let known = subject.known();
    subject.becomes("Suspended");
    let stale = "known and not seen any more: ";
    subject.ends(IN_PART, 2, stale);
    let text = subject.ends(&[], 2, stale);
    assert!(text.contains("\n  case: "), "{text}");
    for name in ["report.html", "report.md", "results.json"] {
        let report = fs::read_to_string(subject.path().join("out").join(name)).expect("a report");
        assert!(report.contains("known and not seen any more"), "{name}: {report}");
    }
    // Without its case it is seen to be stale by a whole run alone.
    subject.knows(&without(&known, "case"));
    let (code, text) = subject.run(IN_PART);
    assert_ne!(code, Some(2), "{text}");
    assert!(text.contains("their cases were not tried in this run"), "{text}");
    subject.ends(&[], 2, stale);
    // What does not come each time may be missing.
    subject.knows(&(without(&known, "rate").replace("\nwhy", "\nrate = 50.0\nwhy")));
    let (code, text) = subject.run(&[]);
    assert_ne!(code, Some(2), "{text}");
    // Accepted again, they are gone.
    subject.knows(&known);
    subject.run(&["--accept"]);
    assert!(!subject.known().contains("[[known]]"), "{}", subject.known());
}

#[test]
fn an_entry_whose_case_is_there_no_more_was_skipped() {
    let subject = Subject::new();
    subject.becomes("Suspended");
    let entry = |case: &str| {
        format!(
            "[[known]]\nid = \"agreement-00000001\"\nmessage = \"after\"\nwhy = \"\"\ncase = \"{case}\"\n"
        )
    };
    subject.knows(&entry("probes, path 00000000"));
    subject.ends(&[], 2, "known, and its case was skipped: agreement-00000001");
    let (code, text) = subject.run(IN_PART);
    assert_ne!(code, Some(2), "{text}");
    // Another run has other random paths.
    subject.knows(&entry("random paths, path 00000000"));
    let (code, text) = subject.run(&[]);
    assert_ne!(code, Some(2), "{text}");
    assert!(text.contains("their cases were not tried in this run"), "{text}");
}

#[test]
fn a_night_judges_by_the_file_as_a_run_does() {
    let subject = Subject::new();
    subject.ends(&["--accept"], 0, "");
    subject.becomes("Suspended");
    let night = [
        "-q",
        "nightly",
        "--engine",
        "adapter",
        "--adapter",
        "adapter.toml",
        "--budget",
        "4s",
        "--seed",
        "1",
        "-o",
        "night",
    ];
    let output = command(&night, subject.path(), subject.path()).output().expect("the command runs");
    let text = said(&output);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("stale-"), "{text}");
}
