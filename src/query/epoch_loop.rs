//! The micro-batch loop of one run.
//!
//! Each turn asks the sources how far they could read, decides purely whether an epoch follows,
//! fixes it in the offset log, and runs it. What an epoch does is in
//! [`epoch_run`](crate::query::epoch_run); where a run begins, in [`resume`](crate::query::resume).

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use crate::checkpoint::offset_log::OffsetEntry;
use crate::config::{Settings, Trigger};
use crate::connector::source::ReadLimit;
use crate::error::{Error, Result};
use crate::event_time::timestamp::iso_millis;
use crate::event_time::watermark::Watermark;
use crate::metrics::phase;
use crate::query::epoch_run::{EpochOutcome, FixedEpoch, Run};
use crate::query::handle::Shared;
use crate::query::idleness::{IdleReport, idle_report};
use crate::query::listener::{
    Event, Listeners, QueryIdleEvent, QueryProgressEvent, QueryTerminatedEvent,
};
use crate::query::next_epoch::{Next, Offsets, Situation, next_epoch};
use crate::query::progress_report::{Idle, Report, idle, report};
use crate::query::static_tables::{TableTracker, Versions};
use crate::query::trigger::next_tick;
use crate::query::watermark_tracker::WatermarkTracker;
use crate::runtime::clock::{Clock, Durations, Stopwatch};

/// The state of the loop between two epochs.
pub(crate) struct EpochLoop {
    pub(crate) run: Run,
    pub(crate) trigger: Trigger,
    pub(crate) settings: Settings,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) tracker: WatermarkTracker,
    pub(crate) tables: TableTracker,
    /// The next epoch.
    pub(crate) epoch: u64,
    /// What the next epoch reads, if that was fixed before this run.
    pub(crate) fixed: Option<OffsetEntry>,
    /// How far the epochs so far have read.
    pub(crate) done: Offsets,
    /// The watermark of the epoch before the next.
    pub(crate) late: Watermark,
    /// The watermark of the last epoch of this run.
    pub(crate) last_watermark: Option<Watermark>,
    /// When the trigger before fired.
    pub(crate) last_trigger: Option<i64>,
    /// When an epoch, or an idle trigger, was reported last.
    pub(crate) last_report: Option<i64>,
    /// Who hears of the query.
    pub(crate) listeners: Listeners,
    /// A checkpoint that goes with the query.
    pub(crate) temporary: Option<TempDir>,
}

/// What a turn of the loop did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Ran,
    Idle,
}

impl EpochLoop {
    /// Runs epochs until the trigger is done, the query is stopped, or something fails.
    pub(crate) async fn run(mut self) {
        let ended = Box::pin(self.epochs()).await;
        self.run.state.finish_background().await;
        self.say_ended().await;
        let shared = Arc::clone(&self.shared);
        let listeners = self.listeners.clone();
        // The checkpoint of a query without one goes before anybody hears of its end.
        drop(self);
        if let Err(error) = &ended {
            tracing::error!(query = shared.label(), "the query failed: {error}");
        }
        let event = QueryTerminatedEvent::new(&shared.id, &shared.run_id, ended.as_ref().err());
        listeners.post(Event::Terminated(event));
        shared.end(ended.map_err(Arc::new));
    }

    /// Says in the checkpoint that the run has ended, so that the next one need not ask.
    async fn say_ended(&self) {
        if self.temporary.is_some() {
            return;
        }
        if let Err(error) = self.run.claim.end().await {
            tracing::debug!(%error, "the run could not say that it ended");
        }
    }

    async fn epochs(&mut self) -> Result<()> {
        match self.trigger {
            Trigger::Once => self.once().await,
            Trigger::AvailableNow => self.available_now().await,
            Trigger::ProcessingTime(interval) => self.processing_time(interval).await,
            Trigger::Continuous(_) => Err(Error::internal("continuous mode was not refused")),
        }
    }

    async fn once(&mut self) -> Result<()> {
        if self.fixed.is_some() {
            self.turn(ReadLimit::AllAvailable).await?;
        }
        self.turn(ReadLimit::AllAvailable).await?;
        Ok(())
    }

