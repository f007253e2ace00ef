//! Puts a generator into a plan.

use datafusion::common::{Column, ScalarValue, TableReference, UnnestOptions};
use datafusion::functions::core::expr_fn::get_field;
use datafusion::logical_expr::{
    Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, ScalarUDF, col,
};

use crate::error::{Error, Result};
use crate::sql::functions::generators::kind::{self, Generator};
use crate::sql::functions::generators::rows::{GeneratedRows, field_name};

/// The column that the new rows are in until they are taken apart.
const ROWS: &str = "__millstream_rows";

/// A generator with its arguments.
#[derive(Debug, Clone)]
pub struct Call {
    generator: Generator,
    outer: bool,
    arguments: Vec<Expr>,
}

impl Call {
    /// A call of a generator by its name; `None` for a name that no generator has.
    ///
    /// # Errors
    /// `Invalid` where `stack` does not say how many rows it makes.
    pub fn new(name: &str, mut arguments: Vec<Expr>) -> Result<Option<Self>> {
        let Some((mut generator, outer)) = kind::find(name) else { return Ok(None) };
        if matches!(generator, Generator::Stack(_)) {
            let rows = if arguments.is_empty() { None } else { number(&arguments.remove(0)) };
            let rows = rows.filter(|rows| *rows > 0 && !arguments.is_empty()).ok_or_else(|| {
                Error::invalid(
                    "`stack` takes a positive whole number of rows, written out, and then values",
                )
            })?;
            generator = Generator::Stack(rows);
        }
        Ok(Some(Self { generator, outer, arguments }))
    }

    /// The same, but rows that give no rows stay.
    #[must_use]
    pub fn outer(self, outer: bool) -> Self {
        Self { outer: self.outer || outer, ..self }
    }
}

fn number(expr: &Expr) -> Option<usize> {
    let expr = match expr {
        Expr::Cast(cast) => &*cast.expr,
        other => other,
    };
    let Expr::Literal(value, _) = expr else { return None };
    match value.cast_to(&arrow::datatypes::DataType::Int64).ok()? {
        ScalarValue::Int64(Some(number)) => usize::try_from(number).ok(),
        _ => None,
    }
}

/// How the columns of a generator are called.
#[derive(Debug, Clone)]
pub struct Naming {
    /// What stands before them, if anything.
    pub qualifier: Option<TableReference>,
    /// Names of the user's, as many as there are columns; none for the generator's own.
    pub names: Vec<String>,
    /// Whether the columns of the input go away.
    pub alone: bool,
}

/// The rows of `input`, each as often as the generator gives rows for it, with its columns behind
/// those of the input. Gives the plan and the columns of the generator.
///
/// # Errors
/// `Invalid` for arguments of other types, and for another number of names than columns.
pub fn generate(
    input: LogicalPlan,
    call: Call,
    naming: &Naming,
) -> Result<(LogicalPlan, Vec<Column>)> {
    let Call { generator, outer, arguments } = call;
    let kept: Vec<Expr> = input.schema().columns().into_iter().map(Expr::Column).collect();
    // Sources and the nodes below can leave out what would give no rows anyway.
    let needed = match arguments.as_slice() {
        [column @ Expr::Column(_)] if !outer => Some(column.clone().is_not_null()),
        _ => None,
    };
    let function = ScalarUDF::from(GeneratedRows::new(generator, outer));
    let types = arguments
        .iter()
        .map(|argument| Ok(argument.get_type(input.schema())?))
        .collect::<Result<Vec<_>>>()?;
    let own = generator.columns(&types)?;
    if !naming.names.is_empty() && naming.names.len() != own.len() {
        let columns: Vec<_> = own.iter().map(|column| format!("`{}`", column.name())).collect();
        return Err(Error::invalid(format!(
            "`{}` gives {} columns here, {}, but {} names stand behind AS",
            generator.name(),
            own.len(),
            columns.join(", "),
            naming.names.len()
        )));
    }
    let mut plan = LogicalPlanBuilder::from(input);
    if let Some(needed) = needed {
        plan = plan.filter(needed)?;
    }
    let mut with_rows = kept.clone();
    with_rows.push(function.call(arguments).alias(ROWS));
    let options = UnnestOptions::new().with_preserve_nulls(outer);
    plan = plan.project(with_rows)?.unnest_column_with_options(Column::from_name(ROWS), options)?;
    let mut columns = if naming.alone { Vec::new() } else { kept };
    let mut generated = Vec::with_capacity(own.len());
    for (i, column) in own.iter().enumerate() {
        let name = naming.names.get(i).unwrap_or_else(|| column.name());
        let value = get_field(col(ROWS), field_name(i));
        columns.push(value.alias_qualified(naming.qualifier.clone(), name));
        generated.push(Column::new(naming.qualifier.clone(), name));
    }
    Ok((plan.project(columns)?.build()?, generated))
}
