//! A cast under a name of its own, for plans in which it stands beside what it casts.

use std::sync::Arc;

use arrow::datatypes::DataType::Utf8;
use datafusion::logical_expr::ScalarUDF;

use crate::sql::functions::define::{Call, Function, Given};

/// Gives its first argument; the second tells it from other casts.
pub(in crate::sql) const CAST_AS: &str = "cast_as";

/// The function here.
pub(super) fn function() -> Arc<ScalarUDF> {
    let types = |given: &Given<'_>| {
        given.count(2..=2)?;
        let value = given.types[0].clone();
        Ok(Call { takes: vec![value.clone(), Utf8], gives: value })
    };
    Function::new(CAST_AS, types, |args| Ok(Arc::clone(args.array(0)?))).udf()
}
