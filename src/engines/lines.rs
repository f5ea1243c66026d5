//! Another program, run to its end, and its stderr read line by line.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use reports::Signal;

use crate::watch::reaper::{How, end_group, in_own_group};
use crate::watch::worker;

/// Last lines of a program's stderr that are remembered.
const REMEMBERED: usize = 2_000;

/// Bytes of a line that are kept.
const LINE: usize = 4_096;

/// Runs the command, gives each line of its stderr to `each`, and returns how it ended with the last lines.
pub(crate) fn run(
    command: &mut Command,
    each: &mut dyn FnMut(&str),
) -> (std::io::Result<ExitStatus>, Vec<String>) {
    let mut child = match in_own_group(command).stderr(Stdio::piped()).spawn() {
        Ok(child) => Running(child),
        Err(error) => return (Err(error), Vec::new()),
    };
    let group = child.0.id();
    worker::group(group);
    let mut last = VecDeque::new();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| stop_with_us(group, &over));
        if let Some(stderr) = child.0.stderr.take() {
            for bytes in BufReader::new(stderr).split(b'\n') {
                let Ok(mut bytes) = bytes else { break };
                bytes.truncate(LINE);
                let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
                worker::sign();
                each(&line);
                if last.len() == REMEMBERED {
                    last.pop_front();
                }
                last.push_back(line);
            }
        }
        over.store(true, Ordering::Relaxed);
    });
    (child.0.wait(), last.into())
}

/// How often it is looked whether the program is to stop, and how long it may take to.
const BEAT: Duration = Duration::from_millis(50);
const GRACE: Duration = Duration::from_millis(600);

/// Stops the program when this run is to end early: it is interrupted, and later killed.
fn stop_with_us(group: u32, over: &AtomicBool) {
    let mut asked: Option<Instant> = None;
    while !over.load(Ordering::Relaxed) {
        match asked {
            None if crate::run::is_stopped() => {
                end_group(group, How::Asked(Signal::Interrupt));
                asked = Some(Instant::now());
            }
            Some(asked) if asked.elapsed() > GRACE => {
                end_group(group, How::AtOnce);
                return;
            }
            _ => {}
        }
        std::thread::sleep(BEAT);
    }
}

/// A program that does not outlive a panic of ours.
pub(super) struct Running(pub(super) Child);

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            // It may have ended by itself in between, which is as good.
            end_group(self.0.id(), How::AtOnce);
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
        worker::ended(self.0.id());
    }
}
