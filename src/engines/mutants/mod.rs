//! Mutants of a source x engines: which the workbench notices, without a test of that source.
//!
//! **What it is.** [`mod@list`] gets the list of mutants from cargo-mutants and takes a sample. [`weave`] puts all of a sample into one
//! build, [`tree`] has the copy of the checkout that is built. Of the engine, [`judge`] lets the engines of `kill` loose on one mutant
//! after another; of the model, [`compare`] has the engines of `mutate` compare what it decides with what it decided. A result is a line
//! of a file at once, so that a run that was stopped goes on where it was.
//!
//! **What it is not.** A mutation tool: what is changed, and how, is for cargo-mutants to choose.
//!
//! **The law it keeps.** A result is taken from the file only when sources, engines, budget and seed are equal.

mod compare;
mod judge;
mod list;
mod tree;
mod usual;
mod weave;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use properties::kill::Engine;
use reports::{ExitCode, JudgedMutant, KillCell, KnownSurvivors, MutantFate, Mutated, SourceMutants};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub(crate) use self::compare::Woven;
use self::list::Mutant;
pub(crate) use self::list::{Room, Sample, Shard, obstacle};
use self::tree::{Built, Files, Tree};
use self::usual::Usual;
use self::weave::{Number, Source};
use super::mutate::ENGINES;
use crate::error::Error;
use crate::files;
use crate::finish::{self, Reader};
use crate::output::Output;
use crate::place::Place;
use crate::run::{is_stopped, millis};
use crate::signals;

/// What to judge, and how.
pub(crate) struct Plan<'a> {
    pub(crate) place: &'a Place,
    pub(crate) rooms: &'a [Room],
    pub(crate) sample: Sample,
    pub(crate) judges: Judges<'a>,
    /// Where results are kept; below target when left out.
    pub(crate) results: Option<&'a Path>,
    /// Which results are taken from there.
    pub(crate) again: Again,
    pub(crate) offline: Offline,
    pub(crate) command_line: String,
}

/// What judges a mutant.
pub(crate) enum Judges<'a> {
    /// The engines of `kill`, as they attack the engine.
    Attack(Attack<'a>),
    /// The engines of `mutate`, as they compare the model with what it was.
    Compare,
}

/// How the engine is attacked.
pub(crate) struct Attack<'a> {
    /// The cheapest first.
    pub(crate) engines: &'a [Engine],
    /// For each mutant and engine.
    pub(crate) budget: Duration,
    pub(crate) seed: u64,
}

impl Judges<'_> {
    fn engines(&self) -> Vec<String> {
        match self {
            Judges::Attack(attack) => attack.engines.iter().map(ToString::to_string).collect(),
            Judges::Compare => ENGINES.map(str::to_owned).to_vec(),
        }
    }

    fn budget_ms(&self) -> u64 {
        match self {
            Judges::Attack(attack) => millis(attack.budget),
            Judges::Compare => millis(compare::PATIENCE),
        }
    }

    const fn mutated(&self) -> Mutated {
        match self {
            Judges::Attack(_) => Mutated::Engine,
            Judges::Compare => Mutated::Model,
        }
    }

    /// What the build needs.
    const fn features(&self) -> &'static [&'static str] {
        match self {
            Judges::Attack(_) => &[],
            Judges::Compare => &["mutants"],
        }
    }

    /// What the root of a crate with mutants has at its end.
    const fn root(&self) -> &'static str {
        match self {
            Judges::Attack(_) => weave::ROOT_OF_THE_ENGINE,
            Judges::Compare => weave::ROOT_OF_THE_MODEL,
        }
    }
}

/// Whether something may be downloaded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Offline {
    /// No.
    Yes,
    /// It may.
    No,
}

/// Which mutants with a result are judged again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Again {
    /// Those whose result is of another engine or workbench.
    Changed,
    /// Those that survived. Others keep the result of an older engine: for work on survivors.
    Survivors,
}

