//! The rows of the stream, looked up in the static side, a bounded number of pairs at a time.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array,
    new_null_array,
};
use arrow::compute::{filter_record_batch, take};
use arrow::datatypes::SchemaRef;
use arrow::row::Rows;
use datafusion::physical_expr::PhysicalExprRef;

use crate::error::{Error, Result};
use crate::operators::static_join::build::{Built, END, converter, evaluate};
use crate::operators::static_join::exec::Condition;
use crate::operators::static_join::operator::{Kind, Side};

/// How many pairs of rows are looked at in one go.
const PAIRS: usize = 8192;

/// One batch of the stream on its way through the join.
#[derive(Debug)]
pub(super) struct Probe {
    condition: Arc<Condition>,
    built: Arc<Built>,
    schema: SchemaRef,
    rows: RecordBatch,
    keys: Option<Rows>,
    /// Whether a key of the row is null.
    has_null: Vec<bool>,
    /// The rows that have found a match.
    matched: Vec<bool>,
    row: usize,
    /// The next candidate of `row`; `None` before the first.
    candidate: Option<u32>,
    is_done: bool,
}

impl Probe {
    /// Begins with a batch.
    ///
    /// # Errors
    /// Those of evaluating the keys.
    pub(super) fn new(
        condition: Arc<Condition>,
        built: Arc<Built>,
        schema: SchemaRef,
        rows: RecordBatch,
    ) -> Result<Self> {
        let columns = evaluate(&condition.probe_keys, &rows)?;
        let has_null = (0..rows.num_rows())
            .map(|row| columns.iter().any(|column| column.is_null(row)))
            .collect();
        let keys = match columns.is_empty() {
            true => None,
            false => Some(converter(&columns)?.convert_columns(&columns)?),
        };
        let matched = vec![false; rows.num_rows()];
        Ok(Self {
            condition,
            built,
            schema,
            rows,
            keys,
            has_null,
            matched,
            row: 0,
            candidate: None,
            is_done: false,
        })
    }

