//! Why something is answered, moves or is held back: by rows, cells, rules, and the sentences of the documents behind them.
//!
//! **What it is.** Tables have the reasons already, with their sentences. What is added here is when a sentence about the answers of a
//! method is about this answer: [`CASES`]. A test sees to it that each such sentence has a case.
//!
//! **What it is not.** A judge. The answer comes from the specification, and the core beside it must agree.

use contract::answers::{self, Class};
use contract::call::Omitted;
use contract::dialect::{self, ResumeTarget, Row};
use contract::sentence::Whose;
use contract::state::EDGES;
use contract::{
    Call, Cause, Dialect, Event, HResult, JobState, Method, NotifyFlags, Profile, Rule, Sentence, StateSet,
};
use serde::Serialize;

/// One reason.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Reason {
    /// The row, cell or rule.
    pub by: String,
    /// The sentences behind it.
    pub sentences: Vec<Cited>,
}

/// A sentence of the documents, as far as a reader needs it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Cited {
    /// Its id.
    pub id: &'static str,
    /// What it demands, in our words.
    pub says: &'static str,
    /// The facts and pages.
    pub source: String,
}

impl Reason {
    fn new(by: impl Into<String>, sentences: impl IntoIterator<Item = Sentence>, dialect: Dialect) -> Reason {
        Reason { by: by.into(), sentences: cited(sentences, dialect) }
    }
}

/// The sentences that the documents of this dialect have; those of the other one where it has none of its own.
fn cited(sentences: impl IntoIterator<Item = Sentence>, dialect: Dialect) -> Vec<Cited> {
    let all: Vec<Sentence> = sentences.into_iter().collect();
    let own: Vec<Sentence> = all.iter().copied().filter(|sentence| is_of(*sentence, dialect)).collect();
    let chosen = if own.is_empty() { all } else { own };
    let cite = |sentence: Sentence| {
        let text = sentence.text();
        Cited { id: sentence.id(), says: &text.says, source: text.source() }
    };
    chosen.into_iter().map(cite).collect()
}

fn is_of(sentence: Sentence, dialect: Dialect) -> bool {
    match sentence.text().whose {
        Whose::Both => true,
        Whose::Bits => dialect == Dialect::Bits,
        Whose::Do => dialect == Dialect::Do,
    }
}

/// An answer to a call.
pub(super) struct Answered<'a> {
    pub(super) profile: &'a Profile,
    /// The state of the job that the call is about; none for a job that is not there.
    pub(super) state: Option<JobState>,
    pub(super) call: &'a Call,
    pub(super) hr: HResult,
}

