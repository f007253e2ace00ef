#!/usr/bin/env python3
"""Asks real Spark 4.3 every question of topics/*.sql, and writes what it said to answers/*.json.

    python record.py [TOPIC ..]        with the pyspark of the same version installed

A topic is a text file. A line is one of
    -- a remark
    SET key = value                    a setting for the whole topic, before all questions
    TABLE name (schema) rows           a table: a Spark DDL schema and a JSON array of arrays of
                                       SQL literals
    CROSS op, op .. : value, value ..  every value with every operator and every value; an
                                       operator has % where its operands go: (% + %)
    EACH f(%), g(%) .. : value, ..     every function of every value
    SELECT .. or WITH ..               a query
    anything else                      expressions with commas between, each a question of its own
An answer has the columns, their types, and the rows, or the phase and the condition of the error.
"""
import base64, datetime, glob, json, math, os, re, sys, time

os.environ["TZ"] = "UTC"
time.tzset()
os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")

from pyspark.sql import SparkSession
from pyspark.sql import types as T

HERE = os.path.dirname(os.path.abspath(__file__))
DEFAULTS = {"spark.sql.session.timeZone": "UTC", "spark.sql.ansi.enabled": "true"}


def session():
    b = SparkSession.builder.master("local[1]").appName("differential")
    for k, v in {"spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "1",
                 "spark.ui.showConsoleProgress": "false", "spark.log.level": "OFF",
                 "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
                 "spark.sql.catalogImplementation": "in-memory"}.items():
        b = b.config(k, v)
    s = b.getOrCreate()
    s.sparkContext.setLogLevel("OFF")
    return s


def split(text):
    """The parts of a list, at the commas outside of brackets and quotes."""
    parts, depth, quote, part, i = [], 0, None, "", 0
    while i < len(text):
        c = text[i]
        if quote:
            part += c
            if c == "\\" and i + 1 < len(text):
                part += text[i + 1]
                i += 1
            elif c == quote:
                quote = None
        elif c in "'\"`":
            quote = c
            part += c
        elif c in "([{":
            depth += 1
            part += c
        elif c in ")]}":
            depth -= 1
            part += c
        elif c == "," and depth == 0:
            parts.append(part.strip())
            part = ""
        else:
            part += c
        i += 1
    parts.append(part.strip())
    return [p for p in parts if p]


def colon(text):
    """The two sides of the first ` : `."""
    left, right = text.split(" : ", 1)
    return split(left), split(right)


def questions(lines):
    for line in lines:
        word = line.split(" ", 1)[0]
        if word == "CROSS":
            ops, values = colon(line[6:])
            for op in ops:
                for a in values:
                    for b in values:
                        yield "SELECT " + op.replace("%", a, 1).replace("%", b, 1) + " AS x"
        elif word == "EACH":
            ops, values = colon(line[5:])
            for op in ops:
                for a in values:
                    yield "SELECT " + op.replace("%", a) + " AS x"
        elif word in ("SELECT", "WITH", "FROM"):
            yield line
        else:
            for part in split(line):
                yield "SELECT " + part


def enc(v, t):
    if v is None:
        return None
    if isinstance(t, T.TimestampType):
        if v.tzinfo is not None:
            v = v.astimezone(datetime.timezone.utc).replace(tzinfo=None)
        return v.isoformat(timespec="microseconds" if v.microsecond else "seconds") + "Z"
    if isinstance(t, T.TimestampNTZType):
        return v.isoformat(timespec="microseconds" if v.microsecond else "seconds")
    if isinstance(t, T.DateType):
        return v.isoformat()
    if isinstance(t, T.DecimalType):
        return format(v, "f")
    if isinstance(t, (T.FloatType, T.DoubleType)):
        return "NaN" if math.isnan(v) else ("Infinity" if v > 0 else "-Infinity") if math.isinf(v) else v
    if isinstance(t, T.BinaryType):
        return base64.b64encode(bytes(v)).decode()
    if isinstance(t, T.ArrayType):
        return [enc(x, t.elementType) for x in v]
    if isinstance(t, T.MapType):
        return sorted(([enc(k, t.keyType), enc(x, t.valueType)] for k, x in v.items()),
                      key=lambda p: json.dumps(p))
    if isinstance(t, T.StructType):
        return {f.name: enc(x, f.dataType) for f, x in zip(t.fields, v)}
    return v


