//! Without cargo, the verbs that build something are skipped: the exit code is 6, and the message names what to install.

use std::process::Command;

#[test]
fn what_builds_itself_is_skipped_without_cargo() {
    let checkout = tempfile::tempdir().expect("a test may fail here");
    for (below, file) in [("contract", "Cargo.toml"), ("fuzz", "Cargo.toml"), ("docs", "none")] {
        let dir = checkout.path().join(below);
        std::fs::create_dir(&dir).expect("a test may fail here");
        std::fs::write(dir.join(file), "").expect("a test may fail here");
    }
    let verbs: [&[&str]; 4] =
        [&["kill", "--only", "cancel-returns-early"], &["mutate"], &["fuzz"], &["kill", "--mutants", "1"]];
    for verb in verbs {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bgcheck"));
        command.args(verb).arg("--quiet").current_dir(checkout.path()).env("PATH", checkout.path());
        let ended = command.output().expect("the command runs");
        let text = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(6), "{verb:?}: {text}");
        assert!(text.contains("https://rustup.rs"), "{verb:?}: {text}");
    }
}