impl Answered<'_> {
    /// Why it is so.
    pub(super) fn reasons(&self) -> Vec<Reason> {
        let method = self.call.method();
        let dialect = self.profile.dialect;
        if answers::is_omitted(self.profile, method) {
            return vec![self.omitted(method)];
        }
        let all = answers::follows(method).iter().chain(answers::follows_beyond_state(method)).copied();
        let about: Vec<Sentence> = all.filter(|sentence| self.is_about(*sentence)).collect();
        let cell = self.cell(method);
        let state = self.state.map_or_else(|| "no job".to_owned(), |state| state.to_string());
        let row = format!("{}: {method} in {state} -> {:?}", by_rule(Rule::R12), self.hr);
        let setter = answers::class(method) == Class::Setter && self.hr.succeeded();
        // What no sentence of the method is about follows from what the documents demand of all of them.
        let general = (about.is_empty() && setter).then_some(of("call.live"));
        let mut reasons = vec![Reason::new(row, about.into_iter().chain(general), dialect)];
        reasons.extend(cell.map(|name| by_cell(dialect, name)));
        reasons
    }

    fn omitted(&self, method: Method) -> Reason {
        match method.omitted() {
            Omitted::WithoutCommandLine => by_cell(self.profile.dialect, "command_line"),
            Omitted::ByDialect => by_cell(self.profile.dialect, "omitted_methods"),
            Omitted::No | Omitted::Here => {
                Reason { by: format!("{method} is outside this project so far"), sentences: Vec::new() }
            }
        }
    }

    /// The cell of the dialect table that has the code.
    fn cell(&self, method: Method) -> Option<&'static str> {
        let profile = self.profile;
        let ended = self.state.is_some_and(JobState::is_final);
        let cells = [
            ("invalid_state", profile.invalid_state, ended),
            ("not_found", profile.not_found, self.state.is_none() || ended),
            ("empty", profile.empty, method == Method::Resume),
            ("resume_transferred", profile.resume_transferred, method == Method::Resume),
            ("no_error_information", profile.no_error_information, true),
            ("file_not_available", profile.file_not_available, method == Method::ErrorGetFile),
            ("partial_complete", profile.partial_complete, method == Method::Complete),
            (
                "unable_to_delete",
                profile.unable_to_delete,
                matches!(method, Method::Complete | Method::Cancel),
            ),
        ];
        let has_it =
            |(_, code, may): &(&str, HResult, bool)| *may && *code == self.hr && *code != HResult::S_OK;
        cells.into_iter().find(has_it).map(|(name, ..)| name)
    }

    /// Whether the sentence is about this answer.
    pub(super) fn is_about(&self, sentence: Sentence) -> bool {
        let case = CASES.iter().find(|(other, _)| *other == sentence).map(|(_, when)| *when);
        let (done, ended) = (self.hr.succeeded(), self.state.is_some_and(JobState::is_final));
        match case {
            None => false,
            Some(When::Done) => done,
            Some(When::In(states)) => done && self.state.is_some_and(|state| states.contains(state)),
            Some(When::Ended) => ended && self.hr == self.profile.invalid_state,
            Some(When::Gone) => self.hr == self.profile.not_found,
            Some(When::Empty) => self.hr == self.profile.empty && !done,
            Some(When::NoError) => self.hr == self.profile.no_error_information,
            Some(When::NoFile) => self.hr == self.profile.file_not_available,
            Some(When::Code(hr)) => self.hr == hr && !ended,
            Some(When::Disk) => self.hr.is_win32() && !done,
            Some(When::Asked(hr, asked)) => self.hr == hr && asked(self.call),
        }
    }
}

/// When a sentence is about an answer.
#[derive(Clone, Copy)]
pub(super) enum When {
    /// The call succeeded.
    Done,
    /// It succeeded in one of these states.
    In(StateSet),
    /// The job had ended.
    Ended,
    /// There is no such job.
    Gone,
    /// There is nothing to transfer.
    Empty,
    /// There is no error to return.
    NoError,
    /// The error is about no file.
    NoFile,
    /// With this code.
    Code(HResult),
    /// With an error of the file system.
    Disk,
    /// With this code, and such arguments.
    Asked(HResult, fn(&Call) -> bool),
}

const fn of(id: &str) -> Sentence {
    Sentence::named(id)
}

const RUNS: StateSet = StateSet::of(JobState::Queued).with(JobState::Connecting).with(JobState::Transferring);
const RESTS: StateSet = StateSet::of(JobState::Error).with(JobState::Transferred);

