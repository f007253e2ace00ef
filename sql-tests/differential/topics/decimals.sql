CROSS % + %, % * %, % / %, mod(%, %) : CAST(1.23 AS DECIMAL(10,2)), CAST(-0.005 AS DECIMAL(5,3)), CAST(12345678901234567890 AS DECIMAL(38,0)), CAST(0.1 AS DECIMAL(38,18)), 3, 7L
CAST(1.5 AS DECIMAL(3,1)) + 1, CAST(9.99 AS DECIMAL(3,2)) + CAST(0.01 AS DECIMAL(3,2)), CAST(99999999999999999999999999999999999999 AS DECIMAL(38,0)) + 1, CAST(1 AS DECIMAL(38,37)) * 100, 1.0 / 3.0, 1.00 / 3, CAST(2 AS DECIMAL(2,0)) / CAST(3 AS DECIMAL(2,0)), round(1.255, 2), round(-1.255, 2), 1.5 + 1.5D, 1.5 + 1L, 1.5 * 'a', 1.5 = 1.50, abs(-1.5), -1.50, CAST(1.555 AS DECIMAL(3,2)), CAST('1.555' AS DECIMAL(3,2)), CAST(1e3D AS DECIMAL(5,1)), greatest(1.5, 2.25), coalesce(CAST(NULL AS DECIMAL(5,2)), 1.123), array(1.5, 2.25), CASE WHEN true THEN 1.5 ELSE 2 END, 12.345 % 1.1, sqrt(2.25), pow(1.5, 2), floor(-1.5), ceil(1.01), decimal(1.5), 1.0 div 0.3, positive(1.5)
TABLE d (k STRING, p DECIMAL(10,2)) [["'a'","1.25"],["'a'","2.255"],["'b'","NULL"],["'b'","-0.01"],["'c'","99999999.99"]]
SELECT k, sum(p), avg(p), min(p), max(p), count(p) FROM d GROUP BY k
SELECT sum(p), avg(p), stddev(p) FROM d
SELECT sum(p * 2), avg(p / 3), sum(p) / count(*) FROM d
SELECT k, sum(CAST(p AS DECIMAL(38, 10))) FROM d GROUP BY k
