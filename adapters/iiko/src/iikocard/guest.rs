//! The guest: who he is, his particulars, his cards.

use chrono::NaiveDate;
use kopilka_contract::{
    Ask, CustomerRef, Dialogue, Enrol, Guest, GuestCard, Language, NameParts, Phone, Refusal, Reply, Sex,
    Told, Unreadable, Words,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::wrong::Wrong;
use super::{Call, answer, guest_id};
use crate::moment;
use crate::remark::Remark;

/// What is answered about the guest.
#[derive(Debug)]
enum Wanted {
    /// All that is known.
    Info { wallet: String, name: String },
    /// His id only.
    Id,
    /// That it is done.
    Nothing,
    /// The ids of his wallet.
    Wallet(String),
}

/// One request about a guest.
#[derive(Debug)]
pub(super) struct AboutGuest {
    ask: Ask,
    wanted: Wanted,
    /// Fields of the request that we do not keep.
    remarks: Vec<Remark>,
    correlation_id: String,
    language: Language,
}

impl AboutGuest {
    fn new(call: &Call<'_>, ask: Ask, wanted: Wanted) -> Self {
        AboutGuest {
            ask,
            wanted,
            remarks: Vec::new(),
            correlation_id: answer::correlation_id(call.message),
            language: call.language,
        }
    }
}

impl Dialogue for AboutGuest {
    fn asks(&self) -> Vec<Ask> {
        vec![self.ask.clone()]
    }

    /// All his cards are shown, for a site asks whether one is his already.
    fn then(&self, told: &[Result<Told, Refusal>]) -> Result<Vec<Ask>, Unreadable> {
        Ok(match (&self.wanted, told.first()) {
            (Wanted::Info { .. }, Some(Ok(Told::Guest(guest)))) => vec![Ask::Cards(guest.id.clone())],
            _ => Vec::new(),
        })
    }

    fn remarks(&self) -> Vec<Words> {
        self.remarks.iter().map(Remark::words).collect()
    }

    fn reply(&self, told: &[Result<Told, Refusal>]) -> Reply {
        let guest = match answer::only(told, &self.correlation_id, self.language) {
            Ok(Told::Guest(guest)) => guest,
            Ok(_) => return answer::json(500, &json!({"errorDescription": "no answer"})),
            Err(reply) => return reply,
        };
        let body = match &self.wanted {
            Wanted::Info { wallet, name } => {
                let cards = match told.get(1) {
                    Some(Ok(Told::Cards(cards))) => cards.as_slice(),
                    _ => guest.card.as_slice(),
                };
                info_of(guest, cards, wallet, name)
            }
            Wanted::Id => json!({"id": guest_id::to_uuid(&guest.id)}),
            Wanted::Nothing => json!({}),
            Wanted::Wallet(wallet) => json!({
                "userWalletId": answer::uuid_of(&[wallet.as_bytes(), guest.id.as_bytes()]),
                "walletId": wallet,
            }),
        };
        answer::json(200, &body)
    }
}

/// `customer/info`. What we do not keep is null, unknown or empty.
pub(super) fn info(call: &Call<'_>) -> Result<AboutGuest, Unreadable> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Request {
        #[serde(rename = "type")]
        kind: String,
        phone: Option<String>,
        card_track: Option<String>,
        card_number: Option<String>,
        email: Option<String>,
        id: Option<String>,
    }
    let request: Request = call.body()?;
    let missing = || {
        let kind = request.kind.clone();
        call.wrong(400, &Wrong::NoField { kind })
    };
    let named = |text: &Option<String>| {
        let text = text.as_deref().map(str::trim).filter(|text| !text.is_empty());
        text.map(str::to_owned).ok_or_else(missing)
    };
    let who = match request.kind.as_str() {
        "phone" => CustomerRef::Phone(phone(call, &named(&request.phone)?)?),
        "cardTrack" => CustomerRef::Card(named(&request.card_track)?),
        "cardNumber" => CustomerRef::Card(named(&request.card_number)?),
        "email" => CustomerRef::Id(named(&request.email)?),
        "id" => guest_id::to_guest(&named(&request.id)?),
        other => {
            let kind = other.to_owned();
            return Err(call.wrong(400, &Wrong::UnknownType { kind }));
        }
    };
    let wanted = Wanted::Info {
        wallet: call.card.wallet_id.to_string(),
        name: call.card.program_name.clone(),
    };
    Ok(AboutGuest::new(call, Ask::Identify(who), wanted))
}

fn phone(call: &Call<'_>, text: &str) -> Result<Phone, Unreadable> {
    Phone::parse(text).ok_or_else(|| call.wrong(400, &Wrong::Phone))
}

/// `consentStatus` of iiko.
const CONSENT_GIVEN: i64 = 1;
const CONSENT_REVOKED: i64 = 2;

