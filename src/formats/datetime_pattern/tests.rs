//! What Spark answers for patterns.

use crate::event_time::zone::TimeZone;
use crate::formats::datetime_pattern::{Use, compile};

/// 2024-01-20 05:06:07.089 UTC.
const MOMENT: i64 = 1_705_727_167_089_000;

fn written(pattern: &str, micros: i64, zone: &str) -> String {
    let mut out = String::new();
    let pattern = compile(pattern, Use::Format).unwrap();
    pattern.format_timestamp(&mut out, micros, TimeZone::parse(zone).unwrap());
    out
}

/// What a text reads as, written in full.
fn read(text: &str, pattern: &str) -> Option<String> {
    let micros = compile(pattern, Use::Parse).unwrap().parse_timestamp(text, TimeZone::UTC)?;
    Some(written("yyyy-MM-dd HH:mm:ss.SSSSSS", micros, "UTC"))
}

#[test]
fn every_letter_is_written_as_spark_writes_it() {
    let pattern = "G GGGG y yy yyy yyyy yyyyyy D DD DDD M MM MMM MMMM L LLL d dd Q QQ QQQ QQQQ \
                   E EEE EEEE F a h hh K kk k H m s S SSS SSSSSSSSS VV z O OOOO X XX XXX XXXX \
                   XXXXX x xx xxx xxxxx Z ZZZZ ZZZZZ";
    let expected = "AD Anno Domini 2024 24 2024 2024 002024 20 20 020 1 01 Jan January 1 Jan 20 \
                    20 1 01 Q1 1st quarter Sat Sat Saturday 6 AM 5 05 5 05 5 5 6 7 0 089 \
                    089000000 UTC UTC GMT GMT Z Z Z Z Z +00 +0000 +00:00 +00:00 +0000 GMT Z";
    assert_eq!(written(pattern, MOMENT, "UTC"), expected);
    let zones = "VV z O OOOO X XX XXX XXXX XXXXX x xx xxx xxxxx Z ZZZZ ZZZZZ";
    let expected = "America/New_York EST GMT-5 GMT-05:00 -05 -0500 -05:00 -0500 -05:00 -05 -0500 \
                    -05:00 -05:00 -0500 GMT-05:00 -05:00";
    assert_eq!(written(zones, MOMENT, "America/New_York"), expected);
    assert_eq!(written("h hh K kk k H a", MOMENT - 5 * 3_600_000_000, "UTC"), "12 12 0 24 24 0 AM");
}

#[test]
fn years_of_other_lengths_have_signs() {
    let year = |micros| written("y yy yyyy", micros, "UTC");
    assert_eq!(year(317_261_178_367_089_000), "12023 23 +12023");
    assert_eq!(year(-63_553_000_000_000_000), "-44 44 -0044");
    assert_eq!(written("y yy yyyy G", -63_553_000_000_000_000, "UTC"), "45 45 0045 BC");
}

#[test]
fn quotes_and_sections_are_no_letters() {
    let pattern = "yyyy-MM-dd'T'HH:mm''ss[.SSS][XXX]'it''s'";
    assert_eq!(written(pattern, MOMENT, "UTC"), "2024-01-20T05:06'07.089Zit's");
}

