//! The nights before this one, as far as their reports are kept: what a night must not fall behind.
//!
//! **What it is.** For each fuzzer of tonight the newest night that had it, too, and from it what a single night cannot know:
//! for how many nights in a row nothing new was found, and how many edges were reached then.
//!
//! **What it is not.** The history, which has every night in short: it is read where no report is kept.
//! Nor a verdict: `reports` judges what stands in the results.
//!
//! **The law it keeps.** A night without the fuzzer, such as one of the canary, is passed over: it must not make the others forget.

use std::path::Path;
use std::time::SystemTime;

use reports::{EngineResult, History, Night, NightEngine, Ran, Results, Status, figures};

/// The nights whose results lie in a directory below `reports` or in `out`, the newest first. One that was cut off has none, and one
/// that cannot be read is left out.
pub(crate) fn nights(reports: &Path, out: &Path) -> Vec<Results> {
    let below = std::fs::read_dir(reports).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<_> = below.chain([out.to_owned()]).map(|dir| dir.join("results.json")).collect();
    files.sort();
    files.dedup();
    let mut nights: Vec<(SystemTime, Results)> = files.iter().filter_map(|file| night(file)).collect();
    nights.sort_by_key(|(written, _)| std::cmp::Reverse(*written));
    nights.into_iter().map(|(_, results)| results).collect()
}

fn night(file: &Path) -> Option<(SystemTime, Results)> {
    let written = std::fs::metadata(file).and_then(|file| file.modified()).ok()?;
    Some((written, reports::read(file).ok()?))
}

/// Carries on the counts of tonight's fuzzers from the nights before, the newest first. Where no report is kept, as on a machine that is
/// new each night, the counts are from the history.
pub(crate) fn carry_on(tonight: &mut [EngineResult], nights: &[Results], history: &History) {
    for EngineResult { name, status, .. } in tonight {
        let Status::Ran(ran) = status else { continue };
        let of_report = nights.iter().find_map(|night| fuzzer(night, name)).map(Before::of);
        carry_on_one(ran, of_report.or_else(|| Before::of_history(history, name)));
    }
}

fn carry_on_one(ran: &mut Ran, before: Option<Before>) {
    if let Some(corpus) = ran.corpus.as_deref_mut() {
        let idle = before.as_ref().map_or(0, |before| before.idle_nights);
        corpus.idle_nights = if corpus.added == 0 { idle + 1 } else { 0 };
    }
    if let (Some(edges), Some((reached, reachable))) =
        (ran.edges.as_deref_mut(), before.and_then(|it| it.edges))
    {
        // Counts of two indexes cannot be compared.
        edges.last_night = (reachable == edges.reachable).then_some(reached);
    }
}

/// The counts of a fuzzer's last night, which tonight's follow.
struct Before {
    /// Nights in a row that added nothing.
    idle_nights: u64,
    /// Edges reached, of how many, where they are counted.
    edges: Option<(u64, u64)>,
}

impl Before {
    fn of(ran: &Ran) -> Before {
        Before {
            idle_nights: ran.corpus.as_deref().map_or(0, |corpus| corpus.idle_nights),
            edges: ran.edges.as_deref().map(|edges| (edges.reached, edges.reachable)),
        }
    }

    fn of_history(history: &History, name: &str) -> Option<Before> {
        let of_night = |night: &'_ Night, what: &str| {
            // Behind its name stands what it ran on.
            let is_it = |engine: &&NightEngine| {
                engine.name.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(" ("))
            };
            let engine = night.engines.iter().find(is_it)?;
            engine.figures.iter().find(|figure| figure.what == what).map(|figure| (figure.done, figure.of))
        };
        let added = history.nights().rev().filter_map(|night| of_night(night, figures::NEW_INPUTS));
        let mut added = added.peekable();
        added.peek()?;
        let edges = history.nights().rev().find_map(|night| of_night(night, figures::EDGES));
        Some(Before {
            idle_nights: added.take_while(|(added, _)| *added == 0).count() as u64,
            edges: edges.and_then(|(reached, of)| Some((reached, of?))),
        })
    }
}

