//! Calls as they are typed: a short word or the documented name, and the arguments.

use std::fmt::Write as _;

use contract::answers::{self, Class};
use contract::call::{Fetched, Whose};
use contract::{
    Call, FileId, FileNames, HResult, Interfaces, Method, NotifyFlags, Priority, Receiver, ReceiverId, Text,
};

use super::read::{Args, Wrong};

/// The short words for methods. Each method is also called by its documented name.
pub(super) const SHORT: [(&str, Method); 22] = [
    ("create", Method::CreateJob),
    ("add", Method::AddFile),
    ("addset", Method::AddFileSet),
    ("register", Method::SetNotifyInterface),
    ("flags", Method::SetNotifyFlags),
    ("program", Method::SetNotifyCmdLine),
    ("suspend", Method::Suspend),
    ("resume", Method::Resume),
    ("cancel", Method::Cancel),
    ("complete", Method::Complete),
    ("priority", Method::SetPriority),
    ("retry-delay", Method::SetMinimumRetryDelay),
    ("no-progress", Method::SetNoProgressTimeout),
    ("name", Method::SetDisplayName),
    ("description", Method::SetDescription),
    ("url", Method::FileSetRemoteName),
    ("state", Method::GetState),
    ("error", Method::GetError),
    ("progress", Method::GetProgress),
    ("find", Method::GetJob),
    ("jobs", Method::EnumJobs),
    ("files", Method::EnumFiles),
];

/// The short word of a method, or its name.
pub(super) fn word(method: Method) -> &'static str {
    SHORT.iter().find(|(_, short)| *short == method).map_or(method.name(), |(word, _)| word)
}

/// The method of a word, in any case, with or without dashes.
pub(super) fn method(word: &str) -> Option<Method> {
    let plain = |text: &str| text.replace(['-', '_'], "").to_ascii_lowercase();
    let wanted = plain(word);
    let short = SHORT.iter().find(|(short, _)| plain(short) == wanted).map(|(_, method)| *method);
    short.or_else(|| Method::ALL.iter().copied().find(|method| plain(method.name()) == wanted))
}

/// What follows the word of a method.
pub(super) const fn arguments(method: Method) -> &'static str {
    match method {
        Method::CreateJob => "[NAME|NULL] [KIND]",
        Method::AddFile => "[URL PATH]",
        Method::AddFileSet => "[URL PATH]...",
        Method::SetNotifyInterface => "NULL | p0 [v1|v2|v3|CALLBACK|CALLBACK2]",
        Method::SetNotifyFlags => "TRANSFERRED|ERROR|MODIFICATION|FILE|DISABLE, or a number",
        Method::SetNotifyCmdLine => "PATH|NULL [PARAMETERS|NULL]",
        Method::SetDisplayName | Method::SetDescription => "TEXT|NULL",
        Method::SetPriority => "FOREGROUND|HIGH|NORMAL|LOW, or a number",
        Method::SetMinimumRetryDelay | Method::SetNoProgressTimeout => "SECONDS",
        Method::EnumJobs => "[mine|all]",
        Method::GetErrorDescription => "CODE [LANGUAGE]",
        Method::ErrorGetErrorDescription | Method::ErrorGetErrorContextDescription => "[LANGUAGE]",
        Method::FileSetRemoteName => "f0 URL",
        Method::FileGetRemoteName
        | Method::FileGetLocalName
        | Method::FileGetProgress
        | Method::FileGetFileRanges
        | Method::FileSetValidationState => "[f0]",
        Method::FileGetProperty | Method::FileSetProperty => "[f0] [NUMBER]",
        Method::EnumFilesNext | Method::EnumJobsNext => "[SKIP COUNT wanted|null]",
        Method::EnumFilesSkip | Method::EnumJobsSkip => "[COUNT]",
        _ => "",
    }
}

/// Whether a call of the method is about one job.
pub(super) fn needs_job(method: Method) -> bool {
    method == Method::GetJob || answers::class(method) != Class::Manager
}

/// A call with usual arguments, to ask what a method would answer.
pub(super) fn usual(method: Method) -> Option<Call> {
    let text = match method {
        Method::SetNotifyFlags => "TRANSFERRED|ERROR",
        Method::SetNotifyInterface => "p0 v2",
        Method::SetNotifyCmdLine => "program",
        Method::SetDisplayName | Method::SetDescription => "text",
        Method::SetPriority => "NORMAL",
        Method::SetMinimumRetryDelay | Method::SetNoProgressTimeout => "600",
        Method::GetErrorDescription => "E_FAIL",
        Method::FileSetRemoteName => "f0 http://h/f",
        _ => "",
    };
    read(method, &mut Args::of(text).ok()?).ok()
}

