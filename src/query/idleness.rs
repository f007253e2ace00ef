//! Whether a trigger that found nothing to do is told of: a pure decision, as Spark makes it.
//!
//! | since the last report                    | kept in the progress | listeners hear of it |
//! |------------------------------------------|----------------------|----------------------|
//! | there was none yet                       | yes                  | no                   |
//! | the interval has passed                  | yes                  | yes                  |
//! | less                                     | no                   | no                   |

/// How a trigger that found nothing to do is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IdleReport {
    /// Not at all.
    No,
    /// By a report that is kept.
    Kept,
    /// By a report that is kept and an event.
    Told,
}

/// Decides at `now`; `last` is when the newest epoch or idle trigger was reported. In milliseconds.
pub(crate) const fn idle_report(last: Option<i64>, now: i64, interval: i64) -> IdleReport {
    match last {
        None => IdleReport::Kept,
        Some(last) if now.saturating_sub(last) >= interval => IdleReport::Told,
        Some(_) => IdleReport::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_kept_and_then_one_for_each_interval_is_told() {
        assert_eq!(idle_report(None, 5, 10_000), IdleReport::Kept);
        assert_eq!(idle_report(Some(5), 10_004, 10_000), IdleReport::No);
        assert_eq!(idle_report(Some(5), 10_005, 10_000), IdleReport::Told);
    }
}
