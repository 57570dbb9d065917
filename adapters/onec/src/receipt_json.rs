//! Receipts and returns in JSON, pushed by an extension of a 1C base: `POST v1/receipts` with one document,
//! `POST v1/receipts/batch` with a list of them.
//!
//! The contract is ours; its fields are those that receipts (`ЧекККМ`, `ЧекККМВозврат`) have in every configuration of
//! 1C. What a reader of the contract must know:
//!
//! * a document is a full snapshot, and `dataVersion` (1C's `DataVersion`, base64 of eight bytes) orders its versions, unless
//!   the connection says that they have no order; without one the later to come is the later;
//! * `amount` of a line is net of discounts and of `bonusDiscount`, the part that bonuses paid on the fiscal receipt;
//! * amounts of a return are positive: the sign is in `operation`;
//! * a return names the sale (`saleDocumentId`) and its lines (`saleLineId`), or only its products (`saleLineKey`, `item.id`):
//!   the lines of a sale and of its return are numbered apart in most configurations, and the sale may have come by another road.

use std::collections::{BTreeMap, HashSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use kopilka_contract::{
    About, Ask, Close, CustomerRef, Dialogue, GiveBack, Language, Line, LineBack, Message, Money, Part,
    Payment, Phone, ProductBack, Receipt, Redemption, Refusal, Reply, Settings, Told, UndoReturn, Unreadable,
    WhatBack, Words, first_hand_at,
};
use serde_json::Value;

use crate::charset;
use crate::fault::{Fault, Problem};
use crate::fields::{Field, is_guid};
use crate::guest_name::GuestName;
use crate::receipt_answer::{self, Outcome};
use crate::reserve;
use crate::settings::{CategorySource, DataVersion, OneCSettings, ReceiptRedemption};

/// Data versions count writes of a base: a base that has written a thousand million million times is none.
const MOST_VERSIONS: u64 = 1 << 53;

/// A version with room for the states that a document has under it.
fn turned(version: i64, turn: u8) -> i64 {
    version << 8 | i64::from(turn)
}

/// What the connection's settings say about documents.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Contract<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) own: &'a OneCSettings,
    /// When the message came: a document that was cancelled does not say when.
    pub(crate) received_at: DateTime<Utc>,
    /// How many times the document was seen to change under its data version before this: a base that was asked tells so.
    pub(crate) turn: u8,
}

/// Reads a message with one document. One with a field at fault is kept for a person, and answered with 200.
pub(crate) fn read_one(
    message: &Message<'_>,
    contract: Contract<'_>,
) -> Result<Box<dyn Dialogue>, Unreadable> {
    read_value(&json(message, contract.settings.language)?, contract)
}

/// Reads one document that is JSON already, whichever road it came by.
pub(crate) fn read_value(value: &Value, contract: Contract<'_>) -> Result<Box<dyn Dialogue>, Unreadable> {
    let language = contract.settings.language;
    match contract.read(Field::document(value)) {
        Ok(document) => Ok(Box::new(Push {
            documents: vec![Ok(document)],
            bodies: Vec::new(),
            batch: false,
            language,
        })),
        Err(Rejected { document_id, fault }) => Err(Unreadable {
            reason: fault.sentence(language),
            reply: Outcome::faulty(&fault, language)
                .for_document(document_id)
                .reply(),
        }),
    }
}

/// Reads a message with many documents. Those with a field at fault are answered one by one and remarked upon.
pub(crate) fn read_batch(
    message: &Message<'_>,
    contract: Contract<'_>,
) -> Result<Box<dyn Dialogue>, Unreadable> {
    let language = contract.settings.language;
    let value = json(message, language)?;
    let Value::Array(items) = &value else {
        return Err(receipt_answer::broken(&Problem::NotAList.words(), language));
    };
    let documents = items
        .iter()
        .map(|item| contract.read(Field::document(item)))
        .collect();
    Ok(Box::new(Push {
        documents,
        bodies: items.iter().map(Value::to_string).collect(),
        batch: true,
        language,
    }))
}

pub(crate) fn json(message: &Message<'_>, language: Language) -> Result<Value, Unreadable> {
    if message.method != "POST" {
        return Err(receipt_answer::wrong_verb(message.method, "POST", language));
    }
    let text = charset::text(message.body, message.content_type).map_err(|_| {
        let words = Words::new(
            "тело не в UTF-8; для windows-1251 укажите charset в Content-Type",
            "the body is not UTF-8; for windows-1251 declare the charset in Content-Type",
        );
        receipt_answer::broken(&words, language)
    })?;
    serde_json::from_str(&text).map_err(|error| {
        let words = Words::new(
            format!("тело не JSON: {error}"),
            format!("the body is not JSON: {error}"),
        );
        receipt_answer::broken(&words, language)
    })
}

