//! Structs under other names of their fields: where two of them meet, they do so by the places of
//! their fields, as in Spark. A cast would go by the names.

use std::sync::Arc;

use arrow::array::{Array, make_array};
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::{ScalarValue, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// The value of a type with the names that `to` has for its fields.
pub(in crate::sql) fn relabelled(value: Expr, from: &DataType, to: &DataType) -> Expr {
    let named = with_names(from, to);
    if named == *from {
        return value;
    }
    let signature = Signature::any(1, Volatility::Immutable);
    ScalarUDF::from(Relabel { to: named, signature }).call(vec![value])
}

/// A type with the names that `to` has for fields at the same places.
fn with_names(from: &DataType, to: &DataType) -> DataType {
    match (from, to) {
        (DataType::Struct(own), DataType::Struct(other)) if own.len() == other.len() => {
            let field = |(own, other): (&Arc<Field>, &Arc<Field>)| {
                let data_type = with_names(own.data_type(), other.data_type());
                Field::new(other.name(), data_type, own.is_nullable())
            };
            DataType::Struct(own.iter().zip(other).map(field).collect::<Fields>())
        }
        (DataType::List(own), DataType::List(other)) => {
            let data_type = with_names(own.data_type(), other.data_type());
            DataType::List(Arc::new(own.as_ref().clone().with_data_type(data_type)))
        }
        _ => from.clone(),
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Relabel {
    to: DataType,
    signature: Signature,
}

impl ScalarUDFImpl for Relabel {
    fn name(&self) -> &'static str {
        "relabel"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(self.to.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = args.args.as_slice() else { return exec_err!("one struct was expected") };
        let is_scalar = matches!(value, ColumnarValue::Scalar(_));
        let value = value.to_array(if is_scalar { 1 } else { args.number_rows })?;
        let data = value.to_data().into_builder().data_type(self.to.clone()).build()?;
        let named = make_array(data);
        if is_scalar {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&named, 0)?));
        }
        Ok(ColumnarValue::Array(named))
    }
}
