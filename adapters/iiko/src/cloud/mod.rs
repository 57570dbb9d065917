//! Asking iikoCloud.

mod settings;

use kopilka_contract::{Dialogue, Message, Next, Settings, Situation, Step, Unreadable};

pub use settings::CloudSettings;

use crate::webhook;

/// What comes next. The state is the one of this part alone.
pub(crate) fn step(situation: &Situation<'_>) -> Step {
    Step::new(Next::Off, situation.state.clone())
}

/// Reads what was fetched.
pub(crate) fn read(
    what: &str,
    _message: &Message<'_>,
    _settings: &Settings,
) -> Result<Box<dyn Dialogue>, Unreadable> {
    Err(Unreadable {
        reason: format!("nothing is fetched as `{what}`"),
        reply: webhook::nothing_here(),
    })
}
