//! `kopilka migrate`

use super::{Failure, print};
use crate::config::Settings;
use crate::storage::Store;
use crate::storage::connection::without_password;

pub(super) fn run(settings: &Settings) -> Result<(), Failure> {
    let count = Store::open(&settings.database.options())?.migrate()?;
    let database = without_password(&settings.database.url);
    match count {
        0 => print(format_args!("{database} is up to date.")),
        1 => print(format_args!("{database}: 1 migration ran.")),
        _ => print(format_args!("{database}: {count} migrations ran.")),
    }
    Ok(())
}
