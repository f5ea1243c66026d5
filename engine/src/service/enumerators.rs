//! `IEnumBackgroundCopyFiles` and `IEnumBackgroundCopyJobs`: positions in a snapshot (facts B5).
//!
//! The snapshot is taken by one recorded call, EnumFiles or EnumJobs. Moving through it touches the engine no more, so
//! what an enumerator does is not recorded. `for file in files` goes through what remains.
//!
//! Delivery Optimization has a page on the enumerator of files alone. It has EnumJobs nevertheless (facts G58), so the enumerator of jobs
//! has the methods of the one of files there.

use std::fmt;
use std::sync::Arc;

use contract::call::Fetched;
use contract::core::Config;
use contract::{HResult, Method, answers, fault};

use super::objects::{File, Job, Returned};

/// A snapshot of a job's files.
pub type EnumFiles = Enumerator<File>;
/// A snapshot of a user's jobs. What is listed is fixed, the properties of the jobs are live.
pub type EnumJobs = Enumerator<Job>;

/// A position in a snapshot.
pub struct Enumerator<T> {
    items: Arc<[T]>,
    position: usize,
    config: Config,
}

impl<T: Clone> Enumerator<T> {
    pub(super) fn new(items: Vec<T>, config: Config) -> Self {
        Enumerator { items: items.into(), position: 0, config }
    }

    /// `Next`: up to `celt` items; S_FALSE when there are fewer.
    ///
    /// # Errors
    /// E_INVALIDARG when the count is not wanted although more than one item is.
    pub fn next(&mut self, celt: u32, fetched: Fetched) -> Result<Returned<Vec<T>>, HResult> {
        self.check(Method::EnumFilesNext)?;
        if fetched == Fetched::Null && celt != 1 {
            return Err(HResult::E_INVALIDARG);
        }
        let (from, hr) = (self.position, self.advance(celt));
        Ok(Returned { hr, value: self.items[from..self.position].to_vec() })
    }

    /// `Skip`; S_FALSE when there are fewer, and then the position is at the end.
    ///
    /// # Errors
    /// E_NOTIMPL where the dialect lacks it.
    pub fn skip(&mut self, celt: u32) -> Result<Returned<()>, HResult> {
        self.check(Method::EnumFilesSkip)?;
        let hr = self.advance(celt);
        Ok(Returned { hr: if fault!(self, SkipPastTheEnd) { HResult::S_OK } else { hr }, value: () })
    }

    /// `Reset`: back to the start.
    ///
    /// # Errors
    /// E_NOTIMPL where the dialect lacks it.
    pub fn reset(&mut self) -> Result<(), HResult> {
        self.check(Method::EnumFilesReset)?;
        self.position = 0;
        Ok(())
    }

    /// `GetCount`: all items, not those that remain.
    ///
    /// # Errors
    /// E_NOTIMPL where the dialect lacks it.
    pub fn count(&self) -> Result<u32, HResult> {
        self.check(Method::EnumFilesGetCount)?;
        Ok(u32::try_from(self.items.len()).unwrap_or(u32::MAX))
    }

    /// `Clone`: another enumerator at this position. Not the trait, because it may be refused.
    ///
    /// # Errors
    /// E_NOTIMPL where the dialect lacks it.
    pub fn duplicate(&self) -> Result<Self, HResult> {
        self.check(Method::EnumFilesClone)?;
        let Enumerator { position, config, .. } = *self;
        let position = if fault!(self, CloneStartsOver) { 0 } else { position };
        Ok(Enumerator { items: Arc::clone(&self.items), position, config })
    }

    fn check(&self, method: Method) -> Result<(), HResult> {
        if answers::is_omitted(&self.config.profile, method) { Err(HResult::E_NOTIMPL) } else { Ok(()) }
    }

    fn advance(&mut self, celt: u32) -> HResult {
        let left = self.items.len() - self.position;
        let wanted = usize::try_from(celt).unwrap_or(usize::MAX);
        self.position += wanted.min(left);
        if wanted > left { HResult::S_FALSE } else { HResult::S_OK }
    }
}

/// What remains, one after another, for clients who need no codes.
///
/// The enumerator itself is no iterator: the documents' Next, Skip and GetCount have the names of an iterator's methods.
#[derive(Clone, Debug)]
pub struct Remaining<T> {
    items: Arc<[T]>,
    position: usize,
}

impl<T: Clone> IntoIterator for Enumerator<T> {
    type Item = T;
    type IntoIter = Remaining<T>;

    fn into_iter(self) -> Remaining<T> {
        Remaining { items: self.items, position: self.position }
    }
}

impl<T: Clone> Iterator for Remaining<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        let item = self.items.get(self.position).cloned()?;
        self.position += 1;
        Some(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.items.len() - self.position;
        (left, Some(left))
    }
}

impl<T: Clone> ExactSizeIterator for Remaining<T> {}

impl<T> fmt::Debug for Enumerator<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Enumerator({} of {})", self.position, self.items.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::Dialect;

    #[test]
    fn an_enumerator_answers_as_the_pages_say() {
        contract::follows![
            "enum.fewer",
            "enum.count-pointer",
            "enum.clone",
            "enum.reset",
            "enum.count",
            "enum.skip"
        ];
        let mut all = Enumerator::new(vec!['a', 'b', 'c'], Config::of(Dialect::Bits.profile()));
        assert_eq!(all.next(2, Fetched::Wanted), Ok(Returned { hr: HResult::S_OK, value: vec!['a', 'b'] }));
        assert_eq!(all.next(2, Fetched::Null), Err(HResult::E_INVALIDARG));
        let mut copy = all.duplicate().expect("BITS has Clone");
        assert_eq!(copy.next(1, Fetched::Null).map(|returned| returned.value), Ok(vec!['c']));
        assert_eq!(all.next(9, Fetched::Wanted), Ok(Returned { hr: HResult::S_FALSE, value: vec!['c'] }));
        assert_eq!(all.next(0, Fetched::Wanted), Ok(Returned { hr: HResult::S_OK, value: vec![] }));
        assert_eq!((all.reset(), all.count()), (Ok(()), Ok(3)));
        assert_eq!(all.skip(3).map(|returned| returned.hr), Ok(HResult::S_OK));
        assert_eq!(all.skip(u32::MAX).map(|returned| returned.hr), Ok(HResult::S_FALSE));
    }

    #[test]
    fn what_remains_can_be_iterated_over() {
        let mut all = Enumerator::new(vec!['a', 'b', 'c'], Config::of(Dialect::Bits.profile()));
        assert_eq!(all.skip(1).map(|returned| returned.hr), Ok(HResult::S_OK));
        let rest = all.duplicate().expect("BITS has Clone").into_iter();
        assert_eq!(rest.len(), 2);
        assert_eq!(rest.collect::<String>(), "bc");
        assert_eq!(all.reset(), Ok(()));
        let mut letters = String::new();
        for letter in all {
            letters.push(letter);
        }
        assert_eq!(letters, "abc");
    }

    #[test]
    fn delivery_optimization_has_no_clone() {
        let config = Config::of(Dialect::Do.profile());
        let mut all = Enumerator::new(vec![0, 1], config);
        assert_eq!(all.duplicate().err(), Some(HResult::E_NOTIMPL));
        assert_eq!((all.count(), all.reset()), (Ok(2), Ok(())));
        assert_eq!(all.next(1, Fetched::Null).map(|returned| returned.value), Ok(vec![0]));
    }
}
