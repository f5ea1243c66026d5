//! Runs as they come out of the command, made up: one that held, and variations of it.

use reports::{
    Agreement, Amount, Approach, Canary, Corpus, EdgeCell, Ended, EngineResult, Failure, Finding, Freedom,
    Kill, KillCell, KillRow, Kills, Known, Machine, ModelEdges, News, Ran, Rate, Results, RuleResult,
    RuleText, Run, SentenceCounts, SetUpStep, Status, Subject, Unit, Version, WindowRow, Windows, Witness,
    WitnessSeen,
};

use contract::Dialect;
use contract::defect::Fault;

const RULES: [(&str, &str, &str); 4] = [
    ("R1", "cancelled", "No callback of a job begins after a Cancel of it has returned success."),
    (
        "R2",
        "masked",
        "A callback begins only under a mask, possible at that moment, that lets its event through.",
    ),
    ("R9", "slots", "At most four callbacks of one user run at once."),
    ("R15", "files", "A destination appears only through Complete, whole and with the right bytes."),
];

/// A run in which everything held.
pub(crate) fn held() -> Results {
    let mut engines: Vec<_> =
        Dialect::ALL.into_iter().flat_map(|dialect| [spec(dialect), product(dialect)]).collect();
    engines.extend([lockstep(), trace(), race(), live()]);
    Results {
        version: Version::CURRENT,
        run: Run {
            id: "2026-01-02-0304".to_owned(),
            date: "2026-01-02 03:04 UTC".to_owned(),
            tool_version: "0.1.0".to_owned(),
            commit: "626fa91".to_owned(),
            command_line: "bgcheck nightly --budget 3m --seed 7".to_owned(),
            seed: 7,
            budget_ms: Some(180_000),
            machine: Machine { os: "linux x86_64".to_owned(), cores: 2, memory_bytes: Some(24_696_061_952) },
            partial: None,
            stopped_by: None,
        },
        rules: RULES
            .map(|(id, name, sentence)| RuleText {
                id: id.into(),
                name: name.to_owned(),
                sentence: sentence.to_owned(),
            })
            .into(),
        set_up: vec![SetUpStep { what: "install cargo-fuzz".to_owned(), time_ms: 61_250, failed: None }],
        engines,
        sentences: Some(SentenceCounts {
            sentences: 120,
            judged: 80,
            unexercised: 2,
            kept: 25,
            not_followed: 15,
            choices: 7,
        }),
        kills: Some(kills()),
        canaries: vec![canary()],
        news: None,
    }
}

/// One that was caught.
fn canary() -> Canary {
    Canary {
        engine: "properties (canary)".to_owned(),
        broken: "a core that waits for no callback".to_owned(),
        expected: vec!["R1".into(), "R2".into()],
        seen: vec!["R1".into(), "R2".into()],
        work: vec![Amount::new(Unit::Runs, 4_096)],
        disagreements: 0,
        time_ms: 412,
    }
}

/// As [`held`], with the deliberately broken subject: R1 and R2 are violated live.
pub(crate) fn violated() -> Results {
    let mut results = held();
    results.run.command_line.push_str(" --canary");
    let known = Known { id: "R2-01d5ce11".to_owned(), first: "2026-01-01 03:04 UTC".to_owned() };
    results.news = Some(News {
        since: Some("2026-01-01 03:04 UTC".to_owned()),
        new: vec!["R1-7f3a09c2".to_owned()],
        gone: vec!["R9-00000001".to_owned()],
        known: vec![known],
    });
    let Some(EngineResult { status: Status::Ran(ran), .. }) = results.engines.last_mut() else {
        return results;
    };
    ran.findings[0].finding = Finding::Violated(Failure {
        id: "R1-7f3a09c2".to_owned(),
        trace_file: Some("traces/R1-7f3a09c2.jsonl".to_owned()),
        replay_command: "bgcheck replay traces/R1-7f3a09c2.jsonl --subject canary".to_owned(),
        timeline: "  seq  t1               service          callback\n    \
                   1  CreateJob(\"<script>alert(1)</script>\")\n    \
                   2                   j1 TRANSFERRED\n    \
                   3  Cancel(j1)\n    \
                   4  -> S_OK\n    \
                   5                                    JobTransferred(j1) enters\n"
            .to_owned(),
        decisive_lines: vec![5, 6],
        notes: vec![
            "identity: Cancel -> S_OK, then a callback starts".to_owned(),
            "10 of 200 steps are left, after 412 tries; none of them can be left out".to_owned(),
        ],
        owed: Some("Cancel has to wait until the callback for JobTransferred (d0) has returned".to_owned()),
        rate: Some(Rate { reproduced: 20, replays: 20 }),
        test: Some("#[test]\nfn r1_7f3a09c2() {}\n".to_owned()),
    });
    ran.findings[1].finding = Finding::Violated(Failure {
        id: "R2-01d5ce11".to_owned(),
        trace_file: Some("traces/R2-01d5ce11.jsonl".to_owned()),
        replay_command: "bgcheck replay traces/R2-01d5ce11.jsonl --subject canary".to_owned(),
        timeline: "    7  SetNotifyFlags(j2, 0)\n    8  -> S_OK\n    9  JobError(j2) enters\n".to_owned(),
        ..Failure::default()
    });
    results
}