/// `customer/create_or_update`: names who he is by `id`, `phone` or `cardTrack`.
pub(super) fn create_or_update(call: &Call<'_>) -> Result<AboutGuest, Unreadable> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Request {
        id: Option<String>,
        phone: Option<String>,
        card_track: Option<String>,
        card_number: Option<String>,
        name: Option<String>,
        middle_name: Option<String>,
        sur_name: Option<String>,
        birthday: Option<String>,
        email: Option<String>,
        sex: Option<Value>,
        comment: Option<String>,
        is_deleted: Option<bool>,
        consent_status: Option<i64>,
        nullify_empty_fields: Option<bool>,
    }
    let request: Request = call.body()?;
    let filled = |text: Option<String>| text.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
    let mut remarks = Vec::new();
    if request.is_deleted == Some(true) {
        return Err(call.wrong(400, &Wrong::NotDeleted));
    }
    match request.consent_status {
        Some(CONSENT_GIVEN) => remarks.push(Remark::ConsentNotKept),
        Some(CONSENT_REVOKED) => return Err(call.wrong(400, &Wrong::NotRevoked)),
        _ => {}
    }
    if request.nullify_empty_fields == Some(true) {
        if request.id.is_some() {
            return Err(call.wrong(400, &Wrong::NotEmptied));
        }
        remarks.push(Remark::EmptyFieldsStay);
    }
    let name_parts = NameParts {
        first: filled(request.name),
        middle: filled(request.middle_name),
        last: filled(request.sur_name),
    };
    let birthday = match filled(request.birthday) {
        Some(text) => Some(day(&text).ok_or_else(|| call.wrong(400, &Wrong::Birthday))?),
        None => None,
    };
    let given = filled(request.phone);
    let enrol = Enrol {
        who: filled(request.id).map(|id| guest_id::to_guest(&id)),
        phone: given.map(|text| phone(call, &text)).transpose()?,
        // The till reads the track.
        card: filled(request.card_track).or(filled(request.card_number)),
        name: name_parts.whole(),
        name_parts,
        email: filled(request.email),
        birthday,
        sex: request.sex.as_ref().and_then(sex),
        comment: filled(request.comment),
    };
    let mut about = AboutGuest::new(call, Ask::Enrol(Box::new(enrol)), Wanted::Id);
    about.remarks = remarks;
    Ok(about)
}

/// `customer/card/add` and `remove`.
pub(super) fn card(call: &Call<'_>, add: bool) -> Result<AboutGuest, Unreadable> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Request {
        customer_id: String,
        card_track: Option<String>,
        card_number: Option<String>,
    }
    let request: Request = call.body()?;
    let number = request.card_track.or(request.card_number).unwrap_or_default();
    let card = GuestCard {
        customer: guest_id::to_guest(&request.customer_id),
        number: number.trim().to_owned(),
    };
    let ask = if add {
        Ask::AddCard(card)
    } else {
        Ask::RemoveCard(card)
    };
    Ok(AboutGuest::new(call, ask, Wanted::Nothing))
}

/// `customer/program/add`: everybody is in the one programme that there is.
pub(super) fn join_program(call: &Call<'_>) -> Result<AboutGuest, Unreadable> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Request {
        customer_id: String,
    }
    let request: Request = call.body()?;
    let ask = Ask::Identify(guest_id::to_guest(&request.customer_id));
    Ok(AboutGuest::new(
        call,
        ask,
        Wanted::Wallet(call.card.wallet_id.to_string()),
    ))
}

/// A day, as iiko writes it (with a time of zeros) or alone.
fn day(text: &str) -> Option<NaiveDate> {
    let alone = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    alone
        .or_else(|| {
            text.get(..10)
                .and_then(|day| NaiveDate::parse_from_str(day, "%Y-%m-%d").ok())
        })
        .or_else(|| moment::parse(text).map(|at| at.date()))
}

/// 1 or `Male`, 2 or `Female`; anything else says nothing.
fn sex(value: &Value) -> Option<Sex> {
    match (value.as_i64(), value.as_str()) {
        (Some(1), _) | (_, Some("1" | "Male" | "male")) => Some(Sex::Male),
        (Some(2), _) | (_, Some("2" | "Female" | "female")) => Some(Sex::Female),
        _ => None,
    }
}

fn info_of(guest: &Guest, cards: &[String], wallet: &str, program: &str) -> Value {
    let name = NameParts::of(guest.name.as_deref().unwrap_or_default());
    let id = guest_id::to_uuid(&guest.id);
    let cards: Vec<Value> = cards
        .iter()
        .map(|number| {
            let card = answer::uuid_of(&[b"card", number.as_bytes()]);
            json!({"id": card, "track": number, "number": number, "validToDate": null})
        })
        .collect();
    json!({
        "id": id,
        "referrerId": null,
        "name": name.first,
        "surname": name.last,
        "middleName": name.middle,
        "comment": null,
        "phone": guest.phone.as_ref().map(ToString::to_string),
        "cultureName": null,
        "birthday": guest.birthday.map(|day| format!("{day} 00:00:00.000")),
        "email": guest.email,
        "sex": 0,
        "consentStatus": 0,
        "anonymized": false,
        "cards": cards,
        "categories": [],
        "walletBalances": [{
            "id": wallet, "name": program, "type": 1, "balance": answer::number(guest.balance.available),
        }],
        "userData": null,
        "shouldReceivePromoActionsInfo": null,
        "shouldReceiveLoyaltyInfo": null,
        "shouldReceiveOrderStatusInfo": null,
        "personalDataConsentFrom": null,
        "personalDataConsentTo": null,
        "personalDataProcessingFrom": null,
        "personalDataProcessingTo": null,
        "isDeleted": false,
        "whenRegistered": null,
        "firstOrderDate": null,
        "lastProcessedOrderDate": null,
        "lastVisitedOrganizationId": null,
        "registrationOrganizationId": null,
    })
}
