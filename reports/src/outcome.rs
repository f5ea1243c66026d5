//! The verdict and the exit code: a pure function of the results.

use std::fmt;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::kill::Kills;
use crate::results::{
    Approach, Canary, Corpus, Ended, EngineResult, Failure, Finding, ModelEdges, Ran, Rate, Results,
    RuleResult, Signal, Status, Unit, Witness, WitnessSeen,
};
use crate::words;

/// The documented exit codes of the command.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ExitCode {
    /// 0: every engine did its work, and no rule was broken.
    Held,
    /// 1: the command line was wrong, so nothing ran.
    Usage,
    /// 2: a rule was broken, or two things that must agree did not.
    Violated,
    /// 3: a rule was broken once, but not on every replay.
    Flaky,
    /// 4: a rule had nothing to decide, or an engine did no work.
    Vacuous,
    /// 5: the budget was spent before a scope was explored.
    BudgetSpent,
    /// 6: an engine could not run here.
    Skipped,
    /// 70: the workbench itself is at fault.
    Internal,
    /// 129: SIGHUP stopped it before anything was known.
    HungUp,
    /// 130: Ctrl-C stopped it before anything was known.
    Interrupted,
    /// 143: SIGTERM stopped it before anything was known.
    Terminated,
}

impl ExitCode {
    /// Every code, the one that wins first. Usage stands alone in practice: nothing ran.
    pub const BY_PRECEDENCE: [ExitCode; 8] = [
        ExitCode::Internal,
        ExitCode::Usage,
        ExitCode::Violated,
        ExitCode::Flaky,
        ExitCode::Vacuous,
        ExitCode::Skipped,
        ExitCode::BudgetSpent,
        ExitCode::Held,
    ];

    /// Those of a run that was stopped before anything was known. Each stands alone.
    pub const STOPPED: [ExitCode; 3] = [ExitCode::HungUp, ExitCode::Interrupted, ExitCode::Terminated];

    /// Every code.
    pub fn all() -> impl Iterator<Item = ExitCode> {
        ExitCode::BY_PRECEDENCE.into_iter().chain(ExitCode::STOPPED)
    }

    /// The number that the process ends with.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            ExitCode::Held => 0,
            ExitCode::Usage => 1,
            ExitCode::Violated => 2,
            ExitCode::Flaky => 3,
            ExitCode::Vacuous => 4,
            ExitCode::BudgetSpent => 5,
            ExitCode::Skipped => 6,
            ExitCode::Internal => 70,
            ExitCode::HungUp => 129,
            ExitCode::Interrupted => 130,
            ExitCode::Terminated => 143,
        }
    }

    /// The code of this number.
    #[must_use]
    pub fn of(code: u8) -> Option<ExitCode> {
        ExitCode::all().find(|known| known.code() == code)
    }

    /// The verdict in a word or two.
    #[must_use]
    pub const fn verdict(self) -> &'static str {
        match self {
            ExitCode::Held => "held",
            ExitCode::Usage => "usage error",
            ExitCode::Violated => "violated",
            ExitCode::Flaky => "flaky",
            ExitCode::Vacuous => "vacuous",
            ExitCode::BudgetSpent => "budget spent",
            ExitCode::Skipped => "skipped",
            ExitCode::Internal => "internal error",
            ExitCode::HungUp => "hung up",
            ExitCode::Interrupted => "interrupted",
            ExitCode::Terminated => "terminated",
        }
    }

    /// When the command ends with it, in the words of `docs/exit-codes.md`.
    #[must_use]
    pub const fn when(self) -> &'static str {
        match self {
            ExitCode::Held => {
                "Every engine did its work and no rule was broken. Also `--help`, `--version`, and verbs that only print."
            }
            ExitCode::Usage => {
                "The command line is wrong, a file cannot be read or is malformed, or a place cannot be written. Nothing was judged."
            }
            ExitCode::Violated => {
                "A rule was broken, or two things that must agree did not: specification and core, a file and the server's."
            }
            ExitCode::Flaky => {
                "A rule was broken, but running it again (20 times, where a finding can be run again) did not break it each time."
            }
            ExitCode::Vacuous => {
                "A rule had nothing to decide, so that it held says nothing; or an engine did no work, or nothing new."
            }
            ExitCode::BudgetSpent => {
                "The budget was over before a scope was explored. Only of exhaustive engines: a sampler is meant to spend it."
            }
            ExitCode::Skipped => {
                "An engine could not run here, or something it needs is not installed; the message has the command that installs it."
            }
            ExitCode::Internal => {
                "`bgcheck` itself is at fault: a panic, a target that does not build, a proof that its engine cannot give."
            }
            ExitCode::HungUp => "SIGHUP stopped the run before anything was known.",
            ExitCode::Interrupted => "Ctrl-C (SIGINT) stopped the run before anything was known.",
            ExitCode::Terminated => "SIGTERM stopped the run before anything was known.",
        }
    }

    /// The row of `docs/exit-codes.md` about it.
    #[must_use]
    pub fn row(self) -> String {
        format!("| {} | {} | {} |", self.code(), self.verdict(), self.when())
    }

    /// The one of several that apply which the command ends with; [`ExitCode::Held`] when none does.
    #[must_use]
    pub fn worst(codes: impl IntoIterator<Item = ExitCode>) -> ExitCode {
        codes.into_iter().min_by_key(|code| code.rank()).unwrap_or(ExitCode::Held)
    }

    /// The place in [`ExitCode::BY_PRECEDENCE`].
    fn rank(self) -> usize {
        ExitCode::BY_PRECEDENCE.iter().position(|other| *other == self).unwrap_or(usize::MAX)
    }
}

