//! How the nights compare: rates, coverage, states, schedules, findings and durations over a history.
//!
//! **What it is.** A function of a [`History`], shown as text, Markdown, a page or JSON.
//!
//! **What it is not.** A verdict: a night that is slow is a warning by name and changes no exit code.
//!
//! **The law it keeps.** Rates of two classes of machines are never compared: lines break there, and medians are of one class.

use schemars::JsonSchema;
use serde::Serialize;

use crate::files::pretty;
use crate::history::{History, Night, NightEngine, Unread, figures};
use crate::results::{Rate, Unit};
use crate::sheet::{Mood, Part, Row, Sentence, Sheet};
use crate::spark::{Joint, Spark, Spot};
use crate::terminal::Style;
use crate::words::{self, duration, plural, thousands};

/// Nights on one class of machines that a rate is compared with.
pub const COMPARED_NIGHTS: usize = 5;

/// Percent below their median from which on a rate is warned of.
pub const SLOW_PERCENT: u64 = 20;

/// A rate of fewer is left to chance, and no median is made of it.
const LEAST_COUNT: u64 = 20;

/// A rate of a shorter time is left to chance, too.
const LEAST_MS: u64 = 1_000;

/// How the nights of a history compare.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct Trend {
    /// The nights, the oldest first.
    pub nights: Vec<TrendNight>,
    /// The rows of figures.
    pub series: Vec<Series>,
    /// Schedules of the real service up to each night, those before the history included.
    pub schedules: Vec<u64>,
    /// Everything that was found.
    pub findings: Vec<Seen>,
    /// Rates of the newest night that are well below those before it.
    pub slow: Vec<Slow>,
    /// Lines that could not be read.
    pub unread: Vec<Unread>,
}

/// One night.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct TrendNight {
    /// When it began.
    pub date: String,
    /// Its exit code.
    pub exit: u8,
    /// The class of its machine.
    pub class: String,
    /// The compiler.
    pub toolchain: String,
    /// The commit.
    pub commit: String,
    /// The time of its engines.
    pub time_ms: u64,
}

/// One figure of one engine over the nights.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct Series {
    /// The engine, with what it ran on.
    pub engine: String,
    /// What is counted.
    pub what: String,
    /// What the points are.
    pub kind: Kind,
    /// One for each night, the oldest first; none where the night has no such figure.
    pub points: Vec<Option<Point>>,
}

/// What the points of a series are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Counts with the milliseconds they took. Compared are thousandths per second.
    Rate,
    /// Counts of a whole. Compared are hundredths of a percent.
    Coverage,
    /// Counts.
    Count,
    /// Milliseconds.
    Duration,
}

/// A figure of one night.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct Point {
    /// How much.
    pub done: u64,
    /// Its denominator: milliseconds, or the whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<u64>,
    /// What is compared.
    pub value: u64,
}

/// A failure over the nights.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct Seen {
    /// Its stable id.
    pub id: String,
    /// The rule that it breaks.
    pub rule: String,
    /// The first night that found it.
    pub first: String,
    /// The last night that found it.
    pub last: String,
    /// Nights of the history that found it.
    pub nights: u64,
    /// How often it failed when it was run again, over all nights.
    pub rate: Rate,
}

/// A rate that is well below what it was.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct Slow {
    /// The engine.
    pub engine: String,
    /// What it counts.
    pub what: String,
    /// Thousandths per second in the newest night.
    pub now: u64,
    /// The median of the nights before it.
    pub median: u64,
}

impl Slow {
    /// In one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let below =
            100 - u64::try_from(u128::from(self.now) * 100 / u128::from(self.median.max(1))).unwrap_or(100);
        format!(
            "{}: {} {} per second, {below} % below {}, the median of its last {COMPARED_NIGHTS} nights on this class of machines",
            self.engine,
            per_second(self.now),
            self.what,
            per_second(self.median),
        )
    }
}

