//! What goes to stdout: results, for people or for machines.

use std::ffi::OsString;
use std::io::{IsTerminal, Write};

use clap::ValueEnum;
use contract::Dialect;
use reports::ExitCode;

use crate::complaint::complaint;
use crate::error::Error;
use crate::progress::{Progress, Talk, Track};

/// Whether to colour.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Stdout, and how to write on it. When the reader has closed it, what is written is dropped. The command goes on to its end,
/// so that its exit code does not change.
pub(crate) struct Output {
    style: reports::Style,
    talk: Talk,
    errors_in_color: reports::Color,
    /// Where lines are broken; nowhere when no terminal shows them.
    breaks_at: Option<usize>,
    closed: bool,
}

impl Output {
    pub(crate) fn new(color: Color, talk: Talk) -> Output {
        let stdout = std::io::stdout();
        let width = terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0));
        let of_watcher = std::env::var(WIDTH).ok();
        let breaks_at = match of_watcher {
            Some(width) => width.parse().ok(),
            None => stdout.is_terminal().then_some(width),
        };
        // A worker writes into a pipe, and what it writes is passed on to where its watcher writes.
        let watched = std::env::var(COLORS).ok();
        let [of_stdout, of_stderr] = match watched.as_deref() {
            Some(colors) => ["o", "e"].map(|one| match colors.contains(one) {
                true => reports::Color::Always,
                false => reports::Color::Never,
            }),
            None => [stdout.is_terminal(), std::io::stderr().is_terminal()]
                .map(|terminal| resolved(color, terminal)),
        };
        Output {
            style: reports::Style { color: of_stdout, width, edges: reports::EdgesNamed::Few },
            talk,
            errors_in_color: of_stderr,
            breaks_at,
            closed: false,
        }
    }

    /// What a process needs to write as this one does.
    pub(crate) fn as_env(&self) -> Vec<(&'static str, String)> {
        let one = |color, letter: &str| if color == reports::Color::Always { letter } else { "" }.to_owned();
        let colors = one(self.style.color, "o") + &one(self.errors_in_color, "e");
        // A process that writes for no terminal gets no width.
        let width = self.breaks_at.map_or_else(String::new, |width| width.to_string());
        vec![(COLORS, colors), (WIDTH, width)]
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.talk == Talk::Quiet
    }

    /// How progress is shown here.
    pub(crate) const fn talk(&self) -> Talk {
        self.talk
    }

    pub(crate) fn style(&self) -> reports::Style {
        self.style
    }

    pub(crate) fn progress(&self, label: &str) -> Progress {
        self.progress_along(label, &Track::new())
    }

    /// Progress of a part of work that began before.
    pub(crate) fn progress_along(&self, label: &str, track: &Track) -> Progress {
        Progress::start(self.talk, label, track.clone())
    }

    /// Writes text; a missing line end is added.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Error> {
        match self.breaks_at.filter(|_| !text.starts_with(['{', '[', '<'])) {
            Some(width) => self.bytes(broken(text, width).as_bytes()),
            None => self.bytes(text.as_bytes()),
        }
    }

    /// Writes what another process of this program has written.
    pub(crate) fn bytes(&mut self, text: &[u8]) -> Result<(), Error> {
        if self.closed {
            return Ok(());
        }
        let end: &[u8] = if text.ends_with(b"\n") { b"" } else { b"\n" };
        let mut stdout = std::io::stdout().lock();
        let written = stdout.write_all(text).and_then(|()| stdout.write_all(end));
        match written.and_then(|()| stdout.flush()) {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            other => other.map_err(Error::Stdout),
        }
    }

    /// Writes a value as indented JSON.
    pub(crate) fn json(&mut self, value: &impl serde::Serialize) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(value).map_err(|error| Error::Stdout(error.into()))?;
        self.text(&text)
    }

    /// Text in a colour, where colours are wanted.
    pub(crate) fn paint(&self, paint: Paint, text: &str) -> String {
        paint.on(text, self.style.color)
    }

    /// The last line of a page: what it comes to, and what the command ends with.
    pub(crate) fn verdict(&self, code: ExitCode) -> String {
        let paint = if code == ExitCode::Held { Paint::Good } else { Paint::Bad };
        self.paint(paint, &verdict_in_words(code))
    }

    /// A line on stderr that is no progress.
    pub(crate) fn note(&self, text: &str) {
        // Stderr may have no reader, which must not stop the work.
        let _ = writeln!(std::io::stderr(), "{text}");
    }

    /// Prints on stderr what went wrong and changes no verdict.
    pub(crate) fn warn(&self, error: &Error) {
        let mut text = format!("warning: {error}");
        let mut source = std::error::Error::source(error);
        while let Some(inner) = source {
            text += &format!(": {inner}");
            source = inner.source();
        }
        // Stderr may have no reader, which must not stop the work.
        let _ = writeln!(std::io::stderr(), "{text}");
    }

    /// Prints an error on stderr.
    pub(crate) fn complain(&self, error: Error) {
        let text = complaint(&error, self.style.width.clamp(60, 120), self.errors_in_color);
        // Stderr may have no reader, which must not stop the work.
        let _ = write!(std::io::stderr(), "{text}");
    }
}

/// A document for a machine, with the version of its format.
#[derive(serde::Serialize)]
pub(crate) struct Versioned<T> {
    version: u32,
    #[serde(flatten)]
    document: T,
}