impl Signal {
    /// What a run ends with that this signal stopped before anything was known: 128 and the signal's number, as shells have it.
    #[must_use]
    pub const fn exit_code(self) -> ExitCode {
        match self {
            Signal::HangUp => ExitCode::HungUp,
            Signal::Interrupt => ExitCode::Interrupted,
            Signal::Terminate => ExitCode::Terminated,
        }
    }
}

impl fmt::Display for ExitCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.verdict())
    }
}

impl Serialize for ExitCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.code())
    }
}

impl JsonSchema for ExitCode {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ExitCode".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let mut codes: Vec<u8> = ExitCode::all().map(ExitCode::code).collect();
        codes.sort_unstable();
        schemars::json_schema!({ "type": "integer", "enum": codes, "description": "A documented exit code." })
    }
}

/// The verdict on a run or on one engine, and everything that speaks for it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[must_use]
pub struct Outcome {
    /// What the command ends with.
    pub exit_code: ExitCode,
    /// The exit code in words.
    pub verdict: String,
    /// Why it is not 0: every reason, the weightiest first.
    pub reasons: Vec<Reason>,
}

/// One thing that keeps a run from having held.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct Reason {
    /// The exit code it asks for.
    pub exit_code: ExitCode,
    /// What it is.
    pub what: String,
    /// The failure that it is about, if it is about one. Engines that found one failure give one reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

impl Results {
    /// The verdict and the exit code of the run.
    ///
    /// A run without any engine decided nothing. A run whose engines were all skipped is [`ExitCode::Skipped`], which
    /// is more exact than that nothing was done.
    pub fn outcome(&self) -> Outcome {
        if let Some(signal) = self.run.stopped_by.filter(|_| self.knows_nothing()) {
            let what = format!("{signal} stopped it before anything was known");
            return Outcome::of(vec![Reason::new(signal.exit_code(), what)]);
        }
        let mut reasons: Vec<Reason> =
            self.engines.iter().flat_map(|engine| reasons_of(self, engine)).collect();
        reasons.extend(self.canaries.iter().filter_map(of_canary));
        reasons.extend(self.kills.as_ref().and_then(of_kills));
        if self.engines.is_empty() {
            reasons.push(Reason::new(ExitCode::Vacuous, "no engine ran, so nothing was judged".to_owned()));
        }
        Outcome::of(reasons)
    }

