//! Rows and the windows of event time that they fall into.
//!
//! This is no operator of its own: a projection computes the windows of a row, and for sliding
//! windows an unnesting copies the row into each. So it works on streams and on tables alike, and
//! DataFusion optimizes around it.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StructArray, TimestampMicrosecondArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Fields, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{Column, ExprSchema, UnnestOptions};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, ScalarFunctionArgs,
    ScalarUDF, ScalarUDFImpl, Signature, Volatility, cast,
};

use crate::error::{Error, Result};
use crate::event_time::window::WindowSpec;

/// The name of the column that windows are in.
pub const WINDOW_COLUMN: &str = "window";

const START: &str = "start";
const END: &str = "end";

/// Puts a column `window`, a struct of `start` and `end`, behind the columns of `input`; a row is
/// copied into each of its windows, the latest first. Rows without a time are left out.
///
/// `time` is an expression over `input` of type `TIMESTAMP`, `TIMESTAMP_NTZ` or `DATE`, or a window, whose
/// time is the last microsecond in it.
///
/// # Errors
/// `Invalid` for a time of another type.
pub fn assign_windows(input: LogicalPlan, time: Expr, spec: WindowSpec) -> Result<LogicalPlan> {
    // The filter is on what the user gave: a source can take it, where it cannot take a cast.
    let given = time.clone();
    let time = as_time(time, input.schema())?;
    let lists = !spec.is_tumbling();
    let assign = ScalarUDF::from(WindowFunction { spec, lists, signature: signature() });
    let mut columns: Vec<Expr> = input.schema().columns().into_iter().map(Expr::Column).collect();
    columns.push(assign.call(vec![time]).alias(WINDOW_COLUMN));
    let mut plan = LogicalPlanBuilder::from(input).filter(given.is_not_null())?.project(columns)?;
    if lists {
        let options = UnnestOptions::new().with_preserve_nulls(false);
        plan = plan.unnest_column_with_options(Column::from_name(WINDOW_COLUMN), options)?;
    }
    Ok(plan.build()?)
}

/// Whether `expr` is the assignment of windows, given its argument: so event time is known to
/// survive in it.
pub fn assigned_time(expr: &Expr) -> Option<&Expr> {
    match expr {
        Expr::ScalarFunction(call) if call.func.inner().is::<WindowFunction>() => call.args.first(),
        _ => None,
    }
}

/// The windows that a column of a plan was assigned by, if it was.
pub fn window_spec(plan: &LogicalPlan, column: usize) -> Option<WindowSpec> {
    match plan {
        LogicalPlan::Projection(projection) => {
            spec_of(projection.expr.get(column)?, &projection.input)
        }
        LogicalPlan::Unnest(unnest) => {
            window_spec(&unnest.input, *unnest.dependency_indices.get(column)?)
        }
        other => match other.inputs()[..] {
            // Nodes that pass their input on keep its columns in their places.
            [input] if input.schema().fields().len() == other.schema().fields().len() => {
                window_spec(input, column)
            }
            _ => None,
        },
    }
}

/// The windows that an expression over `input` assigns or takes from a column.
pub fn spec_of(expr: &Expr, input: &LogicalPlan) -> Option<WindowSpec> {
    match expr {
        Expr::Alias(alias) => spec_of(&alias.expr, input),
        Expr::ScalarFunction(call) => {
            call.func.inner().downcast_ref::<WindowFunction>().map(|window| window.spec)
        }
        Expr::Column(column) => window_spec(input, input.schema().maybe_index_of_column(column)?),
        _ => None,
    }
}

/// Whether columns of this type are windows.
pub fn is_window(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Struct(fields)
        if fields.len() == 2 && fields[0].name() == START && fields[1].name() == END)
}

