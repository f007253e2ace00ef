//! The one list of our scalar functions.

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;

use crate::sql::functions::batch_time::BatchTime;
use crate::sql::functions::datetime;
use crate::sql::functions::timestamps::TimestampFrom;
use crate::sql::functions::window_time::WindowTime;

/// Adds the functions here to a list; what is there under their names gives way.
pub(in crate::sql) fn add_to(functions: &mut Vec<Arc<ScalarUDF>>) {
    let ours: Vec<Arc<ScalarUDF>> = BatchTime::all()
        .into_iter()
        .map(|function| Arc::new(ScalarUDF::from(function)))
        .chain(TimestampFrom::all().into_iter().map(|function| Arc::new(ScalarUDF::from(function))))
        .chain([Arc::new(ScalarUDF::from(WindowTime::default()))])
        .chain(datetime::all().into_iter().map(Arc::new))
        .collect();
    let is_ours =
        |name: &str| ours.iter().any(|f| f.name() == name || f.aliases().iter().any(|a| a == name));
    functions.retain(|f| !is_ours(f.name()) && !f.aliases().iter().any(|alias| is_ours(alias)));
    functions.extend(ours);
}
