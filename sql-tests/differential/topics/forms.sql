TABLE t (k STRING, v INT, x DOUBLE, c DECIMAL(5,2)) [["'a'","1","1.5","1.25"],["'a'","2","NULL","2.50"],["'b'","3","2.5","NULL"]]
SELECT v + 1 AS a, a * 2, a AS b FROM t
SELECT v + 1 AS v, v * 2 AS w FROM t
SELECT v AS a, a AS b, b + a AS c, c * c AS d FROM t
SELECT v AS a, v + 1 AS a, a FROM t
SELECT k, sum(v) AS s, s + 1 AS t2 FROM t GROUP BY k
SELECT k, sum(v) AS s, s + 1 FROM t GROUP BY k HAVING s > 1
SELECT k AS g, sum(v) AS s, upper(g) AS u FROM t GROUP BY k ORDER BY s + 1
SELECT named_struct('x', v) AS s, s.x + 1 AS y FROM t
SELECT V AS Apple, aPPle + 1 AS b FROM t
SELECT v AS a, (SELECT max(v) FROM t) AS m, m - a AS d FROM t
SELECT v AS a, sum(a) OVER (ORDER BY v) AS c FROM t
SELECT v AS a FROM t WHERE a > 1
SELECT row_number() OVER (ORDER BY v) AS r, r + 1 AS r2 FROM t
SELECT transform(array(v), y -> y + 1) AS arr, arr[0] AS e, size(arr) FROM t
SELECT 'abc' ILIKE ANY ('A%', 'z'), 'abc' NOT LIKE ANY ('a%', 'z'), 'abc' LIKE SOME ('z'), 'abc' ILIKE ALL ('A%', 'z'), 'abc' NOT ILIKE ALL ('x%', 'z')
SELECT 'abc' LIKE ANY ('a%', NULL), 'abc' LIKE ALL ('a%', NULL), 'abc' NOT LIKE ANY ('z', NULL)
SELECT k LIKE ANY ('a%', 'b') AS l, k NOT LIKE ALL ('a', 'c%') AS n FROM t
SELECT k FROM t WHERE k LIKE ANY ('a', 'c') AND v > 1
SELECT 'a%c' ILIKE 'A/%c' ESCAPE '/', 'a%c' NOT LIKE 'a/%c' ESCAPE '/', 'a_c' LIKE 'a!_c' ESCAPE '!'
SELECT like('a%c', 'a/%c', '/'), ilike('A%c', 'a/%c', '/'), like('abc', 'a_c'), like('abc', NULL), ilike('ABC', 'a%'), like('a\nb', 'a_b')
SELECT 'abc' LIKE 'a/bc' ESCAPE '/'
SELECT 'abc' LIKE 'abc/' ESCAPE '/'
SELECT 1 << 3 + 1, 1 + 2 << 2, 16 >> 2 & 3, -16 >>> 28, 1L << 40, 5 & 3 << 1, 8 >> 1 >> 1, 1 < 2 << 3, v << 1 FROM t
SELECT r'\d+', R"\n", r'a''b', 'x' r'y', regexp_replace('a1b22', r'\d+', '#')
SELECT * FROM VALUES (1, 'a'), (2, 'b') AS x
SELECT x.col1, col2 FROM VALUES (1, 'a') AS x
VALUES (1, 'a'), (2, 'b')
SELECT * FROM (VALUES (1, 2)) AS y(a, b)
WITH w AS (VALUES (1, 2)) SELECT col2, COL1 FROM w
SELECT col1 FROM (VALUES (1), (NULL)) UNION ALL SELECT v FROM t
SELECT id, r.id + 1 AS n FROM range(2) AS r
SELECT * FROM range(0, 10, 3, 2) AS r(x)
SELECT id FROM range(5, 2, -1)
SELECT a.id, b.id AS other FROM range(2) a JOIN range(1, 3) b ON a.id = b.id
SELECT k, v FROM t ORDER BY ALL DESC
SELECT k, v FROM t ORDER BY ALL DESC NULLS LAST
SELECT k, count(*) AS n FROM t GROUP BY ALL ORDER BY ALL
SELECT concat(array(1), array(2L)), array(1) || array(3), concat(X'61', X'62'), concat('a', 1, true), concat(), 'a' || NULL, 'a' || 1, concat(array('a'), CAST(NULL AS ARRAY<STRING>)), concat('x')
SELECT concat(array(1), NULL)
SELECT concat(array(1), 'a')
SELECT k || v AS kv, concat(k, '-', v, '-', x) AS all_of FROM t
SELECT nullif(1, 1.0), nullif(2, 1.0), nullif('a', 'b'), nullif(v, 1), nullif(v, NULL) FROM t
SELECT decode(2,1,'a',2,'b'), decode(5, 1, 2, 3), decode('x', 'x', 1, 2.5), decode(k, 'a', v, -1) FROM t
SELECT coalesce(1, 2.5), coalesce(NULL, 1, 2L), greatest(1, 2.5), least(1.25, 2), if(true, 1, 2.5), nvl(1, 2.5), ifnull(1, 2.55), coalesce(1.5, 2.25D), coalesce(CAST(1 AS FLOAT), 1), coalesce(3L, 2.5)
SELECT CASE WHEN v = 1 THEN 1 WHEN v = 2 THEN 2.5 ELSE 3L END AS a, CASE v WHEN 1 THEN c ELSE 10 END AS b, coalesce(c, v) AS d, coalesce(x, c) AS e, nvl2(c, v, x) AS f FROM t
SELECT CASE WHEN v > 1 THEN 'big' END AS s, CASE WHEN v > 1 THEN v ELSE NULL END AS n, CASE WHEN NULL THEN 1 END AS z FROM t
SELECT CAST(0.0 AS BOOLEAN), CAST(c AS BOOLEAN) AS b, CAST(true AS DECIMAL(5,2)) AS d, try_cast(true AS DECIMAL(1,1)) AS t1 FROM t
SELECT CAST(true AS DECIMAL(1,1))
SELECT CAST(double('Infinity') AS DECIMAL(5,2)) AS i, CAST(double('NaN') AS DECIMAL(5,2)) AS n, CAST(float('NaN') AS DECIMAL(5,2)) AS f
SELECT CAST(1234567.5D AS DECIMAL(5,2))
SELECT lag(v, 2) OVER (ORDER BY v), lead(v, 2, 0) OVER (PARTITION BY k ORDER BY v), first_value(v) OVER (ORDER BY v), nth_value(v, 2) OVER (ORDER BY v), row_number() OVER (ORDER BY v) FROM t
SELECT trim(LEADING FROM '  a'), trim(BOTH FROM ' a '), trim(TRAILING FROM 'a '), ceil(2.55, 1), floor(-2.55, 1), ltrim('x', 'xax')
SELECT map() AS m, map_keys(map()) AS ks, (1, 'a') AS s, (1, 'a').col1 AS c1
SELECT 1BD, 1.5BD, 100Y, 7S, 3L, 1.0F, 2D, 1e1BD, .5, 5.
SELECT 1.10BD + 2S AS a, 3S * 1.5 AS b, 100Y / 2.5 AS c
SELECT DISTINCT v % 2 AS p, p + 1 AS q FROM t
SELECT * EXCEPT (x, c) FROM t
