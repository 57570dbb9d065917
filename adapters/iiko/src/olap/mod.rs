//! Reconciliation with the restaurant's own server.

use kopilka_contract::{Dialogue, Message, Next, Settings, Situation, Step, Unreadable};

use crate::webhook;

/// What comes next. The state is the one of this part alone, and the errands are those whose keys begin with
/// [`crate::poll::SERVER_ERRAND`].
pub(crate) fn step(situation: &Situation<'_>) -> Step {
    Step::new(Next::Off, situation.state.clone())
}

/// Reads what was fetched as `server/<what>`.
pub(crate) fn read(
    what: &str,
    _message: &Message<'_>,
    _settings: &Settings,
) -> Result<Box<dyn Dialogue>, Unreadable> {
    Err(Unreadable {
        reason: format!("nothing is fetched as `server/{what}`"),
        reply: webhook::nothing_here(),
    })
}
