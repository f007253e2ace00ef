//! The lines that came from the server and are not done yet.
//!
//! ```text
//!   done for good | held: first .. first + len | to come
//! ```

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::sync::watch;

use crate::runtime::clock::Clock;

/// The server has to wait while lines of so many bytes are held.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// A line and the time at which it came, in milliseconds since 1970 in UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) millis: i64,
}

#[derive(Debug)]
struct Held {
    /// The number of the first line that is held.
    first: i64,
    lines: VecDeque<Line>,
    bytes: usize,
}

/// The lines that are held. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Lines {
    held: Arc<Mutex<Held>>,
    /// The number of the newest line, for those who wait for one.
    newest: Arc<watch::Sender<i64>>,
    /// How many bytes are held, for the reader who waits for room.
    bytes: Arc<watch::Sender<usize>>,
}

impl Lines {
    /// No lines; the next has the number after `last`.
    pub(super) fn after(last: i64) -> Self {
        let held = Held { first: last.saturating_add(1), lines: VecDeque::new(), bytes: 0 };
        Self {
            held: Arc::new(Mutex::new(held)),
            newest: Arc::new(watch::Sender::new(last)),
            bytes: Arc::new(watch::Sender::new(0)),
        }
    }

    /// The number of the newest line.
    pub(super) fn newest(&self) -> i64 {
        *self.newest.borrow()
    }

    /// Returns when there is a line of this number.
    #[cfg(test)]
    pub(super) async fn reached(&self, number: i64) {
        let mut newest = self.newest.subscribe();
        newest.wait_for(|newest| *newest >= number).await.unwrap();
    }

    /// The lines after `from` up to and including `to`, and how many of them are not held.
    pub(super) fn between(&self, from: i64, to: i64) -> (Vec<Line>, u64) {
        let held = self.lock();
        let wanted = to.saturating_sub(from).max(0);
        let skip = from.saturating_add(1).saturating_sub(held.first).max(0);
        let missing = held.first.saturating_sub(from.saturating_add(1)).clamp(0, wanted);
        let take = usize::try_from(wanted - missing).unwrap_or(0);
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let lines: Vec<Line> = held.lines.iter().skip(skip).take(take).cloned().collect();
        let lost = u64::try_from(wanted).unwrap_or(0).saturating_sub(lines.len() as u64);
        (lines, lost)
    }

    /// Forgets the lines up to and including this number.
    pub(super) fn forget(&self, number: i64) {
        let mut held = self.lock();
        while held.first <= number
            && let Some(line) = held.lines.pop_front()
        {
            held.first += 1;
            held.bytes -= line.text.len();
        }
        let bytes = held.bytes;
        drop(held);
        self.bytes.send_replace(bytes);
    }

    /// Reads lines up to the end of what the server sends.
    ///
    /// # Errors
    /// Those of the connection.
    pub(super) async fn read(
        &self,
        server: impl AsyncRead + Unpin + Send,
        clock: &dyn Clock,
    ) -> std::io::Result<()> {
        let mut server = BufReader::new(server);
        let mut bytes = self.bytes.subscribe();
        let mut line = Vec::new();
        while server.read_until(b'\n', &mut line).await? > 0 {
            self.push(&line, clock.now_millis());
            line.clear();
            // The sender lives as long as `self`, so waiting cannot fail.
            let _room = bytes.wait_for(|held| *held < MOST_BYTES).await;
        }
        Ok(())
    }

    fn push(&self, line: &[u8], millis: i64) {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let mut held = self.lock();
        // A carriage return ends a line too, as in Java.
        for line in line.split(|byte| *byte == b'\r') {
            let text = String::from_utf8_lossy(line).into_owned();
            held.bytes += text.len();
            held.lines.push_back(Line { text, millis });
        }
        let newest = held.first.saturating_add(held.lines.len() as i64 - 1);
        let bytes = held.bytes;
        drop(held);
        self.bytes.send_replace(bytes);
        self.newest.send_replace(newest);
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
