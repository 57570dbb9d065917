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

mod give_back;
mod sale;
mod version;

use chrono::{DateTime, Utc};
use kopilka_contract::{
    About, AsTold, Ask, Dialogue, Language, Message, Part, Phone, Refusal, Reply, Settings, Told, Unreadable,
    Words, words,
};
use serde_json::Value;

use crate::charset;
use crate::fault::{Fault, Problem};
use crate::fields::{Field, is_guid};
use crate::receipt_answer::{self, Outcome};
use crate::settings::OneCSettings;

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
    read_value(
        &json(message, contract.settings.language)?,
        &Said::InOurWords,
        contract,
    )
}

/// What the base of a document has said of it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Said {
    /// The document itself: the words of the contract are the base's own.
    InOurWords,
    /// This: the document is what settings have made of it.
    InItsOwn(Option<AsTold>),
}

/// Reads one document that is JSON already, whichever road it came by.
pub(crate) fn read_value(
    value: &Value,
    said: &Said,
    contract: Contract<'_>,
) -> Result<Box<dyn Dialogue>, Unreadable> {
    let language = contract.settings.language;
    match contract.read(Field::document(value), said) {
        Ok(document) => Ok(Box::new(Push {
            documents: vec![Ok(document)],
            bodies: Vec::new(),
            batch: false,
            language,
        })),
        Err(Rejected { document_id, fault }) => Err(Unreadable {
            reason: fault.words(),
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
        .map(|item| contract.read(Field::document(item), &Said::InOurWords))
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
        let words = words!("тело не JSON: {error}", "the body is not JSON: {error}");
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
    pub(crate) fn remarks(&self) -> Vec<Words> {
        let id = &self.id;
        let remark = |Words { ru, en }: &Words| words!("{id}: {ru}", "{id}: {en}");
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
    pub(crate) fn reason(&self) -> Words {
        self.fault.words()
    }

    /// Which document, and what is wrong with it.
    pub(crate) fn words(&self) -> Words {
        let (id, Words { ru, en }) = (self.document_id.as_deref().unwrap_or("?"), self.reason());
        words!("{id}: {ru}", "{id}: {en}")
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
            Err(rejected) => About::Unread(rejected.words()),
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

    fn remarks(&self) -> Vec<Words> {
        let of_one = |document: &Result<Document, Rejected>| match document {
            Ok(document) => document.remarks(),
            Err(rejected) => vec![rejected.words()],
        };
        self.documents.iter().flat_map(of_one).collect()
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
    pub(crate) fn read(&self, document: Field<'_>, said: &Said) -> Result<Document, Rejected> {
        let document_id = document
            .get("documentId")
            .text()
            .ok()
            .flatten()
            .map(guid_in_lower_case);
        self.understand(&document, said)
            .map_err(|fault| Rejected { document_id, fault })
    }

    fn understand(&self, document: &Field<'_>, said: &Said) -> Result<Document, Fault> {
        let document = document.clone().object()?;
        let id = document.get("documentId");
        let id = guid_in_lower_case(id.required(id.text()?)?);
        let mut remarks = Vec::new();
        let ask = match operation(&document)? {
            operation if is_cancelled(&document) => {
                self.cancel(operation, &document, id.clone(), &mut remarks)?
            }
            Operation::Sale => Ask::Close(self.sale(&document, id.clone(), said, &mut remarks)?),
            Operation::Return => Ask::GiveBack(self.give_back(&document, id.clone(), &mut remarks)?),
        };
        Ok(Document { id, ask, remarks })
    }
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

/// The lines of a document, of which there is at least one.
fn some_lines<'a>(document: &Field<'a>) -> Result<Vec<Field<'a>>, Fault> {
    let lines = document.get("lines");
    let items = lines.items()?;
    lines.required((!items.is_empty()).then_some(items))
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
