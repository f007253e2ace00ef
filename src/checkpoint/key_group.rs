//! Key groups: every key belongs to one of 256, for ever, whatever the number of partitions.
//!
//! The group is XXH64 with seed 0 over the arrow-row bytes of the key, modulo 256. It is not
//! DataFusion's own hash, which may change with a release.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use twox_hash::XxHash64;

/// How many key groups there are.
pub const KEY_GROUPS: usize = 256;

/// The hash of a key, given the arrow-row bytes of its columns.
pub fn key_hash(key: &[u8]) -> u64 {
    XxHash64::oneshot(0, key)
}

/// The group of the keys with this hash.
pub const fn group_of(hash: u64) -> u8 {
    // The remainder is below 256.
    (hash % KEY_GROUPS as u64) as u8
}

/// The group of a key, given the arrow-row bytes of its columns.
pub fn key_group(key: &[u8]) -> u8 {
    group_of(key_hash(key))
}

/// A set of key groups: what a partition owns, or what a file holds. In JSON 64 hex digits,
/// group 0 in the lowest bit.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct KeyGroupSet([u64; 4]);

impl KeyGroupSet {
    /// All groups.
    pub const ALL: Self = Self([u64::MAX; 4]);

    /// Adds a group.
    pub const fn insert(&mut self, group: u8) {
        self.0[group as usize / 64] |= 1 << (group % 64);
    }

    /// Whether a group is in the set.
    pub const fn contains(&self, group: u8) -> bool {
        self.0[group as usize / 64] & (1 << (group % 64)) != 0
    }

    /// Whether the sets have a group in common.
    pub fn intersects(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).any(|(a, b)| a & b != 0)
    }

    /// Whether every group of this set is in `other`.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).all(|(a, b)| a & !b == 0)
    }

    /// How many groups there are.
    pub fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl FromIterator<u8> for KeyGroupSet {
    fn from_iter<I: IntoIterator<Item = u8>>(groups: I) -> Self {
        let mut set = Self::default();
        for group in groups {
            set.insert(group);
        }
        set
    }
}

impl fmt::Debug for KeyGroupSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyGroupSet({self})")
    }
}

impl fmt::Display for KeyGroupSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = self.0;
        write!(f, "{d:016x}{c:016x}{b:016x}{a:016x}")
    }
}

impl Serialize for KeyGroupSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyGroupSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || serde::de::Error::custom("a set of key groups is 64 hex digits");
        if text.len() != 64 || !text.is_ascii() {
            return Err(wrong());
        }
        let mut words = [0; 4];
        for (word, chunk) in words.iter_mut().zip([48, 32, 16, 0]) {
            *word = u64::from_str_radix(&text[chunk..chunk + 16], 16).map_err(|_e| wrong())?;
        }
        Ok(Self(words))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_of_a_key_never_changes() {
        assert_eq!([key_group(b""), key_group(b"a"), key_group(b"millstream")], [153, 91, 96]);
    }

    #[test]
    fn a_set_is_the_same_after_a_trip_through_json() {
        let set: KeyGroupSet = [0, 63, 64, 200, 255].into_iter().collect();
        let json = serde_json::to_string(&set).unwrap();
        assert_eq!(serde_json::from_str::<KeyGroupSet>(&json).unwrap(), set);
        assert_eq!(set.len(), 5);
        assert!(set.is_subset(&KeyGroupSet::ALL));
    }
}
