//! The templates of `bgcheck adapter init`: each is built as its README has it, without the network, and keeps the protocol.
//!
//! Where a compiler is missing, the template is skipped by name, and not passed. `BGCHECK_TEMPLATES=required` makes that a failure.

use std::path::Path;
use std::process::{Command, ExitCode, Output, Stdio};

/// A template, and what it needs: programs of which each has to be there, and what is typed before it runs.
struct Template {
    language: &'static str,
    needs: &'static [&'static str],
    build: &'static [&'static str],
}

const TEMPLATES: [Template; 4] = [
    Template { language: "python", needs: &["python3"], build: &[] },
    Template { language: "c", needs: &["make", "cc"], build: &["make"] },
    Template { language: "cpp", needs: &["make", "c++"], build: &["make"] },
    Template { language: "rust", needs: &["cargo"], build: &["cargo", "build", "--release", "--offline"] },
];

fn main() -> ExitCode {
    // What cargo asks every test.
    if std::env::args().any(|arg| arg == "--list") {
        return ExitCode::SUCCESS;
    }
    let mut skipped = false;
    for template in &TEMPLATES {
        let language = template.language;
        match template.needs.iter().find(|program| !is_there(program)) {
            Some(program) => {
                skipped = true;
                println!("template {language}: skipped, not passed: there is no {program} on the PATH");
            }
            None => {
                keeps_the_protocol(template);
                println!("template {language} ... ok");
            }
        }
    }
    let required = std::env::var_os("BGCHECK_TEMPLATES").is_some_and(|value| value == "required");
    if skipped && required { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn is_there(program: &str) -> bool {
    let mut asked = Command::new(program);
    asked.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    asked.status().is_ok_and(|status| status.success())
}

fn keeps_the_protocol(template: &Template) {
    let directory = tempfile::tempdir().expect("a directory");
    let target = directory.path().join(template.language);
    let init = bgcheck(&["init", template.language], &target);
    assert_eq!(init.status.code(), Some(0), "{}", text(&init));
    let commands = commands(&target);
    if let [program, args @ ..] = template.build {
        let typed = template.build.iter().filter(|word| **word != "--offline").copied().collect::<Vec<_>>();
        assert!(commands.contains(&typed.join(" ")), "its README has another command: {commands:?}");
        // The versions of this workspace are those that are there.
        let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock");
        if target.join("Cargo.toml").is_file() {
            std::fs::copy(lock, target.join("Cargo.lock")).expect("the directory can be written");
        }
        let built = Command::new(program)
            .args(args)
            .current_dir(&target)
            // A user who begins an adapter has none of these.
            .env_remove("CARGO_TARGET_DIR")
            .env_remove("MAKEFLAGS")
            .env("CFLAGS", "-O2 -Werror")
            .env("CXXFLAGS", "-O2 -Werror")
            .output()
            .expect("it starts");
        assert!(built.status.success(), "{}", text(&built));
    }
    let checked = bgcheck(&["check"], &target);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked));
    assert!(text(&checked).contains("the adapter keeps the protocol"), "{}", text(&checked));
}

/// What the README of a template tells its reader to type.
fn commands(template: &Path) -> Vec<String> {
    let readme = std::fs::read_to_string(template.join("README.md")).expect("a template has a README");
    let mut blocks = readme.split("```sh\n").skip(1).filter_map(|block| block.split("```").next());
    blocks.next().unwrap_or_default().lines().map(str::to_owned).collect()
}

fn bgcheck(args: &[&str], path: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bgcheck"))
        .args(["--color", "never", "-q", "adapter"])
        .args(args)
        .arg(path)
        .output()
        .expect("the command starts")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
