//! Places for the few things that are open at once.

/// `N` places, and a bit for each that is taken: most are empty most of the time, and a search skips those.
#[derive(Clone, Debug)]
pub(crate) struct Slots<T, const N: usize> {
    places: [Option<T>; N],
    taken: u8,
}

impl<T, const N: usize> Slots<T, N> {
    pub(crate) fn new() -> Self {
        const { assert!(N < u8::BITS as usize, "places have a bit each, and there is one past the last") };
        Slots { places: [const { None }; N], taken: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.taken == 0
    }

    /// The first place that is not taken.
    pub(crate) fn free(&self) -> Option<usize> {
        let slot = self.taken.trailing_ones() as usize;
        (slot < N).then_some(slot)
    }

    pub(crate) fn get(&self, slot: usize) -> Option<&T> {
        self.places.get(slot)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, slot: usize) -> Option<&mut T> {
        self.places.get_mut(slot)?.as_mut()
    }

    pub(crate) fn put(&mut self, slot: usize, value: T) {
        self.places[slot] = Some(value);
        self.taken |= 1 << slot;
    }

    pub(crate) fn take(&mut self, slot: usize) -> Option<T> {
        let value = self.places.get_mut(slot)?.take()?;
        self.taken &= !(1 << slot);
        Some(value)
    }

    /// What is in the places, in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        let mut rest = self.taken;
        std::iter::from_fn(move || {
            // Past the last place when the rest is empty.
            let slot = rest.trailing_zeros() as usize;
            let value = self.get(slot)?;
            rest &= rest - 1;
            Some((slot, value))
        })
    }

    /// The first place whose content is wanted.
    pub(crate) fn find(&self, wanted: impl Fn(&T) -> bool) -> Option<usize> {
        self.iter().find(|(_, value)| wanted(value)).map(|(slot, _)| slot)
    }

    /// The places as they are.
    pub(crate) fn places(&self) -> &[Option<T>; N] {
        &self.places
    }
}
