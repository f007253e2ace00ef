//! How the files of a version become a table again.

use std::collections::HashMap;

use arrow::array::{BooleanArray, UInt32Array};
use arrow::compute::take_arrays;

use crate::checkpoint::key_group::{KeyGroupSet, group_of};
use crate::error::Error;
use crate::state::changelog::FileBatch;
use crate::state::file::FileKind;
use crate::state::memory::table::Table;
use crate::state::store::{Absent, Keys};

impl Table {
    /// Applies the rows of a file; of these `groups` only, where they are given. The keys of a
    /// snapshot must be new to the table.
    pub(in crate::state) fn load(
        &mut self,
        batch: FileBatch,
        kind: FileKind,
        groups: Option<&KeyGroupSet>,
    ) -> Result<(), LoadError> {
        let batch = match groups {
            Some(groups) => rows_of(batch, groups)?,
            None => batch,
        };
        match kind {
            FileKind::Snapshot => self.add_all(&batch),
            FileKind::Delta => self.apply(&batch),
        }
    }

    /// Adds rows of which none is there: without looking for them, and without the overlay.
    fn add_all(&mut self, batch: &FileBatch) -> Result<(), LoadError> {
        if batch.deleted.true_count() > 0 {
            return Err(LoadError::Malformed("a snapshot removes a row".to_owned()));
        }
        let keys = Keys::new(&batch.keys, batch.groups.len());
        self.encode(&keys)?;
        self.account(self.slots.growth(keys.rows()))?;
        let key_times = self.key_times(&batch.keys)?;
        let times = match key_times {
            Some(times) => Some(times),
            None => self.value_times(&batch.values)?,
        };
        let mut added = Vec::with_capacity(keys.rows());
        for (row, hash) in self.hashes.iter().enumerate() {
            check_group(batch.groups.value(row), group_of(*hash))?;
            let slot = self.slots.insert(*hash, self.key_rows.get(row))?;
            self.slots.set_stored(slot, true);
            added.push(slot);
        }
        self.values.extend_to(self.slots.len());
        self.values.set(&added, &batch.values)?;
        if let Some(times) = times {
            self.times.of_slot.extend_to(self.slots.len(), super::times::NO_TIME);
            for (slot, time) in added.iter().zip(times) {
                *self.times.of_slot.get_mut(*slot) = time;
                self.times.index.add(*slot, time);
            }
        }
        Ok(self.account(0)?)
    }

    /// Does what a changelog says.
    fn apply(&mut self, batch: &FileBatch) -> Result<(), LoadError> {
        let keys = Keys::new(&batch.keys, batch.groups.len());
        let entries = self.locate(&keys, Absent::Make)?;
        for (entry, found) in entries.iter().zip(batch.groups.values()) {
            check_group(*found, self.overlay.entries[*entry as usize].group)?;
        }
        if batch.deleted.true_count() == 0 {
            self.write(&entries, &batch.values)?;
        } else {
            // The last row of a key counts.
            let last: HashMap<u32, usize> =
                entries.iter().enumerate().map(|(row, entry)| (*entry, row)).collect();
            let mut rows: Vec<usize> = last.into_values().collect();
            rows.sort_unstable();
            let (gone, put): (Vec<_>, Vec<_>) =
                rows.into_iter().partition(|row| batch.deleted.value(*row));
            let of = |rows: &[usize]| rows.iter().map(|row| entries[*row]).collect::<Vec<_>>();
            let put_rows: UInt32Array = put.iter().map(|row| Some(*row as u32)).collect();
            let values = take_arrays(&batch.values, &put_rows, None).map_err(Error::from)?;
            self.write(&of(&put), &values)?;
            self.remove(&of(&gone))?;
        }
        // A file that is applied is not undone.
        Ok(self.fold()?)
    }
}

/// The rows of a batch that belong to some key groups.
fn rows_of(batch: FileBatch, groups: &KeyGroupSet) -> Result<FileBatch, Error> {
    let wanted: BooleanArray =
        batch.groups.values().iter().map(|group| Some(groups.contains(*group))).collect();
    if wanted.false_count() == 0 {
        return Ok(batch);
    }
    let kept = wanted.values().set_indices().map(|row| row as u32);
    let kept = UInt32Array::from_iter_values(kept);
    let group = |row: &u32| batch.groups.value(*row as usize);
    let deleted = |row: &u32| Some(batch.deleted.value(*row as usize));
    Ok(FileBatch {
        keys: take_arrays(&batch.keys, &kept, None)?,
        values: take_arrays(&batch.values, &kept, None)?,
        deleted: kept.values().iter().map(deleted).collect(),
        groups: kept.values().iter().map(group).collect::<Vec<_>>().into(),
    })
}

fn check_group(found: u8, expected: u8) -> Result<(), LoadError> {
    if found == expected {
        return Ok(());
    }
    Err(LoadError::Malformed(format!(
        "a row of key group {found} has a key of group {expected}: its keys are encoded in another \
         way than this release encodes them"
    )))
}

/// Why the rows of a file cannot be applied.
#[derive(Debug)]
pub(in crate::state) enum LoadError {
    /// Something is wrong with the file.
    Malformed(String),
    /// Something else went wrong.
    Other(Error),
}

impl From<Error> for LoadError {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}
