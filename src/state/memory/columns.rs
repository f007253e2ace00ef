//! Values as columns: rows by number, each column of fixed width in a vector of its own.
//!
//! What has no fixed width (texts, lists, structs) is kept together as one row of bytes for each
//! number, by arrow-row. Reading is a gather and writing a scatter, with no decision for each row.

use std::sync::Arc;

use arrow::array::{Array, ArrayData, ArrayRef, AsArray, BooleanArray, make_array};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow::datatypes::{ArrowNativeType, DataType, Schema, SchemaRef};

use crate::error::{Error, Result};
use crate::state::memory::arena::{Arena, Extent};
use crate::state::memory::chunked::Chunked;
use crate::state::row_codec::{EncodedRows, RowCodec};

/// Rows of values by number.
#[derive(Debug)]
pub(super) struct Columns {
    schema: SchemaRef,
    fixed: Vec<Fixed>,
    /// For each column its place in `fixed`, or `None` where it is one of the rest.
    places: Vec<Option<usize>>,
    rest: Option<Rest>,
    len: usize,
}

/// A column of fixed width. Validity is kept from the first null on.
#[derive(Debug)]
struct Fixed {
    values: Values,
    valid: Chunked<bool>,
}

/// Values by their width in bytes.
#[derive(Debug)]
enum Values {
    Bool(Chunked<bool>),
    W1(Chunked<u8>),
    W2(Chunked<u16>),
    W4(Chunked<u32>),
    W8(Chunked<u64>),
    W16(Chunked<[u64; 2]>),
    W32(Chunked<[u64; 4]>),
}

/// The columns without a fixed width.
#[derive(Debug)]
struct Rest {
    codec: RowCodec,
    rows: EncodedRows,
    extents: Chunked<Extent>,
    arena: Arena,
}

impl Columns {
    /// No rows.
    pub(super) fn try_new(schema: &SchemaRef) -> Result<Self> {
        let mut fixed = vec![];
        let mut places = vec![];
        let mut others = vec![];
        for field in schema.fields() {
            match Values::of(field.data_type()) {
                Some(values) => {
                    places.push(Some(fixed.len()));
                    fixed.push(Fixed { values, valid: Chunked::default() });
                }
                None => {
                    places.push(None);
                    others.push(Arc::clone(field));
                }
            }
        }
        let rest = match others.is_empty() {
            true => None,
            false => Some(Rest::try_new(&Arc::new(Schema::new(others)))?),
        };
        Ok(Self { schema: Arc::clone(schema), fixed, places, rest, len: 0 })
    }

    /// The columns.
    pub(super) const fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Makes room for rows with numbers below `len`.
    pub(super) fn extend_to(&mut self, len: usize) {
        if len <= self.len {
            return;
        }
        for column in &mut self.fixed {
            column.values.extend_to(len);
            if column.valid.len() > 0 {
                column.valid.extend_to(len, true);
            }
        }
        if let Some(rest) = &mut self.rest {
            rest.extents.extend_to(len, Extent::EMPTY);
        }
        self.len = len;
    }

    /// Writes the rows of `arrays` under the numbers `at`, for which there is room; a later one
    /// replaces an earlier one.
    pub(super) fn set(&mut self, at: &[u32], arrays: &[ArrayRef]) -> Result<()> {
        self.check(at.len(), arrays)?;
        let mut others = vec![];
        for (place, array) in self.places.iter().zip(arrays) {
            match place {
                Some(place) => self.fixed[*place].set(at, array, self.len),
                None => others.push(Arc::clone(array)),
            }
        }
        match &mut self.rest {
            Some(rest) => rest.set(at, &others),
            None => Ok(()),
        }
    }

    /// The rows with the numbers `at`.
    pub(super) fn get(&self, at: &[u32]) -> Result<Vec<ArrayRef>> {
        let mut others = match &self.rest {
            Some(rest) => rest.get(at)?.into_iter(),
            None => vec![].into_iter(),
        };
        let fields = self.schema.fields().iter().zip(&self.places);
        fields
            .map(|(field, place)| match place {
                Some(place) => self.fixed[*place].get(at, field.data_type()),
                None => others.next().ok_or_else(|| Error::internal("a column is missing")),
            })
            .collect()
    }

