//! Moves generators, such as `explode(a)`, below: from SELECT, from LATERAL VIEW and from among
//! the relations of FROM.
//!
//! ```text
//!   SELECT k, explode(a) AS x FROM t
//!   SELECT k, __millstream_generated_0.* FROM <t with the rows and the column x of explode(a)>
//! ```
//!
//! Which columns a generator has is known when its argument is planned, and not here; so the new
//! relation has a name of its own, and SELECT takes all of its columns.

use arrow::datatypes::{DataType, FieldRef};
use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments,
    GroupByExpr, Ident, Join, JoinConstraint, JoinOperator, ObjectName, Select, SelectItem,
    SelectItemQualifiedWildcardKind, TableAlias, TableFactor, TableWithJoins, Value, Visit,
    WildcardAdditionalOptions,
};

use crate::error::{Error, Result};
use crate::sql::ast::bind_expr::{Aliases, Names};
use crate::sql::ast::binder::Binder;
use crate::sql::ast::from::{find_in_block, one_row, single_relation};
use crate::sql::ast::scope::{Column, Relation, Scope, Using};
use crate::sql::ast::spelling::plain_name;
use crate::sql::functions::generators::kind::{self, Generator};
use crate::sql::lateral_view::UNNAMED;
use crate::sql::marker::{self, GeneratorShape};
use crate::sql::tables::parts_of;
use crate::sql::types;

/// A generator of SELECT, whose columns SELECT takes from a relation.
pub(super) struct Taken {
    call: Function,
    relation: String,
    columns: Vec<String>,
}

fn is_generator(function: &Function) -> bool {
    function.over.is_none() && plain_name(function).is_some_and(|name| kind::find(&name).is_some())
}

/// Makes relations of the generators of LATERAL VIEW and of FROM.
pub(super) fn lift(select: &mut Select) -> Result<()> {
    let mut from = Vec::with_capacity(select.from.len());
    for item in std::mem::take(&mut select.from) {
        lift_item(item, &mut from)?;
    }
    for (i, view) in std::mem::take(&mut select.lateral_views).into_iter().enumerate() {
        let Expr::Function(call) = view.lateral_view else {
            return Err(not_a_generator(&view.lateral_view.to_string()));
        };
        if !is_generator(&call) {
            return Err(not_a_generator(&call.to_string()));
        }
        let named = |name: &Ident| name.value != UNNAMED;
        let name = parts_of(&view.lateral_view_name).pop();
        let unnamed = || Ident::new(format!("__millstream_view_{i}"));
        let qualifier = name.filter(named).unwrap_or_else(unnamed);
        let columns = view.lateral_col_alias.into_iter().filter(named).map(|c| c.value).collect();
        let shape = GeneratorShape { outer: view.outer, alone: false, columns };
        generate(&mut from, call, qualifier, shape)?;
    }
    select.from = from;
    Ok(())
}

fn not_a_generator(text: &str) -> Error {
    Error::invalid(format!(
        "LATERAL VIEW takes a generator, and `{text}` is none; generators are explode, posexplode, inline, their outer forms, stack and json_tuple"
    ))
}

/// Puts the generator over all relations so far.
fn generate(
    from: &mut Vec<TableWithJoins>,
    call: Function,
    qualifier: Ident,
    shape: GeneratorShape,
) -> Result<()> {
    let input = if from.is_empty() { one_row()? } else { single_relation(std::mem::take(from))? };
    let relation = marker::generator(input, call, qualifier, shape);
    from.push(TableWithJoins { relation, joins: Vec::new() });
    Ok(())
}

