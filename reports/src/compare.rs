//! Two runs beside each other: what is new, what is gone, and what has changed.
//!
//! **What it is.** A function of two [`Results`], the earlier one first.
//!
//! **What it is not.** A verdict on either: each has its own.
//!
//! **The law it keeps.** A run compared with itself differs in nothing, and what is new one way round is gone the other way round.

use schemars::JsonSchema;
use serde::Serialize;

use crate::files::pretty;
use crate::history::{History, Night, NightEngine, figures};
use crate::outcome::ExitCode;
use crate::results::{Rate, Results, RuleId, Status, Subject};
use crate::sheet::{Mood, Part, Row, Sentence, Sheet};
use crate::table::{Standing, Table};
use crate::terminal::Style;
use crate::trend::{Kind, Point, followed, per_second};
use crate::words::{self, plural};

/// How two runs differ.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct Comparison {
    /// The earlier run.
    pub before: Compared,
    /// The later run.
    pub after: Compared,
    /// Whether both ran on one kind of machine. If not, their rates mean nothing about the subject.
    pub one_machine: bool,
    /// Failures that only the later run has.
    pub new: Vec<Differing>,
    /// Failures that only the earlier run has.
    pub gone: Vec<Differing>,
    /// Failures that both have, and that come again more or less often.
    pub changed: Vec<Changed>,
    /// Rules that stand otherwise on a subject.
    pub rules: Vec<RuleChange>,
    /// Engines that end otherwise, or that only one run has.
    pub engines: Vec<EngineChange>,
    /// Rates of the engines that both have.
    pub rates: Vec<FigureChange>,
    /// Coverage that differs.
    pub coverage: Vec<FigureChange>,
    /// Edges, race windows and witnesses that only one of the runs reaches.
    pub reached: Vec<Reach>,
}

/// Which run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct Compared {
    /// Its name.
    pub id: String,
    /// When it began.
    pub date: String,
    /// The commit.
    pub commit: String,
    /// Its exit code.
    pub exit: ExitCode,
}

/// A failure that one run has.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct Differing {
    /// Its stable id.
    pub id: String,
    /// What it breaks.
    pub broken: String,
    /// Which engine found it.
    pub engine: String,
    /// The command that shows it again.
    pub replay: String,
}

/// A failure that both have.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct Changed {
    /// Its stable id.
    pub id: String,
    /// How often it came again before.
    pub before: Rate,
    /// And now.
    pub after: Rate,
}

/// A rule that stands otherwise.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct RuleChange {
    /// Which rule.
    pub rule: RuleId,
    /// On which subject.
    pub subject: Subject,
    /// Before.
    pub before: Standing,
    /// And now.
    pub after: Standing,
}

/// An engine that ends otherwise; nothing where a run has no such engine.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct EngineChange {
    /// Its name with what it ran on.
    pub engine: String,
    /// Before.
    pub before: Option<ExitCode>,
    /// And now.
    pub after: Option<ExitCode>,
}

/// A figure of an engine that both have.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct FigureChange {
    /// The engine.
    pub engine: String,
    /// What is counted.
    pub what: String,
    /// Before.
    pub before: Point,
    /// And now.
    pub after: Point,
}

/// Something that only one of the runs reaches.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct Reach {
    /// The engine.
    pub engine: String,
    /// What kind of thing.
    pub what: String,
    /// Its name.
    pub name: String,
    /// Whether the later run is the one that reaches it.
    pub now: bool,
}

impl Comparison {
    /// Compares two runs, the earlier one first.
    #[must_use]
    pub fn of(before: &Results, after: &Results) -> Comparison {
        let nights = [before, after].map(|results| Night::of(results, "", "", &History::default()));
        let [engines_before, engines_after] = [&nights[0].engines, &nights[1].engines];
        Comparison {
            before: Compared::of(before),
            after: Compared::of(after),
            one_machine: before.run.machine == after.run.machine,
            new: only(after, before),
            gone: only(before, after),
            changed: changed(before, after),
            rules: rules(before, after),
            engines: engines(engines_before, engines_after),
            rates: figures_of(engines_before, engines_after, Kind::Rate),
            coverage: figures_of(engines_before, engines_after, Kind::Coverage)
                .into_iter()
                .filter(|change| change.before != change.after)
                .collect(),
            reached: reached(before, after),
        }
    }

