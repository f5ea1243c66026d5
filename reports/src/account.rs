//! What became of another implementation, beside failures: how often each rule could be decided, how its races went, and what was not tried.
//!
//! **What it is.** Numbers with their denominators, and the tables and words for them: the page of `bgcheck adapter run` and the reports print
//! these.
//!
//! **What it is not.** A verdict.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::results::RuleId;
use crate::sheet::{Mood, Part, Row};
use crate::words::{plural, thousands};

/// See the module's documentation.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Account {
    /// Runs that were judged.
    pub runs: u64,
    /// What became of each rule.
    pub rules: Vec<RuleCount>,
    /// What became of each race.
    pub races: Vec<RaceCount>,
    /// What no path has, because the adapter cannot be made to do it.
    pub left_out: Vec<LeftOut>,
    /// What was not begun, because time was over.
    pub not_begun: Vec<String>,
    /// What the adapter's `reset` could not end.
    pub leftovers: Vec<Leftover>,
}

/// What became of a rule, in runs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RuleCount {
    /// The rule.
    pub rule: RuleId,
    /// Its name.
    pub name: String,
    /// Runs in which it had something to decide, and every decision was right.
    pub held: u64,
    /// Runs that broke it.
    pub violated: u64,
    /// Runs in which it had nothing to decide.
    pub vacuous: u64,
    /// Runs that do not show enough.
    pub undecided: u64,
    /// What is missing in these.
    pub why: Option<String>,
    /// What the adapter does not have, and without which the rule can have nothing to decide.
    pub missing: Option<String>,
}

/// What became of the runs of a race.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RaceCount {
    /// The racing call, and when it comes.
    pub what: String,
    /// Runs.
    pub runs: u64,
    /// Runs in which it came next to the callback or inside it.
    pub met: u64,
    /// Runs in which a rule was broken.
    pub broken: u64,
}

/// Something that no path has.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LeftOut {
    /// What.
    pub what: String,
    /// Why.
    pub why: String,
}

/// Something that `reset` could not end.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Leftover {
    /// What.
    pub what: String,
    /// How often.
    pub count: u64,
}

impl RaceCount {
    /// The rate, or what it is below with 95 %, in words.
    ///
    /// ```
    /// let race = |broken| reports::RaceCount { what: "Cancel".to_owned(), runs: 1_200, met: 900, broken };
    /// assert_eq!(race(0).rate(), "0 of 1,200: below 0.25 % with 95 %");
    /// assert_eq!(race(30).rate(), "30 of 1,200: 2.50 %");
    /// ```
    #[must_use]
    pub fn rate(&self) -> String {
        let (broken, all) = (thousands(self.broken), thousands(self.runs));
        let runs = self.runs.max(1) as f64;
        match self.broken {
            // The rule of three.
            0 => format!("{broken} of {all}: below {:.2} % with 95 %", 300.0 / runs),
            some => format!("{broken} of {all}: {:.2} %", 100.0 * some as f64 / runs),
        }
    }
}

impl RuleCount {
    /// Runs in which it had something to decide, as far as they show enough.
    #[must_use]
    pub const fn decided(&self) -> u64 {
        self.held + self.violated
    }

    /// How it stands, in words.
    #[must_use]
    pub fn standing(&self) -> String {
        let RuleCount { held, violated, vacuous, undecided, why, missing, .. } = self;
        if *violated > 0 {
            return format!("violated in {violated}, held in {held}, nothing to decide in {vacuous}");
        }
        match (*held, *undecided) {
            (0, 0) => match missing {
                Some(what) => format!("not decidable: it is about {what}, which the adapter does not have"),
                None => format!("vacuous: nothing to decide in {vacuous}"),
            },
            (0, undecided) => {
                format!(
                    "undecided in {undecided}: {}",
                    why.as_deref().unwrap_or("the runs do not show enough")
                )
            }
            (held, 0) => format!("held in {held}, nothing to decide in {vacuous}"),
            (held, undecided) => {
                format!("held in {held}, undecided in {undecided}, nothing to decide in {vacuous}")
            }
        }
    }

    const fn mood(&self) -> Mood {
        match (self.violated, self.decided()) {
            (1.., _) => Mood::Bad,
            (0, 0) => Mood::Warn,
            _ => Mood::Plain,
        }
    }
}

impl Account {
    /// The tables of a report, for the engine of this title.
    pub(crate) fn parts(&self, title: &str) -> Vec<Part> {
        let of = |what: &str| format!("{what}: {title}").into();
        vec![
            Part {
                title: of("Rules, by runs"),
                head: vec!["rule", "decided", "violated", "undecided", "nothing to decide", "how it stands"],
                rows: self.rules.iter().map(|count| self.rule(count)).collect(),
                empty: None,
            },
            Part {
                title: of("Races against the callback of a transfer"),
                head: vec!["race", "broken runs", "met the callback"],
                rows: self.races.iter().map(race).collect(),
                empty: None,
            },
            Part {
                title: of("Left out, because the adapter cannot be made to do it"),
                head: vec!["what", "why"],
                rows: self.left_out.iter().map(|one| row([&one.what, &one.why])).collect(),
                empty: Some("Nothing."),
            },
            Part {
                title: of("Not begun, because time was over"),
                head: vec!["what"],
                rows: self.not_begun.iter().map(|what| row([what])).collect(),
                empty: None,
            },
            Part {
                title: of("What `reset` could not end"),
                head: vec!["what", "how often"],
                rows: self.leftovers.iter().map(|left| row([&left.what, &thousands(left.count)])).collect(),
                empty: None,
            },
        ]
    }

    fn rule(&self, count: &RuleCount) -> Row {
        let of = |some: u64| format!("{} of {}", thousands(some), thousands(self.runs));
        let cells = [
            format!("{} {}", count.rule, count.name),
            of(count.decided()),
            format!("{} of {}", thousands(count.violated), thousands(count.decided())),
            of(count.undecided),
            of(count.vacuous),
            count.standing(),
        ];
        Row::new(count.mood(), cells)
    }
}

fn race(race: &RaceCount) -> Row {
    let mood = if race.broken > 0 { Mood::Bad } else { Mood::Plain };
    let met = format!("{} of {}", thousands(race.met), plural(race.runs, "run", "runs"));
    Row::new(mood, [race.what.clone(), race.rate(), met])
}

fn row<const N: usize>(cells: [&String; N]) -> Row {
    Row::new(Mood::Plain, cells.map(String::clone))
}
