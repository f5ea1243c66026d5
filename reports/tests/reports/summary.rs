//! The page of a GitHub workflow: short, whole, and the most important first.

use crate::fixture;

use reports::{MARKDOWN_LINES, Results, SUMMARY_BYTES, Status, html, markdown, summary};

/// A run with many engines, each of which has failures with long timelines.
fn large(engines: usize, lines: usize) -> Results {
    let mut results = fixture::violated();
    let Some(last) = results.engines.last().cloned() else { unreachable!("it has engines") };
    for number in 0..engines {
        let mut engine = last.clone();
        engine.name = format!("engine {number}");
        let Status::Ran(ran) = &mut engine.status else { unreachable!("it ran") };
        for result in &mut ran.findings {
            if let reports::Finding::Violated(failure) = &mut result.finding {
                failure.id = format!("{}-{number:08x}", result.rule);
                failure.timeline =
                    (1..=lines).map(|line| format!("{line:6}  j0.Cancel() of a job with a name\n")).collect();
                failure.decisive_lines = vec![3, u32::try_from(lines).unwrap_or(u32::MAX)];
            }
        }
        results.engines.push(engine);
    }
    results
}

#[test]
fn a_summary_is_as_pinned() {
    let warnings = ["race: 1.0 schedules per second, 50 % below 2.0".to_owned()];
    insta::assert_snapshot!("summary", summary(&fixture::violated(), &warnings));
}

#[test]
fn however_much_there_is_it_fits_and_nothing_is_cut_off() {
    for (engines, lines) in [(0, 1), (3, 10), (40, 500), (200, 1_000)] {
        let results = large(engines, lines);
        let text = summary(&results, &[]);
        assert!(text.len() <= SUMMARY_BYTES, "{engines} engines: {} bytes", text.len());
        assert_eq!(text.lines().filter(|line| line.starts_with("```")).count() % 2, 0, "{text}");
        assert!(text.starts_with("# bgcheck: violated"), "{text}");
        let text = markdown(&results);
        assert!(text.lines().count() <= MARKDOWN_LINES, "{engines} engines: {} lines", text.lines().count());
        assert_eq!(text.lines().filter(|line| line.starts_with("```")).count() % 2, 0, "{text}");
        assert!(text.contains("R1-7f3a09c2") && text.contains("## The run"), "{text}");
        let page = html(&results);
        assert!(page.len() < 1_000_000, "{engines} engines: {} bytes", page.len());
    }
}
