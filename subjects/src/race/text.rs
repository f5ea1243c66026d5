//! Races as text: a line for each thing in them, for tests, regressions and the heads of traces; and as a story.
//!
//! The law: `parse(print(race)) == race`. A call is its JSON, as in a trace; everything else is words. What is as usual has no line.

use std::fmt;

use contract::defect::{Design, Place};
use contract::{Call, Dialect, JobId, UserId};
use model::scope::{ScopeName, Variant};

use super::program::{
    Act, Branch, Destination, Exit, Expires, Fate, Fetched, JOBS, Kept, Leaves, Lock, Manner, OBJECTS, On,
    Outside, Race, Stays, Step, Wakes,
};

/// A line that does not belong into a race.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{line:?} is not a line of a race: expected, for example, `race bits`, `prefix job 0 {{\"method\":\"Resume\"}}` or `branch 1 job 0 {{\"method\":\"Cancel\"}}`"
)]
pub struct Error {
    line: String,
}

pub(super) fn print(race: &Race) -> Vec<String> {
    let usual = Race::empty(race.variant);
    let dialect = race.variant.profile.dialect;
    let turned = if race.variant.turned.is_empty() { "" } else { " " };
    let mut lines = vec![format!("race {dialect}{turned}{}", race.variant.turned)];
    lines.extend((race.design != usual.design).then(|| format!("design {}", race.design)));
    lines.extend(race.fault.map(|fault| format!("fault {fault}")));
    lines.extend((race.slots != usual.slots).then(|| format!("slots {}", race.slots)));
    lines
        .extend((race.dispatchers != usual.dispatchers).then(|| format!("dispatchers {}", race.dispatchers)));
    lines.extend((race.users != usual.users).then(|| format!("users {}", race.users)));
    lines.extend((race.wakes != usual.wakes).then(|| format!("wakes {}", race.wakes.word())));
    lines.extend((race.spurious != usual.spurious).then(|| format!("spurious {}", race.spurious)));
    lines.extend((race.expires != usual.expires).then(|| "expires".to_owned()));
    for (job, fate) in race.jobs.iter().enumerate() {
        lines.extend(fate.fetches.iter().map(|fetched| format!("fetch {job} {}", fetched.word())));
        lines.extend((fate.renames_fail > 0).then(|| format!("renames_fail {job} {}", fate.renames_fail)));
        lines.extend((fate.removals_fail > 0).then(|| format!("removals_fail {job} {}", fate.removals_fail)));
        lines.extend((fate.destination == Destination::Foreign).then(|| format!("foreign {job}")));
    }
    for (number, manner) in
        race.objects.iter().enumerate().filter(|(_, manner)| **manner != Manner::default())
    {
        lines.push(format!("object {number} {} times, leaves {}", manner.times, manner.leaves.word()));
        lines.extend(manner.takes.map(|branch| format!("object {number} takes {branch}")));
        let stays = manner.stays == Stays::UntilAnotherIsTold;
        lines.extend(stays.then(|| format!("object {number} stays")));
        lines.extend(manner.calls.iter().map(|step| format!("object {number} {}", print_step(step))));
        lines.extend((manner.kept == Kept::Briefly).then(|| format!("object {number} kept briefly")));
        lines.extend(manner.drops.iter().map(|step| format!("object {number} drops {}", print_step(step))));
    }
    lines.extend(race.exits.iter().map(|exit| match exit {
        Exit::Code(code) => format!("exit {code}"),
        Exit::NotStarted => "exit none".to_owned(),
    }));
    lines.extend(race.outside.iter().map(|outside| format!("outside {}", outside.words())));
    lines.extend(race.prefix.iter().map(|act| match act {
        Act::Call(step) => format!("prefix {}", print_step(step)),
        Act::Settle => "settle".to_owned(),
        Act::Pass => "pass".to_owned(),
    }));
    for (number, branch) in (1..).zip(&race.branches) {
        let lock = if branch.lock == Lock::Held { " holds its lock" } else { "" };
        lines.push(format!("branch {number}{lock}"));
        lines.extend(branch.calls.iter().map(|step| format!("branch {number} {}", print_step(step))));
    }
    lines
}