/// Two engines on one fault of the core and on one of the service.
fn kills() -> Kills {
    let killed = |by: &str, runs_are: &str| Kill::Killed {
        by: by.to_owned(),
        time_ms: 110,
        runs: 1_024,
        runs_are: runs_are.to_owned(),
    };
    let unseen = |runs_are: &str| Kill::NotSeen { time_ms: 3_000, runs: 9, runs_are: runs_are.to_owned() };
    let cells = |lockstep, race| {
        let cell = |engine: &str, kill| KillCell { engine: engine.to_owned(), kill };
        vec![cell("lockstep", lockstep), cell("race", race)]
    };
    let row = |fault, cells| KillRow { cells, ..KillRow::of(fault) };
    Kills {
        commit: "0123456789ab".to_owned(),
        command_line: "bgcheck nightly --kill".to_owned(),
        seed: 7,
        budget_ms: 4_000,
        engines: vec!["lockstep".to_owned(), "race".to_owned()],
        control: cells(unseen("programs"), unseen("schedules")),
        rows: vec![
            row(Fault::CancelReturnsEarly, cells(killed("R1", "programs"), Kill::NotTried)),
            row(Fault::SlotLeakedByPanic, cells(Kill::OutOfReach, killed("R16, R18", "schedules"))),
        ],
        lost: Vec::new(),
        stopped_by: None,
    }
}

/// As [`held`], without cargo-fuzz.
pub(crate) fn skipped() -> Results {
    let mut results = held();
    for engine in results.engines.iter_mut().filter(|engine| engine.name.starts_with("fuzz")) {
        engine.status = Status::Skipped {
            why: "cargo-fuzz is not installed, and there is no network".to_owned(),
            install_hint: Some("cargo install cargo-fuzz --locked".to_owned()),
        };
    }
    results
}

/// As [`held`], but R9 had nothing to decide in one dialect.
pub(crate) fn vacuous() -> Results {
    let mut results = held();
    if let Status::Ran(ran) = &mut results.engines[1].status {
        ran.findings[2].finding = Finding::Vacuous;
        ran.witnesses[2].seen = WitnessSeen::NotReached;
    }
    results
}

