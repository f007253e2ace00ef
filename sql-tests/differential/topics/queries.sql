TABLE t (k STRING, v INT) [["'a'","1"],["'a'","2"],["'b'","3"],["NULL","4"],["'c'","NULL"]]
TABLE d (k STRING, name STRING) [["'a'","'Anna'"],["'b'","'Bert'"],["NULL","'None'"],["'z'","'Zoe'"]]
SELECT * FROM t ORDER BY v
SELECT * FROM t ORDER BY v DESC
SELECT * FROM t ORDER BY k NULLS LAST, v DESC
SELECT * FROM t ORDER BY k DESC NULLS FIRST, v LIMIT 3
SELECT * FROM t ORDER BY v LIMIT 2 OFFSET 1
SELECT k, v + 1 AS w FROM t WHERE v > 1
SELECT k, v, v * 2 FROM t WHERE k IS NOT NULL
SELECT DISTINCT k FROM t
SELECT t.k, d.name FROM t JOIN d ON t.k = d.k
SELECT t.k, d.name FROM t LEFT JOIN d ON t.k = d.k
SELECT t.k, d.name FROM t RIGHT JOIN d ON t.k = d.k
SELECT t.k, d.name FROM t FULL OUTER JOIN d ON t.k = d.k
SELECT t.k, d.name FROM t JOIN d ON t.k <=> d.k
SELECT k FROM t LEFT SEMI JOIN d ON t.k = d.k
SELECT k FROM t LEFT ANTI JOIN d ON t.k = d.k
SELECT t.v, d.name FROM t CROSS JOIN d WHERE v = 1
SELECT * FROM t JOIN d USING (k)
SELECT * FROM t NATURAL JOIN d
SELECT k FROM t WHERE k IN (SELECT k FROM d)
SELECT k FROM t WHERE k NOT IN (SELECT k FROM d WHERE k IS NOT NULL)
SELECT k FROM t WHERE k NOT IN (SELECT k FROM d)
SELECT k FROM t WHERE EXISTS (SELECT 1 FROM d WHERE d.k = t.k)
SELECT k FROM t WHERE NOT EXISTS (SELECT 1 FROM d WHERE d.k = t.k)
SELECT k, (SELECT max(name) FROM d) AS m FROM t
SELECT k FROM t UNION SELECT k FROM d
SELECT k FROM t UNION ALL SELECT k FROM d
SELECT k FROM t INTERSECT SELECT k FROM d
SELECT k FROM t EXCEPT SELECT k FROM d
SELECT k FROM t MINUS SELECT k FROM d
WITH x AS (SELECT k, sum(v) AS s FROM t GROUP BY k) SELECT * FROM x WHERE s > 2
SELECT k, v, row_number() OVER (PARTITION BY k ORDER BY v) AS r FROM t
SELECT k, v, rank() OVER (ORDER BY v DESC), dense_rank() OVER (ORDER BY v DESC) FROM t
SELECT k, v, lag(v) OVER (ORDER BY v), lead(v, 1, 0) OVER (ORDER BY v) FROM t
SELECT k, v, sum(v) OVER (PARTITION BY k ORDER BY v ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM t
SELECT k, v, first_value(v) OVER (PARTITION BY k ORDER BY v), last_value(v) OVER (PARTITION BY k ORDER BY v ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM t
SELECT ntile(2) OVER (ORDER BY v), percent_rank() OVER (ORDER BY v), cume_dist() OVER (ORDER BY v) FROM t
SELECT k, sum(v) s FROM t GROUP BY k HAVING s > 2
SELECT v + 1 AS v2, v2 * 2 AS v3 FROM t
SELECT k AS a, k AS a FROM t
SELECT * FROM VALUES (1, 'a'), (2, 'b')
SELECT * FROM VALUES (1, 'a'), (2, 'b') AS x(n, s)
SELECT col1 FROM VALUES (1), (2)
SELECT * FROM range(3)
SELECT id * 2 FROM range(1, 6, 2)
SELECT k, explode(array(1, 2)) AS e FROM t WHERE v = 1
SELECT explode(array(1, 2))
SELECT explode(map('a', 1, 'b', 2))
SELECT posexplode(array('x', 'y'))
SELECT explode_outer(array())
SELECT k, e FROM t LATERAL VIEW explode(array(v, v + 1)) x AS e
SELECT k, e, p FROM t LATERAL VIEW OUTER posexplode(CASE WHEN v > 2 THEN array(v) END) x AS p, e
SELECT inline(array(struct(1, 'a'), struct(2, 'b')))
SELECT stack(2, 1, 2, 3, 4)
SELECT word, count(*) FROM (SELECT explode(split('a b a', ' ')) AS word) GROUP BY word
SELECT * FROM t TABLESAMPLE (100 PERCENT)
SELECT k, v FROM t ORDER BY ALL
SELECT a.k FROM t a, d b WHERE a.k = b.k
SELECT named_struct('a', 1).a, struct(1, 2).col2, map('x', 5)['x'], array(10, 20)[1]
SELECT * EXCEPT (v) FROM t
SELECT count(*) FROM t WHERE v > (SELECT avg(v) FROM t)
SELECT k, CASE WHEN v > 2 THEN 'big' ELSE 'small' END AS size, count(*) FROM t GROUP BY 1, 2
SELECT max(v) FROM t GROUP BY ()
SELECT k, v FROM t WHERE v % 2 = 1 OR k = 'a'
SELECT 1 AS one, 'a' AS s WHERE 1 = 0
TABLE e (id BIGINT, d DATE, ts TIMESTAMP, amount DECIMAL(10,2), name STRING, s STRUCT<a: INT, b: STRING>, ok BOOLEAN, c INT) [["1","DATE'2024-01-01'","TIMESTAMP'2024-01-01 10:00:00'","10.50","'ann'","named_struct('a', 1, 'b', 'x')","true","1"],["2","DATE'2024-01-20'","TIMESTAMP'2024-01-01 11:30:00'","-5.00","'bob'","named_struct('a', 2, 'b', 'y')","false","2"],["3","DATE'2024-03-01'","TIMESTAMP'2024-01-03 10:00:00'","3.25","'ann'","NULL","true","2"],["4","NULL","NULL","NULL","'cid'","named_struct('a', NULL, 'b', 'z')","NULL","NULL"]]
SELECT sum(c), sum(CAST(c AS BIGINT)), sum(CAST(c AS DOUBLE)) FROM e
SELECT max(ts), max(CAST(ts AS STRING)), count(c), count(CAST(c AS STRING)) FROM e
SELECT CAST(id AS STRING) AS text, id, count(*) FROM e GROUP BY CAST(id AS STRING), id
SELECT CAST(ts AS DATE) AS x, CAST(ts AS STRING) AS y, count(*) FROM e GROUP BY x, y
SELECT CAST(ts AS DATE), CAST(id AS STRING), CAST(s.a AS STRING), CAST(id + 1 AS STRING), try_cast(name AS INT), c::string FROM e
SELECT sum(id) OVER (ORDER BY id), sum(CAST(id AS DOUBLE)) OVER (ORDER BY id) FROM e
SELECT id, count(*) OVER (ORDER BY d RANGE BETWEEN 30 PRECEDING AND CURRENT ROW) AS n FROM e
SELECT id, count(*) OVER (ORDER BY d RANGE BETWEEN INTERVAL '30' DAY PRECEDING AND CURRENT ROW) AS n FROM e
SELECT id, count(*) OVER (ORDER BY ts RANGE BETWEEN INTERVAL '2' HOUR PRECEDING AND CURRENT ROW) AS n FROM e
SELECT id, count(*) OVER w AS n FROM e WINDOW w AS (ORDER BY ts RANGE BETWEEN INTERVAL 2 DAYS PRECEDING AND INTERVAL 1 DAY FOLLOWING)
SELECT id, count(*) OVER (ORDER BY c RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) AS n FROM e
SELECT s.* FROM e
SELECT e.s.*, id FROM e
SELECT s.* EXCEPT (a) FROM e
SELECT j.* FROM (SELECT from_json('{"a":1,"b":"x"}', 'a INT, b STRING') AS j)
SELECT id.* FROM e
SELECT to_json(struct(*)) AS value FROM d
SELECT struct(*) FROM d
SELECT struct(d.*) FROM d
SELECT coalesce(*), array(*) FROM d
SELECT count(DISTINCT *), count(*), count(DISTINCT name, k) FROM d
SELECT name, sum(amount) AS amount FROM e GROUP BY name HAVING amount > 4
SELECT name, sum(amount) AS amount FROM e GROUP BY name HAVING sum(amount) > 4 AND amount < 100
SELECT date(ts) AS ts, count(*) FROM e GROUP BY date(ts) HAVING ts > DATE'2024-01-02'
SELECT name, count(*) AS n FROM e GROUP BY name HAVING N > 1 AND name <> 'x'
SELECT name, ok, count(*) FROM e GROUP BY name, ok WITH ROLLUP
SELECT name, ok, count(*) FROM e GROUP BY name, ok WITH CUBE
SELECT name, ok, count(*) FROM e GROUP BY name, ok GROUPING SETS ((name), (name, ok), ())
SELECT name, grouping(name), grouping_id() FROM e GROUP BY name WITH ROLLUP
SELECT id FROM e ANTI JOIN t ON e.c = t.v
SELECT id FROM e SEMI JOIN t ON e.c = t.v
SELECT c FROM e UNION ALL SELECT amount FROM e
SELECT c FROM e UNION SELECT id FROM e
SELECT NULL AS x UNION ALL SELECT name FROM e
SELECT ts AS x FROM e UNION ALL SELECT d FROM e
SELECT id FROM e UNION ALL SELECT name FROM e
SELECT '1' AS x UNION ALL SELECT 2
SELECT ok FROM e UNION ALL SELECT id FROM e
SELECT s FROM e UNION ALL SELECT named_struct('a', 1.5, 'b', 'q')
SELECT array(1) AS x UNION ALL SELECT array(2.5)
SELECT id IN (SELECT v FROM t WHERE v IS NOT NULL) AS x FROM e
SELECT EXISTS (SELECT 1 FROM t) AS x
SELECT id, (SELECT count(*) FROM t WHERE t.v > e.c) AS n FROM e
SELECT id FROM e WHERE (name, c) IN (SELECT k, v FROM t)
SELECT id, x FROM e, LATERAL (SELECT id * 2 AS x)
SELECT id FROM e WHERE c NOT IN (SELECT v FROM t WHERE t.k = e.name)
SELECT id FROM e WHERE c NOT IN (SELECT v FROM t WHERE t.v < e.c)
SELECT i.a, i.B AS b FROM (SELECT array(named_struct('a', 1, 'b', 'x'), named_struct('a', 2, 'b', NULL), NULL) AS i)
SELECT i.s.x, i[0].s.x AS first FROM (SELECT array(named_struct('s', named_struct('x', 1)), named_struct('s', NULL)) AS i)
SELECT s.i.a FROM (SELECT named_struct('i', array(named_struct('a', 1))) AS s)
SELECT from_json('[{"a":1},{"a":2}]', 'ARRAY<STRUCT<a: INT>>').a AS a
SELECT explode(i.a) AS e FROM (SELECT array(named_struct('a', 1), named_struct('a', 2)) AS i)
SELECT i.nope FROM (SELECT array(named_struct('a', 1)) AS i)
SELECT m.k, m.nope FROM (SELECT map('k', 1) AS m)
SELECT array_contains(i.a, 2) AS c, size(i.a) AS n FROM (SELECT array(named_struct('a', 1), named_struct('a', 2)) AS i)
SELECT id, sum(id) OVER w AS s, count(*) OVER w AS n FROM e WINDOW w AS (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING)
