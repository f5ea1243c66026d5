//! How nights compare: what breaks a line, what is slow, and what is new.

use crate::fixture;

use reports::{
    COMPARED_NIGHTS, Comparison, ExitCode, Finding, History, Night, Rate, Results, Status, Style, Trend,
    Unit, html, html_with,
};

/// A night whose races made this number of schedules.
fn night(day: u32, class: &str, schedules: u64, of: fn() -> Results, before: &History) -> Night {
    let mut results = of();
    results.run.date = format!("2026-01-{day:02} 03:04 UTC");
    results.run.id = format!("2026-01-{day:02}");
    for engine in &mut results.engines {
        let Status::Ran(ran) = &mut engine.status else { continue };
        ran.work
            .iter_mut()
            .filter(|amount| amount.unit == Unit::Schedules)
            .for_each(|amount| amount.done = schedules);
    }
    Night::of(&results, class, "rustc 1.90.0", before)
}

/// Nights on one class of machines, then on another.
fn history(counts: &[(&str, u64)]) -> History {
    let mut history = History::default();
    for ((class, schedules), day) in counts.iter().zip(1..) {
        let of = if day % 3 == 0 { fixture::violated } else { fixture::held };
        let tonight = night(day, class, *schedules, of, &history);
        history.add(tonight, 400);
    }
    history
}

const A: &str = "linux x86_64, 2 cores, A CPU, opt-level 3";
const B: &str = "linux x86_64, 4 cores, B CPU, opt-level 3";

#[test]
fn the_trend_is_as_pinned() {
    let counts = [100, 110, 90, 105, 95, 100].map(|count| (A, count * 1_000));
    let other = [200, 210, 220, 190, 205, 160].map(|count| (B, count * 1_000));
    let trend = Trend::of(&history(&[counts, other].concat()));
    insta::assert_snapshot!("trend-terminal", trend.terminal(Style { width: 130, ..Style::PLAIN }));
    insta::assert_snapshot!("trend-markdown", trend.markdown());
    let page = trend.html().replace(include_str!("../../src/style.css"), "").replace("><", ">\n<");
    insta::assert_snapshot!("trend-html", page);
}

#[test]
fn a_rate_a_fifth_below_its_median_is_slow_and_only_on_its_class() {
    let slow = |counts: &[(&str, u64)]| -> Vec<(String, u64)> {
        let trend = Trend::of(&history(counts));
        trend.slow.into_iter().map(|slow| (slow.engine, slow.median)).collect()
    };
    let five = [(A, 100_000), (A, 101_000), (A, 99_000), (A, 50), (A, 500_000)];
    let then = |last: (&'static str, u64)| [&five[..], &[last]].concat();
    let slow_ones = slow(&then((A, 79_999)));
    let [(race, _)] = &slow_ones[..] else { panic!("{slow_ones:?}") };
    assert!(race.starts_with("race"));
    assert_eq!(slow(&then((A, 80_001))), []);
    // On another class there is nothing to compare with, and four nights are too few.
    assert_eq!(slow(&then((B, 1))), []);
    assert_eq!(slow(&[&five[1..], &[(A, 1)]].concat()), []);
    // Nights on another class in between neither count nor stand in the way.
    assert_eq!(slow(&[&five[..], &[(B, 7), (A, 79_999)]].concat()).len(), 1);
    // Few schedules are left to chance, and are no night to compare with.
    assert_eq!(slow(&[&five[..3], &[(A, 19), (A, 500_000), (A, 80_000)]].concat()), []);
    assert_eq!(COMPARED_NIGHTS, 5);
}

#[test]
fn the_page_of_a_night_begins_with_what_is_slow_and_ends_with_the_trends() {
    let mut counts = [(A, 100_000); 6];
    counts[5].1 = 10_000;
    let trend = Trend::of(&history(&counts));
    let page = html_with(&fixture::held(), Some(&trend));
    let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text} is not in the page"));
    assert!(at("Warning: race (race, bits): ") < at("Rules and subjects"));
    assert!(at("<summary>Trends") < at("<svg class=\"spark\""));
    assert!(!html(&fixture::held()).contains("Trends"));
}

#[test]
fn a_finding_has_its_first_and_last_night_and_how_often_it_came_again() {
    let trend = Trend::of(&history(&[(A, 1_000); 7]));
    let seen = trend.findings.iter().find(|seen| seen.id == "R1-7f3a09c2").expect("it was found");
    assert_eq!((seen.first.as_str(), seen.last.as_str()), ("2026-01-03 03:04 UTC", "2026-01-06 03:04 UTC"));
    assert_eq!((seen.nights, seen.rate), (2, Rate { reproduced: 40, replays: 40 }));
    assert_eq!(trend.schedules, (1..=7).map(|nights| nights * 1_000).collect::<Vec<_>>());
}