    /// Copies rows of `from`, under the numbers of the second list, to those of the first.
    pub(super) fn copy(&mut self, from: &Self, to: &[u32], source: &[u32]) -> Result<()> {
        let len = self.len;
        for (column, from) in self.fixed.iter_mut().zip(&from.fixed) {
            column.copy(from, to, source, len);
        }
        if let (Some(rest), Some(from)) = (&mut self.rest, &from.rest) {
            for (to, source) in to.iter().zip(source) {
                rest.replace(*to, from.arena.get(from.extents.get(*source)))?;
            }
        }
        Ok(())
    }

    /// Forgets all rows, and gives back their memory.
    pub(super) fn release(&mut self) {
        for column in &mut self.fixed {
            column.values.release();
            column.valid = Chunked::default();
        }
        if let Some(rest) = &mut self.rest {
            rest.rows = rest.codec.empty();
            rest.extents = Chunked::default();
            rest.arena = Arena::default();
        }
        self.len = 0;
    }

    /// Gives up the bytes of a row.
    pub(super) fn clear(&mut self, at: u32) {
        if let Some(rest) = &mut self.rest
            && (at as usize) < rest.extents.len()
        {
            rest.arena.free(std::mem::replace(rest.extents.get_mut(at), Extent::EMPTY));
        }
    }

    /// The bytes of memory.
    pub(super) fn memory(&self) -> usize {
        let fixed = self.fixed.iter().map(|column| column.values.memory() + column.valid.memory());
        let rest = self.rest.as_ref();
        let rest = rest.map_or(0, |r| r.arena.capacity() + r.extents.memory() + r.rows.memory());
        fixed.sum::<usize>() + rest
    }

    /// The bytes of the rest in use, and those that are free between them.
    pub(super) fn usage(&self) -> (usize, usize) {
        self.rest.as_ref().map_or((0, 0), |rest| rest.arena.usage())
    }

    fn check(&self, rows: usize, arrays: &[ArrayRef]) -> Result<()> {
        let fields = self.schema.fields();
        if fields.len() != arrays.len() {
            let (expected, found) = (fields.len(), arrays.len());
            return Err(Error::internal(format!(
                "{found} state columns where {expected} are expected"
            )));
        }
        for (field, array) in fields.iter().zip(arrays) {
            if array.len() != rows {
                let found = array.len();
                return Err(Error::internal(format!(
                    "{found} state rows where {rows} are expected"
                )));
            }
            if !array.data_type().equals_datatype(field.data_type()) {
                return Err(Error::internal(format!(
                    "a state column of type {} where {} is expected",
                    array.data_type(),
                    field.data_type()
                )));
            }
        }
        Ok(())
    }
}

/// Does the same for each width but that of booleans.
macro_rules! each_width {
    ($values:expr, $held:pat => $done:expr, $bools:pat => $bool_done:expr) => {
        match $values {
            Values::Bool($bools) => $bool_done,
            Values::W1($held) => $done,
            Values::W2($held) => $done,
            Values::W4($held) => $done,
            Values::W8($held) => $done,
            Values::W16($held) => $done,
            Values::W32($held) => $done,
        }
    };
}

impl Values {
    /// Where values of a type are kept, if they have a fixed width.
    fn of(data_type: &DataType) -> Option<Self> {
        if *data_type == DataType::Boolean {
            return Some(Self::Bool(Chunked::default()));
        }
        match data_type.primitive_width()? {
            1 => Some(Self::W1(Chunked::default())),
            2 => Some(Self::W2(Chunked::default())),
            4 => Some(Self::W4(Chunked::default())),
            8 => Some(Self::W8(Chunked::default())),
            16 => Some(Self::W16(Chunked::default())),
            32 => Some(Self::W32(Chunked::default())),
            _ => None,
        }
    }

    fn extend_to(&mut self, len: usize) {
        each_width!(self, held => held.extend_to(len, Default::default()),
            bools => bools.extend_to(len, false));
    }

    fn release(&mut self) {
        each_width!(self, held => *held = Chunked::default(),
            bools => *bools = Chunked::default());
    }

    fn memory(&self) -> usize {
        each_width!(self, held => held.memory(), bools => bools.memory())
    }

    fn set(&mut self, at: &[u32], array: &ArrayRef) {
        let data = array.to_data();
        each_width!(self, held => scatter(held, at, &data),
        bools => {
            let values = array.as_boolean().values();
            for (row, at) in at.iter().enumerate() {
                *bools.get_mut(*at) = values.value(row);
            }
        });
    }

