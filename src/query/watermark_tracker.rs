//! The one watermark of a query: the least of its inputs', or the greatest; it never goes back.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::event_time::watermark::{EventTimeStats, Watermark};
use crate::operators::report::WatermarkId;

/// The watermarks of all watermark nodes of a query, and what follows from them.
#[derive(Debug, Clone)]
pub struct WatermarkTracker {
    nodes: Vec<(WatermarkId, Duration, Watermark)>,
    policy_is_max: bool,
    global: Watermark,
}

impl WatermarkTracker {
    /// A tracker that goes on from `global`. What the single nodes had seen is not kept over a
    /// restart; they count again from nothing, which cannot move the watermark back.
    pub fn new(nodes: &[(WatermarkId, Duration)], policy_is_max: bool, global: Watermark) -> Self {
        let nodes = nodes.iter().map(|(id, delay)| (*id, *delay, Watermark::NONE)).collect();
        Self { nodes, policy_is_max, global }
    }

    /// Whether the query declares a watermark at all.
    pub const fn is_declared(&self) -> bool {
        !self.nodes.is_empty()
    }

    /// The watermark of the next epoch.
    pub const fn global(&self) -> Watermark {
        self.global
    }

    /// Takes in what the nodes saw in an epoch.
    pub fn advance(&mut self, seen: &BTreeMap<WatermarkId, EventTimeStats>) {
        for (id, delay, watermark) in &mut self.nodes {
            if let Some(reached) = seen.get(id).and_then(|stats| stats.watermark(*delay)) {
                *watermark = reached.max(*watermark);
            }
        }
        let all = self.nodes.iter().map(|(_, _, watermark)| *watermark);
        let chosen = if self.policy_is_max { all.max() } else { all.min() };
        self.global = chosen.map_or(self.global, |chosen| chosen.max(self.global));
    }

    /// What the first node with rows saw in an epoch.
    pub fn first_stats<'a>(
        &self,
        seen: &'a BTreeMap<WatermarkId, EventTimeStats>,
    ) -> Option<&'a EventTimeStats> {
        let stats = self.nodes.iter().filter_map(|(id, _, _)| seen.get(id));
        stats.into_iter().find(|stats| stats.count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(times: &[(usize, i64)]) -> BTreeMap<WatermarkId, EventTimeStats> {
        let stats = times.iter().map(|(id, at)| {
            let mut stats = EventTimeStats::default();
            stats.observe(*at);
            (WatermarkId(*id), stats)
        });
        stats.collect()
    }

    fn tracker(policy_is_max: bool) -> WatermarkTracker {
        let delay = Duration::from_secs(1);
        let nodes = [(WatermarkId(0), delay), (WatermarkId(1), delay)];
        WatermarkTracker::new(&nodes, policy_is_max, Watermark::NONE)
    }

    #[test]
    fn the_least_input_holds_the_query_back() {
        let mut tracker = tracker(false);
        tracker.advance(&seen(&[(0, 10_000)]));
        assert_eq!(tracker.global(), Watermark::NONE);
        tracker.advance(&seen(&[(1, 5_000)]));
        assert_eq!(tracker.global().as_millis(), 4_000);
    }

    #[test]
    fn the_greatest_input_pulls_the_query_on() {
        let mut tracker = tracker(true);
        tracker.advance(&seen(&[(0, 10_000)]));
        assert_eq!(tracker.global().as_millis(), 9_000);
    }

    #[test]
    fn a_watermark_never_goes_back() {
        let mut tracker = WatermarkTracker::new(
            &[(WatermarkId(0), Duration::ZERO)],
            false,
            Watermark::from_millis(50),
        );
        tracker.advance(&seen(&[(0, 20)]));
        assert_eq!(tracker.global().as_millis(), 50);
    }
}