    /// Whether no engine has done any work, nor is at fault.
    fn knows_nothing(&self) -> bool {
        let nothing = |engine: &EngineResult| match &engine.status {
            Status::Ran(ran) => !ran.has_found() && !ran.work.iter().any(|amount| amount.done > 0),
            Status::Skipped { .. } => true,
            Status::Failed { .. } => false,
        };
        self.engines.iter().all(nothing) && self.canaries.is_empty() && self.kills.is_none()
    }

    /// The verdict on one engine of the run.
    pub fn engine_outcome(&self, engine: &EngineResult) -> Outcome {
        Outcome::of(reasons_of(self, engine))
    }
}

impl Outcome {
    /// The reasons that are no failures: a failure has a line of its own in the list of findings.
    pub(crate) fn beside_failures(&self) -> impl Iterator<Item = &Reason> {
        self.reasons.iter().filter(|reason| reason.failure.is_none())
    }

    fn of(reasons: Vec<Reason>) -> Outcome {
        let mut reasons = merged(reasons);
        // Stable, so that reasons of equal weight stay in the order of the engines.
        reasons.sort_by_key(|reason| reason.exit_code.rank());
        let exit_code = ExitCode::worst(reasons.iter().map(|reason| reason.exit_code));
        Outcome { exit_code, verdict: exit_code.verdict().to_owned(), reasons }
    }
}

impl Reason {
    fn new(exit_code: ExitCode, what: String) -> Reason {
        Reason { exit_code, what, failure: None }
    }

    fn of_failure(exit_code: ExitCode, failure: &Failure, what: String) -> Reason {
        Reason { exit_code, what, failure: Some(failure.id.clone()) }
    }
}

/// One reason for each failure, with the number of the other engines that found it.
fn merged(reasons: Vec<Reason>) -> Vec<Reason> {
    let mut kept: Vec<(Reason, u64)> = Vec::new();
    for reason in reasons {
        let is_same = |one: &Reason| {
            one.failure.is_some() && (one.exit_code, &one.failure) == (reason.exit_code, &reason.failure)
        };
        match kept.iter_mut().find(|(one, _)| is_same(one)) {
            Some((_, others)) => *others += 1,
            None => kept.push((reason, 0)),
        }
    }
    let counted = |(reason, others): (Reason, u64)| match others {
        0 => reason,
        others => {
            let engines = words::plural(others, "more engine", "more engines");
            Reason { what: format!("{}; found by {engines}", reason.what), ..reason }
        }
    };
    kept.into_iter().map(counted).collect()
}

/// Why this engine keeps the run from having held, in the order in which a reader would ask.
fn reasons_of(results: &Results, engine: &EngineResult) -> Vec<Reason> {
    let title = words::engine_title(engine);
    match &engine.status {
        Status::Failed { why } => vec![Reason::new(ExitCode::Internal, format!("{title} broke: {why}"))],
        Status::Skipped { why, .. } => {
            vec![Reason::new(ExitCode::Skipped, format!("{title} was skipped: {why}"))]
        }
        Status::Ran(ran) => {
            let mut reasons: Vec<Reason> =
                ran.findings.iter().filter_map(|result| of_finding(results, engine, ran, result)).collect();
            reasons.extend(of_agreement(&title, ran));
            reasons.extend(of_work(&title, ran));
            reasons.extend(of_news(&title, ran));
            reasons.extend(of_budget(results, &title, engine, ran));
            reasons
        }
    }
}

