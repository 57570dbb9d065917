//! The log.

use thiserror::Error;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::util::TryInitError;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{Log, LogFormat};

/// Why there is no log.
#[derive(Debug, Error)]
pub enum TelemetryError {
    /// The level is no filter.
    #[error("settings: log.level: {0}")]
    Level(#[from] ParseError),
    /// A log was started before.
    #[error("the log can't be started: {0}")]
    Start(#[from] TryInitError),
}

/// Starts the log of this process, on standard error: standard output belongs to what a command answers.
///
/// # Errors
/// [`TelemetryError`]; a second call always fails.
pub fn start(settings: &Log) -> Result<(), TelemetryError> {
    let filter = EnvFilter::try_new(&settings.level)?;
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match settings.format {
        LogFormat::Text => lines
            .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
            .boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    Registry::default().with(lines.with_filter(filter)).try_init()?;
    Ok(())
}