/// A document that was understood.
#[derive(Debug)]
pub(crate) struct Document {
    id: String,
    pub(crate) ask: Ask,
    remarks: Vec<Words>,
}

impl Document {
    /// What a person should know about it, each remark with the document's id.
    pub(crate) fn remarks_in(&self, language: Language) -> Vec<String> {
        let remark = |words: &Words| format!("{}: {}", self.id, words.in_language(language));
        self.remarks.iter().map(remark).collect()
    }
}

/// A document that was not.
#[derive(Debug)]
pub(crate) struct Rejected {
    document_id: Option<String>,
    fault: Fault,
}

impl Rejected {
    /// What is wrong with it.
    pub(crate) fn reason(&self, language: Language) -> String {
        self.fault.sentence(language)
    }

    /// Which document, and what is wrong with it.
    pub(crate) fn sentence(&self, language: Language) -> String {
        let id = self.document_id.as_deref().unwrap_or("?");
        format!("{id}: {}", self.fault.sentence(language))
    }
}

/// One message with its documents.
#[derive(Debug)]
struct Push {
    documents: Vec<Result<Document, Rejected>>,
    /// Each document of a batch as a message of its own.
    bodies: Vec<String>,
    batch: bool,
    language: Language,
}

impl Dialogue for Push {
    fn asks(&self) -> Vec<Ask> {
        self.documents
            .iter()
            .flatten()
            .map(|document| document.ask.clone())
            .collect()
    }

    /// The documents of a batch are kept one by one: each is mended and replayed by itself.
    fn parts(&self) -> Vec<Part> {
        let mut ask = 0;
        let mut about = |document: &Result<Document, Rejected>| match document {
            Ok(_) => {
                ask += 1;
                About::Ask(ask - 1)
            }
            Err(rejected) => About::Unread(rejected.sentence(self.language)),
        };
        let documents = self.documents.iter().zip(&self.bodies);
        documents
            .map(|(document, body)| Part {
                path: "v1/receipts".to_owned(),
                content_type: "application/json; charset=utf-8",
                body: body.clone().into_bytes(),
                about: about(document),
            })
            .collect()
    }

    fn remarks(&self) -> Vec<String> {
        let of_one = |document: &Result<Document, Rejected>| match document {
            Ok(document) => document.remarks_in(self.language),
            Err(rejected) => vec![rejected.sentence(self.language)],
        };
        self.documents.iter().flat_map(of_one).collect::<Vec<String>>()
    }

    fn reply(&self, told: &[Result<Told, Refusal>]) -> Reply {
        let mut told = told.iter();
        let outcome = |document: &Result<Document, Rejected>| match document {
            Ok(document) => Outcome::of(told.next(), self.language).for_document(Some(document.id.clone())),
            Err(rejected) => {
                Outcome::faulty(&rejected.fault, self.language).for_document(rejected.document_id.clone())
            }
        };
        let outcomes: Vec<Outcome> = self.documents.iter().map(outcome).collect();
        match outcomes.as_slice() {
            [outcome] if !self.batch => outcome.reply(),
            outcomes => receipt_answer::batch(outcomes),
        }
    }
}

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Sale,
    Return,
}

