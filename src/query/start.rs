//! Starts a query: plans it, opens its sources and its sink, claims its checkpoint, recovers.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::FieldRef;
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use tempfile::TempDir;
use uuid::Uuid;

use crate::checkpoint::claim::{Claim, Places, RunEntry};
use crate::checkpoint::layout::Checkpoint;
use crate::checkpoint::query_metadata::QueryMetadata;
use crate::column_names::shown;
use crate::config::{Settings, Trigger};
use crate::connector::options::Options;
use crate::connector::output_mode::OutputMode;
use crate::connector::sink::{SinkBatch, SinkContext, SinkFactory, StreamSink};
use crate::connector::source::{MicroBatchSource, SourceContext};
use crate::connector::storage::{Location, Storage};
use crate::error::{Error, Result};
use crate::event_time::timestamp::iso_millis;
use crate::event_time::zone::TimeZone;
use crate::formats::type_name::spark_type_name;
use crate::operators::scan::StreamTable;
use crate::query::checkpoint_check::{check_sources, check_state, save_state_schemas, stored_ids};
use crate::query::epoch_loop::EpochLoop;
use crate::query::epoch_run::Run;
use crate::query::handle::{Identity, StreamingQuery};
use crate::query::listener::{Listeners, QueryStartedEvent};
use crate::query::planning::{QueryPlan, plan_query};
use crate::query::previous_run::{PreviousRun, this_process};
use crate::query::resume::{Logs, ResumePoint, resume};
use crate::query::static_tables::TableTracker;
use crate::query::watermark_tracker::WatermarkTracker;
use crate::runtime::clock::Clock;
use crate::runtime::task;
use crate::state::registry::StateRegistry;

/// What is to be started.
#[derive(Debug)]
pub struct StartArgs {
    /// The session that plans and executes.
    pub state: SessionState,
    /// The query.
    pub plan: LogicalPlan,
    /// What it writes.
    pub mode: OutputMode,
    /// When its epochs start.
    pub trigger: Trigger,
    /// The settings of the session.
    pub settings: Settings,
    /// The name of the query.
    pub name: Option<String>,
    /// Where it keeps what survives a crash.
    pub checkpoint: Location,
    /// That place, when it goes with the query.
    pub temporary: Option<TempDir>,
    /// Where its rows go.
    pub sink: SinkSpec,
    /// Opens locations.
    pub storage: Arc<dyn Storage>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Who hears of the query.
    pub listeners: Listeners,
}

/// Where rows go.
#[derive(Debug)]
pub enum SinkSpec {
    /// To a sink that is opened with these options.
    Format {
        /// The name of the format, for messages.
        format: String,
        /// Opens the sink.
        factory: Arc<dyn SinkFactory>,
        /// The options of the user.
        options: Options,
    },
    /// To a sink that is open.
    Open(Arc<dyn StreamSink>),
}

/// Starts a query. It runs on its own; the handle watches and stops it.
///
/// # Errors
/// Whatever is wrong with the query, its options, its sink or its checkpoint. What the sources
/// find when they run ends the query and is told by the handle.
pub async fn start(args: StartArgs, context: SinkContext) -> Result<StreamingQuery> {
    let Prepared { checkpoint, settings, plan, sink } = prepare(&args, context).await?;
    let metadata = QueryMetadata::load_or_create(&checkpoint, &Uuid::new_v4().to_string()).await?;
    let (run_id, claim) =
        claim_checkpoint(&args, &plan, sink.as_ref(), (checkpoint, &settings)).await?;
    // What the logs said before the claim may be old: the run before this one may have gone on.
    let checkpoint = Checkpoint::new(args.checkpoint.clone());
    let point = resume(read_logs(&checkpoint).await?, &checkpoint.location().given)?;
    if point == ResumePoint::default() {
        save_state_schemas(&checkpoint, &plan.operators).await?;
    } else {
        check_recovery(sink.as_ref(), args.mode, &checkpoint)?;
    }
    let sources = start_sources(&args, &settings, &checkpoint, &plan, &point).await?;
    let newest = point.fixed.as_ref().or(point.previous.as_ref());
    let tables = TableTracker::open(&plan.tables, &checkpoint, newest).await?;
    let identity = Identity {
        id: metadata.id.clone(),
        run_id,
        name: args.name.clone(),
        checkpoint: args.temporary.is_none().then(|| checkpoint.location().given.clone()),
        first_epoch: point.epoch,
        plans: Arc::clone(&plan.plans),
    };
    let query = StreamingQuery::new(identity, settings.recent_progress());
    let tracker = WatermarkTracker::new(
        &plan.watermarks,
        settings.watermark_policy_is_max(),
        point.watermark,
    );
    let state = StateRegistry::new(
        checkpoint.clone(),
        settings.min_deltas_for_snapshot(),
        Arc::clone(&plan.state.runtime_env().memory_pool),
    );
    let batch = SinkBatch {
        query_id: metadata.id.clone(),
        epoch: 0,
        run: claim.run(),
        mode: args.mode,
        schema: plan.physical.schema(),
    };
    let run = Run {
        query_id: metadata.id,
        plan,
        sources: Arc::new(sources),
        sink,
        batch,
        checkpoint,
        claim,
        state: Arc::new(state),
    };
    tell_started(&query, args.clock.now_millis(), &args.listeners).await;
    let epochs = EpochLoop {
        run,
        trigger: args.trigger,
        settings,
        clock: args.clock,
        shared: query.shared(),
        tracker,
        tables,
        epoch: point.epoch,
        fixed: point.fixed,
        done: point.previous.map(|entry| entry.sources).unwrap_or_default(),
        late: point.late,
        last_watermark: None,
        last_trigger: None,
        last_report: None,
        listeners: args.listeners,
        temporary: args.temporary,
    };
    task::spawn(epochs.run()).detach();
    Ok(query)
}

