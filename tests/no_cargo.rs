//! Without cargo, what has to be built is skipped: exit code 6, and not 70.

use std::process::Command;

#[test]
fn verbs_that_build_end_with_6_and_the_command_that_installs() {
    let checkout = tempfile::tempdir().expect("a directory");
    for file in ["contract/Cargo.toml", "fuzz/Cargo.toml"] {
        let path = checkout.path().join(file);
        std::fs::create_dir_all(path.parent().expect("it has one")).expect("a test may fail here");
        std::fs::write(path, "").expect("a test may fail here");
    }
    let nowhere = checkout.path().join("bin");
    for verb in ["fuzz", "kill", "mutate"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bgcheck"));
        command.arg(verb).current_dir(checkout.path()).env("PATH", &nowhere).env("NO_COLOR", "1");
        let ran = command.output().expect("the command runs");
        let said = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(6), "{verb}: {said}");
        assert!(said.contains("cargo is not installed") && said.contains("rustup"), "{verb}: {said}");
    }
}