    /// The next rows of the result; `None` when there are no more.
    ///
    /// # Errors
    /// Those of evaluating the condition.
    pub(super) fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        while self.row < self.rows.num_rows() {
            let (probe, build) = self.pairs();
            let pairs = self.filtered(probe, build)?;
            for row in pairs.0.values() {
                self.matched[*row as usize] = true;
            }
            if matches!(self.condition.kind, Kind::Inner | Kind::Outer) && !pairs.0.is_empty() {
                return self.joined(&pairs.0, &pairs.1).map(Some);
            }
        }
        if std::mem::replace(&mut self.is_done, true) {
            return Ok(None);
        }
        self.rest()
    }

    /// The next candidates: rows of the stream with rows of the static side.
    fn pairs(&mut self) -> (Vec<u32>, Vec<u32>) {
        let (mut probe, mut build) = (Vec::with_capacity(PAIRS), Vec::with_capacity(PAIRS));
        // Whether a row has one match or many is all the same where its matches do not come out.
        let one_is_enough = self.condition.filter.is_none()
            && !matches!(self.condition.kind, Kind::Inner | Kind::Outer);
        while self.row < self.rows.num_rows() && probe.len() < PAIRS {
            let candidate = match self.candidate.take() {
                Some(candidate) => candidate,
                None => self.first(),
            };
            if candidate == END {
                self.row += 1;
                continue;
            }
            // A batch has fewer rows than that.
            probe.push(self.row as u32);
            build.push(candidate);
            self.candidate = Some(if one_is_enough { END } else { self.built.next(candidate) });
        }
        (probe, build)
    }

    fn first(&self) -> u32 {
        match &self.keys {
            Some(_) if self.has_null[self.row] && !self.condition.nulls_match => END,
            Some(keys) => self.built.first(Some(keys.row(self.row).as_ref())),
            None => self.built.first(None),
        }
    }

    fn filtered(&self, probe: Vec<u32>, build: Vec<u32>) -> Result<(UInt32Array, UInt32Array)> {
        let (probe, build) = (UInt32Array::from(probe), UInt32Array::from(build));
        let Some(filter) = &self.condition.filter else { return Ok((probe, build)) };
        let keep = self.test(filter, &probe, &build)?;
        let kept = |rows: &UInt32Array| -> Result<UInt32Array> {
            let kept = arrow::compute::filter(rows, &keep)?;
            Ok(kept.as_primitive().clone())
        };
        Ok((kept(&probe)?, kept(&build)?))
    }

    fn test(
        &self,
        filter: &PhysicalExprRef,
        probe: &UInt32Array,
        build: &UInt32Array,
    ) -> Result<BooleanArray> {
        let columns = self.both_sides(probe, build)?;
        let options = RecordBatchOptions::new().with_row_count(Some(probe.len()));
        let schema = Arc::clone(&self.condition.pair);
        let pairs = RecordBatch::try_new_with_options(schema, columns, &options)?;
        let keep = filter.evaluate(&pairs)?.into_array(pairs.num_rows())?;
        keep.as_boolean_opt()
            .cloned()
            .ok_or_else(|| Error::internal(format!("the join condition {filter} is no condition")))
    }

    /// The columns of pairs of rows, those of the left side first.
    fn both_sides(&self, probe: &UInt32Array, build: &UInt32Array) -> Result<Vec<ArrayRef>> {
        let stream = taken(&self.rows, probe)?;
        let fixed = taken(&self.built.rows, build)?;
        Ok(match self.condition.stream {
            Side::Left => stream.into_iter().chain(fixed).collect(),
            Side::Right => fixed.into_iter().chain(stream).collect(),
        })
    }

    fn joined(&self, probe: &UInt32Array, build: &UInt32Array) -> Result<RecordBatch> {
        self.batch(self.both_sides(probe, build)?, probe.len())
    }

    fn batch(&self, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
    }

    /// What comes out when all matches of the batch are known.
    fn rest(&self) -> Result<Option<RecordBatch>> {
        let matched = BooleanArray::from(self.matched.clone());
        let rows = match self.condition.kind {
            Kind::Inner => return Ok(None),
            Kind::Outer => return self.unmatched(&matched),
            Kind::Semi => filter_record_batch(&self.rows, &matched)?,
            Kind::Anti => filter_record_batch(&self.rows, &arrow::compute::not(&matched)?)?,
            Kind::NullAwareAnti => filter_record_batch(&self.rows, &self.surely_unmatched())?,
            Kind::Mark => {
                let mut columns = self.rows.columns().to_vec();
                columns.push(Arc::new(matched));
                return self.batch(columns, self.rows.num_rows()).map(Some);
            }
        };
        let count = rows.num_rows();
        self.batch(rows.columns().to_vec(), count).map(Some)
    }

    fn unmatched(&self, matched: &BooleanArray) -> Result<Option<RecordBatch>> {
        let rows = filter_record_batch(&self.rows, &arrow::compute::not(matched)?)?;
        let count = rows.num_rows();
        if count == 0 {
            return Ok(None);
        }
        let nulls = self.built.rows.schema_ref().fields().iter();
        let nulls = nulls.map(|field| new_null_array(field.data_type(), count));
        let stream = rows.columns().iter().map(Arc::clone);
        let columns = match self.condition.stream {
            Side::Left => stream.chain(nulls).collect(),
            Side::Right => nulls.chain(stream).collect(),
        };
        self.batch(columns, count).map(Some)
    }

    /// NOT IN: a null on either side might be a match, unless the other side has no rows at all.
    fn surely_unmatched(&self) -> BooleanArray {
        if self.built.rows.num_rows() == 0 {
            return BooleanArray::from(vec![true; self.rows.num_rows()]);
        }
        let is_open = self.built.has_null_key;
        (0..self.rows.num_rows())
            .map(|row| Some(!is_open && !self.has_null[row] && !self.matched[row]))
            .collect()
    }
}

fn taken(rows: &RecordBatch, places: &UInt32Array) -> Result<Vec<ArrayRef>> {
    let column = |column: &ArrayRef| Ok(take(column.as_ref(), places, None)?);
    rows.columns().iter().map(column).collect()
}
