//! Arrays of one thing for each job, to serde: it knows only arrays whose length is written out.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeTuple, Serializer};

pub(super) fn serialize<S: Serializer, T: Serialize, const J: usize>(
    each: &[T; J],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut tuple = serializer.serialize_tuple(J)?;
    for one in each {
        tuple.serialize_element(one)?;
    }
    tuple.end()
}

pub(super) fn deserialize<'de, D: Deserializer<'de>, T: Deserialize<'de>, const J: usize>(
    deserializer: D,
) -> Result<[T; J], D::Error> {
    deserializer.deserialize_tuple(J, Each(PhantomData))
}

struct Each<T, const J: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const J: usize> Visitor<'de> for Each<T, J> {
    type Value = [T; J];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{J} of them")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<[T; J], A::Error> {
        let mut each = Vec::with_capacity(J);
        while let Some(one) = sequence.next_element()? {
            each.push(one);
        }
        each.try_into().map_err(|each: Vec<T>| A::Error::invalid_length(each.len(), &"one for each job"))
    }
}
