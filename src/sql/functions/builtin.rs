//! The one list of our scalar functions.

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;

use crate::sql::functions::arithmetic::operators as arithmetic;
use crate::sql::functions::batch_time::BatchTime;
use crate::sql::functions::collections::{concat, elements, maps, sequence, sets, structs};
use crate::sql::functions::strings::{
    binaries, likes, number_format, number_pattern, patterns, places, shapes,
};
use crate::sql::functions::timestamps::TimestampFrom;
use crate::sql::functions::window_time::WindowTime;
use crate::sql::functions::{
    buckets, cast_as, choices, conditional, csv, datetime, hashes, json, math, spark,
};

/// Adds the functions here to a list; what is there under their names gives way.
pub(in crate::sql) fn add_to(functions: &mut Vec<Arc<ScalarUDF>>) {
    let ours: Vec<Arc<ScalarUDF>> = BatchTime::all()
        .into_iter()
        .map(|function| Arc::new(ScalarUDF::from(function)))
        .chain(TimestampFrom::all().into_iter().map(|function| Arc::new(ScalarUDF::from(function))))
        .chain([Arc::new(ScalarUDF::from(WindowTime::default()))])
        .chain(arithmetic::functions())
        .chain(choices::functions())
        .chain(conditional::functions())
        .chain(hashes::functions())
        .chain(concat::functions())
        .chain(elements::functions())
        .chain(maps::functions())
        .chain(sequence::functions())
        .chain(sets::functions())
        .chain(structs::functions())
        .chain(binaries::functions())
        .chain(likes::functions())
        .chain(number_format::functions())
        .chain(number_pattern::functions())
        .chain(patterns::functions())
        .chain(places::functions())
        .chain(shapes::functions())
        .chain(spark::functions())
        .chain([cast_as::function(), buckets::function()])
        .chain(csv::functions())
        .chain(json::functions())
        .chain(math::functions())
        .chain(datetime::all().into_iter().map(Arc::new))
        .collect();
    for function in ours {
        replace(functions, function);
    }
}

/// Adds a function. What had its name before goes; an alias of another is overwritten, as DataFusion
/// looks names up in the order of the list.
fn replace(functions: &mut Vec<Arc<ScalarUDF>>, new: Arc<ScalarUDF>) {
    functions.retain(|known| {
        known.name() != new.name() && !new.aliases().iter().any(|alias| alias == known.name())
    });
    functions.push(new);
}