fn lift_item(item: TableWithJoins, from: &mut Vec<TableWithJoins>) -> Result<()> {
    let before = from.len();
    match call_of(&item.relation) {
        // What is before it is what its arguments may name.
        Some(found) if found.lateral && before > 0 => {
            let shape = GeneratorShape { columns: found.columns, ..GeneratorShape::default() };
            generate(from, found.call, found.qualifier, shape)?;
        }
        Some(found) => {
            let shape = GeneratorShape { outer: false, alone: true, columns: found.columns };
            let relation = marker::generator(one_row()?, found.call, found.qualifier, shape);
            from.push(TableWithJoins { relation, joins: Vec::new() });
        }
        None => from.push(TableWithJoins { relation: item.relation, joins: Vec::new() }),
    }
    for join in item.joins {
        let Some(found) = call_of(&join.relation).filter(|found| found.lateral) else {
            if let Some(last) = from.last_mut() {
                last.joins.push(join);
            }
            continue;
        };
        let (outer, condition) = (is_outer(&join)?, condition_of(&join).cloned());
        // Only what this item has joined so far is below; other items stay beside it.
        let first = before.min(from.len().saturating_sub(1));
        let mut joined = from.split_off(first);
        let shape = GeneratorShape { outer, alone: false, columns: found.columns };
        generate(&mut joined, found.call, found.qualifier, shape)?;
        if let (Some(condition), Some(last)) = (condition, joined.last_mut()) {
            last.joins.push(filter(condition)?);
        }
        from.append(&mut joined);
    }
    Ok(())
}

/// A generator among relations.
struct RelationCall {
    call: Function,
    qualifier: Ident,
    columns: Vec<String>,
    lateral: bool,
}

fn call_of(factor: &TableFactor) -> Option<RelationCall> {
    let (name, args, alias, lateral) = match factor {
        TableFactor::Function { lateral, name, args, alias, .. } => (name, args, alias, *lateral),
        TableFactor::Table { name, args: Some(args), alias, .. } => {
            (name, &args.args, alias, false)
        }
        _ => return None,
    };
    let call = function(name.clone(), args.clone());
    let own = plain_name(&call).filter(|_| is_generator(&call))?;
    let (qualifier, columns) = match alias {
        Some(TableAlias { name, columns, .. }) => {
            (name.clone(), columns.iter().map(|column| column.name.value.clone()).collect())
        }
        None => (Ident::new(own), Vec::new()),
    };
    Some(RelationCall { call, qualifier, columns, lateral })
}

fn function(name: ObjectName, args: Vec<FunctionArg>) -> Function {
    Function {
        name,
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args,
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    }
}

/// The condition that an inner join has.
fn condition_of(join: &Join) -> Option<&Expr> {
    match &join.join_operator {
        JoinOperator::Join(JoinConstraint::On(expr))
        | JoinOperator::Inner(JoinConstraint::On(expr)) => Some(expr),
        _ => None,
    }
}

/// A join with one row, which keeps the rows for which the condition is true.
fn filter(condition: Expr) -> Result<Join> {
    let join_operator = JoinOperator::Inner(JoinConstraint::On(condition));
    Ok(Join { relation: one_row()?, global: false, join_operator })
}

/// Whether a row without generated rows stays.
fn is_outer(join: &Join) -> Result<bool> {
    let is_true =
        |expr: &Expr| matches!(expr, Expr::Value(value) if value.value == Value::Boolean(true));
    let is_free = |constraint: &JoinConstraint| match constraint {
        JoinConstraint::None => true,
        JoinConstraint::On(expr) => is_true(expr),
        JoinConstraint::Using(_) | JoinConstraint::Natural => false,
    };
    match &join.join_operator {
        JoinOperator::Join(JoinConstraint::None | JoinConstraint::On(_))
        | JoinOperator::Inner(JoinConstraint::None | JoinConstraint::On(_)) => Ok(false),
        JoinOperator::CrossJoin(constraint) if is_free(constraint) => Ok(false),
        JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint)
            if is_free(constraint) =>
        {
            Ok(true)
        }
        _ => Err(Error::unsupported(
            "a generator behind LATERAL can be joined with CROSS JOIN, with JOIN, and with LEFT JOIN without a condition; filter in WHERE",
        )),
    }
}

/// Whether items of SELECT are generators.
pub(super) fn any(items: &[SelectItem]) -> bool {
    items.iter().any(|item| generator_of(item).is_some())
}