impl Contract<'_> {
    /// Reads one document of the contract, whichever road it came by.
    pub(crate) fn read(&self, document: Field<'_>) -> Result<Document, Rejected> {
        let document_id = document
            .get("documentId")
            .text()
            .ok()
            .flatten()
            .map(guid_in_lower_case);
        self.understand(&document)
            .map_err(|fault| Rejected { document_id, fault })
    }

    fn understand(&self, document: &Field<'_>) -> Result<Document, Fault> {
        let document = document.clone().object()?;
        let id = document.get("documentId");
        let id = guid_in_lower_case(id.required(id.text()?)?);
        let mut remarks = Vec::new();
        let ask = match operation(&document)? {
            operation if is_cancelled(&document) => {
                self.cancel(operation, &document, id.clone(), &mut remarks)?
            }
            Operation::Sale => Ask::Close(self.sale(&document, id.clone(), &mut remarks)?),
            Operation::Return => Ask::GiveBack(self.give_back(&document, id.clone(), &mut remarks)?),
        };
        Ok(Document { id, ask, remarks })
    }

    fn sale(
        &self,
        document: &Field<'_>,
        external_id: String,
        remarks: &mut Vec<Words>,
    ) -> Result<Close, Fault> {
        let mut lines = self.lines(document)?;
        let paid = Paid::read(document)?;
        let spent = settle_bonuses(document, &mut lines, &paid, remarks)?;
        let phone = phone(document, remarks);
        let card = card_code(document)?.map(|code| GuestName::from_code(&code).customer());
        let reserve = document.get("bonus").get("reserveId").text()?;
        let date = document.get("date");
        let receipt = Receipt {
            external_id,
            version: Some(self.version(document, remarks)?),
            number: document
                .get("receiptNumber")
                .label()
                .or_else(|| document.get("number").label()),
            till: document.get("register").label(),
            shift: document.get("shiftNumber").label(),
            closed_at: date.required(date.instant(self.settings)?)?,
            kind: None,
            customer: card.or_else(|| phone.clone().map(CustomerRef::Phone)),
            phone,
            customer_name: None,
            total: Some(lines.iter().map(|sold| sold.line.amount).sum()),
            lines: lines.into_iter().map(|sold| sold.line).collect(),
            payments: paid.with_money,
            waiter: document.get("cashier").label(),
            guests: None,
            comment: None,
            advertising_source: None,
        };
        Ok(Close {
            receipt,
            redemption: match self.own.receipt_redemption {
                _ if spent.is_zero() => Redemption::Nothing,
                _ if reserve.is_some() => Redemption::Held(spent),
                ReceiptRedemption::Before => Redemption::Before(spent),
                ReceiptRedemption::Now => Redemption::Now(spent),
            },
            payers: Vec::new(),
            accrual: None,
            hold: reserve
                .filter(|_| spent.is_positive())
                .map(|id| reserve::hold_name(&id)),
            promo_codes: Vec::new(),
            offline: None,
            menu_categories: BTreeMap::new(),
        })
    }

    /// A document that its base has taken back: a sale is cancelled until a newer version of it is posted, a return is undone.
    fn cancel(
        &self,
        operation: Operation,
        document: &Field<'_>,
        id: String,
        remarks: &mut Vec<Words>,
    ) -> Result<Ask, Fault> {
        let version = self.version(document, remarks)?;
        let made = document.get("fileTime").instant(self.settings)?;
        let at = made.unwrap_or_else(|| self.received_at.fixed_offset());
        Ok(match operation {
            Operation::Sale => Ask::GiveBack(GiveBack {
                external_id: format!("{id}:cancelled:{version}"),
                sale: id,
                version: Some(version),
                returned_at: at,
                what: WhatBack::Everything,
                rollback: true,
            }),
            Operation::Return => Ask::UndoReturn(UndoReturn {
                external_id: id,
                sale: sale_of(document)?,
                version,
                undone_at: at,
            }),
        })
    }

    /// Which of two states of a document is the later one. `DataVersion` of 1C is eight bytes that grow with every write; a
    /// document that was unposted and posted again may have the same one (nothing is documented of it): then
    /// [`Contract::turn`] tells the later state. Without one, or where the connection says that its versions have no order,
    /// documents are as late as they came.
    ///
    /// A file says when it was made instead (`fileTime`). It only repeats what the base says of a document itself by the other
    /// roads, and their numbers cannot be compared, so whatever comes by them is newer. That a document stands no more a file says
    /// to all that has come before it was made ([`Contract::cancel`]).
    fn version(&self, document: &Field<'_>, remarks: &mut Vec<Words>) -> Result<i64, Fault> {
        let made = document.get("fileTime");
        if let Some(made) = made.instant(self.settings)? {
            return Ok(turned(made.timestamp_millis(), 0));
        }
        let came = || first_hand_at(turned(self.received_at.timestamp_millis(), self.turn));
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

    fn lines(&self, document: &Field<'_>) -> Result<Vec<SoldLine>, Fault> {
        let mut ids = HashSet::new();
        some_lines(document)?
            .iter()
            .enumerate()
            .map(|(index, field)| {
                let sold = self.line(field, index)?;
                if ids.insert(sold.line.line_id.clone()) {
                    Ok(sold)
                } else {
                    Err(field.get("lineId").fault(Problem::LineTwice))
                }
            })
            .collect()
    }

    fn line(&self, field: &Field<'_>, index: usize) -> Result<SoldLine, Fault> {
        let item = field.get("item");
        let line_id = field
            .get("lineId")
            .text()?
            .unwrap_or_else(|| (index + 1).to_string());
        let names = [
            item.get("name"),
            item.get("article"),
            field.get("barcode"),
            item.get("id"),
        ];
        let (quantity, amount) = (field.get("quantity"), field.get("amount"));
        Ok(SoldLine {
            bonus: field.get("bonusDiscount").money()?.unwrap_or_default(),
            line: Line {
                name: names
                    .iter()
                    .find_map(Field::label)
                    .unwrap_or_else(|| line_id.clone()),
                line_id,
                product_id: item.get("id").text()?,
                category_id: match self.own.category_source {
                    CategorySource::GroupId => item.get("groupId").text()?,
                    CategorySource::None => None,
                },
                category_name: item.get("group").label(),
                quantity: quantity.required(quantity.quantity()?)?,
                price: field.get("price").money()?,
                amount: amount.required(amount.money()?)?,
                redeemed: None,
            },
        })
    }

    fn give_back(
        &self,
        document: &Field<'_>,
        external_id: String,
        remarks: &mut Vec<Words>,
    ) -> Result<GiveBack, Fault> {
        let sale = sale_of(document)?;
        let date = document.get("date");
        let lines = some_lines(document)?
            .iter()
            .map(line_back)
            .collect::<Result<_, _>>()?;
        Ok(GiveBack {
            external_id,
            sale,
            version: Some(self.version(document, remarks)?),
            returned_at: date.required(date.instant(self.settings)?)?,
            what: WhatBack::Lines(lines),
            rollback: false,
        })
    }
}

