//! Arbitrary traces: every kind of line, every kind of answer, fitting together.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use contract::call::*;
use contract::dialect::Switch;
use contract::event::Given;
use contract::*;
use judge::trace::*;
use judge::{Ended, Header, Line, Recorded, Trace};
use proptest::prelude::*;

/// A trace that fits together, of up to 60 lines.
pub(crate) fn trace() -> impl Strategy<Value = Trace> {
    (header(), prop::collection::vec((1_u64..4, kind()), 0..60))
        .prop_map(|(header, kinds)| Trace { header, lines: fit(kinds) })
}

/// Numbers the lines and drops those that do not fit.
fn fit(kinds: Vec<(u64, Kind)>) -> Vec<Line> {
    let (mut calls, mut deliveries, mut seq) = (BTreeSet::new(), BTreeSet::new(), 0);
    let fits = |kind: &Kind| match kind {
        Kind::Call(call) => {
            call.inside.is_none_or(|inside| deliveries.contains(&inside)) && calls.insert(call.id)
        }
        Kind::Return(back) => calls.remove(&back.call),
        Kind::Begin(begin) => !deliveries.contains(&begin.delivery),
        Kind::Wait(wait) => calls.contains(&wait.call),
        Kind::Unknown(unknown) => calls.contains(&unknown.call),
        Kind::Enter(enter) => deliveries.insert(enter.delivery),
        Kind::Given(told) => deliveries.contains(&told.delivery),
        Kind::Leave(leave) => deliveries.remove(&leave.delivery),
        Kind::Crash {} | Kind::Restart {} => {
            (calls, deliveries) = (BTreeSet::new(), BTreeSet::new());
            true
        }
        _ => true,
    };
    let number = |(step, kind)| {
        seq += step;
        (seq, kind)
    };
    let mut fits = fits;
    kinds
        .into_iter()
        .map(number)
        .filter(|(_, kind)| fits(kind))
        .map(|(seq, what)| Line { seq, what })
        .collect()
}

fn header() -> impl Strategy<Value = Header> {
    let switch = prop::option::of(prop_oneof![Just(Switch::On), Just(Switch::Off)]);
    let parts =
        (any::<bool>(), switch, ".{0,8}", prop::option::of(any::<u64>()), any::<u32>(), any::<bool>());
    parts.prop_map(|(bits, disable_masks, text, seed, clock_scale, rest)| {
        let dialect = if bits { Dialect::Bits } else { Dialect::Do };
        Header {
            switches: Switches { disable_masks, ..Switches::default() },
            scope: text.clone(),
            subject: text.clone(),
            engine: text.clone(),
            seed,
            commit: rest.then_some(text),
            clock_scale,
            records: if rest { vec![Recorded::Call, Recorded::Choose] } else { Recorded::EVENTS.to_vec() },
            ended: if rest { Ended::AtRest } else { Ended::Cut },
            finding: bits.then(|| HeaderFinding {
                id: "L3-later-delivery".into(),
                exit_code: 2,
                what: String::new(),
            }),
            ..Header::of(dialect.profile())
        }
    })
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        6 => (id(), 0_u32..3, prop::option::of(id()), prop::option::of(id()), call()).prop_map(
            |(id, thread, inside, job, call)| Kind::Call(CallLine {
                id: CallId(id),
                thread: ThreadId(thread),
                user: UserId(0),
                inside: inside.map(DeliveryId),
                job: job.map(JobId),
                call,
            })
        ),
        6 => (id(), prop::option::of(id()), hr(), out()).prop_map(|(call, job, hr, out)| Kind::Return(ReturnLine {
            call: CallId(call),
            job: job.map(JobId),
            hr,
            out,
        })),
        4 => (id(), id(), event(), prop::option::of(id()), prop::option::of(id())).prop_map(
            |(delivery, job, event, object, file)| Kind::Enter(EnterLine {
                delivery: DeliveryId(delivery),
                job: JobId(job),
                event,
                receiver: object.map_or(Told::CommandLine, |object| Told::Interface(ReceiverId(object))),
                file: file.map(FileId),
            })
        ),
        2 => (id(), id(), event(), prop::option::of(id()), prop::option::of(id())).prop_map(
            |(delivery, job, event, object, file)| Kind::Begin(BeginLine {
                delivery: DeliveryId(delivery),
                job: JobId(job),
                event,
                receiver: object.map_or(Told::CommandLine, |object| Told::Interface(ReceiverId(object))),
                file: file.map(FileId),
            })
        ),
        2 => (id(), id(), id()).prop_map(|(call, job, delivery)| Kind::Wait(WaitLine {
            call: CallId(call),
            job: JobId(job),
            delivery: DeliveryId(delivery),
        })),
        2 => (id(), prop::option::of(id()), prop::option::of(id()), prop::option::of(id()), prop::option::of(hr()))
            .prop_map(|(delivery, receiver, job, file, error)| Kind::Given(GivenLine {
                delivery: DeliveryId(delivery),
                given: Given {
                    receiver: receiver.map(ReceiverId),
                    job: job.map(JobId),
                    file: file.map(FileId),
                    error,
                },
            })),
        4 => (id(), left()).prop_map(|(delivery, outcome)| Kind::Leave(LeaveLine {
            delivery: DeliveryId(delivery),
            outcome,
        })),
        4 => (step(), prop::option::of(id()), prop::option::of(id())).prop_map(|(step, job, file)| Kind::Env(
            EnvLine { step, job: job.map(JobId), file: file.map(FileId) }
        )),
        4 => (id(), prop::option::of(state()), state(), reason()).prop_map(|(job, from, to, by)| Kind::State(
            StateLine { job: JobId(job), from, to, by }
        )),
        1 => (".{0,8}", any::<u32>(), any::<u32>()).prop_map(|(site, options, taken)| Kind::Choose(ChooseLine {
            site,
            options,
            taken,
        })),
        1 => (id(), prop::option::of(id())).prop_map(|(call, job)| Kind::Unknown(UnknownLine {
            call: CallId(call),
            job: job.map(JobId),
        })),
        1 => Just(Kind::Crash {}),
        1 => Just(Kind::Restart {}),
    ]
}

