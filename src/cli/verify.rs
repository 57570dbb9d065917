//! `kopilka verify`

use kopilka_contract::Language;

use super::{Failure, open_existing, print};
use crate::config::Settings;
use crate::ledger::verify::verify;

pub(super) fn run(settings: &Settings) -> Result<(), Failure> {
    let store = open_existing(settings, Language::En)?;
    let report = verify(&store)?;
    print(&report);
    if report.is_clean() {
        Ok(())
    } else {
        Err("the books are not right".into())
    }
}
