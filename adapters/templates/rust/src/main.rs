//! My adapter: what bgcheck asks for, in the words of my implementation.
//!
//! Part 1 is yours: write the methods, one after the other. Part 2, the module `protocol`, does the rest and needs no change.

use protocol::{Answer, Call, Callbacks, Implementation, serve};
use serde_json::{Value, json};

/// The methods that you have written: bgcheck calls no others, and reports them as left out. `"CreateJob"` and `"GetState"` come first.
const METHODS: &[&str] = &[];

/// The events that are passed on.
const EVENTS: [&str; 2] = ["JobTransferred", "JobError"];

/// Your implementation, or a connection to it. Calls come from several threads at once.
struct Mine {
    /// For your client objects: in each of their methods, first of all,
    /// `self.callbacks.deliver(job, "JobTransferred", receiver, None)`, and return what it gives.
    #[allow(dead_code)]
    callbacks: Callbacks,
}

impl Mine {
    /// `greeting` has `root`, the directory for destinations, and `http`, the address of the file server.
    fn start(greeting: &Value, callbacks: Callbacks) -> Mine {
        eprintln!("starting for the dialect {}", greeting["dialect"]);
        Mine { callbacks }
    }
}

impl Implementation for Mine {
    fn hello(&self) -> Value {
        json!({
            "name": "my implementation",
            "version": "0.1.0",
            "language": "rust",
            "methods": METHODS,
            "events": EVENTS,
            // What part 2 does for you. `throw`, `given`, `clock`, `disk` and others are in docs/adapter-protocol.md.
            "can": ["nested", "hold"],
        })
    }

    fn call(&self, call: &Call) -> Answer {
        // `call.job` is bgcheck's number: for CreateJob the one that the new job gets, for every other method one you have given away.
        // `call.args` is as in docs/adapter-protocol.md. An answer is `Answer::hr("S_OK")`, or
        // `Answer::out("S_OK", json!({"state": "Suspended"}))`.
        match call.method.as_str() {
            "CreateJob" => not_written(call),
            "AddFile" => not_written(call),
            "Resume" => not_written(call),
            "Suspend" => not_written(call),
            "Cancel" => not_written(call),
            "Complete" => not_written(call),
            "GetState" => not_written(call),
            "GetError" => not_written(call),
            "GetProgress" => not_written(call),
            "SetNotifyFlags" => not_written(call),
            "GetNotifyFlags" => not_written(call),
            "SetNotifyInterface" => not_written(call),
            other => Answer::unimplemented(format!("there is no {other} here")),
        }
    }

    /// The state of a job without a client, such as "Suspended". None when there is no such job, or when you do not know.
    fn poll(&self, _job: u64) -> Option<String> {
        None
    }

    /// Ends every job. Gives back those that could not be ended.
    fn reset(&self) -> Vec<u64> {
        Vec::new()
    }
}

fn not_written(call: &Call) -> Answer {
    Answer::unimplemented(format!("{} is not written yet", call.method))
}

fn main() {
    serve(Mine::start);
}

// Part 2.

/// The part of the protocol `bgcheck-adapter/1` that all adapters share: docs/adapter-protocol.md.
///
/// Threads by number, the counter `q`, orders for callbacks, calls from inside, hold and release. Commands that are not here, such as
/// `race` and `clock`, are answered as unimplemented.
// Until the first methods are written, not all of it is used.
#[allow(dead_code)]
mod protocol {
    use std::collections::{BTreeMap, BTreeSet, VecDeque};
    use std::io::{self, BufRead, Write};
    use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
    use std::sync::mpsc::{Sender, channel};
    use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
    use std::time::Duration;

    use serde_json::{Map, Value, json};

