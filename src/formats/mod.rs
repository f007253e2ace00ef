//! Bytes to record batches and back.