/// Every text of a run replaced by this one.
pub(crate) fn said(text: &str) -> Results {
    let mut results = violated();
    let run = &mut results.run;
    for each in [&mut run.id, &mut run.date, &mut run.tool_version, &mut run.commit, &mut run.command_line] {
        each.replace_range(.., text);
    }
    run.partial = Some(text.to_owned());
    let known = Known { id: text.to_owned(), first: text.to_owned() };
    let ids = || vec![text.to_owned()];
    results.news = Some(News { since: Some(text.to_owned()), new: ids(), gone: ids(), known: vec![known] });
    run.machine.os = text.to_owned();
    for rule in &mut results.rules {
        (rule.name, rule.sentence) = (text.to_owned(), text.to_owned());
    }
    results.set_up.push(SetUpStep { what: text.to_owned(), time_ms: 1, failed: Some(text.to_owned()) });
    for engine in &mut results.engines {
        engine.name = text.to_owned();
        engine.scope = Some(text.to_owned());
        engine.switches = text.to_owned();
        let Status::Ran(ran) = &mut engine.status else { continue };
        ran.freedoms.push(Freedom { what: text.to_owned(), times: 1 });
        ran.windows = Some(Windows {
            strategies: vec![text.to_owned()],
            steps: vec![text.to_owned()],
            rows: vec![WindowRow { call: text.to_owned(), cells: vec![vec![0]] }],
        });
        let names = || vec![text.to_owned()];
        let cell = EdgeCell { state: text.to_owned(), what: text.to_owned(), reached: 1, of: 2 };
        ran.edges = Some(Box::new(ModelEdges {
            missing: names(),
            unknown: names(),
            cells: vec![cell],
            ..no_edges()
        }));
        ran.agreement =
            Some(Agreement { what: text.to_owned(), compared: 1, disagreements: vec![failure(text)] });
        let finding = |finding| RuleResult { rule: text.into(), finding };
        ran.findings.push(finding(Finding::NotDecidable { why: text.to_owned() }));
        ran.findings.push(finding(Finding::Proved { scope: text.to_owned() }));
        ran.findings.push(finding(Finding::Violated(failure(text))));
        ran.findings.push(finding(Finding::Flaky { failure: failure(text), reproduced: 1, replays: 3 }));
    }
    if let Some(kills) = &mut results.kills {
        kills.engines[0].replace_range(.., text);
        kills.rows[0].fault.replace_range(.., text);
        kills.rows[0].cells[1].kill = Kill::Failed { why: text.to_owned() };
        kills.lost.push((text.to_owned(), text.to_owned()));
    }
    for canary in &mut results.canaries {
        (canary.engine, canary.broken) = (text.to_owned(), text.to_owned());
        (canary.expected, canary.seen) = (vec![text.into()], vec![text.into()]);
    }
    let why = || text.to_owned();
    let mut other = |status| {
        let like = EngineResult { status, ..results.engines[0].clone() };
        results.engines.push(like);
    };
    other(Status::Skipped { why: why(), install_hint: Some(why()) });
    other(Status::Failed { why: why() });
    results
}

pub(crate) fn failure(text: &str) -> Failure {
    Failure {
        id: text.to_owned(),
        trace_file: Some(text.to_owned()),
        replay_command: text.to_owned(),
        timeline: text.to_owned(),
        decisive_lines: vec![1],
        notes: vec![text.to_owned()],
        owed: Some(text.to_owned()),
        rate: None,
        test: Some(text.to_owned()),
    }
}

fn spec(dialect: Dialect) -> EngineResult {
    let work = vec![
        Amount::new(Unit::States, 214_503),
        Amount::new(Unit::Edges, 1_930_527),
        Amount::new(Unit::Depth, 23),
    ];
    exhaustive("check spec", Subject::Spec, dialect, work, None)
}

fn product(dialect: Dialect) -> EngineResult {
    let work = vec![
        Amount::new(Unit::States, 1_214_503),
        Amount::new(Unit::Edges, 9_930_527),
        Amount::new(Unit::Depth, 27),
    ];
    let agreement = Agreement {
        what: "spec and core agree in state, answer and pending events".to_owned(),
        compared: 9_930_527,
        disagreements: Vec::new(),
    };
    exhaustive("check product", Subject::Product, dialect, work, Some(agreement))
}

fn exhaustive(
    name: &str,
    subject: Subject,
    dialect: Dialect,
    work: Vec<Amount>,
    agreement: Option<Agreement>,
) -> EngineResult {
    let proved = || Finding::Proved { scope: "default".to_owned() };
    let bytes = Finding::NotDecidable { why: "files are abstract here, without bytes".to_owned() };
    let ran = Ran {
        approach: Approach::Exhaustive,
        ended: Ended::Done,
        work,
        time_ms: 4_218,
        findings: findings([proved(), proved(), proved(), bytes]),
        agreement,
        witnesses: ["R1", "R2", "R9"]
            .map(|rule| Witness { rule: rule.into(), seen: WitnessSeen::Reached })
            .into(),
        freedoms: Vec::new(),
        windows: None,
        edges: None,
        corpus: None,
        account: None,
    };
    EngineResult {
        name: name.to_owned(),
        subject: Some(subject),
        dialect: Some(dialect),
        scope: Some("default".to_owned()),
        switches: String::new(),
        status: Status::Ran(ran),
    }
}

