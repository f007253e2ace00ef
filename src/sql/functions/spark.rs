//! What is taken from `datafusion-spark`: the functions that were checked against Spark's answers.

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;
use datafusion_spark::function::{bitmap, bitwise, hash, map, math, string, url};

/// The functions, under Spark's names.
pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    let mut all = vec![
        bitwise::bit_get(),
        bitwise::bit_count(),
        bitwise::bitwise_not(),
        bitwise::shiftleft(),
        bitwise::shiftright(),
        bitwise::shiftrightunsigned(),
        hash::crc32(),
        hash::sha1(),
        hash::sha2(),
        hash::xxhash64(),
        map::str_to_map(),
        math::bin(),
        math::csc(),
        math::sec(),
        math::factorial(),
        math::hex(),
        math::unhex(),
        string::ascii(),
        string::base64(),
        string::char(),
        string::concat_ws(),
        string::elt(),
        string::length(),
        string::luhn_check(),
        string::format_string(),
        string::soundex(),
        string::make_valid_utf8(),
        string::is_valid_utf8(),
        string::quote(),
    ];
    all.extend(bitmap::functions());
    all.extend(url::functions());
    all
}
