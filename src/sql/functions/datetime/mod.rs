//! Spark's functions of dates, times, zones and intervals.
//!
//! A timestamp is a point in time, and the functions that ask for its hour or its day ask a clock
//! on a wall in the time zone of the session, which is a setting of DataFusion's that they read
//! when they run. Each function is a row of a table: what it takes, what it gives, and a function
//! over arrays (`function.rs`).

pub(in crate::sql) mod cast;
pub(in crate::sql) mod intervals;
pub(in crate::sql) mod operators;
pub(in crate::sql) mod units;

mod cast_number;
mod date_part;
mod epoch;
mod fields;
pub(super) mod function;
mod interval_text;
mod make;
mod months;
pub(super) mod shift;
mod text;
mod truncate;
mod zones;

use datafusion::logical_expr::ScalarUDF;

/// All of the functions.
pub(in crate::sql) fn all() -> Vec<ScalarUDF> {
    let tables = [
        epoch::functions(),
        fields::functions(),
        intervals::functions(),
        make::functions(),
        months::functions(),
        shift::functions(),
        text::functions(),
        truncate::functions(),
        zones::functions(),
    ];
    let all = tables.into_iter().flatten().map(ScalarUDF::from);
    let all = all.chain([ScalarUDF::from(date_part::DatePart::default())]);
    all.chain(units::functions()).collect()
}