    async fn available_now(&mut self) -> Result<()> {
        if self.fixed.is_some() {
            self.turn(ReadLimit::Configured).await?;
        }
        for source in self.run.sources.values() {
            source.freeze_end().await?;
        }
        while !self.shared.shutdown.is_requested() {
            if self.turn(ReadLimit::Configured).await? == Turn::Idle {
                break;
            }
        }
        Ok(())
    }

    async fn processing_time(&mut self, interval: Duration) -> Result<()> {
        while !self.shared.shutdown.is_requested() {
            let next = next_tick(self.clock.now_millis(), interval);
            let turn = self.turn(ReadLimit::Configured).await?;
            if interval.is_zero() {
                if turn == Turn::Idle {
                    self.wait_for_data().await;
                }
            } else {
                self.wait_for_tick(next).await;
            }
        }
        Ok(())
    }

    async fn wait_for_data(&self) {
        let delay = self.settings.polling_delay_millis();
        let until = self.clock.now_millis().saturating_add(delay);
        tokio::select! {
            () = self.clock.sleep_until(until) => (),
            () = self.shared.wake.notified() => (),
            () = self.shared.shutdown.requested() => (),
        }
    }

    async fn wait_for_tick(&self, next: i64) {
        self.shared.set_status("Waiting for next trigger", false, false);
        tokio::select! {
            () = self.clock.sleep_until(next) => (),
            () = self.shared.shutdown.requested() => (),
        }
    }

    /// One trigger: runs an epoch if one is due.
    async fn turn(&mut self, limit: ReadLimit) -> Result<Turn> {
        let requests = self.shared.requests();
        let watch = Stopwatch::start();
        let durations = Durations::default();
        let fired = self.clock.now_millis();
        let since = self.last_trigger.replace(fired).map(|last| fired.saturating_sub(last));
        // An idle run that another has replaced must not reach for the sources any more.
        self.run.claim.check().await?;
        let fixed = match self.fixed.take() {
            Some(entry) => {
                let tables = self.tables.fixed(self.epoch, &entry).await?;
                Some(self.fixed_epoch(entry, tables))
            }
            None => self.fix_next(limit, &durations).await?,
        };
        let Some(fixed) = fixed else {
            durations.add(phase::TRIGGER_EXECUTION, watch.elapsed());
            self.report_idle(fired, &durations);
            self.shared.set_status("Waiting for data to arrive", false, false);
            self.shared.set_idle(requests);
            return Ok(Turn::Idle);
        };
        let has_data = fixed.start != fixed.entry.sources;
        let doing =
            if has_data { "Processing new data" } else { "No new data but cleaning up state" };
        self.shared.set_status(doing, has_data, true);
        let outcome = self.run.execute(&fixed, &mut self.tracker, &durations).await?;
        durations.add(phase::TRIGGER_EXECUTION, watch.elapsed());
        self.report(&fixed, &outcome, (fired, since), &durations);
        self.advance(fixed);
        self.tidy();
        Ok(Turn::Ran)
    }

    fn fixed_epoch(&self, entry: OffsetEntry, tables: Versions) -> FixedEpoch {
        FixedEpoch { epoch: self.epoch, entry, start: self.done.clone(), tables, late: self.late }
    }

    /// Asks the sources, decides, and fixes the next epoch in the offset log.
    async fn fix_next(
        &mut self,
        limit: ReadLimit,
        durations: &Durations,
    ) -> Result<Option<FixedEpoch>> {
        let watch = Stopwatch::start();
        let available = self.available(limit).await?;
        durations.add(phase::LATEST_OFFSET, watch.elapsed());
        let next = next_epoch(&Situation {
            done: &self.done,
            available: &available,
            may_run_empty: self.settings.no_data_epochs()
                && self.trigger != Trigger::Once
                && self.run.plan.operators.iter().any(|operator| operator.evicts),
            watermark_moved: self.last_watermark.is_some_and(|last| self.tracker.global() > last),
        });
        if next == Next::Wait {
            return Ok(None);
        }
        let watch = Stopwatch::start();
        let tables = self.tables.refresh(self.epoch).await?;
        let entry = OffsetEntry {
            watermark: self.tracker.global(),
            // Asked after the sources: no row of the epoch is younger.
            timestamp: self.clock.now_millis(),
            conf: self.settings.pinned(),
            sources: available,
            tables: tables.iter().map(|(name, table)| (name.clone(), table.since)).collect(),
        };
        self.shared.set_message("Writing offsets to log");
        let (entry, tables) = match self.log_offsets(&entry).await? {
            None => (entry, tables),
            Some(other) => {
                let tables = self.tables.fixed(self.epoch, &other).await?;
                (other, tables)
            }
        };
        durations.add(phase::WAL_COMMIT, watch.elapsed());
        for (name, end) in &self.done {
            if let (Some(source), Some(end)) = (self.run.sources.get(name), end) {
                source.commit(end).await?;
            }
        }
        Ok(Some(self.fixed_epoch(entry, tables)))
    }

