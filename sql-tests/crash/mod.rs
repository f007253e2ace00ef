//! Crashes: after a failure at any write of any epoch, a restart gives what an undisturbed run
//! gives; two runs at once do no harm; a damaged file is named.
//!
//! `MILLSTREAM_CRASH_TABLE=1` prints, for each write and each way to fail there, what the restart
//! did.

mod damage;
mod durability;
mod points;
mod subject;
mod two_runs;

use std::time::Duration;

use millstream::testing::fault::FaultMode;

use crate::case::Case;
use crate::crash::subject::Sink;

/// All crashes.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for sink in Sink::ALL {
        for mode in FaultMode::ALL {
            let name = format!("crash/{}_{}", sink.name(), points::mode_name(mode));
            let case = Case::new(name, move || points::every_write(sink, mode));
            cases.push(case.within(Duration::from_secs(300)));
        }
    }
    cases.push(Case::new("crash/two_runs_at_once", two_runs::older_is_fenced));
    cases.push(Case::new("crash/every_write_is_synced", durability::every_write_is_synced));
    let damaged = Case::new("crash/damaged_files_are_named", damage::damaged_files_are_named);
    cases.push(damaged.within(Duration::from_secs(180)));
    cases
}
