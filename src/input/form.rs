//! How a file is written: what it is packed in, how its text is encoded, and how the events stand in it.

/// What a file is packed in.
pub(super) enum Packing {
    Gzip,
    Other(&'static str, &'static str),
}

impl Packing {
    pub(super) fn of(head: &[u8]) -> Option<Packing> {
        const OTHERS: [(&[u8], &str, &str); 5] = [
            (b"\x28\xb5\x2f\xfd", "zstd", "unzstd"),
            (b"\xfd7zXZ\0", "xz", "unxz"),
            (b"BZh", "bzip2", "bunzip2"),
            (b"PK\x03\x04", "zip", "unzip"),
            (b"7z\xbc\xaf\x27\x1c", "7-Zip", "7z x"),
        ];
        if head.starts_with(b"\x1f\x8b") {
            return Some(Packing::Gzip);
        }
        let other = OTHERS.iter().find(|(magic, ..)| head.starts_with(magic));
        other.map(|(_, name, command)| Packing::Other(name, command))
    }

    pub(super) const fn name(&self) -> &'static str {
        match self {
            Packing::Gzip => "gzip more than twice",
            Packing::Other(name, _) => name,
        }
    }

    pub(super) const fn command(&self) -> &'static str {
        match self {
            Packing::Gzip => "gunzip",
            Packing::Other(_, command) => command,
        }
    }
}

/// How text is written in bytes.
pub(super) enum Encoding {
    Utf8,
    /// UTF-8 behind a byte order mark.
    Marked,
    Utf16(Order),
    Utf32,
}

/// Which byte of a pair comes first.
#[derive(Clone, Copy)]
pub(super) enum Order {
    Little,
    Big,
}

impl Encoding {
    pub(super) fn of(head: &[u8]) -> Encoding {
        match head {
            [0xEF, 0xBB, 0xBF, ..] => Encoding::Marked,
            [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] => Encoding::Utf32,
            [0xFF, 0xFE, ..] => Encoding::Utf16(Order::Little),
            [0xFE, 0xFF, ..] => Encoding::Utf16(Order::Big),
            // Without a mark: every text begins with ASCII.
            [a, 0, b, 0, ..] if *a != 0 && *b != 0 => Encoding::Utf16(Order::Little),
            [0, a, 0, b, ..] if *a != 0 && *b != 0 => Encoding::Utf16(Order::Big),
            _ => Encoding::Utf8,
        }
    }
}

/// How the events stand in the text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// One in a line.
    Lines,
    /// In one JSON array.
    Array,
    /// One JSON value after the other, over several lines.
    Values,
}

impl Form {
    /// By what the text begins with.
    pub(super) fn of(text: &[u8]) -> Form {
        let mut rest = text.iter().skip(1).filter(|byte| !byte.is_ascii_whitespace());
        match (text[0], rest.next()) {
            (b'[', Some(b'{' | b']') | None) => Form::Array,
            (b'{', _) => {
                let first = text.split(|byte| *byte == b'\n').next().unwrap_or(text);
                let whole = serde_json::from_slice::<serde::de::IgnoredAny>(first);
                if whole.is_err_and(|error| error.is_eof()) { Form::Values } else { Form::Lines }
            }
            _ => Form::Lines,
        }
    }
}

/// Text in which each byte that is no UTF-8 stands for its Latin-1 character, and how many there are.
pub(super) fn utf8(bytes: &[u8]) -> (String, u64) {
    let (mut text, mut odd) = (String::with_capacity(bytes.len()), 0);
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|byte| char::from(*byte)));
        odd += chunk.invalid().len() as u64;
    }
    (text, odd)
}
