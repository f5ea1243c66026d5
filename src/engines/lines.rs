//! Another program, run to its end, with what it says on stderr line by line.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};

/// Lines remembered of what a program said last.
const REMEMBERED: usize = 2_000;

/// Bytes of a line that are kept.
const LINE: usize = 4_096;

/// Runs the command, gives each line of its stderr to `each`, and returns how it ended with the last lines.
pub(crate) fn run(
    command: &mut Command,
    each: &mut dyn FnMut(&str),
) -> (std::io::Result<ExitStatus>, Vec<String>) {
    let mut child = match command.stderr(Stdio::piped()).spawn() {
        Ok(child) => Running(child),
        Err(error) => return (Err(error), Vec::new()),
    };
    let mut last = VecDeque::new();
    if let Some(stderr) = child.0.stderr.take() {
        for bytes in BufReader::new(stderr).split(b'\n') {
            let Ok(mut bytes) = bytes else { break };
            bytes.truncate(LINE);
            let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
            each(&line);
            if last.len() == REMEMBERED {
                last.pop_front();
            }
            last.push_back(line);
        }
    }
    (child.0.wait(), last.into())
}

/// A program that does not outlive a panic of ours.
pub(super) struct Running(pub(super) Child);

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            // It may have ended by itself in between, which is as good.
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}
