TABLE m (id INT, m MAP<STRING, INT>) [["1","map('a',1,'b',2)"],["2","map('b',2,'a',1)"],["3","map('a',1)"],["4","NULL"]]
TABLE f (id INT, m MAP<DOUBLE, INT>) [["1","map(0.0D,1)"],["2","map(-0.0D,1)"]]
SELECT count(*), min(id) FROM m GROUP BY m ORDER BY 2
SELECT count(*) FROM m GROUP BY struct(m) ORDER BY 1
SELECT count(*) FROM m GROUP BY array(m) ORDER BY 1
SELECT count(*) FROM m GROUP BY map('k', m) ORDER BY 1
SELECT count(*) FROM m GROUP BY named_struct('x', array(m)) ORDER BY 1
SELECT DISTINCT m FROM m
SELECT DISTINCT struct(m) FROM m
SELECT count(DISTINCT m) FROM m
SELECT count(DISTINCT struct(m)) FROM m
SELECT m FROM m UNION SELECT m FROM m
SELECT m FROM m EXCEPT SELECT m FROM m WHERE id = 2
SELECT m FROM m INTERSECT SELECT m FROM m WHERE id = 2
SELECT m FROM m EXCEPT ALL SELECT m FROM m WHERE id = 2
SELECT m FROM m INTERSECT ALL SELECT m FROM m WHERE id = 2
SELECT * FROM m a JOIN m b ON a.m = b.m
SELECT a.id, b.id FROM m a JOIN m b USING (m)
SELECT a.id, b.id FROM m a JOIN m b ON a.m <=> b.m
SELECT m = m FROM m
SELECT m <=> m FROM m
SELECT m < m FROM m
SELECT struct(m) = struct(m) FROM m
SELECT m IN (map('a',1)) FROM m
SELECT * FROM m WHERE m IN (SELECT m FROM m)
SELECT id FROM m ORDER BY m
SELECT id FROM m ORDER BY struct(m)
SELECT id, row_number() OVER (PARTITION BY m ORDER BY id) FROM m
SELECT id, row_number() OVER (ORDER BY m) FROM m
SELECT max(m) FROM m
SELECT collect_set(m) FROM m
SELECT first(m) FROM m
SELECT count(m) FROM m
SELECT CASE m WHEN map('a',1) THEN 1 END FROM m
SELECT count(*) FROM f GROUP BY m
SELECT count(*) FROM m GROUP BY ROLLUP(m) ORDER BY 1
SELECT size(m), count(*) FROM m GROUP BY m
SELECT m['b'], count(*) FROM m GROUP BY CUBE(m, id)
SELECT count(*) FROM (SELECT m FROM m GROUP BY m)
SELECT count(*) FROM (SELECT m, id FROM m GROUP BY m, id)
SELECT count(*) FROM m GROUP BY transform(array(m), x -> x)
SELECT m.id, n FROM m JOIN (SELECT m AS w, count(*) AS n FROM m GROUP BY m) ON size(w) = size(m)
