//! `kopilka backup`

use std::fs::File;
use std::path::{Path, PathBuf};

use kopilka_contract::Language;

use super::{Failure, open_unless_missing, print};
use crate::config::Settings;
use crate::storage::connection::without_password;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where to write the copy; it must not exist
    file: PathBuf,
}

pub(super) fn run(settings: &Settings, args: &Args) -> Result<(), Failure> {
    let file = &args.file;
    if file.exists() {
        return Err(format!("{} exists: a backup overwrites nothing", file.display()).into());
    }
    let store = open_unless_missing(settings, Language::En)?;
    if !store.is_sqlite() {
        // An error, so that a script that runs every night does not believe that it has a backup.
        return Err(with_pg_dump(&settings.database.url, file).into());
    }
    // Under another name until it is whole and on the disk: what has the right name is a backup.
    let mut part = file.clone().into_os_string();
    part.push(".part");
    let part = PathBuf::from(part);
    let name = part.to_str().ok_or("the name of the file is not UTF-8 text")?;
    match std::fs::remove_file(&part) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(format!("{}: {error}", part.display()).into());
        }
        _ => {}
    }
    store.backup(name)?;
    let keep = || {
        File::options().write(true).open(&part)?.sync_all()?;
        std::fs::rename(&part, file)?;
        let folder = match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        // Windows opens no folders, and needs no such thing.
        if cfg!(unix) {
            File::open(folder)?.sync_all()?;
        }
        std::fs::metadata(file).map(|m| m.len())
    };
    let bytes = keep().map_err(|error: std::io::Error| format!("{}: {error}", file.display()))?;
    print(format_args!("{}: {bytes} bytes.", file.display()));
    Ok(())
}

/// What to type for PostgreSQL.
fn with_pg_dump(url: &str, file: &Path) -> String {
    format!(
        "nothing was written: PostgreSQL makes its own backups. A consistent copy of the live database:\n\n    \
         pg_dump --format=custom --file={} {}\n\n\
         Give the password in PGPASSWORD or ~/.pgpass, and restore with pg_restore. For a network that can't lose a \
         minute, archive the write-ahead log as well.",
        quoted(&file.display().to_string()),
        quoted(&without_password(url)),
    )
}

/// As one word of a shell's command line.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pg_dump_is_explained_without_the_password() {
        let text = with_pg_dump(
            "postgres://kopilka:secret@db:5432/loyalty",
            Path::new("it's.dump"),
        );
        assert!(!text.contains("secret"), "{text}");
        assert!(
            text.contains(
                r"pg_dump --format=custom --file='it'\''s.dump' 'postgres://kopilka@db:5432/loyalty'"
            ),
            "{text}"
        );
    }
}
