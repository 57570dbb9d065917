//! Receipts of a base over OData: asked for by the service, since a base of 1C sends nothing by itself.
//!
//! A round looks at all receipts and returns since the last one, and a while before it, for documents are posted late and changed:
//! what was taken in the same state already is passed over. Whether posting alone changes `DataVersion` is not documented, so a
//! state is that with the standing of the document, and states under one version are counted. Each new or changed document is delivered as the base has it, with
//! the names of what it refers to, and read by the mapping of its configuration into a document of our JSON contract.

mod document;
mod poll;
mod profile;
mod request;
mod settings;
mod stage;

use kopilka_contract::{AsTold, Dialogue, Message, Unreadable, Words};
use serde_json::{Map, Value};

use self::document::{Mapped, Names, mapped};
pub(crate) use self::poll::ODataPoll;
pub use self::profile::{
    CardFields, Configuration, DocumentFields, KindFields, Operation, OperationField, PaymentFields,
    ProductFields, Profile, StatusField,
};
pub use self::settings::ODataSettings;
use crate::query::Query;
use crate::receipt_answer;
use crate::receipt_json::{self, Contract, Said};

/// What a base says of a document, whichever its state and its mapping. Names of products are not in it: they have keys.
fn as_told(delivered: &Value) -> Option<AsTold> {
    let fields = delivered["document"].as_object()?.iter();
    let document: Vec<_> = fields.filter(|(name, _)| *name != "DataVersion").collect();
    AsTold::of(
        "1c odata",
        &(document, &delivered["cards"], &delivered["paymentKinds"]),
    )
}

/// What follows `poll/` in the path of a delivered document.
pub(crate) const DELIVERED: &str = "odata";

/// Reads a document that was asked for: `{"document": …, "cards": {key: code}, "products": {key: {name, groupId}},
/// "paymentKinds": {key: name}}`.
pub(crate) fn read(message: &Message<'_>, contract: Contract<'_>) -> Result<Box<dyn Dialogue>, Unreadable> {
    let language = contract.settings.language;
    let broken = |ru: &str, en: &str| receipt_answer::broken(&Words::new(ru, en), language);
    let Some(own) = &contract.own.odata else {
        return Err(broken(
            "подключение больше не спрашивает базу",
            "this connection asks its base no more",
        ));
    };
    let value: Value =
        serde_json::from_slice(message.body).map_err(|_| broken("тело не JSON", "the body is not JSON"))?;
    let query = Query::parse(message.query);
    let profile = own.profile();
    let entity = query.get("entity").unwrap_or_default();
    let Some(fields) = profile.documents.iter().find(|fields| fields.entity == entity) else {
        return Err(broken(
            "вид документа не описан",
            "this kind of documents has no mapping",
        ));
    };
    let empty = Map::new();
    let names = Names {
        cards: value["cards"].as_object().unwrap_or(&empty),
        products: value["products"].as_object().unwrap_or(&empty),
        payment_kinds: value["paymentKinds"].as_object().unwrap_or(&empty),
    };
    let turn = query.get("turn").and_then(|turn| turn.parse().ok());
    let contract = Contract {
        turn: turn.unwrap_or_default(),
        ..contract
    };
    match mapped(fields, &value["document"], names, &contract.own.bonus_payments) {
        Mapped::Document(document) => {
            receipt_json::read_value(&document, &Said::InItsOwn(as_told(&value)), contract)
        }
        Mapped::NotAReceipt => Err(broken("документ не чек", "the document is no receipt")),
    }
}