/// Reads earlier rates and the reasons of survivors.
fn known(place: &Place, of: Mutated) -> Result<KnownSurvivors, Error> {
    files::expected(&place.join(of.known()), "give each survivor a `meaning` and a `why`")
}

/// The sample, and how many mutants it is of.
fn sample(place: &Place, rooms: &[Room], sample: Sample) -> Result<(Vec<Mutant>, usize), Error> {
    let all = list::all(place, rooms)?;
    let of = all.len();
    Ok((sample.of(all), of))
}

/// A line of the file of results.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// Of which engine, workbench, engines, budget and seed.
    made_of: String,
    #[serde(flatten)]
    row: JudgedMutant,
}

/// Judges the sample.
fn run(plan: &Plan<'_>, output: &Output) -> Result<SourceMutants, Error> {
    let (mutants, of) = sample(plan.place, plan.rooms, plan.sample)?;
    let files = tree::files(plan.place)?;
    let path = plan
        .results
        .map_or_else(|| Tree::beside(plan.place, plan.judges.mutated(), "results.ndjson"), Path::to_owned);
    let mut results = Results::open(path, plan.again, made_of(plan, tree::fingerprint(&files)))?;
    let todo: Vec<&Mutant> = mutants.iter().filter(|mutant| !results.has(&mutant.id)).collect();
    let mut judged = SourceMutants {
        mutated: plan.judges.mutated(),
        commit: plan.place.commit(),
        command_line: plan.command_line.clone(),
        seed: plan.sample.seed,
        of,
        budget_ms: plan.judges.budget_ms(),
        engines: plan.judges.engines(),
        control: Vec::new(),
        rows: Vec::new(),
        stopped_by: None,
    };
    if !todo.is_empty() {
        let sources = sources(&files, plan.rooms)?;
        let (tree, usual) = (Tree::of(plan.place, plan.judges.mutated()), results.usual.clone());
        let results = &mut results;
        let mut bench = Bench { plan, files: &files, sources: &sources, tree, results, usual, output };
        match bench.judge(&todo) {
            Ok(control) => judged.control = control,
            // A build that was ended with the run has no result, and the results there are stand.
            Err(_) if is_stopped() => {}
            Err(error) => return Err(error),
        }
    }
    judged.stopped_by = signals::first();
    judged.rows = mutants.iter().filter_map(|mutant| results.row(&mutant.id)).collect();
    Ok(judged)
}

/// What is to be made of a sample.
pub(crate) struct Asked<'a> {
    /// Only its mutants are printed.
    pub(crate) list: bool,
    pub(crate) reader: Reader,
    /// Where the document is written.
    pub(crate) out: Option<&'a Path>,
    /// What the sample is taken after, where it is the one to compare with from now on.
    pub(crate) bless: Option<String>,
}

/// Prints the sample, or judges it.
pub(crate) fn sample_of(plan: &Plan<'_>, asked: Asked<'_>, output: &mut Output) -> Result<ExitCode, Error> {
    if let Some((what, help)) = obstacle(plan.place) {
        return Err(Error::Missing { what, help });
    }
    if asked.list { list(plan, asked.reader, output) } else { report(plan, asked, output) }
}

/// Judges the sample, prints what came of it, and writes the document; with `bless` also what is known from now on, and what is new since the
/// last point of the curve.
fn report(plan: &Plan<'_>, asked: Asked<'_>, output: &mut Output) -> Result<ExitCode, Error> {
    let Asked { reader, out, bless, .. } = asked;
    let mutated = plan.judges.mutated();
    // Read first: what cannot be compared need not be run.
    let mut known = known(plan.place, mutated)?;
    let mut judged = run(plan, output)?;
    judged.explain(&known);
    let blessed = bless.filter(|_| judged.stopped_by.is_none());
    if let Some(after) = &blessed {
        known.take_over(&judged, after.clone());
    }
    let name = format!("mutants-{}.md", mutated.name());
    let out = out.map_or_else(|| plan.place.reports().join(name), Path::to_owned);
    let known_at = plan.place.join(mutated.known());
    let expected = blessed.map(|_| (&*known_at, &known));
    finish::matrix(&judged, (&judged.text(), &judged.markdown(&known)), reader, (&out, expected), output)?;
    Ok(judged.exit_code())
}

