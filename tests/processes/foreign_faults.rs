//! `bgcheck adapter run` on services that are wrong in one way each: copies of the tutorial's, with one place changed.
//!
//! What each is found as, by name; and that the copy without a change is not found to be wrong.

use crate::support::mini::run;

const AT_FIRST: &[&str] = &["--budget", "30s", "--workers", "2", "--stop-at-first"];

#[test]
fn each_fault_is_found_and_named() {
    let faults: [(&str, (&str, &str, &str)); 7] = [
        (
            "a directory stands at the destination",
            (
                "mini.py",
                "                        return win32(error)\n                    file.renamed",
                "                        self._end(\"Acknowledged\")\n                        return win32(error)\n                    file.renamed",
            ),
        ),
        (
            "the file differs from the server's",
            ("mini.py", " and start == file.bytes and response.headers.get(\"ETag\") == file.version", ""),
        ),
        (
            "the file at the destination has other bytes",
            (
                "mini.py",
                "os.replace(file.temporary, file.local)",
                "(os.truncate(file.temporary, 999), os.replace(file.temporary, file.local))",
            ),
        ),
        (
            "j0 is given the error",
            (
                "mini.py",
                "\"JobError\": [delivery.error]",
                "\"JobError\": [{**(delivery.error or {}), \"hr\": 5}]",
            ),
        ),
        (
            "GetProgress has bytes_transferred",
            (
                "mini.py",
                "sum(file.bytes for file in self.files)",
                "sum(file.bytes // 2 for file in self.files)",
            ),
        ),
        (
            "R5 (caused)",
            (
                "mini.py",
                "return method(job, *more)",
                "return method(self.jobs[0] if self.jobs else job, *more)",
            ),
        ),
        (
            "JobModification comes",
            (
                "mini.py",
                "            self.mask = flags\n",
                "            self.mask = flags\n            self._touch()\n",
            ),
        ),
    ];
    let threads = faults.map(|(wanted, change)| {
        std::thread::spawn(move || {
            let changes: &[_] = match change.1 {
                // The service has no name to be changed, and the adapter passes none on.
                text if text.contains("self.mask = flags") => &[change, NAME, NAME_PASSED_ON],
                _ => &[change],
            };
            let (code, text) = run(changes, AT_FIRST);
            assert_eq!(code, Some(2), "{wanted}: {text}");
            assert!(text.contains(wanted), "{wanted}: {text}");
        })
    });
    for thread in threads {
        thread.join().expect("it is found");
    }
}

const NAME: (&str, &str, &str) = (
    "mini.py",
    "    def Resume(self):\n",
    "    def SetDisplayName(self, name):\n        with self.service:\n            self._touch()\n            return S_OK\n\n    def Resume(self):\n",
);
const NAME_PASSED_ON: (&str, &str, &str) = (
    "adapter.py",
    "@method\ndef Resume(",
    "@method\ndef SetDisplayName(job, args):\n    return job.SetDisplayName(args[\"name\"]), None\n\n\n@method\ndef Resume(",
);

/// A restart: jobs stay, registrations do not.
const RESTART: [(&str, &str, &str); 3] = [
    ("adapter.py", "can = [\"race\",", "can = [\"restart\", \"race\","),
    (
        "adapter.py",
        "    elif \"reset\" in command:",
        "    elif \"restart\" in command:\n        on_thread(\"reset\", restart, number)\n    elif \"reset\" in command:",
    ),
    ("adapter.py", "def reset(number):", RESTARTS),
];
const RESTARTS: &str = "\
def restart(number):
    for known in list(JOBS.values()):
        with SERVICE:
            known.handle.receiver, known.handle.receives = None, set()
            known.handle.restarted()
    write({\"q\": next(Q), \"end\": number, \"lost\": [\"callbacks\"]})


def reset(number):";

#[test]
fn what_does_not_survive_a_restart_is_found() {
    let restarted = |body: &'static str| {
        let method = ("mini.py", "    def Resume(self):\n", body);
        [&RESTART[..], &[method]].concat()
    };
    let sound = restarted("    def restarted(self):\n        pass\n\n    def Resume(self):\n");
    let (code, text) = run(&sound, &["--budget", "6s"]);
    assert_ne!(code, Some(2), "{text}");
    let forgets =
        restarted("    def restarted(self):\n        self.retry_delay = 600\n\n    def Resume(self):\n");
    let (code, text) = run(&forgets, AT_FIRST);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("GetMinimumRetryDelay -> S_OK"), "{text}");
}

