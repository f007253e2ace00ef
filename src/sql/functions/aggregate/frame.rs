//! An aggregate over a frame of rows that slides: keeps the rows that are in it, and computes anew.
//!
//! Taking a value out again is exact for whole numbers and decimals only, and those do it
//! themselves (`sum.rs`). A sum of doubles would keep the rounding of every number that ever was in
//! the frame, and a NaN for ever.

use std::fmt::{Debug, Formatter};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::compute::concat;
use arrow::datatypes::{FieldRef, Schema};
use datafusion::common::{ScalarValue, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::Accumulator;
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::physical_expr::{PhysicalExpr, PhysicalSortExpr};

type Make = dyn Fn(AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> + Send + Sync;

/// Makes accumulators of one call, as many as are needed.
pub(in crate::sql::functions) struct Recipe {
    make: Box<Make>,
    return_field: FieldRef,
    schema: Schema,
    ignore_nulls: bool,
    order_bys: Vec<PhysicalSortExpr>,
    is_reversed: bool,
    name: String,
    exprs: Vec<Arc<dyn PhysicalExpr>>,
    expr_fields: Vec<FieldRef>,
}

impl Recipe {
    /// Accumulators as `make` makes them, which does not hear of DISTINCT.
    pub(in crate::sql::functions) fn new(
        args: &AccumulatorArgs<'_>,
        make: impl Fn(AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            make: Box::new(make),
            return_field: Arc::clone(&args.return_field),
            schema: args.schema.clone(),
            ignore_nulls: args.ignore_nulls,
            order_bys: args.order_bys.to_vec(),
            is_reversed: args.is_reversed,
            name: args.name.to_owned(),
            exprs: args.exprs.to_vec(),
            expr_fields: args.expr_fields.to_vec(),
        }
    }

    /// One that has seen nothing.
    pub(in crate::sql::functions) fn fresh(&self) -> Result<Box<dyn Accumulator>> {
        (self.make)(AccumulatorArgs {
            return_field: Arc::clone(&self.return_field),
            schema: &self.schema,
            ignore_nulls: self.ignore_nulls,
            order_bys: &self.order_bys,
            is_reversed: self.is_reversed,
            name: &self.name,
            is_distinct: false,
            exprs: &self.exprs,
            expr_fields: &self.expr_fields,
        })
    }
}

impl Debug for Recipe {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Recipe").field(&self.name).finish()
    }
}

/// The rows that are in the frame.
#[derive(Debug)]
pub(in crate::sql::functions) struct Frame {
    recipe: Recipe,
    /// Columns of rows, of which those before `gone` have left.
    rows: Vec<ArrayRef>,
    gone: usize,
    /// What came since.
    fresh: Vec<Vec<ArrayRef>>,
}

impl Frame {
    /// An empty frame, whose rows are given to what `make` makes.
    pub(in crate::sql::functions) fn new(
        args: &AccumulatorArgs<'_>,
        make: impl Fn(AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> + Send + Sync + 'static,
    ) -> Self {
        Self::of(Recipe::new(args, make))
    }

    /// An empty frame.
    pub(in crate::sql::functions) const fn of(recipe: Recipe) -> Self {
        Self { recipe, rows: vec![], gone: 0, fresh: vec![] }
    }

    /// Brings all rows together, those that have left apart.
    fn settle(&mut self) -> Result<()> {
        if self.fresh.is_empty() {
            return Ok(());
        }
        self.fresh.insert(0, std::mem::take(&mut self.rows));
        self.fresh.retain(|columns| !columns.is_empty());
        let width = self.fresh.first().map_or(0, Vec::len);
        for column in 0..width {
            let parts: Vec<&dyn Array> = self
                .fresh
                .iter()
                .filter_map(|columns| columns.get(column))
                .map(AsRef::as_ref)
                .collect();
            let whole = concat(&parts)?;
            let gone = self.gone.min(whole.len());
            self.rows.push(whole.slice(gone, whole.len() - gone));
        }
        self.gone = 0;
        self.fresh.clear();
        Ok(())
    }
}

impl Accumulator for Frame {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.fresh.push(values.to_vec());
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.gone += values.first().map_or(0, |column| column.len());
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.settle()?;
        let inside = self.rows.iter().map(|column| {
            let gone = self.gone.min(column.len());
            column.slice(gone, column.len() - gone)
        });
        let inside: Vec<ArrayRef> = inside.collect();
        let mut accumulator = self.recipe.fresh()?;
        if !inside.is_empty() {
            accumulator.update_batch(&inside)?;
        }
        accumulator.evaluate()
    }

    fn size(&self) -> usize {
        let columns = self.rows.iter().chain(self.fresh.iter().flatten());
        size_of_val(self) + columns.map(|column| column.get_array_memory_size()).sum::<usize>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        internal_err!("a frame of rows is not stored")
    }

    fn merge_batch(&mut self, _states: &[ArrayRef]) -> Result<()> {
        internal_err!("a frame of rows is not stored")
    }
}