impl Trend {
    /// How these nights compare.
    #[must_use]
    pub fn of(history: &History) -> Trend {
        let nights: Vec<&Night> = history.nights().collect();
        let series = series(&nights);
        Trend {
            slow: slow(&nights, &series),
            schedules: schedules(&nights),
            findings: findings(&nights),
            unread: history.unread().to_vec(),
            nights: nights.into_iter().map(TrendNight::of).collect(),
            series,
        }
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

    /// Its tables, to stand in another page.
    pub(crate) fn in_a_page(&self) -> maud::Markup {
        self.sheet().in_a_page()
    }

    /// As JSON.
    #[must_use]
    pub fn json(&self) -> String {
        pretty(self)
    }

    fn sheet(&self) -> Sheet {
        Sheet {
            title: "Trend of the nights".to_owned(),
            lead: self.lead(),
            parts: vec![
                self.rates(),
                self.part(Kind::Coverage, "Coverage"),
                self.part(Kind::Count, "Counts"),
                self.accumulated(),
                self.found(),
                self.part(Kind::Duration, "Durations"),
                self.classes(),
            ],
            close: self.close(),
        }
    }

    fn lead(&self) -> Vec<Sentence> {
        let Some((first, last)) = self.nights.first().zip(self.nights.last()) else {
            return vec![Sentence::new(Mood::Warn, "There is no night yet: `bgcheck nightly` adds one.")];
        };
        let nights = plural(self.nights.len() as u64, "night", "nights");
        let classes = self.class_names().len() as u64;
        let classes = plural(classes, "class of machines", "classes of machines");
        vec![Sentence::new(
            Mood::Plain,
            format!("{nights} from {} to {}, on {classes}.", first.date, last.date),
        )]
    }

    fn close(&self) -> Vec<Sentence> {
        let unread =
            self.unread.iter().map(|line| format!("line {} is not read, and kept: {}", line.line, line.why));
        let slow = self.slow.iter().map(Slow::sentence);
        unread.chain(slow).map(|text| Sentence::new(Mood::Warn, format!("warning: {text}"))).collect()
    }

    fn spark(&self, points: &[Option<Point>]) -> Spark {
        let values: Vec<Option<u64>> = points.iter().map(|point| point.map(|point| point.value)).collect();
        self.spark_of(&values)
    }

    fn spark_of(&self, values: &[Option<u64>]) -> Spark {
        let joints = (0..self.nights.len()).map(|at| match at.checked_sub(1) {
            Some(before) if self.nights[before].class != self.nights[at].class => Joint::Break,
            _ => Joint::On,
        });
        Spark {
            cells: values.iter().zip(joints).map(|(value, joint)| Spot { value: *value, joint }).collect(),
        }
    }

    fn rates(&self) -> Part {
        let rows = self.series.iter().filter(|series| series.kind == Kind::Rate).map(|series| {
            let is_slow =
                self.slow.iter().any(|slow| slow.engine == series.engine && slow.what == series.what);
            let median = self.median_before_last(series);
            let change = median
                .zip(series.last_value())
                .map_or_else(|| "-".to_owned(), |(median, now)| words::percent_change(median, now));
            let cells = [
                series.engine.clone(),
                self.last(series),
                median.map_or_else(|| "-".to_owned(), |median| format!("{}/s", per_second(median))),
                if is_slow { format!("SLOW {change}") } else { change },
            ];
            Row::new(if is_slow { Mood::Warn } else { Mood::Plain }, cells).and(self.spark(&series.points))
        });
        let head = vec!["engine", "last", "median of 5", "change", "nights"];
        Part { title: "Rates".into(), head, rows: rows.collect(), empty: None }
    }

    /// The median of the nights before the newest one that has the figure, if there are enough on its class.
    fn median_before_last(&self, series: &Series) -> Option<u64> {
        let last = series.points.iter().rposition(Option::is_some)?;
        let class = &self.nights[last].class;
        let same = |at: &usize| self.nights[*at].class == *class;
        let before = (0..last).rev().filter(same).filter_map(|at| series.points[at]);
        median(before)
    }

    fn part(&self, kind: Kind, title: &'static str) -> Part {
        let rows = self.series.iter().filter(|series| series.kind == kind).map(|series| {
            let cells = [series.engine.clone(), series.what.clone(), self.last(series)];
            Row::new(Mood::Plain, cells).and(self.spark(&series.points))
        });
        Part {
            title: title.into(),
            head: vec!["engine", "what", "last", "nights"],
            rows: rows.collect(),
            empty: None,
        }
    }

    fn accumulated(&self) -> Part {
        let values: Vec<Option<u64>> = self.schedules.iter().copied().map(Some).collect();
        let rows = self.schedules.last().filter(|all| **all > 0).map(|all| {
            Row::new(Mood::Plain, ["schedules of the service".to_owned(), thousands(*all)])
                .and(self.spark_of(&values))
        });
        let head = vec!["what", "in all nights", "nights"];
        Part { title: "Accumulated".into(), head, rows: rows.into_iter().collect(), empty: None }
    }

    fn found(&self) -> Part {
        let newest = self.nights.last().map_or("", |night| night.date.as_str());
        let rows = self.findings.iter().map(|seen| {
            let mood = if seen.last == newest { Mood::Bad } else { Mood::Plain };
            let rate = match seen.rate {
                Rate { replays: 0, .. } => "-".to_owned(),
                rate if rate.is_certain() => format!("each of {}", plural(rate.replays, "replay", "replays")),
                Rate { reproduced, replays } => {
                    format!("FLAKY: {} of {}", thousands(reproduced), plural(replays, "replay", "replays"))
                }
            };
            let nights = format!("{} of {}", thousands(seen.nights), thousands(self.nights.len() as u64));
            Row::new(
                mood,
                [seen.id.clone(), seen.rule.clone(), seen.first.clone(), seen.last.clone(), nights, rate],
            )
        });
        let head = vec!["finding", "rule", "first night", "last night", "nights", "came again on"];
        Part {
            title: "Findings".into(),
            head,
            rows: rows.collect(),
            empty: Some("Nothing was found in these nights."),
        }
    }

    fn classes(&self) -> Part {
        let rows = self.class_names().into_iter().map(|name| {
            let of_class = || self.nights.iter().filter(|night| night.class == name);
            let last = of_class().next_back();
            let text = |of: fn(&TrendNight) -> &str| last.map(of).unwrap_or_default().to_owned();
            let nights = thousands(of_class().count() as u64);
            Row::new(
                Mood::Plain,
                [name.to_owned(), nights, text(|night| &night.date), text(|night| &night.toolchain)],
            )
        });
        let head = vec!["class of machines", "nights", "last night", "compiler then"];
        Part { title: "Machines".into(), head, rows: rows.collect(), empty: None }
    }

    fn class_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for night in &self.nights {
            if !names.contains(&night.class.as_str()) {
                names.push(&night.class);
            }
        }
        names
    }

