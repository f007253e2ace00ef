-- Moments of large values that are close to each other, which a rounded mean would spoil.
TABLE t (k STRING, v BIGINT, w DOUBLE) [["'a'","1000000001","1"],["'a'","1000000002","2.5"],["'a'","1000000004","NULL"],["'a'","1000000005","-4"],["'b'","7","0.1"],["'c'","NULL","NULL"],["'b'","9","0.3"],["'b'","123456789012","1e15"],["'a'","1000000009","3"]]
SELECT round(var_pop(v), 6), round(var_samp(v), 6), round(stddev_pop(v), 6), round(stddev(v), 6), round(skewness(v), 5), round(kurtosis(v), 5) FROM t WHERE k = 'a'
SELECT k, var_pop(v), var_samp(v), stddev_pop(v), stddev_samp(v), skewness(v), kurtosis(v) FROM t GROUP BY k ORDER BY k
SELECT k, var_pop(w), var_samp(w), stddev_pop(w), std(w), skewness(w), kurtosis(w) FROM t GROUP BY k ORDER BY k
SELECT var_pop(DISTINCT v), variance(v), count(*) FILTER (WHERE v > 8), var_pop(v) FILTER (WHERE v > 8) FROM t
SELECT k, v, var_pop(v) OVER (PARTITION BY k ORDER BY v ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS p FROM t ORDER BY k, v
SELECT var_pop(x), var_samp(x), stddev(x) FROM VALUES (1) AS s(x)
SELECT var_pop(x), var_samp(x), stddev(x) FROM VALUES (double('NaN')), (1D) AS s(x)
SELECT var_pop(x), var_samp(x), stddev(x) FROM VALUES (double('Infinity')), (1D) AS s(x)
SELECT var_pop(x), var_samp(x) FROM VALUES ('1.5'), ('2.5') AS s(x)
SELECT var_pop(x), var_samp(x) FROM VALUES (1.5), (2.75), (NULL) AS s(x)
SELECT round(covar_pop(v, w), 5), round(covar_samp(v, w), 5), round(corr(v, w), 5), round(regr_slope(v, w), 5), round(regr_intercept(v, w), 5), round(regr_r2(v, w), 5), round(regr_sxx(v, w), 5), round(regr_syy(v, w), 5), round(regr_sxy(v, w), 5) FROM t WHERE k = 'a'
