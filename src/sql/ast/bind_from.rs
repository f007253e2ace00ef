//! Resolves the relations of FROM: what columns each gives, under which qualifier.

use arrow::datatypes::DataType;
use sqlparser::ast::{
    BinaryOperator, Expr, Ident, Join, JoinConstraint, JoinOperator, ObjectName, TableAlias,
    TableFactor, TableWithJoins,
};

use crate::column_names::twin;
use crate::error::{Error, Result};
use crate::sql::ast::bind_expr::{Aliases, Names, either};
use crate::sql::ast::binder::{Binder, renamed};
use crate::sql::ast::from::{ONE, derived, table_call};
use crate::sql::ast::scope::{Column, Relation, Scope, Using, same};
use crate::sql::ast::{refuse, values};
use crate::sql::marker::{self, Marker};
use crate::sql::tables::parts_of;

impl Binder<'_> {
    /// Resolves FROM; gives what the block can see.
    pub(super) fn from(&mut self, from: &mut [TableWithJoins]) -> Result<Scope> {
        let mut scope = Scope::default();
        for item in from {
            self.joined(item, &mut scope)?;
        }
        Ok(scope)
    }

    /// Resolves one item of FROM; `scope` holds the items before it and gets this one.
    fn joined(&mut self, item: &mut TableWithJoins, scope: &mut Scope) -> Result<()> {
        let relations = self.factor(&mut item.relation, scope)?;
        add(&mut item.relation, relations, scope);
        for join in &mut item.joins {
            self.join(join, scope)?;
        }
        Ok(())
    }

    fn join(&mut self, join: &mut Join, scope: &mut Scope) -> Result<()> {
        let left = scope.relations.len();
        let relations = self.factor(&mut join.relation, scope)?;
        add(&mut join.relation, relations, scope);
        let keep = match join.join_operator {
            JoinOperator::Right(_) | JoinOperator::RightOuter(_) => Keep::Right,
            JoinOperator::FullOuter(_) => Keep::Neither,
            _ => Keep::Left,
        };
        if let Some(constraint) = constraint_of(&mut join.join_operator) {
            self.constraint(constraint, left, scope, keep)?;
        }
        // Without a side it is the left one whose rows are looked at.
        match &join.join_operator {
            JoinOperator::Semi(on) => join.join_operator = JoinOperator::LeftSemi(on.clone()),
            JoinOperator::Anti(on) => join.join_operator = JoinOperator::LeftAnti(on.clone()),
            _ => (),
        }
        match join.join_operator {
            JoinOperator::Semi(_)
            | JoinOperator::LeftSemi(_)
            | JoinOperator::Anti(_)
            | JoinOperator::LeftAnti(_) => scope.relations.truncate(left),
            JoinOperator::RightSemi(_) | JoinOperator::RightAnti(_) => {
                scope.relations.drain(..left);
            }
            _ => (),
        }
        Ok(())
    }

    fn constraint(
        &mut self,
        constraint: &mut JoinConstraint,
        left: usize,
        scope: &mut Scope,
        keep: Keep,
    ) -> Result<()> {
        match constraint {
            JoinConstraint::On(expr) => self.expr(expr, &Names { scope, aliases: Aliases::None }),
            JoinConstraint::Using(columns) => {
                let names: Vec<String> = columns
                    .iter()
                    .filter_map(|column| parts_of(column).pop().map(|name| name.value))
                    .collect();
                if let Some(condition) = merge(&names, left, scope, keep) {
                    *constraint = JoinConstraint::On(condition);
                    return self.constraint(constraint, left, scope, keep);
                }
                for column in columns {
                    let parts = parts_of(column);
                    let [name] = parts.as_slice() else { continue };
                    let mut known = scope.relations.iter().take(left).flat_map(|r| &r.columns);
                    if let Some(known) = known.find(|known| same(&known.name, &name.value)) {
                        *column = spelled(std::slice::from_ref(&known.name), name);
                    }
                }
                Ok(())
            }
            JoinConstraint::Natural => {
                let (before, after) = scope.relations.split_at(left);
                let names = |relations: &[Relation]| -> Vec<String> {
                    let columns = relations.iter().flat_map(|r| &r.columns);
                    let seen = columns.filter(|column| column.using != Using::Hidden);
                    seen.map(|column| column.name.clone()).collect()
                };
                let after = names(after);
                let mut common = names(before);
                common.retain(|name| after.iter().any(|other| same(name, other)));
                if let Some(condition) = merge(&common, left, scope, keep) {
                    *constraint = JoinConstraint::On(condition);
                    return self.constraint(constraint, left, scope, keep);
                }
                Ok(())
            }
            JoinConstraint::None => Ok(()),
        }
    }

    fn factor(&mut self, factor: &mut TableFactor, before: &Scope) -> Result<Vec<Relation>> {
        refuse::relation(factor)?;
        let marked = marker::read(factor);
        match factor {
            TableFactor::Table { name, alias, args: None, .. } => {
                let relation = self.table(name)?;
                Ok(aliased(vec![relation], alias.as_mut()))
            }
            TableFactor::Derived { lateral, subquery, alias, .. } => {
                if *lateral {
                    self.outer.push(before.clone());
                }
                let columns = self.query(subquery);
                if *lateral {
                    self.outer.pop();
                }
                let relation = Relation::new(Vec::new(), columns?);
                let mut relations = aliased(vec![relation], alias.as_mut());
                for column in relations.iter_mut().flat_map(|relation| &mut relation.columns) {
                    if column.name == ONE {
                        column.using = Using::Hidden;
                    }
                }
                Ok(relations)
            }
            TableFactor::NestedJoin { table_with_joins, alias: alias @ Some(_) } => {
                // Under one name the columns of all have to be told apart, as in a subquery.
                *factor = derived((**table_with_joins).clone(), alias.take())?;
                self.factor(factor, before)
            }
            TableFactor::NestedJoin { table_with_joins, alias } => {
                let mut scope = Scope::default();
                self.joined(table_with_joins, &mut scope)?;
                Ok(aliased(scope.relations, alias.as_mut()))
            }
            TableFactor::Pivot { table, aggregate_functions, alias, .. } => {
                let Some(marked) = marked else {
                    return Err(Error::unsupported("PIVOT is not supported yet"));
                };
                let mut relations = self.factor(table, before)?;
                if let Marker::Generator { qualifier, shape, .. } = &marked
                    && let Some(call) = marker::event_time_mut(aggregate_functions)
                {
                    return self.generated(call, qualifier, shape, relations);
                }
                if let Marker::Watermark { name, .. } = &marked
                    && let Some(event_time) = marker::event_time_mut(aggregate_functions)
                {
                    self.event_time(event_time, name.as_ref(), &mut relations)?;
                }
                Ok(aliased(relations, alias.as_mut()))
            }
            TableFactor::Unpivot { .. } => Err(Error::unsupported("UNPIVOT is not supported yet")),
            TableFactor::Table { name, alias, args: Some(args), .. } if values::is_range(name) => {
                let is_named = alias.is_some();
                values::name_range(args, alias);
                let column = Column::new(values::RANGE_COLUMN, Some(DataType::Int64));
                let relation = Relation::new(Vec::new(), vec![column]);
                Ok(aliased(vec![relation], alias.as_mut().filter(|_alias| is_named)))
            }
            TableFactor::Function { name, args, alias, .. } if values::is_range(name) => {
                *factor = table_call(name.clone(), std::mem::take(args), alias.take())?;
                self.factor(factor, before)
            }
            // What else there is gives columns that only its planner knows.
            TableFactor::Table { alias, .. } | TableFactor::Function { alias, .. } => {
                Ok(aliased(vec![Relation::default()], alias.as_mut()))
            }
            _ => Ok(vec![Relation::default()]),
        }
    }

    /// A table, a view or a common table expression; `name` gets its true spelling.
    fn table(&mut self, name: &mut ObjectName) -> Result<Relation> {
        let parts = parts_of(name);
        if let [only] = parts.as_slice()
            && let Some((cte, columns)) =
                self.ctes.iter().rev().find(|(cte, _)| same(cte, &only.value))
        {
            *name = spelled(std::slice::from_ref(cte), only);
            return Ok(Relation::new(vec![cte.clone()], columns.clone()));
        }
        let table = self.tables.get(&parts)?;
        if let Some(first) = parts.first() {
            *name = spelled(&table.name, first);
        }
        let columns = table.schema.fields().iter();
        let columns = columns
            .map(|field| Column::planned(field.name(), Some(field.data_type().clone())))
            .collect();
        Ok(Relation::new(table.name.clone(), columns))
    }

    /// The event time of WATERMARK: a column, or an expression that becomes one.
    fn event_time(
        &mut self,
        expr: &mut Expr,
        name: Option<&Ident>,
        relations: &mut Vec<Relation>,
    ) -> Result<()> {
        let scope = Scope { relations: std::mem::take(relations) };
        let names = Names { scope: &scope, aliases: Aliases::None };
        if name.is_none() {
            let text = expr.to_string();
            let parts = match &*expr {
                Expr::Identifier(only) => std::slice::from_ref(only),
                Expr::CompoundIdentifier(parts) => parts.as_slice(),
                _ => &[],
            };
            let found = self.find(parts, &names)?;
            let is_column =
                found.is_some_and(|found| found.parts.len() == found.qualifier_parts + 1);
            if !is_column && scope.relations.iter().any(|relation| !relation.columns.is_empty()) {
                return Err(Error::invalid(format!(
                    "WATERMARK needs a column of the relation before it, `{text}` is none; for a field or an expression write WATERMARK <expression> AS <name> DELAY OF .."
                )));
            }
        }
        self.expr(expr, &names)?;
        let data_type = self.type_of(expr, &names);
        *relations = scope.relations;
        if let Some(name) = name {
            let added = Column::new(&name.value, data_type);
            relations.push(Relation::new(Vec::new(), vec![added]));
        }
        Ok(())
    }
}