#[test]
fn texts_are_read_as_spark_reads_them() {
    for (text, pattern, expected) in [
        ("2024-01-20 5:06", "yyyy-MM-dd H:mm", "2024-01-20 05:06:00.000000"),
        ("20240120050607", "yyyyMMddHHmmss", "2024-01-20 05:06:07.000000"),
        ("2024-01-20 05:06:07.12", "yyyy-MM-dd HH:mm:ss.SSSSSS", "2024-01-20 05:06:07.120000"),
        ("2024-01-20 05:06:07", "yyyy-MM-dd HH:mm:ss[.SSS]", "2024-01-20 05:06:07.000000"),
        ("20 jan 2024 PM 05", "dd MMM yyyy a hh", "2024-01-20 17:00:00.000000"),
        ("2024-01-20 05 +02:00", "yyyy-MM-dd HH XXX", "2024-01-20 03:00:00.000000"),
        ("2024-01-20 05 Z", "yyyy-MM-dd HH XXX", "2024-01-20 05:00:00.000000"),
        ("2024-01-20 05 Europe/Berlin", "yyyy-MM-dd HH VV", "2024-01-20 04:00:00.000000"),
        ("2024-01-20 05 PST", "yyyy-MM-dd HH z", "2024-01-20 13:00:00.000000"),
        ("2024-01-20 05 CEST", "yyyy-MM-dd HH z", "2024-01-20 04:00:00.000000"),
        ("12:30", "HH:mm", "1970-01-01 12:30:00.000000"),
        ("24", "yy", "2024-01-01 00:00:00.000000"),
        ("99-3-1", "yy-M-d", "2099-03-01 00:00:00.000000"),
        ("2024-366", "yyyy-DDD", "2024-12-31 00:00:00.000000"),
        ("+12024-02-10", "yyyy-MM-dd", "+12024-02-10 00:00:00.000000"),
        ("-0044-02-10", "yyyy-MM-dd", "-0044-02-10 00:00:00.000000"),
        ("0044-02-10 BC", "yyyy-MM-dd G", "-0043-02-10 00:00:00.000000"),
        ("2024-02-10 03", "yyyy-MM-dd hh", "2024-02-10 03:00:00.000000"),
        ("2024-02-10 12 AM", "yyyy-MM-dd hh a", "2024-02-10 00:00:00.000000"),
        ("2024-02-10 24", "yyyy-MM-dd kk", "2024-02-10 00:00:00.000000"),
        ("2024-02-10 GMT+8", "yyyy-MM-dd O", "2024-02-09 16:00:00.000000"),
        ("2024-02-10 +0800", "yyyy-MM-dd Z", "2024-02-09 16:00:00.000000"),
    ] {
        assert_eq!(read(text, pattern).as_deref(), Some(expected), "`{text}` as `{pattern}`");
    }
}

#[test]
fn texts_that_do_not_fit_are_refused() {
    for (text, pattern) in [
        ("20240120050607123", "yyyyMMddHHmmssSSS"),
        ("2023-366", "yyyy-DDD"),
        ("2024-02-30", "yyyy-MM-dd"),
        ("2024-02-10x", "yyyy-MM-dd"),
        ("12024-02-10", "yyyy-MM-dd"),
        ("2024-02-10 24", "yyyy-MM-dd HH"),
        ("24-2-10", "yyyy-MM-dd"),
        ("", "yyyy"),
        ("2024 ", "yyyy"),
        ("2024-01-20 13 AM", "yyyy-MM-dd HH a"),
        ("+0", "XXX"),
        ("\u{661}\u{662}:30", "HH:mm"),
    ] {
        assert_eq!(read(text, pattern), None, "`{text}` as `{pattern}`");
    }
}

#[test]
fn a_date_needs_no_time() {
    let pattern = compile("dd/MM/yyyy", Use::Parse).unwrap();
    assert_eq!(pattern.parse_date("02/01/1970"), Some(1));
    let mut out = String::new();
    compile("EEEE d. MMMM", Use::Format).unwrap().format_date(&mut out, 1);
    assert_eq!(out, "Friday 2. January");
}

#[test]
fn a_pattern_that_means_nothing_says_why() {
    for (pattern, why) in [
        ("EEEEE", "`E` cannot stand 5 times"),
        ("YYYY", "weeks and their years"),
        ("n", "the letter `n` means nothing"),
        ("zzzz", "full names of time zones"),
        ("ddd", "`d` cannot stand 3 times"),
        ("yyyy {", "`{` is reserved"),
        ("yyyy]", "`]` has no `[`"),
        ("'open", "a quote is not closed"),
    ] {
        let error = compile(pattern, Use::Format).unwrap_err().to_string();
        assert!(error.contains(why), "{pattern}: {error}");
    }
    assert!(compile("EEE", Use::Parse).is_err());
}
