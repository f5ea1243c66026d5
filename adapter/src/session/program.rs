//! The program that is being played: its jobs, calls and callbacks, and what has happened, as a trace has it.

use std::collections::BTreeMap;

use contract::event::Given;
use contract::{Call, CallId, DeliveryId, Event, FileId, JobId, Out, ReceiverId, ThreadId, UserId};
use judge::trace::{CallLine, EnterLine, GivenLine, Kind, LeaveLine, Left, ReturnLine, Told, UnknownLine};
use judge::{Header, Line as TraceLine, Trace};

use super::Heard;
use crate::process::Fault;
use crate::wire::{End, Enter, Leave, Start, WireReceiver};

/// Something that happened, in the order of the adapter's counter.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Happening {
    pub(super) q: u64,
    /// Its number, in the order in which the lines were taken in.
    pub(super) number: u64,
    pub(super) what: Kind,
}

/// What is known of the program that is being played.
#[derive(Debug, Default)]
pub(super) struct Program {
    /// The adapter's numbers of its jobs.
    pub(super) jobs: Vec<u32>,
    pub(super) happened: Vec<Happening>,
    /// Lines that were taken in.
    pub(super) heard: u64,
    /// Commands that are calls and have not come back.
    pub(super) open: BTreeMap<i64, OpenCall>,
    pub(super) calls: u32,
    /// Callbacks that run: how the trace names them, and their event.
    pub(super) inside: BTreeMap<u64, (DeliveryId, JobId, Event, Told)>,
    pub(super) entered: u32,
    pub(super) left: u32,
    /// Callbacks that have entered, by job and event.
    pub(super) entered_of: BTreeMap<(JobId, Event), usize>,
    /// Callbacks that have left, by job and event.
    pub(super) left_of: BTreeMap<(JobId, Event), usize>,
    /// Calls that the adapter has made by itself and that have come back.
    pub(super) own_back: usize,
}

/// A call that has not come back.
#[derive(Clone, Debug)]
pub(super) struct OpenCall {
    pub(super) id: CallId,
    pub(super) job: Option<JobId>,
    pub(super) call: Call,
    pub(super) thread: ThreadId,
    pub(super) user: UserId,
}

impl Program {
    pub(super) fn happens(&mut self, q: u64, what: Kind) {
        self.happened.push(Happening { q, number: self.heard, what });
        self.heard += 1;
    }

    /// The lines from this number on, in the order of the adapter's counter.
    pub(super) fn since(&self, number: u64) -> Vec<Heard> {
        let new = self.happened.iter().filter(|happening| happening.number >= number);
        let mut new: Vec<Heard> = new
            .map(|Happening { q, what, .. }| {
                let before = self.happened.iter().filter(|other| other.q < *q).count() as u64;
                Heard { q: *q, seq: before + 1, what: what.clone() }
            })
            .collect();
        new.sort_by_key(|heard| heard.q);
        new
    }

    pub(super) fn job(&self, number: u32) -> Option<JobId> {
        let at = self.jobs.iter().position(|known| *known == number)?;
        Some(JobId(at as u32))
    }

    pub(super) fn start(&mut self, start: Start) -> Result<(), Fault> {
        if start.start < 0 {
            return self.start_by_itself(start);
        }
        let Some(OpenCall { id, job, call, thread, user }) = self.open.get(&start.start).cloned() else {
            // A call of an earlier program, or a command that is no call.
            return Ok(());
        };
        let line = CallLine { id, thread, user, inside: None, job, call };
        self.happens(start.q, Kind::Call(line));
        Ok(())
    }

    /// The answer to a call did not come in time.
    pub(super) fn is_unanswered(&mut self, command: i64) {
        let Some(OpenCall { id, job, .. }) = self.open.get(&command).cloned() else { return };
        let last = self.happened.iter().map(|happening| happening.q).max().unwrap_or(0);
        self.happens(last + 1, Kind::Unknown(UnknownLine { call: id, job }));
    }

