//! Run after run with the next seed, for a budget, and the transfer oracle before them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use judge::{Rule, Trace, Verdict};

use super::{Canary, LiveConfig, LiveError, LiveReport, Progress, WrongFile, run};
use crate::oracle::{self, OracleConfig, OracleReport, Stop, Wrong};

/// What to do for how long.
#[derive(Clone, Copy, Debug)]
pub struct Campaign<'a> {
    /// The first run; the next ones have the next seeds. Its budget is the most of one run.
    pub first: LiveConfig<'a>,
    /// How long in all.
    pub budget: Duration,
    /// Runs at most, and then without the oracle.
    pub runs: Option<u32>,
    /// One row of the oracle, and no run.
    pub row: Option<&'a str>,
    /// Whether to stop at the first finding.
    pub stop: Stop,
    /// Set when the campaign is to end early, with what it has found.
    pub enough: Option<&'a AtomicBool>,
}

/// What came of all of it.
#[derive(Clone, Debug, Default)]
pub struct Campaigned {
    /// What the service owes to its client, row by row.
    pub oracle: OracleReport,
    /// Runs.
    pub runs: u32,
    /// Jobs of all runs.
    pub jobs: u64,
    /// Calls of all runs.
    pub calls: u64,
    /// Callbacks of all runs.
    pub callbacks: u64,
    /// Events of all runs.
    pub events: u64,
    /// Files that were compared with the server's.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What became of each rule in all runs together.
    pub rules: BTreeMap<Rule, Verdict>,
    /// The first run that broke each rule.
    pub broken: BTreeMap<Rule, Broken>,
    /// Files that should not be as they are, and the seed of their run.
    pub wrong_files: Vec<(u64, WrongFile)>,
    /// What a client, a disk or a server saw that should not be, and the seed of the run; none where the oracle saw it.
    pub wrong: Vec<(Option<u64>, Wrong)>,
    /// What did not come back, and the seed of the run.
    pub hang: Option<(u64, String)>,
    /// How long the runs took, without the oracle.
    pub running: Duration,
    /// How long it took in all.
    pub elapsed: Duration,
}

/// A run that broke a rule.
#[derive(Clone, Debug)]
pub struct Broken {
    /// Its seed.
    pub seed: u64,
    /// What was recorded.
    pub trace: Trace,
    /// Runs of the campaign that broke it.
    pub runs: u32,
}

/// The share of the budget that the oracle may take, in percent. It takes much less where nothing is wrong.
const ORACLE_PERCENT: u32 = 50;
/// Rows of the oracle at once: most of them wait.
const ROWS_AT_ONCE: usize = 8;
/// No run is begun with less than this.
const LEAST: Duration = Duration::from_millis(1500);

/// Plays the oracle, then run after run until the budget is spent. `found` is called with the first finding at once.
///
/// # Errors
/// A run could not be set up.
pub fn campaign(
    campaign: &Campaign<'_>,
    progress: &dyn Fn(u32, Progress),
    found: &dyn Fn(&str),
) -> Result<Campaigned, LiveError> {
    let started = Instant::now();
    let mut all = Campaigned::default();
    let mut said = Said::No;
    if campaign.first.canary == Canary::Off && campaign.runs.is_none() {
        all.oracle = play_oracle(campaign)?;
        all.wrong = all.oracle.wrong.iter().map(|wrong| (None, wrong.clone())).collect();
        all.say(&mut said, found);
    }
    let running = Instant::now();
    let mut longest = LEAST;
    while all.goes_on(campaign, started, longest) {
        let began = Instant::now();
        let left = campaign.budget.saturating_sub(started.elapsed());
        all.add_run(campaign, left, progress)?;
        all.say(&mut said, found);
        longest = longest.max(began.elapsed());
    }
    all.running = running.elapsed();
    all.elapsed = started.elapsed();
    Ok(all)
}

fn play_oracle(campaign: &Campaign<'_>) -> Result<OracleReport, LiveError> {
    let directory = campaign.first.directory.join("oracle");
    let config = OracleConfig {
        profile: campaign.first.profile,
        fault: campaign.first.fault,
        budget: campaign.budget * ORACLE_PERCENT / 100,
        threads: ROWS_AT_ONCE,
        stop: campaign.stop,
        only: campaign.row,
        enough: campaign.enough,
        directory: &directory,
    };
    let report = oracle::run(&config).map_err(LiveError::Server);
    tidy(&directory);
    report
}

/// Removes files that are not needed any more. What cannot be removed goes with the directory above.
fn tidy(directory: &Path) {
    let _ = std::fs::remove_dir_all(directory);
}

