//! One attempt at one file, from the request to the last byte.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::time::Instant;

use contract::call::ErrorContext;
use contract::core::{TransferEvent, TransferReply};
use contract::defect::Fault;
use ureq::Body;
use ureq::http::Response;
use url::Url;

use super::answer::{Answer, Source};
use super::client::{Client, Line, Rest};
use super::failed::Failed;
use super::patience::{Pace, Speed};
use super::redirect::{is_redirect, parse, target};
use super::validator::Validator;
use super::write_back::WriteBack;
use super::{Progress, Request};
use crate::store::{StoreError, Temporary};

/// Bytes read, written and reported at once.
const CHUNK_BYTES: usize = 64 * 1024;

pub(super) struct Attempt<'a> {
    client: &'a Client,
    line: Line,
    request: &'a Request<'a>,
    temporary: Temporary,
    progress: &'a mut dyn Progress,
    /// The version of the file that the temporary file's bytes are of.
    validator: Option<Validator>,
}

/// Why an attempt ended before the file was whole.
pub(super) enum Halt {
    Stopped,
    Failed(Failed),
}

impl<'a> Attempt<'a> {
    pub(super) fn new(client: &'a Client, request: &'a Request<'a>, progress: &'a mut dyn Progress) -> Self {
        let temporary = Temporary::at(request.temporary);
        let line = client.line();
        Attempt { client, line, request, temporary, progress, validator: request.validator.clone() }
    }

    pub(super) fn into_validator(self) -> Option<Validator> {
        self.validator
    }

    /// Fetches the file, or the rest of it. Everything but the failure is reported when this is back.
    pub(super) fn run(&mut self) -> Result<(), Halt> {
        let url = parse(self.request.remote)?;
        let source = self.find(&url)?;
        if source.start == 0 && self.request.from > 0 {
            self.tell(TransferEvent::Restarted)?;
        }
        if source.total.is_some_and(|total| total > self.client.max_body_bytes) {
            return Err(Failed::TOO_LONG.into());
        }
        let blames_remote = self.client.seeded.is(Fault::RemoteFileBlamed);
        let refused = |error: StoreError| match blames_remote {
            true => Failed::store_of(&error, ErrorContext::RemoteFile),
            false => Failed::store(&error),
        };
        let file = self.temporary.open_for_write(source.start).map_err(refused)?;
        self.validator = Some(source.validator.clone());
        if let Some(total) = source.total {
            self.tell(TransferEvent::SizeKnown(total))?;
        }
        self.receive(source, file)
    }

    /// Requests the rest, and the whole where the rest does not fit.
    fn find(&mut self, url: &Url) -> Result<Source, Halt> {
        let from = self.resume_from();
        let rest = (from > 0).then(|| Rest { from, if_range: self.strong_etag() });
        let response = self.ask(url, rest.as_ref())?;
        if let Answer::Bytes(source) =
            Answer::read(response, from, self.validator.as_ref(), self.client.seeded)?
        {
            return Ok(source);
        }
        let response = self.ask(url, None)?;
        match Answer::read(response, 0, None, self.client.seeded)? {
            Answer::Bytes(source) => Ok(source),
            Answer::StartOver => Err(Failed::NONSENSE.into()),
        }
    }

    /// The first byte to ask for: zero without evidence of what is here, or when it is not here.
    fn resume_from(&self) -> u64 {
        let from = self.request.from;
        let any = self.client.seeded.is(Fault::RestWithoutEvidence);
        let Some(validator) = self.validator.as_ref().filter(|validator| validator.is_evidence() || any)
        else {
            return 0;
        };
        let from = match validator.size() {
            // Of a whole file there is no rest to ask for: the last byte stands for it, and shows whether the file is unchanged.
            Some(size) if size == from => from.saturating_sub(1),
            Some(size) if size < from => 0,
            _ => from,
        };
        if self.temporary.length().is_some_and(|length| length >= from) { from } else { 0 }
    }

    fn strong_etag(&self) -> Option<String> {
        self.validator.as_ref()?.strong_etag().map(str::to_owned)
    }

    /// The answer at the end of the redirects.
    fn ask(&mut self, url: &Url, rest: Option<&Rest>) -> Result<Response<Body>, Halt> {
        let mut url = url.clone();
        let mut seen = Vec::new();
        for _ in 0..=self.client.max_redirects {
            let response = self.line.get(&url, rest)?;
            self.tell(TransferEvent::Connected)?;
            if !is_redirect(response.status()) {
                return Ok(response);
            }
            let next = target(&url, response.headers(), self.client.seeded)?;
            seen.push(url);
            if seen.contains(&next) {
                break;
            }
            url = next;
        }
        Err(Failed::REDIRECT.into())
    }

    fn receive(&mut self, source: Source, mut file: File) -> Result<(), Halt> {
        let Source { start, end, total, body, .. } = source;
        let mut reader = body.into_reader();
        let mut chunk = vec![0; CHUNK_BYTES];
        let mut here = start;
        let mut write_back = WriteBack::from(start);
        let mut pace = Pace::new(self.client.slowest, Instant::now());
        loop {
            self.line.expect_bytes();
            let read = reader.read(&mut chunk).map_err(Failed::read)?;
            if read == 0 {
                break;
            }
            here = here.saturating_add(read as u64);
            // Checked before writing, so that the temporary file never holds a byte too many.
            if end.is_some_and(|end| here > end) {
                return Err(Failed::NONSENSE.into());
            }
            if here > self.client.max_body_bytes {
                return Err(Failed::TOO_LONG.into());
            }
            file.write_all(&chunk[..read]).map_err(|error| Failed::write(&error))?;
            write_back.reaches(&file, here);
            self.tell(TransferEvent::Bytes(here))?;
            if pace.came(read as u64, Instant::now()) == Speed::TooSlow
                && !self.client.seeded.is(Fault::SlowBodyTolerated)
            {
                return Err(Failed::TOO_SLOW.into());
            }
        }
        if total.is_some_and(|total| here < total) && !self.client.seeded.is(Fault::CutIsWhole) {
            return Err(Failed::CUT.into());
        }
        self.finish(&file, here, total)
    }

    fn finish(&mut self, file: &File, here: u64, total: Option<u64>) -> Result<(), Halt> {
        // Some file systems report only now that the disk is full. Most of the bytes are on it already.
        file.sync_data().map_err(|error| Failed::write(&error))?;
        self.temporary.mark_whole(here);
        if total.is_none() {
            self.tell(TransferEvent::SizeKnown(here))?;
        }
        // Whatever the reply, this file is done.
        let _ = self.progress.report(TransferEvent::FileDone);
        Ok(())
    }

    fn tell(&mut self, event: TransferEvent) -> Result<(), Halt> {
        match self.progress.report(event) {
            TransferReply::Continue => Ok(()),
            TransferReply::Stop if self.client.seeded.is(Fault::SaysMoreAfterStop) => Ok(()),
            TransferReply::Stop | TransferReply::Next { .. } => Err(Halt::Stopped),
        }
    }
}

impl From<Failed> for Halt {
    fn from(failed: Failed) -> Self {
        Halt::Failed(failed)
    }
}
