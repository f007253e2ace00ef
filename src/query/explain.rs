//! The plans of a query as text, and what its stateful operators keep.
//!
//! ```text
//! == Physical Plan ==
//! ...
//!
//! == State ==
//! aggregate-0: append mode
//!   key: window, k
//!   bound: a row goes when window.end <= the watermark
//!   watermark: at, delay 10s
//! ```

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{ExecutionPlan, displayable};

use crate::error::internal_names::shown;
use crate::error::spelled::spelled;
use crate::logical::explain_mode::ExplainMode;
use crate::operators::node::StreamingNode;
use crate::operators::region::{StateBound, StatefulPlan};

/// The plans of a query, from what the user wrote to what is executed.
#[derive(Debug)]
pub struct Plans {
    /// As it was given.
    pub parsed: LogicalPlan,
    /// With the types and functions that it was found to mean.
    pub analyzed: LogicalPlan,
    /// After DataFusion's rules and ours.
    pub optimized: LogicalPlan,
    /// What is executed.
    pub physical: Arc<dyn ExecutionPlan>,
    /// The stateful operators, the one nearest to the sink first.
    pub operators: Vec<StatefulPlan>,
}

impl Plans {
    /// The plans as text.
    pub fn text(&self, mode: ExplainMode) -> String {
        let logical = |title: &str, plan: &LogicalPlan| {
            format!("== {title} Logical Plan ==\n{}\n\n", plan.display_indent())
        };
        let physical = displayable(self.physical.as_ref());
        let mut text = match mode {
            ExplainMode::Simple => format!("== Physical Plan ==\n{}", physical.indent(false)),
            ExplainMode::Extended => format!(
                "{}{}{}== Physical Plan ==\n{}",
                logical("Parsed", &self.parsed),
                logical("Analyzed", &self.analyzed),
                logical("Optimized", &self.optimized),
                physical.indent(false)
            ),
            ExplainMode::Cost => format!(
                "{}== Physical Plan ==\n{}",
                logical("Optimized", &self.optimized),
                physical.set_show_statistics(true).indent(false)
            ),
            ExplainMode::Formatted => format!("== Physical Plan ==\n{}", formatted(&self.physical)),
        };
        if !self.operators.is_empty() {
            // The text of a plan ends with its last line.
            let gap = if text.ends_with('\n') { "\n" } else { "\n\n" };
            let _written = write!(text, "{gap}== State ==\n{}", self.state());
        }
        shown(&text)
    }

    /// What the stateful operators keep, and until when.
    fn state(&self) -> String {
        let mut text = String::new();
        for operator in &self.operators {
            // Writing to a string cannot fail.
            let _written = writeln!(text, "{}: {} mode", operator.id, operator.mode);
            let key = keys(operator);
            let _written = match key.as_str() {
                "" => writeln!(text, "  key: none"),
                key => writeln!(text, "  key: {key}"),
            };
            let _written = writeln!(text, "  bound: {}", bound(&operator.bound));
            if let StateBound::Watermark { .. } = operator.bound {
                let _written = writeln!(text, "  watermark: {}", self.watermarks());
            }
        }
        text
    }

    /// The watermarks that the query declares.
    fn watermarks(&self) -> String {
        let mut found = BTreeSet::new();
        let walked = self.optimized.apply(|node| {
            let declared = StreamingNode::of(node).filter(|node| node.watermark().is_some());
            found.extend(declared.map(|operator| operator.describe()));
            Ok(TreeNodeRecursion::Continue)
        });
        match walked {
            Ok(_) => found.into_iter().collect::<Vec<_>>().join("; "),
            Err(error) => error.to_string(),
        }
    }

    /// What to say when the query starts and nothing will ever remove some of its state.
    ///
    /// Complete mode has to keep every group, which whoever chose it knows: EXPLAIN says so, the
    /// log does not.
    pub fn unbounded(&self) -> Option<String> {
        let mut unbounded = self.operators.iter().filter(|o| o.bound == StateBound::Unbounded);
        let first = unbounded.next()?;
        let list = unbounded.fold(named(first), |list, operator| list + " and " + &named(operator));
        Some(format!(
            "keeps state that grows without a bound: {list}; declare a watermark (WATERMARK ts DELAY OF INTERVAL ..; in the builder `with_watermark`) and group by that column or by a window of it, so that groups that no row can reach any more are removed"
        ))
    }
}

fn named(operator: &StatefulPlan) -> String {
    format!("`{}` with the key ({})", operator.id, keys(operator))
}

fn keys(operator: &StatefulPlan) -> String {
    operator.key.iter().map(|key| spelled(key)).collect::<Vec<_>>().join(", ")
}

fn bound(bound: &StateBound) -> StateBound {
    match bound {
        StateBound::Watermark { time } => StateBound::Watermark { time: spelled(time) },
        StateBound::OneRow | StateBound::Complete | StateBound::Unbounded => bound.clone(),
    }
}

/// An outline with numbers, then each node by its number, as in Spark: the leaves come first.
fn formatted(plan: &Arc<dyn ExecutionPlan>) -> String {
    let (mut outline, mut details, mut number) = (Vec::new(), String::new(), 0);
    add_node(plan, 0, &mut number, (&mut outline, &mut details));
    format!("{}\n{details}", outline.join("\n"))
}

fn add_node(
    plan: &Arc<dyn ExecutionPlan>,
    depth: usize,
    number: &mut usize,
    (outline, details): (&mut Vec<String>, &mut String),
) {
    let place = outline.len();
    outline.push(String::new());
    for child in plan.children() {
        add_node(child, depth + 1, number, (outline, details));
    }
    *number += 1;
    outline[place] = format!("{}{} ({number})", "  ".repeat(depth), plan.name());
    let line = displayable(plan.as_ref()).one_line().to_string();
    let detail = line.trim_end().strip_prefix(plan.name()).unwrap_or(&line);
    // Writing to a string cannot fail.
    let _written = writeln!(details, "\n({number}) {}", plan.name());
    match detail.trim_start_matches(':').trim() {
        "" => (),
        detail => details.push_str(&format!("{detail}\n")),
    }
}
