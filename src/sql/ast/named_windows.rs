//! Puts the windows that a block defines behind its SELECT, `WINDOW w AS (..)`, in place of their
//! names: `sum(v) OVER w` and `sum(v) OVER (w)`.
//!
//! As in Spark, a window is taken as it is: nothing can be added to it where it is used, a window
//! may stand for another one but not for one that stands for a third, and its name is that of this
//! block only, in the spelling that it was given. What asks for a place among rows needs an order.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Function, Ident, NamedWindowDefinition, NamedWindowExpr, Query, Select, VisitMut,
    VisitorMut, WindowSpec, WindowType,
};

use crate::error::{Error, Result};
use crate::sql::ast::spelling::plain_name;

/// Writes out the windows of a block and takes their definitions away.
///
/// # Errors
/// `Invalid` for a name that no window has, or two have; `Unsupported` for a window that refines
/// another one.
pub(super) fn write_out(select: &mut Select, order: &mut [&mut Expr]) -> Result<()> {
    let known = definitions(std::mem::take(&mut select.named_window))?;
    let mut writer = Writer { known: &known, depth: 0 };
    let mut flow = VisitMut::visit(&mut select.projection, &mut writer);
    for expr in [&mut select.having, &mut select.qualify].into_iter().flatten() {
        if flow.is_continue() {
            flow = VisitMut::visit(expr, &mut writer);
        }
    }
    for expr in order {
        if flow.is_continue() {
            flow = VisitMut::visit(&mut **expr, &mut writer);
        }
    }
    match flow {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

type Known = Vec<(String, WindowSpec)>;

/// The windows by name, those that stand for another one with what that is.
fn definitions(defined: Vec<NamedWindowDefinition>) -> Result<Known> {
    let mut own = Known::new();
    let mut others: Vec<(String, Ident)> = Vec::new();
    for NamedWindowDefinition(name, window) in defined {
        let name = name.value;
        if own.iter().any(|(known, _)| *known == name) || others.iter().any(|(o, _)| *o == name) {
            return Err(Error::invalid(format!(
                "WINDOW defines `{name}` twice; give one of the two another name"
            )));
        }
        match window {
            NamedWindowExpr::NamedWindow(other) => others.push((name, other)),
            NamedWindowExpr::WindowSpec(spec) => match only_name(&spec)? {
                Some(other) => others.push((name, other)),
                None => own.push((name, spec)),
            },
        }
    }
    let mut known = own.clone();
    for (name, other) in &others {
        if others.iter().any(|(also, _)| *also == other.value) {
            return Err(Error::unsupported(format!(
                "the window `{name}` stands for `{other}`, which stands for another one; name that one"
            )));
        }
        known.push((name.clone(), find(other, &own)?.clone()));
    }
    Ok(known)
}

/// The name of a window that is nothing else.
fn only_name(spec: &WindowSpec) -> Result<Option<Ident>> {
    let Some(name) = &spec.window_name else { return Ok(None) };
    let is_alone =
        spec.partition_by.is_empty() && spec.order_by.is_empty() && spec.window_frame.is_none();
    if is_alone {
        return Ok(Some(name.clone()));
    }
    Err(Error::unsupported(format!(
        "the window `{name}` is taken as WINDOW defines it, nothing can stand behind its name; write the whole window, or define another one"
    )))
}

fn find<'a>(name: &Ident, known: &'a [(String, WindowSpec)]) -> Result<&'a WindowSpec> {
    if let Some((_, spec)) = known.iter().find(|(window, _)| *window == name.value) {
        return Ok(spec);
    }
    let names: Vec<_> = known.iter().map(|(window, _)| format!("`{window}`")).collect();
    Err(Error::invalid(match names.as_slice() {
        [] => format!(
            "there is no window `{}`; define it behind FROM: WINDOW {} AS (..)",
            name.value, name.value
        ),
        names => {
            format!("there is no window `{}`; WINDOW defines {}", name.value, names.join(", "))
        }
    }))
}

struct Writer<'a> {
    known: &'a [(String, WindowSpec)],
    depth: usize,
}

impl Writer<'_> {
    fn write(&self, window: &mut WindowType) -> Result<()> {
        let name = match window {
            WindowType::NamedWindow(name) => Some(name.clone()),
            WindowType::WindowSpec(spec) => only_name(spec)?,
        };
        if let Some(name) = name {
            *window = WindowType::WindowSpec(find(&name, self.known)?.clone());
        }
        Ok(())
    }

    fn function(&self, function: &mut Function) -> Result<()> {
        let name = plain_name(function);
        let Some(window) = &mut function.over else { return Ok(()) };
        self.write(window)?;
        match (window, name) {
            (WindowType::WindowSpec(spec), Some(name))
                if spec.order_by.is_empty() && ORDERED.contains(&name.as_str()) =>
            {
                Err(Error::invalid(format!(
                    "`{name}` asks for a place among rows, which its window has to order; write {name}(..) OVER (ORDER BY ..)"
                )))
            }
            _ => Ok(()),
        }
    }
}

/// Functions whose result depends on nothing without an order.
const ORDERED: &[&str] = &[
    "cume_dist",
    "dense_rank",
    "lag",
    "lead",
    "nth_value",
    "ntile",
    "percent_rank",
    "rank",
    "row_number",
];

impl VisitorMut for Writer<'_> {
    type Break = Error;

    fn pre_visit_query(&mut self, _query: &mut Query) -> ControlFlow<Error> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &mut Query) -> ControlFlow<Error> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        if let Expr::Function(function) = expr
            && self.depth == 0
            && let Err(error) = self.function(function)
        {
            return ControlFlow::Break(error);
        }
        ControlFlow::Continue(())
    }
}
