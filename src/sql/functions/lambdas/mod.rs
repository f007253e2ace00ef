//! Functions that take lambdas: `transform(array, x -> x + 1)`.
//!
//! A lambda is run over the elements of all rows at once, with what it captures from outside spread
//! over them; nothing here runs it for one element.

mod arrays;
mod define;
mod fold;
mod maps;
mod sort;

use std::sync::Arc;

use datafusion::logical_expr::HigherOrderUDF;

/// What the AST pass calls `array_sort` with a lambda; the one without is a plain function.
pub(in crate::sql) const ARRAY_SORT_BY: &str = "array_sort_by";

/// Adds the functions here to a list; what is there under their names gives way.
pub(in crate::sql) fn add_to(functions: &mut Vec<Arc<HigherOrderUDF>>) {
    let ours = [arrays::functions(), fold::functions(), maps::functions(), sort::functions()]
        .concat()
        .into_iter()
        .map(|definition| Arc::new(HigherOrderUDF::new_from_impl(definition)));
    let ours: Vec<_> = ours.collect();
    let is_ours = |name: &str| ours.iter().any(|function| function.name() == name);
    functions.retain(|known| !is_ours(known.name()));
    functions.extend(ours);
}
