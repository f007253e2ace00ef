TABLE arr (id INT, xs ARRAY<INT>, m MAP<STRING, INT>, st ARRAY<STRUCT<p: INT, q: STRING>>) [["1","array(10,20)","map('k',1,'l',2)","array(named_struct('p',1,'q','x'))"]]
SELECT * FROM LATERAL explode(array(1,2))
SELECT * FROM LATERAL explode(array(1,2)) t
SELECT * FROM LATERAL explode(array(1,2)) AS t(c)
SELECT col FROM LATERAL explode(array(1,2))
SELECT * FROM explode(array(1,2))
SELECT t.col FROM explode(array(1,2)) t
SELECT * FROM posexplode(array(7,8))
SELECT * FROM LATERAL posexplode(array(7,8)) AS p(i, v)
SELECT * FROM inline(array(struct(1 as a,'x' as b)))
SELECT * FROM LATERAL inline(array(struct(1 as a,'x' as b))) AS q(c, d)
SELECT * FROM explode(map('a',1))
SELECT * FROM explode_outer(array())
SELECT * FROM arr, LATERAL explode(xs)
SELECT * FROM arr, LATERAL explode(xs) AS e(x)
SELECT * FROM arr, LATERAL posexplode(xs)
SELECT * FROM arr, LATERAL inline(st)
SELECT id, p, q FROM arr, LATERAL inline(st)
SELECT id, key, value FROM arr, LATERAL explode(m)
SELECT id, t.key FROM arr, LATERAL explode(m) t
SELECT id, t.col FROM arr JOIN LATERAL explode(xs) t
SELECT id, t.* FROM arr JOIN LATERAL explode(xs) t ON t.col > 10
SELECT id, t.* FROM arr LEFT JOIN LATERAL explode(array()) t ON true
SELECT arr.*, e.col, f.col FROM arr, LATERAL explode(xs) e, LATERAL explode(xs) f
SELECT * FROM LATERAL (SELECT 1 AS one)
SELECT * FROM LATERAL range(2)
SELECT * FROM arr, LATERAL range(2)
SELECT * FROM stack(2, 1, 2, 3)
SELECT * FROM arr, LATERAL stack(2, id, 7) AS s(v)
SELECT * FROM json_tuple('{"a":1,"b":2}', 'a', 'b')
SELECT col.a FROM explode(array(struct(1 AS a)))
SELECT count(*), sum(col) FROM explode(sequence(1,10)) WHERE col % 2 = 0
