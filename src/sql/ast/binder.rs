//! Walks the blocks of a query and resolves what their names stand for.

use sqlparser::ast::{
    Cte, Expr, GroupByExpr, Ident, OrderBy, OrderByExpr, OrderByKind, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, SetOperator, Value, WildcardAdditionalOptions,
};

use crate::error::Result;
use crate::sql::ast::bind_expr::{Aliases, Names};
use crate::sql::ast::earlier::{self, Earlier};
use crate::sql::ast::scope::{Column, Scope, Using, same};
use crate::sql::ast::{casts, generators, grouping, names, refuse, values};
use crate::sql::ast::{wildcards, windows};
use crate::sql::tables::{Tables, parts_of};

/// Resolves all names of `query`, in place.
///
/// # Errors
/// `Invalid` for ambiguous names and windows that make no sense, `NotFound` for tables that are
/// not there, `Unsupported` for what Spark has and this engine does not.
pub(in crate::sql) fn bind(
    query: &mut Query,
    tables: &Tables,
    is_aggregate: &(dyn Fn(&str) -> bool + Sync),
    is_ansi: bool,
) -> Result<()> {
    let mut binder = Binder {
        tables,
        is_aggregate,
        is_ansi,
        ctes: Vec::new(),
        outer: Vec::new(),
        grouping: Vec::new(),
    };
    binder.query(query).map(|_columns| ())
}

/// A common table expression by name.
pub(super) type KnownCte = (String, Vec<Column>);

/// What is known at the block that is being read.
pub(super) struct Binder<'a> {
    pub(super) tables: &'a Tables,
    pub(super) is_aggregate: &'a (dyn Fn(&str) -> bool + Sync),
    /// Whether what does not fit is an error, and not NULL.
    pub(super) is_ansi: bool,
    pub(super) ctes: Vec<KnownCte>,
    /// The scopes of the blocks around, the innermost last.
    pub(super) outer: Vec<Scope>,
    /// The keys of ROLLUP, CUBE or GROUPING SETS in the block that is being read.
    pub(super) grouping: Vec<Expr>,
}

