-- Counts the words that a server sends: start `nc -lk 9999` in one terminal, this in another, and
-- type. Each epoch prints the whole count so far, until Ctrl-C.
-- millstream run examples/network_word_count.sql
CREATE TABLE lines USING socket OPTIONS (host 'localhost', port '9999');

CREATE STREAMING TABLE counts USING console OUTPUT MODE complete AS
SELECT word, count(*) AS count
FROM (SELECT explode(split(value, ' ')) AS word FROM STREAM lines)
GROUP BY word;
