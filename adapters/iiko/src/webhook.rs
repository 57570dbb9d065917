//! The dialogue of a webhook: what its events ask of the ledger, and the answer.

use kopilka_contract::{
    About, Ask, Dialogue, Errand, Language, Message, Money, Part, Refusal, Reply, Settings, Told, Unreadable,
    Words, same_secret, words,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Id;
use crate::closing::{Connection, Snapshot};
use crate::cloud::{NOT_READ, Wanted};
use crate::envelope::{Envelope, event_info, events};
use crate::lines::BadItem;
use crate::moment;
use crate::order::{Order, OrderInfo, Sale, Standing, order_in};
use crate::remark::Remark;
use crate::settings::{IikoSettings, NegativeSum, WebhookAuthorization};

/// A webhook, read.
#[derive(Debug)]
pub(crate) struct Webhook {
    asks: Vec<Ask>,
    /// Names of the orders that the asks are about.
    orders: Vec<Vec<String>>,
    remarks: Vec<Words>,
    /// What iikoCloud is to be asked because of it.
    errands: Vec<Errand>,
    /// Where the till is told of what is refused: restaurant and cloud id of each ask's order.
    told_of: Vec<Option<(Id, Id)>>,
    language: Language,
    received: usize,
    /// The events that can't be read, each with the reason.
    unread: Vec<(Value, Words)>,
}

/// Reads the body of a webhook. It is unreadable only where not one of its events could be read.
pub(crate) fn read(message: &Message<'_>, settings: &Settings) -> Result<Webhook, Unreadable> {
    let iiko = settings.typed::<IikoSettings>().map_err(|error| Unreadable {
        reason: error.words(),
        reply: not_received("the connection is not set up"),
    })?;
    let connection = Connection {
        general: settings,
        iiko: &iiko,
    };
    let events = events(message.body).map_err(|error| Unreadable {
        reason: error.words(),
        reply: Answer {
            unreadable: 1,
            ..Answer::default()
        }
        .reply(),
    })?;

    let mut webhook = Webhook {
        asks: Vec::new(),
        orders: Vec::new(),
        remarks: Vec::new(),
        errands: Vec::new(),
        told_of: Vec::new(),
        language: settings.language,
        received: events.len(),
        unread: Vec::new(),
    };
    for (number, event) in (1..).zip(&events) {
        webhook.hear(number, event, connection);
    }
    if webhook.received > 0 && webhook.unread.len() == webhook.received {
        return Err(Unreadable {
            reply: webhook.reply(&[]),
            reason: Words::join(&webhook.remarks, "; "),
        });
    }
    Ok(webhook)
}

/// Whether the books want to know of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Worth {
    /// It says what became of an order, or can't be read, which a person should see.
    Reading,
    /// It was understood and asks nothing.
    Nothing,
    /// The order is not in it yet.
    Later,
}

/// Looks an event over that was fetched: only what is worth reading becomes a message.
pub(crate) fn worth(event: &Value, settings: &Settings) -> Worth {
    let Ok(iiko) = settings.typed::<IikoSettings>() else {
        return Worth::Reading;
    };
    let connection = Connection {
        general: settings,
        iiko: &iiko,
    };
    match ask(event, connection, &mut Vec::new()) {
        Ok(Heard::Nothing(Ignored::NoOrder(_))) => Worth::Later,
        Ok(Heard::Nothing(Ignored::NotCreated(status))) if status == "InProgress" => Worth::Later,
        Ok(Heard::Nothing(_)) => Worth::Nothing,
        Ok(Heard::Ask(..)) | Err(_) => Worth::Reading,
    }
}

/// To what the service fetched itself; nobody hears it.
pub(crate) fn taken() -> Reply {
    Answer::default().reply()
}

/// To a message for an address that is not served.
pub(crate) fn nothing_here() -> Reply {
    failure(404, "not found")
}

/// To somebody who is not iiko.
pub(crate) fn failure(status: u16, error: &str) -> Reply {
    json(status, &Failure { error })
}

/// To a message that we could not keep: iikoCloud takes anything but 200 for "not received" and may send it again.
pub(crate) fn not_received(words: &str) -> Reply {
    json(503, &Failure { error: words })
}

/// Whether a webhook carries the token that iiko was given for it; else it is told so, with 401.
pub(crate) fn admits(
    authorization: Option<&str>,
    token: &str,
    how: WebhookAuthorization,
) -> Result<(), Reply> {
    let given = authorization.unwrap_or_default().trim();
    let bearer = given.strip_prefix("Bearer ").map(str::trim);
    let admitted = match how {
        WebhookAuthorization::Raw => same_secret(given, token),
        WebhookAuthorization::Bearer => bearer.is_some_and(|given| same_secret(given, token)),
        WebhookAuthorization::Any => same_secret(bearer.unwrap_or(given), token),
    };
    if admitted {
        return Ok(());
    }
    Err(json(
        401,
        &Failure {
            error: "the webhook's authToken is not the one of this connection",
        },
    ))
}

