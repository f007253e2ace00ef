TABLE t (id INT, x DOUBLE, f FLOAT) [["1","-0D","CAST(-0.0 AS FLOAT)"],["2","0D","CAST(0 AS FLOAT)"],["3","1D","CAST(1 AS FLOAT)"],["4","double('NaN')","CAST('NaN' AS FLOAT)"],["5","double('NaN')","CAST('NaN' AS FLOAT)"],["6","NULL","NULL"]]
SELECT array(x) AS a, count(*) AS n FROM t GROUP BY array(x)
SELECT named_struct('x', x, 'f', f) AS a, count(*) AS n FROM t GROUP BY named_struct('x', x, 'f', f)
SELECT a, sum(id) AS n FROM (SELECT array(named_struct('x', x)) AS a, id FROM t) GROUP BY a
SELECT DISTINCT named_struct('x', x) AS s FROM t
SELECT DISTINCT array(f) AS s, x FROM t
SELECT array(x) AS s FROM t UNION SELECT array(0D)
SELECT array(x) AS s FROM t INTERSECT SELECT array(0D)
SELECT array(x) AS s FROM t EXCEPT SELECT array(0D)
SELECT l.id AS l, r.id AS r FROM t AS l JOIN t AS r ON array(l.x) = array(r.x)
SELECT l.id AS l, r.id AS r FROM t AS l JOIN t AS r ON named_struct('a', l.x) <=> named_struct('a', r.x)
SELECT l.id AS l, r.id AS r FROM t AS l LEFT JOIN t AS r ON array(l.f) = array(r.f) AND l.id < r.id
SELECT id, array(x) = array(0D) AS e, array(x) < array(0D) AS l, array(x) <=> array(0D) AS s, named_struct('a', x) IN (named_struct('a', 0D)) AS i FROM t
SELECT array(0D) = array(-0D), array(0D) < array(-0D), array(double('NaN')) = array(double('NaN')), named_struct('a', 0D) = named_struct('a', -0D)
SELECT count(DISTINCT x) AS a, count(DISTINCT f) AS b, count(DISTINCT id) AS c, count(DISTINCT x, f) AS d FROM t
SELECT count(DISTINCT array(x)) AS a, count(DISTINCT named_struct('f', f)) AS b, count(*) AS n FROM t
SELECT sum(DISTINCT x) AS s, avg(DISTINCT f) AS a, count(*) AS n FROM t WHERE id < 4
SELECT avg(DISTINCT x) AS s FROM t WHERE id < 4
SELECT sort_array(collect_set(x)) AS a, sort_array(collect_set(array(x))) AS b, sort_array(collect_set(named_struct('f', f))) AS c FROM t
SELECT array_distinct(array(0D, -0D)), array_distinct(array(array(0D), array(-0D))), array_union(array(array(0D)), array(array(-0D))), array_contains(array(array(-0D)), array(0D)), arrays_overlap(array(named_struct('a', 0D)), array(named_struct('a', -0D)))
SELECT id, rank() OVER (ORDER BY x) AS r, dense_rank() OVER (ORDER BY x DESC) AS d, count(*) OVER (PARTITION BY x) AS c, count(*) OVER (PARTITION BY array(f)) AS a FROM t
SELECT id, sum(id) OVER (PARTITION BY f ORDER BY id) AS s, row_number() OVER (ORDER BY x, id) AS r FROM t
SELECT id, sum(id) OVER (ORDER BY x RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) AS s FROM t WHERE id < 4
SELECT max(array(x)) AS a, min(array(x)) AS b, max(named_struct('x', x, 'id', id)) AS c, min(named_struct('x', x, 'id', -id)) AS d FROM t
SELECT approx_count_distinct(x) AS a FROM t
SELECT approx_count_distinct(f) AS a, approx_count_distinct(array(id)) AS b FROM t
SELECT max(map(1, 2))
SELECT min(array(map(1, 2)))
SELECT max_by(1, map(1, 2))
SELECT DISTINCT map(1, 2)
SELECT map(1, 2) UNION SELECT map(1, 2)
SELECT collect_set(map(1, 2))
SELECT map(1, 2) = map(1, 2)
SELECT map(1, 2) <=> map(1, 2)
SELECT map(1, 2) < map(1, 2)
SELECT map(1, 2) IN (map(1, 2))
SELECT count(DISTINCT map(1, 2)) AS n
SELECT m, count(*) AS n FROM (SELECT map(id % 2, 'a') AS m FROM t) GROUP BY m
