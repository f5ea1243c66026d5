//! The process, through its pipes. What `serve` does for every adapter is tested in `adapter/tests/serve.rs`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

struct Engine {
    process: Child,
    lines: BufReader<ChildStdout>,
    next: i64,
}

impl Engine {
    fn start(options: &[&str], dialect: &str) -> (Engine, Value) {
        let mut process = Command::new(env!("CARGO_BIN_EXE_adapter-engine"))
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary of this test");
        let lines = BufReader::new(process.stdout.take().expect("it is piped"));
        let mut engine = Engine { process, lines, next: 1 };
        engine.say(&json!({"hello": 1, "dialect": dialect, "root": "/", "http": "", "seed": 1}));
        let hello = engine.read();
        (engine, hello)
    }

    fn say(&mut self, line: &Value) {
        writeln!(self.process.stdin.as_mut().expect("it is piped"), "{line}").expect("it reads");
    }

    fn read(&mut self) -> Value {
        let mut text = String::new();
        self.lines.read_line(&mut text).expect("it writes");
        serde_json::from_str(&text).expect("a line")
    }

    /// Sends a command; the lines up to its end.
    fn done(&mut self, mut command: Value) -> Vec<Value> {
        let id = self.next;
        self.next += 1;
        command["id"] = json!(id);
        self.say(&command);
        let mut lines = Vec::new();
        while lines.last().is_none_or(|line: &Value| line["end"] != id) {
            lines.push(self.read());
        }
        lines
    }

    fn call(&mut self, job: u32, method: &str, args: Value) -> Value {
        let mut command = json!({"thread": 0, "job": job, "call": method});
        if !args.is_null() {
            command["args"] = args;
        }
        self.done(command).pop().expect("an end")
    }

    /// Lines until one has this key.
    fn until(&mut self, key: &str) -> Value {
        loop {
            let line = self.read();
            if !line[key].is_null() {
                return line;
            }
        }
    }

    fn end(mut self) {
        drop(self.process.stdin.take());
        assert!(self.process.wait().expect("it ends").success());
    }
}

/// A URL at which no server listens.
fn nowhere() -> String {
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("it is bound").port();
    format!("http://127.0.0.1:{port}/f")
}

#[test]
fn what_it_can_do_follows_from_dialect_and_clock() {
    let can = |options: &[&str], dialect: &str, word: &str| {
        let (engine, hello) = Engine::start(options, dialect);
        engine.end();
        hello["can"].as_array().expect("words").iter().any(|can| can == word)
    };
    assert!(can(&["--held-clock"], "bits", "clock") && !can(&[], "bits", "clock"));
    assert!(can(&[], "bits", "programs") && !can(&[], "do", "programs"));
    assert!(!can(&["--dialect", "do"], "bits", "programs"));
}

#[test]
fn a_timeout_comes_when_the_clock_is_moved_and_a_throwing_callback_is_told_again() {
    let (mut engine, _) = Engine::start(&["--held-clock"], "bits");
    engine.call(4, "CreateJob", json!({"name": "a", "kind": 0}));
    engine.call(4, "AddFile", json!({"file": {"remote": nowhere(), "local": "/tmp/bgcheck-nowhere"}}));
    engine.call(4, "SetNoProgressTimeout", json!({"seconds": 0}));
    let receiver = json!({"receiver": {"id": 7, "interfaces": "CALLBACK"}});
    engine.call(4, "SetNotifyInterface", receiver);
    assert_eq!(engine.call(4, "GetNotifyInterface", Value::Null)["out"], json!({"receiver": 7}));
    engine
        .done(json!({"leaves": [{"event": "JobError", "throw": true}, {"event": "JobError", "hold": true}]}));
    engine.say(&json!({"id": 1000, "thread": 0, "job": 4, "call": "Resume"}));
    let enter = engine.until("enter");
    assert_eq!(
        (&enter["job"], &enter["given"]["job"], &enter["given"]["receiver"]),
        (&json!(4), &json!(4), &json!(7))
    );
    assert!(enter["given"]["error"].is_string());
    assert_eq!(engine.until("leave")["threw"], true);
    engine.say(&json!({"id": 1001, "clock": {"advance_ms": 600_000}}));
    let held = engine.until("enter")["enter"].clone();
    // A reset lets go of it, and bgcheck's numbers go on.
    let reset = engine.done(json!({"reset": true}));
    assert!(reset.iter().any(|line| line["leave"] == held));
    assert_eq!(engine.call(5, "CreateJob", json!({"name": "a", "kind": 0}))["out"], json!({"job": 5}));
    assert_eq!(engine.call(4, "GetState", Value::Null)["hr"], "RPC_S_SERVER_UNAVAILABLE");
    engine.end();
}

#[test]
fn a_defect_that_is_not_there_is_refused_with_the_list() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_adapter-engine"));
    let refused = command.args(["--defect", "nonsense"]).output().expect("the binary of this test");
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("cancel-returns-early"));
}
