//! What every runtime on real threads has of the standard library's: all but how it waits, starts threads and reads the clock.

/// The part of a `Runtime` that its field `std` does.
#[doc(hidden)]
#[macro_export]
macro_rules! threads_of_std {
    () => {
        type Mutex<T: Send + 'static> = <engine::service::Std as engine::service::Runtime>::Mutex<T>;
        type Guard<'a, T: Send + 'static> = <engine::service::Std as engine::service::Runtime>::Guard<'a, T>;
        type Condvar = <engine::service::Std as engine::service::Runtime>::Condvar;
        type Thread = <engine::service::Std as engine::service::Runtime>::Thread;

        fn mutex<T: engine::service::Protected>(&self, value: T) -> Self::Mutex<T> {
            self.std.mutex(value)
        }

        fn lock<'a, T: Send + 'static>(&self, mutex: &'a Self::Mutex<T>) -> Self::Guard<'a, T> {
            self.std.lock(mutex)
        }

        fn condvar(&self) -> Self::Condvar {
            self.std.condvar()
        }

        fn notify_one(&self, condvar: &Self::Condvar) {
            self.std.notify_one(condvar);
        }

        fn notify_all(&self, condvar: &Self::Condvar) {
            self.std.notify_all(condvar);
        }

        fn join(&self, thread: Self::Thread) {
            self.std.join(thread);
        }

        fn thread(&self) -> contract::ThreadId {
            self.std.thread()
        }

        fn inside(&self) -> Option<engine::service::Inside> {
            self.std.inside()
        }

        fn set_inside(&self, inside: Option<engine::service::Inside>) {
            self.std.set_inside(inside);
        }
    };
}

pub use crate::threads_of_std;
