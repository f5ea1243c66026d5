//! What a complete exploration came to, as results of a report: of the rules, of the comparison with the protocol, and of that of states.

use judge::{Rule, RuleSet};
use model::protocol::Duty;
use reports::{
    Agreement, Amount, Approach, Ended, EngineResult, Finding, Ran, RuleId, RuleResult, Status, Subject,
    Unit, Witness, WitnessSeen,
};

use super::super::race;
use super::{Explored, Kept, NAME, Row, What};
use crate::run::millis;

/// The name of the comparison with the protocol in results, and what is compared.
const REFINEMENT: &str = "race refinement";
const IS_A_STEP: &str = "each step of the service is a step of the protocol, or changes nothing there";

/// The name of the comparison of states that have one digest in results, and what is compared.
const DIGESTS: &str = "race digests";
const ARE_ONE_STATE: &str = "two moments with one digest are one state";

impl Explored {
    fn is_complete(&self) -> bool {
        self.rows.len() == self.races && self.rows.iter().all(|row| row.complete)
    }

    fn sum(&self, of: fn(&Row) -> u64) -> u64 {
        self.rows.iter().map(of).sum()
    }

    /// Its results: of the rules, and of the comparison with the protocol where that was asked for.
    pub(crate) fn results(&self) -> impl Iterator<Item = EngineResult> {
        std::iter::once(self.result()).chain(self.refinement()).chain(self.digests())
    }

    /// The result of the rules.
    pub(super) fn result(&self) -> EngineResult {
        EngineResult {
            name: race::of_design(NAME, self.design),
            subject: Some(Subject::Race),
            dialect: Some(self.dialect),
            scope: Some(self.scope.clone()),
            switches: String::new(),
            status: Status::Ran(self.ran()),
        }
    }

    fn ran(&self) -> Ran {
        let complete = self.rows.iter().filter(|row| row.complete).count() as u64;
        let depth = self.rows.iter().map(|row| row.depth).max().unwrap_or(0);
        Ran {
            approach: Approach::Exhaustive,
            ended: if self.is_complete() { Ended::Done } else { Ended::BudgetSpent },
            work: vec![
                Amount::out_of(Unit::RacesExhausted, complete, self.races as u64),
                Amount::new(Unit::States, self.sum(|row| row.states)),
                Amount::new(Unit::Steps, self.sum(|row| row.steps)),
                Amount::new(Unit::Schedules, self.sum(|row| row.schedules)),
                Amount::new(Unit::Depth, depth),
            ],
            time_ms: millis(self.elapsed),
            findings: RuleSet::HERE.iter().map(|rule| self.finding(rule)).collect(),
            agreement: self.bounded_wait(),
            witnesses: RuleSet::HERE.iter().filter_map(|rule| self.witness(rule)).collect(),
            freedoms: Vec::new(),
            windows: None,
            edges: None,
            corpus: None,
            account: None,
        }
    }

    fn decided(&self, rule: Rule) -> bool {
        self.rows.iter().any(|row| row.decisions.get(&rule).is_some_and(|decisions| *decisions > 0))
    }

    fn finding(&self, rule: Rule) -> RuleResult {
        let mut found = self.rows.iter().flat_map(|row| &row.found).filter(|found| found.is_of(rule));
        let finding = match found.next() {
            Some(found) => Finding::broken(found.failure.clone()),
            None if !self.is_complete() => {
                let endless = self.rows.iter().find(|row| row.endless).map(|row| &row.name);
                let why = endless.map_or_else(
                    || "not every race was explored to its end".to_owned(),
                    |name| format!("a run of the race `{name}` has no end"),
                );
                Finding::NotDecidable { why }
            }
            None if self.decided(rule) => Finding::Proved { scope: self.scope.clone() },
            None => Finding::Vacuous,
        };
        RuleResult { rule: RuleId(rule.to_string()), finding }
    }

    fn witness(&self, rule: Rule) -> Option<Witness> {
        let seen = if self.decided(rule) { WitnessSeen::Reached } else { WitnessSeen::NotReached };
        self.is_complete().then(|| Witness { rule: RuleId(rule.to_string()), seen })
    }

    fn failures(&self, what: What) -> Vec<reports::Failure> {
        let found = self.rows.iter().flat_map(|row| &row.found);
        found.filter(|found| found.what == what).map(|found| found.failure.clone()).collect()
    }

    /// L3, as far as a run shows it.
    fn bounded_wait(&self) -> Option<Agreement> {
        let compared = self.sum(|row| row.waits);
        let disagreements = self.failures(What::Wait);
        (compared > 0 || !disagreements.is_empty()).then(|| Agreement {
            what: race::BOUNDED_WAIT.to_owned(),
            compared,
            disagreements,
        })
    }

    /// The result of the comparison with the protocol; nothing where it was not asked for.
    fn refinement(&self) -> Option<EngineResult> {
        let held: Vec<&Row> = self.rows.iter().filter(|row| row.protocol.is_some()).collect();
        if held.is_empty() {
            return None;
        }
        let complete = held.iter().filter(|row| row.complete).count();
        let states = held.iter().map(|row| row.states).sum();
        let ran = Ran {
            work: vec![
                Amount::out_of(Unit::RacesExhausted, complete as u64, held.len() as u64),
                Amount::new(Unit::States, states),
            ],
            ended: if complete == held.len() { Ended::Done } else { Ended::BudgetSpent },
            findings: self.duties.iter().map(of_duty).collect(),
            witnesses: self.duties.iter().filter_map(witness_of_duty).collect(),
            agreement: Some(Agreement {
                what: IS_A_STEP.to_owned(),
                compared: states,
                disagreements: self.failures(What::Protocol),
            }),
            ..self.ran()
        };
        Some(EngineResult { name: REFINEMENT.to_owned(), status: Status::Ran(ran), ..self.result() })
    }

    /// The result of the comparison of states that have one digest; nothing where they were not kept.
    fn digests(&self) -> Option<EngineResult> {
        let kept: Vec<&Row> = self.rows.iter().filter(|row| row.states_kept == Kept::Yes).collect();
        if kept.is_empty() {
            return None;
        }
        let ran = Ran {
            findings: Vec::new(),
            witnesses: Vec::new(),
            agreement: Some(Agreement {
                what: ARE_ONE_STATE.to_owned(),
                compared: kept.iter().map(|row| row.steps).sum(),
                disagreements: self.failures(What::Digest),
            }),
            ..self.ran()
        };
        Some(EngineResult { name: DIGESTS.to_owned(), status: Status::Ran(ran), ..self.result() })
    }
}

fn of_duty((duty, finding): &(Duty, Finding)) -> RuleResult {
    RuleResult { rule: RuleId(duty.id().to_owned()), finding: finding.clone() }
}

/// Something is owed in a run.
fn witness_of_duty((duty, finding): &(Duty, Finding)) -> Option<Witness> {
    let seen = match finding {
        Finding::Proved { .. } => WitnessSeen::Reached,
        Finding::Vacuous => WitnessSeen::NotReached,
        _ => return None,
    };
    Some(Witness { rule: RuleId(duty.id().to_owned()), seen })
}
