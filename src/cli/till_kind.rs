//! Names of till systems on the command line.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

/// What people write for a kind, as the guide's file is called.
const WRITTEN: [(&str, &str); 2] = [("1c", "onec"), ("1c-odata", "onec-odata")];

/// One of these kinds, by its name or as people write it.
pub(super) fn one_of(kinds: impl Iterator<Item = &'static str>) -> impl TypedValueParser<Value = String> {
    let values = kinds.map(|kind| {
        let written = WRITTEN.iter().filter(|(_, meant)| *meant == kind);
        PossibleValue::new(kind).aliases(written.map(|(written, _)| *written))
    });
    PossibleValuesParser::new(values).map(|typed| {
        let meant = WRITTEN.iter().find(|(written, _)| *written == typed);
        meant.map_or(typed, |(_, kind)| (*kind).to_owned())
    })
}
