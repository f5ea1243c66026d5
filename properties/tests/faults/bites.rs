//! What complete exploration finds of the service's seeded faults: `docs/pinned/race-bites.txt` has a line for each that was found, with the first race
//! that shows it and the fewest forced switches. Needs the feature `faults`.
//!
//! The races of the file are explored again. `BITES=overwrite` looks for each fault in every race of the scopes `tiny`, `small` and `default` instead,
//! for as long as [`PATIENCE`] each, and writes the file.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use contract::Dialect;
use contract::defect::{Design, Fault, Place};
use properties::race::{HuntOptions, Hunted, Kind, Merges, Race, Races, Scope, Stop, hunt, scoped};

/// For one race.
const PATIENCE: Duration = Duration::from_secs(4);

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/pinned/race-bites.txt")
}

fn explored(race: &Race, fault: Fault, merges: Merges, budget: Duration) -> Hunted {
    hunt(&HuntOptions {
        kind: Kind::Complete { merges },
        races: Races::Given(race),
        design: Design::Barrier,
        fault: Some(fault),
        stop: Stop::AtFirst,
        ..HuntOptions::new(budget, &|_| ())
    })
}

/// What the race shows, with the fewest forced switches.
fn shown(race: &Race, fault: Fault, budget: Duration) -> Option<String> {
    let hunted = explored(race, fault, Merges::OfOneTask, budget);
    if hunted.hung.is_some() {
        return Some("a hang".to_owned());
    }
    let rules = hunted.failures.first().map(|failure| failure.violated.to_string());
    let what = rules.or_else(|| hunted.overwaited.is_some().then(|| "L3".to_owned()))?;
    let switches = hunted.explored.and_then(|explored| explored.bound).map_or(0, |bound| bound + 1);
    Some(format!("{what} | forced switches: {switches}"))
}

fn faults() -> impl Iterator<Item = Fault> {
    // A thread that spins for ever burns a core to the end of the tests: `kill` attacks such a fault in a process of its own.
    let comes_back = |fault: &&Fault| fault.comes_back() && **fault != Fault::WaitsBusily;
    Fault::ALL.iter().filter(|fault| fault.place() == Place::Service).filter(comes_back).copied()
}

/// Nothing where no race of the scope shows the fault.
fn line(fault: Fault, scope: Scope) -> Option<String> {
    let races = Dialect::ALL
        .iter()
        .flat_map(|dialect| scoped(scope, *dialect).into_iter().map(|race| (*dialect, race)));
    { races }.find_map(|(dialect, scoped)| {
        let shown = shown(&scoped.race, fault, PATIENCE)?;
        Some(format!("{fault} | {scope} | {dialect} | {} | {shown}", scoped.name))
    })
}

/// The larger scope is only for what the smaller one does not show. What is found is written at once: the whole takes its time.
fn write_anew() {
    let (mut text, mut left) = (String::new(), faults().collect::<Vec<_>>());
    for scope in [Scope::Tiny, Scope::Small, Scope::Default] {
        left.retain(|fault| {
            let found = line(*fault, scope);
            if let Some(line) = &found {
                writeln!(text, "{line}").expect("a string can be written to");
                std::fs::write(file(), &text).expect("the file can be written");
            }
            found.is_none()
        });
    }
}

#[test]
fn what_is_found_of_the_faults_is_found_again() {
    if std::env::var_os("BITES").is_some() {
        write_anew();
    }
    let pinned = std::fs::read_to_string(file()).expect("the file is committed");
    assert!(!pinned.is_empty(), "write the file with BITES=overwrite");
    for line in pinned.lines() {
        let parts: Vec<&str> = line.splitn(5, " | ").collect();
        let fault = parts[0].parse().expect("a line begins with the name of a fault");
        assert_eq!(again(fault, &parts).as_deref(), Some(line), "write the file with BITES=overwrite");
    }
}

/// The line, as the race that it names has it now.
fn again(fault: Fault, parts: &[&str]) -> Option<String> {
    let scope = [Scope::Tiny, Scope::Default].into_iter().find(|scope| scope.to_string() == parts[1])?;
    let dialect = Dialect::ALL.iter().find(|dialect| dialect.to_string() == parts[2])?;
    let of_name = |race: &properties::race::Scoped| line_begins(parts, &race.name);
    let scoped = scoped(scope, *dialect).into_iter().find(of_name)?;
    let shown = shown(&scoped.race, fault, Duration::from_secs(60))?;
    Some(format!("{fault} | {scope} | {dialect} | {} | {shown}", scoped.name))
}

/// Names of races have bars in them, so the rest of a line begins with one.
fn line_begins(parts: &[&str], name: &str) -> bool {
    let rest = parts[3..].join(" | ");
    rest.strip_prefix(name).is_some_and(|shown| shown.starts_with(" | "))
}
