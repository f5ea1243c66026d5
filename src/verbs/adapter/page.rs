//! What `bgcheck adapter run` prints.

use indicatif::HumanCount;
use judge::Rule;
use properties::foreign::{Again, Followed, Raced, Repeats, RuleCount};
use reports::{Account, ExitCode, RaceCount};
use serde_json::{Value, json};

use super::run::count_known;
use crate::engines::adapter::{Told, Tried, Verdict, account};
use crate::engines::known::{Gone, Standing};
use crate::output::{Output, counted, printable, verdict_in_words};

/// Reasons and names of a kind that are printed one by one.
const NAMED: usize = 12;

/// The verdict page.
pub(super) fn page(
    tried: &Tried,
    verdict: &Verdict<'_>,
    interrupted: &[Option<String>],
    (seed, code): (u64, ExitCode),
    output: &Output,
) -> String {
    let found = &verdict.found;
    let tally = &tried.campaign.tally;
    let mut text = format!("{}, seed {seed}\n", printable(&tried.who));
    text += &format!(
        "  {} passed, {} failed; {}; {:.1} s\n",
        counted(tally.passed, "program"),
        tally.failed,
        counted(tried.campaign.tally.calls, "call"),
        tried.elapsed.as_secs_f64()
    );
    text += &followed(&tally.followed);
    for (name, covered, of) in &tally.covered {
        text += &format!("  {name}: {} of {} covered\n", HumanCount(*covered), counted(*of, "item"));
    }
    text += &list(
        "not runnable",
        tally.not_runnable.iter().map(|(why, count)| format!("{}: {why}", counted(*count, "program"))),
    );
    text += &list("left out", tried.campaign.left_out.iter().map(|one| format!("{}: {}", one.what, one.why)));
    text += &list("not begun, time was over", tried.campaign.not_begun.iter().cloned());
    text += &list(
        "`reset` could not end",
        tally.leftovers.iter().map(|(what, count)| format!("{what}: {}", counted(*count, "time"))),
    );
    for (event, runs) in tally.never_came() {
        text += &format!("  never came: {event}, which {} asked for\n", counted(runs, "run"));
    }
    let account = account(tried);
    text += &races(&account.races);
    text += &rules(&account);
    text += &failures(found);
    for Gone { entry, how } in verdict.stale() {
        text += &format!("\n{}: {}: {}\n", how.words(), printable(&entry.id), printable(&entry.message));
        if let Some(case) = &entry.case {
            text += &format!("  case: {}\n", printable(case));
        }
    }
    let untried = verdict.gone.iter().filter(|gone| !gone.how.is_stale()).count();
    if untried > 0 {
        let these = counted(untried as u64, "failure");
        text += &format!(
            "\n{these} that are known were not seen, and their cases were not tried in this run or failed otherwise\n"
        );
    }
    for (incident, again) in tally.incidents.iter().zip(interrupted).take(NAMED) {
        text += &format!("\ninterrupted in {}: {}\n", printable(&incident.place), lines(&incident.what));
        if let Some(again) = again {
            text += &format!("  it may be the implementation that has died or hangs; {again}\n");
        }
    }
    if let Some(fault) = &tried.fault {
        text += &format!(
            "\nthe adapter is at fault, so the rest was not tried:\n  {}\n",
            lines(&fault.to_string())
        );
    }
    text += &format!("\n{}\n", conclusion(code, found, output));
    text
}

fn conclusion(code: ExitCode, found: &[Told], output: &Output) -> String {
    let known = count_known(found);
    let beside = if known == 0 { String::new() } else { format!(", {known} known") };
    format!("{}{beside}", output.verdict(code))
}

fn list(title: &str, all: impl Iterator<Item = String>) -> String {
    let all: Vec<String> = all.collect();
    let mut text = String::new();
    for one in all.iter().take(NAMED) {
        text += &format!("  {title}: {}\n", printable(one));
    }
    if all.len() > NAMED {
        text += &format!("  {title}: {} more, all of them with --json\n", all.len() - NAMED);
    }
    text
}

fn races(races: &[RaceCount]) -> String {
    if races.is_empty() {
        return String::new();
    }
    let mut text =
        "\nraces against the callback of a transfer (broken runs; met: next to the callback or inside it)\n"
            .to_owned();
    for race in races {
        text += &format!("  {}: {}; met {}\n", race.what, race.rate(), HumanCount(race.met));
    }
    text
}

fn rules(account: &Account) -> String {
    let mut text = format!("\nrules, of {}\n", counted(account.runs, "run"));
    for count in &account.rules {
        text += &format!("  {:<4} {:<12} {}\n", count.rule.to_string(), count.name, count.standing());
    }
    text
}