impl Webhook {
    /// Adds what a person should know of all of it.
    pub(crate) fn remark(&mut self, remark: &Remark) {
        self.remarks.push(remark.words());
    }

    fn hear(&mut self, number: usize, event: &Value, connection: Connection<'_>) {
        let mut notes = Vec::new();
        let mut verdict = None;
        match ask(event, connection, &mut notes) {
            Ok(Heard::Ask(ask, names)) => {
                self.asks.push(*ask);
                self.orders.push(names);
                let told_of = connection.iiko.tells_till().then(|| order_of(event));
                self.told_of.push(told_of.flatten());
            }
            Ok(Heard::Nothing(why)) => {
                // One that is not sold yet names itself already: later messages may know only one of the names.
                let names = names_in(event);
                if names.len() > 1 && why.is_of_ours() {
                    self.orders.push(names);
                }
                if let Ignored::NoOrder(wanted) = &why
                    && connection.iiko.cloud.has_account()
                    && connection.iiko.cloud.look_up
                {
                    self.errands.extend(wanted.as_ref().map(Wanted::errand));
                }
                verdict = Some(why.words());
            }
            Err(unread) => {
                let why = unread.words();
                if let (true, Some((place, order))) = (connection.iiko.tells_till(), order_of(event)) {
                    let text = NOT_READ.in_language(self.language).to_owned();
                    self.errands.push(Wanted::notify(place, order, text).errand());
                }
                let Words { ru, en } = &why;
                verdict = Some(words!("не прочитано: {ru}", "not readable: {en}"));
                self.unread.push((event.clone(), why));
            }
        }
        let notes = notes.iter().map(Remark::words).chain(verdict);
        let remarks = notes.map(|Words { ru, en }| words!("событие {number}: {ru}", "event {number}: {en}"));
        self.remarks.extend(remarks);
    }
}

impl Dialogue for Webhook {
    fn asks(&self) -> Vec<Ask> {
        self.asks.clone()
    }

    fn orders(&self) -> Vec<Vec<String>> {
        self.orders.clone()
    }

    fn remarks(&self) -> Vec<Words> {
        self.remarks.clone()
    }

    fn errands(&self) -> Vec<Errand> {
        self.errands.clone()
    }

    /// The till is told what the books refused, and why.
    fn errands_after(&self, told: &[Result<Told, Refusal>]) -> Vec<Errand> {
        let refused = self.told_of.iter().zip(told).filter_map(|(order, told)| {
            let refusal = told.as_ref().err()?;
            // An older word of an order that was cancelled since comes too late to matter.
            if refusal.retryable || refusal.code == "receipt-cancelled" {
                return None;
            }
            let (place, order) = order.clone()?;
            let text = refusal.words.in_language(self.language).to_owned();
            Some(Wanted::notify(place, order, text).errand())
        });
        refused.collect()
    }

    /// Events that can't be read wait by themselves: what stands beside them is done.
    fn parts(&self) -> Vec<Part> {
        let unread = self.unread.iter();
        unread
            .map(|(event, reason)| Part {
                path: "webhook".to_owned(),
                content_type: "application/json",
                body: event.to_string().into_bytes(),
                about: About::Unread(reason.clone()),
            })
            .collect()
    }

    fn reply(&self, told: &[Result<Told, Refusal>]) -> Reply {
        Answer {
            received: self.received,
            unreadable: self.unread.len(),
            refused: told
                .iter()
                .filter_map(|told| Some(told.as_ref().err()?.code.as_str()))
                .collect(),
        }
        .reply()
    }
}

/// The vendor looks at the status only; the body is for the person who looks at the exchange.
#[derive(Debug, Default, Serialize)]
struct Answer<'a> {
    /// Events in the message.
    received: usize,
    /// Events that wait for a person; one, where the message is none of events.
    unreadable: usize,
    /// Codes of the refusals, in order.
    refused: Vec<&'a str>,
}

impl Answer<'_> {
    /// 200 says that the data was received, not that the ledger liked it.
    fn reply(&self) -> Reply {
        json(200, self)
    }
}

#[derive(Debug, Serialize)]
struct Failure<'a> {
    error: &'a str,
}

fn json(status: u16, body: &impl Serialize) -> Reply {
    Reply {
        status,
        content_type: "application/json",
        // Numbers and texts under fixed names: nothing that could fail.
        body: serde_json::to_vec(body).unwrap_or_default(),
    }
}

