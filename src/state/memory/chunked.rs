//! A vector that grows without moving what it holds.
//!
//! State grows to gigabytes: a plain vector would copy all of it now and then in the middle of an
//! epoch, and keep half of its room empty.

/// Elements in a chunk, as a power of two.
const BITS: u32 = 16;
const CHUNK: usize = 1 << BITS;

/// Elements by number, in chunks. The first chunk grows as a vector does; the others are made whole.
#[derive(Debug)]
pub(super) struct Chunked<T> {
    chunks: Vec<Vec<T>>,
    len: usize,
}

impl<T> Default for Chunked<T> {
    fn default() -> Self {
        Self { chunks: vec![], len: 0 }
    }
}

impl<T: Copy> Chunked<T> {
    /// How many elements there are.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// An element that is there.
    pub(super) fn get(&self, at: u32) -> T {
        self.chunks[(at >> BITS) as usize][at as usize % CHUNK]
    }

    /// An element that is there.
    pub(super) fn get_ref(&self, at: u32) -> &T {
        &self.chunks[(at >> BITS) as usize][at as usize % CHUNK]
    }

    /// The first element.
    pub(super) fn first(&self) -> Option<&T> {
        self.chunks.first()?.first()
    }

    /// An element that is there, to be changed.
    pub(super) fn get_mut(&mut self, at: u32) -> &mut T {
        &mut self.chunks[(at >> BITS) as usize][at as usize % CHUNK]
    }

    /// Adds an element.
    pub(super) fn push(&mut self, value: T) {
        if let Some(last) = self.last_with_room() {
            last.push(value);
            self.len += 1;
        }
    }

    /// Adds copies of an element until there are `len`.
    pub(super) fn extend_to(&mut self, len: usize, value: T) {
        while self.len < len {
            let missing = len - self.len;
            let Some(last) = self.last_with_room() else { return };
            let before = last.len();
            last.resize(CHUNK.min(before + missing), value);
            self.len += last.len() - before;
        }
    }

    /// The last chunk, a new one where that is full. There always is one.
    fn last_with_room(&mut self) -> Option<&mut Vec<T>> {
        if self.len == self.chunks.len() * CHUNK {
            let room = if self.chunks.is_empty() { 0 } else { CHUNK };
            self.chunks.push(Vec::with_capacity(room));
        }
        self.chunks.last_mut()
    }

    /// The bytes of memory.
    pub(super) fn memory(&self) -> usize {
        let chunks = self.chunks.iter().map(Vec::capacity).sum::<usize>();
        chunks * size_of::<T>() + self.chunks.capacity() * size_of::<Vec<T>>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_keep_their_numbers_across_chunks() {
        let mut numbers = Chunked::default();
        for number in 0..2 * CHUNK as u64 + 7 {
            numbers.push(number);
        }
        *numbers.get_mut(CHUNK as u32) = 1;
        numbers.extend_to(2 * CHUNK + 9, 5);
        let at = [0, CHUNK as u32 - 1, CHUNK as u32, 2 * CHUNK as u32 + 8];
        assert_eq!(at.map(|at| numbers.get(at)), [0, CHUNK as u64 - 1, 1, 5]);
        assert_eq!(numbers.len(), 2 * CHUNK + 9);
    }
}
