//! Clients' objects, as far as all of them are one.

/// Makes a type a client's object whose four callbacks are one method of it:
/// `fn hear(&self, event: Event, job: &Job, file: Option<&File>, error: Option<&ErrorObject>) -> HResult`.
/// The closure gives the interfaces of the object.
///
/// ```
/// use contract::{Event, HResult, Interfaces};
/// use engine::service::{Callback, ErrorObject, File, Job};
///
/// struct Deaf;
///
/// impl Deaf {
///     fn hear(&self, _: Event, _: &Job, _: Option<&File>, _: Option<&ErrorObject>) -> HResult {
///         HResult::E_FAIL
///     }
/// }
///
/// subjects::callbacks_as_one!(Deaf, |_deaf| Interfaces::all());
///
/// assert_eq!(Deaf.receives(), Interfaces::all());
/// ```
#[macro_export]
macro_rules! callbacks_as_one {
    ($object:ty, |$this:ident| $receives:expr) => {
        impl ::engine::service::Callback for $object {
            fn receives(&self) -> ::contract::Interfaces {
                let $this = self;
                $receives
            }

            fn job_transferred(&self, job: &::engine::service::Job) -> ::contract::HResult {
                self.hear(::contract::Event::JobTransferred, job, None, None)
            }

            fn job_error(
                &self,
                job: &::engine::service::Job,
                error: &::engine::service::ErrorObject,
            ) -> ::contract::HResult {
                self.hear(::contract::Event::JobError, job, None, Some(error))
            }

            fn job_modification(&self, job: &::engine::service::Job) -> ::contract::HResult {
                self.hear(::contract::Event::JobModification, job, None, None)
            }

            fn file_transferred(
                &self,
                job: &::engine::service::Job,
                file: &::engine::service::File,
            ) -> ::contract::HResult {
                self.hear(::contract::Event::FileTransferred, job, Some(file), None)
            }
        }
    };
}

/// Ends the client's code by a panic. Not `panic!`: what is done on purpose prints nothing on the terminal, and fuzzers take a panic hook for a
/// crash.
///
/// # Panics
/// Always.
pub fn panic_on_purpose() -> ! {
    std::panic::resume_unwind(Box::new("on purpose"))
}
