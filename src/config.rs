//! Settings: `config/default.toml`, which is part of the program, then a file, then `KOPILKA__…` variables.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use config::{Config, Environment, File, FileFormat};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use thiserror::Error as ThisError;

use crate::api::proxies::TrustedProxies;
use crate::storage::StoreOptions;
use crate::storage::connection::without_password;
use crate::worker::polling::PrivateAddresses;

const DEFAULTS: &str = include_str!("../config/default.toml");
/// The file that is read where none is named and it exists.
const LOCAL_FILE: &str = "config/local.toml";
const PREFIX: &str = "KOPILKA";
/// Begins the variables that are ours; others that begin with KOPILKA_ belong to tests and tools.
const PREFIX_OF_VARIABLES: &str = "KOPILKA__";

/// Settings that can't be used, in a sentence that says which and why.
#[derive(Debug, ThisError)]
#[error("settings: {0}")]
pub struct SettingsError(String);

/// Every setting. `config/default.toml` says what each means.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where the service listens.
    pub listen: SocketAddr,
    /// The address that people and tills reach it by; empty: see [`Settings::public_url`].
    public_url: String,
    /// This instance's number, a part of every id.
    pub node: u8,
    /// What stands in front of the service.
    pub http: Http,
    /// The database.
    pub database: Database,
    /// The commit pipeline.
    pub ledger: Ledger,
    /// What is logged, and how.
    pub log: Log,
    /// What a client may ask of the service.
    pub limits: Limits,
    /// The tills' raw messages.
    pub inbox: Inbox,
    /// How often the jobs look for work.
    pub jobs: Jobs,
    /// Asking vendors' systems.
    pub polling: Polling,
}

/// Asking vendors' systems.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Polling {
    /// Whether the addresses that connections name may lie inside the service's own network.
    pub private_addresses: PrivateAddresses,
}

/// What stands in front of the service.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// The proxies whose word on their clients is taken.
    #[serde(deserialize_with = "proxies")]
    pub trusted_proxies: TrustedProxies,
}

fn proxies<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TrustedProxies, D::Error> {
    let text = String::deserialize(deserializer)?;
    let read: Result<_, String> = text.parse();
    read.map_err(|fault| D::Error::custom(format!("trusted_proxies: {fault}")))
}

/// The database.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `sqlite:FILE` or `postgres://…`. May hold a password: log it without.
    pub url: String,
    /// Most connections, the ledger's writers not counted.
    pub pool_size: u32,
    wait_ms: u64,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("url", &without_password(&self.url))
            .field("pool_size", &self.pool_size)
            .field("wait_ms", &self.wait_ms)
            .finish()
    }
}

impl Database {
    /// How to open it.
    pub fn options(&self) -> StoreOptions {
        StoreOptions {
            url: self.url.clone(),
            pool_size: self.pool_size,
            wait: Duration::from_millis(self.wait_ms),
        }
    }
}

/// The commit pipeline.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ledger {
    /// Most commands that wait for a writer.
    pub queue: usize,
    /// Most commands in one commit.
    pub batch: usize,
    /// Writers on PostgreSQL.
    pub writers: usize,
}

/// What is logged, and how.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// Directives of `tracing_subscriber::EnvFilter`.
    pub level: String,
    /// For whom.
    pub format: LogFormat,
}

/// For whom the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For log collectors.
    Json,
}

/// What a client may ask of the service.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    header_timeout_ms: u64,
    requests_per_minute_per_key: u32,
    bulk_body_mib: u32,
}

impl Limits {
    /// How long a client may take to send the headers.
    pub fn header_timeout(&self) -> Duration {
        Duration::from_millis(self.header_timeout_ms)
    }

    /// Most bytes of a message by which a till's system sends much at once.
    pub fn bulk_body(&self) -> usize {
        let mib = usize::try_from(self.bulk_body_mib).unwrap_or(usize::MAX);
        mib.saturating_mul(1024 * 1024)
    }

    /// Requests of one key in one minute; `None`: as many as it likes.
    pub fn requests_per_minute_per_key(&self) -> Option<u32> {
        Some(self.requests_per_minute_per_key).filter(|n| *n > 0)
    }
}

/// The tills' raw messages.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inbox {
    keep_days: u32,
}

impl Inbox {
    /// For how many days messages are kept; `None`: for ever.
    pub fn keep_days(&self) -> Option<u32> {
        Some(self.keep_days).filter(|n| *n > 0)
    }
}

/// How often the jobs look for work.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jobs {
    expiry_seconds: u64,
    inactivity_seconds: u64,
    checkpoint_seconds: u64,
    cleaning_seconds: u64,
    polling_seconds: u64,
    watch_seconds: u64,
}

impl Jobs {
    /// Writing off bonuses whose time is over; `None`: not on this instance.
    pub fn expiry(&self) -> Option<Duration> {
        interval(self.expiry_seconds)
    }