impl Binder<'_> {
    /// Resolves one query; gives its columns.
    pub(super) fn query(&mut self, query: &mut Query) -> Result<Vec<Column>> {
        refuse::query(query)?;
        let known = self.ctes.len();
        if let Some(with) = &mut query.with {
            for cte in &mut with.cte_tables {
                self.cte(cte, with.recursive)?;
            }
        }
        let columns = self.body(&mut query.body, query.order_by.as_mut())?;
        if let Some(order_by) = &mut query.order_by {
            order_by_all(order_by, columns.len());
        }
        self.ctes.truncate(known);
        Ok(columns)
    }

    fn cte(&mut self, cte: &mut Cte, recursive: bool) -> Result<()> {
        let name = cte.alias.name.value.clone();
        if recursive {
            let columns = self.first_columns(&cte.query)?;
            let columns = renamed(columns, cte.alias.columns.iter().map(|column| &column.name));
            self.ctes.push((name.clone(), columns));
        }
        let columns = self.query(&mut cte.query)?;
        let columns = renamed(columns, cte.alias.columns.iter().map(|column| &column.name));
        if recursive {
            self.ctes.pop();
        }
        self.ctes.push((name, columns));
        Ok(())
    }

    /// The columns of a recursive expression, which its first branch settles.
    fn first_columns(&mut self, query: &Query) -> Result<Vec<Column>> {
        match &*query.body {
            SetExpr::SetOperation { left, .. } => self.body(&mut left.clone(), None),
            _ => Ok(Vec::new()),
        }
    }

    fn body(&mut self, body: &mut SetExpr, order_by: Option<&mut OrderBy>) -> Result<Vec<Column>> {
        let columns = match body {
            SetExpr::Select(select) => return self.select(select, order_by),
            SetExpr::Query(query) => self.query(query)?,
            SetExpr::SetOperation { op, left, right, .. } => {
                if *op == SetOperator::Minus {
                    *op = SetOperator::Except;
                }
                let columns = self.body(left, None)?;
                self.body(right, None)?;
                columns
            }
            SetExpr::Values(values) => {
                let nothing = Scope::default();
                let names = Names { scope: &nothing, aliases: Aliases::None };
                for expr in values.rows.iter_mut().flat_map(|row| row.content.iter_mut()) {
                    self.expr(expr, &names)?;
                }
                let width = values.rows.first().map_or(0, |row| row.content.len());
                *body = values::selected(values.clone(), width)?;
                (1..=width).map(|number| Column::new(values::column(number), None)).collect()
            }
            SetExpr::Insert(_)
            | SetExpr::Update(_)
            | SetExpr::Delete(_)
            | SetExpr::Merge(_)
            | SetExpr::Table(_) => Vec::new(),
        };
        // ORDER BY over a set operation sees its columns and nothing else.
        let scope = Scope::default();
        let names = Names { scope: &scope, aliases: Aliases::First(&columns) };
        for expr in order_exprs(order_by) {
            self.expr_or_position(expr, &names)?;
        }
        Ok(columns)
    }

    fn select(
        &mut self,
        select: &mut Select,
        order_by: Option<&mut OrderBy>,
    ) -> Result<Vec<Column>> {
        grouping::respell(&mut select.group_by);
        refuse::select(select)?;
        generators::lift(select)?;
        let mut scope = self.from(&mut select.from)?;
        let mut order: Vec<&mut Expr> = order_exprs(order_by);
        let windows = windows::collect(select, &order)?;
        let writes_out = !windows.is_empty() || generators::any(&select.projection);
        wildcards::write_fields(&mut select.projection, &scope)?;
        wildcards::expand(&mut select.projection, &scope, writes_out);
        let generators = generators::take(select, &order, self.is_aggregate)?;
        if !generators.is_empty() {
            generators::make_room(select, &mut scope)?;
        }
        if !windows.is_empty() {
            windows::hide_input_windows(&mut scope);
        }
        // WHERE is read before rows are put into windows, and does not see the new column.
        if let Some(expr) = &mut select.selection {
            windows::refuse(expr, "WHERE")?;
            self.expr(expr, &Names { scope: &scope, aliases: Aliases::None })?;
        }
        windows::place(self, &windows, select, &mut order, &mut scope)?;
        generators::place(self, generators, select, &mut scope)?;
        let plain = Names { scope: &scope, aliases: Aliases::None };
        let around = self.grouping_keys(select, &plain)?;
        let (columns, named) = self.projection(&mut select.projection, &scope)?;
        let after = Names { scope: &scope, aliases: Aliases::Last(&columns) };
        if let GroupByExpr::Expressions(exprs, _) = &mut select.group_by {
            for expr in exprs {
                self.expr_or_position(expr, &after)?;
            }
        }
        if let Some(expr) = &mut select.having {
            self.expr(expr, &Names { scope: &scope, aliases: Aliases::Having(&named) })?;
            earlier::fill(expr, &named)?;
        }
        if let Some(expr) = &mut select.qualify {
            self.expr(expr, &after)?;
        }
        self.grouping = around;
        for definition in &mut select.named_window {
            self.named_window(definition, &plain)?;
        }
        for expr in select.cluster_by.iter_mut().chain(&mut select.distribute_by) {
            self.expr(expr, &plain)?;
        }
        let before = Names { scope: &scope, aliases: Aliases::First(&columns) };
        for order in &mut select.sort_by {
            self.expr_or_position(&mut order.expr, &before)?;
        }
        for expr in &mut order {
            self.expr_or_position(expr, &before)?;
        }
        casts::tell_apart(select, &mut order, self.is_aggregate);
        Ok(columns)
    }

    /// Notes what `grouping_id()` is about in this block; gives what it was about around it.
    fn grouping_keys(&mut self, select: &Select, names: &Names<'_>) -> Result<Vec<Expr>> {
        let mut keys: Vec<Expr> = Vec::new();
        if let GroupByExpr::Expressions(exprs, _) = &select.group_by {
            for expr in exprs {
                if let Expr::Rollup(sets) | Expr::Cube(sets) | Expr::GroupingSets(sets) = expr {
                    let new = sets.iter().flatten().cloned();
                    for key in new {
                        if !keys.contains(&key) {
                            keys.push(key);
                        }
                    }
                }
            }
        }
        for key in &mut keys {
            self.expr(key, names)?;
        }
        Ok(std::mem::replace(&mut self.grouping, keys))
    }

    /// Resolves the columns of SELECT; gives all of them, and those that were given names.
    fn projection(
        &mut self,
        items: &mut [SelectItem],
        scope: &Scope,
    ) -> Result<(Vec<Column>, Vec<Earlier>)> {
        let mut columns = Vec::with_capacity(items.len());
        let mut before: Vec<Earlier> = Vec::new();
        let taken = taken_names(items, scope);
        for item in items {
            let plain = Names { scope, aliases: Aliases::Before(&before) };
            wildcards::write_arguments(item, scope);
            match item {
                SelectItem::UnnamedExpr(expr) => {
                    let mut named = names::of(expr, &plain, self)?;
                    let is_taken = taken.iter().filter(|name| same(name, &named)).count() > 1;
                    if is_taken && casts::is_cast(expr) {
                        named = names::in_full(expr, &plain, self)?;
                    }
                    self.expr(expr, &plain)?;
                    earlier::fill(expr, &before)?;
                    columns.push(Column::new(&named, self.type_of(expr, &plain)));
                    if self.own_name(expr, &plain)?.as_ref() != Some(&named) {
                        let alias = Ident::with_quote('`', named);
                        *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias };
                    }
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    self.expr(expr, &plain)?;
                    earlier::fill(expr, &before)?;
                    columns.push(Column::new(&alias.value, self.type_of(expr, &plain)));
                    before.push(Earlier { name: alias.value.clone(), expr: expr.clone() });
                }
                SelectItem::ExprWithAliases { expr, aliases } => {
                    self.expr(expr, &plain)?;
                    columns.extend(aliases.iter().map(|alias| Column::new(&alias.value, None)));
                }
                SelectItem::QualifiedWildcard(kind, options) => {
                    if let SelectItemQualifiedWildcardKind::ObjectName(name) = kind {
                        let qualifier = parts_of(name);
                        let of = scope.relations.iter().find(|r| r.answers_to(&qualifier));
                        if let Some(relation) = of {
                            *name = relation
                                .qualifier
                                .iter()
                                .map(Ident::new)
                                .collect::<Vec<_>>()
                                .into();
                            let all = relation.columns.iter();
                            let all = all.map(|c| Column { using: Using::No, ..c.clone() });
                            columns.extend(without(all.collect(), options));
                        }
                    }
                }
                SelectItem::Wildcard(options) => {
                    let all = scope.all_columns().into_iter();
                    columns
                        .extend(without(all.map(|(_, column)| column.clone()).collect(), options));
                }
            }
        }
        Ok((columns, before))
    }
}