    /// The newest figure, with its date where it is not of the newest night.
    fn last(&self, series: &Series) -> String {
        let Some(at) = series.points.iter().rposition(Option::is_some) else { return "-".to_owned() };
        let text = series.points[at].map_or_else(String::new, |point| point.text(series.kind, &series.what));
        if at + 1 == self.nights.len() { text } else { format!("{text} on {}", self.nights[at].date) }
    }
}

impl TrendNight {
    fn of(night: &Night) -> TrendNight {
        TrendNight {
            date: night.date.clone(),
            exit: night.exit,
            class: night.class.clone(),
            toolchain: night.toolchain.clone(),
            commit: night.commit.clone(),
            time_ms: night.time_ms,
        }
    }
}

impl Series {
    fn last_value(&self) -> Option<u64> {
        self.points.iter().rev().find_map(|point| Some((*point)?.value))
    }
}

impl Point {
    pub(crate) fn new(kind: Kind, done: u64, of: Option<u64>) -> Point {
        let scaled = |by: u128| {
            let of = u128::from(of.unwrap_or(0)).max(1);
            u64::try_from(u128::from(done) * by / of).unwrap_or(u64::MAX)
        };
        let value = match kind {
            Kind::Rate => scaled(1_000_000),
            Kind::Coverage => scaled(10_000),
            Kind::Count | Kind::Duration => done,
        };
        Point { done, of, value }
    }

    pub(crate) fn text(&self, kind: Kind, what: &str) -> String {
        match kind {
            Kind::Rate => format!("{} {what}/s", per_second(self.value)),
            Kind::Coverage => {
                let (done, of) = (thousands(self.done), thousands(self.of.unwrap_or(0)));
                format!("{done} of {of} ({}.{:02} %)", self.value / 100, self.value % 100)
            }
            Kind::Count => match self.of {
                Some(of) => format!("{} of {}", thousands(self.done), thousands(of)),
                None => thousands(self.done),
            },
            Kind::Duration => duration(self.done),
        }
    }
}

/// Thousandths per second as a reader would write them.
pub(crate) fn per_second(thousandths: u64) -> String {
    match thousandths {
        0..100_000 => format!("{}.{}", thousandths / 1_000, thousandths % 1_000 / 100),
        _ => thousands(thousandths / 1_000),
    }
}

/// What engines are fast or slow in.
const RATED: [Unit; 7] =
    [Unit::States, Unit::Runs, Unit::Cases, Unit::Schedules, Unit::Steps, Unit::Jobs, Unit::Calls];