    fn copy(&mut self, from: &Self, to: &[u32], source: &[u32]) {
        fn all<T: Copy>(held: &mut Chunked<T>, from: &Chunked<T>, to: &[u32], source: &[u32]) {
            for (to, source) in to.iter().zip(source) {
                *held.get_mut(*to) = from.get(*source);
            }
        }
        match (self, from) {
            (Self::Bool(held), Self::Bool(from)) => all(held, from, to, source),
            (Self::W1(held), Self::W1(from)) => all(held, from, to, source),
            (Self::W2(held), Self::W2(from)) => all(held, from, to, source),
            (Self::W4(held), Self::W4(from)) => all(held, from, to, source),
            (Self::W8(held), Self::W8(from)) => all(held, from, to, source),
            (Self::W16(held), Self::W16(from)) => all(held, from, to, source),
            (Self::W32(held), Self::W32(from)) => all(held, from, to, source),
            // Not reached: both are of one schema.
            _ => (),
        }
    }

    fn get(&self, at: &[u32], nulls: Option<NullBuffer>, data_type: &DataType) -> Result<ArrayRef> {
        let values = match self {
            Self::Bool(held) => {
                let bits = BooleanBuffer::collect_bool(at.len(), |row| held.get(at[row]));
                return Ok(Arc::new(BooleanArray::new(bits, nulls)));
            }
            Self::W1(held) => gather(held, at),
            Self::W2(held) => gather(held, at),
            Self::W4(held) => gather(held, at),
            Self::W8(held) => gather(held, at),
            Self::W16(held) => gather_words(held, at),
            Self::W32(held) => gather_words(held, at),
        };
        let data = ArrayData::builder(data_type.clone())
            .len(at.len())
            .add_buffer(values)
            .nulls(nulls)
            .align_buffers(true)
            .build()?;
        Ok(make_array(data))
    }
}

/// Bytes that make up a value.
trait Native: Copy {
    fn read(bytes: &[u8]) -> Self;
}

macro_rules! native {
    ($($number:ty),*) => {$(
        impl Native for $number {
            fn read(bytes: &[u8]) -> Self {
                bytes.try_into().map_or(0, Self::from_ne_bytes)
            }
        }
    )*};
}

native!(u8, u16, u32, u64);

impl<const N: usize> Native for [u64; N] {
    fn read(bytes: &[u8]) -> Self {
        let mut words = [0; N];
        for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = u64::read(bytes);
        }
        words
    }
}

fn scatter<T: Native>(held: &mut Chunked<T>, at: &[u32], data: &ArrayData) {
    let width = size_of::<T>();
    let Some(buffer) = data.buffers().first() else { return };
    let bytes = &buffer.as_slice()[data.offset() * width..];
    for (bytes, at) in bytes.chunks_exact(width).zip(at) {
        *held.get_mut(*at) = T::read(bytes);
    }
}

fn gather<T: ArrowNativeType>(held: &Chunked<T>, at: &[u32]) -> Buffer {
    Buffer::from_vec(at.iter().map(|at| held.get(*at)).collect::<Vec<T>>())
}

fn gather_words<const N: usize>(held: &Chunked<[u64; N]>, at: &[u32]) -> Buffer {
    Buffer::from_vec(at.iter().flat_map(|at| held.get(*at)).collect::<Vec<u64>>())
}

impl Fixed {
    fn set(&mut self, at: &[u32], array: &ArrayRef, len: usize) {
        self.values.set(at, array);
        let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
        match nulls {
            Some(nulls) => {
                self.valid.extend_to(len, true);
                for (row, at) in at.iter().enumerate() {
                    *self.valid.get_mut(*at) = nulls.is_valid(row);
                }
            }
            None if self.valid.len() > 0 => {
                for at in at {
                    *self.valid.get_mut(*at) = true;
                }
            }
            None => (),
        }
    }

    fn copy(&mut self, from: &Self, to: &[u32], source: &[u32], len: usize) {
        self.values.copy(&from.values, to, source);
        if from.valid.len() == 0 && self.valid.len() == 0 {
            return;
        }
        self.valid.extend_to(len, true);
        for (to, source) in to.iter().zip(source) {
            *self.valid.get_mut(*to) = from.is_valid(*source);
        }
    }