/// The names of the columns of SELECT that are no more than columns, casts of them, or have aliases.
fn taken_names(items: &[SelectItem], scope: &Scope) -> Vec<String> {
    let mut taken = Vec::new();
    for item in items {
        match item {
            SelectItem::ExprWithAlias { alias, .. } => taken.push(alias.value.clone()),
            SelectItem::UnnamedExpr(expr) => taken.extend(last_part(expr)),
            SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(_, _) => {
                let columns = scope.relations.iter().flat_map(|relation| &relation.columns);
                taken.extend(columns.map(|column| column.name.clone()));
            }
            SelectItem::ExprWithAliases { .. } => (),
        }
    }
    taken
}

/// The name of a column, or of the one that is cast.
fn last_part(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(name) => Some(name.value.clone()),
        Expr::CompoundIdentifier(parts) => parts.last().map(|part| part.value.clone()),
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => last_part(inner),
        _ => None,
    }
}

/// `ORDER BY ALL` is an order by every column.
fn order_by_all(order_by: &mut OrderBy, columns: usize) {
    let OrderByKind::All(options) = &order_by.kind else { return };
    let position = |at: usize| OrderByExpr {
        expr: Expr::value(Value::Number(at.to_string(), false)),
        options: *options,
        with_fill: None,
    };
    order_by.kind = OrderByKind::Expressions((1..=columns).map(position).collect());
}

/// The expressions that a query is ordered by.
fn order_exprs(order_by: Option<&mut OrderBy>) -> Vec<&mut Expr> {
    match order_by.map(|order_by| &mut order_by.kind) {
        Some(OrderByKind::Expressions(exprs)) => {
            exprs.iter_mut().map(|order| &mut order.expr).collect()
        }
        Some(OrderByKind::All(_)) | None => Vec::new(),
    }
}

/// Columns under the names of a column list, as far as it goes.
pub(super) fn renamed<'a>(
    mut columns: Vec<Column>,
    names: impl Iterator<Item = &'a Ident>,
) -> Vec<Column> {
    for (i, name) in names.enumerate() {
        match columns.get_mut(i) {
            Some(column) => *column = Column::new(&name.value, column.data_type.take()),
            None => columns.push(Column::new(&name.value, None)),
        }
    }
    columns
}

/// Takes the columns of EXCEPT out, and gives their names there the true spelling.
fn without(columns: Vec<Column>, options: &mut WildcardAdditionalOptions) -> Vec<Column> {
    let Some(except) = &mut options.opt_except else { return columns };
    let mut named: Vec<&mut Ident> =
        std::iter::once(&mut except.first_element).chain(&mut except.additional_elements).collect();
    columns
        .into_iter()
        .filter(|column| match named.iter_mut().find(|name| same(&name.value, &column.name)) {
            Some(name) => {
                name.value.clone_from(&column.written);
                false
            }
            None => true,
        })
        .collect()
}