fn of_finding(results: &Results, engine: &EngineResult, ran: &Ran, result: &RuleResult) -> Option<Reason> {
    let title = words::engine_title(engine);
    let rule = words::rule_title(results, &result.rule);
    let reason = |code, what| Some(Reason::new(code, what));
    match &result.finding {
        Finding::Violated(failure) => {
            let what = format!("{rule} is violated in {title} ({})", failure.id);
            Some(Reason::of_failure(ExitCode::Violated, failure, what))
        }
        Finding::Flaky { failure, reproduced, replays } => {
            let id = &failure.id;
            let what = format!(
                "{rule} was violated in {title} ({id}), but only on {reproduced} of {replays} replays"
            );
            Some(Reason::of_failure(ExitCode::Flaky, failure, what))
        }
        Finding::Vacuous => {
            let larger = larger_scope(engine);
            reason(ExitCode::Vacuous, format!("{rule} had nothing to decide in {title}{larger}"))
        }
        // A claim that its own engine cannot support is a defect of ours, and must not end green.
        Finding::Proved { .. } => match ran.doubt(result)? {
            Doubt::OnlySamples => {
                reason(ExitCode::Internal, format!("{title} only samples, yet it claims a proof of {rule}"))
            }
            Doubt::NotDone => {
                reason(ExitCode::Internal, format!("{title} was not done, yet it claims a proof of {rule}"))
            }
            Doubt::NoWitness => reason(
                ExitCode::Vacuous,
                format!("{rule} holds in {title}, but no witness of it was reached"),
            ),
        },
        Finding::Sampled { .. } | Finding::NotDecidable { .. } | Finding::NotRun => None,
    }
}

/// What to do about a scope that is only there for a first look.
fn larger_scope(engine: &EngineResult) -> &'static str {
    match engine.scope.as_deref() {
        Some("tiny") => "; a larger scope may have more for it: `--scope small` or `--scope default`",
        Some("small") => "; a larger scope may have more for it: `--scope default`",
        _ => "",
    }
}

/// Why a claimed proof is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Doubt {
    /// The engine does not visit everything.
    OnlySamples,
    /// The engine did not come to its end.
    NotDone,
    /// The rule's guard never decided anything.
    NoWitness,
}

impl Ran {
    /// Whether it found a failure.
    #[must_use]
    pub fn has_found(&self) -> bool {
        let disagrees = self.agreement.as_ref().is_some_and(|agreement| !agreement.disagreements.is_empty());
        disagrees || self.findings.iter().any(|result| result.finding.is_broken())
    }

    /// Why the engine's claim is not to be believed, if it claims a proof that it cannot give.
    pub(crate) fn doubt(&self, result: &RuleResult) -> Option<Doubt> {
        let missed =
            |witness: &Witness| witness.rule == result.rule && witness.seen == WitnessSeen::NotReached;
        match (&result.finding, self.approach, self.ended) {
            (Finding::Proved { .. }, Approach::Sampling, _) => Some(Doubt::OnlySamples),
            (Finding::Proved { .. }, Approach::Exhaustive, Ended::BudgetSpent) => Some(Doubt::NotDone),
            (Finding::Proved { .. }, ..) if self.witnesses.iter().any(missed) => Some(Doubt::NoWitness),
            _ => None,
        }
    }
}

fn of_agreement(title: &str, ran: &Ran) -> Vec<Reason> {
    let Some(agreement) = &ran.agreement else { return Vec::new() };
    let what = &agreement.what;
    if agreement.compared == 0 && agreement.disagreements.is_empty() {
        return vec![Reason::new(ExitCode::Vacuous, format!("{title} compared nothing ({what})"))];
    }
    let of = |failure: &Failure| {
        let id = &failure.id;
        match failure.rate {
            Some(rate) if !rate.is_certain() => {
                let Rate { reproduced, replays } = rate;
                let seen = format!("but only on {reproduced} of {replays} replays");
                let what = format!("{title} found a disagreement ({what}): {id}, {seen}");
                Reason::of_failure(ExitCode::Flaky, failure, what)
            }
            _ => {
                let what = format!("{title} found a disagreement ({what}): {id}");
                Reason::of_failure(ExitCode::Violated, failure, what)
            }
        }
    };
    agreement.disagreements.iter().map(of).collect()
}

fn of_work(title: &str, ran: &Ran) -> Vec<Reason> {
    let mut work = ran.work.iter().filter(|amount| amount.unit.is_work()).peekable();
    let idle = work.peek().is_none() || work.any(|amount| amount.done == 0);
    let judged = ran.agreement.is_some() || ran.findings.iter().any(|result| result.finding.is_judged());
    let mut reasons = Vec::new();
    if idle {
        let amounts = words::work(ran);
        reasons.push(Reason::new(ExitCode::Vacuous, format!("{title} did no work ({amounts})")));
    }
    // What an exhaustive engine has not judged before its budget was spent, the spent budget already explains.
    if !judged && !is_unfinished(ran) {
        reasons.push(Reason::new(ExitCode::Vacuous, format!("{title} judged nothing")));
    }
    reasons
}