/// Finds what [`start`] would refuse, and changes nothing.
///
/// # Errors
/// As [`start`].
pub async fn check(args: &StartArgs, context: SinkContext) -> Result<()> {
    let Prepared { checkpoint, sink, .. } = prepare(args, context).await?;
    let point = resume(read_logs(&checkpoint).await?, &checkpoint.location().given)?;
    if point == ResumePoint::default() {
        return Ok(());
    }
    check_recovery(sink.as_ref(), args.mode, &checkpoint)
}

/// What a query needs before it claims its checkpoint.
struct Prepared {
    checkpoint: Checkpoint,
    settings: Settings,
    plan: QueryPlan,
    sink: Arc<dyn StreamSink>,
}

async fn prepare(args: &StartArgs, context: SinkContext) -> Result<Prepared> {
    check_trigger(args.trigger)?;
    let checkpoint = Checkpoint::new(args.checkpoint.clone());
    let settings = pinned_settings(&checkpoint, &args.settings).await?;
    let logs = read_logs(&checkpoint).await?;
    let plan = plan_for(args, &checkpoint, &settings, &logs).await?;
    check_fit(&checkpoint, &plan, &logs).await?;
    let sink = open_sink(args, &plan, context).await?;
    Ok(Prepared { checkpoint, settings, plan, sink })
}

/// The plan of a query over the state that the checkpoint has.
async fn plan_for(
    args: &StartArgs,
    checkpoint: &Checkpoint,
    settings: &Settings,
    logs: &Logs,
) -> Result<QueryPlan> {
    let planned = |ids| {
        let plan = args.plan.clone();
        async move { plan_query(&args.state, plan, args.mode, settings, &ids).await }
    };
    let plan = planned(BTreeMap::new()).await?;
    let Some((_, commit)) = &logs.committed else { return Ok(plan) };
    let stored = stored_ids(checkpoint, commit, &plan.operators).await?;
    if stored.is_empty() { Ok(plan) } else { planned(stored).await }
}

fn check_trigger(trigger: Trigger) -> Result<()> {
    if let Trigger::Continuous(_) = trigger {
        return Err(Error::unsupported(
            "continuous mode is not supported yet; use TRIGGER PROCESSING TIME '0 seconds', whose epochs follow each other without a pause",
        ));
    }
    Ok(())
}

/// Makes the checkpoint that of this run: from here on a run before it may do no more. Nothing was
/// changed until now.
async fn claim_checkpoint(
    args: &StartArgs,
    plan: &QueryPlan,
    sink: &dyn StreamSink,
    (checkpoint, settings): (Checkpoint, &Settings),
) -> Result<(String, Claim)> {
    let run_id = Uuid::new_v4().to_string();
    let entry = run_entry(args, plan, sink, &run_id);
    check_previous_run(&checkpoint, &entry, settings).await?;
    Ok((run_id, Claim::take(checkpoint, &entry).await?))
}

/// What this run says of itself in the checkpoint.
fn run_entry(args: &StartArgs, plan: &QueryPlan, sink: &dyn StreamSink, run_id: &str) -> RunEntry {
    let place = |(name, table): &(String, Arc<StreamTable>)| {
        let place = table.definition().place(args.storage.as_ref());
        place.map(|place| (name.clone(), place))
    };
    let schema = plan.physical.schema();
    let column = |field: &FieldRef| {
        format!("{} {}", shown(field.name()), spark_type_name(field.data_type()))
    };
    let places = Places {
        sources: plan.sources.iter().filter_map(place).collect(),
        sink: sink.to_string(),
        columns: schema.fields().iter().map(column).collect::<Vec<_>>().join(", "),
    };
    RunEntry {
        run_id: run_id.to_owned(),
        timestamp: args.clock.now_millis(),
        process: Some(this_process()),
        places: Some(places),
    }
}

/// Tells what this run replaces and what it changes.
async fn check_previous_run(
    checkpoint: &Checkpoint,
    entry: &RunEntry,
    settings: &Settings,
) -> Result<()> {
    let Some(previous) = PreviousRun::find(checkpoint).await? else { return Ok(()) };
    previous.take_over(checkpoint, settings.takeover())?;
    for change in entry.places.iter().flat_map(|places| previous.changes(places)) {
        tracing::warn!("checkpoint `{}`: {change}", checkpoint.location().given);
    }
    Ok(())
}

