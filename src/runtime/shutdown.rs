//! A stop signal: raised once, seen by all who wait for it.

use std::sync::Arc;

use tokio::sync::watch;

/// A stop signal. Clones share it.
#[derive(Debug, Clone)]
pub struct Shutdown(Arc<watch::Sender<bool>>);

impl Default for Shutdown {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Shutdown {
    /// Asks all who listen to stop. Asking again has no effect.
    pub fn request(&self) {
        self.0.send_replace(true);
    }

    /// Whether somebody asked to stop.
    pub fn is_requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when somebody asks to stop.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn requested(&self) {
        let mut signal = self.0.subscribe();
        let _raised = signal.wait_for(|stop| *stop).await;
    }
}