/// Three faults in one service, the first of which is on nearly every path.
#[test]
fn several_faults_are_named_once_each() {
    let faults = [
        (
            "mini.py",
            "\"JobError\": [delivery.error]",
            "\"JobError\": [{**(delivery.error or {}), \"hr\": 5}]",
        ),
        ("mini.py", "sum(file.bytes for file in self.files)", "sum(file.bytes // 2 for file in self.files)"),
        ("mini.py", "return S_OK, self.mask\n", "return S_OK, self.mask | 1\n"),
    ];
    let (code, text) = run(&faults, &["--budget", "25s"]);
    assert_eq!(code, Some(2), "{text}");
    for wanted in ["j0 is given the error", "bytes_transferred", "R11 (atomic)"] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    let names = text.lines().filter(|line| line.contains(", first in ")).count();
    // The getter is wrong behind several setters, and in each way it has a name.
    assert!((3..=6).contains(&names), "{names} failures: {text}");
}

/// A call that does not come back: what hangs on its answer is undecided, and no rule is broken by it.
#[test]
fn a_call_that_does_not_come_back_breaks_no_rule() {
    let hangs = (
        "mini.py",
        "            hr = self._end(\"Cancelled\")\n",
        "            time.sleep(60)\n            hr = self._end(\"Cancelled\")\n",
    );
    let soon = ("adapter.toml", "dialect", "call_ms = 500\ndialect");
    let (code, text) = run(&[hangs, soon], AT_FIRST);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("Cancel does not come back in time"), "{text}");
    assert!(!text.contains("violated in"), "{text}");
}

/// AddFile adds its file and answers a failure, on nearly every path, and JobError never comes. Behind the first, which is known, nothing of the
/// job is compared with the path. The second is found by the specification's states, which begin anew with what getters show.
#[test]
fn what_hides_behind_a_known_failure_is_found() {
    let refuses = (
        "mini.py",
        "            self._touch()\n            return S_OK\n\n    def Resume(self):",
        "            self._touch()\n            return 0x80004005\n\n    def Resume(self):",
    );
    let silent = ("mini.py", "\"Error\": \"JobError\"", "\"Error\": None");
    let (_, first) = run(&[refuses], &["--budget", "12s"]);
    assert!(!first.contains(MISSING), "{first}");
    let lines: Vec<&str> = first.lines().collect();
    let known = lines.windows(2).filter(|pair| pair[0].contains(", first in ")).filter_map(|pair| {
        let (id, _) = pair[0].split_once(": ")?;
        let message = pair[1].trim().split_once(':')?.0.replace('\\', "");
        Some(format!("[[known]]\nid = \"{id}\"\nmessage = \"{message}\"\nwhy = \"the first\"\nrate = 0.0\n"))
    });
    let text: String = known.collect();
    assert!(text.contains("[[known]]"), "{first}");
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("known.toml");
    std::fs::write(&file, text).expect("the directory can be written");
    let file = file.to_str().expect("a path of ours");
    let (code, both) = run(&[refuses, silent], &["--budget", "12s", "--known", file]);
    assert_eq!(code, Some(2), "{both}");
    assert!(both.contains(MISSING), "{both}");
    let is_known = |line: &str| line.starts_with("known: ");
    assert!(both.lines().any(is_known), "{both}");
}

const MISSING: &str = "JobError is missing";

/// The documents leave open what Suspend makes of a job in ERROR (facts G20): either is right, unless the manifest holds the job to its state.
#[test]
fn a_suspend_that_takes_a_job_out_of_error_is_a_freedom() {
    let suspends = (
        "mini.py",
        "            if self.state in MOVING:",
        "            if self.state in MOVING + (\"Error\",):",
    );
    let (code, text) = run(&[suspends], &["--budget", "15s"]);
    assert_ne!(code, Some(2), "{text}");
    assert!(text.contains("Suspend takes a job out of ERROR (facts G20)"), "{text}");
    let stays = ("adapter.toml", "dialect", "suspend_at_end = \"stays\"\ndialect");
    let (code, text) = run(&[suspends, stays], AT_FIRST);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("j0 is SUSPENDED"), "{text}");
}