    /// 2 when the later run found something that the earlier one had not, else 0.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        if self.new.is_empty() { ExitCode::Held } else { ExitCode::Violated }
    }

    /// As text for a terminal, every line ended.
    #[must_use]
    pub fn terminal(&self, style: Style) -> String {
        self.sheet().terminal(style)
    }

    /// As Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        self.sheet().markdown()
    }

    /// As a page of HTML.
    #[must_use]
    pub fn html(&self) -> String {
        self.sheet().html()
    }

    /// As JSON.
    #[must_use]
    pub fn json(&self) -> String {
        pretty(self)
    }

    fn sheet(&self) -> Sheet {
        let run = |compared: &Compared| {
            let Compared { id, date, commit, exit } = compared;
            format!("{id} ({date}, commit {commit}, {exit})")
        };
        let mut lead = vec![
            Sentence::new(Mood::Plain, format!("before: {}", run(&self.before))),
            Sentence::new(Mood::Plain, format!("after: {}", run(&self.after))),
        ];
        if !self.one_machine {
            let text = "The machines differ, so the rates say nothing about the subject.";
            lead.push(Sentence::new(Mood::Warn, text));
        }
        Sheet {
            title: "Two runs compared".to_owned(),
            lead,
            parts: vec![
                differing("New findings", &self.new, Mood::Bad, Some("Nothing new was found.")),
                differing("Findings that are gone", &self.gone, Mood::Good, None),
                self.changed_part(),
                self.rules_part(),
                self.engines_part(),
                self.rates_part(),
                self.coverage_part(),
                self.reached_part(),
            ],
            close: vec![self.close()],
        }
    }

    fn close(&self) -> Sentence {
        let code = self.exit_code();
        match self.new.len() as u64 {
            0 => Sentence::new(Mood::Good, format!("Nothing new was found (exit {}).", code.code())),
            new => {
                let what = plural(new, "new finding", "new findings");
                Sentence::new(Mood::Bad, format!("{what} (exit {}).", code.code()))
            }
        }
    }

    fn changed_part(&self) -> Part {
        let of = |rate: Rate| format!("{} of {}", rate.reproduced, plural(rate.replays, "replay", "replays"));
        let rows = self
            .changed
            .iter()
            .map(|one| Row::new(Mood::Plain, [one.id.clone(), of(one.before), of(one.after)]));
        let head = vec!["finding", "came again before", "and now"];
        Part {
            title: "Findings that come more or less often".into(),
            head,
            rows: rows.collect(),
            empty: None,
        }
    }

    fn rules_part(&self) -> Part {
        let rows = self.rules.iter().map(|change| {
            let mood = match change.after {
                Standing::Violated | Standing::Flaky => Mood::Bad,
                Standing::Vacuous => Mood::Warn,
                Standing::Proved if change.before != Standing::Proved => Mood::Good,
                _ => Mood::Plain,
            };
            let [before, after] = [change.before, change.after].map(|standing| standing.word().to_owned());
            Row::new(mood, [change.rule.to_string(), change.subject.to_string(), before, after])
        });
        let head = vec!["rule", "on", "before", "now"];
        Part { title: "Rules that stand otherwise".into(), head, rows: rows.collect(), empty: None }
    }

    fn engines_part(&self) -> Part {
        let word = |code: Option<ExitCode>| code.map_or("not there", ExitCode::verdict).to_owned();
        let rows = self.engines.iter().map(|change| {
            let mood = match change.after {
                Some(ExitCode::Held) => Mood::Good,
                Some(_) => Mood::Warn,
                None => Mood::Plain,
            };
            Row::new(mood, [change.engine.clone(), word(change.before), word(change.after)])
        });
        let head = vec!["engine", "before", "now"];
        Part { title: "Engines that end otherwise".into(), head, rows: rows.collect(), empty: None }
    }

    fn rates_part(&self) -> Part {
        let rows = self.rates.iter().map(|change| {
            let FigureChange { engine, what, before, after } = change;
            let ratio = match before.value {
                0 => "-".to_owned(),
                value => {
                    // To the nearest hundredth.
                    let value = u128::from(value);
                    let hundredths = (u128::from(after.value) * 100 + value / 2) / value;
                    format!("{}.{:02}", hundredths / 100, hundredths % 100)
                }
            };
            let [before, after] = [before, after].map(|point| format!("{}/s", per_second(point.value)));
            Row::new(Mood::Plain, [engine.clone(), what.clone(), before, after, ratio])
        });
        let head = vec!["engine", "what", "before", "now", "ratio"];
        Part { title: "Rates".into(), head, rows: rows.collect(), empty: None }
    }

    fn coverage_part(&self) -> Part {
        let rows = self.coverage.iter().map(|change| {
            let FigureChange { engine, what, before, after } = change;
            let mood = if after.value < before.value { Mood::Warn } else { Mood::Plain };
            let [before, after] = [before, after].map(|point| point.text(Kind::Coverage, what));
            Row::new(mood, [engine.clone(), what.clone(), before, after])
        });
        let head = vec!["engine", "what", "before", "now"];
        Part { title: "Coverage".into(), head, rows: rows.collect(), empty: None }
    }

    fn reached_part(&self) -> Part {
        let rows = self.reached.iter().map(|reach| {
            let (mood, word) =
                if reach.now { (Mood::Plain, "only now") } else { (Mood::Warn, "only before") };
            Row::new(mood, [word.to_owned(), reach.name.clone(), reach.what.clone(), reach.engine.clone()])
        });
        let head = vec!["reached", "name", "what", "engine"];
        Part { title: "Reached by one of them".into(), head, rows: rows.collect(), empty: None }
    }
}

fn differing(title: &'static str, all: &[Differing], mood: Mood, empty: Option<&'static str>) -> Part {
    let rows = all.iter().map(|one| {
        Row::new(mood, [one.id.clone(), one.broken.clone(), one.engine.clone(), one.replay.clone()])
    });
    Part {
        title: title.into(),
        head: vec!["finding", "breaks", "found by", "replay"],
        rows: rows.collect(),
        empty,
    }
}

