//! The threads of a process, and what each of them does, where the system shows it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// How long threads are watched to see which are busy.
const LOOK: Duration = Duration::from_millis(200);

/// Threads of the workbench that are there for the watcher, and do no work of an engine.
const OWN: [&str; 3] = ["beat", "listener", "signals"];

/// The threads in words, the busy ones first; nothing where the system does not show them.
pub(super) fn of_process(process: u32) -> Vec<String> {
    let tasks = Path::new("/proc").join(process.to_string()).join("task");
    let before = look(&tasks);
    std::thread::sleep(LOOK);
    let after = look(&tasks);
    let mut words: BTreeMap<(u8, String), u32> = BTreeMap::new();
    for (id, thread) in after.iter().filter(|(_, thread)| !OWN.contains(&&*thread.name)) {
        let ran = before.get(id).map_or(0, |earlier| thread.ticks.saturating_sub(earlier.ticks));
        *words.entry(thread.in_words(ran)).or_default() += 1;
    }
    let said = |((_, words), number): ((u8, String), u32)| match number {
        1 => words,
        _ => format!("{words} ({number} of that name)"),
    };
    words.into_iter().map(said).collect()
}

struct Thread {
    name: String,
    /// The system's letter for its state.
    state: String,
    /// Processor time so far.
    ticks: u64,
    /// What it waits for in the system.
    waits: String,
}

impl Thread {
    /// Its place in the order, and what it does.
    fn in_words(&self, ran: u64) -> (u8, String) {
        let name = &self.name;
        if ran > 0 || self.state == "R" {
            return (0, format!("thread `{name}` is busy"));
        }
        match &*self.waits {
            wait if wait.contains("futex") => (1, format!("thread `{name}` waits for a lock or a condition")),
            wait if wait.contains("nanosleep") => (3, format!("thread `{name}` sleeps")),
            "" | "0" => (2, format!("thread `{name}` waits")),
            wait => (2, format!("thread `{name}` waits in the system ({wait})")),
        }
    }
}

fn look(tasks: &Path) -> BTreeMap<u64, Thread> {
    let entries = std::fs::read_dir(tasks).into_iter().flatten().flatten();
    entries.filter_map(|entry| thread(&entry.path())).collect()
}

fn thread(task: &Path) -> Option<(u64, Thread)> {
    let id = task.file_name()?.to_str()?.parse().ok()?;
    let stat = std::fs::read_to_string(task.join("stat")).ok()?;
    // The name is in brackets and may have any character.
    let (name, rest) = stat.split_once('(')?.1.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let number = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    let waits = std::fs::read_to_string(task.join("wchan")).unwrap_or_default();
    let (name, state) = (name.to_owned(), (*fields.first()?).to_owned());
    // The 14th and 15th field of the line; the state is the third.
    Some((id, Thread { name, state, ticks: number(11) + number(12), waits }))
}
