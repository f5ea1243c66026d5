//! What complete exploration finds of the service's seeded faults: `docs/pinned/race-bites.txt` has a line for each that was found, with the first race
//! that shows it and the fewest forced switches. Needs the feature `faults`.
//!
//! The races of the file are explored again. `BITES=overwrite` looks for each fault in every race of the scopes `tiny`, `default` and `small` instead,
//! for as long as [`PATIENCE`] each and [`OF_A_SCOPE`] in all, and writes the file: a line for each fault, also for those that no race shows.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use contract::Dialect;
use contract::defect::{Design, Fault, Place, Reach};
use properties::race::{
    HuntOptions, Hunted, Kind, Merges, Race, Races, Refine, Scope, Scoped, Stop, ground, hunt, scoped,
};

/// For one race.
const PATIENCE: Duration = Duration::from_secs(4);

/// For all races of a scope: the larger ones of `small` take minutes.
const OF_A_SCOPE: Duration = Duration::from_secs(60);

/// The scopes, by how many calls their races need: `default` has few races, each of a kind of its own.
const SCOPES: [Scope; 3] = [Scope::Tiny, Scope::Default, Scope::Small];

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/pinned/race-bites.txt")
}

fn explored(race: &Race, fault: Fault, refine: Refine, budget: Duration) -> Hunted {
    hunt(&HuntOptions {
        kind: Kind::Complete { merges: Merges::OfOneTask },
        refine,
        races: Races::Given(race),
        design: Design::Barrier,
        fault: Some(fault),
        stop: Stop::AtFirst,
        ..HuntOptions::new(budget, &|_| ())
    })
}

/// What the race shows, with the fewest forced switches. Held to the protocol, a race may show that the service does what that cannot.
fn shown(race: &Race, fault: Fault, refine: Refine, budget: Duration) -> Option<String> {
    let is_followed = || ground(race).is_ok();
    (refine == Refine::No || is_followed()).then(|| what(&explored(race, fault, refine, budget))).flatten()
}

fn what(hunted: &Hunted) -> Option<String> {
    if hunted.hung.is_some() {
        return Some("a hang".to_owned());
    }
    let rules = hunted.failures.first().map(|failure| failure.violated.to_string());
    let what = rules
        .or_else(|| hunted.overwaited.is_some().then(|| "L3".to_owned()))
        .or_else(|| hunted.lost.is_some().then(|| "no run of the protocol".to_owned()))?;
    let switches = hunted.explored.and_then(|explored| explored.bound).map_or(0, |bound| bound + 1);
    Some(format!("{what} | forced switches: {switches}"))
}

fn faults() -> impl Iterator<Item = Fault> {
    // A thread that spins for ever burns a core to the end of the tests: `kill` attacks such a fault in a process of its own.
    let comes_back = |fault: &&Fault| fault.comes_back() && **fault != Fault::WaitsBusily;
    Fault::ALL.iter().filter(|fault| fault.place() == Place::Service).filter(comes_back).copied()
}

/// What the first race shows that breaks a rule, else the first that is no run of the protocol; nothing where none of the scope shows the fault.
fn line(fault: Fault, scope: Scope) -> Option<String> {
    [Refine::No, Refine::Yes].into_iter().find_map(|refine| line_of(fault, scope, refine))
}

fn line_of(fault: Fault, scope: Scope, refine: Refine) -> Option<String> {
    let started = Instant::now();
    let races = Dialect::ALL.iter().flat_map(|dialect| {
        let mut all = scoped(scope, *dialect);
        // Those of one client are small.
        all.sort_by_key(|scoped| scoped.race.branches.len());
        all.into_iter().map(|race| (*dialect, race))
    });
    { races }.take_while(|_| started.elapsed() < OF_A_SCOPE).find_map(|(dialect, scoped)| {
        let shown = shown(&scoped.race, fault, refine, PATIENCE)?;
        Some(format!("{fault} | {scope} | {dialect} | {} | {shown}", scoped.name))
    })
}

/// What is found is written at once: the whole takes its time.
fn write_anew() {
    let (mut text, mut left) = (String::new(), faults().collect::<Vec<_>>());
    for scope in SCOPES {
        left.retain(|fault| {
            let found = line(*fault, scope);
            if let Some(line) = &found {
                writeln!(text, "{line}").expect("a string can be written to");
                std::fs::write(file(), &text).expect("the file can be written");
            }
            found.is_none()
        });
    }
    for fault in left {
        let why = match fault.reach() {
            Reach::OnlyLive(why) => format!(": {why}"),
            _ => String::new(),
        };
        writeln!(text, "{fault} | {NOWHERE}{why}").expect("a string can be written to");
    }
    std::fs::write(file(), &text).expect("the file can be written");
}

/// What stands for a fault that no race shows.
const NOWHERE: &str = "found in no race";

#[test]
fn what_is_found_of_the_faults_is_found_again() {
    if std::env::var_os("BITES").is_some() {
        write_anew();
    }
    let pinned = std::fs::read_to_string(file()).expect("the file is committed");
    assert!(!pinned.is_empty(), "write the file with BITES=overwrite");
    let named: BTreeSet<&str> = pinned.lines().filter_map(|line| line.split(" | ").next()).collect();
    let all: Vec<String> = faults().map(|fault| fault.to_string()).collect();
    assert_eq!(named, all.iter().map(String::as_str).collect(), "write the file with BITES=overwrite");
    for line in pinned.lines().filter(|line| !line.contains(NOWHERE)) {
        let parts: Vec<&str> = line.splitn(5, " | ").collect();
        let fault = parts[0].parse().expect("a line begins with the name of a fault");
        assert_eq!(again(fault, &parts).as_deref(), Some(line), "write the file with BITES=overwrite");
    }
}

/// The line, as the race that it names has it now.
fn again(fault: Fault, parts: &[&str]) -> Option<String> {
    let scope = SCOPES.into_iter().find(|scope| scope.to_string() == parts[1])?;
    let dialect = Dialect::ALL.iter().find(|dialect| dialect.to_string() == parts[2])?;
    let of_name = |race: &Scoped| line_begins(parts, &race.name);
    let scoped = scoped(scope, *dialect).into_iter().find(of_name)?;
    let shown = [Refine::No, Refine::Yes]
        .into_iter()
        .find_map(|refine| shown(&scoped.race, fault, refine, Duration::from_secs(60)))?;
    Some(format!("{fault} | {scope} | {dialect} | {} | {shown}", scoped.name))
}

/// Names of races have bars in them, so the rest of a line begins with one.
fn line_begins(parts: &[&str], name: &str) -> bool {
    let rest = parts[3..].join(" | ");
    rest.strip_prefix(name).is_some_and(|shown| shown.starts_with(" | "))
}