/// Reads the arguments of a method.
pub(super) fn read(method: Method, args: &mut Args) -> Result<Call, Wrong> {
    use Method as M;
    args.about(word(method), arguments(method));
    let call = match method {
        M::CreateJob => {
            let name = args.text_or(Some("job"))?;
            Call::CreateJob { name, kind: args.number_or(0)? }
        }
        M::AddFile => Call::AddFile { file: file_names(args)?.unwrap_or(FILE) },
        M::AddFileSet => {
            let mut files = Vec::new();
            while let Some(file) = file_names(args)? {
                files.push(file);
            }
            Call::AddFileSet { files }
        }
        M::SetNotifyFlags => Call::SetNotifyFlags { flags: flags(args)? },
        M::SetNotifyInterface => Call::SetNotifyInterface { receiver: receiver(args)? },
        M::SetNotifyCmdLine => {
            Call::SetNotifyCmdLine { program: args.text()?, parameters: args.text_or(None)? }
        }
        M::SetDisplayName => Call::SetDisplayName { name: args.text()? },
        M::SetDescription => Call::SetDescription { description: args.text()? },
        M::SetPriority => Call::SetPriority { priority: priority(args)? },
        M::SetMinimumRetryDelay => {
            Call::SetMinimumRetryDelay { seconds: args.number("a number of seconds")? }
        }
        M::SetNoProgressTimeout => {
            Call::SetNoProgressTimeout { seconds: args.number("a number of seconds")? }
        }
        M::EnumJobs => Call::EnumJobs {
            whose: args.choice_or(&[("mine", Whose::Mine), ("all", Whose::All)], Whose::Mine)?,
        },
        M::GetErrorDescription => {
            Call::GetErrorDescription { hr: args.code()?, language: args.number_or(0)? }
        }
        M::ErrorGetErrorDescription => Call::ErrorGetErrorDescription { language: args.number_or(0)? },
        M::ErrorGetErrorContextDescription => {
            Call::ErrorGetErrorContextDescription { language: args.number_or(0)? }
        }
        M::FileSetRemoteName => Call::FileSetRemoteName { file: args.file()?, remote: args.a_text()? },
        M::FileGetRemoteName => Call::FileGetRemoteName { file: args.file_or(FileId(0))? },
        M::FileGetLocalName => Call::FileGetLocalName { file: args.file_or(FileId(0))? },
        M::FileGetProgress => Call::FileGetProgress { file: args.file_or(FileId(0))? },
        M::FileGetFileRanges => Call::FileGetFileRanges { file: args.file_or(FileId(0))? },
        M::FileSetValidationState => Call::FileSetValidationState { file: args.file_or(FileId(0))? },
        M::FileGetProperty => {
            Call::FileGetProperty { file: args.file_or(FileId(0))?, property: args.number_or(0)? }
        }
        M::FileSetProperty => {
            Call::FileSetProperty { file: args.file_or(FileId(0))?, property: args.number_or(0)? }
        }
        M::EnumFilesNext => {
            let (skip, celt, fetched) = next(args)?;
            Call::EnumFilesNext { skip, celt, fetched }
        }
        M::EnumJobsNext => {
            let (skip, celt, fetched) = next(args)?;
            Call::EnumJobsNext { skip, celt, fetched }
        }
        M::EnumFilesSkip => Call::EnumFilesSkip { celt: args.number_or(1)? },
        M::EnumJobsSkip => Call::EnumJobsSkip { celt: args.number_or(1)? },
        M::GetJob => Call::GetJob,
        M::Suspend => Call::Suspend,
        M::Resume => Call::Resume,
        M::Cancel => Call::Cancel,
        M::Complete => Call::Complete,
        M::EnumFiles => Call::EnumFiles,
        M::GetId => Call::GetId,
        M::GetType => Call::GetType,
        M::GetProgress => Call::GetProgress,
        M::GetTimes => Call::GetTimes,
        M::GetState => Call::GetState,
        M::GetError => Call::GetError,
        M::GetOwner => Call::GetOwner,
        M::GetDisplayName => Call::GetDisplayName,
        M::GetDescription => Call::GetDescription,
        M::GetPriority => Call::GetPriority,
        M::GetNotifyFlags => Call::GetNotifyFlags,
        M::GetNotifyInterface => Call::GetNotifyInterface,
        M::GetMinimumRetryDelay => Call::GetMinimumRetryDelay,
        M::GetNoProgressTimeout => Call::GetNoProgressTimeout,
        M::GetErrorCount => Call::GetErrorCount,
        M::SetProxySettings => Call::SetProxySettings,
        M::GetProxySettings => Call::GetProxySettings,
        M::TakeOwnership => Call::TakeOwnership,
        M::GetNotifyCmdLine => Call::GetNotifyCmdLine,
        M::ErrorGetError => Call::ErrorGetError,
        M::ErrorGetFile => Call::ErrorGetFile,
        M::ErrorGetProtocol => Call::ErrorGetProtocol,
        M::EnumFilesReset => Call::EnumFilesReset,
        M::EnumFilesGetCount => Call::EnumFilesGetCount,
        M::EnumFilesClone => Call::EnumFilesClone,
        M::EnumJobsReset => Call::EnumJobsReset,
        M::EnumJobsGetCount => Call::EnumJobsGetCount,
        M::EnumJobsClone => Call::EnumJobsClone,
        // No word is read as this one.
        M::Other => return Err(Wrong::unknown("Other", Vec::new())),
    };
    args.end()?;
    Ok(call)
}

