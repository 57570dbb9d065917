//! Which guest a card code names.

use kopilka_contract::{CustomerRef, Guest, Phone};

/// The code of a card as people know it. `card` is the number of the request, an int64; `holders` are the textual
/// codes of the receipt, which keep leading zeros and letters.
pub(crate) fn code_of(card: &str, holders: &[String]) -> Option<String> {
    let number = Some(card).filter(|card| !digits_of(card).is_empty());
    let same = |holder: &&String| number.is_some_and(|number| digits_of(holder) == digits_of(number));
    if let Some(holder) = holders.iter().find(same) {
        return Some(holder.clone());
    }
    match (number, holders) {
        // A code with letters has no number, whatever stands in its place.
        (_, [only]) if !only.bytes().all(|b| b.is_ascii_digit()) => Some(only.clone()),
        (Some(number), _) => Some(number.to_owned()),
        (None, _) => holders.first().cloned(),
    }
}

/// Without leading zeros, so that the number 17 and the code `0017` are one card, and 0 is none.
fn digits_of(code: &str) -> &str {
    code.trim_start_matches('0')
}

/// Whether two codes are of one card, zeros before them or not.
pub(crate) fn same_card(one: &str, other: &str) -> bool {
    digits_of(one) == digits_of(other)
}

/// The guest that a card code names.
pub(crate) fn guest_of(code: &str, card_as_phone: bool) -> CustomerRef {
    match mobile_phone(code).filter(|_| card_as_phone) {
        Some(phone) => CustomerRef::Phone(phone),
        None => CustomerRef::Card(code.to_owned()),
    }
}

/// What a guest's own short-lived code begins with.
const GUEST_CODE: &str = "kq1.";

/// Whether a code is a guest's own, from the QR code of his telephone. It lives for minutes, and a till sends a card's
/// code all through an order: as a card it would end before the payment. `FindEmail` makes a lasting number of it.
pub(crate) fn is_guest_code(code: &str) -> bool {
    code.trim().starts_with(GUEST_CODE)
}

/// The guest whom a card's code names, where a script may have put the text of a QR code there.
pub(crate) fn guest_of_code(code: &str, card_as_phone: bool) -> CustomerRef {
    match guest_of(code, card_as_phone) {
        CustomerRef::Card(code) if !code.bytes().all(|b| b.is_ascii_digit()) => CustomerRef::Qr(code),
        named => named,
    }
}

/// The guest that a text from `FindEmail` names. Scripts of the till send there whatever the guest showed. Digits alone are
/// what they are as a card's code.
pub(crate) fn guest_of_text(text: &str, card_as_phone: bool) -> CustomerRef {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return guest_of(text, card_as_phone);
    }
    if let Some(phone) = spelt_phone(text).or_else(|| international_phone(text)) {
        return CustomerRef::Phone(phone);
    }
    if text.contains('@') || text.starts_with("cus_") || is_uuid(text) {
        return CustomerRef::Id(text.to_owned());
    }
    CustomerRef::Qr(text.to_owned())
}

/// A code of the guest that a till can send back: a number that fits the int64 of the calls that follow, loses no zeros
/// there, and is read as what it is. His card's, else his telephone in the form that [`guest_of`] reads back as one. A
/// card whose number looks like a telephone would be taken for one, perhaps for another guest's.
pub(crate) fn numeric_code_of(guest: &Guest, card_as_phone: bool) -> Option<String> {
    let comes_back = |card: &String| {
        let survives = card
            .parse::<i64>()
            .is_ok_and(|number| number.to_string() == *card);
        survives && !(card_as_phone && mobile_phone(card).is_some())
    };
    guest.card.clone().filter(comes_back).or_else(|| {
        let phone = guest.phone.as_ref().filter(|_| card_as_phone)?;
        let national = phone.digits().strip_prefix('7')?;
        mobile_phone(national).is_some().then(|| national.to_owned())
    })
}

