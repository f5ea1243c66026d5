//! `bgcheck adapter run` on services that transfer wrongly, in one way each: copies of the tutorial's, with one place changed.
//!
//! Their adapter passes few methods on and no events, so that little else is tried before.

use crate::support::mini::{Change, run};

const FEW: Change<'_> = (
    "adapter.py",
    "\"methods\": list(METHODS), \"can\": can",
    "\"methods\": [name for name in METHODS if \"Notify\" not in name and \"Delay\" not in name], \"events\": [], \"can\": []",
);

/// It gives silent servers up after a second, and promises that.
const PROMISED: [Change<'_>; 2] = [
    ("mini.py", "PATIENCE = 30", "PATIENCE = 1"),
    ("adapter.py", "\"events\": []", "\"events\": [], \"gives_up\": {\"silence_ms\": 1000}"),
];

/// What each is found as, and what was changed.
fn faults() -> Vec<(&'static str, Vec<Change<'static>>)> {
    let in_service = |from, to| ("mini.py", from, to);
    vec![
        ("/bad-range/", vec![in_service(" and start == file.bytes and", " and")]),
        // No condition is sent, and what is not repeated counts as equal.
        (
            "/changed/",
            vec![
                in_service(", \"If-Range\": file.version}", "}"),
                in_service(
                    "response.headers.get(\"ETag\") == file.version",
                    "response.headers.get(\"ETag\") in (None, file.version)",
                ),
            ],
        ),
        (
            "the server is /coded: the file differs",
            vec![in_service("headers=rest)", "headers={**rest, \"Accept-Encoding\": \"gzip\"})")],
        ),
        ("the file differs from the server's", vec![in_service("raise ConnectionAbortedError", "pass")]),
        (
            "bytes were transferred, and later",
            vec![in_service("if file.bytes and file.version else", "if False else")],
        ),
        (
            "the server sends on",
            vec![
                in_service(
                    "                with self._wanted(attempt):\n                    file.bytes +=",
                    "                with self.service.lock:\n                    file.bytes +=",
                ),
                in_service("        if self.socket is not None:", "        if False:"),
            ],
        ),
        (
            "of the destination was: the context is RemoteFile",
            vec![in_service("\"LocalFile\"", "\"RemoteFile\"")],
        ),
        (
            "stands in the directory of the destinations",
            vec![in_service("os.unlink(file.temporary)", "file.whole and os.unlink(file.temporary)")],
        ),
        // What was here of a larger version stays behind the smaller one.
        (
            "/changed/shrinks/",
            vec![in_service("                out.truncate(file.bytes)\n", "                pass\n")],
        ),
        // A server that sends framing alone makes no read wait.
        ("still transfers", PROMISED.to_vec()),
    ]
}

#[test]
fn each_fault_of_a_transfer_is_found_and_named() {
    let threads = faults().into_iter().map(|(wanted, changes)| {
        std::thread::spawn(move || {
            let changes = [&[FEW][..], &changes].concat();
            let (code, text) = run(&changes, &["--budget", "30s", "--workers", "2", "--stop-at-first"]);
            assert_eq!(code, Some(2), "{wanted}: {text}");
            assert!(text.contains(wanted), "{wanted}: {text}");
        })
    });
    let threads: Vec<_> = threads.collect();
    for thread in threads {
        thread.join().expect("it is found");
    }
}
