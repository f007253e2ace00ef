//! `to_binary`, `try_to_binary` and `unbase64`: bytes from a text of hexadecimal digits, of Base64, or in UTF-8.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryBuilder};
use arrow::datatypes::DataType::{Binary, Utf8};
use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::BASE64_STANDARD;
use datafusion::error::Result;
use datafusion::logical_expr::ScalarUDF;

use crate::sql::functions::define::{Arguments, Call, Function, Given, texts};

/// All functions here.
pub(in crate::sql::functions) fn functions() -> Vec<Arc<ScalarUDF>> {
    [
        Function::new("to_binary", types, |args| to_binary(args, false)),
        Function::new("try_to_binary", types, |args| to_binary(args, true)),
        Function::new("unbase64", |given| texts(given, 1..=1, Binary), unbase64),
    ]
    .map(Function::udf)
    .to_vec()
}

fn types(given: &Given<'_>) -> Result<Call> {
    let count = given.count(1..=2)?;
    if given.types.iter().any(arrow::datatypes::DataType::is_nested) {
        return Err(given.refuse("a text"));
    }
    if count == 2
        && let Some(form) = given.constant_text(1)?
        && Form::parse(form).is_none()
    {
        return Err(given.refuse("'hex', 'utf-8', 'utf8' or 'base64' as its second argument"));
    }
    Ok(Call { takes: vec![Utf8; count], gives: Binary })
}

#[derive(Debug, Clone, Copy)]
enum Form {
    Hex,
    Text,
    Base64,
}

impl Form {
    fn parse(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "hex" => Some(Self::Hex),
            "utf-8" | "utf8" => Some(Self::Text),
            "base64" => Some(Self::Base64),
            _ => None,
        }
    }

    fn bytes(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Hex => {
                let digits = text.chars().map(|digit| digit.to_digit(16).map(|digit| digit as u8));
                let digits: Vec<u8> = digits.collect::<Option<_>>()?;
                // The first digit of an odd number of them is a byte of its own.
                let (first, pairs) = digits.split_at(digits.len() % 2);
                let pairs = pairs.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]);
                Some(first.iter().copied().chain(pairs).collect())
            }
            Self::Text => Some(text.as_bytes().to_vec()),
            Self::Base64 => {
                let plain: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
                BASE64_STANDARD.decode(plain).ok()
            }
        }
    }
}

fn to_binary(args: &Arguments, tries: bool) -> Result<ArrayRef> {
    let texts = args.text(0)?;
    let forms = if args.arrays.len() > 1 { Some(args.text(1)?) } else { None };
    let mut out = BinaryBuilder::new();
    for row in 0..args.rows {
        if !args.all_valid(row) {
            out.append_null();
            continue;
        }
        let form = forms.map_or(Some(Form::Hex), |forms| Form::parse(forms.value(row)));
        let form = form.ok_or_else(|| args.fail("there are 'hex', 'utf-8' and 'base64' only"))?;
        let bytes = form.bytes(texts.value(row));
        if bytes.is_none() && !tries {
            return Err(args.fail(format!(
                "`{}` is malformed; use try_to_binary to get NULL instead",
                texts.value(row)
            )));
        }
        out.append_option(bytes);
    }
    Ok(Arc::new(out.finish()))
}

/// Base64 that need not be padded, and whose last bits need not be zero.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// What is no letter of Base64 is passed over.
fn unbase64(args: &Arguments) -> Result<ArrayRef> {
    let mut out = BinaryBuilder::new();
    for text in args.text(0)? {
        let Some(text) = text else {
            out.append_null();
            continue;
        };
        let is_letter = |letter: &char| letter.is_ascii_alphanumeric() || "+/".contains(*letter);
        let letters: String =
            text.chars().take_while(|letter| *letter != '=').filter(is_letter).collect();
        let bytes = LENIENT
            .decode(letters)
            .map_err(|_error| args.fail(format!("`{text}` ends in the middle of a byte")))?;
        out.append_value(bytes);
    }
    Ok(Arc::new(out.finish()))
}
