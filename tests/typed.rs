//! What a workflow, a page or a comment types can be typed: each verb and option of `bgcheck` is one of this version, and each package, target and
//! feature that `cargo` is given is one of this workspace.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use support::sources::sources;

/// A command of `bgcheck`: the verbs, and the options.
#[derive(PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Typed {
    verbs: Vec<String>,
    options: BTreeSet<String>,
}

/// A command of cargo on one package: what it is given, each with the option that it stands behind.
#[derive(PartialEq, Eq, Debug)]
struct Built {
    package: Option<String>,
    /// `--bench`, `--test`, `--example`, `--features`, each with a name.
    names: BTreeSet<(String, String)>,
}

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// Directories of templates with packages of their own, and of outputs that a test pins.
const LEFT_OUT: [&str; 3] = ["templates", "snapshots", "cmd"];
/// A file with commands that are made up.
const MADE_UP: &str = "tests/typed.rs";

#[test]
fn every_verb_and_option_that_is_written_is_known() {
    let mut helps = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut commands = 0;
    for (file, text) in files() {
        for Typed { verbs, options } in typed(&text) {
            let help = helps.entry(verbs.clone()).or_insert_with(|| help(&verbs));
            let Some(help) = help else {
                wrong.push(format!("{file}: no verb {verbs:?}"));
                continue;
            };
            let unknown = options.iter().filter(|option| !help.contains(*option));
            wrong.extend(unknown.map(|option| format!("{file}: {verbs:?} has no {option}")));
            commands += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(commands > 200, "only {commands} commands were found");
}

#[test]
fn every_package_target_and_feature_that_is_written_is_known() {
    let packages = packages();
    let mut wrong = Vec::new();
    let mut commands = 0;
    for (file, text) in files() {
        for built in built(&text) {
            wrong.extend(unknown(&built, &packages).map(|what| format!("{file}: {what}")));
            commands += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(commands > 40, "only {commands} commands were found");
}

#[test]
fn a_command_is_found_wherever_it_stands() {
    let text = "      - run: |\n          cargo run --release -- nightly --kill \\\n              --junit x && y --no\n\
                ```\n\"$A/target/release/bgcheck\" adapter run \"$B\" --seed 1 || status=$?\n```\nbgcheck explores.\n\
                It prints (`bgcheck race --design NAME --threads=2`), and `bgcheck VERB --x`.\n    bgcheck kill --only x  # --why\n";
    let of = |verbs: &[&str], options: &[&str]| Typed {
        verbs: verbs.iter().map(ToString::to_string).collect(),
        options: options.iter().map(ToString::to_string).collect(),
    };
    let expected = [
        of(&["nightly"], &["--junit", "--kill"]),
        of(&["adapter", "run"], &["--seed"]),
        of(&["race"], &["--design", "--threads"]),
        of(&["kill"], &["--only"]),
    ];
    assert_eq!(typed(text), expected);
}

#[test]
fn what_cargo_is_not_able_to_build_is_reported() {
    let text = "`cargo bench -p engine --bench service --features service`, `cargo test -p nothing`\n    cargo test --test none";
    let packages = packages();
    let found: Vec<String> = built(text).iter().flat_map(|built| unknown(built, &packages)).collect();
    assert_eq!(
        found,
        ["engine has no --features service", "there is no package nothing", "bgcheck has no --test none"]
    );
}

/// The sources in which commands are written to be typed.
fn files() -> impl Iterator<Item = (String, String)> {
    let is_read = |name: &str| name != MADE_UP && !name.split('/').any(|part| LEFT_OUT.contains(&part));
    sources().into_iter().filter(move |(name, _)| is_read(name))
}

/// The commands of `bgcheck` in a file.
fn typed(text: &str) -> Vec<Typed> {
    commands(text).iter().filter_map(|words| of_bgcheck(words)).collect()
}

/// The commands of cargo in a file.
fn built(text: &str) -> Vec<Built> {
    commands(text).iter().filter_map(|words| of_cargo(words)).collect()
}

/// Each line of code and each span of code, in words, up to the end of its first command.
fn commands(text: &str) -> Vec<Vec<String>> {
    // A line that is broken with a backslash is one.
    let text = text.replace("\\\n", " ");
    let mut fenced = false;
    let mut commands = Vec::new();
    for line in text.lines() {
        let line = line.trim_start().strip_prefix("//!").unwrap_or(line);
        fenced ^= line.trim_start().starts_with("```");
        if fenced || line.starts_with(CODE) {
            commands.push(words(line.trim_start().trim_start_matches("- run:")));
        }
        commands.extend(line.split('`').skip(1).step_by(2).map(words));
    }
    commands
}

/// What a line of code begins with on a page.
const CODE: &str = "    ";

fn words(piece: &str) -> Vec<String> {
    let ends = |word: &&str| !matches!(*word, "||" | "&&" | "|" | ";") && !word.starts_with('#');
    let words = piece.split_whitespace().take_while(ends);
    words.map(|word| word.trim_matches('"').to_owned()).collect()
}

fn of_bgcheck(words: &[String]) -> Option<Typed> {
    let first = words.first()?;
    let at = if first == "bgcheck" || first.ends_with("/bgcheck") {
        0
    } else if words.windows(2).next()? == ["cargo", "run"]
        && !words.iter().any(|word| word == "-p" || word == "--example")
    {
        words.iter().position(|word| word == "--")?
    } else {
        return None;
    };
    let rest = &words[at + 1..];
    let is_verb = |word: &&String| {
        word.chars().all(|each| each.is_ascii_lowercase() || each == '-') && !word.starts_with('-')
    };
    // The second word is a verb behind these, and what they are given behind others.
    let deep = if matches!(rest.first().map(String::as_str), Some("adapter")) { 2 } else { 1 };
    let verbs: Vec<String> = rest.iter().take(deep).take_while(is_verb).cloned().collect();
    let option = |word: &String| {
        let name = word.split('=').next().unwrap_or(word);
        name.trim_end_matches(|each: char| !each.is_ascii_lowercase()).to_owned()
    };
    let options = rest.iter().filter(|word| word.starts_with("--") && word.len() > 2).map(option).collect();
    (!verbs.is_empty()).then_some(Typed { verbs, options })
}

fn of_cargo(words: &[String]) -> Option<Built> {
    let verb = words.get(1).filter(|_| words[0] == "cargo")?;
    let to_build = matches!(verb.as_str(), "bench" | "build" | "run" | "test");
    let own: Vec<&String> = words.iter().take_while(|word| *word != "--").collect();
    let pairs = || own.windows(2).map(|pair| (pair[0].as_str(), pair[1].as_str()));
    let whole = own.iter().any(|word| *word == "--workspace");
    let package =
        pairs().find(|(option, _)| matches!(*option, "-p" | "--package")).map(|(_, name)| name.to_owned());
    let named = |option: &str| matches!(option, "--bench" | "--test" | "--example" | "--features");
    let is_name =
        |name: &str| name.chars().all(|each| each.is_ascii_lowercase() || matches!(each, '-' | '_'));
    let names = pairs()
        .filter(|(option, name)| named(option) && is_name(name))
        .map(|(option, name)| (option.to_owned(), name.to_owned()))
        .collect();
    (to_build && !whole).then_some(Built { package, names })
}

/// What a command names and this workspace does not have.
fn unknown<'a>(built: &'a Built, packages: &'a Packages) -> impl Iterator<Item = String> + 'a {
    let name = built.package.as_deref().unwrap_or("bgcheck");
    let has = packages.get(name);
    let missing = has.is_none().then(|| format!("there is no package {name}"));
    let unknown = built.names.iter().filter(move |name| has.is_some_and(|has| !has.contains(*name)));
    missing.into_iter().chain(unknown.map(move |(option, what)| format!("{name} has no {option} {what}")))
}

/// The targets and features of each package, each with the option that names it.
type Packages = BTreeMap<String, BTreeSet<(String, String)>>;

fn packages() -> Packages {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--no-deps", "--offline", "--format-version", "1"]).current_dir(ROOT);
    let metadata = cargo.output().expect("cargo runs");
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).expect("cargo writes JSON");
    let packages = metadata["packages"].as_array().expect("there are packages");
    packages.iter().map(|package| (text(&package["name"]), names(package))).collect()
}

fn names(package: &serde_json::Value) -> BTreeSet<(String, String)> {
    let features = package["features"].as_object().into_iter().flat_map(|all| all.keys().cloned());
    let targets = package["targets"].as_array().into_iter().flatten();
    let target =
        |target: &serde_json::Value| (format!("--{}", text(&target["kind"][0])), text(&target["name"]));
    features.map(|name| ("--features".to_owned(), name)).chain(targets.map(target)).collect()
}

fn text(value: &serde_json::Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The options of a verb, when there is one.
fn help(verbs: &[String]) -> Option<BTreeSet<String>> {
    let help = Command::new(env!("CARGO_BIN_EXE_bgcheck")).args(verbs).arg("--help").output();
    let help = help.expect("the command runs");
    let words = String::from_utf8_lossy(&help.stdout).replace(['[', ']', ',', '`', '='], " ");
    help.status.success().then(|| words.split_whitespace().map(str::to_owned).collect())
}
