//! An error as a person reads it on stderr: what, why, where, and what to type next.
//!
//! ```text
//!   × t.jsonl is not a trace that can be read
//!   ╰─▶ line 4 has the unknown kind "dance"
//!    ╭─[t.jsonl:4]
//!  4 │ {"seq":3,"kind":"dance","job":0}
//!    ╰────
//!   help: ...
//! ```

use std::error::Error as _;

use reports::Color;

use crate::error::{Error, Place};
use crate::output::Paint;

/// The error in lines of at most `width` columns; a line of a file stays whole.
pub(crate) fn complaint(error: &Error, width: usize, color: Color) -> String {
    let mut text = paragraph(&error.to_string(), &Paint::Error.on("  × ", color), "    ", width);
    let causes = causes(error);
    for (at, cause) in causes.iter().enumerate() {
        let (first, then) =
            if at + 1 < causes.len() { ("  ├─▶ ", "  │   ") } else { ("  ╰─▶ ", "      ") };
        text += &paragraph(cause, &Paint::Error.on(first, color), then, width);
    }
    text += &error.place().map(|(file, place)| picture(file, place)).unwrap_or_default();
    if let Some(help) = error.help() {
        text += &paragraph(&help, &Paint::Help.on("  help: ", color), "        ", width);
    }
    text
}

/// Why, from the nearest cause to the first.
fn causes(error: &Error) -> Vec<String> {
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    causes
}

/// A text with this before its first line, and that before the others. A terminal would obey a control character in it.
fn paragraph(text: &str, first: &str, then: &str, width: usize) -> String {
    let room = width.saturating_sub(then.chars().count());
    let lines =
        text.lines().flat_map(|line| reports::wrap(&line.replace(char::is_control, "\u{fffd}"), room));
    lines.enumerate().map(|(at, line)| format!("{}{line}\n", if at == 0 { first } else { then })).collect()
}

fn picture(file: &str, place: &Place) -> String {
    let Place { number, line } = place;
    let margin = " ".repeat(number.to_string().len());
    format!(" {margin} ╭─[{file}:{number}]\n {number} │ {line}\n {margin} ╰────\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_a_long_text_stands_below_the_first() {
        let error = Error::usage("one two three four", "a b c");
        let shown = complaint(&error, 16, Color::Never);
        assert_eq!(shown, "  × one two\n    three four\n  help: a b c\n");
    }

    #[test]
    fn a_cause_and_a_line_of_a_file_are_shown() {
        let text = "{}\nno trace\n";
        let source = judge::Trace::parse(text).expect_err("it is no trace");
        let shown = complaint(&Error::trace("t.jsonl", text, source), 100, Color::Never);
        assert!(shown.starts_with("  × t.jsonl is not a trace that can be read\n  ╰─▶ "), "{shown}");
        assert!(shown.contains("   ╭─[t.jsonl:1]\n 1 │ {}\n   ╰────\n  help: a trace is"), "{shown}");
    }
}