/// The restaurant and the cloud id of an event's order, however much of it can be read.
fn order_of(event: &Value) -> Option<(Id, Id)> {
    let info = &event["eventInfo"];
    let id = |value: &Value| value.as_str().and_then(|id| Id::parse(id).ok());
    let place = id(&info["organizationId"]).or_else(|| id(&event["organizationId"]))?;
    Some((place, id(&info["id"])?))
}

/// The names of an event's order, the till's first.
fn names_in(event: &Value) -> Vec<String> {
    let info = event_info(event);
    let ids = ["posId", "id"].map(|field| info[field].as_str().and_then(|id| Id::parse(id).ok()));
    let mut names: Vec<String> = ids.iter().flatten().map(Id::to_string).collect();
    names.dedup();
    names
}

/// What an event means to us.
enum Heard {
    /// About an order with these names.
    Ask(Box<Ask>, Vec<String>),
    Nothing(Ignored),
}

/// Why an event that was understood asks nothing.
#[derive(Debug)]
enum Ignored {
    /// Of a kind that is not about orders.
    OtherEvent(String),
    /// The connection names its restaurants.
    OtherOrganization,
    /// The connection names its groups of tills.
    OtherTerminalGroup,
    /// `creationStatus` of an order that is none.
    NotCreated(String),
    /// It was announced without its content; what may be asked for.
    NoOrder(Option<Wanted>),
    /// The order's status.
    NotSold(String),
    /// [`NegativeSum::Ignore`].
    NegativeSum(Money),
    /// Settings `hall` and `delivery`.
    OtherRoad,
}

impl Ignored {
    fn words(&self) -> Words {
        match self {
            Ignored::OtherEvent(kind) => words!(
                "{kind} не говорит, что стало с заказом",
                "`{kind}` does not say what became of an order"
            ),
            Ignored::OtherOrganization => Words::new(
                "ресторан не из этого подключения",
                "the restaurant is not one of this connection",
            ),
            Ignored::OtherTerminalGroup => Words::new(
                "группа касс не из этого подключения",
                "the till group is not one of this connection",
            ),
            Ignored::NotCreated(status) => words!(
                "заказ не создан ({status})",
                "the order is not created (`{status}`)"
            ),
            Ignored::NoOrder(_) => Words::new("в событии нет заказа", "there is no order in it"),
            Ignored::NotSold(status) => words!(
                "статус {status}: заказ ещё не продан",
                "status `{status}`: not sold yet"
            ),
            Ignored::NegativeSum(sum) => words!(
                "сумму {sum} проводит плагин (настройка negative_sum)",
                "a sum of {sum} is left to the plugin (setting `negative_sum`)"
            ),
            Ignored::OtherRoad => other_road(),
        }
    }

    /// Whether it is an order of this connection all the same.
    fn is_of_ours(&self) -> bool {
        matches!(
            self,
            Ignored::NotCreated(_) | Ignored::NoOrder(_) | Ignored::NotSold(_)
        )
    }
}

/// Why an order is left alone that the settings `hall` and `delivery` leave to another road.
pub(crate) fn other_road() -> Words {
    Words::new(
        "такие заказы приходят другим путём (настройки hall и delivery)",
        "such orders are told by another road (settings `hall` and `delivery`)",
    )
}

/// Why an event cannot be read.
#[derive(Debug)]
enum Unread {
    /// The event itself.
    Envelope(serde_json::Error),
    /// What it tells, but for the order.
    Info(serde_json::Error),
    /// The version of the order.
    Timestamp(i64),
    /// The order has no name.
    NoId,
    /// The order, but for its items.
    Order(serde_json::Error),
    /// [`NegativeSum::Person`].
    NegativeSum(Money),
    /// An item.
    Item(BadItem),
}

impl From<BadItem> for Unread {
    fn from(item: BadItem) -> Self {
        Unread::Item(item)
    }
}

impl Unread {
    fn words(&self) -> Words {
        match self {
            Unread::Envelope(error) => words!("это не событие: {error}", "not an event: {error}"),
            Unread::Info(error) => words!("поле eventInfo: {error}", "eventInfo: {error}"),
            Unread::Timestamp(timestamp) => words!(
                "поле eventInfo: timestamp {timestamp} — не время в миллисекундах",
                "eventInfo: timestamp {timestamp} is not a time in milliseconds"
            ),
            Unread::NoId => Words::new(
                "поле eventInfo: нет ни posId, ни id",
                "eventInfo: neither posId nor id",
            ),
            Unread::Order(error) => words!("заказ: {error}", "the order: {error}"),
            Unread::NegativeSum(sum) => words!(
                "сумма {sum}: непонятно, сколько и по какой продаже возвращено, iiko таких заказов не описывает; верните \
                 вручную или укажите в настройке negative_sum, что они значат, и повторите это сообщение",
                "a sum of {sum}: how much of which sale came back is not clear, for iiko does not document such orders; return \
                 it by hand, or say with the setting `negative_sum` what they mean and replay this message"
            ),
            Unread::Item(item) => item.words(),
        }
    }
}

