//! Which files a source has taken already.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};
use std::sync::Arc;

use twox_hash::XxHash64;

/// The files that were taken, as far back as `maxFileAge` reaches.
///
/// What is older than the newest file by more than that is never new again, so it need not be
/// remembered. Nothing is too old as long as nothing was taken.
#[derive(Debug)]
pub(super) struct SeenFiles {
    by_name_only: bool,
    /// Milliseconds; `None` keeps everything.
    max_age: Option<i64>,
    keys: HashSet<Arc<str>>,
    /// The keys by age, oldest first; empty where nothing is ever forgotten.
    by_time: BinaryHeap<Reverse<(i64, Arc<str>)>>,
    newest: i64,
    /// The URL of the newest file.
    newest_url: String,
    /// What was written before is too old.
    floor: i64,
    /// Hashes of the keys of files below the floor that were taken, or were said to be too old.
    settled: HashSet<u64>,
}

impl SeenFiles {
    pub(super) fn new(by_name_only: bool, max_age: Option<i64>) -> Self {
        Self {
            by_name_only,
            max_age,
            keys: HashSet::new(),
            by_time: BinaryHeap::new(),
            newest: i64::MIN,
            newest_url: String::new(),
            floor: i64::MIN,
            settled: HashSet::new(),
        }
    }

    /// Whether a file was neither taken nor is too old.
    pub(super) fn is_new(&self, url: &str, modified: i64) -> bool {
        modified >= self.floor && !self.keys.contains(self.key(url))
    }

    /// Whether a file will never be taken because it is too old, said once for each file.
    pub(super) fn has_come_late(&mut self, url: &str, modified: i64) -> bool {
        let key = self.key(url);
        modified < self.floor && !self.keys.contains(key) && self.settled.insert(hash(key))
    }

    /// Forgets what is known of old files that are no longer there.
    pub(super) fn keep_old<'a>(&mut self, listed: impl Iterator<Item = (&'a str, i64)>) {
        if self.settled.is_empty() {
            return;
        }
        let old = listed.filter(|(_, modified)| *modified < self.floor);
        let old: HashSet<u64> = old.map(|(url, _)| hash(self.key(url))).collect();
        self.settled.retain(|key| old.contains(key));
    }

    /// The URL of the newest file that was taken.
    pub(super) fn newest_url(&self) -> &str {
        &self.newest_url
    }

    /// Remembers a file that was taken. Its age counts from the next [`forget_old`](Self::forget_old).
    pub(super) fn add(&mut self, url: &str, modified: i64) {
        if modified > self.newest {
            self.newest = modified;
            url.clone_into(&mut self.newest_url);
        }
        let key: Arc<str> = self.key(url).into();
        if self.keys.insert(Arc::clone(&key)) && self.max_age.is_some() {
            self.by_time.push(Reverse((modified, key)));
        }
    }

    /// Forgets files that have become too old.
    pub(super) fn forget_old(&mut self) {
        let Some(max_age) = self.max_age else { return };
        self.floor = self.newest.saturating_sub(max_age);
        while let Some(Reverse((modified, _))) = self.by_time.peek()
            && *modified < self.floor
        {
            if let Some(Reverse((_, key))) = self.by_time.pop() {
                self.settled.insert(hash(&key));
                self.keys.remove(&key);
            }
        }
    }

    /// What tells files apart: the URL, or the name alone.
    pub(super) fn key<'a>(&self, url: &'a str) -> &'a str {
        match url.rsplit_once('/') {
            Some((_, name)) if self.by_name_only => name,
            _ => url,
        }
    }
}

fn hash(key: &str) -> u64 {
    XxHash64::oneshot(0, key.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_new_once_and_only_while_it_is_young() {
        let mut seen = SeenFiles::new(false, Some(100));
        assert!(seen.is_new("file:///in/old", -5_000));
        seen.add("file:///in/a", 1_000);
        assert!(seen.is_new("file:///in/old", 0));
        seen.forget_old();
        assert!(!seen.is_new("file:///in/a", 1_000));
        assert!(!seen.is_new("file:///in/b", 899));
        assert!(seen.is_new("file:///in/b", 900));
        seen.add("file:///in/c", 2_000);
        seen.forget_old();
        assert!(seen.keys.len() == 1 && seen.by_time.len() == 1);
        assert!(!seen.is_new("file:///in/a", 1_000));
    }

    #[test]
    fn a_file_that_was_never_taken_is_said_to_be_too_old_once() {
        let mut seen = SeenFiles::new(false, Some(100));
        seen.add("file:///in/taken", 500);
        seen.add("file:///in/future", 1_000);
        seen.forget_old();
        assert_eq!(seen.newest_url(), "file:///in/future");
        assert!(!seen.has_come_late("file:///in/taken", 500));
        assert!(!seen.has_come_late("file:///in/young", 950));
        assert!(seen.has_come_late("file:///in/late", 500));
        assert!(!seen.has_come_late("file:///in/late", 500));
        seen.keep_old([("file:///in/taken", 500)].into_iter());
        assert!(seen.has_come_late("file:///in/late", 500));
        assert!(!seen.has_come_late("file:///in/taken", 500));
    }

    #[test]
    fn names_alone_count_where_that_is_asked_for() {
        let mut seen = SeenFiles::new(true, None);
        seen.add("file:///in/a", 1);
        assert!(!seen.is_new("s3://elsewhere/a", 2));
    }
}
