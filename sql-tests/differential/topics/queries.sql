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