const FILE: FileNames = crate::program::GOOD_FILE;

fn file_names(args: &mut Args) -> Result<Option<FileNames>, Wrong> {
    if args.is_empty() {
        return Ok(None);
    }
    Ok(Some(FileNames { remote: args.a_text()?, local: args.a_text()? }))
}

/// The flags by the words that are typed for them, shortest first.
pub(super) const FLAGS: [(&str, NotifyFlags); 6] = [
    ("TRANSFERRED", NotifyFlags::JOB_TRANSFERRED),
    ("ERROR", NotifyFlags::JOB_ERROR),
    ("DISABLE", NotifyFlags::DISABLE),
    ("MODIFICATION", NotifyFlags::JOB_MODIFICATION),
    ("FILE", NotifyFlags::FILE_TRANSFERRED),
    ("RANGES", NotifyFlags::FILE_RANGES_TRANSFERRED),
];

fn flags(args: &mut Args) -> Result<u32, Wrong> {
    let words: Vec<&str> = FLAGS.iter().map(|(word, _)| *word).collect();
    args.joined(&words, |name| {
        let plain = name.to_ascii_uppercase();
        let plain = plain.strip_prefix("BG_NOTIFY_").unwrap_or(&plain);
        let documented =
            NotifyFlags::NAMED.iter().find(|(named, ..)| *named == plain).map(|(_, flag, _)| *flag);
        let short = FLAGS.iter().find(|(word, _)| *word == plain).map(|(_, flag)| *flag);
        Some(documented.or(short)?.bits())
    })
}

/// The flags as they are typed; a value with other bits is a number.
pub(super) fn print_flags(flags: u32) -> String {
    match NotifyFlags::from_bits(flags) {
        Some(known) if !known.is_empty() => {
            let set = FLAGS.iter().filter(|(_, flag)| known.contains(*flag));
            set.map(|(word, _)| *word).collect::<Vec<_>>().join("|")
        }
        _ => format!("0x{flags:x}"),
    }
}

fn receiver(args: &mut Args) -> Result<Option<Receiver>, Wrong> {
    let id = args.required("an object such as p0, or NULL")?;
    if id.is_null() {
        return Ok(None);
    }
    let number = id.text.strip_prefix('p').and_then(|number| number.parse().ok()).filter(|_| !id.quoted);
    let Some(number) = number else { return Err(args.bad(&id, "an object such as p0, or NULL")) };
    let interfaces =
        if args.is_empty() { Interfaces::CALLBACK | Interfaces::CALLBACK2 } else { interfaces(args)? };
    Ok(Some(Receiver { id: ReceiverId(number), interfaces }))
}

fn interfaces(args: &mut Args) -> Result<Interfaces, Wrong> {
    let version = |name: &str| match name {
        "v1" => Some(Interfaces::CALLBACK),
        "v2" => Some(Interfaces::CALLBACK | Interfaces::CALLBACK2),
        "v3" => Some(Interfaces::all()),
        _ => Interfaces::from_name(&name.to_ascii_uppercase()),
    };
    let words = ["v1", "v2", "v3", "CALLBACK", "CALLBACK2", "CALLBACK3"];
    let bits = args.joined(&words, |name| version(name).map(|interfaces| interfaces.bits().into()))?;
    Ok(Interfaces::from_bits_truncate(bits as u8))
}

const PRIORITIES: [(&str, Priority); 4] = [
    ("FOREGROUND", Priority::Foreground),
    ("HIGH", Priority::High),
    ("NORMAL", Priority::Normal),
    ("LOW", Priority::Low),
];

