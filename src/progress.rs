//! Progress on stderr: a line that moves on a terminal, and now and then a plain line elsewhere.

use std::cell::Cell;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use reports::{Failure, RuleId};
use serde_json::json;

use crate::watch::worker;

/// How often a plain line is written where nothing moves.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// How often a line of JSON is written.
const JSON_EVERY: Duration = Duration::from_secs(1);

/// What is under way, and since when: for whoever asks with a signal.
static UNDER_WAY: Mutex<Option<(String, Instant)>> = Mutex::new(None);

/// Says where this process stands.
#[cfg_attr(not(unix), expect(dead_code, reason = "there is no signal that asks"))]
pub(crate) fn say_where_it_stands() {
    let under_way = UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match under_way {
        Some((label, since)) => say(&format!("{label}, after {} s", since.elapsed().as_secs())),
        None => say("getting ready"),
    }
}

/// What one engine says while it works.
pub(crate) struct Progress {
    label: String,
    how: How,
    started: Instant,
    said: Cell<Instant>,
}

enum How {
    Moving(ProgressBar),
    Plain,
    Json,
    Quiet,
}

/// Whether anything is said at all, and how.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Talk {
    As(Manner),
    Quiet,
}

/// How progress is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, clap::ValueEnum)]
pub(crate) enum Manner {
    /// A bar on a terminal, and else plain lines.
    #[default]
    Auto,
    /// A line now and then.
    Plain,
    /// A line that moves.
    Bar,
    /// A line of JSON now and then.
    Json,
}

impl Manner {
    /// What was typed for it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Manner::Auto => "auto",
            Manner::Plain => "plain",
            Manner::Bar => "bar",
            Manner::Json => "json",
        }
    }
}

impl Progress {
    pub(crate) fn start(talk: Talk, label: &str) -> Progress {
        let how = match talk {
            Talk::Quiet => How::Quiet,
            Talk::As(Manner::Json) => How::Json,
            Talk::As(Manner::Bar) => How::Moving(spinner(label)),
            Talk::As(Manner::Auto) if std::io::stderr().is_terminal() => How::Moving(spinner(label)),
            Talk::As(Manner::Auto | Manner::Plain) => How::Plain,
        };
        let now = Instant::now();
        *UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner) = Some((label.to_owned(), now));
        Progress { label: label.to_owned(), how, started: now, said: Cell::new(now) }
    }

    /// How far it is. The text is only made when it is shown.
    pub(crate) fn tell(&self, text: impl FnOnce() -> String) {
        worker::sign();
        match &self.how {
            How::Moving(bar) => bar.set_message(text()),
            How::Plain if self.said.get().elapsed() >= PLAIN_EVERY => {
                self.said.set(Instant::now());
                say(&format!("{}: {} ({} s)", self.label, text(), self.started.elapsed().as_secs()));
            }
            How::Json if self.said.get().elapsed() >= JSON_EVERY => {
                self.said.set(Instant::now());
                say(&self.in_json("progress", &text()));
            }
            How::Plain | How::Json | How::Quiet => {}
        }
    }

    fn in_json(&self, kind: &str, text: &str) -> String {
        let elapsed_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        json!({
            "version": 1, "kind": kind, "what": self.label, "text": text, "elapsed_ms": elapsed_ms,
        })
        .to_string()
    }

    /// A failure, at once: whoever waits can look at it while the engine goes on.
    pub(crate) fn found(&self, rule: Option<RuleId>, failure: &Failure) {
        let seconds = self.started.elapsed().as_secs();
        self.note(&format!(
            "{}: found {} after {seconds} s: {}",
            self.label, failure.id, failure.replay_command
        ));
        worker::found(rule, failure);
    }

    /// A line for a machine, as it is.
    pub(crate) fn raw(&self, line: &str) {
        match &self.how {
            How::Moving(bar) => bar.suspend(|| say(line)),
            How::Plain | How::Json => say(line),
            How::Quiet => {}
        }
    }

    /// Something that is worth a line that stays.
    pub(crate) fn note(&self, text: &str) {
        match &self.how {
            How::Moving(bar) => bar.suspend(|| say(text)),
            How::Plain => say(text),
            How::Json => say(&self.in_json("note", text)),
            How::Quiet => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let How::Moving(bar) = &self.how {
            bar.finish_and_clear();
        }
    }
}

fn spinner(label: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner().with_prefix(label.to_owned());
    let style = ProgressStyle::with_template("{spinner} {prefix}: {msg} [{elapsed}]")
        // The template is a constant, and a test draws with it.
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    bar.set_style(style);
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

fn say(text: &str) {
    use std::io::Write as _;
    // Nobody may be reading, which must not stop the work.
    let _ = writeln!(std::io::stderr(), "{text}");
}