    /// What you write.
    pub trait Implementation: Send + Sync + 'static {
        /// Who it is and what it can do, without `hello` and `q`.
        fn hello(&self) -> Value;
        /// Makes a call.
        fn call(&self, call: &Call) -> Answer;
        /// The state of a job, from outside of any client.
        fn poll(&self, job: u64) -> Option<String>;
        /// Ends every job.
        fn reset(&self) -> Vec<u64>;
    }

    /// A call.
    pub struct Call {
        /// Its name.
        pub method: String,
        /// bgcheck's number of the job.
        pub job: Option<u64>,
        /// The arguments by name; null without any.
        pub args: Value,
        /// The callback from inside of which it is made.
        pub inside: Option<u64>,
    }

    /// What a call answered.
    pub struct Answer(Map<String, Value>);

    impl Answer {
        /// A code, by name or as `0x80200002`.
        pub fn hr(hr: &str) -> Answer {
            Answer(fields(json!({ "hr": hr })))
        }

        /// A code and what was given back, such as `{"state":"Suspended"}`.
        pub fn out(hr: &str, out: Value) -> Answer {
            Answer(fields(json!({ "hr": hr, "out": out })))
        }

        /// It was not made, and why.
        pub fn unimplemented(why: impl Into<String>) -> Answer {
            Answer(fields(json!({ "unimplemented": why.into() })))
        }
    }

    /// How a client's method ends.
    pub enum Left {
        /// It returns this code.
        Returns(String),
        /// It throws. Only with `throw` in `can`.
        Throws,
    }

    /// What your client objects use. All clones share one state.
    #[derive(Clone)]
    pub struct Callbacks(Arc<Shared>);

    struct Shared {
        q: AtomicU64,
        next_enter: AtomicU64,
        next_own: AtomicI64,
        orders: Mutex<Orders>,
        released: Condvar,
        implementation: OnceLock<Weak<dyn Implementation>>,
    }

    #[derive(Default)]
    struct Orders {
        waiting: BTreeMap<String, VecDeque<Value>>,
        held: BTreeSet<u64>,
    }

    impl Callbacks {
        /// The whole of a client's method: `enter`, what was ordered, `leave`. `receiver` is the number of the object, `file` is for FileTransferred.
        pub fn deliver(&self, job: u64, event: &str, receiver: u64, file: Option<u64>) -> Left {
            let q = self.next_q();
            let number = self.0.next_enter.fetch_add(1, Ordering::SeqCst);
            let order = self.take_order(event, number);
            let mut enter =
                json!({"q": q, "enter": number, "job": job, "event": event, "receiver": receiver});
            if let Some(file) = file {
                enter["file"] = json!(file);
            }
            write(&enter);
            for planned in order["calls"].as_array().into_iter().flatten() {
                self.call_from_inside(job, number, planned);
            }
            let held = |orders: &mut Orders| orders.held.contains(&number);
            drop(self.0.released.wait_while(self.orders(), held).unwrap_or_else(PoisonError::into_inner));
            let q = self.next_q();
            if order["throw"] == true {
                write(&json!({"q": q, "leave": number, "threw": true}));
                return Left::Throws;
            }
            let hr = order["hr"].as_str().unwrap_or("S_OK").to_owned();
            write(&json!({"q": q, "leave": number, "hr": hr}));
            Left::Returns(hr)
        }

        fn call_from_inside(&self, job: u64, number: u64, planned: &Value) {
            let id = self.0.next_own.fetch_sub(1, Ordering::SeqCst);
            let call = Call {
                method: planned["call"].as_str().unwrap_or_default().to_owned(),
                job: planned["job"].as_u64().or(Some(job)),
                args: planned["args"].clone(),
                inside: Some(number),
            };
            let mut start = json!({"start": id, "inside": number, "call": call.method, "job": call.job});
            if !call.args.is_null() {
                start["args"] = call.args.clone();
            }
            self.make(id, start, &call);
        }

        fn make(&self, id: i64, mut start: Value, call: &Call) {
            let Some(implementation) = self.0.implementation.get().and_then(Weak::upgrade) else { return };
            start["q"] = json!(self.next_q());
            write(&start);
            let Answer(answer) = implementation.call(call);
            self.end(id, answer);
        }

        /// `q` is taken first of all: this is called directly after the call.
        fn end(&self, id: i64, mut answer: Map<String, Value>) {
            answer.insert("q".to_owned(), json!(self.next_q()));
            answer.insert("end".to_owned(), json!(id));
            write(&Value::Object(answer));
        }

        fn take_order(&self, event: &str, number: u64) -> Value {
            let mut orders = self.orders();
            let order = orders.waiting.get_mut(event).and_then(VecDeque::pop_front).unwrap_or_default();
            if order["hold"] == true {
                orders.held.insert(number);
            }
            order
        }

        /// Replaces every order.
        fn order(&self, leaves: &Value) {
            let mut waiting = BTreeMap::<String, VecDeque<Value>>::new();
            for order in leaves.as_array().into_iter().flatten() {
                let event = order["event"].as_str().unwrap_or_default().to_owned();
                waiting.entry(event).or_default().push_back(order.clone());
            }
            self.orders().waiting = waiting;
        }

        fn release(&self, number: u64) {
            self.orders().held.remove(&number);
            self.0.released.notify_all();
        }

        fn forget(&self) {
            *self.orders() = Orders::default();
            self.0.released.notify_all();
        }

        fn next_q(&self) -> u64 {
            self.0.q.fetch_add(1, Ordering::SeqCst)
        }

        fn orders(&self) -> MutexGuard<'_, Orders> {
            self.0.orders.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    /// Answers commands until stdin ends. `start` gets the first line.
    pub fn serve<I: Implementation>(start: impl FnOnce(&Value, Callbacks) -> I) {
        let mut lines = io::stdin().lock().lines().map_while(Result::ok);
        let Some(greeting) = lines.next().and_then(|line| serde_json::from_str::<Value>(&line).ok()) else {
            eprintln!("the first line must be a `hello`: start this with `bgcheck adapter`");
            std::process::exit(1);
        };
        let callbacks = Callbacks(Arc::new(Shared {
            q: AtomicU64::new(0),
            next_enter: AtomicU64::new(1),
            next_own: AtomicI64::new(-1),
            orders: Mutex::default(),
            released: Condvar::new(),
            implementation: OnceLock::new(),
        }));
        let implementation: Arc<dyn Implementation> = Arc::new(start(&greeting, callbacks.clone()));
        // Set once, here.
        let _ = callbacks.0.implementation.set(Arc::downgrade(&implementation));
        let mut hello = implementation.hello();
        hello["hello"] = json!(1);
        hello["q"] = json!(callbacks.next_q());
        write(&hello);
        let mut threads = Threads::default();
        for line in lines.filter(|line| !line.trim().is_empty()) {
            match serde_json::from_str::<Value>(&line) {
                Ok(command) => obey(&implementation, &callbacks, &mut threads, command),
                Err(error) => {
                    write(&json!({"errored": 0, "message": format!("a line that is not JSON: {error}")}))
                }
            }
        }
        callbacks.forget();
        threads.end(Duration::from_secs(5));
    }

    fn obey(it: &Arc<dyn Implementation>, callbacks: &Callbacks, threads: &mut Threads, command: Value) {
        let id = command["id"].as_i64().unwrap_or_default();
        let (it, callbacks) = (Arc::clone(it), callbacks.clone());
        if let Some(method) = command["call"].as_str() {
            let (job, args) = (command["job"].as_u64(), command["args"].clone());
            let call = Call { method: method.to_owned(), job, args, inside: None };
            let thread = format!("client {}", command["thread"]);
            threads.give(thread, move || callbacks.make(id, json!({ "start": id }), &call));
        } else if let Some(job) = command["poll"].as_u64() {
            threads.give("polls".to_owned(), move || {
                let out = it.poll(job).map(|state| json!({"out": {"state": state}}));
                callbacks.end(id, out.map(fields).unwrap_or_default());
            });
        } else if command["reset"] == true {
            callbacks.forget();
            threads.give("reset".to_owned(), move || {
                let left = it.reset();
                callbacks.end(id, fields(json!({ "left": left })));
            });
        } else if command["leaves"].is_array() {
            callbacks.order(&command["leaves"]);
            callbacks.end(id, Map::new());
        } else if let Some(number) = command["release"].as_u64() {
            callbacks.release(number);
            callbacks.end(id, Map::new());
        } else {
            callbacks.end(id, fields(json!({"unimplemented": "this adapter does not know the command"})));
        }
    }

    type Task = Box<dyn FnOnce() + Send>;

    /// Threads by name, each made when it is first needed. What one is given it does in order.
    #[derive(Default)]
    struct Threads {
        known: BTreeMap<String, Sender<Task>>,
        running: Vec<std::thread::JoinHandle<()>>,
    }

    impl Threads {
        fn give(&mut self, name: String, task: impl FnOnce() + Send + 'static) {
            let running = &mut self.running;
            let sender = self.known.entry(name).or_insert_with(|| {
                let (sender, tasks) = channel::<Task>();
                running.push(std::thread::spawn(move || tasks.into_iter().for_each(|task| task())));
                sender
            });
            // A thread that has panicked takes nothing more: bgcheck sees that its commands stay open.
            let _ = sender.send(Box::new(task));
        }

        /// Waits until everything is done, for as long as the limit.
        fn end(self, limit: Duration) {
            drop(self.known);
            let step = Duration::from_millis(5);
            let mut left = limit;
            while !self.running.iter().all(|thread| thread.is_finished()) && !left.is_zero() {
                std::thread::sleep(step);
                left = left.saturating_sub(step);
            }
        }
    }

    fn write(line: &Value) {
        let mut out = io::stdout().lock();
        // When bgcheck no longer reads, stdin ends, too.
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    }

    fn fields(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(fields) => fields,
            _ => Map::new(),
        }
    }
}