/// Prints the sample.
fn list(plan: &Plan<'_>, reader: Reader, output: &mut Output) -> Result<ExitCode, Error> {
    let (mutants, _) = sample(plan.place, plan.rooms, plan.sample)?;
    match reader {
        Reader::Machine => output.json(&json!({ "version": 1, "mutants": mutants }))?,
        Reader::Person => {
            for mutant in mutants {
                output.text(&format!("{} ({})", mutant.id, mutant.at()))?;
            }
        }
    }
    Ok(ExitCode::Held)
}

/// Mutants with the numbers that switch them on in a woven build.
type Numbered<'m> = Vec<(Number, &'m Mutant)>;

/// Everything that a run needs to build and judge.
struct Bench<'a, 'b> {
    plan: &'a Plan<'a>,
    files: &'a Files,
    sources: &'a Sources<'a>,
    tree: Tree,
    results: &'b mut Results,
    usual: Usual,
    output: &'a Output,
}

impl Bench<'_, '_> {
    /// Returns what the engines see of the unchanged engine. When they see something, nothing else is judged.
    fn judge(&mut self, todo: &[&Mutant]) -> Result<Vec<KillCell>, Error> {
        let sources = self.sources;
        let place = |mutant: &Mutant| {
            sources.get(Path::new(&mutant.file)).map_or(weave::Place::Alone, |source| source.place(mutant))
        };
        let is_woven = |mutant: &&Mutant| place(mutant) != weave::Place::Alone;
        let (woven, alone): (Vec<&Mutant>, Vec<&Mutant>) = todo.iter().copied().partition(is_woven);
        let numbers = (1..).map(Number);
        let (program, jobs) = self.weave(numbers.zip(woven).collect())?;
        let results = &mut *self.results;
        let mut add = |mutant: &Mutant, fate| results.add(mutant, fate);
        let attack = match &self.plan.judges {
            Judges::Attack(attack) => attack,
            Judges::Compare => {
                // A mutant that always runs has nothing to be compared with.
                let why = "it is in a constant, which no build has twice";
                alone
                    .into_iter()
                    .try_for_each(|mutant| add(mutant, MutantFate::Failed { why: why.to_owned() }))?;
                return compare::all(
                    &program,
                    &jobs,
                    self.plan.sample.seed,
                    &self.usual,
                    self.output,
                    &mut add,
                );
            }
        };
        let control = judge::control(&program, attack, self.output);
        if control.iter().any(|cell| matches!(cell.kill, reports::Kill::Killed { .. })) {
            return Ok(control);
        }
        judge::all(&program, &jobs, attack, &self.usual, self.output, &mut add)?;
        for mutant in alone {
            if is_stopped() {
                break;
            }
            self.alone(mutant, attack)?;
        }
        Ok(control)
    }

