//! The protocol for stateright's Explorer: a state in a few lines of words, a path as the picture of its timeline.

use std::fmt::Write as _;

use contract::NotifyFlags;

use super::state::{Delivery, Job, Open, To, Who, World};
use super::step::Rig;

/// Points from one line of a picture to the next, and from one character to the next.
const LINE: usize = 16;
const CHARACTER: usize = 8;

/// Lines of text as a picture.
pub(super) fn svg(text: &str) -> String {
    let (height, width) =
        ((text.lines().count() + 1) * LINE, 2 + text.lines().map(str::len).max().unwrap_or(0));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{height}\" font-family=\"monospace\" font-size=\"13\">\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>",
        width * CHARACTER
    );
    for (number, line) in text.lines().enumerate() {
        let line = line.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        // Writing to a String cannot fail.
        let _ = write!(
            svg,
            "<text fill=\"black\" x=\"4\" y=\"{}\" xml:space=\"preserve\">{line}</text>",
            (number + 1) * LINE
        );
    }
    svg.push_str("</svg>");
    svg
}

impl Rig {
    /// A state in words: a line for each job, and for each call that is open.
    pub(super) fn in_words<const J: usize>(&self, world: &World<J>) -> String {
        let mut text = String::new();
        for (id, job) in world.jobs.iter().enumerate() {
            let _ = writeln!(text, "j{id}: {}", job_in_words(job));
        }
        for (who, open) in world.calls() {
            let _ = writeln!(text, "{}", self.call_in_words(who, open));
        }
        let _ = write!(text, "calls left: {} of clients, {} of callbacks", world.calls, world.nested);
        text
    }

    fn call_in_words(&self, who: Who, open: &Open) -> String {
        let caller = match who {
            Who::Client(client) => format!("t{client}"),
            Who::Callback(job) => format!("callback of j{job}"),
        };
        let method =
            self.asks.get(usize::from(open.ask)).map_or_else(String::new, |asked| asked.ask.to_string());
        format!("{caller}: {method} on j{}: {:?}", open.on, open.stage)
    }
}

fn job_in_words(job: &Job) -> String {
    let mut text = format!("{:?}, flags {}", job.state, NotifyFlags::bits(&job.mask()));
    let mut add = |part: String| {
        let _ = write!(text, ", {part}");
    };
    add(job.receiver.map_or_else(|| "no object".to_owned(), |object| format!("object {object:?}")));
    if let Some(ending) = job.ending {
        add(format!("ending by {ending:?}"));
    }
    if !job.marks.is_empty() {
        let marks: Vec<&str> = job.marks.iter_names().map(|(name, _)| name).collect();
        add(marks.join(" "));
    }
    if job.delivery.is_in_hand() {
        add(delivery_in_words(&job.delivery));
    }
    if let Some(program) = job.program {
        add(format!("a program runs for {:?}", program.event));
    }
    text
}

fn delivery_in_words(delivery: &Delivery) -> String {
    let to = match delivery.to {
        To::Object(object) => format!("object {object:?}"),
        To::Program => "a program".to_owned(),
    };
    format!("{:?} to {to}: {:?}", delivery.event, delivery.phase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_a_line_for_each_line_and_obeys_nothing_in_it() {
        let picture = svg("a < b\nc & d");
        assert_eq!(picture.matches("<text").count(), 2);
        assert!(picture.contains("a &lt; b") && picture.contains("c &amp; d"), "{picture}");
    }
}