fn check_recovery(sink: &dyn StreamSink, mode: OutputMode, checkpoint: &Checkpoint) -> Result<()> {
    if sink.can_recover(mode) {
        return Ok(());
    }
    Err(Error::unsupported(format!(
        "{sink} keeps no rows over a restart and cannot go on from checkpoint `{}` in {mode} mode; use another checkpoint location, or complete mode",
        checkpoint.location().given,
    )))
}

/// Tells whoever has to know before the first epoch.
async fn tell_started(query: &StreamingQuery, now_millis: i64, listeners: &Listeners) {
    let shared = query.shared();
    if let Some(unbounded) = shared.plans.unbounded() {
        tracing::warn!("the query `{}` {unbounded}", shared.label());
    }
    let started = QueryStartedEvent {
        id: shared.id.clone(),
        run_id: shared.run_id.clone(),
        name: shared.name.clone(),
        timestamp: iso_millis(now_millis),
    };
    listeners.started(started).await;
}

/// The settings of the session, with those that the checkpoint keeps in place of their own.
async fn pinned_settings(checkpoint: &Checkpoint, settings: &Settings) -> Result<Settings> {
    let offsets = checkpoint.offsets();
    let Some(newest) = offsets.latest().await? else { return Ok(settings.clone()) };
    let entry = offsets.get(newest).await?;
    Ok(entry.map_or_else(|| settings.clone(), |entry| settings.with_pinned(&entry.conf)))
}

/// A query that reads what it writes would never come to an end.
fn refuse_own_input(args: &StartArgs, plan: &QueryPlan) -> Result<()> {
    let SinkSpec::Format { options, .. } = &args.sink else { return Ok(()) };
    let Some(output) = options.get("path") else { return Ok(()) };
    let written = args.storage.open(output)?;
    let reads = |(_, table): &&(String, Arc<StreamTable>)| {
        table.definition().reads_from(&written, args.storage.as_ref())
    };
    match plan.sources.iter().find(reads) {
        None => Ok(()),
        Some((name, _)) => Err(Error::invalid(format!(
            "the query would read its own output: its source `{name}` reads the files in \
             `{output}`, where it writes; give it another output path"
        ))),
    }
}

async fn open_sink(
    args: &StartArgs,
    plan: &QueryPlan,
    mut context: SinkContext,
) -> Result<Arc<dyn StreamSink>> {
    refuse_own_input(args, plan)?;
    context.schema = plan.physical.schema();
    let sink = match &args.sink {
        SinkSpec::Open(sink) => Arc::clone(sink),
        SinkSpec::Format { factory, options, .. } => factory.open(options, context).await?,
    };
    if !sink.supports(args.mode) {
        return Err(Error::unsupported(format!(
            "{sink} does not support {} mode; use append mode, or a sink that keeps changing results: memory, console, or a `foreach_batch` function",
            args.mode
        )));
    }
    Ok(sink)
}

async fn check_fit(checkpoint: &Checkpoint, plan: &QueryPlan, logs: &Logs) -> Result<()> {
    let Some((_, entry)) = &logs.newest else { return Ok(()) };
    let names: Vec<String> = plan.sources.iter().map(|(name, _)| name.clone()).collect();
    check_sources(checkpoint, entry, &names)?;
    let commit = logs.committed.as_ref().map(|(_, commit)| commit);
    check_state(checkpoint, commit, &plan.operators).await
}

/// The newest entries of the two logs.
pub(crate) async fn read_logs(checkpoint: &Checkpoint) -> Result<Logs> {
    let (offsets, commits) = (checkpoint.offsets(), checkpoint.commits());
    let mut logs = Logs::default();
    if let Some(newest) = offsets.latest().await? {
        logs.newest = offsets.get(newest).await?.map(|entry| (newest, entry));
        if let Some(before) = newest.checked_sub(1) {
            logs.before = offsets.get(before).await?;
        }
    }
    if let Some(newest) = commits.latest().await? {
        logs.committed = commits.get(newest).await?.map(|entry| (newest, entry));
    }
    Ok(logs)
}

async fn start_sources(
    args: &StartArgs,
    settings: &Settings,
    checkpoint: &Checkpoint,
    plan: &QueryPlan,
    point: &ResumePoint,
) -> Result<BTreeMap<String, Arc<dyn MicroBatchSource>>> {
    let newest = point.fixed.as_ref().or(point.previous.as_ref());
    let mut sources = BTreeMap::new();
    for (name, table) in &plan.sources {
        let context = SourceContext {
            folder: checkpoint.source(name),
            storage: Arc::clone(&args.storage),
            clock: Arc::clone(&args.clock),
            time_zone: TimeZone::parse(settings.time_zone())?,
        };
        let source = table.definition().start(context)?;
        let last = newest.and_then(|entry| entry.sources.get(name)).and_then(Option::as_ref);
        source.recover(last).await?;
        sources.insert(name.clone(), source);
    }
    Ok(sources)
}
