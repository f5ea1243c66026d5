//! What can be typed.

use std::ffi::OsStr;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use clap::builder::styling::{AnsiColor, Styles};
use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Parser, Subcommand};
use contract::defect::{Design, Place, UnknownDesign};
use properties::minimize::CoreName;

use crate::output::Color;
use crate::progress::{Manner, Talk};
use crate::verbs;
use crate::watch::Input;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Explores a formal model of background-copy jobs, and fuzzes a real engine against it.
#[derive(Parser, Debug)]
#[command(name = "bgcheck", version, styles = STYLES, max_term_width = 100, propagate_version = false)]
#[command(after_help = "\
Exit codes: 0 held, 1 usage or unreadable input, 2 a rule is violated, 3 flaky, 4 vacuous or no
work done, 5 budget spent before a scope was explored, 6 an engine was skipped, 70 a defect of
bgcheck. When several apply: 70, 2, 3, 4, 6, 5, 0.

Start with `bgcheck check --scope small`; `bgcheck nightly` runs everything.")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) verb: Verb,
    /// Whether to colour what is written; NO_COLOR is obeyed.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub(crate) color: Color,
    /// Show no progress.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// How progress is told on stderr.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "HOW", conflicts_with = "quiet")]
    pub(crate) progress: Manner,
    /// End an engine that takes longer, with what it knows; each engine has a limit of its own when left out.
    #[arg(long, global = true, value_parser = budget, value_name = "TIME")]
    pub(crate) limit: Option<Duration>,
}

impl Cli {
    /// Whether progress is shown, and how.
    pub(crate) const fn talk(&self) -> Talk {
        if self.quiet { Talk::Quiet } else { Talk::As(self.progress) }
    }
}

/// What to do.
#[derive(Subcommand, Debug)]
pub(crate) enum Verb {
    /// Explore the model to its end: each rule is proved in the scope, or broken by the shortest counterexample.
    Check(verbs::check::Args),
    /// Run a libFuzzer target for a budget, with progress and a verdict.
    Fuzz(verbs::fuzz::Args),
    /// Run random programs on specification and core side by side, and judge each.
    Properties(verbs::properties::Args),
    /// Run races on the engine's real service under controlled schedules, and judge each.
    Race(verbs::race::Args),
    /// Generate a test suite from the explored graph, and prove what it covers.
    Generate(verbs::generate::Args),
    /// Run a generated suite on a subject, file by file.
    Conform(verbs::conform::Args),
    /// Run the real service on threads, HTTP and disk, and judge what it does and what it owes.
    Live(verbs::live::Args),
    /// Use another implementation through its adapter: begin one, check it, try what is behind it.
    Adapter(verbs::adapter::Args),
    /// Show a trace, a fuzzer's artifact or a regression as a timeline, and judge it.
    Replay(verbs::replay::Args),
    /// Make a counterexample as small as it gets, and explain it.
    Minimize(verbs::minimize::Args),
    /// Print the tables of states, methods and dialects, or draw them.
    Graph(verbs::graph::Args),
    /// Explain a rule, a code, a state, a failure or any other word of the outputs.
    Explain(verbs::explain::Args),
    /// Ask the specification: play client, network, disk and clock step by step.
    Simulate(verbs::simulate::Args),
    /// Walk through the specification, a trace and the tables in the browser.
    Explore(verbs::explore::Args),
    /// Let every engine loose on every seeded fault, and show which finds which, and how soon.
    Kill(verbs::kill::Args),
    /// Change the model in one place after another, and show which changes no engine notices.
    Mutate(verbs::mutate::Args),
    /// Compare our explorer with stateright's: states per second, memory, one worker and two.
    Bench(verbs::bench::Args),
    /// Run everything for a budget, and write the report.
    Nightly(verbs::nightly::Args),
    /// Show the results of a run again.
    Report(verbs::report::Args),
    /// Say what is installed, what is missing, and the command that installs it.
    Doctor(verbs::doctor::Args),
    /// Print the completions of a shell.
    Completions(verbs::completions::Args),
}

impl Verb {
    /// What the verb reads when it runs a subject, and so is watched. The others run none, or watch their engines themselves.
    pub(crate) fn input(&self) -> Option<Input> {
        match self {
            Verb::Replay(args) if args.is_stdin() => Some(Input::Stdin),
            Verb::Minimize(args) if args.is_stdin() => Some(Input::Stdin),
            Verb::Check(_)
            | Verb::Fuzz(_)
            | Verb::Properties(_)
            | Verb::Race(_)
            | Verb::Generate(_)
            | Verb::Conform(_)
            | Verb::Live(_)
            | Verb::Replay(_)
            | Verb::Minimize(_) => Some(Input::None),
            Verb::Adapter(args) => args.runs_a_subject().then_some(Input::None),
            Verb::Kill(args) => args.starts_others().then_some(Input::None),
            Verb::Mutate(args) => args.starts_others().then_some(Input::None),
            Verb::Graph(_)
            | Verb::Explain(_)
            | Verb::Simulate(_)
            | Verb::Explore(_)
            | Verb::Bench(_)
            | Verb::Nightly(_)
            | Verb::Report(_)
            | Verb::Doctor(_)
            | Verb::Completions(_) => None,
        }
    }

