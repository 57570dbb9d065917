//! `kopilka serve`

use super::{Failure, not_built};
use crate::config::Settings;

pub(super) fn run(_settings: &Settings) -> Result<(), Failure> {
    Err(not_built("kopilka serve"))
}