fn constraint_of(operator: &mut JoinOperator) -> Option<&mut JoinConstraint> {
    match operator {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint)
        | JoinOperator::CrossJoin(constraint)
        | JoinOperator::Semi(constraint)
        | JoinOperator::LeftSemi(constraint)
        | JoinOperator::RightSemi(constraint)
        | JoinOperator::Anti(constraint)
        | JoinOperator::LeftAnti(constraint)
        | JoinOperator::RightAnti(constraint)
        | JoinOperator::StraightJoin(constraint)
        | JoinOperator::AsOf { constraint, .. } => Some(constraint),
        JoinOperator::CrossApply
        | JoinOperator::OuterApply
        | JoinOperator::ArrayJoin
        | JoinOperator::LeftArrayJoin
        | JoinOperator::InnerArrayJoin => None,
    }
}

/// Which side's column stands for both after USING.
#[derive(Clone, Copy)]
enum Keep {
    Left,
    Right,
    Neither,
}

/// Makes one column of each two; gives the condition of the join where DataFusion's USING would not
/// do: after a FULL JOIN, and for names that differ in case.
fn merge(names: &[String], left: usize, scope: &mut Scope, keep: Keep) -> Option<Expr> {
    let mut conditions = Vec::new();
    let mut is_plain = !matches!(keep, Keep::Neither);
    for name in names {
        let place = |relations: &[Relation], first: usize| {
            let of = |relation: &Relation| {
                let mut columns = relation.columns.iter();
                columns.position(|c| c.using != Using::Hidden && same(&c.name, name))
            };
            let mut relations = relations.iter().enumerate();
            relations.find_map(|(at, relation)| Some((at + first, of(relation)?)))
        };
        let (before, after) = scope.relations.split_at(left);
        let (a_place, b_place) = (place(before, 0)?, place(after, left)?);
        let (before, after) = scope.relations.split_at_mut(left);
        let (a, b) = (visible(before, name)?, visible(after, name)?);
        is_plain &= a.name == b.name && a.others.is_empty() && b.others.is_empty();
        conditions.push(Expr::BinaryOp {
            left: Box::new(either(a_place, &a.others)),
            op: BinaryOperator::Eq,
            right: Box::new(either(b_place, &b.others)),
        });
        (a.using, b.using) = match keep {
            Keep::Right => (Using::Hidden, Using::Kept),
            Keep::Left | Keep::Neither => (Using::Kept, Using::Hidden),
        };
        if matches!(keep, Keep::Neither) {
            let others = b.others.clone();
            a.others.push(b_place);
            a.others.extend(others);
        }
    }
    let and = |all: Expr, next: Expr| Expr::BinaryOp {
        left: Box::new(all),
        op: BinaryOperator::And,
        right: Box::new(next),
    };
    conditions.into_iter().reduce(and).filter(|_| !is_plain)
}

