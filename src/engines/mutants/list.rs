//! Which mutants there are, and which of them a sample has.

use std::path::Path;
use std::process::Stdio;

use serde::{Deserialize, Serialize};

use crate::engines::tools::{self, cargo};
use crate::error::Error;
use crate::place::Place;

/// A part of the sources that is mutated.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Room {
    /// The engine's state machine.
    Core,
    /// The engine's threads, callbacks, the barrier.
    Service,
    /// The engine's HTTP.
    Transfer,
    /// The specification.
    Spec,
    /// The protocol.
    Protocol,
    /// The rules.
    Rules,
}

impl Room {
    const ALL: &'static [Room] =
        &[Room::Core, Room::Service, Room::Transfer, Room::Spec, Room::Protocol, Room::Rules];

    /// Those of the engine.
    pub(crate) const ENGINE: [Room; 3] = [Room::Core, Room::Service, Room::Transfer];

    /// Those of model and judge.
    pub(crate) const MODEL: [Room; 3] = [Room::Spec, Room::Protocol, Room::Rules];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Room::Core => "core",
            Room::Service => "service",
            Room::Transfer => "transfer",
            Room::Spec => "spec",
            Room::Protocol => "protocol",
            Room::Rules => "rules",
        }
    }

    /// Where its sources are.
    pub(super) const fn dir(self) -> &'static str {
        match self {
            Room::Core => "engine/src/core",
            Room::Service => "engine/src/service",
            Room::Transfer => "engine/src/transfer",
            Room::Spec => "model/src/spec",
            Room::Protocol => "model/src/protocol",
            Room::Rules => "judge/src",
        }
    }

    /// Its crate, and the directory of that.
    pub(super) const fn package(self) -> &'static str {
        match self {
            Room::Core | Room::Service | Room::Transfer => "engine",
            Room::Spec | Room::Protocol => "model",
            Room::Rules => "judge",
        }
    }

    /// The room of a source file.
    fn of(file: &str) -> Option<Room> {
        Room::ALL.iter().copied().find(|room| Path::new(file).starts_with(room.dir()))
    }
}

contract::named!(Room, UnknownRoom, "a part of the sources");

/// A mutant, as cargo-mutants lists it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Mutant {
    /// Where, and what is changed.
    pub(super) name: String,
    /// Below the checkout.
    pub(super) file: String,
    /// What is replaced.
    pub(super) span: Span,
    /// By what.
    pub(super) replacement: String,
    /// For people.
    pub(crate) diff: String,
    /// Its name without line and column, which change with every other line of the file; of equal ones, which.
    #[serde(skip_deserializing)]
    pub(crate) id: String,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub(super) struct Span {
    pub(super) start: At,
    pub(super) end: At,
}

/// Counted from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub(super) struct At {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Mutant {
    pub(crate) fn room(&self) -> Room {
        // `all` keeps only what is in a room.
        Room::of(&self.file).unwrap_or(Room::Core)
    }

    /// What is changed, without the place.
    fn change(&self) -> &str {
        self.name.split_once(' ').map_or(&self.name, |(_, change)| change)
    }

    /// `file:line`, to be opened.
    pub(crate) fn at(&self) -> String {
        format!("{}:{}", self.file, self.span.start.line)
    }
}

/// Which mutants are judged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Sample {
    /// How many there are.
    pub(crate) size: usize,
    /// What the order follows from.
    pub(crate) seed: u64,
    /// Of these, every so-manieth.
    pub(crate) shard: Shard,
}

/// One of `of` parts, by its number from 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Shard {
    number: usize,
    of: usize,
}

impl Shard {
    pub(crate) const WHOLE: Shard = Shard { number: 1, of: 1 };
}

impl std::str::FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Shard, String> {
        let wrong = || format!("{text:?} is no part of a whole: expected such as `2/5`");
        let (number, of) = text.split_once('/').ok_or_else(wrong)?;
        let (number, of) = (number.parse().map_err(|_| wrong())?, of.parse().map_err(|_| wrong())?);
        if (1..=of).contains(&number) { Ok(Shard { number, of }) } else { Err(wrong()) }
    }
}

impl Sample {
    /// The mutants of the sample. Which comes first depends on seed and id alone: a larger sample has the smaller one inside, and
    /// a change elsewhere in the engine moves none of the others.
    pub(crate) fn of(&self, mut mutants: Vec<Mutant>) -> Vec<Mutant> {
        mutants.sort_by_cached_key(|mutant| (self.rank(&mutant.id), mutant.id.clone()));
        mutants.truncate(self.size);
        let in_shard = |at: &usize| at % self.shard.of == self.shard.number - 1;
        let numbered = mutants.into_iter().enumerate();
        numbered.filter(|(at, _)| in_shard(at)).map(|(_, mutant)| mutant).collect()
    }

    fn rank(&self, id: &str) -> u64 {
        super::fingerprint([&self.seed.to_le_bytes()[..], id.as_bytes()])
    }
}

