//! `adapter::serve` with a toy behind it, over pipes.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, PipeReader, PipeWriter, Write as _, pipe};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{JoinHandle, spawn};

use adapter::serve::{Answer, Callbacks, Caller, Refusal, ServeError, Subject, Told, serve};
use adapter::wire::{ClockMove, DiskOrder, Hello, Line, WireOut, WireReceiver};
use contract::event::Leave;
use contract::{Call, Event, HResult, JobState};
use serde_json::{Value, json};

/// Jobs that are transferred as soon as they are resumed. Cancel waits for the callback that runs, unless it comes from inside.
struct Toy {
    callbacks: Callbacks,
    jobs: Arc<(Mutex<BTreeMap<u32, Job>>, Condvar)>,
}

#[derive(Default)]
struct Job {
    state: Option<JobState>,
    receiver: Option<u32>,
    running: u32,
}

impl Toy {
    fn with<T>(&self, job: Option<u32>, act: impl FnOnce(&mut Job) -> T) -> T {
        let mut jobs = self.jobs.0.lock().expect("no test panics with it");
        act(jobs.entry(job.unwrap_or_default()).or_default())
    }

    fn transferred(&self, job: Option<u32>) {
        let (callbacks, jobs, number) =
            (self.callbacks.clone(), Arc::clone(&self.jobs), job.unwrap_or_default());
        let receiver = self.with(job, |job| {
            job.running += 1;
            job.receiver
        });
        let receiver = match receiver {
            Some(number) => WireReceiver::Object(number),
            None => WireReceiver::Program("command_line".to_owned()),
        };
        let told = Told { job: number, event: Event::JobTransferred, receiver, file: None, given: None };
        spawn(move || {
            let thrown = catch_unwind(AssertUnwindSafe(|| match callbacks.deliver(told) {
                Leave::Panicked => std::panic::resume_unwind(Box::new("on purpose")),
                left => left,
            }));
            drop(thrown);
            jobs.0.lock().expect("no test panics with it").entry(number).or_default().running -= 1;
            jobs.1.notify_all();
        });
    }

    fn cancel(&self, caller: Caller, number: Option<u32>) {
        let mut jobs = self.jobs.0.lock().expect("no test panics with it");
        let running =
            |jobs: &BTreeMap<u32, Job>| jobs.get(&number.unwrap_or_default()).map_or(0, |job| job.running);
        while matches!(caller, Caller::Thread(_)) && running(&jobs) > 0 {
            jobs = self.jobs.1.wait(jobs).expect("no test panics with it");
        }
        jobs.entry(number.unwrap_or_default()).or_default().state = Some(JobState::Cancelled);
    }
}

impl Subject for Toy {
    fn call(&self, caller: Caller, job: Option<u32>, call: &Call) -> Result<Answer, Refusal> {
        match call {
            Call::CreateJob { .. } => self.with(job, |job| job.state = Some(JobState::Suspended)),
            Call::SetNotifyInterface { receiver } => {
                self.with(job, |job| job.receiver = receiver.map(|receiver| receiver.id.0));
            }
            Call::Resume => {
                self.with(job, |job| job.state = Some(JobState::Transferred));
                self.transferred(job);
            }
            Call::Cancel => self.cancel(caller, job),
            Call::GetState => {
                let state = self.with(job, |job| job.state);
                return Ok(Answer { hr: HResult::S_OK, out: state.map(WireOut::State) });
            }
            // What is done on purpose prints nothing on the terminal.
            Call::GetOwner => std::panic::resume_unwind(Box::new("the toy is broken")),
            other => return Err(Refusal::unimplemented(format!("{other} is not there"))),
        }
        Ok(Answer::of(HResult::S_OK))
    }

    fn poll(&self, job: u32) -> Result<Option<JobState>, Refusal> {
        Ok(self.with(Some(job), |job| job.state))
    }

    fn reset(&self) -> Result<Vec<u32>, Refusal> {
        Ok(self.jobs.0.lock().expect("no test panics with it").keys().copied().collect())
    }

    fn clock(&self, _: ClockMove) -> Result<(), Refusal> {
        Ok(())
    }

    fn disk(&self, _: DiskOrder) -> Result<(), Refusal> {
        Ok(())
    }
}

/// The other end of the pipes.
struct Peer {
    to: Option<PipeWriter>,
    from: BufReader<PipeReader>,
    server: JoinHandle<Result<(), ServeError>>,
    seen: Vec<Value>,
    next: i64,
}

impl Peer {
    fn start() -> Peer {
        let mut peer = Peer::silent();
        peer.say(
            r#"{"hello":1,"dialect":"bits","root":"/tmp/x","http":"http://127.0.0.1:1","seed":9,"new":true}"#,
        );
        let hello = peer.read();
        assert_eq!((hello["hello"].clone(), hello["name"].clone()), (json!(1), json!("toy")));
        peer
    }