    /// Builds the workbench with as many of these inside as compile; the others are unviable.
    fn weave<'m>(&mut self, mut mutants: Numbered<'m>) -> Result<(PathBuf, Numbered<'m>), Error> {
        let progress = self.output.progress("kill: build");
        loop {
            let woven: BTreeMap<&Path, weave::Woven> = self
                .sources
                .iter()
                .map(|(path, source)| {
                    let inside = |(_, mutant): &&(Number, &Mutant)| Path::new(&mutant.file) == path;
                    let inside: Vec<_> = mutants.iter().filter(inside).copied().collect();
                    (path.as_path(), source.weave(&inside))
                })
                .collect();
            self.tree.write(&self.with(woven.iter().map(|(path, woven)| (*path, woven.text.clone()))))?;
            match self.tree.build(
                self.plan.place,
                "woven",
                self.plan.judges.features(),
                self.plan.offline,
                &progress,
            )? {
                Built::Program(program) => return Ok((program, mutants)),
                Built::Errors(errors) => {
                    let of_error = |(path, line): &tree::At| woven.get(path.as_path())?.at(*line);
                    let wrong: Vec<Number> = errors.iter().filter_map(of_error).collect();
                    if wrong.is_empty() {
                        return Err(does_not_build(&errors));
                    }
                    let (unviable, others): (Vec<_>, Vec<_>) =
                        mutants.into_iter().partition(|(number, _)| wrong.contains(number));
                    for (_, mutant) in unviable {
                        self.results.add(mutant, MutantFate::Unviable)?;
                    }
                    mutants = others;
                    progress.note(&format!("kill: {} of the mutants compile so far", mutants.len()));
                }
            }
        }
    }

    /// Builds the workbench with this mutant and judges it.
    fn alone(&mut self, mutant: &Mutant, attack: &Attack<'_>) -> Result<(), Error> {
        let path = Path::new(&mutant.file);
        let Some(source) = self.sources.get(path) else {
            let why = "its file is not in the copy".to_owned();
            return self.results.add(mutant, MutantFate::Failed { why });
        };
        let progress = self.output.progress("kill: build");
        let others = self.sources.iter().map(|(path, source)| (path.as_path(), source.weave(&[]).text));
        let changed = (path, source.alone(mutant));
        self.tree.write(&self.with(others.chain([changed])))?;
        match self.tree.build(
            self.plan.place,
            "alone",
            self.plan.judges.features(),
            self.plan.offline,
            &progress,
        )? {
            Built::Errors(_) => self.results.add(mutant, MutantFate::Unviable),
            Built::Program(program) => {
                let results = &mut *self.results;
                let none = [(Number(0), mutant)];
                judge::all(&program, &none, attack, &self.usual, self.output, &mut |mutant, fate| {
                    results.add(mutant, fate)
                })
            }
        }
    }

    /// The checkout's files with these in the place of others.
    fn with<'p>(&self, changed: impl Iterator<Item = (&'p Path, String)>) -> Files {
        let mut files = self.files.clone();
        files.extend(changed.map(|(path, text)| (path.to_owned(), text.into_bytes())));
        let packages: BTreeSet<&str> = self.plan.rooms.iter().map(|room| room.package()).collect();
        for package in packages {
            if let Some(root) = files.get_mut(&Path::new(package).join("src/lib.rs")) {
                let body = String::from_utf8_lossy(root);
                *root = [weave::ALLOWED, &*body, self.plan.judges.root()].concat().into_bytes();
            }
        }
        files
    }
}

/// The files with mutants, by their path below the checkout.
type Sources<'a> = BTreeMap<PathBuf, Source<'a>>;

fn sources<'a>(files: &'a Files, rooms: &'a [Room]) -> Result<Sources<'a>, Error> {
    let parsed = tree::sources(files, rooms).map(|(path, text)| {
        let source = Source::parse(text).map_err(|error| Error::Program {
            program: "reading a source".to_owned(),
            why: format!("{}: {error}", path.display()),
        });
        Ok((path.to_owned(), source?))
    });
    parsed.collect()
}

fn does_not_build(errors: &BTreeSet<tree::At>) -> Error {
    let places = errors.iter().map(|(path, line)| format!("{}:{line}", path.display()));
    let why =
        format!("the sources do not compile without a mutant: {}", places.collect::<Vec<_>>().join(", "));
    Error::Program { program: "cargo build".to_owned(), why }
}

/// The file of results.
struct Results {
    path: PathBuf,
    made_of: String,
    rows: BTreeMap<String, JudgedMutant>,
    /// What mutants took, also those of older engines.
    usual: Usual,
}

