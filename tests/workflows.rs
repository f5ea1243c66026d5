//! The workflows and the action type only what can be typed: each verb and option in them is one of this version.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// A command in a workflow: the verbs, and the options.
#[derive(PartialEq, Eq, Debug)]
struct Typed {
    verbs: Vec<String>,
    options: BTreeSet<String>,
}

/// The commands in a file.
fn typed(text: &str) -> Vec<Typed> {
    // A line that is broken with a backslash is one.
    let text = text.replace("\\\n", " ");
    text.lines().filter(|line| !line.trim_start().starts_with('#')).filter_map(of_line).collect()
}

fn of_line(line: &str) -> Option<Typed> {
    let words: Vec<&str> = line.split_whitespace().map(|word| word.trim_matches('"')).collect();
    let cargo = words.windows(2).any(|pair| pair == ["cargo", "run"]);
    let at = words.iter().position(|word| (cargo && *word == "--") || word.ends_with("/bgcheck"))?;
    let rest = words[at + 1..].iter().take_while(|word| !matches!(**word, "||" | "&&" | "|" | ";"));
    let is_verb = |word: &&&str| {
        word.chars().all(|each| each.is_ascii_lowercase() || each == '-') && !word.starts_with('-')
    };
    let verbs = rest.clone().take_while(is_verb).map(ToString::to_string).collect();
    let options = rest.filter(|word| word.starts_with("--")).map(ToString::to_string).collect();
    Some(Typed { verbs, options })
}

#[test]
fn every_verb_and_option_of_the_workflows_is_known() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workflows = std::fs::read_dir(root.join(".github/workflows")).expect("there are workflows");
    let files =
        workflows.map(|entry| entry.expect("it can be listed").path()).chain([root.join("action.yml")]);
    let mut commands = 0;
    for file in files {
        let text = std::fs::read_to_string(&file).expect("it can be read");
        for Typed { verbs, options } in typed(&text) {
            let help = Command::new(env!("CARGO_BIN_EXE_bgcheck")).args(&verbs).arg("--help").output();
            let help = help.expect("the command runs");
            let text = String::from_utf8_lossy(&help.stdout);
            assert!(help.status.success() && !verbs.is_empty(), "{}: {verbs:?}", file.display());
            for option in options {
                let is_known = text.split_whitespace().any(|word| word == option);
                assert!(is_known, "{}: {verbs:?} has no {option}", file.display());
            }
            commands += 1;
        }
    }
    assert!(commands >= 6, "only {commands} commands were found");
}

#[test]
fn a_command_is_found_wherever_its_line_is_broken() {
    let text = "      - run: |\n          cargo run --release -- nightly --kill \\\n              --junit x && y --no\n# bgcheck no\n\
                \"$A/target/release/bgcheck\" adapter run \"$B\" --seed 1 || status=$?\n";
    let options = |all: &[&str]| all.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
    let expected = [
        Typed { verbs: vec!["nightly".to_owned()], options: options(&["--junit", "--kill"]) },
        Typed { verbs: vec!["adapter".to_owned(), "run".to_owned()], options: options(&["--seed"]) },
    ];
    assert_eq!(typed(text), expected);
}