pub(super) fn parse<'a>(lines: impl IntoIterator<Item = &'a str>) -> Result<Race, Error> {
    let mut lines = lines.into_iter();
    let first = lines.next().unwrap_or_default();
    let error = |line: &str| Error { line: line.chars().take(160).collect() };
    let variant = parse_variant(first).ok_or_else(|| error(first))?;
    let mut race = Race::empty(variant);
    for line in lines {
        parse_line(&mut race, line).ok_or_else(|| error(line))?;
    }
    Ok(race)
}

/// Whether a `choose` line of a trace is the first line of a race.
pub(super) fn is_first(site: &str) -> bool {
    site.starts_with("race ")
}

fn print_step(step: &Step) -> String {
    // A call is plain data with text keys, which always has a JSON form.
    let call = serde_json::to_string(&step.call).unwrap_or_default();
    let by = step.by.map_or_else(String::new, |user| format!("as {} ", user.0));
    match step.on {
        On::Nothing => format!("job - {by}{call}"),
        On::Own => format!("job own {by}{call}"),
        On::Job(job) => format!("job {} {by}{call}", job.0),
    }
}

fn parse_variant(line: &str) -> Option<Variant> {
    let words = line.strip_prefix("race ")?;
    let (dialect, turned) = words.split_once(' ').unwrap_or((words, ""));
    let dialect: Dialect = dialect.parse().ok()?;
    model::scope::variants(dialect, ScopeName::Wide).into_iter().find(|variant| variant.turned == turned)
}

fn parse_line(race: &mut Race, line: &str) -> Option<()> {
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    match verb {
        "design" => race.design = Design::read(Place::Service, rest).ok()?,
        "fault" => race.fault = Some(rest.parse().ok()?),
        "slots" => race.slots = rest.parse().ok()?,
        "dispatchers" => race.dispatchers = rest.parse().ok()?,
        "users" => race.users = rest.parse().ok()?,
        "wakes" => race.wakes = Wakes::ALL.into_iter().find(|wakes| wakes.word() == rest)?,
        "spurious" => race.spurious = rest.parse().ok()?,
        "expires" if rest.is_empty() => race.expires = Expires::InTime,
        "exit" if rest == "none" => race.exits.push(Exit::NotStarted),
        "exit" => race.exits.push(Exit::Code(rest.parse().ok()?)),
        "outside" => race.outside.push(parse_outside(rest)?),
        "foreign" => race.jobs.get_mut(rest.parse::<usize>().ok()?)?.destination = Destination::Foreign,
        "settle" => race.prefix.push(Act::Settle),
        "pass" => race.prefix.push(Act::Pass),
        "prefix" => race.prefix.push(Act::Call(parse_step(rest)?)),
        "fetch" => {
            let (fate, word) = fate(race, rest)?;
            fate.fetches.push(Fetched::ALL.into_iter().find(|fetched| fetched.word() == word)?);
        }
        "renames_fail" => {
            let (fate, count) = fate(race, rest)?;
            fate.renames_fail = count.parse().ok()?;
        }
        "removals_fail" => {
            let (fate, count) = fate(race, rest)?;
            fate.removals_fail = count.parse().ok()?;
        }
        "object" => parse_object(race, rest)?,
        "branch" => parse_branch(race, rest)?,
        _ => return None,
    }
    Some(())
}

fn fate<'a>(race: &'a mut Race, rest: &'a str) -> Option<(&'a mut Fate, &'a str)> {
    let (job, rest) = rest.split_once(' ')?;
    Some((race.jobs.get_mut(job.parse::<usize>().ok()?)?, rest))
}