/// Why mutants cannot be listed here, if they cannot: what is missing, and the command that installs it.
pub(crate) fn obstacle(place: &Place) -> Option<(String, String)> {
    if !tools::has_cargo() {
        let what = "cargo is not installed, which builds the mutants";
        return Some((what.to_owned(), "install rustup from https://rustup.rs".to_owned()));
    }
    match tools::cargo_mutants(place) {
        Some(_) => None,
        None => Some(("cargo-mutants is not installed".to_owned(), tools::install_cargo_mutants())),
    }
}

/// Every mutant of these rooms, in the order of the source.
pub(super) fn all(place: &Place, rooms: &[Room]) -> Result<Vec<Mutant>, Error> {
    let failed = |why: String| Error::Program { program: "cargo mutants --list".to_owned(), why };
    let mut command = cargo(place);
    command.args(["mutants", "--list", "--json"]);
    if rooms.iter().any(|room| Room::MODEL.contains(room)) {
        command.args(["--config", ".cargo/mutants-model.toml", "--package", "model", "--package", "judge"]);
    } else {
        // The checkout's own configuration is for the tests of the core.
        command.args(["--no-config", "--package", "engine"]);
        // The naive designs stand in the place of the barrier for a demonstration; the engine does not run them.
        command.args(["--exclude", "engine/src/service/design.rs"]);
        // How a value prints is for people.
        command.args(["--exclude-re", r"impl (\w+::)*(Debug|Display) for"]);
        for room in rooms {
            command.args(["--file", &format!("{}/**/*.rs", room.dir())]);
        }
    }
    let output = command.stderr(Stdio::piped()).output().map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        return Err(failed(why.lines().last().unwrap_or("it says nothing").to_owned()));
    }
    let listed: Vec<Mutant> =
        serde_json::from_slice(&output.stdout).map_err(|error| failed(error.to_string()))?;
    let is_asked = |mutant: &Mutant| Room::of(&mutant.file).is_some_and(|room| rooms.contains(&room));
    Ok(named(listed.into_iter().filter(is_asked).collect()))
}

/// Gives each mutant its id.
fn named(mut mutants: Vec<Mutant>) -> Vec<Mutant> {
    mutants.sort_by(|one, other| (&one.file, one.span).cmp(&(&other.file, other.span)));
    let mut seen = std::collections::BTreeMap::<String, usize>::new();
    for mutant in &mut mutants {
        let file = Path::new(&mutant.file).strip_prefix("engine/src").unwrap_or(Path::new(&mutant.file));
        let id = format!("{}: {}", file.display(), mutant.change());
        let times = seen.entry(id.clone()).or_default();
        *times += 1;
        mutant.id = if *times == 1 { id } else { format!("{id} #{times}") };
    }
    mutants
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mutants(count: usize) -> Vec<Mutant> {
        let of = |line| Mutant {
            name: format!("engine/src/core/job.rs:{line}:5: replace + with - in Job::{}", line % 7),
            file: "engine/src/core/job.rs".to_owned(),
            span: Span { start: At { line, column: 5 }, end: At { line, column: 6 } },
            ..Mutant::default()
        };
        named((1..=count).map(of).collect())
    }

    fn ids(sample: Sample, count: usize) -> Vec<String> {
        sample.of(mutants(count)).into_iter().map(|mutant| mutant.id).collect()
    }

    #[test]
    fn equal_changes_of_a_function_have_names_of_their_own_that_have_no_line() {
        let names: Vec<String> = mutants(9).into_iter().map(|mutant| mutant.id).collect();
        assert_eq!(names[0], "core/job.rs: replace + with - in Job::1");
        assert_eq!(names[7], "core/job.rs: replace + with - in Job::1 #2");
    }

    #[test]
    fn a_larger_sample_has_the_smaller_one_inside_and_another_seed_gives_another() {
        let small = Sample { size: 10, seed: 3, shard: Shard::WHOLE };
        let [first, second] = [small, Sample { size: 20, ..small }].map(|sample| ids(sample, 60));
        assert_eq!(first, second[..10]);
        assert_ne!(first, ids(Sample { seed: 4, ..small }, 60));
    }

    #[test]
    fn the_shards_of_a_sample_are_the_sample() {
        let whole = Sample { size: 11, seed: 1, shard: Shard::WHOLE };
        let shard = |number| ids(Sample { shard: Shard { number, of: 3 }, ..whole }, 60);
        let mut parts: Vec<String> = (1..=3).flat_map(shard).collect();
        let mut all = ids(whole, 60);
        parts.sort();
        all.sort();
        assert_eq!(parts, all);
    }

    #[test]
    fn a_shard_is_read_as_a_part_of_a_whole() {
        assert_eq!("2/5".parse(), Ok(Shard { number: 2, of: 5 }));
        for wrong in ["0/5", "6/5", "2", "a/b", "1/0"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }
}