/// Nights without a new input after which a fuzzer that still misses edges is stuck.
pub const IDLE_NIGHTS: u64 = 3;

/// Runs of a hundred that may be of inputs the fuzzer had already. When more are, its budget is too short for its corpus.
pub const REPLAYED_PERCENT: u64 = 90;

/// A fuzzer that ran, and found out nothing that it did not know the night before. One that found a failure has stopped there, so that
/// how little else it did means nothing.
fn of_news(title: &str, ran: &Ran) -> Vec<Reason> {
    if ran.has_found() {
        return Vec::new();
    }
    let stale = ran.corpus.as_deref().and_then(|corpus| stale(corpus, ran));
    let stuck = ran.corpus.as_deref().zip(ran.edges.as_deref());
    let stuck = stuck.and_then(|(corpus, edges)| stuck_for(corpus, edges));
    let fewer = ran.edges.as_deref().and_then(fewer_edges);
    let reason = |what| Reason::new(ExitCode::Vacuous, format!("{title} {what}"));
    [stale, stuck, fewer].into_iter().flatten().map(reason).collect()
}

fn stale(corpus: &Corpus, ran: &Ran) -> Option<String> {
    let runs = ran.work.iter().find(|amount| amount.unit == Unit::Runs)?.done;
    // Without a run there is nothing to have a share of, and that is a reason already.
    let is_stale = runs > 0 && corpus.replayed.saturating_mul(100) > runs.saturating_mul(REPLAYED_PERCENT);
    is_stale.then(|| {
        let (replayed, runs) = (words::thousands(corpus.replayed), words::plural(runs, "run", "runs"));
        format!("did little new: {replayed} of {runs} were of inputs it had, above {REPLAYED_PERCENT} %")
    })
}

fn stuck_for(corpus: &Corpus, edges: &ModelEdges) -> Option<String> {
    let nights = corpus.idle_nights;
    let missing = edges.missing.len() as u64;
    (nights >= IDLE_NIGHTS && missing > 0).then(|| {
        let missing = words::plural(missing, "edge is", "edges are");
        format!("has found no new input for {} nights, and {missing} missing", words::thousands(nights))
    })
}

fn fewer_edges(edges: &ModelEdges) -> Option<String> {
    let before = edges.last_night.filter(|before| *before > edges.reached)?;
    let (now, before) = (words::thousands(edges.reached), words::thousands(before));
    Some(format!("reaches fewer edges than the night before: {now}, and {before} then"))
}

/// When an engine does not see what is broken on purpose, it means nothing that it sees nothing elsewhere.
fn of_canary(canary: &Canary) -> Option<Reason> {
    let what = || format!("{}, so what it does not find elsewhere says nothing", words::canary(canary));
    (!canary.is_caught()).then(|| Reason::new(ExitCode::Vacuous, what()))
}

/// A fault that is no longer seen, or by no engine, and a fault seen where there is none.
fn of_kills(kills: &Kills) -> Option<Reason> {
    let exit_code = kills.exit_code();
    (exit_code != ExitCode::Held)
        .then(|| Reason::new(exit_code, format!("seeded faults: {}", kills.conclusion())))
}

fn of_budget(results: &Results, title: &str, engine: &EngineResult, ran: &Ran) -> Option<Reason> {
    let unfinished = is_unfinished(ran);
    let scope = engine.scope.as_deref().map_or("its scope".to_owned(), |scope| format!("scope {scope}"));
    unfinished.then(|| {
        let why = if results.run.stopped_by.is_some() { "it was stopped" } else { "the budget was spent" };
        let what = format!("{title}: {why} before {scope} was explored");
        Reason::new(ExitCode::BudgetSpent, what)
    })
}

fn is_unfinished(ran: &Ran) -> bool {
    ran.approach == Approach::Exhaustive && ran.ended == Ended::BudgetSpent
}
