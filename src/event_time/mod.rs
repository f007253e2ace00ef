//! Event time as plain values: when something happened, how far a stream has come, and the windows
//! that time falls into. No I/O and no clock.

pub mod calendar;
pub mod interval;
pub mod text;
pub mod timestamp;
pub mod watermark;
pub mod window;
pub mod zone;

pub use interval::parse_interval;
pub use timestamp::EventTime;
pub use watermark::{EventTimeStats, Watermark};
pub use window::WindowSpec;
