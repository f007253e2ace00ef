//! A scalar function as data: its name, what it takes and gives, and a kernel over arrays.
//!
//! Most of Spark's functions differ in nothing else, so that each is one entry in the list of its
//! topic. Argument types are settled by [`Types`] while the query is planned; the kernel sees
//! arrays of just these types, all of one length.

use std::fmt::{Debug, Formatter};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, Int32Array, StringArray};
use arrow::datatypes::{DataType, Int32Type};
use datafusion::common::{DataFusionError, ScalarValue, exec_datafusion_err, plan_datafusion_err};
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

/// What a call of a function takes, after coercion, and what it gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sql) struct Call {
    pub(in crate::sql) takes: Vec<DataType>,
    pub(in crate::sql) gives: DataType,
}

/// Settles the types of a call from the types of its arguments, or says what is wrong with them.
pub(in crate::sql) type Types = fn(&Given<'_>) -> Result<Call>;

/// Computes the result of a call.
pub(in crate::sql) type Kernel = fn(&Arguments) -> Result<ArrayRef>;

/// The arguments of a call while it is planned.
#[derive(Debug)]
pub(in crate::sql) struct Given<'a> {
    pub(in crate::sql) function: &'a str,
    pub(in crate::sql) types: &'a [DataType],
    /// The arguments that are constants; `None` while types are settled before values.
    pub(in crate::sql) constants: Option<&'a [Option<&'a ScalarValue>]>,
}

impl Given<'_> {
    /// An error about the number or the types of the arguments.
    pub(in crate::sql) fn refuse(&self, wanted: &str) -> DataFusionError {
        let types: Vec<_> = self.types.iter().map(crate::sql::types::spark_type_name).collect();
        plan_datafusion_err!(
            "`{}` takes {wanted}; it was given ({})",
            self.function,
            types.join(", ")
        )
    }

    /// The number of arguments, which must be one of `allowed`.
    pub(in crate::sql) fn count(&self, allowed: std::ops::RangeInclusive<usize>) -> Result<usize> {
        let count = self.types.len();
        if allowed.contains(&count) {
            return Ok(count);
        }
        let wanted = match (*allowed.start(), *allowed.end()) {
            (least, most) if least == most => format!("{least} arguments"),
            (least, usize::MAX) => format!("{least} arguments or more"),
            (least, most) => format!("{least} to {most} arguments"),
        };
        Err(self.refuse(&wanted))
    }

    /// The value of an argument that has to be a constant; `None` while values are not known.
    pub(in crate::sql) fn constant(&self, index: usize) -> Result<Option<&ScalarValue>> {
        let Some(constants) = self.constants else { return Ok(None) };
        match constants.get(index) {
            Some(Some(scalar)) => Ok(Some(*scalar)),
            _ => Err(self.refuse(&format!("a constant as argument {}", index + 1))),
        }
    }

    /// The text of an argument that has to be a constant; `None` while values are not known.
    pub(in crate::sql) fn constant_text(&self, index: usize) -> Result<Option<&str>> {
        let Some(scalar) = self.constant(index)? else { return Ok(None) };
        match scalar.try_as_str() {
            Some(Some(text)) => Ok(Some(text)),
            _ => Err(self.refuse(&format!("a constant text as argument {}", index + 1))),
        }
    }
}

/// The arguments of a call while it runs.
#[derive(Debug)]
pub(in crate::sql) struct Arguments {
    pub(in crate::sql) function: &'static str,
    pub(in crate::sql) arrays: Vec<ArrayRef>,
    pub(in crate::sql) rows: usize,
    pub(in crate::sql) gives: DataType,
    pub(in crate::sql) config: Arc<ConfigOptions>,
}

impl Arguments {
    /// The argument at `index`, as an array.
    pub(in crate::sql) fn array(&self, index: usize) -> Result<&ArrayRef> {
        self.arrays.get(index).ok_or_else(|| {
            exec_datafusion_err!("`{}` has no argument {}", self.function, index + 1)
        })
    }

    /// The argument at `index`, which was coerced to text.
    pub(in crate::sql) fn text(&self, index: usize) -> Result<&StringArray> {
        let array = self.array(index)?;
        array.as_string_opt().ok_or_else(|| self.mistyped(index))
    }

    /// The argument at `index`, which was coerced to binary.
    pub(in crate::sql) fn binary(&self, index: usize) -> Result<&BinaryArray> {
        let array = self.array(index)?;
        array.as_binary_opt().ok_or_else(|| self.mistyped(index))
    }

    /// The argument at `index`, which was coerced to INT.
    pub(in crate::sql) fn int(&self, index: usize) -> Result<&Int32Array> {
        let array = self.array(index)?;
        array.as_primitive_opt::<Int32Type>().ok_or_else(|| self.mistyped(index))
    }

    /// Whether none of the arguments is null in `row`.
    pub(in crate::sql) fn all_valid(&self, row: usize) -> bool {
        self.arrays.iter().all(|array| array.is_valid(row))
    }