fn id() -> impl Strategy<Value = u32> {
    prop_oneof![9 => 0_u32..3, 1 => any::<u32>()]
}

fn hr() -> impl Strategy<Value = HResult> {
    prop_oneof![3 => Just(HResult::S_OK), 1 => Just(HResult::BG_E_EMPTY), 1 => any::<u32>().prop_map(HResult)]
}

fn event() -> impl Strategy<Value = Event> {
    prop::sample::select(Event::ALL.to_vec())
}

fn state() -> impl Strategy<Value = JobState> {
    prop::sample::select(JobState::ALL.to_vec())
}

fn left() -> impl Strategy<Value = Left> {
    prop_oneof![hr().prop_map(Left::Hr), Just(Left::Panicked), any::<i32>().prop_map(Left::Exited)]
}

fn reason() -> impl Strategy<Value = Reason> {
    prop_oneof![id().prop_map(|id| Reason::Call(CallId(id))), step().prop_map(Reason::Env)]
}

fn step() -> impl Strategy<Value = EnvStep> {
    let found = || prop::sample::select(vec![Found::Absent, Found::Whole, Found::Wrong, Found::Foreign]);
    let acts = vec![DiskAct::Renamed, DiskAct::RenameFailed, DiskAct::Removed, DiskAct::RemoveFailed];
    prop_oneof![
        prop::sample::select(vec![
            EnvStep::Turn,
            EnvStep::Connected,
            EnvStep::FileRestarted,
            EnvStep::FileDone,
            EnvStep::Preempt,
            EnvStep::Logoff { user: None },
            EnvStep::NetworkLost,
            EnvStep::NetworkBack,
            EnvStep::RetryDelayOver,
            EnvStep::NoProgressTimeout,
            EnvStep::Expiry,
            EnvStep::Idle,
        ]),
        any::<u64>().prop_map(|total| EnvStep::SizeKnown { total }),
        (any::<u64>(), any::<Option<u64>>())
            .prop_map(|(transferred, total)| EnvStep::Bytes { transferred, total }),
        hr().prop_map(|hr| EnvStep::TransientError { hr }),
        hr().prop_map(|hr| EnvStep::FatalError { hr }),
        prop::sample::select(acts).prop_map(|act| EnvStep::Disk { act }),
        (found(), found()).prop_map(|(destination, temporary)| EnvStep::Observed { destination, temporary }),
    ]
}

fn text() -> impl Strategy<Value = Text> {
    ".{0,12}".prop_map(Cow::Owned)
}

fn flags() -> impl Strategy<Value = NotifyFlags> {
    (0_u32..64).prop_map(NotifyFlags::from_bits_truncate)
}