/// Takes the generators out of SELECT.
///
/// # Errors
/// `Invalid` for a generator that stands elsewhere, `Unsupported` beside an aggregation.
pub(super) fn take(
    select: &mut Select,
    order: &[&mut Expr],
    is_aggregate: &(dyn Fn(&str) -> bool + Sync),
) -> Result<Vec<Taken>> {
    let mut taken = Vec::new();
    for item in &mut select.projection {
        let Some((call, columns)) = generator_of(item) else { continue };
        let relation = format!("__millstream_generated_{}", taken.len());
        let name = ObjectName::from(vec![Ident::with_quote('`', &relation)]);
        let kind = SelectItemQualifiedWildcardKind::ObjectName(name);
        *item = SelectItem::QualifiedWildcard(kind, WildcardAdditionalOptions::default());
        refuse(&call.args, "inside of another")?;
        taken.push(Taken { call, relation, columns });
    }
    refuse(&select.projection, "inside of an expression")?;
    refuse(&select.selection, "in WHERE")?;
    refuse(&select.group_by, "in GROUP BY")?;
    refuse(&select.having, "in HAVING")?;
    for expr in order {
        refuse(&**expr, "in ORDER BY")?;
    }
    let groups = match &select.group_by {
        GroupByExpr::All(_) => true,
        GroupByExpr::Expressions(exprs, modifiers) => !exprs.is_empty() || !modifiers.is_empty(),
    };
    let is_aggregate = |expr: &Expr| match expr {
        Expr::Function(function) if function.over.is_none() => {
            plain_name(function).filter(|name| is_aggregate(name))
        }
        _ => None,
    };
    let in_select = find_in_block(&select.projection, is_aggregate).is_some();
    let in_calls = taken.iter().any(|t| find_in_block(&t.call.args, is_aggregate).is_some());
    if !taken.is_empty() && (groups || select.having.is_some() || in_select || in_calls) {
        return Err(Error::unsupported(
            "a generator beside an aggregation is not supported; aggregate in a subquery, and generate from its result or the other way round",
        ));
    }
    Ok(taken)
}

fn generator_of(item: &SelectItem) -> Option<(Function, Vec<String>)> {
    let (expr, columns) = match item {
        SelectItem::UnnamedExpr(expr) => (expr, Vec::new()),
        SelectItem::ExprWithAlias { expr, alias } => (expr, vec![alias.value.clone()]),
        SelectItem::ExprWithAliases { expr, aliases } => {
            (expr, aliases.iter().map(|alias| alias.value.clone()).collect())
        }
        SelectItem::QualifiedWildcard(..) | SelectItem::Wildcard(_) => return None,
    };
    match expr {
        Expr::Function(function) if is_generator(function) => Some((function.clone(), columns)),
        _ => None,
    }
}

/// Refuses a generator in what is given. Those of subqueries are theirs and were taken before.
fn refuse(node: &impl Visit, place: &str) -> Result<()> {
    let found = find_in_block(node, |expr| match expr {
        Expr::Function(function) if is_generator(function) => Some(function.to_string()),
        _ => None,
    });
    match found {
        None => Ok(()),
        Some(call) => Err(Error::invalid(format!(
            "the generator `{call}` cannot stand {place}; it is an item of SELECT, or stands in LATERAL VIEW, from where its columns can be used"
        ))),
    }
}

/// Lets the columns that are there already be named in full, so that those of the generators may
/// have the same names.
pub(super) fn make_room(select: &Select, scope: &mut Scope) -> Result<()> {
    if select.projection.iter().any(|item| matches!(item, SelectItem::Wildcard(_))) {
        return Err(Error::unsupported(
            "`*` beside a generator needs columns that are known; name them",
        ));
    }
    for column in scope.relations.iter_mut().flat_map(|relation| &mut relation.columns) {
        if column.using == Using::No {
            column.using = Using::Kept;
        }
    }
    Ok(())
}