/// The fuzzer of this name, if it ran that night.
fn fuzzer<'a>(night: &'a Results, name: &str) -> Option<&'a Ran> {
    night.engines.iter().filter(|engine| engine.name == name).find_map(|engine| match &engine.status {
        Status::Ran(ran) if ran.corpus.is_some() => Some(ran),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use judge::RuleSet;
    use reports::{
        Agreement, Amount, Approach, Corpus, Ended, ExitCode, IDLE_NIGHTS, ModelEdges, Unit, write_all,
    };

    use super::*;
    use crate::place::Place;
    use crate::run;

    /// A night of one fuzzer that missed one edge of ten.
    fn night(added: u64, reached: u64) -> Results {
        let mut results = run::results(&Place::here(), RuleSet::EMPTY, 1, None);
        let status = Status::Ran(Ran {
            approach: Approach::Sampling,
            ended: Ended::BudgetSpent,
            work: vec![Amount::new(Unit::Runs, 1_000)],
            time_ms: 1_000,
            findings: Vec::new(),
            agreement: Some(Agreement {
                what: "agreement".into(),
                compared: 1_000,
                disagreements: Vec::new(),
            }),
            witnesses: Vec::new(),
            freedoms: Vec::new(),
            windows: None,
            edges: Some(Box::new(ModelEdges {
                reached,
                reachable: 10,
                missing: vec!["QUEUED | Suspend -> S_OK".into()],
                last_night: None,
                cells: Vec::new(),
                unknown: Vec::new(),
            })),
            account: None,
            corpus: Some(Box::new(Corpus {
                before: 9,
                after: 9 + added,
                added,
                replayed: 9,
                idle_nights: 0,
            })),
        });
        let (name, switches) = ("fuzz lockstep".to_owned(), String::new());
        results.engines.push(EngineResult {
            name,
            subject: None,
            dialect: None,
            scope: None,
            switches,
            status,
        });
        results
    }

    /// Nights one after the other in a directory of their own, as `nightly` has them, and the code that each ends with.
    struct Nights {
        dir: tempfile::TempDir,
        number: usize,
    }

    impl Nights {
        fn new() -> Nights {
            Nights { dir: tempfile::tempdir().expect("a directory"), number: 0 }
        }

        fn out(&self) -> PathBuf {
            self.dir.path().join(self.number.to_string())
        }

        fn pass(&mut self, mut tonight: Results) -> ExitCode {
            self.number += 1;
            carry_on(&mut tonight.engines, &nights(self.dir.path(), &self.out()), &History::default());
            self.write(&tonight);
            tonight.outcome().exit_code
        }

        /// Files of one moment have one time, so that each night is given an hour of its own.
        fn write(&self, results: &Results) {
            write_all(&self.out(), results).expect("a report");
            let file = std::fs::File::options().append(true).open(self.out().join("results.json"));
            let hour = std::time::Duration::from_secs(3_600 * self.number as u64);
            file.and_then(|file| file.set_modified(SystemTime::UNIX_EPOCH + hour)).expect("its time is set");
        }
    }

    #[test]
    fn so_many_idle_nights_in_a_row_are_too_many() {
        let mut nights = Nights::new();
        assert_eq!(nights.pass(night(5, 9)), ExitCode::Held);
        for _ in 1..IDLE_NIGHTS {
            assert_eq!(nights.pass(night(0, 9)), ExitCode::Held);
        }
        assert_eq!(nights.pass(night(0, 9)), ExitCode::Vacuous);
        // And something new ends the row.
        assert_eq!(nights.pass(night(1, 9)), ExitCode::Held);
        assert_eq!(nights.pass(night(0, 9)), ExitCode::Held);
    }

    #[test]
    fn a_night_without_the_fuzzer_is_passed_over() {
        let mut nights = Nights::new();
        assert_eq!(nights.pass(night(5, 9)), ExitCode::Held);
        let mut without = night(5, 9);
        without.engines[0].name = "properties (canary)".to_owned();
        let _held = nights.pass(without);
        assert_eq!(nights.pass(night(5, 8)), ExitCode::Vacuous, "fewer edges than the night before that");
    }

    #[test]
    fn where_no_report_is_kept_the_history_says_as_much() {
        let mut history = History::default();
        let mut pass = |mut tonight: Results, day: usize| {
            tonight.run.date = format!("2026-01-{day:02} 03:04 UTC");
            carry_on(&mut tonight.engines, &[], &history);
            let line = Night::of(&tonight, "class", "rustc", &history);
            history.add(line, 10);
            tonight.outcome().exit_code
        };
        assert_eq!(pass(night(5, 9), 1), ExitCode::Held);
        for day in 2..=usize::try_from(IDLE_NIGHTS).expect("it is small") {
            assert_eq!(pass(night(0, 9), day), ExitCode::Held);
        }
        assert_eq!(pass(night(0, 9), 11), ExitCode::Vacuous, "too many idle nights");
        assert_eq!(pass(night(5, 8), 12), ExitCode::Vacuous, "fewer edges than the night before");
        assert_eq!(pass(night(5, 8), 13), ExitCode::Held);
    }

    #[test]
    fn another_index_of_edges_is_not_compared() {
        let mut nights = Nights::new();
        let mut larger = night(5, 9);
        let Status::Ran(ran) = &mut larger.engines[0].status else { unreachable!("it ran") };
        ran.edges.as_mut().expect("lockstep has them").reachable = 11;
        assert_eq!(nights.pass(larger), ExitCode::Held);
        assert_eq!(nights.pass(night(5, 8)), ExitCode::Held);
    }
}