    async fn available(&self, limit: ReadLimit) -> Result<Offsets> {
        let mut available = Offsets::new();
        for (name, source) in self.run.sources.iter() {
            self.shared.set_message(&format!("Getting offsets from {source}"));
            let start = self.done.get(name).and_then(Option::as_ref);
            let latest = source.latest_offset(start, limit).await?;
            available.insert(name.clone(), latest.or_else(|| start.cloned()));
        }
        Ok(available)
    }

    /// Writes `offsets/N`. A run that was replaced may have fixed this very epoch after this run
    /// read the log: then the epoch is what that run made it, which is given.
    async fn log_offsets(&self, entry: &OffsetEntry) -> Result<Option<OffsetEntry>> {
        let log = self.run.checkpoint.offsets();
        match log.add(self.epoch, entry).await {
            Ok(()) => Ok(None),
            Err(Error::AlreadyExists { path }) => {
                self.run.claim.check().await?;
                let fixed = log.get(self.epoch).await?;
                let fixed =
                    fixed.ok_or_else(|| Error::corrupt(path, "it was there, and is missing"))?;
                Ok(Some(fixed))
            }
            Err(error) => Err(error),
        }
    }

    fn advance(&mut self, fixed: FixedEpoch) {
        self.epoch += 1;
        self.late = fixed.entry.watermark;
        self.last_watermark = Some(fixed.entry.watermark);
        self.done = fixed.entry.sources;
    }

    fn report(
        &mut self,
        fixed: &FixedEpoch,
        outcome: &EpochOutcome,
        (fired, since): (i64, Option<i64>),
        durations: &Durations,
    ) {
        let progress = report(&Report {
            shared: &self.shared,
            run: &self.run,
            tracker: &self.tracker,
            fixed,
            outcome,
            timestamp: iso_millis(fired),
            since_last_millis: since,
            durations: durations.take(),
        });
        tracing::debug!(query = self.shared.label(), progress = %progress.json());
        self.last_report = Some(self.clock.now_millis());
        let event = QueryProgressEvent { progress: progress.clone() };
        self.shared.add_progress(progress);
        self.listeners.post(Event::Progress(Box::new(event)));
    }

    /// Says now and then that there was nothing to do.
    fn report_idle(&mut self, fired: i64, durations: &Durations) {
        let now = self.clock.now_millis();
        let interval = self.settings.idle_interval_millis();
        let how = idle_report(self.last_report, now, interval);
        if how == IdleReport::No {
            return;
        }
        self.last_report = Some(now);
        let timestamp = iso_millis(fired);
        self.shared.add_progress(idle(&Idle {
            shared: &self.shared,
            run: &self.run,
            tracker: &self.tracker,
            epoch: self.epoch,
            done: &self.done,
            timestamp: timestamp.clone(),
            durations: durations.take(),
        }));
        if how == IdleReport::Told {
            let (id, run_id) = (self.shared.id.clone(), self.shared.run_id.clone());
            self.listeners.post(Event::Idle(QueryIdleEvent { id, run_id, timestamp }));
        }
    }

    /// Removes what recovery no longer needs, now and then, beside the epochs.
    fn tidy(&self) {
        let retain = self.settings.min_batches_to_retain();
        let every = (retain / 10).max(1);
        if self.epoch > retain && self.epoch.is_multiple_of(every) {
            self.run.purge_before(self.epoch - retain);
        }
    }
}
