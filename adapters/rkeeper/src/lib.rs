//! r_keeper 7: the HTTP protocol of FarCards (`ExtDLLHTTP`), translated to the till conversation and back.
//!
//! The cash server talks to FarCards, FarCards loads `ExtDLLHTTP.dll`, and the DLL posts UTF-8 XML to us: one path per
//! function. `GetCardInfoEx` asks who a card is and what it may do; `TransactionsEx` applies the money movements of a
//! receipt, all or none. Both may carry the receipt itself (`<CHECK>`), whose `chmode` says what the till is doing.
//!
//! What is known of the wire comes from the vendor's texts «HTTP protocol for FarCards», «Extdll6», «TRRESPONCE» and
//! «XML description of a cash document», and is cited by these names where it is used. Places where the vendor is
//! silent are marked as assumptions.
//!
//! | file | holds |
//! | --- | --- |
//! | `function.rs` | the functions and their paths |
//! | `xml.rs` | reading bytes into a tree, within limits |
//! | `request.rs` | the request roots: query, transactions |
//! | `check.rs` | the receipt XML as the till writes it |
//! | `told_sale.rs` | what a till said of a sale, before any setting |
//! | `lines.rs`, `payments.rs`, `receipt.rs` | the receipt as the ledger knows it |
//! | `card_code.rs` | which guest a card code names |
//! | `card_info.rs`, `card_image.rs`, `find_email.rs`, `movement.rs`, `notice.rs` | the dialogues |
//! | `answer.rs` | writing the answer XML |
//! | `read_error.rs` | why a message is not understood, and what the cashier is told |
//! | `remark.rs` | what a person should know of one that was |
//! | `settings.rs` | what can be set on a connection |
//! | `till_text.rs`, `till_time.rs` | words that a till can show, times as it writes them |
//!
//! The crate does no I/O.

mod answer;
mod card_code;
mod card_image;
mod card_info;
mod check;
mod find_email;
mod function;
mod guide;
mod lines;
mod movement;
mod notice;
mod payments;
mod read_error;
mod receipt;
mod remark;
mod request;
mod settings;
mod till_text;
mod till_time;
mod told_sale;
mod xml;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use kopilka_contract::{
    Adapter, Dialogue, GuideStep, Language, Message, Reply, Roads, Settings, SettingsError, Unreadable, Words,
};

pub use settings::{
    AccrualSource, BlockedCards, CardImage, DishReturns, KindMeaning, OutBufPlacement, Paths,
    RKeeperSettings, ScriptTransactions, Sign, SignedKind, SiteKind,
};

use crate::answer::Form;
use crate::card_info::CardInfo;
use crate::find_email::FindEmail;
use crate::function::Function;
use crate::movement::Movement;
use crate::notice::Notice;
use crate::read_error::ReadError;
use crate::request::{CardQuery, EmailQuery, ImageQuery, Packet, names_a_card};

/// The adapter of r_keeper 7.
#[derive(Debug, Clone, Copy, Default)]
pub struct RKeeper;

/// What every translation needs besides the message itself.
#[derive(Debug, Clone)]
struct Connection {
    common: Settings,
    own: RKeeperSettings,
    received_at: DateTime<Utc>,
}

impl Connection {
    fn new(message: &Message<'_>, settings: &Settings) -> Result<Self, SettingsError> {
        Ok(Connection {
            common: settings.clone(),
            own: settings.typed()?,
            received_at: message.received_at,
        })
    }

    /// Whether a till of that restaurant may speak here.
    fn serves(&self, restaurant: Option<&str>) -> Result<(), ReadError> {
        match restaurant.filter(|restaurant| !self.own.serves(restaurant)) {
            Some(other) => Err(ReadError::OtherRestaurant(other.chars().take(32).collect())),
            None => Ok(()),
        }
    }

    /// What the till is told of a message that waits for a person.
    fn not_read(&self, function: Function, error: &ReadError) -> Reply {
        let form = self.form();
        match (error, self.own.dish_returns) {
            (ReadError::NegativeLine(_), DishReturns::Keep) if function == Function::TransactionsEx => {
                let at = till_time::wall_clock(self.received_at, self.common.time_zone);
                let remark = match self.common.language {
                    Language::Ru => "Возврат блюд записан: бонусы вернёт администратор.",
                    Language::En => "The return of dishes is kept: a person gives the bonuses back.",
                };
                form.applied_with(answer::success(at, &[remark.to_owned()]))
            }
            _ => form.not_done(function, &error.refusal()),
        }
    }

    fn form(&self) -> Form {
        Form {
            language: self.common.language,
            outbuf: self.own.outbuf_placement,
        }
    }
}