/// The service ends when a job is completed whose file is on its way: from there on each call is answered by the system.
const ENDS: [(&str, &str, &str); 3] = [
    (
        "mini.py",
        "    def Complete(self):\n        with self.service as service:\n",
        "    def Complete(self):\n        with self.service as service:\n            if self.state == \"Transferring\":\n                Service.has_ended = True\n                return 0x800706BE\n",
    ),
    ("mini.py", "class Service:\n", "class Service:\n    has_ended = False\n"),
    (
        "adapter.py",
        "        hr, out = function(known and known.handle, arguments)\n",
        "        hr, out = (0x800706BA, None) if SERVICE.has_ended else function(known and known.handle, arguments)\n",
    ),
];

/// A service that ends is one failure, at the call with which it has ended. The rest goes on with a new one.
#[test]
fn a_service_that_ends_is_named_at_the_call_and_the_rest_goes_on() {
    let (code, text) = run(&ENDS, &["--budget", "24s"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("the service has ended: j0.Complete -> RPC_S_CALL_FAILED (0x800706BE)"), "{text}");
    assert!(!text.contains("does not come back"), "{text}");
    assert!(!text.contains("RPC_S_SERVER_UNAVAILABLE"), "the next service is another one: {text}");
    let names = text.lines().filter(|line| line.contains(", first in ")).count();
    assert_eq!(names, 1, "{text}");
    assert!(text.contains("races against the callback"), "they come behind it: {text}");
}

/// The mistakes of another service at once: no JobError, 503 is fatal, names are not checked, DISABLE is ignored, a late registration gets no event,
/// half of a file is kept; and it has uploads, which is none. Each has names of its own, and what follows from it has none.
#[test]
fn what_follows_from_many_mistakes_has_no_name() {
    let mini = |from, to| ("mini.py", from, to);
    let service = [
        mini("\"Error\": \"JobError\"", "\"Error\": None"),
        mini("400 <= code < 500 and code not in (408, 409)", "400 <= code < 600"),
        mini(
            "            if not is_url(remote) or not is_path(local):\n                return E_INVALIDARG\n",
            "            local = os.path.abspath(local)\n",
        ),
        mini(
            "        kind = http.client.HTTPSConnection if",
            "        if not url.hostname:\n            raise Failure(0x80072EE5, \"RemoteFile\", True)\n        kind = http.client.HTTPSConnection if",
        ),
        mini(" and mask & DISABLE == 0", ""),
        mini("self.epoch + 1, OWED.get(self.state), 0", "self.epoch + 1, None, 0"),
        mini("            if kind != 0:\n                return E_NOTIMPL, None\n", ""),
        mini("raise ConnectionAbortedError", "pass"),
    ];
    let (code, text) = run(&service, &["--budget", "24s"]);
    assert_eq!(code, Some(2), "{text}");
    let messages: Vec<&str> = text.lines().filter(|line| line.starts_with("  after this, ")).collect();
    assert!(messages.iter().any(|message| message.contains("JobError")), "{text}");
    let follows = [
        // A call inside of a callback that never came.
        "and in the suite j0 is CANCELLED",
        "and in the suite j0 is ACKNOWLEDGED",
        // A file that should have been refused.
        "and in the suite j0 is SUSPENDED",
        // The error of a state that was chosen.
        "hr: BG_E_HTTP_ERROR_404",
        // An upload.
        "CreateJob -> E_NOTIMPL",
        // A callback that was extra, and leaves.
        "leaves with",
        // A state that is on the way.
        "SetNotifyFlags -> S_OK: j0 is ERROR",
        "SetNotifyInterface -> S_OK: j0 is ERROR",
    ];
    for message in messages {
        assert!(!follows.iter().any(|follows| message.contains(follows)), "{message}\n{text}");
    }
}