fn parse_object(race: &mut Race, rest: &str) -> Option<()> {
    let (number, rest) = rest.split_once(' ')?;
    let object = race.objects.get_mut(number.parse::<usize>().ok()?)?;
    if let Some(branch) = rest.strip_prefix("takes ") {
        object.takes = Some(branch.parse().ok()?);
    } else if rest == "stays" {
        object.stays = Stays::UntilAnotherIsTold;
    } else if rest == "kept briefly" {
        object.kept = Kept::Briefly;
    } else if let Some(step) = rest.strip_prefix("drops ") {
        object.drops.push(parse_step(step)?);
    } else if rest.starts_with("job ") {
        object.calls.push(parse_step(rest)?);
    } else {
        let (times, leaves) = rest.split_once(" times, leaves ")?;
        object.times = times.parse().ok()?;
        object.leaves = Leaves::ALL.into_iter().find(|known| known.word() == leaves)?;
    }
    Some(())
}

fn parse_outside(rest: &str) -> Option<Outside> {
    match rest {
        "network lost" => Some(Outside::NetworkLost),
        "network back" => Some(Outside::NetworkBack),
        other => Some(Outside::Logoff(UserId(other.strip_prefix("logoff ")?.parse().ok()?))),
    }
}

fn parse_branch(race: &mut Race, rest: &str) -> Option<()> {
    let (number, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let number: usize = number.parse().ok()?;
    match rest {
        "" | "holds its lock" if number == race.branches.len() + 1 => {
            let lock = if rest.is_empty() { Lock::None } else { Lock::Held };
            race.branches.push(Branch { lock, calls: Vec::new() });
        }
        _ => race.branches.get_mut(number.checked_sub(1)?)?.calls.push(parse_step(rest)?),
    }
    Some(())
}

fn parse_step(text: &str) -> Option<Step> {
    let (job, call) = text.strip_prefix("job ")?.split_once(' ')?;
    let on = match job {
        "-" => On::Nothing,
        "own" => On::Own,
        job => On::Job(JobId(job.parse().ok()?)),
    };
    let (by, call) = match call.strip_prefix("as ") {
        None => (None, call),
        Some(rest) => {
            let (user, call) = rest.split_once(' ')?;
            (Some(UserId(user.parse().ok()?)), call)
        }
    };
    Some(Step { on, by, call: serde_json::from_str::<Call>(call).ok()? })
}

impl Fetched {
    pub(super) const ALL: [Fetched; 9] = [
        Fetched::Done,
        Fetched::Sized,
        Fetched::Transient,
        Fetched::Fatal,
        Fetched::Silent,
        Fetched::Panic,
        Fetched::Restarted,
        Fetched::Late,
        Fetched::LateFatal,
    ];

    const fn word(self) -> &'static str {
        match self {
            Fetched::Done => "done",
            Fetched::Sized => "sized",
            Fetched::Transient => "transient",
            Fetched::Fatal => "fatal",
            Fetched::Silent => "silent",
            Fetched::Panic => "panic",
            Fetched::Restarted => "restarted",
            Fetched::Late => "late",
            Fetched::LateFatal => "late-fatal",
        }
    }
}

impl Wakes {
    const ALL: [Wakes; 3] = [Wakes::First, Wakes::Last, Wakes::Any];

    const fn word(self) -> &'static str {
        match self {
            Wakes::First => "first",
            Wakes::Last => "last",
            Wakes::Any => "any",
        }
    }
}

impl Outside {
    pub(super) fn words(self) -> String {
        match self {
            Outside::NetworkLost => "network lost".to_owned(),
            Outside::NetworkBack => "network back".to_owned(),
            Outside::Logoff(user) => format!("logoff {}", user.0),
        }
    }
}

impl Leaves {
    pub(super) const ALL: [Leaves; 4] = [Leaves::Ok, Leaves::Fail, Leaves::False, Leaves::Panic];