    /// A call from inside of a callback, or in a race.
    pub(super) fn start_by_itself(&mut self, start: Start) -> Result<(), Fault> {
        let Start { q, start: number, called } = start;
        let Some(planned) = called.planned() else { return Ok(()) };
        let call = planned.call().map_err(|error| {
            Fault::Disorder(format!("the arguments of {} are not its own: {error}", planned.call))
        })?;
        let inside = called.inside.and_then(|enter| self.inside.get(&enter).copied());
        if called.inside.is_some() && inside.is_none() && called.run.is_none() {
            // From inside of a callback of an earlier program.
            return Ok(());
        }
        let job = called.job.and_then(|number| self.job(number));
        let thread = ThreadId(called.thread.unwrap_or(0));
        let id = CallId(self.calls);
        self.calls += 1;
        let on = if matches!(call, Call::CreateJob { .. }) { None } else { job };
        let user = UserId(0);
        self.open.insert(number, OpenCall { id, job, call: call.clone(), thread, user });
        let inside = inside.map(|(delivery, ..)| delivery);
        let line = CallLine { id, thread, user, inside, job: on, call };
        self.happens(q, Kind::Call(line));
        Ok(())
    }

    pub(super) fn end(&mut self, end: &End) -> Result<(), Fault> {
        let Some(OpenCall { id, job, call, .. }) = self.open.remove(&end.end) else { return Ok(()) };
        let started = |happening: &Happening| matches!(&happening.what, Kind::Call(line) if line.id == id);
        let Some(hr) = end.hr else {
            // It was not made.
            self.happened.retain(|happening| !started(happening));
            return Ok(());
        };
        if !self.happened.iter().any(started) {
            return Err(Fault::Disorder(format!("{} ends, and has not started", call.method())));
        }
        self.own_back += usize::from(end.end < 0);
        let creates = matches!(call, Call::CreateJob { .. });
        // In a race the job is given beforehand. Elsewhere it is the next one, whatever job the call is made beside.
        let job = match (creates && hr.succeeded(), job) {
            (true, job) if end.end >= 0 || job.is_none() => {
                self.jobs.len().checked_sub(1).map(|last| JobId(last as u32))
            }
            (_, job) => job,
        };
        if creates && !hr.succeeded() && end.end >= 0 {
            // The number is free for the next one. In a race the numbers are given beforehand.
            self.jobs.pop();
        }
        let given = end.out.as_ref().map(|out| out.to_contract(&|number| self.job(number)));
        // Which job CreateJob makes is our choice, so the answer need not have it.
        let made = || job.filter(|_| creates && hr.succeeded()).map(Out::Job);
        let out = given.or_else(made).unwrap_or(Out::None);
        let back = ReturnLine { call: id, job, hr, out };
        self.happens(end.q, Kind::Return(back));
        Ok(())
    }

    pub(super) fn enter(&mut self, enter: &Enter) -> Result<(), Fault> {
        let Some(job) = self.job(enter.job) else { return Ok(()) };
        let Some(event) = Event::ALL.into_iter().find(|event| event.to_string() == enter.event) else {
            return Err(Fault::Disorder(format!("there is no event {:?}", enter.event)));
        };
        let delivery = DeliveryId(self.entered);
        self.entered += 1;
        let receiver = match &enter.receiver {
            WireReceiver::Object(number) => Told::Interface(ReceiverId(*number)),
            WireReceiver::Program(_) => Told::CommandLine,
        };
        if self.inside.insert(enter.enter, (delivery, job, event, receiver)).is_some() {
            return Err(Fault::Disorder(format!("callback {} enters twice", enter.enter)));
        }
        let file = enter.file.map(FileId);
        *self.entered_of.entry((job, event)).or_default() += 1;
        let line = EnterLine { delivery, job, event, receiver, file };
        self.happens(enter.q, Kind::Enter(line));
        if let Some(parts) = enter.given {
            // A job that is not of this program is another one than that of the delivery.
            let job = parts.job.map(|number| self.job(number).unwrap_or(JobId(u32::MAX)));
            let receiver = parts.receiver.map(ReceiverId);
            let given = Given { receiver, job, file: parts.file.map(FileId), error: parts.error };
            let what = Kind::Given(GivenLine { delivery, given });
            self.happens(enter.q, what);
        }
        Ok(())
    }