/// A line of a sale: `line.amount` as it was sent, net of bonuses, until [`settle_bonuses`] has seen all lines.
#[derive(Debug)]
struct SoldLine {
    line: Line,
    bonus: Money,
}

fn operation(document: &Field<'_>) -> Result<Operation, Fault> {
    let (operation, kind) = (document.get("operation"), document.get("documentType"));
    let named = match operation.text()? {
        Some(text) => Some(text),
        None => kind.text()?,
    };
    match named.map(|text| text.to_lowercase()).as_deref() {
        Some("продажа" | "sale" | "чекккм") => Ok(Operation::Sale),
        Some("возврат" | "return" | "чекккмвозврат") => Ok(Operation::Return),
        Some(_) => Err(operation.fault(Problem::UnknownOperation)),
        None => Err(operation.fault(Problem::Missing)),
    }
}

/// `posted` or `deletionMark` say that the document does not stand (any more); without them it does.
fn is_cancelled(document: &Field<'_>) -> bool {
    document.get("deletionMark").flag() || document.get("posted").denied()
}

/// The sale that a return brings back.
fn sale_of(document: &Field<'_>) -> Result<String, Fault> {
    let sale = document.get("saleDocumentId");
    let id = sale
        .text()?
        .ok_or_else(|| sale.fault(Problem::ReturnWithoutSale))?;
    Ok(guid_in_lower_case(id))
}

/// The lines of a document, of which there is at least one.
fn some_lines<'a>(document: &Field<'a>) -> Result<Vec<Field<'a>>, Fault> {
    let lines = document.get("lines");
    let items = lines.items()?;
    lines.required((!items.is_empty()).then_some(items))
}

/// Lines that name neither a line of the sale nor a key of such lines come off whichever of their product.
fn line_back(line: &Field<'_>) -> Result<LineBack, Fault> {
    let (sold, quantity) = (line.get("saleLineId"), line.get("quantity"));
    let (line_id, key) = (sold.text()?, line.get("saleLineKey").text()?);
    let id = line.get("item").get("id").text()?.or_else(|| key.clone());
    if line_id.is_none() && id.is_none() {
        return Err(sold.fault(Problem::ReturnedLineUnknown));
    }
    // Only a hint at which line is meant: bases write it in many ways.
    let worth = line.get("amount").money().ok().flatten();
    let worth = worth.filter(|amount| amount.is_positive());
    let any_line = line_id.is_none();
    Ok(LineBack {
        line_id: line_id.or(key).unwrap_or_default(),
        product: id.map(|id| ProductBack { id, worth, any_line }),
        quantity: Some(quantity.required(quantity.quantity()?)?),
        amount: None,
    })
}

/// Payments of a sale, bonuses apart.
#[derive(Debug, Default)]
struct Paid {
    with_money: Vec<Payment>,
    with_bonuses: Money,
}

