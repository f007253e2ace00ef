//! Generators for the builder: `select(vec![col("k"), explode(col("words")).alias("word")])`.

use std::hash::Hash;

use arrow::datatypes::DataType;
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlan, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use crate::error::{Error, Result};
use crate::sql::functions::generators::plan::{Call, Naming, generate};

/// A row for each item of an array, or for each entry of a map; a column of
/// [`select`](crate::session::StreamingDataFrame::select).
pub fn explode(items: Expr) -> Expr {
    call("explode", items)
}

/// As [`explode`]; a row whose array or map is empty or null stays, with nulls.
pub fn explode_outer(items: Expr) -> Expr {
    call("explode_outer", items)
}

/// As [`explode`], with a column `pos` for the place of each item, from 0.
pub fn posexplode(items: Expr) -> Expr {
    call("posexplode", items)
}

/// As [`posexplode`]; a row whose array or map is empty or null stays, with nulls.
pub fn posexplode_outer(items: Expr) -> Expr {
    call("posexplode_outer", items)
}

/// The structs of an array as rows.
pub fn inline(structs: Expr) -> Expr {
    call("inline", structs)
}

/// As [`inline`]; a row whose array is empty or null stays, with nulls.
pub fn inline_outer(structs: Expr) -> Expr {
    call("inline_outer", structs)
}

fn call(name: &'static str, argument: Expr) -> Expr {
    let signature = Signature::any(1, Volatility::Immutable);
    ScalarUDF::from(GeneratorCall { name, signature }).call(vec![argument])
}

/// Puts the generators among `columns` below, and their columns in their places.
///
/// # Errors
/// Those of the generators.
pub(crate) fn place(plan: LogicalPlan, columns: Vec<Expr>) -> Result<(LogicalPlan, Vec<Expr>)> {
    let mut plan = plan;
    let mut placed = Vec::with_capacity(columns.len());
    for column in columns {
        let (alias, expr) = match &column {
            Expr::Alias(alias) => (Some(alias.name.clone()), &*alias.expr),
            other => (None, other),
        };
        let Some((name, argument)) = generator_of(expr) else {
            placed.push(column);
            continue;
        };
        let Some(call) = Call::new(name, vec![argument])? else {
            return Err(Error::internal(format!("`{name}` is no generator")));
        };
        let qualifier = format!("__millstream_generated_{}", placed.len());
        let names = alias.into_iter().collect();
        let naming = Naming { qualifier: Some(qualifier.into()), names, alone: false };
        let generated;
        (plan, generated) = generate(plan, call, &naming)?;
        placed.extend(generated.into_iter().map(|column| {
            let name = column.name.clone();
            Expr::Column(column).alias(name)
        }));
    }
    Ok((plan, placed))
}

fn generator_of(expr: &Expr) -> Option<(&'static str, Expr)> {
    let Expr::ScalarFunction(call) = expr else { return None };
    let generator = call.func.inner().downcast_ref::<GeneratorCall>()?;
    Some((generator.name, call.args.first()?.clone()))
}

/// Stands for a generator until the columns of a selection are known.
#[derive(Debug, PartialEq, Eq, Hash)]
struct GeneratorCall {
    name: &'static str,
    signature: Signature,
}

impl GeneratorCall {
    fn misplaced<T>(&self) -> DfResult<T> {
        Err(Error::invalid(format!("{}() can only be a column of select()", self.name)).into())
    }
}

impl ScalarUDFImpl for GeneratorCall {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _args: &[DataType]) -> DfResult<DataType> {
        self.misplaced()
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        self.misplaced()
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field, Schema};
    use datafusion::logical_expr::{col, lit};

    use super::*;
    use crate::session::StreamSession;

    #[tokio::test]
    async fn generators_stand_among_the_columns_of_a_selection() {
        let session = StreamSession::new().unwrap();
        let items = DataType::new_list(DataType::Int32, true);
        let schema =
            Schema::new(vec![Field::new("k", DataType::Utf8, true), Field::new("a", items, true)]);
        let (_rows, stream) = session.memory_stream(&schema).unwrap();
        let columns = vec![col("k"), explode_outer(col("a")).alias("x"), posexplode(col("a"))];
        let (_session, plan) = stream.clone().select(columns).unwrap().into_parts();
        let names: Vec<_> = plan.schema().fields().iter().map(|f| f.name().as_str()).collect();
        assert_eq!(names, ["k", "x", "pos", "col"]);
        let nested = stream.select(vec![explode(col("a")) + lit(1)]).unwrap_err().to_string();
        assert!(nested.contains("explode() can only be a column of select()"), "{nested}");
    }
}