    /// What was typed for it.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Verb::Check(_) => "check",
            Verb::Fuzz(_) => "fuzz",
            Verb::Properties(_) => "properties",
            Verb::Race(_) => "race",
            Verb::Generate(_) => "generate",
            Verb::Conform(_) => "conform",
            Verb::Live(_) => "live",
            Verb::Replay(_) => "replay",
            Verb::Minimize(_) => "minimize",
            Verb::Adapter(_) => "adapter",
            Verb::Kill(_) => "kill",
            Verb::Mutate(_) => "mutate",
            _ => "bgcheck",
        }
    }
}

/// What replaces the engine's core, if anything does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, clap::ValueEnum)]
pub(crate) enum CoreChoice {
    /// The engine's own core.
    #[default]
    Core,
    /// The core that is broken on purpose.
    Canary,
}

impl CoreChoice {
    /// What an option `--canary` chooses.
    pub(crate) const fn canary(given: bool) -> CoreChoice {
        if given { CoreChoice::Canary } else { CoreChoice::Core }
    }

    /// How traces and reports name it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            CoreChoice::Core => "core",
            CoreChoice::Canary => "canary",
        }
    }
}

impl From<CoreChoice> for CoreName {
    fn from(core: CoreChoice) -> CoreName {
        match core {
            CoreChoice::Core => CoreName::Core,
            CoreChoice::Canary => CoreName::Canary,
        }
    }
}

/// A parser of words from a list, which the help shows. What else the type reads, such as another case, is read, too.
pub(crate) fn one_of<T: Display + FromStr<Err: Display>>(all: impl IntoIterator<Item = T>) -> OneOf<T> {
    listed(all, |text| text.parse().map_err(|error: T::Err| error.to_string()))
}

/// A parser of the designs that the service can have.
pub(crate) fn design_of_the_service() -> OneOf<Design> {
    let read = |text: &str| Design::read(Place::Service, text).map_err(|unknown| unknown.to_string());
    listed(Design::of(Place::Service), read)
}

/// Reads a design that a core can have.
pub(crate) fn design_of_a_core(text: &str) -> Result<Design, UnknownDesign> {
    Design::read(Place::AroundCore, text)
}

fn listed<T: Display>(all: impl IntoIterator<Item = T>, read: fn(&str) -> Result<T, String>) -> OneOf<T> {
    OneOf { names: all.into_iter().map(|one| one.to_string()).collect(), read }
}

/// See [`one_of`].
#[derive(Clone)]
pub(crate) struct OneOf<T> {
    names: Vec<String>,
    read: fn(&str) -> Result<T, String>,
}

impl<T> TypedValueParser for OneOf<T>
where
    T: Clone + Send + Sync + 'static,
{
    type Value = T;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<T, clap::Error> {
        let read = self.read;
        let read = move |text: String| read(&text);
        StringValueParser::new().try_map(read).parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.names.iter().cloned().map(PossibleValue::new)))
    }
}

/// Reads `90`, `90s`, `3m` or `1h`.
pub(crate) fn budget(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a length of time: expected such as `30s`, `3m` or `1h`");
    let (number, unit) = number_and_unit(text).ok_or_else(wrong)?;
    let unit = match unit {
        "" | "s" => 1,
        "m" | "min" => 60,
        "h" => 3_600,
        _ => return Err(wrong()),
    };
    // More than a year is a slip of the finger, and no clock here needs it.
    let seconds = number.checked_mul(unit).filter(|seconds| (1..=31_536_000).contains(seconds));
    seconds.map(Duration::from_secs).ok_or_else(|| format!("{text:?} is not between one second and a year"))
}

/// Takes `3m` apart.
pub(crate) fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let digits = text.trim_end_matches(|last: char| last.is_ascii_alphabetic());
    Some((digits.parse().ok()?, &text[digits.len()..]))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    /// A build without optimisation ends where two are equal. The tests are built with optimisation, in which clap does not look.
    #[test]
    fn names_of_one_verb_differ() {
        let mut root = Cli::command();
        root.clone().debug_assert();
        root.build();
        let mut commands = vec![&root];
        let mut arguments = 0;
        while let Some(command) = commands.pop() {
            let groups = command.get_groups().map(|group| group.get_id().to_string());
            let ids = groups.chain(command.get_arguments().map(|argument| argument.get_id().to_string()));
            let longs = command.get_arguments().filter_map(|argument| argument.get_long());
            let mut names: Vec<String> = ids.chain(longs.map(|long| format!("--{long}"))).collect();
            arguments += names.len();
            names.sort();
            let twice = names.windows(2).find(|pair| pair[0] == pair[1]);
            assert_eq!(twice, None, "{}", command.get_name());
            commands.extend(command.get_subcommands());
        }
        assert!(arguments > 300, "{arguments}");
    }

    #[test]
    fn budgets_are_read_with_their_unit_and_nothing_else() {
        let seconds = |text| budget(text).map(|time| time.as_secs());
        assert_eq!([seconds("90"), seconds("3m"), seconds("1h")], [Ok(90), Ok(180), Ok(3_600)]);
        for wrong in ["", "0", "-1s", "3 m", "1d", "9999999999h", "m", "é"] {
            assert!(budget(wrong).is_err(), "{wrong}");
        }
    }
}