fn call() -> impl Strategy<Value = Call> {
    let file = || (text(), text()).prop_map(|(remote, local)| FileNames { remote, local });
    let objects = (id(), 0_u8..8).prop_map(|(id, interfaces)| Receiver {
        id: ReceiverId(id),
        interfaces: Interfaces::from_bits_truncate(interfaces),
    });
    let plain = vec![
        Call::GetJob,
        Call::EnumJobs { whose: Whose::Mine },
        Call::Suspend,
        Call::Resume,
        Call::Cancel,
        Call::Complete,
        Call::GetState,
        Call::GetNotifyFlags,
        Call::GetNotifyInterface,
        Call::GetPriority,
        Call::GetNoProgressTimeout,
        Call::GetProgress,
        Call::EnumFilesNext { skip: 1, celt: 2, fetched: Fetched::Null },
    ];
    prop_oneof![
        4 => prop::sample::select(plain),
        1 => (prop::option::of(text()), any::<u32>()).prop_map(|(name, kind)| Call::CreateJob { name, kind }),
        1 => prop_oneof![0_u32..64, any::<u32>()].prop_map(|flags| Call::SetNotifyFlags { flags }),
        1 => prop::option::of(objects).prop_map(|receiver| Call::SetNotifyInterface { receiver }),
        1 => any::<u32>().prop_map(|seconds| Call::SetNoProgressTimeout { seconds }),
        1 => (0_u32..5).prop_map(|priority| Call::SetPriority { priority }),
        1 => file().prop_map(|file| Call::AddFile { file }),
        1 => prop::collection::vec(file(), 0..3).prop_map(|files| Call::AddFileSet { files }),
        1 => (prop::option::of(text()), prop::option::of(text()))
            .prop_map(|(program, parameters)| Call::SetNotifyCmdLine { program, parameters }),
        1 => (id(), text()).prop_map(|(file, remote)| Call::FileSetRemoteName { file: FileId(file), remote }),
        1 => (hr(), any::<u32>()).prop_map(|(hr, language)| Call::GetErrorDescription { hr, language }),
    ]
}

fn out() -> impl Strategy<Value = Out> {
    let ids = || prop::collection::vec(id(), 0..3);
    let line = (text(), text()).prop_map(|(program, parameters)| CommandLine { program, parameters });
    let error = (hr(), prop::option::of(id())).prop_map(|(hr, file)| ErrorInfo {
        hr,
        context: ErrorContext::RemoteFile,
        file: file.map(FileId),
    });
    let progress = (any::<Option<u64>>(), any::<u64>(), any::<u32>(), any::<u32>()).prop_map(
        |(bytes_total, bytes_transferred, files_total, files_transferred)| Progress {
            bytes_total,
            bytes_transferred,
            files_total,
            files_transferred,
        },
    );
    let file_progress = (any::<Option<u64>>(), any::<u64>(), any::<bool>()).prop_map(
        |(bytes_total, bytes_transferred, whole)| FileProgress {
            bytes_total,
            bytes_transferred,
            completed: if whole { Completed::Yes } else { Completed::No },
        },
    );
    let times = (any::<u64>(), any::<Option<u64>>()).prop_map(|(creation, completion)| Times {
        creation: Time(creation),
        modification: Time(u64::MAX),
        transfer_completion: completion.map(Time),
    });
    prop_oneof![
        4 => Just(Out::None),
        1 => id().prop_map(|id| Out::Job(JobId(id))),
        1 => ids().prop_map(|ids| Out::Jobs(ids.into_iter().map(JobId).collect())),
        1 => ids().prop_map(|ids| Out::Files(ids.into_iter().map(FileId).collect())),
        1 => id().prop_map(|id| Out::File(FileId(id))),
        1 => any::<u32>().prop_map(Out::Count),
        1 => state().prop_map(Out::State),
        1 => flags().prop_map(Out::Flags),
        1 => prop::option::of(id()).prop_map(|id| Out::Receiver(id.map(ReceiverId))),
        1 => (0_u32..4).prop_map(|raw| Out::Priority(Priority::from_raw(raw).expect("below 4"))),
        1 => text().prop_map(Out::Text),
        1 => any::<u64>().prop_map(|millis| Out::Delay(Millis(millis))),
        1 => times.prop_map(Out::Times),
        1 => progress.prop_map(Out::Progress),
        1 => file_progress.prop_map(Out::FileProgress),
        1 => error.prop_map(Out::Error),
        1 => prop::option::of(line).prop_map(Out::CommandLine),
    ]
}

/// How often each kind of line stands in a trace, to see that the generator makes them all.
pub(crate) fn census(trace: &Trace) -> BTreeMap<&'static str, usize> {
    let mut census = BTreeMap::new();
    for line in &trace.lines {
        let kind = match line.what {
            Kind::Call(_) => "call",
            Kind::Return(_) => "return",
            Kind::Begin(_) => "begin",
            Kind::Wait(_) => "wait",
            Kind::Enter(_) => "enter",
            Kind::Given(_) => "given",
            Kind::Leave(_) => "leave",
            Kind::Env(_) => "env",
            Kind::State(_) => "state",
            Kind::Choose(_) => "choose",
            Kind::Unknown(_) => "unknown",
            Kind::Crash {} => "crash",
            Kind::Restart {} => "restart",
        };
        *census.entry(kind).or_default() += 1;
    }
    census
}
