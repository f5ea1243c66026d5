//! How a value lies in a file: its length, and then what postcard makes of it.

use std::io::{self, Read};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The most bytes of a value. A larger length was not written here.
const MOST: u32 = 1 << 24;

/// The bytes of a value.
pub(super) fn to_bytes(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut bytes = postcard::to_extend(value, vec![0; size_of::<u32>()]).map_err(io::Error::other)?;
    let length = (bytes.len() - size_of::<u32>()) as u32;
    bytes[..size_of::<u32>()].copy_from_slice(&length.to_le_bytes());
    Ok(bytes)
}

/// The next value.
pub(super) fn read<V: DeserializeOwned>(from: &mut impl Read) -> io::Result<V> {
    let mut length = [0; size_of::<u32>()];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length > MOST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = vec![0; length as usize];
    from.read_exact(&mut bytes)?;
    postcard::from_bytes(&bytes).map_err(io::Error::other)
}