/// Each sentence about the answers of methods, and when it is about one.
pub(super) const CASES: &[(Sentence, When)] = &[
    (of("suspend.twice"), When::In(StateSet::of(JobState::Suspended))),
    (of("suspend.at-rest"), When::In(RESTS)),
    (of("suspend.final"), When::Ended),
    (of("resume.running"), When::In(RUNS)),
    (of("resume.empty"), When::Empty),
    (of("resume.final"), When::Ended),
    (of("cancel.ends"), When::Done),
    (of("cancel.do-codes"), When::Done),
    (of("cancel.left-behind"), When::Code(HResult::BG_S_UNABLE_TO_DELETE_FILES)),
    (of("cancel.final"), When::Ended),
    (of("complete.do-codes"), When::Done),
    (of("complete.whole"), When::In(StateSet::of(JobState::Transferred))),
    (of("complete.partial-code"), When::Code(HResult::BG_S_PARTIAL_COMPLETE)),
    (of("complete.left-behind"), When::Code(HResult::BG_S_UNABLE_TO_DELETE_FILES)),
    (of("complete.rename-code"), When::Disk),
    (of("complete.final"), When::Ended),
    (of("manager.found"), When::Done),
    (of("manager.gone"), When::Gone),
    (of("manager.denied"), When::Code(HResult::E_ACCESSDENIED)),
    (of("manager.all-users"), When::Code(HResult::E_ACCESSDENIED)),
    (of("manager.name-required"), When::Asked(HResult::E_INVALIDARG, has_no_text)),
    (of("manager.name-limit"), When::Asked(HResult::E_INVALIDARG, has_text)),
    (of("manager.downloads"), When::Code(HResult::E_NOTIMPL)),
    (of("manager.per-user"), When::Code(HResult::BG_E_TOO_MANY_JOBS_PER_USER)),
    (of("manager.per-machine"), When::Code(HResult::BG_E_TOO_MANY_JOBS_PER_MACHINE)),
    (of("file.any-time"), When::Done),
    (of("file.bad-names"), When::Code(HResult::E_INVALIDARG)),
    (of("file.too-many"), When::Code(HResult::BG_E_TOO_MANY_FILES_IN_JOB)),
    (of("file.set-whole"), When::Code(HResult::BG_E_TOO_MANY_FILES_IN_JOB)),
    (of("file.new-name"), When::Code(HResult::E_INVALIDARG)),
    (of("file.new-name-final"), When::Ended),
    (of("file.no-ranges"), When::Code(HResult::S_FALSE)),
    (of("properties.final"), When::Ended),
    (of("name.required"), When::Asked(HResult::E_INVALIDARG, has_no_text)),
    (of("name.limit"), When::Asked(HResult::E_INVALIDARG, has_text)),
    (of("description.required"), When::Asked(HResult::E_INVALIDARG, has_no_text)),
    (of("description.limit"), When::Code(HResult::BG_E_STRING_TOO_LONG)),
    (of("priority.undefined"), When::Code(HResult::E_NOTIMPL)),
    (of("flags.success"), When::Done),
    (of("flags.invalid"), When::Code(HResult::E_NOTIMPL)),
    (of("flags.ranges"), When::Asked(HResult::S_OK, asks_for_ranges)),
    (of("flags.do-ranges"), When::Asked(HResult::E_NOTIMPL, asks_for_ranges)),
    (of("flags.final"), When::Ended),
    (of("interface.final"), When::Ended),
    (of("timeout.final"), When::Ended),
    (of("program.final"), When::Ended),
    (of("program.limits"), When::Code(HResult::BG_E_STRING_TOO_LONG)),
    (of("program.parameters-alone"), When::Code(HResult::E_INVALIDARG)),
    (of("error.readable"), When::Done),
    (of("error.kept"), When::Done),
    (of("error.none"), When::NoError),
    (of("error.file"), When::NoFile),
    (of("error.protocol"), When::Code(HResult::BG_E_PROTOCOL_NOT_AVAILABLE)),
    (of("error.language"), When::Code(HResult::ERROR_RESOURCE_LANG_NOT_FOUND)),
    (of("enum.fewer"), When::Code(HResult::S_FALSE)),
    (of("enum.count-pointer"), When::Code(HResult::E_INVALIDARG)),
    (of("enum.skip"), When::Code(HResult::S_FALSE)),
];

fn has_no_text(call: &Call) -> bool {
    !has_text(call)
}

fn has_text(call: &Call) -> bool {
    match call {
        Call::CreateJob { name: text, .. }
        | Call::SetDisplayName { name: text }
        | Call::SetDescription { description: text } => text.is_some(),
        _ => true,
    }
}

fn asks_for_ranges(call: &Call) -> bool {
    let ranges = NotifyFlags::FILE_RANGES_TRANSFERRED.bits();
    matches!(call, Call::SetNotifyFlags { flags } if flags & ranges != 0)
}

/// A cell of the dialect table as a reason.
fn by_cell(dialect: Dialect, name: &str) -> Reason {
    let row = dialect::rows().into_iter().find(|row| row.field == name);
    let Some(Row {
        what, bits, bits_source, bits_follows, delivery_optimization, do_source, do_follows, ..
    }) = row
    else {
        return Reason { by: format!("cell {name}"), sentences: Vec::new() };
    };
    let (value, source, follows) = match dialect {
        Dialect::Bits => (bits, bits_source, bits_follows),
        Dialect::Do => (delivery_optimization, do_source, do_follows),
    };
    Reason::new(format!("cell {name}, {what}: {value} ({source})"), follows.iter().copied(), dialect)
}