    pub(super) fn leave(&mut self, leave: &Leave) -> Result<(), Fault> {
        let Some((delivery, job, event, _)) = self.inside.remove(&leave.leave) else { return Ok(()) };
        self.left += 1;
        *self.left_of.entry((job, event)).or_default() += 1;
        let outcome = match leave {
            Leave { exited: Some(code), .. } => Left::Exited(*code),
            Leave { hr: Some(hr), .. } => Left::Hr(*hr),
            _ => Left::Panicked,
        };
        let what = Kind::Leave(LeaveLine { delivery, outcome });
        self.happens(leave.q, what);
        Ok(())
    }
}

/// What happened as a trace, in the order of the adapter's counter. Of a race only one job is there, and becomes the first.
pub(super) fn trace(mut happened: Vec<Happening>, header: &Header, only: Option<JobId>) -> Trace {
    happened.sort_by_key(|happening| happening.q);
    let mut lines: Vec<TraceLine> =
        happened.into_iter().map(|happening| TraceLine { seq: 0, what: happening.what }).collect();
    if let Some(job) = only {
        lines.iter_mut().for_each(|line| first_job(&mut line.what, job));
    }
    renumber(&mut lines);
    Trace { header: header.clone(), lines }
}

pub(super) fn renumber(lines: &mut [TraceLine]) {
    for (line, seq) in lines.iter_mut().zip(1..) {
        line.seq = seq;
    }
}

/// What happened to each of the first `jobs` jobs. What is about none of them is left out.
pub(super) fn by_job(happened: Vec<Happening>, jobs: usize) -> Vec<Vec<Happening>> {
    // A CreateJob has no job before it is back.
    let (mut calls, mut deliveries) = (BTreeMap::new(), BTreeMap::new());
    for happening in &happened {
        match &happening.what {
            Kind::Return(back) => drop(calls.insert(back.call, back.job)),
            Kind::Enter(enter) => drop(deliveries.insert(enter.delivery, enter.job)),
            _ => {}
        }
    }
    let mut parts = vec![Vec::new(); jobs];
    for happening in happened {
        let job = match &happening.what {
            Kind::Call(call) => call.job.or_else(|| calls.get(&call.id).copied().flatten()),
            Kind::Return(back) => back.job,
            Kind::Enter(enter) => Some(enter.job),
            Kind::Given(given) => deliveries.get(&given.delivery).copied(),
            Kind::Leave(leave) => deliveries.get(&leave.delivery).copied(),
            _ => None,
        };
        if let Some(part) = job.and_then(|job| parts.get_mut(job.index())) {
            part.push(happening);
        }
    }
    parts
}

/// Names the job of a race as the first.
pub(super) fn first_job(what: &mut Kind, job: JobId) {
    let first = |of: &mut JobId| {
        if *of == job {
            *of = JobId(0);
        }
    };
    match what {
        Kind::Call(call) => call.job.iter_mut().for_each(first),
        Kind::Return(back) => {
            back.job.iter_mut().for_each(first);
        }
        Kind::Enter(enter) => first(&mut enter.job),
        Kind::Given(given) => given.given.job.iter_mut().for_each(first),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use contract::HResult;

    use super::*;

    /// A CreateJob that is made beside a job makes another one, which has the number of the next.
    #[test]
    fn the_job_that_is_made_is_not_the_one_beside_it() {
        let call = Call::CreateJob { name: Some("job".into()), kind: 0 };
        let (thread, user) = (ThreadId(9), UserId(0));
        let open = OpenCall { id: CallId(0), job: Some(JobId(0)), call, thread, user };
        let mut program =
            Program { jobs: vec![5, 6], open: BTreeMap::from([(1, open)]), ..Program::default() };
        program.start(Start { q: 1, start: 1, called: Default::default() }).expect("it was ordered");
        let end = End { q: 2, end: 1, hr: Some(HResult::S_OK), ..End::default() };
        program.end(&end).expect("it has started");
        let backs: Vec<_> = { program.happened.iter() }
            .filter_map(|happening| match &happening.what {
                Kind::Return(back) => Some((back.job, back.out.clone())),
                _ => None,
            })
            .collect();
        assert_eq!(backs, [(Some(JobId(1)), Out::Job(JobId(1)))]);
    }
}
