//! Panics: each is a defect of the workbench, printed in a few lines, and ends the process with 70.

use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use reports::ExitCode;

use crate::peers;
use crate::watch::worker;

/// What panicked so far. Threads of engines panic on purpose too, so nothing is printed before `main` itself panics.
static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());

static SUBJECT: AtomicBool = AtomicBool::new(false);

/// Panics remembered at most.
const REMEMBERED: usize = 4;

/// Runs the command; a panic becomes a message and [`ExitCode::Internal`].
pub(crate) fn run(command: impl FnOnce() -> ExitCode) -> ExitCode {
    std::panic::set_hook(Box::new(remember));
    // Nothing of the command is used after it has panicked.
    catch_unwind(AssertUnwindSafe(command)).unwrap_or_else(|_| {
        report();
        ExitCode::Internal
    })
}

fn remember(info: &PanicHookInfo<'_>) {
    if let Some(text) = std::thread::current().name().and_then(peers::lost) {
        // The other threads wait for what will not come.
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr().lock(), "{text}");
        std::process::exit(ExitCode::Internal.code().into());
    }
    let place = info.location().map_or_else(String::new, |at| format!(" ({}:{})", at.file(), at.line()));
    let of_subject = info.location().is_some_and(|at| is_of_subject(at.file()));
    let payload = info.payload();
    let text =
        payload.downcast_ref::<&str>().copied().or(payload.downcast_ref::<String>().map(String::as_str));
    let text = text.unwrap_or("no message");
    if of_subject {
        SUBJECT.store(true, Ordering::Relaxed);
        worker::panicked(&format!("{text}{place}"));
    }
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    if seen.len() < REMEMBERED {
        seen.push(format!("{text}{place}"));
    }
}

/// Whether a source file is one of the engine under test.
fn is_of_subject(file: &str) -> bool {
    let file = file.replace('\\', "/");
    file.starts_with("engine/src/")
        || file.contains("/engine/src/")
        || file.ends_with("subjects/src/canary.rs")
}

/// Whether the subject has panicked, so that an engine that failed is not at fault.
pub(crate) fn subject_panicked() -> bool {
    SUBJECT.load(Ordering::Relaxed)
}

fn report() {
    use std::io::Write as _;
    let seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut stderr = std::io::stderr().lock();
    let _ = writeln!(stderr, "internal error: bgcheck broke. This says nothing about what it was testing.");
    for text in seen.iter() {
        let _ = writeln!(stderr, "  {text}");
    }
    let _ = writeln!(
        stderr,
        "This is a defect of bgcheck: please report it, with the command line, these lines and `bgcheck doctor --json`."
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_the_command_is_an_internal_error_and_one_of_a_thread_alone_is_not() {
        let alone = || {
            let _expected = std::thread::spawn(|| panic!("on purpose")).join();
            ExitCode::Held
        };
        assert_eq!(run(alone), ExitCode::Held);
        assert_eq!(run(|| panic!("on purpose")), ExitCode::Internal);
        // Other tests report their panics in the usual way.
        let _ = std::panic::take_hook();
    }
}
