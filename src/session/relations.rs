//! Data frames put together, and the order and number of their rows.

use datafusion::common::{Column, JoinType, TableReference};
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::logical_expr::{Expr, GroupingSet, LogicalPlan, LogicalPlanBuilder, SortExpr, lit};
use datafusion::scalar::ScalarValue;

use crate::error::{Error, Result};
use crate::session::data_frame::StreamingDataFrame;
use crate::session::grouped::GroupedDataFrame;
use crate::sql::set_types::unified;

/// What Spark calls the joins that there are.
const JOINS: &[(&str, JoinType)] = &[
    ("inner", JoinType::Inner),
    ("left", JoinType::Left),
    ("left_outer", JoinType::Left),
    ("right", JoinType::Right),
    ("right_outer", JoinType::Right),
    ("full", JoinType::Full),
    ("full_outer", JoinType::Full),
    ("outer", JoinType::Full),
    ("semi", JoinType::LeftSemi),
    ("left_semi", JoinType::LeftSemi),
    ("anti", JoinType::LeftAnti),
    ("left_anti", JoinType::LeftAnti),
];

impl StreamingDataFrame {
    /// The rows of both frames that agree in these columns, which the result has once, before the
    /// other columns of the left and then of the right frame. `how` is `inner`, `left`, `right`,
    /// `full`, `left_semi` or `left_anti`.
    ///
    /// A stream can be joined with a table, as long as no row of it has to wait: the stream on the
    /// side whose rows are kept. A table of the catalog is read anew when it has changed between
    /// two epochs; one that was loaded from a path stays as it was.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> millstream::Result<()> {
    /// use millstream::prelude::*;
    ///
    /// let session = StreamSession::new()?;
    /// let clicks = session.sql("SELECT * FROM VALUES (1, 'home'), (2, 'cart') AS t(user, page)").await?;
    /// let users = session.sql("SELECT * FROM VALUES (1, 'Anna') AS t(user, name)").await?;
    /// let joined = clicks.join(users, &["user"], "left")?;
    /// assert_eq!(joined.schema().fields().len(), 3);
    /// assert_eq!(joined.collect().await?.iter().map(|rows| rows.num_rows()).sum::<usize>(), 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound` for a column that one side does not have; `Invalid` for another `how`.
    pub fn join(self, right: Self, on: &[&str], how: &str) -> Result<Self> {
        let how = join_type(how)?;
        let right = right.told_from(&self)?;
        let keys = on.iter().map(|name| Ok((self.column(name)?, right.column(name)?)));
        let keys: Vec<(Column, Column)> = keys.collect::<Result<_>>()?;
        let columns = joined_columns(&keys, how, &self, &right);
        let (session, left) = self.into_parts();
        let (_, right) = right.into_parts();
        let (left_keys, right_keys): (Vec<Column>, Vec<Column>) = keys.into_iter().unzip();
        let plan = LogicalPlanBuilder::from(left)
            .join(right, how, (left_keys, right_keys), None)?
            .project(columns)?
            .build()?;
        Ok(session.data_frame(plan))
    }

    /// The rows of both frames for which `condition` is true, with all columns of both. Where both
    /// have a column of the same name, give each frame an [`alias`](Self::alias) and say
    /// `col("l.k").eq(col("r.k"))`. `how` as in [`join`](Self::join).
    ///
    /// # Errors
    /// `Invalid` for another `how`; those of DataFusion's planner.
    pub fn join_on(self, right: Self, condition: Expr, how: &str) -> Result<Self> {
        let how = join_type(how)?;
        let right = right.told_from(&self)?;
        let (session, left) = self.into_parts();
        let (_, right) = right.into_parts();
        let plan = LogicalPlanBuilder::from(left).join_on(right, how, [condition])?.build()?;
        Ok(session.data_frame(plan))
    }

    /// Every row of this frame with every row of the other.
    ///
    /// # Errors
    /// Those of DataFusion's planner.
    pub fn cross_join(self, right: Self) -> Result<Self> {
        let right = right.told_from(&self)?;
        let (session, left) = self.into_parts();
        let (_, right) = right.into_parts();
        let plan = LogicalPlanBuilder::from(left).cross_join(right)?.build()?;
        Ok(session.data_frame(plan))
    }

    /// The rows of both, column by column in their order. Both are streams, or both are not.
    ///
    /// # Errors
    /// Those of DataFusion's planner.
    pub fn union(self, other: Self) -> Result<Self> {
        let (session, plan) = self.into_parts();
        let plan = LogicalPlanBuilder::from(plan).union(other.into_parts().1)?.build()?;
        let is_ansi = session.state().config_options().execution.enable_ansi_mode;
        Ok(session.data_frame(unified(plan, is_ansi)?))
    }

