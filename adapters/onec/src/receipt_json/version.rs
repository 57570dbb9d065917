//! Which of two states of a document is the later one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kopilka_contract::{Words, first_hand_at, first_hand_came};

use super::Contract;
use crate::fault::Fault;
use crate::fields::Field;
use crate::settings::DataVersion;

/// Data versions count writes of a base: a base that has written a thousand million million times is none.
const MOST_VERSIONS: u64 = 1 << 53;

/// A version with room for the states that a document has under it.
fn turned(version: i64, turn: u8) -> i64 {
    version << 8 | i64::from(turn)
}

impl Contract<'_> {
    /// Which of two states of a document is the later one. `DataVersion` of 1C is eight bytes that grow with every write; a
    /// document that was unposted and posted again may have the same one (nothing is documented of it): then
    /// [`Contract::turn`] tells the later state. Without one, or where the connection says that its versions have no order,
    /// documents are as late as they came; where a base tells both kinds of versions, what is told later is later.
    ///
    /// A file says when it was made instead (`fileTime`). It only repeats what the base says of a document itself by the other
    /// roads, and their numbers cannot be compared, so whatever comes by them is newer. That a document stands no more a file says
    /// to all that has come before it was made ([`Contract::cancel`]).
    pub(super) fn version(&self, document: &Field<'_>, remarks: &mut Vec<Words>) -> Result<i64, Fault> {
        let made = document.get("fileTime");
        if let Some(made) = made.instant(self.settings)? {
            return Ok(turned(made.timestamp_millis(), 0));
        }
        let came = || first_hand_came(turned(self.received_at.timestamp_millis(), self.turn));
        let Some(text) = document.get("dataVersion").text()? else {
            return Ok(came());
        };
        if self.own.data_version == DataVersion::Opaque {
            return Ok(came());
        }
        let bytes = STANDARD
            .decode(&text)
            .ok()
            .and_then(|bytes| <[u8; 8]>::try_from(bytes).ok());
        let version = bytes
            .map(u64::from_be_bytes)
            .filter(|version| *version < MOST_VERSIONS)
            .and_then(|version| i64::try_from(version).ok());
        match version {
            Some(version) => Ok(first_hand_at(turned(version, self.turn))),
            None => {
                remarks.push(Words::new(
                    format!("dataVersion «{text}» не похоже на версию данных 1С; версией стало время прихода"),
                    format!("dataVersion “{text}” is not a data version of 1C; the time when it came is taken for one"),
                ));
                Ok(came())
            }
        }
    }
}