fn visible<'a>(relations: &'a mut [Relation], name: &str) -> Option<&'a mut Column> {
    relations
        .iter_mut()
        .flat_map(|relation| &mut relation.columns)
        .find(|column| column.using != Using::Hidden && same(&column.name, name))
}

fn spelled(parts: &[String], place: &Ident) -> ObjectName {
    let ident =
        |part: &String| Ident { value: part.clone(), quote_style: Some('`'), span: place.span };
    ObjectName::from(parts.iter().map(ident).collect::<Vec<_>>())
}

/// Relations under an alias are one relation.
fn aliased(relations: Vec<Relation>, alias: Option<&mut TableAlias>) -> Vec<Relation> {
    let Some(alias) = alias else { return relations };
    let columns = relations.into_iter().flat_map(|relation| relation.columns);
    let plain = |column| Column { using: Using::No, others: Vec::new(), ..column };
    let columns = columns.map(plain).collect();
    let columns = renamed(columns, alias.columns.iter_mut().map(|column| &mut column.name));
    vec![Relation::new(vec![alias.name.value.clone()], columns)]
}

/// Adds the relations of an item of FROM to those before it.
fn add(factor: &mut TableFactor, mut relations: Vec<Relation>, scope: &mut Scope) {
    tell_apart(factor, &mut relations, scope);
    // The places that columns stand for move with their relations.
    let before = scope.relations.len();
    for column in relations.iter_mut().flat_map(|relation| &mut relation.columns) {
        column.others.iter_mut().for_each(|(relation, _)| *relation += before);
    }
    scope.relations.extend(relations);
}

/// Gives a relation that is called as one before it an alias of ours. Nothing can be asked of
/// either by its name, but `*` has the columns of both.
fn tell_apart(factor: &mut TableFactor, relations: &mut [Relation], before: &Scope) {
    let [relation] = relations else { return };
    let twins = before.relations.iter().filter(|known| known.qualifier == relation.qualifier);
    let (Some(last), Some(place @ 1..)) = (relation.qualifier.last(), Some(twins.count())) else {
        return;
    };
    let name = Ident::with_quote('`', twin(last, place));
    let alias = match factor {
        TableFactor::Table { args: None, alias, .. }
        | TableFactor::Derived { alias, .. }
        | TableFactor::NestedJoin { alias, .. } => alias,
        _ => return,
    };
    relation.written = vec![name.value.clone()];
    match alias {
        Some(alias) => alias.name = name,
        None => *alias = Some(TableAlias { explicit: true, name, columns: vec![], at: None }),
    }
}
