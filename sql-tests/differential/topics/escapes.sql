-- What stands for what between quotes, and words that are names elsewhere than in TRIM.
'\110ello', '\u0057orld :)', '\U0001F600', 'a\%b\_c', hex('\0'), hex('\Z\b\r\n\t'), '\q\'\"\\', '\a\f\v'
'\1', '\18', '\400', hex('\377'), '\u00g1', '\u12', hex('\08'), '\U0001F60', '\x41', '\7', hex('\077x'), hex('\00')
'a''b', "a""b", 'a\'\'b', '\\110', "it\'s", 'a' 'b\t', r'\110', R"\n", hex('\ud83d\ude00'), hex('\ud83d')
'a%b' LIKE 'a\%b', 'axb' LIKE 'a\%b', 'a_b' LIKE 'a\_b', 'axb' LIKE 'a\_b', 'a\\b' LIKE 'a\\\\b', 'a%b' RLIKE 'a\%b'
concat('[', '\t', ']'), length('\u00e4\0'), upper('\u00e4'), translate('a\tb', '\t', '_'), TIMESTAMP'2024-01-02\u0020\063:04:05'
SELECT `a``b` FROM VALUES (1) t(`a``b`)
SELECT v AS both FROM VALUES (1) t(v)
SELECT v leading, v trailing FROM VALUES (1) t(v)
trim(BOTH FROM '  a '), trim(LEADING FROM '  a '), trim(TRAILING FROM '  a '), trim(BOTH 'x' FROM 'xax')
current_catalog(), current_schema()
width_bucket(double('Infinity'), 0, 10, 10), width_bucket(double('-Infinity'), 0, 10, 10), width_bucket(double('NaN'), 0, 10, 10), width_bucket(5, double('Infinity'), 10, 10), width_bucket(double('Infinity'), 10, 0, 10), width_bucket(double('-Infinity'), 10, 0, 10), width_bucket(5.3, 0.2, 10.6, 5), width_bucket(5, 10, 10, 5), width_bucket(5, 0, 10, 0)
size(NULL), cardinality(NULL), size(cast(NULL AS ARRAY<INT>)), size(array(1, NULL)), size(map('a', 1))
SELECT count() FROM VALUES (1) t(a)
SELECT count(t.*) FROM VALUES (1) t(a)
SELECT count(*), count(DISTINCT a) FROM VALUES (1) t(a)
SELECT typeof(current_date), typeof(current_timestamp), current_date FROM VALUES (1, 2) t(current_date, current_timestamp)
SELECT current_date + 1 AS x FROM VALUES (1) t(current_date) WHERE current_date = 1 GROUP BY current_date HAVING current_date = 1 ORDER BY current_date
SELECT typeof(current_date), typeof(current_timestamp) FROM VALUES (1) t(a)
'abc' LIKE 'a\\bc', 'abc' LIKE 'abc\\', 'a\\b' LIKE 'a\\\\b', 'a%' LIKE 'a!%' ESCAPE '!', 'a!' LIKE 'a!!' ESCAPE '!', 'ab' LIKE 'a!b' ESCAPE '!', 'ab' NOT LIKE 'a\\b', 'ab' ILIKE 'a\\b'
