SELECT 1 AS top, 2 bottom, 3 left_x
SELECT 1 top
SELECT v top FROM VALUES (1) AS t(v)
SELECT v top FROM VALUES (1) t(v)
SELECT top.v FROM VALUES (1) top(v)
SELECT 1 year, 2 month, 3 day, 4 hour, 5 minute, 6 second, 7 date, 8 time, 9 timestamp, 10 interval
SELECT 1 all_x, 1 any, 1 end, 1 end_x
SELECT 1 from_x, 1 select
SELECT 1 from
SELECT 1 where
SELECT 1 limit
SELECT 1 AS limit, 2 AS where, 3 AS group, 4 AS order
SELECT 1 AS from
SELECT 1 AS select
SELECT x.limit FROM (SELECT 1 AS limit) x
SELECT 1 desc, 2 asc, 3 first, 4 last, 5 nulls
SELECT v union FROM VALUES (1) t(v)
SELECT v cross FROM VALUES (1) t(v)
SELECT 1 left
SELECT 1 AS left
SELECT l.v FROM VALUES (1) l(v)
SELECT semi.v FROM VALUES (1) semi(v)
SELECT window.v FROM VALUES (1) window(v)
SELECT 1 window, 2 over, 3 partition, 4 rows, 5 range, 6 row
SELECT 1 table, 2 column, 3 view, 4 database, 5 schema, 6 index
SELECT 1 case
SELECT 1 when, 2 then, 3 else
SELECT 1 true
SELECT 1 using, 2 on, 3 natural
SELECT 1 user, 2 current_date, 3 session_user
SELECT 1 having
SELECT 1 sort, 2 cluster, 3 distribute, 4 lateral
SELECT 1 except, 2 minus
SELECT 1 intersect
SELECT 1 fetch, 2 offset
SELECT 1 values, 2 set, 3 insert, 4 update, 5 delete, 6 create, 7 drop
SELECT 1 exists, 2 distinct
SELECT 1 filter, 2 within, 3 ignore, 4 respect
SELECT 1 stream, 2 watermark, 3 delay, 4 of
SELECT 1 prewhere, 2 qualify, 3 settings, 4 format, 5 into, 6 connect, 7 global, 8 anti, 9 asof, 10 outer, 11 sample, 12 final
SELECT 1 pivot, 2 unpivot, 3 tablesample, 4 lock, 5 for, 6 with, 7 start
SELECT t.v FROM (SELECT 1 v) t
SELECT q.v FROM (SELECT 1 v) qualify
SELECT qualify.v FROM (SELECT 1 v) qualify
SELECT top.v FROM (SELECT 1 v) top
SELECT settings.v, format.v FROM (SELECT 1 v) settings, (SELECT 1 v) format
SELECT sample.v, final.v FROM (SELECT 1 v) sample, (SELECT 1 v) final
SELECT global.v FROM (SELECT 1 v) global
SELECT global.v FROM (SELECT 1 v) global JOIN (SELECT 1 w) prewhere ON v = w
SELECT outer.v FROM (SELECT 1 v) outer
SELECT set.v FROM (SELECT 1 v) set
SELECT values.v FROM (SELECT 1 v) values
SELECT partition.v FROM (SELECT 1 v) partition
SELECT start.v FROM (SELECT 1 v) start
SELECT connect.v FROM (SELECT 1 v) connect
SELECT for.v FROM (SELECT 1 v) for
SELECT with.v FROM (SELECT 1 v) with
SELECT pivot.v FROM (SELECT 1 v) pivot
SELECT order.v FROM (SELECT 1 v) order
SELECT order.v FROM (SELECT 1 v) AS order
SELECT end.v FROM (SELECT 1 v) end
SELECT select.v FROM (SELECT 1 v) select
SELECT v.v FROM (SELECT 1 v) v
SELECT t.top, t.end FROM (SELECT 1 top, 2 end) t
SELECT top + 1 FROM (SELECT 1 top)
SELECT 1 + end FROM (SELECT 1 end)
SELECT year FROM (SELECT 1 year) WHERE year = 1
SELECT date, timestamp FROM (SELECT 1 date, 2 timestamp)
SELECT user FROM (SELECT 1 user)
SELECT table FROM (SELECT 1 table)
SELECT case FROM (SELECT 1 case)
SELECT left FROM (SELECT 1 AS left)
SELECT x, count(*) rows FROM VALUES (1) t(x) GROUP BY x HAVING rows > 0 ORDER BY rows
WITH top AS (SELECT 1 v) SELECT * FROM top
WITH set AS (SELECT 1 v) SELECT * FROM set
WITH values AS (SELECT 1 v) SELECT v FROM values
