//! The terminal, which many share: bars of progress, the line that is being edited, and all that
//! is printed meanwhile. Bars step aside while a line, a row or a log entry passes; what comes
//! while a line is edited appears above it.
//!
//! ```text
//! print --> aside            no prompt: bars away, write, bars back
//!      '--> waiting --> pump a prompt: the editor prints above its line
//! ```

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use indicatif::MultiProgress;
use millstream::runtime::task;
use millstream::sinks::console::ConsoleOutput;
use tokio::sync::Notify;

static BARS: OnceLock<MultiProgress> = OnceLock::new();
static PROMPT: Mutex<Prompt> = Mutex::new(Prompt { is_shown: false, waiting: String::new() });
static ARRIVED: Notify = Notify::const_new();

/// What has to be known of a line that is edited.
#[derive(Debug)]
struct Prompt {
    is_shown: bool,
    /// What is to appear above it.
    waiting: String,
}

/// Where text goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Out,
    Err,
}

impl Stream {
    fn is_terminal(self) -> bool {
        match self {
            Self::Out => io::stdout().is_terminal(),
            Self::Err => io::stderr().is_terminal(),
        }
    }

    fn write(self, bytes: &[u8]) -> io::Result<()> {
        let write = |mut to: Box<dyn Write>| to.write_all(bytes).and_then(|()| to.flush());
        match self {
            Self::Out => write(Box::new(io::stdout().lock())),
            Self::Err => write(Box::new(io::stderr().lock())),
        }
    }
}

/// The bars on the standard error; there are none until this is called.
pub(crate) fn bars() -> &'static MultiProgress {
    BARS.get_or_init(MultiProgress::new)
}

/// Writes all of `bytes`, beside bars and prompts.
pub(crate) fn print(stream: Stream, bytes: &[u8]) -> io::Result<()> {
    if stream.is_terminal() {
        let mut prompt = prompt();
        if prompt.is_shown {
            prompt.waiting.push_str(&String::from_utf8_lossy(bytes));
            ARRIVED.notify_one();
            return Ok(());
        }
    }
    aside(|| stream.write(bytes))
}

/// Prints while the bars are away.
fn aside<R>(print: impl FnOnce() -> R) -> R {
    match BARS.get() {
        Some(bars) => bars.suspend(print),
        None => print(),
    }
}

fn prompt() -> MutexGuard<'static, Prompt> {
    PROMPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets `print` show what comes while a line is edited. It may wait for the next line to be edited:
/// nobody else waits with it.
pub(crate) fn pump(mut print: impl FnMut(String) + Send + 'static) {
    let pump = task::spawn(async move {
        loop {
            ARRIVED.notified().await;
            let text = std::mem::take(&mut prompt().waiting);
            if text.is_empty() {
                continue;
            }
            let printed = task::spawn_blocking(move || {
                print(text);
                print
            });
            match printed.await {
                Ok(again) => print = again,
                // It panicked, and there is no way any more to print above the line.
                Err(_broken) => return,
            }
        }
    });
    pump.detach();
}

/// Says while it lives that a line is edited.
#[derive(Debug)]
pub(crate) struct PromptShown(());

impl PromptShown {
    pub(crate) fn begin() -> Self {
        prompt().is_shown = true;
        Self(())
    }
}

impl Drop for PromptShown {
    fn drop(&mut self) {
        let text = {
            let mut prompt = prompt();
            prompt.is_shown = false;
            std::mem::take(&mut prompt.waiting)
        };
        if !text.is_empty() {
            // Where the terminal is gone, nobody is there to be told.
            let _closed = print(Stream::Out, text.as_bytes());
        }
    }
}

/// The standard error for the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LogWriter;

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        print(Stream::Err, bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}

/// The standard output for the console sink.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Console;

impl ConsoleOutput for Console {
    fn print(&self, text: &str) -> io::Result<()> {
        print(Stream::Out, text.as_bytes())
    }
}
