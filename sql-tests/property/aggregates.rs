//! Every aggregate there is, with groups and without: what one part of a stream has stored, another
//! has to read, in whatever way DataFusion runs the two.
//!
//! What comes out of divisions is rounded, and zeros are made one: the order of the rows decides
//! about the last digit.

use crate::property::run::Query;

/// The aggregates, but for those whose result depends on the order of the rows.
macro_rules! aggregates {
    () => {
        "round(corr(x, v), 6) + 0D AS a1, round(covar_pop(x, v), 6) + 0D AS a2, \
         round(covar_samp(x, v), 6) + 0D AS a3, round(regr_slope(x, v), 6) + 0D AS a4, \
         round(regr_intercept(x, v), 6) + 0D AS a5, \
         round(regr_r2(x, v), 6) + 0D AS a6, regr_count(x, v) AS a7, \
         round(regr_avgx(x, v), 6) + 0D AS a8, round(regr_avgy(x, v), 6) + 0D AS a9, \
         round(regr_sxx(x, v), 6) + 0D AS b1, round(regr_sxy(x, v), 6) + 0D AS b2, \
         round(regr_syy(x, v), 6) + 0D AS b3, round(stddev(x), 6) AS b4, \
         round(stddev_pop(x), 6) AS b5, round(variance(x), 6) AS b6, \
         round(var_pop(x), 6) AS b7, round(skewness(x), 4) + 0D AS b8, \
         round(kurtosis(x), 4) + 0D AS b9, median(v) AS c1, \
         percentile(x, array(0.25, 0.9)) AS c2, percentile_approx(v, 0.5) AS c3, \
         mode(v) AS c4, percentile_disc(0.5) WITHIN GROUP (ORDER BY v) AS c5, \
         approx_count_distinct(x) AS c6, approx_count_distinct(s) AS c7, \
         sort_array(collect_list(x)) AS d1, sort_array(collect_set(x)) AS d2, \
         sort_array(collect_set(array(x))) AS d3, \
         max_by(v, named_struct('v', v, 'x', x)) AS d4, \
         min_by(x, named_struct('x', x, 'v', v)) AS d5, \
         max(named_struct('v', v, 's', s)) AS d6, min(array(x, v)) AS d7, \
         max(array(named_struct('x', x))) AS d8, max(x) AS d9, min(x) AS e1, \
         bit_and(v) AS e2, bit_or(v) AS e3, bit_xor(v) AS e4, bool_and(v > 0) AS e5, \
         bool_or(v > 0) AS e6, count_if(v > 0) AS e7, try_sum(v) AS e8, \
         try_avg(v) AS e9, sum(CAST(v AS DECIMAL(9,2))) AS f1, \
         avg(CAST(v AS DECIMAL(9,2))) AS f2, avg(x) AS f3, sum(x) AS f4, \
         listagg(s, ',') WITHIN GROUP (ORDER BY s) AS f5, max(ts) AS f6, avg(ts) AS f7"
    };
}

pub(super) const GLOBAL: Query = Query {
    name: "all_aggregates",
    mode: "complete",
    text: concat!("SELECT ", aggregates!(), " FROM {t}"),
};

pub(super) const GROUPED: Query = Query {
    name: "all_aggregates_by_key",
    mode: "complete",
    text: concat!("SELECT k, ", aggregates!(), " FROM {t} GROUP BY k"),
};