impl Compared {
    fn of(results: &Results) -> Compared {
        let run = &results.run;
        Compared {
            id: run.id.clone(),
            date: run.date.clone(),
            commit: run.commit.clone(),
            exit: results.outcome().exit_code,
        }
    }
}

/// The failures of one run that the other one has not, each once.
fn only(these: &Results, those: &Results) -> Vec<Differing> {
    let others: Vec<&str> = words::failures(those).iter().map(|found| found.failure.id.as_str()).collect();
    let only =
        words::failures(these).into_iter().filter(|found| !others.contains(&found.failure.id.as_str()));
    only.map(|found| Differing {
        id: found.failure.id.clone(),
        engine: found.found_by(),
        replay: found.failure.replay_command.clone(),
        broken: found.broken,
    })
    .collect()
}

fn changed(before: &Results, after: &Results) -> Vec<Changed> {
    let then = words::failures(before);
    let changed = |found: &words::Found<'_>| {
        let id = &found.failure.id;
        let before = then.iter().find(|one| one.failure.id == *id)?.failure.rate?;
        let after = found.failure.rate.filter(|after| *after != before)?;
        Some(Changed { id: id.clone(), before, after })
    };
    words::failures(after).iter().filter_map(changed).collect()
}

fn rules(before: &Results, after: &Results) -> Vec<RuleChange> {
    let [then, now] = [before, after].map(Table::of);
    let standing = |table: &Table, rule: &RuleId, subject| {
        let row = table.rows.iter().find(|row| row.rule == *rule);
        row.and_then(|row| row.cell(subject)).map_or(Standing::NotRun, |cell| cell.standing)
    };
    let mut ids: Vec<&RuleId> = then.rows.iter().map(|row| &row.rule).collect();
    ids.extend(
        now.rows.iter().map(|row| &row.rule).filter(|rule| then.rows.iter().all(|row| row.rule != **rule)),
    );
    let cells = ids.into_iter().flat_map(|rule| Subject::ALL.map(|subject| (rule, subject)));
    let changes = cells.map(|(rule, subject)| RuleChange {
        rule: rule.clone(),
        subject,
        before: standing(&then, rule, subject),
        after: standing(&now, rule, subject),
    });
    changes.filter(|change| change.before != change.after).collect()
}

fn engines(before: &[NightEngine], after: &[NightEngine]) -> Vec<EngineChange> {
    let exit = |engines: &[NightEngine], name: &str| {
        let engine = engines.iter().find(|engine| engine.name == name);
        engine.and_then(|engine| ExitCode::of(engine.exit))
    };
    let mut names: Vec<&str> = Vec::new();
    for engine in before.iter().chain(after) {
        if !names.contains(&engine.name.as_str()) {
            names.push(&engine.name);
        }
    }
    let changes = names.into_iter().map(|name| EngineChange {
        engine: name.to_owned(),
        before: exit(before, name),
        after: exit(after, name),
    });
    changes.filter(|change| change.before != change.after).collect()
}

fn figures_of(before: &[NightEngine], after: &[NightEngine], kind: Kind) -> Vec<FigureChange> {
    let mut all = Vec::new();
    for engine in after {
        let Some(then) = before.iter().find(|then| then.name == engine.name) else { continue };
        for (_, what, after) in followed(engine).into_iter().filter(|(of, ..)| *of == kind) {
            let before = followed(then).into_iter().find(|(of, same, _)| *of == kind && *same == what);
            let Some((_, _, before)) = before else { continue };
            all.push(FigureChange { engine: engine.name.clone(), what: what.to_owned(), before, after });
        }
    }
    all
}

fn reached(before: &Results, after: &Results) -> Vec<Reach> {
    let mut all = Vec::new();
    for engine in &after.engines {
        let name = words::engine_title(engine);
        let then = before.engines.iter().find(|then| words::engine_title(then) == name);
        let statuses = then.map(|then| (&then.status, &engine.status));
        let Some((Status::Ran(then), Status::Ran(now))) = statuses else { continue };
        let mut add = |what: &str, missing_then: &[String], missing_now: &[String]| {
            let reach = |name: &String, now| Reach {
                engine: words::engine_title(engine),
                what: what.to_owned(),
                name: name.clone(),
                now,
            };
            let gained = missing_then.iter().filter(|edge| !missing_now.contains(edge));
            all.extend(gained.map(|edge| reach(edge, true)));
            let lost = missing_now.iter().filter(|edge| !missing_then.contains(edge));
            all.extend(lost.map(|edge| reach(edge, false)));
        };
        if let (Some(then), Some(now)) = (&then.edges, &now.edges)
            && then.reachable == now.reachable
        {
            add(figures::EDGES, &then.missing, &now.missing);
        }
        if let (Some(then), Some(now)) = (&then.windows, &now.windows)
            && then.cells() == now.cells()
        {
            add(figures::WINDOWS, &then.empty(), &now.empty());
        }
    }
    all
}