/// The figures of an engine that are followed: its rate, its coverage, what it counts, its time.
pub(crate) fn followed(engine: &NightEngine) -> Vec<(Kind, &str, Point)> {
    if engine.figures.is_empty() {
        return Vec::new();
    }
    let mut all = Vec::new();
    let unit = |what: &str| Unit::ALL.into_iter().find(|unit| unit.name() == what);
    // What has a whole is done when it is done, and its rate depends on the budget.
    let rated = |what: &str| unit(what).is_some_and(|unit| RATED.contains(&unit));
    for figure in engine.figures.iter().filter(|figure| figure.of.is_none() && engine.time_ms > 0) {
        if rated(&figure.what) {
            all.push((
                Kind::Rate,
                figure.what.as_str(),
                Point::new(Kind::Rate, figure.done, Some(engine.time_ms)),
            ));
        }
    }
    for figure in &engine.figures {
        let what = figure.what.as_str();
        match (figure.of, unit(what)) {
            (Some(of), _) if of > 0 && what != figures::NEW_INPUTS => {
                all.push((Kind::Coverage, what, Point::new(Kind::Coverage, figure.done, Some(of))));
            }
            (_, Some(Unit::States | Unit::Schedules)) => {
                all.push((Kind::Count, what, Point::new(Kind::Count, figure.done, None)));
            }
            (_, None) if [figures::CORPUS, figures::NEW_INPUTS, figures::DECISIONS].contains(&what) => {
                all.push((Kind::Count, what, Point::new(Kind::Count, figure.done, figure.of)));
            }
            _ => {}
        }
    }
    all.push((Kind::Duration, "time", Point::new(Kind::Duration, engine.time_ms, None)));
    all
}

fn series(nights: &[&Night]) -> Vec<Series> {
    let mut all: Vec<Series> = Vec::new();
    // The newest night first, because its engines are what a reader looks for.
    for (at, night) in nights.iter().enumerate().rev() {
        for engine in &night.engines {
            for (kind, what, point) in followed(engine) {
                let is_it = |series: &&mut Series| {
                    series.kind == kind && series.engine == engine.name && series.what == what
                };
                let series = match all.iter_mut().find(is_it) {
                    Some(series) => series,
                    None => {
                        let (engine, what) = (engine.name.clone(), what.to_owned());
                        all.push(Series { engine, what, kind, points: vec![None; nights.len()] });
                        let Some(last) = all.last_mut() else { continue };
                        last
                    }
                };
                // An engine that a night has twice is followed by its first.
                series.points[at].get_or_insert(point);
            }
        }
    }
    all
}

fn schedules(nights: &[&Night]) -> Vec<u64> {
    let mut sum = nights.first().map_or(0, |night| night.schedules_before);
    let up_to = nights.iter().map(|night| {
        sum = sum.saturating_add(night.schedules());
        sum
    });
    up_to.collect()
}

fn findings(nights: &[&Night]) -> Vec<Seen> {
    let mut all: Vec<Seen> = Vec::new();
    for night in nights.iter().rev() {
        for finding in &night.findings {
            let rate = finding.rate.unwrap_or(Rate { reproduced: 0, replays: 0 });
            match all.iter_mut().find(|seen| seen.id == finding.id) {
                Some(seen) => {
                    seen.first = seen.first.clone().min(finding.first.clone());
                    seen.nights += 1;
                    seen.rate.reproduced = seen.rate.reproduced.saturating_add(rate.reproduced);
                    seen.rate.replays = seen.rate.replays.saturating_add(rate.replays);
                }
                None => all.push(Seen {
                    id: finding.id.clone(),
                    rule: finding.rule.clone(),
                    first: finding.first.clone(),
                    last: night.date.clone(),
                    nights: 1,
                    rate,
                }),
            }
        }
    }
    all
}

fn slow(nights: &[&Night], series: &[Series]) -> Vec<Slow> {
    let Some((newest, before)) = nights.split_last() else { return Vec::new() };
    let rates = series.iter().filter(|series| series.kind == Kind::Rate);
    let slow = rates.filter_map(|series| {
        let now = series.points.last().copied().flatten().filter(|now| now.of >= Some(LEAST_MS))?.value;
        let points = before.iter().zip(&series.points).rev();
        let same_class = points.filter(|(night, _)| night.class == newest.class);
        let median = median(same_class.filter_map(|(_, point)| *point))?;
        let is_slow = u128::from(now) * 100 <= u128::from(median) * u128::from(100 - SLOW_PERCENT);
        let (engine, what) = (series.engine.clone(), series.what.clone());
        (is_slow && median > 0).then_some(Slow { engine, what, now, median })
    });
    slow.collect()
}

/// The middle one of the last rates, the newest first, if there are enough that mean something.
fn median(points: impl Iterator<Item = Point>) -> Option<u64> {
    let telling = points.filter(|point| point.done >= LEAST_COUNT && point.of >= Some(LEAST_MS));
    let mut values: Vec<u64> = telling.take(COMPARED_NIGHTS).map(|point| point.value).collect();
    values.sort_unstable();
    (values.len() == COMPARED_NIGHTS).then(|| values[COMPARED_NIGHTS / 2])
}