/// Puts the generators over the relations of FROM.
pub(super) fn place(
    binder: &mut Binder<'_>,
    generators: Vec<Taken>,
    select: &mut Select,
    scope: &mut Scope,
) -> Result<()> {
    let mut added = Vec::new();
    for Taken { mut call, relation, columns } in generators {
        let names = Names { scope, aliases: Aliases::None };
        let known = binder.generator_columns(&mut call, &columns, &names)?;
        let hidden = known.into_iter().map(|c| Column { using: Using::Hidden, ..c }).collect();
        let shape = GeneratorShape { columns, ..GeneratorShape::default() };
        let qualifier = Ident::with_quote('`', &relation);
        generate(&mut select.from, call, qualifier, shape)?;
        added.push(Relation::new(vec![relation], hidden));
    }
    scope.relations.extend(added);
    Ok(())
}

impl Binder<'_> {
    /// Resolves the call of a generator among relations; gives them with its own.
    pub(super) fn generated(
        &mut self,
        call: &mut Expr,
        qualifier: &Ident,
        shape: &GeneratorShape,
        relations: Vec<Relation>,
    ) -> Result<Vec<Relation>> {
        let Expr::Function(call) = call else {
            return Err(Error::internal("a generator without a call"));
        };
        let scope = Scope { relations };
        let names = Names { scope: &scope, aliases: Aliases::None };
        let columns = self.generator_columns(call, &shape.columns, &names)?;
        let mut relations = if shape.alone { Vec::new() } else { scope.relations };
        relations.push(Relation::new(vec![qualifier.value.clone()], columns));
        Ok(relations)
    }

    /// Resolves the arguments of a generator; gives its columns, as far as they are known.
    fn generator_columns(
        &mut self,
        call: &mut Function,
        columns: &[String],
        names: &Names<'_>,
    ) -> Result<Vec<Column>> {
        let name = plain_name(call).unwrap_or_default();
        call.name = ObjectName::from(vec![Ident::new(&name)]);
        let FunctionArguments::List(list) = &mut call.args else { return Ok(Vec::new()) };
        let mut types = Vec::new();
        let rows = list.args.first().and_then(|rows| rows.to_string().parse().ok());
        for argument in &mut list.args {
            if let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = argument {
                self.expr(expr, names)?;
                types.push(self.type_of(expr, names).or_else(|| type_by_name(expr)));
            }
        }
        if !columns.is_empty() {
            return Ok(columns.iter().map(|name| Column::new(name, None)).collect());
        }
        let Some((generator, _)) = kind::find(&name) else { return Ok(Vec::new()) };
        let generator = match generator {
            Generator::Stack(_) => {
                types.drain(..types.len().min(1));
                Generator::Stack(rows.unwrap_or(0))
            }
            other => other,
        };
        let types: Vec<_> = types.into_iter().map(|t| t.unwrap_or(DataType::Null)).collect();
        let own = generator.columns(&types).unwrap_or_default();
        let column = |own: &FieldRef| {
            let known = Some(own.data_type().clone()).filter(|of| !of.is_null());
            Column::new(own.name(), known)
        };
        Ok(own.iter().map(column).collect())
    }
}

/// What a function gives whose name says it: an array or a map of something.
fn type_by_name(expr: &Expr) -> Option<DataType> {
    const MAPS: &[&str] = &[
        "map",
        "map_concat",
        "map_filter",
        "map_from_arrays",
        "map_from_entries",
        "map_zip_with",
        "str_to_map",
        "transform_keys",
        "transform_values",
    ];
    const UNKNOWN: &[&str] = &["from_json", "from_csv", "coalesce", "if", "nvl", "element_at"];
    let Expr::Function(function) = expr else { return None };
    let name = plain_name(function)?;
    if UNKNOWN.contains(&name.as_str()) {
        return None;
    }
    let data_type = if MAPS.contains(&name.as_str()) {
        let text = || Box::new(sqlparser::ast::DataType::String(None));
        types::arrow_type(&sqlparser::ast::DataType::Map(text(), text())).ok()?
    } else {
        DataType::new_list(DataType::Null, true)
    };
    Some(data_type)
}