    fn get(&self, at: &[u32], data_type: &DataType) -> Result<ArrayRef> {
        let nulls = (self.valid.len() > 0)
            .then(|| NullBuffer::from_iter(at.iter().map(|at| self.valid.get(*at))))
            .filter(|nulls| nulls.null_count() > 0);
        self.values.get(at, nulls, data_type)
    }

    fn is_valid(&self, at: u32) -> bool {
        self.valid.len() == 0 || self.valid.get(at)
    }
}

impl Rest {
    fn try_new(schema: &SchemaRef) -> Result<Self> {
        let codec = RowCodec::try_new(schema)?;
        let rows = codec.empty();
        Ok(Self { codec, rows, extents: Chunked::default(), arena: Arena::default() })
    }

    fn set(&mut self, at: &[u32], arrays: &[ArrayRef]) -> Result<()> {
        let mut rows = std::mem::replace(&mut self.rows, self.codec.empty());
        self.codec.encode(arrays, at.len(), &mut rows)?;
        for (row, at) in at.iter().enumerate() {
            self.replace(*at, rows.get(row))?;
        }
        self.rows = rows;
        Ok(())
    }

    fn get(&self, at: &[u32]) -> Result<Vec<ArrayRef>> {
        self.codec.decode(at.iter().map(|at| self.arena.get(self.extents.get(*at))))
    }

    fn replace(&mut self, at: u32, bytes: &[u8]) -> Result<()> {
        let extent = self.extents.get_mut(at);
        if self.arena.get(*extent).len() == bytes.len() {
            self.arena.overwrite(*extent, bytes);
        } else {
            self.arena.free(*extent);
            *extent = Extent::EMPTY;
            *extent = self.arena.store(bytes)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{
        Decimal128Array, Float64Array, Int64Array, IntervalMonthDayNanoArray, RecordBatch,
        StringArray,
    };
    use arrow::datatypes::{Field, IntervalMonthDayNano};

    use super::*;

    fn batch() -> RecordBatch {
        let decimals = Decimal128Array::from(vec![Some(-1), None, Some(i128::MAX >> 2)]);
        let intervals = vec![None, Some(IntervalMonthDayNano::new(1, -2, 3)), None];
        RecordBatch::try_from_iter([
            ("n", Arc::new(Int64Array::from(vec![Some(1), None, Some(3)])) as ArrayRef),
            ("f", Arc::new(Float64Array::from(vec![0.5, -0.0, f64::NAN]))),
            ("b", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None]))),
            ("d", Arc::new(decimals)),
            ("i", Arc::new(IntervalMonthDayNanoArray::from(intervals))),
            ("s", Arc::new(StringArray::from(vec![Some("a"), None, Some("a longer text")]))),
        ])
        .unwrap()
    }

    fn nullable(batch: &RecordBatch) -> SchemaRef {
        let fields = batch.schema().fields().iter().map(|f| f.as_ref().clone()).collect::<Vec<_>>();
        let fields: Vec<Field> = fields.into_iter().map(|f| f.with_nullable(true)).collect();
        Arc::new(Schema::new(fields))
    }

    #[test]
    fn rows_come_back_as_they_went_in() {
        let batch = batch();
        let mut columns = Columns::try_new(&nullable(&batch)).unwrap();
        columns.extend_to(10);
        columns.set(&[7, 0, 3], batch.columns()).unwrap();
        assert_eq!(columns.get(&[7, 0, 3]).unwrap(), batch.columns());
        let part = batch.slice(1, 2);
        columns.set(&[7, 9], part.columns()).unwrap();
        assert_eq!(columns.get(&[7, 9]).unwrap(), part.columns());
        let mut copy = Columns::try_new(&nullable(&batch)).unwrap();
        copy.extend_to(3);
        copy.copy(&columns, &[2, 1], &[7, 9]).unwrap();
        assert_eq!(copy.get(&[2, 1]).unwrap(), part.columns());
    }

    #[test]
    fn columns_of_another_shape_are_refused() {
        let batch = batch();
        let mut columns = Columns::try_new(&nullable(&batch)).unwrap();
        columns.extend_to(4);
        assert!(columns.set(&[0], batch.columns()).is_err());
        assert!(columns.set(&[0, 1, 2], &batch.columns()[1..]).is_err());
        let mut other = batch.columns().to_vec();
        other.swap(0, 1);
        assert!(columns.set(&[0, 1, 2], &other).is_err());
    }
}