impl Results {
    fn open(path: PathBuf, again: Again, made_of: String) -> Result<Results, Error> {
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(source) => {
                let help = "delete it to begin anew, or name another with `--results`".to_owned();
                return Err(Error::Read { path, source, help });
            }
        };
        // The last line of a run that was stopped may be half a line.
        let kept = text.lines().filter_map(|line| serde_json::from_str::<Kept>(line).ok());
        let (mut rows, mut usual) = (BTreeMap::new(), Usual::default());
        for Kept { made_of: before, row } in kept {
            usual.note(&row);
            let is_open = matches!(row.fate, MutantFate::Survived { .. } | MutantFate::Failed { .. });
            match again {
                Again::Changed if before != made_of => {}
                Again::Survivors if before != made_of && is_open => {
                    rows.remove(&row.id);
                }
                Again::Changed | Again::Survivors => {
                    rows.insert(row.id.clone(), row);
                }
            }
        }
        Ok(Results { path, made_of, rows, usual })
    }

    fn has(&self, id: &str) -> bool {
        self.rows.contains_key(id)
    }

    fn row(&self, id: &str) -> Option<JudgedMutant> {
        self.rows.get(id).cloned()
    }

    /// Keeps a result, also on the disk.
    fn add(&mut self, mutant: &Mutant, fate: MutantFate) -> Result<(), Error> {
        let row = JudgedMutant {
            id: mutant.id.clone(),
            at: mutant.at(),
            room: mutant.room().name().to_owned(),
            fate,
            diff: mutant.diff.clone(),
            survivor: None,
        };
        let kept = Kept { made_of: self.made_of.clone(), row: row.clone() };
        let text = serde_json::to_string(&kept).map_err(|error| Error::Stdout(error.into()))?;
        self.append(&text).map_err(|source| Error::Write { path: self.path.clone(), source })?;
        self.rows.insert(row.id.clone(), row);
        Ok(())
    }

    fn append(&self, line: &str) -> std::io::Result<()> {
        std::fs::create_dir_all(self.path.parent().unwrap_or(Path::new(".")))?;
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&self.path)?;
        // In one piece: shards may write into one file.
        file.write_all(format!("{line}\n").as_bytes())
    }
}

/// What a result depends on besides the mutant.
fn made_of(plan: &Plan<'_>, tree: u64) -> String {
    let engines = plan.judges.engines();
    let numbers = [tree, plan.sample.seed, plan.judges.budget_ms()].map(u64::to_le_bytes);
    let numbers = numbers.iter().map(<[u8; 8]>::as_slice);
    format!("{:016x}", fingerprint(numbers.chain(engines.iter().map(|engine| engine.as_bytes()))))
}

/// FNV-1a with 64 bits, and a last stir, so that the highest bits of similar texts differ: equal on every machine and in every version.
fn fingerprint<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    let mut hash = 0xCBF2_9CE4_8422_2325_u64;
    for part in parts {
        for byte in (part.len() as u64).to_le_bytes().iter().chain(part) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }
    hash ^= hash >> 32;
    hash = hash.wrapping_mul(0xD6E8_FEB8_6659_FD93);
    hash ^ (hash >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mutant(id: &str) -> Mutant {
        Mutant { id: id.to_owned(), ..Mutant::default() }
    }

    fn open(path: &Path, again: Again, made_of: &str) -> Results {
        Results::open(path.to_owned(), again, made_of.to_owned()).expect("it can be read")
    }

    fn has(results: &Results) -> Vec<&str> {
        results.rows.keys().map(String::as_str).collect()
    }

    #[test]
    fn a_run_goes_on_where_it_was_and_trusts_no_result_of_another_engine() {
        let dir = tempfile::tempdir().expect("a test may fail here");
        let path = dir.path().join("below").join("results.ndjson");
        let mut results = open(&path, Again::Changed, "one");
        results.add(&mutant("a"), MutantFate::Unviable).expect("it can be written");
        results.add(&mutant("b"), MutantFate::Survived { time_ms: 1 }).expect("it can be written");
        // A run that was stopped in the middle of a line.
        results.append("{\"made_of\":").expect("it can be written");
        assert_eq!(has(&open(&path, Again::Changed, "one")), ["a", "b"]);
        assert!(has(&open(&path, Again::Changed, "two")).is_empty());
        assert_eq!(has(&open(&path, Again::Survivors, "two")), ["a"]);
    }
}
