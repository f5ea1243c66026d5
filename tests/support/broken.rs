//! Adapters of a few lines, for what the adapters of the repository do not do.

use std::path::{Path, PathBuf};

/// Every command is answered so.
pub(crate) const UNIMPLEMENTED: &str = "        out({'q': q, 'end': id, 'unimplemented': 'not yet'})";

/// A program that answers the first line, and then each line as the script has it.
pub(crate) fn adapter(directory: &Path, methods: &str, answer: &str) -> PathBuf {
    let program = format!(
        "import sys, json\n\
         out = lambda line: print(json.dumps(line) if not isinstance(line, str) else line, flush=True)\n\
         q = 0\n\
         for line in sys.stdin:\n\
         \x20   command = json.loads(line)\n\
         \x20   q += 10\n\
         \x20   if 'hello' in command:\n\
         \x20       out({{'hello': 1, 'q': 0, 'name': 'broken', 'methods': {methods}, 'events': [], 'can': []}})\n\
         \x20   else:\n\
         \x20       id = command['id']\n\
         {answer}\n"
    );
    std::fs::write(directory.join("adapter.py"), program).expect("the directory can be written");
    let manifest = directory.join("adapter.toml");
    let text =
        "command = [\"python3\", \"adapter.py\"]\ndialect = \"bits\"\ncall_ms = 500\nstart_ms = 5000\n";
    std::fs::write(&manifest, text).expect("the directory can be written");
    manifest
}
