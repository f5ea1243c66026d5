//! What `bgcheck explain` reads outside of its tables: the document of the rules, and traces that are kept.
//!
//! After a change of a rule, `UPDATE_RULES=1 cargo test --test explain` writes `docs/rules.md` again.

use std::path::Path;
use std::process::Command;

fn explain(words: &[&str], directory: &Path) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bgcheck"));
    command.arg("explain").args(words).env("NO_COLOR", "1").current_dir(directory);
    let output = command.output().expect("the command runs");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn the_document_of_the_rules_is_what_the_command_writes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (code, written) = explain(&["rules", "--format", "markdown"], root);
    assert_eq!(code, Some(0));
    let committed = root.join("docs/rules.md");
    if std::env::var_os("UPDATE_RULES").is_some() {
        std::fs::write(&committed, &written).expect("a checkout can be written");
    }
    let hint = "docs/rules.md is out of date: run this test with UPDATE_RULES=1";
    assert!(std::fs::read_to_string(committed).is_ok_and(|text| text == written), "{hint}");
}

/// A name of a failure finds what the last runs and the nights have kept, wherever in the checkout the command is started.
#[test]
fn the_traces_of_a_failure_are_found_by_its_name() {
    let checkout = tempfile::tempdir().expect("a test may fail here");
    let kept = ["target/traces/L1-lasso-bits.jsonl", "reports/out/2026-01-02/traces/L1-lasso-do.jsonl"];
    for path in
        kept.into_iter().chain(["contract/Cargo.toml", "fuzz/Cargo.toml", "target/traces/L1-lasso2.jsonl"])
    {
        let path = checkout.path().join(path);
        std::fs::create_dir_all(path.parent().expect("it has one")).expect("a test may fail here");
        std::fs::write(path, "").expect("a test may fail here");
    }
    let (code, page) = explain(&["l1-lasso"], &checkout.path().join("contract"));
    assert_eq!(code, Some(0));
    for path in kept {
        assert!(page.contains(&format!("bgcheck replay ../{path}\n")), "{page}");
    }
    assert!(!page.contains("lasso2"), "{page}");
}
