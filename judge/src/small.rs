//! Small sets that rules keep: of files, and of slots.

use contract::ids::FileId;

/// A set of the first eight files of a job. Later files are in no set: who feeds the monitors keeps them out.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct FileSet(u8);

impl FileSet {
    pub(crate) const FILES: u32 = 8;

    const fn bit(file: FileId) -> u8 {
        if file.0 < Self::FILES { 1 << file.0 } else { 0 }
    }

    pub(crate) fn insert(&mut self, file: FileId) {
        self.0 |= Self::bit(file);
    }

    pub(crate) fn remove(&mut self, file: FileId) {
        self.0 &= !Self::bit(file);
    }

    pub(crate) fn contains(self, file: FileId) -> bool {
        self.0 & Self::bit(file) != 0
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn union(self, other: FileSet) -> FileSet {
        FileSet(self.0 | other.0)
    }

    pub(crate) fn knows(file: FileId) -> bool {
        file.0 < Self::FILES
    }
}

macro_rules! slot_sets {
    ($($(#[$doc:meta])* $name:ident: $bits:ty;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
        pub(crate) struct $name($bits);

        impl $name {
            #[allow(dead_code, reason = "not every set needs a constant")]
            pub(crate) const fn new() -> $name { $name(0) }

            const fn bit(slot: u32) -> $bits {
                if slot < <$bits>::BITS { 1 << slot } else { 0 }
            }

            pub(crate) fn insert(&mut self, slot: u32) {
                self.0 |= Self::bit(slot);
            }

            /// Takes the slot out, and returns whether it was in.
            pub(crate) fn take(&mut self, slot: u32) -> bool {
                let was = self.0 & Self::bit(slot) != 0;
                self.0 &= !Self::bit(slot);
                was
            }

            pub(crate) fn is_empty(self) -> bool {
                self.0 == 0
            }

            #[allow(dead_code, reason = "not every set is compared with another")]
            pub(crate) fn intersection(self, other: $name) -> $name {
                $name(self.0 & other.0)
            }
        }
    )*};
}

slot_sets! {
    /// A set of slots of open calls. Larger numbers are in no set.
    CallSet: u32;
    /// A set of slots of open deliveries. Larger numbers are in no set.
    DeliverySet: u8;
}
