//! The command line: one file per command. Answers go to standard output, the log and errors to standard error.

mod backup;
mod bench;
mod connect;
mod demo;
mod health;
mod inbox;
mod local_time;
mod migrate;
mod reconcile;
mod serve;
mod simulate;
mod till_kind;
mod user;
mod verify;

use std::fmt::Display;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use kopilka_contract::{Language, Words};

use crate::config::Settings;
use crate::storage::Store;
use crate::telemetry;

/// Why a command failed: a sentence for the person who typed it.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Kopilka, a loyalty service: a receipt that comes from a till becomes exactly one right posting in the bonus ledger.
#[derive(Debug, Parser)]
#[command(name = "kopilka", version, about)]
struct Cli {
    /// File of settings; without it config/local.toml, if it is there. KOPILKA__… variables win over both.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the service: brings the schema up to date, then listens
    Serve,
    /// Start with a throw-away database of a demo network, and print what to try
    Demo(demo::Args),
    /// Bring the schema of the database up to date
    Migrate,
    /// Check the books: every invariant and the hash chains; reads a live database
    Verify,
    /// Copy a live SQLite database to a file
    Backup(backup::Args),
    /// Connect a till system: says what to type into its screens, and waits until it speaks
    Connect(connect::Args),
    /// The raw messages of the tills
    #[command(subcommand)]
    Inbox(inbox::Command),
    /// What tills say they sold, against the books
    #[command(subcommand)]
    Reconcile(reconcile::Command),
    /// Measure receipts per second
    Bench(bench::Args),
    /// Play a day of a till system against a running service, and compare the books
    Simulate(simulate::Args),
    /// Members of staff
    #[command(subcommand)]
    User(user::Command),
    /// Ask a running service whether it is well: for health checks of containers
    Health(health::Args),
}

/// Reads the command line and does what it says.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let Some(command) = cli.command else {
        print(Cli::command().render_help());
        return ExitCode::SUCCESS;
    };
    let result = Settings::load(cli.config.as_deref())
        .map_err(Failure::from)
        .and_then(|settings| {
            telemetry::start(&settings.log)?;
            dispatch(command, settings)
        });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "kopilka: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: Command, settings: Settings) -> Result<(), Failure> {
    match command {
        Command::Serve => serve::run(&settings),
        Command::Demo(args) => demo::run(settings, &args),
        Command::Migrate => migrate::run(&settings),
        Command::Verify => verify::run(&settings),
        Command::Backup(args) => backup::run(&settings, &args),
        Command::Connect(args) => connect::run(&settings, &args),
        Command::Inbox(command) => inbox::run(&settings, &command),
        Command::Reconcile(command) => reconcile::run(&settings, &command),
        Command::Bench(args) => bench::run(args),
        Command::Simulate(args) => simulate::run(&settings, &args),
        Command::User(command) => user::run(&settings, &command),
        Command::Health(args) => health::run(&settings, &args),
    }
}

/// Prints a line of the answer. A reader that has gone (`| head`) is no error.
fn print(line: impl Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Opens a database that must be there: a mistyped path makes no empty one.
fn open_unless_missing(settings: &Settings, language: Language) -> Result<Store, Failure> {
    let options = settings.database.options();
    if let Some(file) = options.missing_file()? {
        let words = Words::new(
            format!("нет базы данных {file}: проверьте database.url"),
            format!("there is no database {file}: check database.url"),
        );
        return Err(words.in_language(language).into());
    }
    Ok(Store::open(&options)?)
}

/// The same of one in which the service was started before: in an empty one there is nothing to do.
fn open_existing(settings: &Settings, language: Language) -> Result<Store, Failure> {
    let store = open_unless_missing(settings, language)?;
    if !store.has_tables()? {
        let words = Words::new(
            "база данных пуста: сначала запустите `kopilka serve`, он создаст в ней таблицы",
            "the database is empty: start `kopilka serve` first, which makes its tables",
        );
        return Err(words.in_language(language).into());
    }
    Ok(store)
}
