//! Tasks that end with their owner.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::error::{Error, Result};

/// A running task. Dropping it cancels the task; awaiting it gives what the task returned.
#[derive(Debug)]
pub struct Task<T>(JoinHandle<T>);

impl<T> Task<T> {
    /// Lets the task run on by itself to its end.
    pub fn detach(self) {
        // The handle must not be dropped as a `Task`, which would cancel.
        std::mem::forget(self);
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|joined| {
            joined.map_err(|error| {
                if error.is_panic() {
                    Error::internal(format!("a task panicked: {}", panic_text(error.into_panic())))
                } else {
                    Error::internal("a task was cancelled")
                }
            })
        })
    }
}

fn panic_text(panic: Box<dyn std::any::Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => {
            panic.downcast::<&str>().map_or_else(|_| "unknown".to_owned(), |t| (*t).to_owned())
        }
    }
}

/// Runs `future` beside the caller.
///
/// Must be called inside a tokio runtime, as all of the crate's async functions are.
pub fn spawn<F>(future: F) -> Task<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    Task(tokio::spawn(future))
}

/// Runs `future` by itself where there is a runtime; for what a destructor has to leave behind.
pub fn spawn_if_possible<F>(future: F)
where
    F: Future<Output = ()> + Send + 'static,
{
    if let Ok(runtime) = Handle::try_current() {
        drop(runtime.spawn(future));
    }
}

/// Runs `work`, which may block, on a thread made for that.
pub fn spawn_blocking<T, F>(work: F) -> Task<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    Task(tokio::task::spawn_blocking(work))
}

/// Runs `work`, which blocks for a short while, on the current thread where the runtime can move
/// its other tasks away, and on a thread made for blocking elsewhere.
///
/// # Errors
/// Those of `work`; `Internal` when it panicked.
pub async fn block<T, F>(work: F) -> Result<T>
where
    F: FnOnce() -> Result<T> + Send + 'static,
    T: Send + 'static,
{
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(tokio::runtime::RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => spawn_blocking(work).await?,
    }
}
