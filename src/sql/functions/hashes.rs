//! `md5`, and `hash`: Spark's 32-bit Murmur3 with the seed 42, over values of any type but maps.
//!
//! `hash` takes the hash of the arguments before it as the seed of each; a null changes nothing.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, StringArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimeUnit, TimestampMicrosecondType,
};
use datafusion::error::Result;
use datafusion::logical_expr::ScalarUDF;
use md5::{Digest, Md5};

use crate::sql::functions::define::{Arguments, Call, Function, Given};

/// The seed of the first argument.
const SEED: u32 = 42;

/// All functions here.
pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    vec![Function::new("hash", types, hash).udf(), Function::new("md5", md5_types, md5).udf()]
}

fn md5_types(given: &Given<'_>) -> Result<Call> {
    given.count(1..=1)?;
    Ok(Call { takes: vec![DataType::Binary], gives: DataType::Utf8 })
}

fn md5(args: &Arguments) -> Result<ArrayRef> {
    let digests = args.binary(0)?.iter().map(|value| Some(format!("{:x}", Md5::digest(value?))));
    Ok(Arc::new(digests.collect::<StringArray>()))
}

fn types(given: &Given<'_>) -> Result<Call> {
    if given.types.is_empty() || given.types.iter().any(has_map) {
        return Err(given.refuse("one value or more, in which there are no maps"));
    }
    Ok(Call { takes: given.types.to_vec(), gives: DataType::Int32 })
}

fn has_map(data_type: &DataType) -> bool {
    match data_type {
        DataType::Map(_, _) => true,
        DataType::List(element) => has_map(element.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| has_map(field.data_type())),
        _ => false,
    }
}

fn hash(args: &Arguments) -> Result<ArrayRef> {
    let mut hashes = vec![SEED; args.rows];
    for array in &args.arrays {
        for (row, hash) in hashes.iter_mut().enumerate() {
            *hash = value(args, array, row, *hash)?;
        }
    }
    // The bits are those of a signed number.
    Ok(Arc::new(hashes.into_iter().map(|hash| hash as i32).collect::<Int32Array>()))
}

fn value(args: &Arguments, array: &ArrayRef, row: usize, seed: u32) -> Result<u32> {
    if array.is_null(row) {
        return Ok(seed);
    }
    Ok(match array.data_type() {
        DataType::Null => seed,
        DataType::Boolean => int(i32::from(array.as_boolean().value(row)), seed),
        DataType::Int8 => int(i32::from(array.as_primitive::<Int8Type>().value(row)), seed),
        DataType::Int16 => int(i32::from(array.as_primitive::<Int16Type>().value(row)), seed),
        DataType::Int32 => int(array.as_primitive::<Int32Type>().value(row), seed),
        DataType::Date32 => int(array.as_primitive::<Date32Type>().value(row), seed),
        DataType::Int64 => long(array.as_primitive::<Int64Type>().value(row), seed),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            long(array.as_primitive::<TimestampMicrosecondType>().value(row), seed)
        }
        // All NaN are one, and so are the two zeros.
        DataType::Float32 => {
            let number = array.as_primitive::<Float32Type>().value(row) + 0.0;
            let number = if number.is_nan() { f32::NAN } else { number };
            int(number.to_bits() as i32, seed)
        }
        DataType::Float64 => {
            let number = array.as_primitive::<Float64Type>().value(row) + 0.0;
            let number = if number.is_nan() { f64::NAN } else { number };
            long(number.to_bits() as i64, seed)
        }
        DataType::Decimal128(precision, _) => {
            let unscaled = array.as_primitive::<Decimal128Type>().value(row);
            match i64::try_from(unscaled) {
                Ok(short) if *precision <= 18 => long(short, seed),
                _ => bytes(shortest(unscaled).as_slice(), seed),
            }
        }
        DataType::Utf8 => bytes(array.as_string::<i32>().value(row).as_bytes(), seed),
        DataType::Binary => bytes(array.as_binary::<i32>().value(row), seed),
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            (0..items.len()).try_fold(seed, |seed, at| value(args, &items, at, seed))?
        }
        DataType::Struct(_) => {
            let fields = array.as_struct().columns();
            fields.iter().try_fold(seed, |seed, field| value(args, field, row, seed))?
        }
        other => {
            let name = crate::sql::types::spark_type_name(other);
            return Err(args.fail(format!("values of the type {name} cannot be hashed")));
        }
    })
}

/// The fewest bytes that hold the number, the highest first.
fn shortest(number: i128) -> Vec<u8> {
    let all = number.to_be_bytes();
    let sign = if number < 0 { 0xFF } else { 0 };
    let mut from = 0;
    while from < all.len() - 1 && all[from] == sign && (all[from + 1] ^ sign) & 0x80 == 0 {
        from += 1;
    }
    all[from..].to_vec()
}

fn int(number: i32, seed: u32) -> u32 {
    finish(mix(seed, number as u32), 4)
}

fn long(number: i64, seed: u32) -> u32 {
    let bits = number as u64;
    finish(mix(mix(seed, bits as u32), (bits >> 32) as u32), 8)
}

/// What is left after the last whole word is mixed byte by byte, each as a signed number.
fn bytes(all: &[u8], seed: u32) -> u32 {
    let (words, rest) = all.as_chunks::<4>();
    let hash = words.iter().fold(seed, |hash, word| mix(hash, u32::from_le_bytes(*word)));
    let hash = rest.iter().fold(hash, |hash, byte| mix(hash, i32::from(*byte as i8) as u32));
    finish(hash, all.len() as u32)
}

const fn mix(hash: u32, word: u32) -> u32 {
    let word = word.wrapping_mul(0xCC9E_2D51).rotate_left(15).wrapping_mul(0x1B87_3593);
    (hash ^ word).rotate_left(13).wrapping_mul(5).wrapping_add(0xE654_6B64)
}

const fn finish(hash: u32, length: u32) -> u32 {
    let mut hash = hash ^ length;
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85EB_CA6B);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xC2B2_AE35);
    hash ^ (hash >> 16)
}