/// A Russian mobile number as cashiers type it: ten digits from 9 on, perhaps with 7 or 8 before them.
fn mobile_phone(code: &str) -> Option<Phone> {
    let bytes = code.as_bytes();
    let shaped = match bytes.len() {
        10 => bytes.starts_with(b"9"),
        11 => bytes.starts_with(b"79") || bytes.starts_with(b"89"),
        _ => false,
    };
    (shaped && bytes.iter().all(u8::is_ascii_digit)).then(|| Phone::parse(code))?
}

/// The same with what people write between the digits: `8 (921) 555-01-01`.
fn spelt_phone(text: &str) -> Option<Phone> {
    let between = |c: char| matches!(c, ' ' | '(' | ')' | '-' | '.' | '\u{a0}');
    let only_digits: String = text.trim().chars().filter(|c| !between(*c)).collect();
    mobile_phone(&only_digits)
}

fn international_phone(text: &str) -> Option<Phone> {
    text.starts_with('+').then(|| Phone::parse(text))?
}

fn is_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.trim_matches(['{', '}']).split('-').collect();
    let hex = |part: &&str| part.bytes().all(|b| b.is_ascii_hexdigit());
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]) && parts.iter().all(hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holders(codes: &[&str]) -> Vec<String> {
        codes.iter().map(|code| (*code).to_owned()).collect()
    }

    #[test]
    fn the_receipt_keeps_zeros_and_letters_that_a_number_loses() {
        for (card, in_receipt, code) in [
            ("17", &["9", "0017"][..], Some("0017")),
            ("0", &["GIFT-7"], Some("GIFT-7")),
            ("81726354", &["GIFT-7"], Some("GIFT-7")),
            ("5000", &["1", "2"], Some("5000")),
            ("5000", &[], Some("5000")),
            ("", &["1", "2"], Some("1")),
            ("0", &[], None),
        ] {
            assert_eq!(
                code_of(card, &holders(in_receipt)).as_deref(),
                code,
                "{card} {in_receipt:?}"
            );
        }
    }

    #[test]
    fn a_typed_telephone_is_a_telephone_unless_switched_off() {
        let phone = CustomerRef::Phone(Phone::parse("+79000000017").unwrap());
        for typed in ["9000000017", "89000000017", "79000000017"] {
            assert_eq!(guest_of(typed, true), phone);
            assert_eq!(guest_of(typed, false), CustomerRef::Card(typed.to_owned()));
        }
        for card in ["8000000017", "900000001", "90000000170", "00017"] {
            assert_eq!(guest_of(card, true), CustomerRef::Card(card.to_owned()));
        }
    }

    #[test]
    fn a_look_up_takes_whatever_the_guest_showed() {
        let phone = CustomerRef::Phone(Phone::parse("+79000000017").unwrap());
        for (text, guest) in [
            ("+7 900 000-00-17", phone.clone()),
            ("8 (900) 000-00-17", phone.clone()),
            ("7 900 000-00-17", phone.clone()),
            ("900.000.00.17", phone.clone()),
            ("9000000017", phone.clone()),
            ("1 234-567", CustomerRef::Qr("1 234-567".to_owned())),
            ("000123456789", CustomerRef::Card("000123456789".to_owned())),
            ("anna@example.org", CustomerRef::Id("anna@example.org".to_owned())),
            (
                "0f0a9c55-6f5b-4a53-9a53-3d3b0b1f8a11",
                CustomerRef::Id("0f0a9c55-6f5b-4a53-9a53-3d3b0b1f8a11".to_owned()),
            ),
            ("kq:abc.def", CustomerRef::Qr("kq:abc.def".to_owned())),
        ] {
            assert_eq!(guest_of_text(text, true), guest);
        }
        for (text, guest) in [
            ("9000000017", CustomerRef::Card("9000000017".to_owned())),
            ("+79000000017", phone.clone()),
            ("8 900 000-00-17", phone),
        ] {
            assert_eq!(guest_of_text(text, false), guest);
        }
    }
}