/// Why an order that is closed is no sale.
fn no_sale(sale: &Sale, iiko: &IikoSettings) -> Option<Remark> {
    if let Some(sum) = negative(sale) {
        return Some(Remark::NegativeSum { sum });
    }
    let kinds = sale.no_sale(iiko)?;
    Some(Remark::PaidNoSale { kinds })
}

/// A sum below zero.
fn negative(sale: &Sale) -> Option<Money> {
    sale.sum.filter(|sum| *sum < Money::ZERO)
}

/// Reads one event, only as deep as is needed to know what it asks.
fn ask(event: &Value, connection: Connection<'_>, notes: &mut Vec<Remark>) -> Result<Heard, Unread> {
    let iiko = connection.iiko;
    let envelope = Envelope::deserialize(event).map_err(Unread::Envelope)?;
    let Some(service) = envelope.service() else {
        return Ok(Heard::Nothing(Ignored::OtherEvent(envelope.event_type)));
    };

    let told = event_info(event);
    let info = OrderInfo::deserialize(told).map_err(Unread::Info)?;
    let organization = info
        .organization_id
        .as_ref()
        .or(envelope.organization_id.as_ref());
    let restaurants = iiko.restaurants();
    if !restaurants.is_empty() && !organization.is_some_and(|id| restaurants.contains(id)) {
        return Ok(Heard::Nothing(Ignored::OtherOrganization));
    }
    if !iiko.told_by(service).webhook() {
        return Ok(Heard::Nothing(Ignored::OtherRoad));
    }
    if let Some(status) = info.creation_status.filter(|status| status != "Success") {
        return Ok(Heard::Nothing(Ignored::NotCreated(status)));
    }
    let Some(value) = order_in(told) else {
        let id = info.id.clone().zip(organization.cloned());
        let wanted = id.map(|(id, place)| Wanted::order(service, place, id));
        return Ok(Heard::Nothing(Ignored::NoOrder(wanted)));
    };

    let order = Order::deserialize(value).map_err(Unread::Order)?;
    let terminal_group = order.terminal_group_id.as_ref();
    if !iiko.terminal_groups.is_empty() && !terminal_group.is_some_and(|id| iiko.terminal_groups.contains(id))
    {
        return Ok(Heard::Nothing(Ignored::OtherTerminalGroup));
    }
    let standing = order.standing(service, iiko.accrue_on_delivered);
    if standing == Standing::Open {
        return Ok(Heard::Nothing(Ignored::NotSold(order.status)));
    }

    if info.pos_id.is_none() {
        notes.push(Remark::NoPosId);
    }
    let snapshot = Snapshot {
        service,
        id: info.pos_id.as_ref().or(info.id.as_ref()).ok_or(Unread::NoId)?,
        timestamp: moment::from_timestamp(info.timestamp).ok_or(Unread::Timestamp(info.timestamp))?,
        event_time: envelope.event_time.as_deref(),
        order: &order,
    };
    let names = [&info.pos_id, &info.id].into_iter().flatten();
    let names = names.map(|id| id.as_str().to_owned()).collect();
    if standing == Standing::Cancelled {
        let give_back = snapshot.give_back(connection, notes);
        return Ok(Heard::Ask(Box::new(Ask::GiveBack(give_back)), names));
    }
    let sale = Sale::deserialize(value).map_err(Unread::Order)?;
    match (negative(&sale), iiko.negative_sum) {
        (Some(sum), NegativeSum::Person) => return Err(Unread::NegativeSum(sum)),
        (Some(sum), NegativeSum::Ignore) => return Ok(Heard::Nothing(Ignored::NegativeSum(sum))),
        (Some(_), NegativeSum::Undo) | (None, _) => {}
    }
    if let Some(why) = no_sale(&sale, iiko) {
        notes.push(why);
        let undone = snapshot.not_sold(connection, notes);
        return Ok(Heard::Ask(Box::new(Ask::GiveBack(undone)), names));
    }
    let items = Sale::items(value).map_err(Unread::Order)?;
    let close = snapshot.close(&sale, items, connection, notes)?;
    Ok(Heard::Ask(Box::new(Ask::Close(close)), names))
}