/// Why a job has moved: the row of the transition table.
pub(super) fn of_move(profile: &Profile, from: Option<JobState>, to: JobState, cause: Cause) -> Reason {
    let dialect = profile.dialect;
    let Some(from) = from else {
        let by = format!("{} ({}): a new job", Rule::R13, Rule::R13.name());
        return Reason::new(by, [of("state.initial")], dialect);
    };
    let is_it = |edge: &&contract::state::Edge| {
        (edge.from, edge.cause, edge.to) == (from, cause, to) && edge.is_in(dialect)
    };
    match EDGES.iter().find(is_it) {
        Some(edge) => {
            let source = edge.source;
            let by = format!("row {from}, {cause} -> {to} ({source})");
            Reason::new(by, edge.follows.iter().copied(), dialect)
        }
        None => Reason { by: format!("no row has {from}, {cause} -> {to} (R13)"), sentences: Vec::new() },
    }
}

/// Why a mask holds an event back.
pub(super) fn of_mask(profile: &Profile, mask: NotifyFlags, event: Event) -> (String, Reason) {
    let disabled = profile.disable_masks.is_on() && mask.contains(NotifyFlags::DISABLE);
    if disabled {
        let reason = by_cell(profile.dialect, "disable_masks");
        return ("BG_NOTIFY_DISABLE".to_owned(), Reason { by: by_rule(Rule::R2), ..reason });
    }
    let flag = NotifyFlags::NAMED.iter().find(|(_, flag, _)| *flag == event.flag());
    let name = flag.map_or("its flag", |(name, ..)| name);
    let sentence = match event {
        Event::JobTransferred => of("flags.transferred"),
        Event::JobError => of("flags.error"),
        Event::JobModification => of("flags.modification"),
        Event::FileTransferred => of("flags.file"),
        Event::FileRangesTransferred => of("flags.ranges"),
    };
    (format!("BG_NOTIFY_{name} is not set"), Reason::new(by_rule(Rule::R2), [sentence], profile.dialect))
}

/// Why no object receives an event.
pub(super) fn of_receiver(profile: &Profile, registered: bool, event: Event) -> (String, Reason) {
    let (why, sentence) = match (registered, event) {
        (true, Event::FileTransferred) => {
            ("the object has no IBackgroundCopyCallback2", of("interface.callback2"))
        }
        _ => ("no object is registered", of("interface.null")),
    };
    (why.to_owned(), Reason::new(by_rule(Rule::R3), [sentence], profile.dialect))
}

/// Why an event waits for an earlier one.
pub(super) fn of_order(profile: &Profile) -> Reason {
    Reason::new(by_rule(Rule::R7), [of("deliver.files-first")], profile.dialect)
}

/// A rule, as a reason alone.
pub(super) fn by_rule(rule: Rule) -> String {
    format!("{rule} ({})", rule.name())
}

/// The sentences for an event that is due.
pub(super) fn of_event(profile: &Profile, event: Event) -> Reason {
    let (rule, sentence) = match event {
        Event::JobTransferred => (Rule::R5, of("event.transferred")),
        Event::JobError => (Rule::R5, of("event.error")),
        Event::JobModification => (Rule::R8, of("event.modification")),
        Event::FileTransferred => (Rule::R5, of("event.file")),
        Event::FileRangesTransferred => (Rule::R5, of("event.ranges")),
    };
    Reason::new(by_rule(rule), [sentence], profile.dialect)
}

/// Why a call waits for a callback.
pub(super) fn of_wait() -> Reason {
    let by = "contract section 4, clause 3: a call waits for the callback that has begun and that it forbids";
    Reason { by: by.to_owned(), sentences: Vec::new() }
}

/// Why a call that has waited returns.
pub(super) fn of_release() -> Reason {
    let by = "contract section 4, clause 4: a callback that has left or called has entered, so no call waits for it";
    Reason { by: by.to_owned(), sentences: Vec::new() }
}

/// Where Resume takes a job in this dialect, when no state decides.
pub(super) fn of_resume(profile: &Profile) -> Option<Reason> {
    let by_slot = profile.resume_target == ResumeTarget::TransferringIfSlot;
    by_slot.then(|| by_cell(profile.dialect, "resume_target"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sentence_about_an_answer_has_a_case_and_no_case_is_left_over() {
        let of_methods =
            |method: &Method| [answers::follows(*method), answers::follows_beyond_state(*method)].concat();
        let mut about: Vec<Sentence> = Method::ALL.iter().flat_map(of_methods).collect();
        about.sort_unstable();
        about.dedup();
        let mut cases: Vec<Sentence> = CASES.iter().map(|(sentence, _)| *sentence).collect();
        cases.sort_unstable();
        assert_eq!(cases, about);
    }
}