def has_interval(t):
    if isinstance(t, T.ArrayType):
        return has_interval(t.elementType)
    if isinstance(t, T.StructType):
        return any(has_interval(f.dataType) for f in t.fields)
    return "interval" in t.simpleString()


def condition(e):
    for get in ("getCondition", "getErrorClass"):
        try:
            c = getattr(e, get)()
            if c:
                return c
        except Exception:
            pass
    m = re.search(r"\[([A-Z0-9_.]+)\]", str(e))
    return m.group(1) if m else type(e).__name__


def ask(spark, sql):
    out = {"sql": sql}
    try:
        df = spark.sql(sql)
        schema = df.schema
    except Exception as e:
        return {**out, "error": "analysis", "condition": condition(e)}
    try:
        # Intervals have no value in the recordings: they are asked for as text.
        if any(has_interval(f.dataType) for f in schema.fields):
            rows = [[str(x) for x in r] for r in df.selectExpr(
                *[f"CAST(`{f.name}` AS STRING)" for f in schema.fields]).collect()]
        else:
            rows = [[enc(x, f.dataType) for x, f in zip(r, schema.fields)] for r in df.collect()]
    except Exception as e:
        return {**out, "error": "runtime", "condition": condition(e)}
    return {**out, "columns": [f.name for f in schema.fields],
            "types": [f.dataType.simpleString() for f in schema.fields], "rows": rows}


def record(spark, path):
    name = os.path.splitext(os.path.basename(path))[0]
    settings, tables, lines = {}, {}, []
    for line in open(path, encoding="utf-8"):
        line = line.strip()
        if not line or line.startswith("--"):
            continue
        if line.startswith("SET "):
            k, v = line[4:].split("=", 1)
            settings[k.strip()] = v.strip()
        elif line.startswith("TABLE "):
            n, rest = line[6:].split(" ", 1)
            m = re.match(r"\((.*)\) (\[.*\])$", rest)
            tables[n] = {"schema": m.group(1), "rows": json.loads(m.group(2))}
        else:
            lines.append(line)
    for k, v in {**DEFAULTS, **settings}.items():
        spark.conf.set(k, v)
    spark.conf.set("spark.sql.ansi.enabled", "true")
    for n, t in tables.items():
        spark.createDataFrame([], t["schema"]).createOrReplaceTempView("empty_" + n)
        fields = [f.name for f in spark.table("empty_" + n).schema.fields]
        types = [f.dataType.simpleString() for f in spark.table("empty_" + n).schema.fields]
        union = " UNION ALL ".join(
            "SELECT " + ", ".join(f"CAST({v} AS {t}) AS {c}" for v, c, t in zip(r, fields, types))
            for r in t["rows"])
        t["sql"] = union
        spark.sql(union).createOrReplaceTempView(n)
    for k, v in {**DEFAULTS, **settings}.items():
        spark.conf.set(k, v)
    seen, answers = set(), []
    for sql in questions(lines):
        if sql not in seen:
            seen.add(sql)
            answers.append(ask(spark, sql))
    head = {"topic": name, "settings": settings, "tables": {n: t["sql"] for n, t in tables.items()}}
    with open(os.path.join(HERE, "answers", name + ".json"), "w", encoding="utf-8") as f:
        f.write("{" + json.dumps(head, ensure_ascii=False)[1:-1] + ",\n\"answers\": [\n")
        f.write(",\n".join(json.dumps(a, ensure_ascii=False) for a in answers))
        f.write("\n]}\n")
    print(f"{name}: {len(answers)} answers, {sum('error' in a for a in answers)} of them errors")


def main():
    spark = session()
    wanted = sys.argv[1:]
    for path in sorted(glob.glob(os.path.join(HERE, "topics", "*.sql"))):
        if not wanted or os.path.splitext(os.path.basename(path))[0] in wanted:
            record(spark, path)


main()
