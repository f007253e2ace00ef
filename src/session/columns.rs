//! The columns of a data frame: more, fewer, renamed, filled.

use arrow::datatypes::DataType;
use datafusion::common::Column;
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlanBuilder, cast, lit};
use datafusion::scalar::ScalarValue;

use crate::column_names::shown;
use crate::connector::options::nearest;
use crate::error::{Error, Result};
use crate::session::data_frame::StreamingDataFrame;

impl StreamingDataFrame {
    /// All columns and one more, or another in place of the one that has its name.
    ///
    /// # Errors
    /// Those of DataFusion's planner.
    pub fn with_column(self, name: &str, value: Expr) -> Result<Self> {
        self.with_columns(vec![(name, value)])
    }

    /// All columns and these, each of them in place of the one that has its name, if one has. The
    /// values are made of the columns as they were before.
    ///
    /// # Errors
    /// Those of DataFusion's planner.
    pub fn with_columns(self, columns: Vec<(&str, Expr)>) -> Result<Self> {
        let mut new: Vec<(&str, Option<Expr>)> =
            columns.into_iter().map(|(name, value)| (name, Some(value.alias(name)))).collect();
        let mut all: Vec<Expr> = Vec::new();
        for column in self.logical_plan().schema().columns() {
            let replaced = new.iter_mut().find(|(name, _)| column.name.eq_ignore_ascii_case(name));
            match replaced {
                None => all.push(Expr::Column(column)),
                Some((_, value)) => all.extend(value.take()),
            }
        }
        all.extend(new.into_iter().filter_map(|(_, value)| value));
        self.select(all)
    }

    /// All columns, with another name for one of them. Nothing changes when there is no such
    /// column, as in Spark.
    ///
    /// # Errors
    /// Those of DataFusion's planner.
    pub fn with_column_renamed(self, name: &str, new_name: &str) -> Result<Self> {
        let columns = self.logical_plan().schema().columns().into_iter().map(|column| {
            let is_it = column.name.eq_ignore_ascii_case(name);
            let column = Expr::Column(column);
            if is_it { column.alias(new_name) } else { column }
        });
        let columns = columns.collect();
        self.select(columns)
    }

    /// All columns but these. Names that no column has are passed over, as in Spark.
    ///
    /// # Errors
    /// Those of DataFusion's planner.
    pub fn drop(self, names: &[&str]) -> Result<Self> {
        let is_dropped = |column: &Column| {
            names.iter().any(|name| shown(&column.name).eq_ignore_ascii_case(name))
        };
        let columns = self.logical_plan().schema().columns().into_iter();
        let kept = columns.filter(|column| !is_dropped(column)).map(Expr::Column).collect();
        self.select(kept)
    }

    /// The rows that have a value in each of these columns; in every column when none is named.
    ///
    /// # Errors
    /// `NotFound` for a column that is not there.
    pub fn drop_na(self, columns: &[&str]) -> Result<Self> {
        let columns = self.named_or_all(columns)?;
        let present = columns.into_iter().map(|column| Expr::Column(column).is_not_null());
        match present.reduce(Expr::and) {
            Some(present) => self.filter(present),
            None => Ok(self),
        }
    }

    /// A value in place of null in each of these columns; in every column when none is named. As
    /// in Spark, columns of another kind (number, text, boolean) than the value stay as they are,
    /// and a number takes the type of its column.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> millstream::Result<()> {
    /// use millstream::prelude::*;
    ///
    /// let session = StreamSession::new()?;
    /// let frame = session.sql("SELECT CAST(NULL AS BIGINT) AS n, CAST(NULL AS STRING) AS s").await?;
    /// let filled = frame.fill_na(0, &[])?.collect().await?;
    /// assert_eq!(filled[0].column(0).null_count(), 0);
    /// assert_eq!(filled[0].column(1).null_count(), 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound` for a column that is not there; those of a value that cannot be cast.
    pub fn fill_na(self, value: impl Into<ScalarValue>, columns: &[&str]) -> Result<Self> {
        let value = value.into();
        let wanted = self.named_or_all(columns)?;
        let schema = self.logical_plan().schema();
        let mut filled = Vec::with_capacity(schema.fields().len());
        for column in schema.columns() {
            let expr = Expr::Column(column.clone());
            let data_type = expr.get_type(schema.as_ref())?;
            if wanted.contains(&column) && kind(&data_type) == kind(&value.data_type()) {
                let value = cast(lit(value.clone()), data_type);
                filled.push(coalesce(vec![expr, value]).alias(column.name));
            } else {
                filled.push(expr);
            }
        }
        self.select(filled)
    }

    /// Gives the columns a qualifier, by which expressions can tell them from those of another
    /// frame: `col("a.k")`.
    ///
    /// # Errors
    /// Those of DataFusion's planner.
    pub fn alias(self, name: &str) -> Result<Self> {
        let (session, plan) = self.into_parts();
        Ok(session.data_frame(LogicalPlanBuilder::from(plan).alias(name)?.build()?))
    }

    /// The column of this name, compared without regard to case.
    ///
    /// # Errors
    /// `NotFound` with the nearest name; `Invalid` when several columns have the name.
    pub(crate) fn column(&self, name: &str) -> Result<Column> {
        let columns = self.logical_plan().schema().columns();
        let mut found =
            columns.iter().filter(|column| shown(&column.name).eq_ignore_ascii_case(name));
        match (found.next(), found.next()) {
            (Some(column), None) => Ok(column.clone()),
            (Some(_), Some(_)) => Err(Error::invalid(format!(
                "several columns are called `{name}`; rename all but one with `with_column_renamed`, or drop them"
            ))),
            (None, _) => Err(Error::NotFound {
                what: "column",
                name: name.to_owned(),
                nearest: nearest(name, columns.iter().map(|column| column.name.as_str()))
                    .map(str::to_owned),
            }),
        }
    }

    fn named_or_all(&self, names: &[&str]) -> Result<Vec<Column>> {
        if names.is_empty() {
            return Ok(self.logical_plan().schema().columns());
        }
        names.iter().map(|name| self.column(name)).collect()
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Number,
    Text,
    Boolean,
    Other,
}

fn kind(data_type: &DataType) -> Kind {
    match data_type {
        number if number.is_numeric() => Kind::Number,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Kind::Text,
        DataType::Boolean => Kind::Boolean,
        _ => Kind::Other,
    }
}
