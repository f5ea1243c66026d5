//! The specification's states beside a path: the lines that they take, and the getters that are called when none of them fits.

use std::time::Instant;

use adapter::wire::{NetworkMove, can};
use adapter::{Answered, Fault, Session};
use contract::{Call, HResult, JobId, JobState, Out, ThreadId};
use model::drive::Stimulus;

use super::super::path::Deed;
use super::super::states::{After, Customs, Fed, Shown};
use super::{LOOKS, Player, equal};
use crate::server::Server;
use crate::suite::JOBS;

/// What is this implementation's own.
pub(super) fn customs(session: &Session, server: &Server) -> Customs {
    Customs {
        equal: equal(session),
        remote: server.base(),
        local: session.destination(""),
        waits: session.can(can::WAITS),
        suspend: session.manifest().suspend_at_end,
    }
}

/// What a deed names what comes behind it: as a path has it.
pub(super) fn after(deed: &Deed) -> After {
    match deed {
        Deed::Call(_) => After::Call,
        Deed::Advance(_) => After::Deed("time passes".to_owned()),
        Deed::Network(NetworkMove::Lost) => After::Deed("network lost".to_owned()),
        Deed::Network(NetworkMove::Back) => After::Deed("network back".to_owned()),
        Deed::Logoff(_) => After::Deed("logoff".to_owned()),
        Deed::Release(..) | Deed::GoOn(_) => After::Nothing,
    }
}

/// What becomes of the network, as the model has it.
pub(super) const fn moved(network: NetworkMove) -> Stimulus {
    match network {
        NetworkMove::Lost => Stimulus::NetworkLost,
        NetworkMove::Back => Stimulus::NetworkBack,
    }
}

impl Player<'_> {
    /// Shows the states what has come, and waits until nothing more is to come. Where none of them fits, getters are called.
    pub(super) fn follow(&mut self, until: Instant) -> Result<(), Fault> {
        loop {
            self.show();
            if self.states.rests() {
                break;
            }
            if Instant::now() >= until || self.session.is_gone() {
                self.pace.missing += 1;
                self.states.must_rest(self.session.events() as u64);
                break;
            }
            self.session.wait(LOOKS, &mut |_| false)?;
        }
        if !self.states.is_empty() || self.session.is_gone() {
            return Ok(());
        }
        let jobs: Vec<JobId> =
            (0..JOBS as u32).map(JobId).filter(|job| self.session.number(*job).is_some()).collect();
        let mut shown = Vec::new();
        for job in jobs {
            shown.push(self.ask(job)?);
        }
        // What came meanwhile is in no state yet.
        self.show();
        let fed = std::array::from_fn(|job| {
            let feed = self.names.feed(JobId(job as u32));
            Fed { is_used_up: self.server.is_used_up(feed), is_stalled: self.server.is_stalled(feed) }
        });
        self.states.again(&shown, fed);
        Ok(())
    }

    fn show(&mut self) {
        let (lines, heard) = self.session.heard_since(self.heard);
        self.heard = heard;
        self.states.take(&lines);
    }

    /// What a job shows: its state, and the getters that the adapter passes on. They are the observer's, so no path has them.
    fn ask(&mut self, job: JobId) -> Result<Shown, Fault> {
        let state = self.session.poll(job)?;
        let mut getters = Vec::new();
        // Where something is held, a getter may wait for it there.
        let is_held = !self.waiting.is_empty() || !self.session.inside().is_empty();
        let asks = !is_held && !state.is_none_or(JobState::is_final);
        for call in GETTERS.into_iter().filter(|_| asks) {
            if self.session.is_gone() || !self.session.has(call.method()) {
                continue;
            }
            let caller = (ThreadId::OBSERVER, self.states.owner(job));
            let calling = self.session.start_call(caller, Some(job), &call);
            if let Answered::Returned { hr: HResult::S_OK, out: Some(out) } =
                self.session.await_call(&calling)?
                && out != Out::None
            {
                getters.push((call, HResult::S_OK, out));
            }
        }
        Ok(Shown { job, state, getters })
    }
}

/// What a state of the specification is found by.
const GETTERS: [Call; 4] =
    [Call::GetNotifyFlags, Call::GetNotifyInterface, Call::EnumFilesGetCount, Call::GetProgress];