    /// Taking the bonuses of customers who have not bought for long; `None`: not on this instance.
    pub fn inactivity(&self) -> Option<Duration> {
        interval(self.inactivity_seconds)
    }

    /// Sealing the books; `None`: not on this instance.
    pub fn checkpoint(&self) -> Option<Duration> {
        interval(self.checkpoint_seconds)
    }

    /// Looking after the links to tills; `None`: not on this instance.
    pub fn watch(&self) -> Option<Duration> {
        interval(self.watch_seconds)
    }

    /// Dropping what is old; `None`: not on this instance.
    pub fn cleaning(&self) -> Option<Duration> {
        interval(self.cleaning_seconds)
    }

    /// Asking the vendors' systems; `None`: not on this instance.
    pub fn polling(&self) -> Option<Duration> {
        interval(self.polling_seconds)
    }
}

fn interval(seconds: u64) -> Option<Duration> {
    Some(Duration::from_secs(seconds)).filter(|d| !d.is_zero())
}

impl Settings {
    /// Reads the defaults, the file (where none is named: `config/local.toml`, if it is there), and the process's
    /// variables.
    ///
    /// # Errors
    /// [`SettingsError`] names the setting and says what is wrong.
    pub fn load(file: Option<&Path>) -> Result<Self, SettingsError> {
        let file = match file {
            Some(file) => Some(file),
            None => Some(Path::new(LOCAL_FILE)).filter(|path| path.exists()),
        };
        let text = file
            .map(|path| {
                std::fs::read_to_string(path)
                    .map(|text| (path.display().to_string(), text))
                    .map_err(|e| SettingsError(format!("{} can't be read: {e}", path.display())))
            })
            .transpose()?;
        // vars() would panic at a variable that is not UTF-8, whosever it is.
        let mut variables = Vec::new();
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else { continue };
            if !name.starts_with(PREFIX_OF_VARIABLES) {
                continue;
            }
            let value = value
                .into_string()
                .map_err(|_| SettingsError(format!("{name} is not UTF-8 text")))?;
            variables.push((name, value));
        }
        Self::from_parts(text, variables)
    }

    /// Reads the defaults, the text of a file with its name, and variables.
    fn from_parts(
        file: Option<(String, String)>,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, SettingsError> {
        let defaults = File::from_str(DEFAULTS, FileFormat::Toml);
        let mut builder = Config::builder().add_source(defaults);
        if let Some((name, text)) = file {
            // By itself first, so that an error can name the file.
            let parsed = Config::builder()
                .add_source(File::from_str(&text, FileFormat::Toml))
                .build()
                .map_err(|e| SettingsError(format!("{name}: {e}")))?;
            builder = builder.add_source(parsed);
        }
        builder = builder.add_source(
            Environment::with_prefix(PREFIX)
                .prefix_separator("__")
                .separator("__")
                .source(Some(variables.into_iter().collect())),
        );
        let settings: Settings = builder
            .build()
            .and_then(Config::try_deserialize)
            .map_err(|e| SettingsError(e.to_string()))?;
        settings.check()?;
        Ok(settings)
    }

    /// What a type can't say.
    fn check(&self) -> Result<(), SettingsError> {
        let positive = [
            ("database.pool_size", u64::from(self.database.pool_size)),
            ("database.wait_ms", self.database.wait_ms),
            ("ledger.queue", self.ledger.queue as u64),
            ("ledger.batch", self.ledger.batch as u64),
            ("ledger.writers", self.ledger.writers as u64),
            ("limits.header_timeout_ms", self.limits.header_timeout_ms),
            ("limits.bulk_body_mib", u64::from(self.limits.bulk_body_mib)),
        ];
        if let Some((name, _)) = positive.into_iter().find(|(_, value)| *value == 0) {
            return Err(SettingsError(format!("{name} must be at least 1")));
        }
        if self.ledger.batch > 4096 {
            return Err(SettingsError("ledger.batch must be at most 4096".to_owned()));
        }
        let url = &self.public_url;
        if !(url.is_empty() || url.starts_with("http://") || url.starts_with("https://")) {
            return Err(SettingsError(
                "public_url must begin with http:// or https://".to_owned(),
            ));
        }
        Ok(())
    }

    /// The address that people and tills reach the service by, without a slash at its end.
    pub fn public_url(&self) -> String {
        match self.public_url.trim_end_matches('/') {
            // What listens on every address has none that a browser could open.
            "" if self.listen.ip().is_unspecified() => format!("http://localhost:{}", self.listen.port()),
            "" => format!("http://{}", self.listen),
            url => url.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(file: Option<&str>, variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        Settings::from_parts(
            file.map(|text| ("shop.toml".to_owned(), text.to_owned())),
            variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        )
    }

    #[test]
    fn the_defaults_are_complete() {
        let settings = with(None, &[]).unwrap();
        assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(settings.public_url(), "http://127.0.0.1:8080");
        let everywhere = with(None, &[("KOPILKA__LISTEN", "0.0.0.0:8080")]).unwrap();
        assert_eq!(everywhere.public_url(), "http://localhost:8080");
        assert_eq!(settings.database.url, "sqlite:kopilka.db");
        assert_eq!(settings.ledger.batch, 256);
        assert_eq!(settings.log.format, LogFormat::Text);
        assert_eq!(settings.jobs.expiry(), Some(Duration::from_secs(60)));
    }

    #[test]
    fn variables_win_over_the_file_and_the_file_over_the_defaults() {
        let settings = with(
            Some("node = 3\npublic_url = \"https://bonus.example/\"\n[ledger]\nbatch = 16\nqueue = 99\n"),
            &[
                ("KOPILKA__LEDGER__BATCH", "32"),
                ("KOPILKA__LISTEN", "[::1]:9000"),
                ("KOPILKA__LIMITS__REQUESTS_PER_MINUTE_PER_KEY", "0"),
                ("KOPILKA__LOG__FORMAT", "json"),
                ("KOPILKA_TEST_POSTGRES", "not ours"),
            ],
        )
        .unwrap();
        assert_eq!(settings.node, 3);
        assert_eq!((settings.ledger.batch, settings.ledger.queue), (32, 99));
        assert_eq!(settings.ledger.writers, 2);
        assert_eq!(settings.listen.port(), 9000);
        assert_eq!(settings.limits.requests_per_minute_per_key(), None);
        assert_eq!(settings.log.format, LogFormat::Json);
        assert_eq!(settings.public_url(), "https://bonus.example");
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (file, variables, words) in [
            (Some("[ledger]\nbatches = 1\n"), &[][..], &["batches"][..]),
            (Some("listen = \n"), &[], &["shop.toml"]),
            (Some("node = 256\n"), &[], &["node"]),
            (
                None,
                &[("KOPILKA__DATABSE__URL", "sqlite:x")],
                &["unknown field", "databse"],
            ),
            (None, &[("KOPILKA__LEDGER__BATCH", "many")], &["batch", "many"]),
            (
                None,
                &[("KOPILKA__LEDGER__QUEUE", "0")],
                &["ledger.queue must be at least 1"],
            ),
            (
                None,
                &[("KOPILKA__PUBLIC_URL", "bonus.example")],
                &["public_url must begin"],
            ),
            (None, &[("KOPILKA__LOG__FORMAT", "xml")], &["xml"]),
            (
                None,
                &[("KOPILKA__HTTP__TRUSTED_PROXIES", "127.0.0.1, proxy")],
                &["trusted_proxies", "proxy"],
            ),
            (
                None,
                &[("KOPILKA__POLLING__PRIVATE_ADDRESSES", "yes")],
                &["private_addresses", "yes"],
            ),
        ] {
            let error = with(file, variables).unwrap_err().to_string();
            assert!(error.starts_with("settings: "), "{error}");
            for word in words {
                assert!(error.contains(word), "{error}");
            }
        }
    }

    #[test]
    fn a_password_is_not_printed() {
        let settings = with(None, &[("KOPILKA__DATABASE__URL", "postgres://u:secret@h/d")]).unwrap();
        let printed = format!("{settings:?}");
        assert!(
            !printed.contains("secret") && printed.contains("postgres://u@h/d"),
            "{printed}"
        );
    }

    #[test]
    fn the_readmes_name_every_setting_and_its_default() {
        fn flatten(prefix: &str, table: config::Map<String, config::Value>, all: &mut Vec<(String, String)>) {
            for (name, value) in table {
                match value.kind {
                    config::ValueKind::Table(inner) => flatten(&format!("{prefix}{name}."), inner, all),
                    _ => all.push((format!("{prefix}{name}"), value.to_string())),
                }
            }
        }
        let defaults = Config::builder()
            .add_source(File::from_str(DEFAULTS, FileFormat::Toml))
            .build()
            .unwrap();
        let mut all = Vec::new();
        flatten("", defaults.try_deserialize().unwrap(), &mut all);
        assert!(all.len() >= 18);
        for readme in [include_str!("../README.md"), include_str!("../README.ru.md")] {
            for (name, value) in &all {
                let start = match value.as_str() {
                    "" => format!("| `{name}` | |"),
                    value => format!("| `{name}` | `{value}` |"),
                };
                assert!(readme.contains(&start), "{start}");
            }
            let rows = readme.lines().filter(|l| l.starts_with("| `")).count();
            assert_eq!(rows, all.len(), "no row for a setting that is gone");
        }
    }
}
