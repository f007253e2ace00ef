//! CSV as Spark writes it: the expected texts are Spark's own.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array,
    Int32Array, Int64Array, ListArray, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::Int32Type;
use arrow::record_batch::RecordBatch;

use crate::formats::encode::csv::encoding::CsvEncoding;
use crate::formats::encode::csv::options::CsvWriteOptions;
use crate::formats::encode::encoder::FileEncoding;

fn write(options: CsvWriteOptions, columns: Vec<(&str, ArrayRef)>) -> String {
    let columns = columns.into_iter().map(|(name, column)| (name, column, true));
    let rows = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let mut encoder = CsvEncoding::new(options).start(&rows.schema()).unwrap();
    encoder.write(&rows).unwrap();
    let mut file = encoder.take();
    file.extend(encoder.finish().unwrap());
    String::from_utf8(file).unwrap()
}

/// The values of a column that is not the first, as they are written.
fn second(change: impl Fn(&mut CsvWriteOptions), values: &[Option<&str>]) -> Vec<String> {
    let mut options = CsvWriteOptions { line_end: "\u{1}".to_owned(), ..Default::default() };
    change(&mut options);
    let first = Int32Array::from(vec![1; values.len()]);
    let columns =
        vec![("i", Arc::new(first) as _), ("v", Arc::new(StringArray::from(values.to_vec())) as _)];
    let prefix = if options.quotes_all { "\"1\"," } else { "1," };
    let text = write(options, columns);
    let lines = text.strip_suffix('\u{1}').unwrap().split('\u{1}');
    lines.map(|line| line.strip_prefix(prefix).unwrap().to_owned()).collect()
}

const VALUES: [Option<&str>; 14] = [
    Some("a,b"),
    Some("say \"hi\""),
    Some("\"q\""),
    Some("line\nfeed"),
    Some("cr\rx"),
    Some(" lead"),
    Some("trail "),
    Some(""),
    None,
    Some("#hash"),
    Some("back\\slash"),
    Some("b\\\"q"),
    Some("  "),
    Some("a\\b,c"),
];

#[test]
fn values_are_quoted_as_spark_quotes_them() {
    assert_eq!(
        second(|_| (), &VALUES),
        [
            "\"a,b\"",
            "\"say \\\"hi\\\"\"",
            "\"\\\"q\\\"\"",
            "\"line\nfeed\"",
            "\"cr\rx\"",
            "lead",
            "trail",
            "\"\"",
            "",
            "#hash",
            "back\\slash",
            "\"b\\\\\\\"q\"",
            "\"\"",
            "\"a\\\\b,c\"",
        ]
    );
}

#[test]
fn all_values_are_quoted_where_that_is_asked_for() {
    let quoted = second(|options| options.quotes_all = true, &VALUES);
    assert_eq!(quoted[7..12], ["\"\"", "\"\"", "\"#hash\"", "\"back\\\\slash\"", "\"b\\\\\\\"q\""]);
    let named = |options: &mut CsvWriteOptions| {
        options.quotes_all = true;
        options.null_value = "N".to_owned();
        options.empty_value = "E".to_owned();
    };
    assert_eq!(second(named, &VALUES)[7..9], ["\"E\"", "\"N\""]);
}

#[test]
fn quotes_inside_stay_bare_where_they_need_no_escape() {
    let bare = second(|options| options.escapes_quotes = false, &VALUES);
    assert_eq!(bare[1..3], ["say \"hi\"", "\"\\\"q\\\"\""]);
    assert_eq!(bare[11], "b\\\"q");
}

#[test]
fn other_characters_quote_and_escape() {
    let doubled = |options: &mut CsvWriteOptions| {
        options.escape = '"';
        options.escape_of_escape = None;
    };
    let text = second(doubled, &VALUES);
    assert_eq!(
        [&text[1], &text[11], &text[13]],
        ["\"say \"\"hi\"\"\"", "\"b\\\"\"q\"", "\"a\\b,c\""]
    );
    let marked = |options: &mut CsvWriteOptions| options.escape_of_escape = Some('!');
    assert_eq!(second(marked, &VALUES)[11], "\"b!\\\\\"q\"");
    let single = |options: &mut CsvWriteOptions| options.quote = '\'';
    assert_eq!(second(single, &[Some("'"), Some("\"q\"")]), ["'\\''", "\"q\""]);
    let bars = |options: &mut CsvWriteOptions| options.null_value = "a,b".to_owned();
    assert_eq!(second(bars, &[None]), ["\"a,b\""]);
    let halved = |options: &mut CsvWriteOptions| options.empty_value = "a\"b".to_owned();
    assert_eq!(second(halved, &[Some("")]), ["\"a\\\"b\""]);
}

#[test]
fn blanks_stay_where_that_is_asked_for() {
    let kept = |options: &mut CsvWriteOptions| {
        options.trims_start = false;
        options.trims_end = false;
    };
    let values = [Some(" lead"), Some("trail "), Some(" ")];
    assert_eq!(second(kept, &values), [" lead", "trail ", " "]);
    // A blank is what is not above a space.
    assert_eq!(second(|_| (), &[Some("\u{a0}x\u{a0}"), Some("\u{2}z\t")]), ["\u{a0}x\u{a0}", "z"]);
}

#[test]
fn the_first_column_is_no_comment_and_an_only_column_is_never_an_empty_line() {
    let values = StringArray::from(vec![Some("#c"), None, Some(""), Some("p|q")]);
    let options = CsvWriteOptions { line_end: "|".to_owned(), ..Default::default() };
    assert_eq!(write(options, vec![("v", Arc::new(values))]), "\"#c\"|\"\"|\"\"|\"p|q\"|");
}

#[test]
fn a_header_and_values_of_all_types() {
    let times = TimestampMicrosecondArray::from(vec![1_704_164_645_123_456]);
    let decimals = Decimal128Array::from(vec![120]).with_precision_and_scale(10, 2).unwrap();
    let options = CsvWriteOptions { has_header: true, ..Default::default() };
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("a,b", Arc::new(Int64Array::from(vec![4]))),
        (" f ", Arc::new(Float32Array::from(vec![1.5]))),
        ("d", Arc::new(Float64Array::from(vec![1e10]))),
        ("n", Arc::new(Float64Array::from(vec![f64::NAN]))),
        ("dc", Arc::new(decimals)),
        ("bo", Arc::new(BooleanArray::from(vec![true]))),
        ("da", Arc::new(Date32Array::from(vec![19_724]))),
        ("t", Arc::new(times.clone().with_timezone("UTC"))),
        ("l", Arc::new(times)),
        ("x", Arc::new(BinaryArray::from_vec(vec![b"\x01\x02"]))),
        ("nu", Arc::new(Int32Array::from(vec![None]))),
    ];
    assert_eq!(
        write(options, columns),
        "\"a,b\",f,d,n,dc,bo,da,t,l,x,nu\n\
         4,1.5,1.0E10,NaN,1.20,true,2024-01-02,2024-01-02T03:04:05.123456Z,2024-01-02T03:04:05.123456,[01 02],\n"
    );
}

#[test]
fn a_column_that_csv_cannot_hold_is_named() {
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1)])]);
    let rows = RecordBatch::try_from_iter([("l", Arc::new(lists) as ArrayRef)]).unwrap();
    let error = CsvEncoding::default().start(&rows.schema()).unwrap_err().to_string();
    assert!(error.starts_with("column `l` of type"), "{error}");
}