fn failures(found: &[Told]) -> String {
    let mut text = String::new();
    for one in found {
        let standing = match one.standing {
            Standing::New => "",
            Standing::Known => "known: ",
            Standing::Another => "not as known: ",
        };
        let (place, after) = &one.found.first;
        text += &format!(
            "\n{standing}{}: {}, first in {} after {:.1} s\n  {}\n",
            one.id,
            one.rate(),
            printable(place),
            after.as_secs_f64(),
            printable(&one.message)
        );
        if one.standing != Standing::Known {
            text += &one.failure.timeline;
            text += &format!("replay: {}\n", one.failure.replay_command);
            for note in one.failure.notes.iter().filter(|note| note.starts_with("again: ")) {
                text += &format!("{note}\n");
            }
        }
    }
    text
}

/// How far the specification's states could follow.
fn followed(followed: &Followed) -> String {
    let Followed { runs, again, largest, undecided, freedoms } = followed;
    let anew = if *again == 0 { String::new() } else { format!(", begun anew {again} times") };
    let mut text = format!(
        "  specification: followed {} in sets of up to {}{anew}\n",
        counted(*runs, "run"),
        counted(*largest as u64, "state")
    );
    for (what, count) in freedoms {
        text += &format!("  freedom used in {}: {what}\n", counted(*count, "run"));
    }
    for (why, count) in undecided {
        text += &format!("  specification: undecided in {}: {why}\n", counted(*count, "run"));
    }
    text
}

fn followed_in_numbers(followed: &Followed) -> Value {
    let Followed { runs, again, largest, undecided, freedoms } = followed;
    json!({ "runs": runs, "anew": again, "largest": largest, "undecided": undecided, "freedoms": freedoms })
}

fn lines(text: &str) -> String {
    text.lines().map(printable).collect::<Vec<_>>().join("\n  ")
}

/// The page for a machine.
pub(super) fn document(
    tried: &Tried,
    verdict: &Verdict<'_>,
    interrupted: &[Option<String>],
    seed: u64,
    code: ExitCode,
) -> Value {
    let found = &verdict.found;
    let gone = |is_stale: bool| {
        let gone = verdict.gone.iter().filter(|gone| gone.how.is_stale() == is_stale);
        gone.map(|gone| &gone.entry.id).collect::<Vec<_>>()
    };
    let tally = &tried.campaign.tally;
    let rule = |(rule, count): (&Rule, &RuleCount)| {
        json!({
            "rule": rule.to_string(), "held": count.held, "violated": count.violated,
            "vacuous": count.vacuous, "undecided": count.undecided, "why": count.why,
            "missing": tried.campaign.missing_for(*rule),
        })
    };
    let repeats = |runs: Repeats| json!({ "times": runs.times, "seen": runs.seen, "failed": runs.failed });
    let failure = |one: &Told| {
        json!({
            "id": one.id,
            "message": one.message,
            "rule": one.rule.map(|rule| rule.to_string()),
            "standing": match one.standing {
                Standing::New => "new",
                Standing::Known => "known",
                Standing::Another => "not as known",
            },
            "runs": one.found.count,
            "again": one.found.again.map(|Again { led, at_rest }| json!({ "led": repeats(led), "at_rest": repeats(at_rest) })),
            "first_in": one.found.first.0,
            "case": one.found.on,
            "first_after_ms": one.found.first.1.as_millis() as u64,
            "failure": one.failure,
        })
    };
    let race = |raced: &Raced| {
        json!({
            "racer": raced.racer, "trigger": raced.trigger, "up_to_us": raced.up_to_us,
            "runs": raced.runs, "met": raced.met, "broken": raced.broken,
        })
    };
    json!({
        "version": 1,
        "subject": tried.who,
        "seed": seed,
        "exit_code": code.code(),
        "verdict": verdict_in_words(code),
        "programs": { "passed": tally.passed, "failed": tally.failed, "not_runnable": tally.not_runnable },
        "calls": tried.campaign.tally.calls,
        "time_ms": tried.elapsed.as_millis() as u64,
        "covered": tally.covered.iter().map(|(name, covered, of)| json!({ "suite": name, "covered": covered, "of": of })).collect::<Vec<_>>(),
        "left_out": tried.campaign.left_out.iter().map(|one| json!({ "what": one.what, "why": one.why })).collect::<Vec<_>>(),
        "not_begun": tried.campaign.not_begun,
        "followed": followed_in_numbers(&tally.followed),
        "leftovers": tally.leftovers,
        "never_came": tally.never_came().map(|(event, runs)| json!({ "event": event, "asked_in": runs })).collect::<Vec<_>>(),
        "races": tally.races.iter().map(race).collect::<Vec<_>>(),
        "rules": tally.rules.iter().map(rule).collect::<Vec<_>>(),
        "interrupted": tally.incidents.iter().zip(interrupted).map(|(one, again)| json!({ "in": one.place, "what": one.what, "again": again })).collect::<Vec<_>>(),
        "failures": found.iter().map(failure).collect::<Vec<_>>(),
        "not_seen_any_more": gone(true),
        "not_tried": gone(false),
        "fault": tried.fault.as_ref().map(ToString::to_string),
    })
}
