//! Our ids of guests as UUIDs: callers of iiko keep a guest's id in a field for UUIDs.
//!
//! The text of an id (`cus_` and 13 characters of base32, 65 bits) is packed into a UUID and unpacked again, whatever it means.

use kopilka_contract::CustomerRef;

const PREFIX: &str = "cus_";
/// What all of them begin with, so that a UUID of iiko's own is not taken for one of ours.
const MARK: &str = "6b6f7069-6c";
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const LENGTH: usize = 13;

/// The UUID of a guest's id; the id itself where it is not of that form.
pub(super) fn to_uuid(id: &str) -> String {
    let packed = id
        .strip_prefix(PREFIX)
        .filter(|text| text.len() == LENGTH)
        .and_then(|text| {
            text.bytes().try_fold(0u128, |bits, byte| {
                let digit = ALPHABET.iter().position(|c| *c == byte)?;
                Some((bits << 5) | u128::try_from(digit).ok()?)
            })
        });
    match packed {
        // 68 bits: two digits, then three, three and nine after a fixed one.
        Some(bits) => {
            let hex = format!("{bits:017x}");
            format!(
                "{MARK}{}-8{}-8{}-000{}",
                &hex[..2],
                &hex[2..5],
                &hex[5..8],
                &hex[8..]
            )
        }
        None => id.to_owned(),
    }
}

/// The guest whom a caller names: by such a UUID, else by an id that he was registered under.
pub(super) fn to_guest(id: &str) -> CustomerRef {
    let id = id.trim();
    CustomerRef::Id(unpacked(&id.to_ascii_lowercase()).unwrap_or_else(|| id.to_owned()))
}

fn unpacked(uuid: &str) -> Option<String> {
    let rest = uuid.strip_prefix(MARK)?;
    if !rest.is_ascii() || rest.len() != 25 {
        return None;
    }
    let hex = [rest.get(..2)?, rest.get(4..7)?, rest.get(9..12)?, rest.get(16..)?].concat();
    let bits = u128::from_str_radix(&hex, 16).ok()?;
    let text: String = (0..LENGTH)
        .rev()
        .map(|i| char::from(ALPHABET[usize::try_from((bits >> (5 * i)) & 31).unwrap_or(0)]))
        .collect();
    let id = format!("{PREFIX}{text}");
    (to_uuid(&id) == uuid).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_the_way_there_and_back() {
        for id in ["cus_01hgw3zj3q7hx", "cus_0000000000001", "cus_7zzzzzzzzzzzz"] {
            let uuid = to_uuid(id);
            assert_eq!((uuid.len(), uuid.matches('-').count()), (36, 4), "{uuid}");
            assert_eq!(to_guest(&uuid), CustomerRef::Id(id.to_owned()), "{uuid}");
            assert_eq!(to_guest(&uuid.to_uppercase()), CustomerRef::Id(id.to_owned()));
        }
    }

    #[test]
    fn other_ids_stay_what_they_are() {
        for id in [
            "0b5b7d7a-9c11-4a7e-9a51-0f62a7f1f0aa",
            "crm-1",
            "",
            "6b6f7069-6c00-9000-8000-000000000000",
            "6b6f7069-6cё",
        ] {
            assert_eq!(to_guest(id), CustomerRef::Id(id.to_owned()));
        }
        assert_eq!(to_uuid("crm-1"), "crm-1");
    }
}