fn priority(args: &mut Args) -> Result<u32, Wrong> {
    let word = args.required("a priority")?;
    let named = PRIORITIES.iter().find(|(name, _)| word.text.eq_ignore_ascii_case(name));
    match named {
        Some((_, priority)) => Ok(*priority as u32),
        None => args.as_number(&word, "FOREGROUND, HIGH, NORMAL, LOW or a number"),
    }
}

fn next(args: &mut Args) -> Result<(u32, u32, Fetched), Wrong> {
    let (skip, celt) = (args.number_or(0)?, args.number_or(1)?);
    let fetched = args.choice_or(&[("wanted", Fetched::Wanted), ("null", Fetched::Null)], Fetched::Wanted)?;
    Ok((skip, celt, fetched))
}

/// The call as a statement that is read back as this call.
pub(super) fn print(call: &Call) -> String {
    let mut said = word(call.method()).to_owned();
    let mut put = |text: &str| {
        // Writing to a string does not fail.
        let _ = write!(said, " {text}");
    };
    match call {
        Call::CreateJob { name, kind } => {
            put(&optional(name.as_deref()));
            put(&kind.to_string());
        }
        Call::AddFile { file } => put(&names(file)),
        Call::AddFileSet { files } => files.iter().for_each(|file| put(&names(file))),
        Call::SetNotifyFlags { flags } => put(&print_flags(*flags)),
        Call::SetNotifyInterface { receiver: None } => put("NULL"),
        Call::SetNotifyInterface { receiver: Some(receiver) } => {
            put(&receiver.id.to_string());
            put(&receiver.interfaces.to_string().replace(' ', ""));
        }
        Call::SetNotifyCmdLine { program, parameters } => {
            put(&optional(program.as_deref()));
            put(&optional(parameters.as_deref()));
        }
        Call::SetDisplayName { name: text } | Call::SetDescription { description: text } => {
            put(&optional(text.as_deref()));
        }
        Call::SetPriority { priority } => {
            let named = PRIORITIES.iter().find(|(_, named)| *named as u32 == *priority);
            put(&named.map_or_else(|| priority.to_string(), |(name, _)| (*name).to_owned()));
        }
        Call::SetMinimumRetryDelay { seconds } | Call::SetNoProgressTimeout { seconds } => {
            put(&seconds.to_string());
        }
        Call::EnumJobs { whose } => put(if *whose == Whose::Mine { "mine" } else { "all" }),
        Call::GetErrorDescription { hr, language } => {
            put(&code(*hr));
            put(&language.to_string());
        }
        Call::ErrorGetErrorDescription { language } | Call::ErrorGetErrorContextDescription { language } => {
            put(&language.to_string());
        }
        Call::FileSetRemoteName { file, remote } => {
            put(&file.to_string());
            put(&quoted(remote));
        }
        Call::FileGetRemoteName { file }
        | Call::FileGetLocalName { file }
        | Call::FileGetProgress { file }
        | Call::FileGetFileRanges { file }
        | Call::FileSetValidationState { file } => put(&file.to_string()),
        Call::FileGetProperty { file, property } | Call::FileSetProperty { file, property } => {
            put(&file.to_string());
            put(&property.to_string());
        }
        Call::EnumFilesNext { skip, celt, fetched } | Call::EnumJobsNext { skip, celt, fetched } => {
            let fetched = if *fetched == Fetched::Wanted { "wanted" } else { "null" };
            put(&format!("{skip} {celt} {fetched}"));
        }
        Call::EnumFilesSkip { celt } | Call::EnumJobsSkip { celt } => put(&celt.to_string()),
        _ => {}
    }
    said
}

fn names(file: &FileNames) -> String {
    format!("{} {}", quoted(&file.remote), quoted(&file.local))
}

fn optional(text: Option<&str>) -> String {
    text.map_or_else(|| "NULL".to_owned(), quoted)
}

/// A code by its name, where it has one.
pub(super) fn code(hr: HResult) -> String {
    format!("{hr:?}")
}

/// A text in a form that is read back unchanged.
pub(super) fn quoted(text: &str) -> String {
    let plain = |each: char| each.is_ascii_alphanumeric() || matches!(each, '/' | '.' | '_' | '-' | ':');
    if !text.is_empty() && text.chars().all(plain) && !text.eq_ignore_ascii_case("null") {
        return text.to_owned();
    }
    let mut said = String::from("\"");
    for each in text.chars() {
        match each {
            '"' | '\\' => said.extend(['\\', each]),
            each if each.is_control() => said.extend(each.escape_unicode()),
            each => said.push(each),
        }
    }
    said.push('"');
    said
}

/// Owned text of a call.
pub(super) fn text_of(text: String) -> Text {
    Text::Owned(text)
}