    fn silent() -> Peer {
        let (input, to) = pipe().expect("a pipe");
        let (from, output) = pipe().expect("a pipe");
        let server = spawn(move || {
            serve(BufReader::new(input), output, |greeting, callbacks| {
                assert_eq!(greeting.seed, 9);
                let toy = Toy { callbacks: callbacks.clone(), jobs: Arc::default() };
                let hello = Hello { name: "toy".to_owned(), ..Hello::default() };
                Ok((hello, Arc::new(toy) as Arc<dyn Subject>))
            })
        });
        Peer { to: Some(to), from: BufReader::new(from), server, seen: Vec::new(), next: 1 }
    }

    fn say(&mut self, line: &str) {
        writeln!(self.to.as_mut().expect("it is open"), "{line}").expect("it reads");
    }

    /// Reads a line, which must be one of the protocol.
    fn read(&mut self) -> Value {
        let mut text = String::new();
        self.from.read_line(&mut text).expect("it writes");
        Line::parse(&text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        let line: Value = serde_json::from_str(&text).expect("it was parsed before");
        self.seen.push(line.clone());
        line
    }

    /// A line with these fields: one that was read before, or the next.
    fn find(&mut self, wanted: Value) -> Value {
        let fits =
            |line: &Value| wanted.as_object().expect("fields").iter().all(|(key, value)| line[key] == *value);
        if let Some(line) = self.seen.iter().find(|line| fits(line)) {
            return line.clone();
        }
        loop {
            let line = self.read();
            if fits(&line) {
                return line;
            }
        }
    }

    fn send(&mut self, mut command: Value) -> i64 {
        let id = self.next;
        self.next += 1;
        command["id"] = json!(id);
        self.say(&command.to_string());
        id
    }

    fn call(&mut self, thread: u32, job: u32, method: &str) -> i64 {
        self.send(json!({"thread": thread, "job": job, "call": method}))
    }

    /// Sends a command, and gives its end.
    fn done(&mut self, command: Value) -> Value {
        let id = self.send(command);
        self.find(json!({"end": id}))
    }

    /// A job with a client object.
    fn job(&mut self, job: u32) {
        let create = json!({"thread": 0, "job": job, "call": "CreateJob", "args": {"name": "a", "kind": 0}});
        let receiver = json!({"receiver": {"id": 7, "interfaces": "CALLBACK"}});
        let register = json!({"thread": 0, "job": job, "call": "SetNotifyInterface", "args": receiver});
        assert_eq!(self.done(create)["hr"], "S_OK");
        assert_eq!(self.done(register)["hr"], "S_OK");
    }

    /// The end of the input. The counter has no gaps, and lines that one thread writes are in order.
    fn end(mut self) {
        drop(self.to.take());
        let mut rest = String::new();
        while self.from.read_line(&mut rest).expect("it writes") > 0 {
            self.seen.push(serde_json::from_str(&rest).expect("a line"));
            rest.clear();
        }
        self.server.join().expect("it does not panic").expect("it ends well");
        let mut counted: Vec<u64> = self.seen.iter().filter_map(|line| line["q"].as_u64()).collect();
        counted.sort_unstable();
        assert_eq!(counted, (0..counted.len() as u64).collect::<Vec<_>>());
    }
}

#[test]
fn every_command_is_answered() {
    let mut peer = Peer::start();
    peer.job(3);
    let id = peer.call(0, 3, "GetState");
    let (start, end) = (peer.find(json!({"start": id})), peer.find(json!({"end": id})));
    assert!(start["q"].as_u64() < end["q"].as_u64());
    assert_eq!((&end["hr"], &end["out"]), (&json!("S_OK"), &json!({"state": "Suspended"})));
    assert_eq!(peer.done(json!({"poll": 3}))["out"], json!({"state": "Suspended"}));
    assert_eq!(peer.done(json!({"poll": 4})).get("out"), None);
    for command in
        [json!({"clock": {"advance_ms": 5}}), json!({"disk": "good"}), json!({"disk": {"rename_fails": 0}})]
    {
        assert_eq!(peer.done(command).get("unimplemented"), None);
    }
    for command in [json!({"observe": ["f0"]}), json!({"restart": "kill"}), json!({"from": "the future"})] {
        assert!(peer.done(command)["unimplemented"].is_string());
    }
    let suspend = peer.call(0, 3, "Suspend");
    assert_eq!(peer.find(json!({"end": suspend}))["unimplemented"], "Suspend() is not there");
    let other = peer.call(0, 3, "Frobnicate");
    assert!(peer.find(json!({"end": other}))["unimplemented"].is_string());
    assert_eq!(peer.done(json!({"reset": true}))["left"], json!([3, 4]));
    peer.end();
}

#[test]
fn callbacks_end_as_ordered_and_without_an_order_well() {
    let mut peer = Peer::start();
    peer.job(1);
    let leaves = json!([
        {"event": "JobTransferred", "hr": "0x80004005"},
        {"event": "JobError", "hr": "E_ABORT"},
        {"event": "JobTransferred", "throw": true},
    ]);
    peer.done(json!({"leaves": leaves}));
    let expected = [("hr", json!("E_FAIL")), ("threw", json!(true)), ("hr", json!("S_OK"))];
    for (number, (key, value)) in (1..).zip(expected) {
        peer.call(0, 1, "Resume");
        let enter = peer.find(json!({"enter": number}));
        assert_eq!((&enter["job"], &enter["event"]), (&json!(1), &json!("JobTransferred")));
        assert_eq!(enter["receiver"], 7);
        assert_eq!(peer.find(json!({"leave": number}))[key], value);
    }
    // Later orders replace all earlier ones.
    peer.done(json!({"leaves": [{"event": "JobTransferred", "hr": "E_FAIL"}, {"event": "JobTransferred", "hr": "E_FAIL"}]}));
    peer.done(json!({"leaves": [{"event": "JobTransferred", "hr": "S_FALSE"}]}));
    for (number, hr) in [(4, "S_FALSE"), (5, "S_OK")] {
        peer.call(0, 1, "Resume");
        assert_eq!(peer.find(json!({"leave": number}))["hr"], hr);
    }
    peer.end();
}

#[test]
fn a_program_takes_orders_with_an_exit_code_alone() {
    let mut peer = Peer::start();
    let create = json!({"thread": 0, "job": 1, "call": "CreateJob", "args": {"name": "a", "kind": 0}});
    peer.done(create);
    let leaves = json!([{"event": "JobTransferred", "hr": "E_FAIL"}, {"event": "JobTransferred", "exit": 3}]);
    peer.done(json!({ "leaves": leaves }));
    peer.call(0, 1, "Resume");
    assert_eq!(peer.find(json!({"enter": 1}))["receiver"], "command_line");
    assert_eq!(peer.find(json!({"leave": 1}))["exited"], 3);
    peer.call(0, 1, "Resume");
    assert_eq!(peer.find(json!({"leave": 2}))["exited"], 0);
    peer.end();
}

#[test]
fn calls_from_inside_have_numbers_of_their_own() {
    let mut peer = Peer::start();
    peer.job(1);
    let calls = json!([{"call": "Cancel"}, {"call": "GetState"}]);
    peer.done(json!({"leaves": [{"event": "JobTransferred", "calls": calls, "hr": "S_FALSE"}]}));
    peer.call(0, 1, "Resume");
    let cancel = peer.find(json!({"inside": 1, "call": "Cancel"}));
    let state = peer.find(json!({"inside": 1, "call": "GetState"}));
    assert_eq!((&cancel["job"], &state["job"]), (&json!(1), &json!(1)));
    assert!(cancel["start"].as_i64() < Some(0) && cancel["start"] != state["start"]);
    assert_eq!(peer.find(json!({"end": state["start"]}))["out"], json!({"state": "Cancelled"}));
    assert_eq!(peer.find(json!({"leave": 1}))["hr"], "S_FALSE");
    peer.end();
}

#[test]
fn a_held_callback_blocks_one_thread_until_it_is_released() {
    let mut peer = Peer::start();
    peer.job(1);
    peer.done(json!({"leaves": [{"event": "JobTransferred", "hold": true}]}));
    peer.call(0, 1, "Resume");
    peer.find(json!({"enter": 1}));
    let cancel = peer.call(1, 1, "Cancel");
    peer.find(json!({"start": cancel}));
    let behind = peer.call(1, 1, "GetState");
    // Other threads and polls go on.
    assert_eq!(peer.done(json!({"thread": 0, "job": 1, "call": "GetState"}))["hr"], "S_OK");
    peer.done(json!({"poll": 1}));
    assert!(
        !peer.seen.iter().any(|line| line["end"] == cancel || line["start"] == behind || line["leave"] == 1)
    );
    peer.done(json!({"release": 1}));
    let (leave, end) = (peer.find(json!({"leave": 1})), peer.find(json!({"end": cancel})));
    assert!(leave["q"].as_u64() < end["q"].as_u64());
    assert!(end["q"].as_u64() < peer.find(json!({"start": behind}))["q"].as_u64());
    let unknown = peer.send(json!({"release": 99}));
    peer.find(json!({"errored": unknown}));
    peer.end();
}

#[test]
fn reset_and_the_end_of_the_input_let_go_of_what_is_held() {
    let mut peer = Peer::start();
    peer.job(1);
    let hold = json!({"event": "JobTransferred", "hold": true});
    peer.done(json!({"leaves": [hold, hold, {"event": "JobTransferred", "hr": "E_FAIL"}]}));
    peer.call(0, 1, "Resume");
    peer.find(json!({"enter": 1}));
    peer.done(json!({"reset": true}));
    assert_eq!(peer.find(json!({"leave": 1}))["hr"], "S_OK");
    // The orders are forgotten, too.
    peer.call(0, 1, "Resume");
    assert_eq!(peer.find(json!({"leave": 2}))["hr"], "S_OK");
    peer.done(json!({"leaves": [hold]}));
    peer.call(0, 1, "Resume");
    peer.find(json!({"enter": 3}));
    peer.call(1, 1, "Cancel");
    peer.end();
}

#[test]
fn a_race_is_written_as_a_whole() {
    let mut peer = Peer::start();
    let run = |job: u32, trigger: &str, racer: Value| {
        let receiver = json!({"receiver": {"id": job, "interfaces": "CALLBACK"}});
        let mut run = json!({
            "job": job, "trigger": trigger, "delay_us": 200, "after": [{"call": "GetState"}],
            "before": [
                {"call": "CreateJob", "args": {"name": "a", "kind": 0}},
                {"call": "SetNotifyInterface", "args": receiver},
                {"call": "Resume"},
            ],
        });
        if !racer.is_null() {
            run["racer"] = racer;
        }
        run
    };
    let cancel = json!({"call": "Cancel"});
    let runs = [
        run(100, "after_return", cancel.clone()),
        run(101, "at_enter", cancel),
        run(102, "at_enter", Value::Null),
    ];
    let end = peer.done(json!({"race": {"settle_ms": 2, "runs": runs}}));
    assert_eq!(end.get("unimplemented"), None);
    for (number, racing) in [(0, 1), (1, 1), (2, 0)] {
        let of_run: Vec<Value> = peer.seen.iter().filter(|line| line["run"] == number).cloned().collect();
        let calls: Vec<_> = of_run.iter().filter_map(|line| line["call"].as_str()).collect();
        let (before, after) = (["CreateJob", "SetNotifyInterface", "Resume"], ["GetState"]);
        let racer: &[&str] = if racing == 1 { &["Cancel"] } else { &[] };
        assert_eq!(calls, [&before[..], racer, &after[..]].concat());
        for start in &of_run {
            let thread = u32::from(start["call"] == "Cancel");
            assert_eq!((&start["thread"], &start["job"]), (&json!(thread), &json!(100 + number)));
            assert_eq!(peer.seen.iter().filter(|line| line["end"] == start["start"]).count(), 1);
        }
        let enters = peer.seen.iter().filter(|line| line["enter"].is_u64() && line["job"] == 100 + number);
        assert_eq!(enters.count(), 1);
    }
    // Lines go out again.
    assert_eq!(peer.done(json!({"poll": 100}))["out"], json!({"state": "Cancelled"}));
    peer.end();
}

#[test]
fn what_the_adapter_does_wrong_is_errored() {
    let mut peer = Peer::start();
    peer.job(1);
    let broken = peer.call(0, 1, "GetOwner");
    assert_eq!(peer.find(json!({"errored": broken}))["message"], "the adapter panicked: the toy is broken");
    let args = peer.send(json!({"thread": 0, "job": 1, "call": "SetNotifyFlags", "args": {"flags": "x"}}));
    peer.find(json!({"errored": args}));
    let fields = peer.send(json!({"release": "x"}));
    peer.find(json!({"errored": fields}));
    for garbage in ["garbage".to_owned(), "[1]".to_owned(), format!("{{\"x\":\"{}\"}}", "x".repeat(1 << 20))]
    {
        peer.say(&garbage);
        peer.find(json!({"errored": 0}));
        peer.seen.retain(|line| line["errored"] != 0);
    }
    // And it goes on.
    assert_eq!(peer.done(json!({"thread": 0, "job": 1, "call": "GetState"}))["hr"], "S_OK");
    peer.end();
}

#[test]
fn the_first_line_is_a_greeting() {
    for line in [r#"{"id":1,"poll":1}"#, "garbage", r#"{"hello":1}"#] {
        let mut peer = Peer::silent();
        peer.say(line);
        let error = peer.server.join().expect("it does not panic").expect_err("it is refused");
        assert!(error.to_string().contains("`hello`"), "{error}");
    }
}