fn as_time(time: Expr, schema: &dyn ExprSchema) -> Result<Expr> {
    let data_type = time.get_type(schema)?;
    match &data_type {
        DataType::Timestamp(TimeUnit::Microsecond, _) => Ok(time),
        DataType::Timestamp(_, zone) => {
            Ok(cast(time, DataType::Timestamp(TimeUnit::Microsecond, zone.clone())))
        }
        DataType::Date32 | DataType::Date64 => {
            Ok(cast(time, DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))))
        }
        other if is_window(other) => Ok(time),
        other => Err(Error::invalid(format!(
            "window() needs a time of type TIMESTAMP, TIMESTAMP_NTZ or DATE, but `{time}` is {other}; cast it first"
        ))),
    }
}

fn signature() -> Signature {
    Signature::any(1, Volatility::Immutable)
}

/// The window of a time, or the list of its windows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct WindowFunction {
    spec: WindowSpec,
    lists: bool,
    signature: Signature,
}

impl WindowFunction {
    fn fields(time: &DataType) -> Fields {
        let time = if is_window(time) {
            match time {
                DataType::Struct(fields) => fields[1].data_type().clone(),
                other => other.clone(),
            }
        } else {
            time.clone()
        };
        Fields::from(vec![Field::new(START, time.clone(), true), Field::new(END, time, true)])
    }

    fn windows(
        &self,
        begins: TimestampMicrosecondArray,
        zone: Option<Arc<str>>,
        fields: Fields,
    ) -> DfResult<StructArray> {
        let width = self.spec.width();
        let ends: TimestampMicrosecondArray = begins.unary(|begin| begin.saturating_add(width));
        let nulls = begins.nulls().cloned();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(begins.with_timezone_opt(zone.clone())),
            Arc::new(ends.with_timezone_opt(zone)),
        ];
        Ok(StructArray::try_new(fields, columns, nulls)?)
    }
}

impl ScalarUDFImpl for WindowFunction {
    fn name(&self) -> &'static str {
        WINDOW_COLUMN
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, args: &[DataType]) -> DfResult<DataType> {
        let time = args.first().ok_or_else(|| Error::internal("window() without a time"))?;
        let window = DataType::Struct(Self::fields(time));
        Ok(if self.lists {
            DataType::List(Arc::new(Field::new_list_field(window, true)))
        } else {
            window
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let rows = args.number_rows;
        let [time] = <[_; 1]>::try_from(args.args)
            .map_err(|_args| Error::internal("window() takes one time"))?;
        let time = time.into_array(rows)?;
        let fields = Self::fields(time.data_type());
        let times = micros(&time)?;
        let zone = times.timezone().map(Arc::from);
        if !self.lists {
            let begins = times.unary(|time| self.spec.last_begin(time));
            return Ok(ColumnarValue::Array(Arc::new(self.windows(begins, zone, fields)?)));
        }
        let mut begins = Vec::with_capacity(times.len() * 2);
        let mut lengths = Vec::with_capacity(times.len());
        for time in &times {
            let before = begins.len();
            time.into_iter().flat_map(|time| self.spec.begins(time)).for_each(|b| begins.push(b));
            lengths.push(begins.len() - before);
        }
        let windows = self.windows(begins.into(), zone, fields)?;
        let item = Arc::new(Field::new_list_field(windows.data_type().clone(), true));
        let nulls: Option<NullBuffer> = times.nulls().cloned();
        let offsets = OffsetBuffer::from_lengths(lengths);
        let lists = ListArray::try_new(item, offsets, Arc::new(windows), nulls)?;
        Ok(ColumnarValue::Array(Arc::new(lists)))
    }
}

/// The times of a column of times or of windows.
fn micros(column: &ArrayRef) -> DfResult<TimestampMicrosecondArray> {
    let of_window = column.as_struct_opt().and_then(|window| window.column_by_name(END));
    let times = of_window
        .unwrap_or(column)
        .as_primitive_opt::<TimestampMicrosecondType>()
        .ok_or_else(|| Error::internal(format!("window() over {}", column.data_type())))?;
    if of_window.is_none() {
        return Ok(times.clone());
    }
    let zone = times.timezone().map(Arc::from);
    let last: TimestampMicrosecondArray = times.unary(|end| end.saturating_sub(1));
    Ok(last.with_timezone_opt::<Arc<str>>(zone))
}
