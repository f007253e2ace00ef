TABLE t (k STRING, v INT, x DOUBLE, b BOOLEAN, s STRING, ts TIMESTAMP) [["'a'","1","1.5","true","'x'","TIMESTAMP'2020-01-01 00:00:00'"],["'a'","2","2.5","false","'y'","TIMESTAMP'2020-01-02 00:00:00'"],["'a'","NULL","NULL","NULL","NULL","NULL"],["'b'","3","'NaN'","true","'z'","TIMESTAMP'2020-01-03 00:00:00'"],["'b'","3","-1","true","'z'","TIMESTAMP'2020-01-03 00:00:00'"],["NULL","4","0","false","'w'","TIMESTAMP'2020-01-04 00:00:00'"],["'c'","NULL","NULL","NULL","NULL","NULL"]]
SELECT k, count(*), count(v), sum(v), avg(v), min(v), max(v) FROM t GROUP BY k
SELECT k, sum(x), avg(x), min(x), max(x) FROM t GROUP BY k
SELECT count(*), count(v), sum(v), avg(v), min(s), max(s), min(ts), max(ts) FROM t
SELECT count(*), sum(v), avg(v), min(v), collect_list(v) FROM t WHERE false
SELECT k, max_by(s, v), min_by(s, v) FROM t GROUP BY k
SELECT k, sort_array(collect_list(v)), sort_array(collect_set(v)) FROM t GROUP BY k
SELECT k, approx_count_distinct(v) FROM t GROUP BY k
SELECT count(DISTINCT v), sum(DISTINCT v), avg(DISTINCT v) FROM t
SELECT count(DISTINCT k, v) FROM t
SELECT k, bool_and(b), bool_or(b), every(b), some(b), any(b) FROM t GROUP BY k
SELECT k, bit_and(v), bit_or(v), bit_xor(v) FROM t GROUP BY k
SELECT k, stddev(v), stddev_pop(v), variance(v), var_pop(v), std(v), stddev_samp(v), var_samp(v) FROM t GROUP BY k
SELECT skewness(v), kurtosis(v), corr(v, v), covar_samp(v, v), covar_pop(v, v) FROM t
SELECT k, skewness(v), kurtosis(v) FROM t GROUP BY k
SELECT percentile(v, 0.5), percentile(v, array(0.25, 0.75)), median(v), percentile_approx(v, 0.5), approx_percentile(v, array(0.25, 0.75)), mode(v) FROM t
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY v), percentile_disc(0.5) WITHIN GROUP (ORDER BY v) FROM t
SELECT count_if(v > 1), count_if(b), sum(v) FILTER (WHERE b), count(*) FILTER (WHERE v > 2) FROM t
SELECT regr_count(v, x), regr_slope(v, v), regr_intercept(v, v), regr_r2(v, v), regr_avgx(v, v), regr_avgy(v, v), regr_sxx(v, v), regr_syy(v, v), regr_sxy(v, v) FROM t
SELECT first(k), last(k), any_value(k), first(v, true), last(v, true) FROM t WHERE k = 'a'
SELECT try_sum(v), try_avg(v), mean(v), sum(v) / count(v) FROM t
SELECT listagg(s, ',') WITHIN GROUP (ORDER BY s), string_agg(s, '-') WITHIN GROUP (ORDER BY s) FROM t
SELECT k, sum(v) AS t FROM t GROUP BY k HAVING sum(v) > 2
SELECT k, v, sum(x) FROM t GROUP BY ROLLUP (k, v)
SELECT k, b, count(*), grouping(k), grouping_id(), grouping_id(k, b) FROM t GROUP BY CUBE (k, b)
SELECT k, b, count(*) FROM t GROUP BY GROUPING SETS ((k), (b), ())
SELECT k, sum(v) FROM t GROUP BY ALL
SELECT x, count(*) FROM t GROUP BY x
SELECT sum(9223372036854775807L) FROM t
SELECT array_agg(v), array_agg(k) FROM t WHERE v > 2 AND k = 'b'
SELECT product(v) FROM t
SELECT sum(v) + 1, max(v) * 2, upper(max(s)) FROM t
SELECT k, max(struct(v, s)) FROM t GROUP BY k
SELECT min(array(v, 1)) FROM t
SELECT histogram_numeric(v, 2) FROM t
SELECT k, hash(k), avg(v) OVER (PARTITION BY k) FROM t
SELECT max(named_struct('v', v, 's', s)) AS a, min(named_struct('v', v, 's', s)) AS b, max(array(v, 1)) AS c, min(array(array(v))) AS d FROM t
SELECT k, max(named_struct('ts', ts, 'v', v)) AS latest, max(array(named_struct('v', v))) AS items FROM t GROUP BY k
SELECT max_by(s, named_struct('v', v)) AS a, min_by(s, array(v)) AS b, min_by(ts, named_struct('x', x, 'v', v)) AS c FROM t
SELECT sort_array(collect_list(DISTINCT k)) AS a, sort_array(collect_list(DISTINCT b)) AS b, sort_array(array_agg(DISTINCT v)) AS c, count(*) AS n FROM t
SELECT skewness(DISTINCT v) AS a, kurtosis(DISTINCT v) AS b, stddev(DISTINCT v) AS c, var_pop(DISTINCT v) AS d, avg(DISTINCT v) AS e, count(*) AS n FROM t
SELECT corr(DISTINCT v, length(s)) AS a, covar_pop(DISTINCT v, length(s)) AS b, regr_sxy(DISTINCT v, v) AS c, count(*) AS n FROM t
SELECT k, median(DISTINCT v) AS a, bit_xor(DISTINCT v) AS b, max_by(DISTINCT s, v) AS c, try_sum(DISTINCT v) AS d, count(v) AS n FROM t GROUP BY k
SELECT corr(x, v) AS a, regr_r2(x, v) AS b, regr_r2(v, x) AS c, covar_samp(x, v) AS d, corr(x, x) AS e FROM t
SELECT corr(v, 1), corr(1, v), corr(1D, 1D), corr(double('NaN'), 1D), regr_r2(1D, double('NaN')), regr_r2(double('NaN'), 1D) FROM t
SELECT avg(ts) AS a, sum(ts) AS b, mean(ts) AS c FROM t
SELECT avg(DATE'2020-01-01')