#[test]
fn no_night_is_no_trend_and_lines_that_cannot_be_read_are_named() {
    let empty = Trend::of(&History::parse("torn\n"));
    let text = empty.terminal(Style::PLAIN);
    assert!(
        text.contains("There is no night yet") && text.contains("line 1 is not read, and kept"),
        "{text}"
    );
    assert!(empty.html().starts_with("<!DOCTYPE html>"));
}

/// The second run has found something, covers less, and is slower.
fn two_runs() -> (Results, Results) {
    let mut after = fixture::violated();
    after.run.id = "2026-01-03-0304".to_owned();
    after.run.machine.cores = 4;
    for engine in &mut after.engines {
        let Status::Ran(ran) = &mut engine.status else { continue };
        ran.work
            .iter_mut()
            .filter(|amount| amount.unit == Unit::Schedules)
            .for_each(|amount| amount.done /= 2);
        if let Some(edges) = &mut ran.edges {
            edges.reached -= 1;
            edges.missing.push("QUEUED | Suspend -> S_OK".to_owned());
            edges.missing.remove(0);
        }
        if let Some(windows) = &mut ran.windows {
            windows.rows[0].cells[0].fill(0);
        }
    }
    after.engines[0].status = Status::Skipped { why: "no reason".to_owned(), install_hint: None };
    (fixture::held(), after)
}

#[test]
fn a_comparison_is_as_pinned() {
    let (before, after) = two_runs();
    let comparison = Comparison::of(&before, &after);
    insta::assert_snapshot!("comparison-terminal", comparison.terminal(Style { width: 130, ..Style::PLAIN }));
    insta::assert_snapshot!("comparison-markdown", comparison.markdown());
    assert_eq!(comparison.exit_code(), ExitCode::Violated);
}

#[test]
fn what_is_new_one_way_round_is_gone_the_other() {
    let (before, after) = two_runs();
    let [there, back] = [Comparison::of(&before, &after), Comparison::of(&after, &before)];
    assert_eq!((&there.new, &there.gone), (&back.gone, &back.new));
    assert_eq!(there.new.len(), 2);
    assert_eq!(back.exit_code(), ExitCode::Held);
    assert_eq!(there.rules.len(), back.rules.len());
    assert_eq!(
        there.reached.iter().filter(|reach| reach.now).count(),
        back.reached.iter().filter(|reach| !reach.now).count()
    );
    for results in [before, after] {
        let same = Comparison::of(&results, &results);
        assert!(same.one_machine && same.new.is_empty() && same.gone.is_empty() && same.changed.is_empty());
        assert!(
            same.rules.is_empty()
                && same.engines.is_empty()
                && same.coverage.is_empty()
                && same.reached.is_empty()
        );
        assert!(same.rates.iter().all(|change| change.before == change.after) && !same.rates.is_empty());
    }
}

#[test]
fn a_finding_that_comes_less_often_has_changed() {
    let mut after = fixture::violated();
    let Some(Status::Ran(ran)) = after.engines.last_mut().map(|engine| &mut engine.status) else {
        unreachable!("it ran")
    };
    let mut failure = ran.findings[0].finding.failure().cloned().expect("it is broken");
    failure.rate = Some(Rate { reproduced: 3, replays: 20 });
    ran.findings[0].finding = Finding::broken(failure);
    let comparison = Comparison::of(&fixture::violated(), &after);
    assert_eq!(comparison.exit_code(), ExitCode::Held);
    let [changed] = &comparison.changed[..] else { panic!("{comparison:?}") };
    assert_eq!((changed.before.reproduced, changed.after.reproduced), (20, 3));
}

#[test]
fn no_text_gets_out_of_its_place() {
    let text = "<script>x</script>|`\u{1b}[31m\u{202e}\n# x";
    let said = fixture::said(text);
    let comparison = Comparison::of(&fixture::held(), &said);
    let mut history = History::default();
    let night = Night::of(&said, text, text, &history);
    history.add(night, 1);
    let trend = Trend::of(&history);
    for page in [comparison.html(), trend.html()] {
        assert!(!page.contains("<script") && page.contains("&lt;script"), "{page}");
    }
    for page in [
        comparison.markdown(),
        trend.markdown(),
        comparison.terminal(Style::PLAIN),
        trend.terminal(Style::PLAIN),
    ] {
        assert!(
            page.chars().all(|each| each == '\n' || (!each.is_control() && each != '\u{202e}')),
            "{page}"
        );
        assert!(!page.lines().any(|line| line.starts_with("# x")), "{page}");
    }
}
