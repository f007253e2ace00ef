//! An aggregate as data: its name, its types, what it stores, and how its accumulator is made.

use std::collections::BTreeSet;
use std::fmt::{Debug, Formatter};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, RecordBatch, RecordBatchOptions};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Schema};
use arrow::row::{RowConverter, SortField};
use datafusion::common::{DataFusionError, ScalarValue, internal_err, plan_datafusion_err};
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility,
};

use crate::sql::functions::aggregate::frame::{Frame, Recipe};
use crate::sql::functions::collections::lists::{list_of, normalized};
use crate::sql::functions::define::{Call, Given};

/// One aggregate.
pub(super) struct Aggregate {
    pub(super) name: &'static str,
    pub(super) types: fn(&Given<'_>) -> Result<Call>,
    /// The columns of what is stored, given the types of the arguments.
    pub(super) state: fn(&[DataType]) -> Vec<(&'static str, DataType)>,
    pub(super) make: fn(&Making<'_>) -> Result<Box<dyn Accumulator>>,
    /// The result of no rows, given its type.
    for_no_rows: fn(&DataType) -> Result<ScalarValue>,
    /// Whether it leaves values out that came before, when DISTINCT is written, by itself.
    knows_distinct: bool,
    signature: Signature,
    aliases: Vec<String>,
}

impl Aggregate {
    /// An aggregate that gives NULL for no rows. With DISTINCT, its accumulator sees each row of
    /// its arguments once.
    pub(super) fn new(
        name: &'static str,
        types: fn(&Given<'_>) -> Result<Call>,
        state: fn(&[DataType]) -> Vec<(&'static str, DataType)>,
        make: fn(&Making<'_>) -> Result<Box<dyn Accumulator>>,
    ) -> Self {
        let signature = Signature::user_defined(Volatility::Immutable);
        Self {
            name,
            types,
            state,
            make,
            for_no_rows: |of| ScalarValue::try_new_null(of),
            knows_distinct: false,
            signature,
            aliases: vec![],
        }
    }

    /// The same with another result for no rows.
    pub(super) fn or_for_no_rows(mut self, result: fn(&DataType) -> Result<ScalarValue>) -> Self {
        self.for_no_rows = result;
        self
    }

    fn recipe(&self, args: &AccumulatorArgs<'_>) -> Recipe {
        let (make, function) = (self.make, self.name);
        Recipe::new(args, move |args| make(&Making { function, args: &args }))
    }

    /// The same, whose accumulator is told of DISTINCT.
    pub(super) fn knowing_distinct(mut self) -> Self {
        self.knows_distinct = true;
        self
    }

    /// The same under other names too.
    pub(super) fn or(mut self, aliases: &[&str]) -> Self {
        self.aliases.extend(aliases.iter().map(|&alias| alias.to_owned()));
        self
    }

    /// As DataFusion takes it.
    pub(super) fn udaf(self) -> Arc<AggregateUDF> {
        Arc::new(AggregateUDF::from(self))
    }
}

/// What is known when an accumulator is made.
#[derive(Debug)]
pub(super) struct Making<'a> {
    pub(super) function: &'static str,
    pub(super) args: &'a AccumulatorArgs<'a>,
}

impl Making<'_> {
    /// The type of an argument.
    pub(super) fn argument(&self, index: usize) -> Result<&DataType> {
        let field = self.args.expr_fields.get(index);
        field.map(|field| field.data_type()).ok_or_else(|| self.refuse("more arguments"))
    }

    /// The type of the result.
    pub(super) fn gives(&self) -> &DataType {
        self.args.return_field.data_type()
    }

    /// An argument that has to be the same for all rows.
    pub(super) fn constant(&self, index: usize) -> Result<ScalarValue> {
        let wrong = || self.refuse(&format!("a constant as argument {}", index + 1));
        let expr = self.args.exprs.get(index).ok_or_else(wrong)?;
        // A row without columns: what needs a column is no constant.
        let options = RecordBatchOptions::new().with_row_count(Some(1));
        let row = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options)?;
        let value = expr.evaluate(&row).and_then(|value| value.into_array(1));
        ScalarValue::try_from_array(&value.map_err(|_e| wrong())?, 0)
    }

    /// A constant number, or an array of constant numbers, each between `least` and `most`.
    pub(super) fn numbers(&self, index: usize, (least, most): (f64, f64)) -> Result<Vec<f64>> {
        let constant = self.constant(index)?.to_array()?;
        let numbers = match constant.as_list_opt::<i32>() {
            Some(list) if list.is_valid(0) => list.value(0),
            Some(_) => return Err(self.refuse("numbers that are not NULL")),
            None => constant,
        };
        let numbers = numbers.as_primitive_opt::<Float64Type>();
        let numbers = numbers.ok_or_else(|| self.refuse("numbers"))?;
        let is_fine = |number: f64| number >= least && number <= most;
        if numbers.null_count() > 0 || !numbers.values().iter().all(|number| is_fine(*number)) {
            return Err(
                self.refuse(&format!("numbers from {least} to {most} as argument {}", index + 1))
            );
        }
        Ok(numbers.values().to_vec())
    }

    /// An error about the arguments.
    pub(super) fn refuse(&self, wanted: &str) -> DataFusionError {
        plan_datafusion_err!("`{}` takes {wanted}", self.function)
    }
}

impl Debug for Aggregate {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Aggregate").field(&self.name).finish()
    }
}

same_by_name!(Aggregate);

impl AggregateUDFImpl for Aggregate {
    fn name(&self) -> &str {
        self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let given = Given { function: self.name, types, constants: None };
        Ok((self.types)(&given)?.takes)
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let given = Given { function: self.name, types, constants: None };
        Ok((self.types)(&given)?.gives)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let types: Vec<_> =
            args.input_fields.iter().map(|field| field.data_type().clone()).collect();
        let field = |(part, data_type): (&str, DataType)| {
            Arc::new(Field::new(format_state_name(args.name, part), data_type, true))
        };
        if args.is_distinct && !self.knows_distinct {
            return Ok(distinct_state(&args));
        }
        Ok((self.state)(&types).into_iter().map(field).collect())
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        if args.is_distinct && !self.knows_distinct {
            return Ok(Box::new(Distinct::new(&args, self.recipe(&args))?));
        }
        (self.make)(&Making { function: self.name, args: &args })
    }

    fn create_sliding_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Frame::of(self.recipe(&args))))
    }

    fn default_value(&self, data_type: &DataType) -> Result<ScalarValue> {
        (self.for_no_rows)(data_type)
    }
}