impl Campaigned {
    /// Whether anything is wrong.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.broken.is_empty() && self.wrong.is_empty() && self.wrong_files.is_empty() && self.hang.is_none()
    }

    /// The first finding, in a line.
    fn say(&self, said: &mut Said, found: &dyn Fn(&str)) {
        if *said == Said::Yes || self.is_good() {
            return;
        }
        *said = Said::Yes;
        let what =
            match (self.broken.first_key_value(), self.wrong.first(), self.wrong_files.first(), &self.hang) {
                (Some((rule, broken)), ..) => format!("{rule} is broken with seed {}", broken.seed),
                (_, Some((_, wrong)), ..) => format!("{}: {} is wrong", wrong.case, wrong.what),
                (.., Some((seed, wrong)), _) => {
                    format!("{}: {} with seed {seed}", wrong.path.display(), wrong.what)
                }
                (.., Some((seed, _))) => format!("the run with seed {seed} does not come back"),
                _ => return,
            };
        found(&format!("found first: {what}"));
    }

    fn goes_on(&self, campaign: &Campaign<'_>, started: Instant, longest: Duration) -> bool {
        // What hangs keeps its threads, and the next run would share the machine with them.
        let asked = campaign.enough.is_some_and(|enough| enough.load(Ordering::Relaxed));
        let hangs = self.hang.is_some() || self.oracle.hung > 0;
        let enough = asked || hangs || (campaign.stop == Stop::AtFirst && !self.is_good());
        let all_made = campaign.row.is_some() || campaign.runs.is_some_and(|runs| self.runs >= runs);
        // One run is made, however little is left: a budget is no reason to look at nothing.
        !enough && !all_made && (self.runs == 0 || started.elapsed() + longest < campaign.budget)
    }

    fn add_run(
        &mut self,
        campaign: &Campaign<'_>,
        left: Duration,
        progress: &dyn Fn(u32, Progress),
    ) -> Result<(), LiveError> {
        let seed = campaign.first.seed.wrapping_add(u64::from(self.runs));
        let directory = campaign.first.directory.join(format!("run-{}", self.runs));
        std::fs::create_dir_all(&directory).map_err(LiveError::Server)?;
        let budget = campaign.first.budget.min(left).max(LEAST);
        let config = LiveConfig { seed, budget, directory: &directory, ..campaign.first };
        let number = self.runs;
        let report = run(&config, &|now| progress(number, now))?;
        tidy(&directory);
        self.runs += 1;
        self.add(seed, report);
        Ok(())
    }

    fn add(&mut self, seed: u64, report: LiveReport) {
        self.jobs += u64::from(report.jobs);
        self.calls += report.calls;
        self.callbacks += report.callbacks;
        self.events += report.verdicts.events;
        self.files += report.files_compared;
        self.bytes += report.bytes_compared;
        let violated = report.verdicts.violated();
        for (rule, verdict) in report.verdicts.rules {
            match self.rules.entry(rule) {
                Entry::Vacant(entry) => drop(entry.insert(verdict)),
                Entry::Occupied(mut entry) => {
                    let both = together(entry.get(), &verdict);
                    entry.insert(both);
                }
            }
        }
        for rule in violated.iter() {
            let new = || Broken { seed, trace: report.trace.clone(), runs: 0 };
            self.broken.entry(rule).or_insert_with(new).runs += 1;
        }
        self.wrong_files.extend(report.wrong_files.into_iter().map(|wrong| (seed, wrong)));
        self.wrong.extend(report.wrong.into_iter().map(|wrong| (Some(seed), wrong)));
        if let (None, Some(hang)) = (&self.hang, report.hang) {
            self.hang = Some((seed, hang));
        }
    }
}

/// Whether the first finding was reported.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Said {
    No,
    Yes,
}

/// The verdict of two runs on a rule: a violation outweighs everything, and what one decided does not become undecided by the other.
fn together(one: &Verdict, other: &Verdict) -> Verdict {
    match (one, other) {
        (Verdict::Violated { first, count }, Verdict::Violated { count: more, .. }) => {
            Verdict::Violated { first: *first, count: count + more }
        }
        (violated @ Verdict::Violated { .. }, _) | (_, violated @ Verdict::Violated { .. }) => {
            violated.clone()
        }
        (Verdict::Held { decisions }, Verdict::Held { decisions: more }) => {
            Verdict::Held { decisions: decisions + more }
        }
        (held @ Verdict::Held { .. }, _) | (_, held @ Verdict::Held { .. }) => held.clone(),
        (undecided @ Verdict::Undecided { .. }, _) | (_, undecided) => undecided.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_run_breaks_is_broken_and_what_one_decides_is_decided() {
        let held = |decisions| Verdict::Held { decisions };
        let undecided = Verdict::Undecided { why: "it was cut".to_owned() };
        assert_eq!(together(&held(2), &held(3)), held(5));
        assert_eq!(together(&Verdict::Vacuous, &held(3)), held(3));
        assert_eq!(together(&held(2), &undecided), held(2));
        assert_eq!(together(&Verdict::Vacuous, &undecided), undecided);
        let first = judge::Violation { rule: Rule::R1, seq: 7, job: None };
        let broken = Verdict::Violated { first, count: 1 };
        assert_eq!(together(&broken, &held(9)), broken);
        assert_eq!(together(&held(9), &broken), broken);
    }
}
