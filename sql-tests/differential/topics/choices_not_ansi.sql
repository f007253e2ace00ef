SET spark.sql.ansi.enabled = false
TABLE t (s STRING, i BIGINT, n INT, d DOUBLE, c DECIMAL(5,2)) [["'x'","1","2","1.5","2.50"],["NULL","7","8","2.5","3.25"],["'1'","1","1","1","1.00"]]
SELECT coalesce(s, i) AS a, coalesce(i, s) AS b, nvl(s, n) AS c, ifnull(s, i) AS e, nvl2(s, s, i) AS f FROM t
SELECT if(s IS NULL, i, s) AS a, CASE WHEN s IS NULL THEN n ELSE s END AS b, coalesce(s, d) AS c, coalesce(s, c) AS e, coalesce(n, s, d) AS f FROM t
SELECT array(s, i) AS a, map('a', s, 'b', i) AS b, array(n, s, d) AS c FROM t
SELECT map(1, 'a', 'b', 2L) AS m, array(1, 'a'), array(1, 2.5), coalesce(1, 'a')
SELECT s IN (1, 'x') AS a, i IN ('1', 'y') AS b, s IN (1) AS c, i IN ('x') AS e, s IN (1, 2.5) AS f, s NOT IN (1, 'y') AS g FROM t
SELECT count(*) AS n FROM t WHERE s IN (1, 'ann', 'x')
SELECT typeof(coalesce(s, i)) AS a, typeof(array(s, n)) AS b, typeof(if(true, s, d)) AS c, coalesce(s, i) || '!' AS e FROM t
SELECT max(coalesce(s, i)) AS a, count(DISTINCT coalesce(s, n)) AS b FROM t
