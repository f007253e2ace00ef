-- The same outside of ANSI mode.
SET spark.sql.ansi.enabled = false
SELECT 1 EXCEPT SELECT '1'
SELECT 1 UNION ALL SELECT 'a'
SELECT 1 UNION ALL SELECT true
SELECT * FROM VALUES ('a'), (1)
CROSS coalesce(%, %), IF(true, %, %), CASE WHEN true THEN % ELSE % END, array(%, %) : 1, '2', true, DATE'2020-01-01', TIMESTAMP'2020-01-01 00:00:00', X'41', 'true', array(1)
CROSS (% IN (%)), greatest(%, %) : 1, '2', true, DATE'2020-01-01', X'41'
true > 0, true < 'true', true IN (1), true IN ('true'), true + 1, 1 BETWEEN true AND 2, true = '1'
size(NULL), cardinality(NULL), size(cast(NULL AS ARRAY<INT>)), size(cast(NULL AS MAP<INT, INT>)), size(array(1, NULL))