    /// Whether integers overflow, and bad values fail, instead of giving NULL.
    pub(in crate::sql) fn is_ansi(&self) -> bool {
        self.config.execution.enable_ansi_mode
    }

    /// An error about a value.
    pub(in crate::sql) fn fail(&self, what: impl std::fmt::Display) -> DataFusionError {
        exec_datafusion_err!("`{}`: {what}", self.function)
    }

    fn mistyped(&self, index: usize) -> DataFusionError {
        let found = self.arrays.get(index).map(|array| array.data_type().to_string());
        self.fail(format!("argument {} came as {}", index + 1, found.unwrap_or_default()))
    }
}

/// A function that is defined by an entry in a list.
pub(in crate::sql) struct Function {
    name: &'static str,
    aliases: Vec<String>,
    signature: Signature,
    types: Types,
    kernel: Kernel,
}

impl Function {
    /// A function whose result follows from its arguments.
    pub(in crate::sql) fn new(name: &'static str, types: Types, kernel: Kernel) -> Self {
        let signature = Signature::user_defined(Volatility::Immutable);
        Self { name, aliases: vec![], signature, types, kernel }
    }

    /// The same function under other names too.
    pub(in crate::sql) fn or(mut self, aliases: &[&str]) -> Self {
        self.aliases.extend(aliases.iter().map(|&alias| alias.to_owned()));
        self
    }

    /// The same function, whose result differs from call to call.
    pub(in crate::sql) fn volatile(mut self) -> Self {
        self.signature = Signature::user_defined(Volatility::Volatile);
        self
    }

    /// As DataFusion takes it.
    pub(in crate::sql) fn udf(self) -> Arc<ScalarUDF> {
        Arc::new(ScalarUDF::from(self))
    }

    fn call(&self, types: &[DataType], constants: Option<&[Option<&ScalarValue>]>) -> Result<Call> {
        (self.types)(&Given { function: self.name, types, constants })
    }
}

impl Debug for Function {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Function").field(&self.name).finish()
    }
}

same_by_name!(Function);

impl ScalarUDFImpl for Function {
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
        let types: Vec<DataType> = types.iter().map(plain).collect();
        Ok(self.call(&types, None)?.takes)
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(self.call(types, None)?.gives)
    }

    fn return_field_from_args(
        &self,
        args: ReturnFieldArgs<'_>,
    ) -> Result<arrow::datatypes::FieldRef> {
        let types: Vec<_> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let gives = self.call(&types, Some(args.scalar_arguments))?.gives;
        Ok(Arc::new(arrow::datatypes::Field::new(self.name, gives, true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_volatile = self.signature.volatility == Volatility::Volatile;
        let is_constant = !is_volatile
            && args.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { args.number_rows };
        let arrays = args
            .args
            .into_iter()
            .map(|argument| argument.into_array(rows))
            .collect::<Result<Vec<_>>>()?;
        let arguments = Arguments {
            function: self.name,
            arrays,
            rows,
            gives: args.return_field.data_type().clone(),
            config: args.config_options,
        };
        let result = (self.kernel)(&arguments)?;
        if is_constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?));
        }
        Ok(ColumnarValue::Array(result))
    }
}

/// The type without the layouts that are Arrow's alone: one kind of text, binary and list.
fn plain(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
        DataType::BinaryView | DataType::LargeBinary | DataType::FixedSizeBinary(_) => {
            DataType::Binary
        }
        DataType::Dictionary(_, value) => plain(value),
        DataType::LargeList(element)
        | DataType::FixedSizeList(element, _)
        | DataType::ListView(element)
        | DataType::LargeListView(element) => DataType::List(Arc::clone(element)),
        other => other.clone(),
    }
}

/// Types for a function of `least` to `most` texts: what is not nested is written as text.
pub(in crate::sql) fn texts(
    given: &Given<'_>,
    count: std::ops::RangeInclusive<usize>,
    gives: DataType,
) -> Result<Call> {
    let count = given.count(count)?;
    if given.types.iter().any(DataType::is_nested) {
        return Err(given.refuse("text"));
    }
    Ok(Call { takes: vec![DataType::Utf8; count], gives })
}

/// Types for a function with these parameters, of which the last may be left out down to `least`.
pub(in crate::sql) fn parameters(
    given: &Given<'_>,
    least: usize,
    takes: &[DataType],
    gives: DataType,
) -> Result<Call> {
    let count = given.count(least..=takes.len())?;
    for (found, wanted) in given.types.iter().zip(takes) {
        if found.is_nested() && !wanted.is_nested() {
            return Err(given.refuse(&wanted_list(&takes[..count])));
        }
    }
    Ok(Call { takes: takes[..count].to_vec(), gives })
}

fn wanted_list(takes: &[DataType]) -> String {
    let names: Vec<_> = takes.iter().map(crate::sql::types::spark_type_name).collect();
    format!("({})", names.join(", "))
}