/// What is stored of an aggregate that is to see each row of its arguments once.
pub(super) fn distinct_state(args: &StateFieldsArgs<'_>) -> Vec<FieldRef> {
    let field = |input: &FieldRef| {
        let values = list_of(input.data_type().clone());
        Arc::new(Field::new(format_state_name(args.name, "values"), values, true))
    };
    args.input_fields.iter().map(field).collect()
}

/// Rows, each once.
#[derive(Debug)]
pub(super) struct Seen {
    converter: RowConverter,
    rows: BTreeSet<Box<[u8]>>,
    bytes: usize,
}

impl Seen {
    /// No rows yet, of columns of these types.
    pub(super) fn new(types: &[DataType]) -> Result<Self> {
        let fields = types.iter().map(|of| SortField::new(of.clone())).collect();
        Ok(Self { converter: RowConverter::new(fields)?, rows: BTreeSet::new(), bytes: 0 })
    }

    /// Adds the rows that are not there.
    pub(super) fn add(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let columns: Vec<ArrayRef> = columns.iter().map(normalized).collect::<Result<_>>()?;
        for row in &self.converter.convert_columns(&columns)? {
            if !self.rows.contains(row.as_ref()) {
                self.bytes += row.as_ref().len() + size_of::<Box<[u8]>>();
                self.rows.insert(row.as_ref().into());
            }
        }
        Ok(())
    }

    /// The rows as columns.
    pub(super) fn columns(&self) -> Result<Vec<ArrayRef>> {
        let parser = self.converter.parser();
        Ok(self.converter.convert_rows(self.rows.iter().map(|row| parser.parse(row)))?)
    }

    /// How much memory they take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes + self.converter.size()
    }
}

/// Rows of which an accumulator is to see each once.
#[derive(Debug)]
pub(super) struct Distinct {
    seen: Seen,
    recipe: Recipe,
}

impl Distinct {
    /// For an accumulator that is made when all rows are known.
    pub(super) fn new(args: &AccumulatorArgs<'_>, recipe: Recipe) -> Result<Self> {
        let types: Vec<_> =
            args.expr_fields.iter().map(|field| field.data_type().clone()).collect();
        Ok(Self { seen: Seen::new(&types)?, recipe })
    }
}

impl Accumulator for Distinct {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.seen.add(values)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let mut accumulator = self.recipe.fresh()?;
        accumulator.update_batch(&self.seen.columns()?)?;
        accumulator.evaluate()
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.seen.bytes()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(self.seen.columns()?.into_iter().map(list_value).collect())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let lists: Vec<Vec<ArrayRef>> = states.iter().map(lists_of).collect::<Result<_>>()?;
        for at in 0..lists.first().map_or(0, Vec::len) {
            let columns: Vec<ArrayRef> =
                lists.iter().filter_map(|list| list.get(at)).cloned().collect();
            self.seen.add(&columns)?;
        }
        Ok(())
    }
}

/// A list as a value of the state.
pub(super) fn list_value(values: ArrayRef) -> ScalarValue {
    let field = Arc::new(Field::new("item", values.data_type().clone(), true));
    let offsets = OffsetBuffer::from_lengths([values.len()]);
    ScalarValue::List(Arc::new(ListArray::new(field, offsets, values, None)))
}

/// The lists in a column of the state, those that are null left out.
pub(super) fn lists_of(column: &ArrayRef) -> Result<Vec<ArrayRef>> {
    let Some(lists) = column.as_list_opt::<i32>() else {
        return internal_err!("the stored state has {}", column.data_type());
    };
    Ok(lists.iter().flatten().collect())
}
