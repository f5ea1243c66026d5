//! What a reader sees, pinned; and that no text from outside gets out of its place.

use crate::fixture;

use proptest::prelude::*;
use reports::{Color, EngineResult, Finding, Results, Status, Style, html, markdown, terminal};

fn runs() -> [(&'static str, Results); 4] {
    [
        ("held", fixture::held()),
        ("violated", fixture::violated()),
        ("skipped", fixture::skipped()),
        ("vacuous", fixture::vacuous()),
    ]
}

#[test]
fn the_terminal_is_as_pinned() {
    for (name, results) in runs() {
        insta::assert_snapshot!(format!("terminal-{name}"), terminal(&results, Style::PLAIN));
    }
}

#[test]
fn markdown_is_as_pinned() {
    for (name, results) in runs() {
        insta::assert_snapshot!(format!("markdown-{name}"), markdown(&results));
    }
}

#[test]
fn html_is_as_pinned() {
    for (name, results) in runs() {
        // One tag per line, so that a change is a readable difference; the style sheet is a file of its own.
        let page = html(&results).replace(include_str!("../../src/style.css"), "").replace("><", ">\n<");
        insta::assert_snapshot!(format!("html-{name}"), page);
    }
}

#[test]
fn colour_adds_nothing_but_colour() {
    for (_, results) in runs() {
        let painted = terminal(&results, Style { color: Color::Always, ..Style::PLAIN });
        let mut plain = String::new();
        for (index, piece) in painted.split('\u{1b}').enumerate() {
            plain.push_str(if index == 0 { piece } else { piece.split_once('m').expect("the code ends").1 });
        }
        assert_ne!(painted, plain);
        assert_eq!(plain, terminal(&results, Style::PLAIN));
    }
}

/// The run of another engine in which that wait is missing, too, has another id, and no second article.
#[test]
fn failures_with_one_cause_stand_together() {
    let mut results = fixture::violated();
    let breaks = |engine: &&EngineResult| {
        let Status::Ran(ran) = &engine.status else { return false };
        ran.findings
            .iter()
            .any(|result| matches!(&result.finding, Finding::Violated(one) if one.id == "R1-7f3a09c2"))
    };
    let mut other = results.engines.iter().find(breaks).expect("an engine breaks R1").clone();
    let Status::Ran(ran) = &mut other.status else { panic!("it ran") };
    let broken = ran.findings.iter_mut().find_map(|result| match &mut result.finding {
        Finding::Violated(failure) if failure.id == "R1-7f3a09c2" => Some(failure),
        _ => None,
    });
    let failure = broken.expect("it breaks R1");
    failure.id = "R1-00000001".to_owned();
    failure.replay_command = "bgcheck replay traces/R1-00000001.jsonl".to_owned();
    failure.owed = failure.owed.take().map(|owed| owed.replace("(d0)", "(d7)"));
    let decides = "    9  JobTransferred(j1) enters, in the larger run";
    failure.timeline += decides;
    results.engines.push(other);
    for page in [terminal(&results, Style::PLAIN), markdown(&results), html(&results)] {
        let lower = page.to_lowercase();
        assert_eq!(lower.matches("one cause of 2 failures: cancel has to wait").count(), 1, "{page}");
        for shown in ["R1-7f3a09c2", "bgcheck replay traces/R1-00000001.jsonl"] {
            assert!(page.contains(shown), "no {shown} in {page}");
        }
        assert!(!page.contains(decides.trim()), "the larger run is shown: {page}");
    }
}

#[test]
fn an_empty_run_says_so() {
    let mut results = fixture::held();
    results.engines.clear();
    for text in [terminal(&results, Style::PLAIN), markdown(&results), html(&results)] {
        assert!(
            text.contains("No engine ran") && text.contains("exit 4") && !text.contains("held (exit 0)"),
            "{text}"
        );
    }
}

/// The lines of Markdown that stand in no block of code. A block ends with the fence that it begins with.
fn outside_of_blocks(page: &str) -> impl Iterator<Item = &str> {
    let mut fence = "";
    page.lines().filter(move |line| {
        let ticks = &line[..line.len() - line.trim_start_matches('`').len()];
        match (fence, ticks.len() >= 3) {
            ("", true) => fence = ticks,
            (open, true) if *line == open => fence = "",
            ("", false) => return true,
            _ => {}
        }
        false
    })
}

#[test]
fn a_block_of_code_shows_what_is_in_it() {
    let page = markdown(&fixture::said("before\n|<\nbehind"));
    assert!(page.lines().any(|line| line == "|<"), "{page}");
    assert!(outside_of_blocks(&page).all(|line| line != "|<"), "{page}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_gets_out_of_its_place(noise in "(\\PC|[\u{0}-\u{1f}\u{7f}<>&\"'`|*_\u{202e}\u{1b}]){0,40}") {
        let text = format!("<script>x</script>\" onclick='y' ``` | {noise}");
        let results = fixture::said(&text);
        // The page has the tags of a page that has a tame text, and no other.
        let tags = |page: &str| page.matches('<').count();
        prop_assert_eq!(tags(&html(&results)), tags(&html(&fixture::said("tame"))));
        // Lines end; nothing else that a terminal or a browser would obey is left.
        for page in [html(&results), markdown(&results), terminal(&results, Style::PLAIN)] {
            let obeyed = |each: &char| (each.is_control() && *each != '\n') || *each == '\u{202e}';
            prop_assert_eq!(page.chars().find(obeyed), None);
        }
        // Outside of code, Markdown has no tag either; a code span or block shows what is in it.
        let page = markdown(&results);
        for line in outside_of_blocks(&page).filter(|line| line.starts_with('|') || line.starts_with('#')) {
            prop_assert!(!line.contains('<'), "{}", line);
        }
    }

    #[test]
    fn the_terminal_keeps_to_its_width(width in 60_usize..160) {
        let results = fixture::violated();
        for line in terminal(&results, Style { width, ..Style::PLAIN }).lines() {
            prop_assert!(line.chars().count() <= width || line.contains("replay: "), "{}", line);
        }
    }
}
