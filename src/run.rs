//! Which run this is: the frame that every engine's results are put into.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::OnceLock;
use std::time::Duration;

use contract::defect::Fault;
use judge::{Rule, RuleSet};
use model::protocol::{Duty, Law};
use reports::{EngineResult, Machine, Results, RuleText, Run, Sentences, SetUpStep, Version};

use crate::clock::Clock;
use crate::place::Place;
use crate::signals;
use crate::watch::worker;

/// Begins the results of a run that carries these rules.
pub(crate) fn results(place: &Place, rules: RuleSet, seed: u64, budget: Option<Duration>) -> Results {
    let clock = Clock::now();
    Results {
        version: Version::CURRENT,
        run: Run {
            id: clock.day(),
            date: clock.minute(),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: place.commit(),
            command_line: command_line(),
            seed,
            budget_ms: budget.map(millis),
            machine: machine(),
            partial: None,
            stopped_by: None,
        },
        rules: rule_texts(rules),
        set_up: Vec::<SetUpStep>::new(),
        engines: Vec::<EngineResult>::new(),
        sentences: None,
        kills: None,
        canaries: Vec::new(),
        news: None,
    }
}

/// The engines of a run are done: their results are sent to the watcher, and a run that was stopped is marked.
pub(crate) fn ended(results: &mut Results) {
    if is_stopped() {
        results.run.partial = Some(crate::watched::STOPPED.to_owned());
        results.run.stopped_by = signals::first();
    }
    worker::know(results);
}

/// Whether this run is to end early, with its results so far.
pub(crate) fn is_stopped() -> bool {
    worker::is_stopped() || signals::has_come()
}

/// Which build of bgcheck this is: two with one name have one engine inside. None is known where the program cannot be read.
pub(crate) fn build() -> Option<&'static str> {
    static BUILD: OnceLock<Option<String>> = OnceLock::new();
    let of_this = || {
        let program = std::fs::read(std::env::current_exe().ok()?).ok()?;
        let mut hasher = DefaultHasher::new();
        program.hash(&mut hasher);
        Some(format!("{:016x}", hasher.finish()))
    };
    BUILD.get_or_init(of_this).as_deref()
}

/// The sentences of the documents, and which of their rules something shows to be able to fail: the seeded faults do.
pub(crate) fn sentences() -> Sentences {
    Sentences::of(Fault::ALL.iter().map(|fault| fault.rule()))
}

/// A length of time as results have it.
pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The rules in words, as a report carries them.
pub(crate) fn rule_texts(rules: RuleSet) -> Vec<RuleText> {
    rules.iter().map(text).collect()
}

/// A law that is no rule in words.
pub(crate) fn law_text(law: Law) -> RuleText {
    RuleText {
        id: reports::RuleId(law.id().to_owned()),
        name: law.name().to_owned(),
        sentence: law.sentence().to_owned(),
    }
}

/// The duties in words. L3 is there already, as a law.
pub(crate) fn duty_texts() -> impl Iterator<Item = RuleText> {
    let others = Duty::ALL.iter().filter(|duty| duty.id() != Law::BoundedWait.id());
    others.map(|duty| RuleText {
        id: reports::RuleId(duty.id().to_owned()),
        name: duty.name().to_owned(),
        sentence: duty.sentence().to_owned(),
    })
}

fn text(rule: Rule) -> RuleText {
    RuleText {
        id: reports::RuleId(rule.to_string()),
        name: rule.name().to_owned(),
        sentence: rule.sentence().to_owned(),
    }
}

/// What was typed. The program's own path is of this machine, so its name stands for it.
pub(crate) fn command_line() -> String {
    let args = std::env::args_os().skip(1).map(|arg| quoted(&arg.to_string_lossy()));
    std::iter::once("bgcheck".to_owned()).chain(args).collect::<Vec<_>>().join(" ")
}

/// A word as a shell takes it for one.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=,@%+".contains(c) || cfg!(windows) && c == '\\';
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    match cfg!(windows) {
        true => format!("\"{word}\""),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

fn machine() -> Machine {
    Machine {
        os: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        cores: u32::try_from(cores()).unwrap_or(u32::MAX),
        memory_bytes: memory_bytes(),
    }
}

/// The compiler that built this command.
pub(crate) const TOOLCHAIN: &str = env!("BGCHECK_RUSTC");

/// What rates depend on beside the code: rates of two classes are not compared.
pub(crate) fn machine_class() -> String {
    let Machine { os, cores, .. } = machine();
    let plural = if cores == 1 { "core" } else { "cores" };
    let cpu = cpu().unwrap_or_else(|| "unknown CPU".to_owned());
    format!("{os}, {cores} {plural}, {cpu}, opt-level {}", env!("BGCHECK_OPT_LEVEL"))
}

/// The processor, where the system has a name for it.
fn cpu() -> Option<String> {
    let of_linux = || {
        let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.to_owned())
    };
    let of_macos = || {
        let name = ["-n", "machdep.cpu.brand_string"];
        let output = std::process::Command::new("sysctl").args(name).output().ok()?;
        String::from_utf8(output.stdout).ok()
    };
    let name = match std::env::consts::OS {
        "macos" => of_macos(),
        "windows" => std::env::var("PROCESSOR_IDENTIFIER").ok(),
        _ => of_linux(),
    };
    // Runs of blanks are of no meaning in such names.
    let name = name.map(|name| name.split_whitespace().collect::<Vec<_>>().join(" "));
    name.filter(|name| !name.is_empty())
}

/// As many threads as are asked for, and no more than cores; as many as cores when nothing is asked for.
pub(crate) fn threads(asked: Option<u16>) -> usize {
    asked.map_or_else(cores, |asked| usize::from(asked).min(cores()))
}

/// Threads that may run at once here.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Where the system reports it; elsewhere the memory is unknown.
pub(crate) fn memory_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(all(test, unix))]
mod tests {
    use super::quoted;

    #[test]
    fn a_word_comes_out_of_a_shell_as_it_was() {
        for word in ["plain/path-1.jsonl", "", "with space", "it's", "$HOME;`x`", "a\nb", "*", "~", "ü"] {
            let echoed = std::process::Command::new("sh")
                .args(["-c", &format!("printf %s {}", quoted(word))])
                .output();
            assert_eq!(String::from_utf8_lossy(&echoed.expect("there is a shell").stdout), word);
        }
        assert_eq!(quoted("target/traces/R1-7f3a09c2-bits.jsonl"), "target/traces/R1-7f3a09c2-bits.jsonl");
    }
}
