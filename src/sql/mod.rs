//! From SQL text to a streaming logical plan.