impl Paid {
    fn read(document: &Field<'_>) -> Result<Self, Fault> {
        let mut paid = Paid::default();
        for payment in document.get("payments").items()? {
            let amount = payment.get("amount").money()?.unwrap_or_default();
            if amount.is_zero() {
                continue;
            }
            let kind = payment.get("type");
            match kind.required(kind.label())? {
                // 1C:Retail and UNF call a payment with bonuses so.
                kind if kind.to_lowercase() == "бонусы" => paid.with_bonuses += amount,
                kind => paid.with_money.push(Payment { kind, amount }),
            }
        }
        Ok(paid)
    }

    /// What was paid with money, where payments were sent at all.
    fn money(&self) -> Option<Money> {
        let sum = self.with_money.iter().map(|payment| payment.amount).sum();
        (!self.with_money.is_empty() || self.with_bonuses.is_positive()).then_some(sum)
    }
}

/// Brings the lines from 1C's amounts, net of bonuses, to ours, before bonuses; checks them against the total and
/// the payments; answers how much was paid with bonuses.
fn settle_bonuses(
    document: &Field<'_>,
    lines: &mut [SoldLine],
    paid: &Paid,
    remarks: &mut Vec<Words>,
) -> Result<Money, Fault> {
    let sum: Money = lines.iter().map(|sold| sold.line.amount).sum();
    let on_lines: Money = lines.iter().map(|sold| sold.bonus).sum();
    let declared = document.get("bonus").get("spent");
    let spent = declared
        .money()?
        .filter(|spent| spent.is_positive())
        .unwrap_or(paid.with_bonuses);
    let total = document.get("total");
    let total_sent = total.money()?;

    if on_lines.is_zero() && spent.is_positive() {
        // The spread is unknown. Only a sum that lacks the bonuses shows that the lines do not.
        let net = sum - spent;
        if total_sent != Some(net) && paid.money() != Some(net) {
            return Err(declared.fault(Problem::BonusesOnNoLine { spent }));
        }
        return Ok(spent);
    }
    if on_lines.is_positive() && paid.money() == Some(sum - on_lines) {
        let problem = Problem::LinesBeforeBonuses {
            lines: sum,
            paid: sum - on_lines,
        };
        return Err(document.get("lines").fault(problem));
    }
    if let Some(total_sent) = total_sent.filter(|total| *total != sum && *total != sum + on_lines) {
        if !is_rounding(sum - total_sent, lines.len()) {
            return Err(total.fault(Problem::TotalDiffers {
                lines: sum,
                total: total_sent,
            }));
        }
        remarks.push(Words::new(
            format!("итог {total_sent} отличается от суммы строк {sum} из-за округления; взята сумма строк"),
            format!("the total {total_sent} differs from the lines' {sum} by rounding; the lines were taken"),
        ));
    }
    if on_lines.is_positive() {
        if spent.is_positive() && spent != on_lines {
            remarks.push(Words::new(
                format!("bonus.spent {spent}, а в строках bonusDiscount {on_lines}; взяты строки"),
                format!("bonus.spent is {spent}, but bonusDiscount of the lines is {on_lines}; the lines were taken"),
            ));
        }
        for sold in lines {
            sold.line.amount += sold.bonus;
            sold.line.redeemed = Some(sold.bonus);
        }
    }
    Ok(on_lines)
}

/// Whether a difference can come of rounding each line to kopecks: at most half a kopeck a line.
fn is_rounding(difference: Money, lines: usize) -> bool {
    usize::try_from(difference.kopecks().unsigned_abs()).is_ok_and(|kopecks| kopecks <= lines.div_ceil(2))
}

/// The card's code: a string, for its leading zeros; `card` itself may be the code.
pub(crate) fn card_code(document: &Field<'_>) -> Result<Option<String>, Fault> {
    let card = document.get("card");
    match card.get("code").text()? {
        Some(code) => Ok(Some(code)),
        None => Ok(card.text().unwrap_or_default()),
    }
}

pub(crate) fn phone(document: &Field<'_>, remarks: &mut Vec<Words>) -> Option<Phone> {
    let text = document.get("phone").label()?;
    let phone = Phone::parse(&text);
    if phone.is_none() {
        remarks.push(Words::new(
            format!("«{text}» не похоже на телефон; чек принят без него"),
            format!("“{text}” is not a telephone number; the receipt was taken without it"),
        ));
    }
    phone
}

/// 1C writes GUIDs in lower case; what other code made of them is brought back to it. Other ids stay as they are.
fn guid_in_lower_case(id: String) -> String {
    if is_guid(&id) { id.to_ascii_lowercase() } else { id }
}
