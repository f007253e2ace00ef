//! What Spark calls the result of a function: some are written in capitals, some with the values
//! of arguments that were left out, some as the operator that they are.

/// Functions that are written in capitals.
const CAPITALS: &[&str] = &[
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cbrt",
    "cos",
    "cosh",
    "cot",
    "csc",
    "degrees",
    "dense_rank",
    "e",
    "exp",
    "expm1",
    "hypot",
    "log",
    "log10",
    "log1p",
    "log2",
    "percent_rank",
    "pi",
    "power",
    "radians",
    "rank",
    "regexp",
    "regexp_like",
    "rlike",
    "sec",
    "signum",
    "sin",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
];

/// A function, how many arguments are given, and how those that are not are written.
const LEFT_OUT: &[(&str, usize, &str)] = &[
    ("bround", 1, ", 0"),
    ("locate", 2, ", 1"),
    ("lpad", 2, ",  "),
    ("mask", 1, ", X, x, n, NULL"),
    ("overlay", 3, ", -1"),
    ("position", 2, ", 1"),
    ("regexp_extract", 2, ", 1"),
    ("regexp_extract_all", 2, ", 1"),
    ("regexp_instr", 2, ", 0"),
    ("regexp_replace", 3, ", 1"),
    ("replace", 2, ", "),
    ("round", 1, ", 0"),
    ("rpad", 2, ",  "),
    ("sentences", 1, ", , "),
    ("sort_array", 1, ", true"),
    ("split", 2, ", -1"),
    ("str_to_map", 1, ", ,, :"),
    ("substr", 2, ", 2147483647"),
    ("substring", 2, ", 2147483647"),
];

/// The order of `array_sort` without a lambda.
const NULLS_LAST: &str = "lambdafunction((IF(((namedlambdavariable() IS NULL) AND (namedlambdavariable() IS NULL)), 0, (IF((namedlambdavariable() IS NULL), 1, (IF((namedlambdavariable() IS NULL), -1, (IF((namedlambdavariable() < namedlambdavariable()), -1, (IF((namedlambdavariable() > namedlambdavariable()), 1, 0)))))))))), namedlambdavariable(), namedlambdavariable())";

/// The name of a call, given the text of its arguments and their number.
pub(super) fn of(name: &str, arguments: &str, count: usize) -> String {
    match (name, count) {
        ("if", 3) => return format!("(IF({arguments}))"),
        ("isnull", 1) => return format!("({arguments} IS NULL)"),
        ("isnotnull", 1) => return format!("({arguments} IS NOT NULL)"),
        // A cast is called what it casts.
        (
            "tinyint" | "smallint" | "int" | "bigint" | "float" | "double" | "decimal" | "boolean"
            | "string" | "binary" | "date" | "timestamp",
            1,
        ) => return arguments.to_owned(),
        ("log", 1) => return format!("LOG(E(), {arguments})"),
        ("positive", 1) => return format!("(+ {arguments})"),
        ("approx_percentile" | "percentile_approx", 2) => {
            return format!("{name}({arguments}, 10000)");
        }
        ("to_varchar", 2) => return format!("to_char({arguments})"),
        ("listagg" | "string_agg", 1) => return format!("listagg({arguments}, NULL)"),
        ("string_agg", 2) => return format!("listagg({arguments})"),
        ("mode", 2) if arguments.ends_with(", false") => {
            return format!("mode({})", arguments.trim_end_matches(", false"));
        }
        ("percentile", 2) => return format!("percentile({arguments}, 1)"),
        ("assert_true", 1) => {
            return format!("assert_true({arguments}, '{arguments}' is not true!)");
        }
        ("array_sort", 1) => return format!("array_sort({arguments}, {NULLS_LAST})"),
        ("array_agg", 1) => return format!("collect_list({arguments})"),
        ("first" | "last" | "any_value", 2) => {
            let value = arguments.rsplit_once(", ").map_or(arguments, |(value, _)| value);
            return format!("{name}({value})");
        }
        _ => (),
    }
    let left_out = LEFT_OUT
        .iter()
        .find(|(known, given, _)| *known == name && *given == count)
        .map_or("", |(_, _, text)| text);
    let name = if CAPITALS.contains(&name) { name.to_uppercase() } else { name.to_owned() };
    format!("{name}({arguments}{left_out})")
}