impl Adapter for RKeeper {
    fn kind(&self) -> &'static str {
        "rkeeper"
    }

    fn title(&self) -> &'static str {
        "r_keeper 7 (FarCards HTTP)"
    }

    fn check_settings(&self, settings: &Settings) -> Result<(), SettingsError> {
        settings.typed::<RKeeperSettings>().map(drop)
    }

    /// The hall, and delivery orders unless another connection posts these.
    fn roads(&self, settings: &Settings) -> Roads {
        let own = settings.typed::<RKeeperSettings>().unwrap_or_default();
        Roads {
            hall: true,
            delivery: own.delivery_order_categories.is_empty(),
            only: vec![own.restaurant_numbers()],
            ..Roads::default()
        }
    }

    fn parting_settings(&self) -> &'static [&'static str] {
        &["delivery_order_categories", "restaurants"]
    }

    fn receipt_types(&self, settings: &Settings) -> BTreeSet<String> {
        let own = settings.typed::<RKeeperSettings>().unwrap_or_default();
        let types = own
            .order_types
            .into_values()
            .chain(own.order_categories.into_values());
        types.collect()
    }

    fn counts_accruals(&self, settings: &Settings) -> bool {
        let own = settings.typed::<RKeeperSettings>().unwrap_or_default();
        own.accrual_source == AccrualSource::Till
    }

    fn guide(&self, address: &str) -> Vec<GuideStep> {
        guide::guide(address)
    }

    fn read(&self, message: &Message<'_>, settings: &Settings) -> Result<Box<dyn Dialogue>, Unreadable> {
        let connection =
            Connection::new(message, settings).map_err(|e| unread_settings(message, settings, &e))?;
        let function = Function::of_path(message.path, &connection.own.paths);
        let error = match dialogue(function, message, &connection) {
            Ok(dialogue) => return Ok(dialogue),
            Err(error) => error,
        };
        let reason = error.words();
        if function == Function::TransactionsEx && concerns_nobody(message) {
            let reply = connection.form().applied();
            return match error {
                ReadError::OtherRestaurant(_) => Ok(Box::new(Notice::not_ours(connection.form(), reason))),
                _ => Err(Unreadable { reason, reply }),
            };
        }
        let reply = connection.not_read(function, &error);
        Err(Unreadable { reason, reply })
    }

    fn failure(&self, message: &Message<'_>, words: &Words, settings: &Settings) -> Reply {
        let Ok(connection) = Connection::new(message, settings) else {
            return Form::plain(settings.language)
                .not_done(Function::of_path(message.path, &Paths::default()), words);
        };
        if closes_without_us(message, &connection) {
            return connection.form().applied();
        }
        let function = Function::of_path(message.path, &connection.own.paths);
        connection.form().not_done(function, words)
    }

    fn goes_on(&self, message: &Message<'_>, settings: &Settings) -> bool {
        Connection::new(message, settings).is_ok_and(|connection| closes_without_us(message, &connection))
    }
}

/// Whether a till closes the receipt of a message whatever becomes of us. With «Pass ALL Receipts XML data» every receipt of the
/// restaurant comes here: our trouble must not stop the tills from closing those that have nothing to do with bonuses.
fn closes_without_us(message: &Message<'_>, connection: &Connection) -> bool {
    let of_nobody = || read_movement(message, connection).is_ok_and(|movement| !movement.concerns_a_guest());
    Function::of_path(message.path, &connection.own.paths) == Function::TransactionsEx
        && (concerns_nobody(message) || of_nobody())
}

fn dialogue(
    function: Function,
    message: &Message<'_>,
    connection: &Connection,
) -> Result<Box<dyn Dialogue>, ReadError> {
    if is_opened_in_a_browser(function, message) {
        return Ok(Box::new(Notice::probe(connection.form())));
    }
    match function {
        Function::GetCardInfoEx => {
            let query = CardQuery::read(&xml::parse(message.body, message.content_type)?)?;
            connection.serves(query.restaurant())?;
            Ok(Box::new(CardInfo::new(query, connection)?))
        }
        Function::TransactionsEx => Ok(Box::new(read_movement(message, connection)?)),
        Function::FindEmail => {
            let query = EmailQuery::read(&xml::parse(message.body, message.content_type)?)?;
            Ok(Box::new(FindEmail::new(&query, connection)))
        }
        Function::GetCardImageEx => {
            let query = ImageQuery::read(&xml::parse(message.body, message.content_type)?)?;
            Ok(Box::new(card_image::CardImage::new(query, connection)))
        }
        Function::LicenseInfo => Ok(Box::new(Notice::licence(connection.form()))),
        Function::Unknown => Err(ReadError::UnknownFunction(message.path.to_owned())),
    }
}

/// Whether a person looks if the address answers: the DLL only ever posts. A path that leads nowhere is none that answers.
fn is_opened_in_a_browser(function: Function, message: &Message<'_>) -> bool {
    let leads_somewhere = function != Function::Unknown || message.path.trim_matches('/').is_empty();
    message.method == "GET" && leads_somewhere
}

fn read_movement(message: &Message<'_>, connection: &Connection) -> Result<Movement, ReadError> {
    let root = xml::parse(message.body, message.content_type)?;
    let packet = Packet::read(&root, &connection.own.transaction_kinds)?;
    connection.serves(packet.restaurant().as_deref())?;
    Movement::new(&packet, connection)
}

/// Whether a message can be read as XML and names no card: no bonuses hang on it.
fn concerns_nobody(message: &Message<'_>) -> bool {
    xml::parse(message.body, message.content_type).is_ok_and(|root| !names_a_card(&root))
}

fn unread_settings(message: &Message<'_>, settings: &Settings, error: &SettingsError) -> Unreadable {
    let words = Words::new(
        "Подключение кассы настроено неверно, бонусы не изменены",
        "The connection of this till is set up wrongly, no bonuses were changed",
    );
    Unreadable {
        reason: error.words(),
        reply: Form::plain(settings.language)
            .not_done(Function::of_path(message.path, &Paths::default()), &words),
    }
}

/// Words for an answer of the ledger that does not fit what was asked: a defect, and never the cashier's.
fn unanswered() -> Words {
    Words::new(
        "Ошибка программы лояльности, повторите операцию",
        "The loyalty service failed, repeat the operation",
    )
}
