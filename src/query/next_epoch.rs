//! Whether an epoch follows: a pure decision.

use std::collections::BTreeMap;

use crate::connector::offset::Offset;

/// How far each source has been read, or could be.
pub type Offsets = BTreeMap<String, Option<Offset>>;

/// What is known when a trigger fires.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// How far the epochs so far have read.
    pub done: &'a Offsets,
    /// How far the next could read.
    pub available: &'a Offsets,
    /// Whether an epoch without input may follow: it is not switched off, the trigger is not
    /// `Once`, and an operator of the plan evicts.
    pub may_run_empty: bool,
    /// Whether the watermark moved since the last epoch of this run. False before the first:
    /// what a restart could evict waits for data.
    pub watermark_moved: bool,
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// An epoch over new data.
    Data,
    /// An epoch without input, for what the watermark has passed.
    Empty,
    /// Nothing, until there is data.
    Wait,
}

/// Decides what follows.
pub fn next_epoch(situation: &Situation<'_>) -> Next {
    let is_new = |(name, offset): (&String, &Option<Offset>)| {
        offset.is_some() && situation.done.get(name).is_none_or(|done| done != offset)
    };
    if situation.available.iter().any(is_new) {
        Next::Data
    } else if situation.may_run_empty && situation.watermark_moved {
        Next::Empty
    } else {
        Next::Wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(position: Option<u64>) -> Offsets {
        let offset = position.map(|p| Offset::new(serde_json::json!(p)));
        BTreeMap::from([("s".to_owned(), offset)])
    }

    fn decide(done: Option<u64>, available: Option<u64>, empty: bool, moved: bool) -> Next {
        next_epoch(&Situation {
            done: &at(done),
            available: &at(available),
            may_run_empty: empty,
            watermark_moved: moved,
        })
    }

    #[test]
    fn data_goes_before_eviction() {
        assert_eq!(decide(Some(1), Some(2), true, true), Next::Data);
        assert_eq!(decide(None, Some(0), false, false), Next::Data);
    }

    #[test]
    fn a_moved_watermark_alone_makes_one_epoch() {
        assert_eq!(decide(Some(1), Some(1), true, true), Next::Empty);
        assert_eq!(decide(Some(1), Some(1), true, false), Next::Wait);
        assert_eq!(decide(Some(1), Some(1), false, true), Next::Wait);
    }

    #[test]
    fn nothing_at_all_is_no_data() {
        assert_eq!(decide(None, None, false, false), Next::Wait);
    }
}