impl<T> Versioned<T> {
    /// Version 1: a field may be added, and anything else is another version.
    pub(crate) const fn first(document: T) -> Versioned<T> {
        Versioned { version: 1, document }
    }
}

/// The variable with the width of the terminal that a process which is watched writes for.
const WIDTH: &str = "BGCHECK_WIDTH";

/// The lines broken between words where they do not fit, what follows two columns further in. A command is there to be copied, and
/// stays whole.
fn broken(text: &str, width: usize) -> String {
    text.lines().map(|line| broken_line(line, width.max(NARROWEST)) + "\n").collect()
}

/// Lines are broken at this many columns at least: shorter lines are hard to read.
const NARROWEST: usize = 40;

fn broken_line(line: &str, width: usize) -> String {
    if columns(line) <= width || line.contains("bgcheck ") {
        return line.to_owned();
    }
    let margin = " ".repeat(line.len() - line.trim_start_matches(' ').len() + 2);
    let (mut whole, mut last) = (String::new(), String::new());
    for word in line.split_inclusive(' ') {
        if columns(last.trim_end()) > 0 && columns(&last) + columns(word.trim_end()) > width {
            whole += last.trim_end();
            whole.push('\n');
            last.clone_from(&margin);
        }
        last += word;
    }
    whole + last.trim_end()
}

/// The columns that a text takes: a colour takes none.
fn columns(text: &str) -> usize {
    let mut in_escape = false;
    let seen = text.chars().filter(|c| match (*c, in_escape) {
        ('\u{1b}', _) => {
            in_escape = true;
            false
        }
        ('m', true) => {
            in_escape = false;
            false
        }
        (_, in_escape) => !in_escape,
    });
    seen.count()
}

/// The variable with the colours of a process that is watched: `o` for stdout, `e` for stderr.
const COLORS: &str = "BGCHECK_COLORS";

/// Colours by what they mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Paint {
    Good,
    Bad,
    Warn,
    Bold,
    Dim,
    Error,
    Help,
}

impl Paint {
    /// Text in this colour, where colours are wanted.
    pub(crate) fn on(self, text: &str, color: reports::Color) -> String {
        match color {
            reports::Color::Never => text.to_owned(),
            reports::Color::Always => format!("\u{1b}[{}m{text}\u{1b}[0m", self.code()),
        }
    }

    const fn code(self) -> &'static str {
        match self {
            Paint::Good => "32",
            Paint::Bad => "31;1",
            Paint::Warn => "33",
            Paint::Bold => "1",
            Paint::Dim => "2",
            Paint::Error => "31",
            Paint::Help => "36",
        }
    }
}

/// `verdict: held, exit code 0`.
pub(crate) fn verdict_in_words(code: ExitCode) -> String {
    format!("verdict: {}, exit code {}", code.verdict(), code.code())
}

/// `1 job`, `2 jobs`, `1,234 jobs`.
pub(crate) fn counted(number: u64, one: &str) -> String {
    format!("{} {one}{}", indicatif::HumanCount(number), if number == 1 { "" } else { "s" })
}

/// The dialect and its switches in one phrase.
pub(crate) fn named(dialect: Dialect, turned: &str) -> String {
    if turned.is_empty() { dialect.to_string() } else { format!("{dialect}, {turned}") }
}

/// Text from a file with everything spelled out that a terminal would obey.
pub(crate) fn printable(text: &str) -> String {
    let spelled = |each: char| -> String {
        if each.is_control() { each.escape_default().collect() } else { each.to_string() }
    };
    text.chars().map(spelled).collect()
}

/// The choice of colours on the command line, read before clap reads it.
pub(crate) fn color_asked_for(args: impl Iterator<Item = OsString>) -> clap::ColorChoice {
    let args: Vec<String> = args.map(|arg| arg.to_string_lossy().into_owned()).collect();
    let value = args.iter().enumerate().find_map(|(at, arg)| match arg.strip_prefix("--color") {
        Some("") => args.get(at + 1).cloned(),
        Some(rest) => rest.strip_prefix('=').map(str::to_owned),
        None => None,
    });
    match value.as_deref() {
        Some("always") => clap::ColorChoice::Always,
        Some("never") => clap::ColorChoice::Never,
        _ => clap::ColorChoice::Auto,
    }
}

fn resolved(color: Color, terminal: bool) -> reports::Color {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    match color {
        Color::Always => reports::Color::Always,
        Color::Auto if terminal && !refused && !dumb => reports::Color::Always,
        Color::Auto | Color::Never => reports::Color::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_follow_the_width_and_commands_stay_whole() {
        let text = "  one two three four five six seven eight nine ten\n  replay: bgcheck replay a/very/long/path/of/a/trace.jsonl";
        let lines: Vec<String> = broken(text, 40).lines().map(str::to_owned).collect();
        assert_eq!(
            lines,
            [
                "  one two three four five six seven",
                "    eight nine ten",
                "  replay: bgcheck replay a/very/long/path/of/a/trace.jsonl"
            ]
        );
        let painted = format!("\u{1b}[1m{}\u{1b}[0m", "word ".repeat(7).trim_end());
        assert_eq!(broken(&painted, 40), painted + "\n", "a colour takes no columns");
    }
}
