//! Walks the blocks of a query and resolves what their names stand for.

use sqlparser::ast::{
    Cte, Expr, GroupByExpr, Ident, OrderBy, OrderByExpr, OrderByKind, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, SetOperator, Value, WildcardAdditionalOptions,
};

use crate::column_names::{shown, twin};
use crate::error::Result;
use crate::sql::ast::bind_expr::{Aliases, Names};
use crate::sql::ast::earlier::{self, Earlier};
use crate::sql::ast::scope::{Column, Scope, Using, same};
use crate::sql::ast::{casts, generators, grouping, named_windows, names, refuse, values};
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
    rules: Rules,
) -> Result<()> {
    let mut binder = Binder {
        tables,
        is_aggregate,
        is_ansi: rules.is_ansi,
        group_by_aliases: rules.group_by_aliases,
        ctes: Vec::new(),
        outer: Vec::new(),
        grouping: Vec::new(),
    };
    binder.query(query).map(|_columns| ())
}

/// The settings of a session that decide what a query means.
#[derive(Debug, Clone, Copy)]
pub(in crate::sql) struct Rules {
    /// Whether what does not fit is an error, and not NULL.
    pub(in crate::sql) is_ansi: bool,
    /// Whether GROUP BY may name an alias of SELECT.
    pub(in crate::sql) group_by_aliases: bool,
}

/// A common table expression by name.
pub(super) type KnownCte = (String, Vec<Column>);

/// What is known at the block that is being read.
pub(super) struct Binder<'a> {
    pub(super) tables: &'a Tables,
    pub(super) is_aggregate: &'a (dyn Fn(&str) -> bool + Sync),
    /// Whether what does not fit is an error, and not NULL.
    pub(super) is_ansi: bool,
    /// Whether GROUP BY may name an alias of SELECT.
    pub(super) group_by_aliases: bool,
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
            let names = &mut cte.alias.columns.clone();
            let columns = renamed(columns, names.iter_mut().map(|column| &mut column.name));
            self.ctes.push((name.clone(), columns));
        }
        let columns = self.query(&mut cte.query)?;
        let names = cte.alias.columns.iter_mut().map(|column| &mut column.name);
        let columns = renamed(columns, names);
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
        named_windows::write_out(select, &mut order)?;
        let windows = windows::collect(select, &order)?;
        let writes_out = !windows.is_empty()
            || generators::any(&select.projection)
            || grouping::any_position(&select.group_by);
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
        if !self.group_by_aliases {
            grouping::refuse_aliases(select, &scope)?;
        }
        grouping::write_keys(select, &scope, self.is_aggregate)?;
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
        let keys = grouping::keys(select, &scope);
        if let Some(expr) = &mut select.having {
            self.expr(expr, &Names { scope: &scope, aliases: Aliases::Having(&named, &keys) })?;
            earlier::fill(expr, &named)?;
        }
        if let Some(expr) = &mut select.qualify {
            self.expr(expr, &after)?;
        }
        self.grouping = around;
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
        let mut keys = grouping::keys_of_sets(&select.group_by);
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
        // Columns that are not written out keep their names.
        let mut taken = wildcards::names(items, scope);
        for item in items {
            let plain = Names { scope, aliases: Aliases::Before(&before) };
            wildcards::write_arguments(item, scope);
            match item {
                SelectItem::UnnamedExpr(expr) => {
                    let named = names::of(expr, &plain, self)?;
                    self.expr(expr, &plain)?;
                    earlier::fill(expr, &before)?;
                    let written = own_name(&named, &mut taken);
                    columns.push(Column::planned(&written, self.type_of(expr, &plain)));
                    if self.own_name(expr, &plain)?.as_ref() != Some(&written) {
                        let alias = Ident::with_quote('`', written);
                        *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias };
                    }
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    self.expr(expr, &plain)?;
                    earlier::fill(expr, &before)?;
                    let written = own_name(&alias.value, &mut taken);
                    columns.push(Column::planned(&written, self.type_of(expr, &plain)));
                    before.push(Earlier { name: alias.value.clone(), expr: expr.clone() });
                    if written != alias.value {
                        *alias = Ident::with_quote('`', written);
                    }
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
                            *name =
                                relation.written.iter().map(Ident::new).collect::<Vec<_>>().into();
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

/// Columns under the names of a column list, as far as it goes. A name that comes again there is
/// told apart.
pub(super) fn renamed<'a>(
    mut columns: Vec<Column>,
    names: impl Iterator<Item = &'a mut Ident>,
) -> Vec<Column> {
    let mut taken = Vec::new();
    for (i, name) in names.enumerate() {
        let written = own_name(&name.value, &mut taken);
        if written != name.value {
            *name = Ident::with_quote('`', &written);
        }
        let data_type = columns.get_mut(i).and_then(|column| column.data_type.take());
        let column = Column::planned(&written, data_type);
        match columns.get_mut(i) {
            Some(known) => *known = column,
            None => columns.push(column),
        }
    }
    columns
}

/// A name for a column in the plan that none of `taken` is, nor looks like to the user.
fn own_name(name: &str, taken: &mut Vec<String>) -> String {
    let before = taken.iter().filter(|known| shown(known) == name).count();
    let mut names = (before..).map(|before| twin(name, before));
    let free = names.find(|new| !taken.contains(new)).unwrap_or_default();
    taken.push(free.clone());
    free
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
