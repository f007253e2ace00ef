TABLE t (k STRING, v INT, l BIGINT, x DOUBLE, c DECIMAL(6,2), s STRING, b BOOLEAN, d DATE, ts TIMESTAMP) [["'a'","1","10","1.5","1.25","'x'","true","DATE'2020-01-01'","TIMESTAMP'2020-01-01 00:00:00'"],["'a'","2","20","2.5","2.50","'y'","false","DATE'2020-01-02'","TIMESTAMP'2020-01-02 12:00:00'"],["'a'","2","NULL","4","7.75","'x'","NULL","DATE'2020-01-05'","TIMESTAMP'2020-01-03 00:00:00'"],["'a'","NULL","NULL","NULL","NULL","NULL","NULL","NULL","NULL"],["'b'","3","9223372036854775807","'NaN'","9999.99","'zz'","true","DATE'2021-01-01'","TIMESTAMP'2021-01-01 00:00:00'"],["'b'","-3","1","-1","-0.01","''","true","DATE'2019-01-01'","TIMESTAMP'2019-01-01 00:00:00'"],["NULL","4","7","0","0","'w'","false","DATE'2020-06-01'","TIMESTAMP'2020-06-01 00:00:00'"],["'c'","NULL","NULL","NULL","NULL","NULL","NULL","NULL","NULL"]]
SELECT k, percentile(v, 0.5) AS p, percentile(x, 0.3) AS px, percentile(c, 0.9) AS pc, percentile(l, 1) AS pl FROM t GROUP BY k
SELECT k, percentile(v, array(0.0, 0.1, 0.5, 0.99, 1.0)) AS p, median(v) AS m, median(c) AS mc, median(x) AS mx FROM t GROUP BY k
SELECT percentile(v, 0.5, 2), percentile(v, 0.5, abs(v)), percentile(s, 0.5) FROM t
SELECT percentile(v, 0.5, 2), percentile(v, 0.25, v + 5) FROM t
SELECT percentile(v, 1.5) FROM t
SELECT percentile(v, NULL) FROM t
SELECT percentile(v, x) FROM t
SELECT percentile(v, 0.5, -1) FROM t
SELECT percentile(v, 0.5) FROM t WHERE false
SELECT percentile('5', 0.5), median('7') FROM t
SELECT percentile(DISTINCT v, 0.5) AS p, median(DISTINCT v) AS m FROM t
SELECT percentile(b, 0.5) FROM t
SELECT median(b) FROM t
SELECT median(s) FROM t
SELECT k, percentile_approx(v, 0.5) AS p, percentile_approx(x, 0.3) AS px, percentile_approx(c, 0.9) AS pc, percentile_approx(d, 0.5) AS pd, percentile_approx(ts, 0.5) AS pts, approx_percentile(l, 0.5, 100) AS pl FROM t GROUP BY k
SELECT k, percentile_approx(v, array(0.0, 0.1, 0.5, 0.99, 1.0)) AS p, approx_percentile(v, array(0.5), 1000) AS m FROM t GROUP BY k
SELECT percentile_approx(v, 0.5, 0) FROM t
SELECT percentile_approx(v, 2.0) FROM t
SELECT percentile_approx(s, 0.5) FROM t
SELECT percentile_approx(id, array(0.01, 0.25, 0.5, 0.75, 0.99)) FROM range(1000)
SELECT k, percentile_cont(0.5) WITHIN GROUP (ORDER BY v) AS c, percentile_disc(0.5) WITHIN GROUP (ORDER BY v) AS d, percentile_cont(0.25) WITHIN GROUP (ORDER BY x DESC) AS cd, percentile_disc(0.25) WITHIN GROUP (ORDER BY x DESC) AS dd FROM t GROUP BY k
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY v DESC), percentile_disc(0.3) WITHIN GROUP (ORDER BY c), percentile_cont(array(0.25, 0.75)) WITHIN GROUP (ORDER BY v) FROM t
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY v) FILTER (WHERE v > 1) FROM t
SELECT percentile_cont(v, 0.5) FROM t
SELECT percentile_cont(0.5) FROM t
SELECT mode(v) AS m, mode(s) AS ms FROM t WHERE k = 'a'
SELECT mode(v, true) AS m, mode(s, true) AS ms, mode(b) AS mb FROM t
SELECT mode(v, false) FROM t WHERE v = 2
SELECT mode() WITHIN GROUP (ORDER BY v), mode() WITHIN GROUP (ORDER BY v DESC) FROM t
SELECT mode() WITHIN GROUP (ORDER BY l), mode() WITHIN GROUP (ORDER BY l DESC) FROM t
SELECT mode(v) FROM t WHERE false
SELECT k, count_if(v > 1) AS n, count_if(NOT b) AS nb FROM t GROUP BY k
SELECT count_if(v) FROM t
SELECT count_if(DISTINCT b) FROM t
SELECT k, try_sum(v) AS s, try_sum(l) AS sl, try_sum(x) AS sx, try_sum(c) AS sc, try_avg(l) AS al, try_avg(c) AS ac, try_avg(v) AS av FROM t GROUP BY k
SELECT try_sum(l), try_avg(l) FROM t
SELECT try_sum(CAST(9e37 AS DECIMAL(38,0))) FROM t
SELECT try_avg(CAST(9e37 AS DECIMAL(38,0))) FROM t
SELECT sum(CAST(9e37 AS DECIMAL(38,0))) FROM t
SELECT sum(l) FROM t
SELECT try_sum(s) FROM t
SELECT try_sum(DISTINCT v) AS s FROM t
SELECT listagg(s) WITHIN GROUP (ORDER BY v, s), listagg(s, ', ') WITHIN GROUP (ORDER BY s DESC), string_agg(DISTINCT s, '|') WITHIN GROUP (ORDER BY s) FROM t
SELECT k, listagg(s, ',') WITHIN GROUP (ORDER BY v DESC, s) AS r FROM t GROUP BY k
SELECT listagg(s, NULL) WITHIN GROUP (ORDER BY s) FROM t
SELECT listagg(v, '-') WITHIN GROUP (ORDER BY v) FROM t
SELECT listagg(s) FROM t WHERE v = 4
SELECT listagg(s) FROM t WHERE false
SELECT listagg(s, s) FROM t
SELECT listagg(DISTINCT s, ',') WITHIN GROUP (ORDER BY v) FROM t
SELECT listagg(CAST(s AS BINARY), X'2C') WITHIN GROUP (ORDER BY s) FROM t
SELECT listagg(s, ',') WITHIN GROUP (ORDER BY s) FILTER (WHERE s <> 'x') AS r FROM t
SELECT histogram_numeric(v, 3) AS h, histogram_numeric(x, 10) AS hx FROM t WHERE k IS NULL OR k <> 'b'
SELECT k, histogram_numeric(v, 2) AS h FROM t GROUP BY k
SELECT histogram_numeric(id, 5) FROM range(20)
SELECT histogram_numeric(c, 5) AS h, histogram_numeric(d, 5) AS hd FROM t WHERE k = 'a'
SELECT histogram_numeric(v, 1) FROM t
SELECT histogram_numeric(s, 3) FROM t
SELECT k, regr_count(v, c) AS n, regr_slope(v, c) AS s, regr_intercept(v, c) AS i, regr_r2(v, c) AS r, regr_avgx(v, c) AS ax, regr_avgy(v, c) AS ay FROM t GROUP BY k
SELECT k, regr_sxx(v, c) AS sxx, regr_syy(v, c) AS syy, regr_sxy(v, c) AS sxy, corr(v, c) AS r, covar_pop(v, c) AS cp, covar_samp(v, c) AS cs FROM t GROUP BY k
SELECT regr_count(v, s) FROM t
SELECT regr_slope(1, v), regr_r2(1, v), regr_r2(v, 1), regr_slope(v, 1), regr_intercept(v, 1) FROM t
SELECT count(DISTINCT k, v), count(DISTINCT v), count(DISTINCT k, b, s) FROM t
SELECT k, count(DISTINCT v, s) AS n FROM t GROUP BY k
SELECT count(k, v), count(v, x, c) FROM t
SELECT k, count(v, l) AS n FROM t GROUP BY k
SELECT bool_and(v > 0), every(b), some(b), any(v > 3), bool_or(b) FROM t
SELECT first(s) AS f, last(s, true) AS l, any_value(s) IGNORE NULLS AS a, first_value(s, true) AS f1, last_value(s) IGNORE NULLS AS l1 FROM t WHERE v = 4
SELECT k, approx_count_distinct(s) AS n, approx_count_distinct(s, 0.1) AS n2 FROM t GROUP BY k
SELECT k, max_by(v, c) AS m, min_by(s, x) AS m2 FROM t GROUP BY k
SELECT k, v, percentile_approx(v, 0.5) OVER (PARTITION BY k) AS p, median(v) OVER (PARTITION BY k) AS m FROM t
SELECT k, count_if(v > 1) OVER (PARTITION BY k) AS n, mode(v) OVER (PARTITION BY k) AS m FROM t WHERE k = 'a'
SELECT grouping_id() AS g, k, median(v) AS m, count_if(b) AS n FROM t GROUP BY CUBE (k)
SELECT bit_and(v) AS a, bit_or(v) AS o, bit_xor(v) AS x, bit_and(l) AS al FROM t