fn lockstep() -> EngineResult {
    let work = vec![Amount::new(Unit::Runs, 6_012_345), Amount::new(Unit::Steps, 96_197_520)];
    let agreement = Agreement {
        what: "spec and core agree after every step".to_owned(),
        compared: 96_197_520,
        disagreements: Vec::new(),
    };
    let sampled = [Finding::sampled(81_207), Finding::sampled(912_345), Finding::NotRun, Finding::NotRun];
    let mut engine = sampler("fuzz lockstep", Some(Subject::Product), work, sampled, Some(agreement));
    if let Status::Ran(ran) = &mut engine.status {
        // More than a terminal names.
        let missing = (0..12).map(|event| format!("TRANSFERRED | event {event:02} begins -> done")).collect();
        let cell = |state: &str, what: &str, reached, of| EdgeCell {
            state: state.to_owned(),
            what: what.to_owned(),
            reached,
            of,
        };
        let cells = vec![
            cell("QUEUED", "Cancel", 14, 14),
            cell("QUEUED", "Resume", 0, 3),
            cell("TRANSFERRED", "Cancel", 12, 24),
        ];
        ran.edges =
            Some(Box::new(ModelEdges { reached: 3_942, reachable: 3_954, missing, cells, ..no_edges() }));
        ran.corpus = corpus(64, 4_022, 1_204, 64);
    }
    engine
}

/// None reached, and none missing.
fn no_edges() -> ModelEdges {
    ModelEdges {
        reached: 0,
        reachable: 0,
        missing: Vec::new(),
        last_night: None,
        cells: Vec::new(),
        unknown: Vec::new(),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it is a field's value")]
fn corpus(before: u64, after: u64, added: u64, replayed: u64) -> Option<Box<Corpus>> {
    Some(Box::new(Corpus { before, after, added, replayed, idle_nights: 0 }))
}

fn trace() -> EngineResult {
    let agreement = Agreement {
        what: "a printed trace parses to itself".to_owned(),
        compared: 812_345,
        disagreements: Vec::new(),
    };
    let none = [Finding::NotRun, Finding::NotRun, Finding::NotRun, Finding::NotRun];
    sampler("fuzz trace", None, vec![Amount::new(Unit::Runs, 1_812_345)], none, Some(agreement))
}

/// A table with one empty cell.
fn race() -> EngineResult {
    let work = vec![
        Amount::new(Unit::Schedules, 412_345),
        Amount::new(Unit::SchedulesInAll, 9_812_345),
        Amount::new(Unit::Steps, 20_617_250),
    ];
    let sampled = [Finding::sampled(51_207), Finding::sampled(812_345), Finding::sampled(9), Finding::NotRun];
    let mut engine = sampler("race", Some(Subject::Race), work, sampled, None);
    let row = |call: &str, cells: [[u64; 2]; 3]| WindowRow {
        call: call.to_owned(),
        cells: cells.map(|counts| counts.to_vec()).into(),
    };
    if let Status::Ran(ran) = &mut engine.status {
        ran.windows = Some(Windows {
            strategies: vec!["random".to_owned(), "pct".to_owned()],
            steps: ["begun", "in callback", "disk"].map(str::to_owned).into(),
            rows: vec![
                row("Cancel", [[1_204, 88], [9_003, 412], [77, 0]]),
                row("SetNotifyFlags", [[310, 0], [2_204, 17], [0, 0]]),
            ],
        });
    }
    engine
}

fn live() -> EngineResult {
    let work = vec![
        Amount::out_of(Unit::Jobs, 240, 240),
        Amount::new(Unit::Users, 5),
        Amount::new(Unit::Events, 48_211),
        Amount::new(Unit::Traces, 1),
        Amount::new(Unit::Bytes, 73_400_320),
    ];
    let sampled = [Finding::sampled(61), Finding::sampled(1_904), Finding::NotRun, Finding::sampled(311)];
    let mut engine = sampler("live", Some(Subject::Live), work, sampled, None);
    if let Status::Ran(ran) = &mut engine.status {
        ran.freedoms.push(Freedom { what: "JobModification was coalesced".to_owned(), times: 412 });
    }
    engine
}

fn sampler(
    name: &str,
    subject: Option<Subject>,
    work: Vec<Amount>,
    found: [Finding; 4],
    agreement: Option<Agreement>,
) -> EngineResult {
    let ran = Ran {
        approach: Approach::Sampling,
        ended: Ended::BudgetSpent,
        work,
        time_ms: 60_000,
        findings: findings(found),
        agreement,
        witnesses: Vec::new(),
        freedoms: Vec::new(),
        windows: None,
        edges: None,
        corpus: None,
        account: None,
    };
    EngineResult {
        name: name.to_owned(),
        subject,
        dialect: Some(Dialect::Bits),
        scope: None,
        switches: String::new(),
        status: Status::Ran(ran),
    }
}

fn findings(found: [Finding; 4]) -> Vec<RuleResult> {
    RULES.iter().zip(found).map(|((id, ..), finding)| RuleResult { rule: (*id).into(), finding }).collect()
}
