//! Functions of Spark that DataFusion lacks, or that give other values or types.

/// Makes a function the same as any other of its name, which is how DataFusion tells them apart.
macro_rules! same_by_name {
    ($function:ty) => {
        impl PartialEq for $function {
            fn eq(&self, other: &Self) -> bool {
                self.name == other.name
            }
        }

        impl Eq for $function {}

        impl std::hash::Hash for $function {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                self.name.hash(state);
            }
        }
    };
}

pub mod batch_time;
pub mod generators;

pub(super) mod aggregate;
pub(super) mod arithmetic;
pub(super) mod buckets;
pub(super) mod builtin;
pub(super) mod cast_as;
pub(super) mod choices;
pub(super) mod collections;
pub(super) mod common_type;
pub(super) mod comparison;
pub(super) mod conditional;
pub(super) mod datetime;
pub(super) mod equal_floats;
pub(super) mod float_extremes;
mod format_texts;
pub(super) mod lambdas;
pub(super) mod number_casts;
pub(super) mod record_options;
pub(super) mod relabel;
pub(super) mod widening;

mod csv;
mod define;
mod hashes;
mod json;
mod math;
mod nested_extremes;
mod spark;
mod strings;
mod timestamps;
mod window_time;

pub use batch_time::BATCH_TIME_FUNCTIONS;