    /// The rows of both, with the columns of the other found by their names. Where
    /// `allow_missing`, a column that one of them lacks is null there, and those that only the
    /// other has come last.
    ///
    /// # Errors
    /// `NotFound` for a column that one of them lacks; those of DataFusion's planner.
    pub fn union_by_name(self, other: Self, allow_missing: bool) -> Result<Self> {
        let (mut left, mut right) = (vec![], vec![]);
        let null = |name: &str| lit(ScalarValue::Null).alias(name);
        let place = |frame: &Self, name: &str| match frame.column(name) {
            Ok(column) => Ok(Expr::Column(column)),
            Err(Error::NotFound { .. }) if allow_missing => Ok(null(name)),
            Err(error) => Err(error),
        };
        for column in self.logical_plan().schema().columns() {
            right.push(place(&other, &column.name)?);
            left.push(Expr::Column(column));
        }
        for column in other.logical_plan().schema().columns() {
            match self.column(&column.name) {
                Ok(_) => (),
                Err(Error::NotFound { .. }) if allow_missing => {
                    left.push(null(&column.name));
                    right.push(Expr::Column(column));
                }
                Err(error) => return Err(error),
            }
        }
        self.select(left)?.union(other.select(right)?)
    }

    /// Each row once, as SELECT DISTINCT: an aggregation whose keys are all columns. A stream can
    /// have it in update and complete mode, and in append mode when a column is its event time.
    ///
    /// # Errors
    /// Those of DataFusion's planner.
    pub fn distinct(self) -> Result<Self> {
        self.changed(|plan| Ok(plan.distinct()?))
    }

    /// So many rows: of a stream the first that come, over all epochs and restarts; in complete
    /// mode so many of each result.
    ///
    /// # Errors
    /// Those of DataFusion's planner.
    pub fn limit(self, rows: usize) -> Result<Self> {
        self.changed(|plan| Ok(plan.limit(0, Some(rows))?))
    }

    /// The rows after the first so many. A stream cannot have it.
    ///
    /// # Errors
    /// Those of DataFusion's planner.
    pub fn offset(self, rows: usize) -> Result<Self> {
        self.changed(|plan| Ok(plan.limit(rows, None)?))
    }

    /// The rows in order, by [`asc`](crate::session::asc) and [`desc`](crate::session::desc). A
    /// stream can be ordered in complete mode after an aggregation.
    ///
    /// # Errors
    /// Those of DataFusion's planner.
    pub fn order_by(self, keys: Vec<SortExpr>) -> Result<Self> {
        self.changed(|plan| Ok(plan.sort(keys)?))
    }

    /// Groups the rows by these keys, by all but the last, and so on down to no key at all.
    pub fn rollup(self, keys: Vec<Expr>) -> GroupedDataFrame {
        GroupedDataFrame::new(self, vec![Expr::GroupingSet(GroupingSet::Rollup(keys))])
    }

    /// Groups the rows by every selection of these keys.
    pub fn cube(self, keys: Vec<Expr>) -> GroupedDataFrame {
        GroupedDataFrame::new(self, vec![Expr::GroupingSet(GroupingSet::Cube(keys))])
    }

    fn changed(
        self,
        change: impl FnOnce(LogicalPlanBuilder) -> Result<LogicalPlanBuilder>,
    ) -> Result<Self> {
        let (session, plan) = self.into_parts();
        Ok(session.data_frame(change(LogicalPlanBuilder::from(plan))?.build()?))
    }

    /// The frame with a qualifier of its own, if a column could be taken for one of `other`.
    fn told_from(self, other: &Self) -> Result<Self> {
        let qualified = |plan: &LogicalPlan| -> Vec<Column> { plan.schema().columns() };
        let (own, others) = (qualified(self.logical_plan()), qualified(other.logical_plan()));
        if !own.iter().any(|column| others.contains(column)) {
            return Ok(self);
        }
        let mut name = "right".to_owned();
        let is_taken = |name: &str| {
            let name = TableReference::bare(name.to_owned());
            own.iter().chain(&others).any(|column| column.relation.as_ref() == Some(&name))
        };
        while is_taken(&name) {
            name.push('_');
        }
        self.alias(&name)
    }
}

/// The keys once, then the other columns of the left and, where they are kept, of the right.
fn joined_columns(
    keys: &[(Column, Column)],
    how: JoinType,
    left: &StreamingDataFrame,
    right: &StreamingDataFrame,
) -> Vec<Expr> {
    let key = |(left, right): &(Column, Column)| {
        let (of_left, of_right) = (Expr::Column(left.clone()), Expr::Column(right.clone()));
        match how {
            JoinType::Right => of_right.alias(left.name.clone()),
            JoinType::Full => coalesce(vec![of_left, of_right]).alias(left.name.clone()),
            _ => of_left,
        }
    };
    let mut columns: Vec<Expr> = keys.iter().map(key).collect();
    let others = |frame: &StreamingDataFrame, is_key: &dyn Fn(&Column) -> bool| -> Vec<Expr> {
        let all = frame.logical_plan().schema().columns().into_iter();
        all.filter(|column| !is_key(column)).map(Expr::Column).collect()
    };
    columns.extend(others(left, &|column| keys.iter().any(|(key, _)| key == column)));
    if !matches!(how, JoinType::LeftSemi | JoinType::LeftAnti) {
        columns.extend(others(right, &|column| keys.iter().any(|(_, key)| key == column)));
    }
    columns
}

/// The join of this name; case and underscores do not matter, as in Spark.
fn join_type(name: &str) -> Result<JoinType> {
    let plain = |name: &str| name.replace('_', "").to_lowercase();
    let found = JOINS.iter().find(|(known, _)| plain(known) == plain(name));
    found.map(|(_, join_type)| *join_type).ok_or_else(|| {
        Error::invalid(format!(
            "there is no join `{name}`; say inner, left, right, full, left_semi or left_anti, or call `cross_join`"
        ))
    })
}