    const fn word(self) -> &'static str {
        match self {
            Leaves::Ok => "S_OK",
            Leaves::Fail => "E_FAIL",
            Leaves::False => "S_FALSE",
            Leaves::Panic => "panic",
        }
    }
}

/// The race as a reader wants it.
pub(super) fn tell(race: &Race, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Race { variant, design, slots, dispatchers, .. } = race;
    let turned = if variant.turned.is_empty() { "" } else { ", " };
    writeln!(
        f,
        "dialect {}{turned}{}, design {design}, callback slots {slots}, dispatchers {dispatchers}",
        variant.profile.dialect, variant.turned
    )?;
    if race.wakes != Wakes::First || race.spurious > 0 {
        let wakes = match race.wakes {
            Wakes::First => "the one that has waited longest",
            Wakes::Last => "the one that came last",
            Wakes::Any => "any",
        };
        writeln!(f, "  of several waiters {wakes} wakes, wake-ups without cause {}", race.spurious)?;
    }
    if race.expires == Expires::InTime {
        writeln!(f, "  a job expires when its time is over")?;
    }
    for (job, fate) in (0..JOBS).zip(&race.jobs).filter(|(_, fate)| **fate != Fate::default()) {
        let fetches: Vec<&str> = fate.fetches.iter().map(|fetched| fetched.word()).collect();
        write!(f, "  fetches of {}: {}", JobId(job as u32), fetches.join(", then "))?;
        write!(f, "; renames that fail {}, removals that fail {}", fate.renames_fail, fate.removals_fail)?;
        let foreign = fate.destination == Destination::Foreign;
        writeln!(f, "{}", if foreign { "; foreign files at the destinations" } else { "" })?;
    }
    for (number, manner) in
        (0..OBJECTS).zip(&race.objects).filter(|(_, manner)| **manner != Manner::default())
    {
        write!(f, "  object p{number}, {} times:", manner.times)?;
        if let Some(branch) = manner.takes {
            write!(f, " takes the lock of branch {branch},")?;
        }
        if manner.stays == Stays::UntilAnotherIsTold {
            write!(f, " stays until another user is told something,")?;
        }
        for step in &manner.calls {
            write!(f, " {},", describe(step))?;
        }
        write!(f, " leaves with {}; then S_OK", manner.leaves.word())?;
        write!(f, "{}", if manner.kept == Kept::Briefly { "; kept by the service alone" } else { "" })?;
        let drops: Vec<String> = manner.drops.iter().map(describe).collect();
        let destructor = if drops.is_empty() { "" } else { "; its destructor calls " };
        writeln!(f, "{destructor}{}", drops.join(", "))?;
    }
    if !race.outside.is_empty() {
        let outside: Vec<String> = race.outside.iter().map(|outside| outside.words()).collect();
        writeln!(f, "  beside the clients: {}", outside.join(", then "))?;
    }
    for act in &race.prefix {
        match act {
            Act::Call(step) => writeln!(f, "  first: {}", describe(step))?,
            Act::Settle => writeln!(f, "  first: everything settles")?,
            Act::Pass => writeln!(f, "  first: time passes to the next deadline, and everything settles")?,
        }
    }
    for (number, branch) in (1..).zip(&race.branches) {
        let lock = if branch.lock == Lock::Held { ", holding its lock" } else { "" };
        let calls: Vec<String> = branch.calls.iter().map(describe).collect();
        writeln!(f, "  branch {number}{lock}: {}", calls.join("; "))?;
    }
    Ok(())
}

fn describe(step: &Step) -> String {
    let by = step.by.map_or_else(String::new, |user| format!(" by {user}"));
    match step.on {
        On::Nothing => format!("{}{by}", step.call),
        On::Own => format!("own.{}{by}", step.call),
        On::Job(job) => format!("{job}.{}{by}", step.call),
    }
}
