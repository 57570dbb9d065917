//! The contract for a plugin of iikoFront, `POST v1/<call>`: the only road by which a guest is known at the till and can pay
//! with bonuses before the fiscal receipt is printed.
//!
//! iiko has no protocol by which its till calls a loyalty system: a third party ships a plugin (*Resto.Front.Api*), which
//! speaks whatever its author chose. So the contract is ours; what iiko fixes is when a plugin may call and what it knows
//! then. `openapi.json` beside the sources describes it with examples.
//!
//! | moment (*Resto.Front.Api*) | call |
//! | --- | --- |
//! | card or barcode read, number typed; `CollectData` | `identify` |
//! | `OnPaymentAdded`, `OnPreliminaryPaymentEditing` | `quote` |
//! | `Pay`, `PaySilently` | `reserve` |
//! | `EmergencyCancelPayment` | `cancel` |
//! | `OrderChanged` with status `Closed`, any number of times | `close` |
//! | `ReturnPayment`, `OrderStorned`, `PastOrderStorned`, order removed | `return` |
//!
//! Everything is named by ids that the plugin knows (order, transaction), so that it can repeat itself after a crash.

mod answer;
mod cancel;
mod close;
mod fault;
mod give_back;
mod identify;
mod order;
mod quote;
mod receipt_lines;
mod reserve;
mod told_order;

use kopilka_contract::{Dialogue, Language, Message, Refusal, Reply, Settings, Unreadable, Words, words};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use self::fault::Fault;
use crate::Id;
use crate::envelope::Service;
use crate::settings::IikoSettings;
use crate::webhook;

/// What of a connection a call is read with.
#[derive(Debug, Clone, Copy)]
struct Connection<'a> {
    general: &'a Settings,
    iiko: &'a IikoSettings,
}

/// Reads a call; `path` is what follows `v1/`.
pub(crate) fn read(
    path: &str,
    message: &Message<'_>,
    settings: &Settings,
) -> Result<Box<dyn Dialogue>, Unreadable> {
    let language = settings.language;
    let iiko = settings.typed::<IikoSettings>().map_err(|error| {
        unreadable(
            500,
            "connection-settings",
            error.words(),
            misconfigured(),
            language,
        )
    })?;
    let connection = Connection {
        general: settings,
        iiko: &iiko,
    };
    if message.method != "POST" {
        let method = message.method;
        let reason = words!("{method} вместо POST", "{method} where POST is expected");
        return Err(unreadable(
            405,
            "method-not-allowed",
            reason,
            malformed(),
            language,
        ));
    }
    let call = Call { message, connection };
    Ok(match path {
        "identify" => Box::new(identify::read(call.body()?, language, settings.time_zone)),
        "quote" => Box::new(quote::read(&call)?),
        "reserve" => Box::new(reserve::read(&call)?),
        "close" => Box::new(close::read(&call)?),
        "cancel" => Box::new(cancel::read(&call)?),
        "return" => Box::new(give_back::read(&call)?),
        other => {
            let reason = words!(
                "вызова «v1/{other}» у плагина нет",
                "`v1/{other}` is no call of a plugin"
            );
            return Err(unreadable(404, "not-found", reason, malformed(), language));
        }
    })
}

/// What a plugin is told where we failed: nothing was posted, it may say it again.
pub(crate) fn failure(words: &Words, language: Language) -> Reply {
    answer::refusal(
        &Refusal {
            code: "busy".to_owned(),
            words: words.clone(),
            pointer: None,
            retryable: true,
            most: None,
        },
        language,
    )
}

/// One call with its connection.
struct Call<'a> {
    message: &'a Message<'a>,
    connection: Connection<'a>,
}

impl Call<'_> {
    fn language(&self) -> Language {
        self.connection.general.language
    }

    /// The body, if it comes from a till of this connection.
    fn body<T: DeserializeOwned>(&self) -> Result<T, Unreadable> {
        let language = self.language();
        let broken = |error: serde_json::Error| {
            let reason = words!("тело не JSON: {error}", "{error}");
            unreadable(400, "malformed-json", reason, malformed(), language)
        };
        let reader = &mut serde_json::Deserializer::from_slice(self.message.body);
        let value: serde_json::Value = Deserialize::deserialize(&mut *reader).map_err(broken)?;
        reader.end().map_err(broken)?;
        self.check_terminal(&value)?;
        serde_path_to_error::deserialize(value).map_err(|error| {
            let pointer = pointer(error.path());
            self.invalid(&pointer, &Fault::Unread(error.into_inner()))
        })
    }

    fn check_terminal(&self, body: &serde_json::Value) -> Result<(), Unreadable> {
        let named = |field: &str| {
            let text = body["terminal"][field].as_str()?;
            Id::parse(text).ok()
        };
        let iiko = self.connection.iiko;
        let of_another = |field, ours: &std::collections::BTreeSet<Id>| {
            !ours.is_empty() && named(field).is_some_and(|id| !ours.contains(&id))
        };
        let strange = of_another("organizationId", iiko.restaurants())
            || of_another("terminalGroupId", &iiko.terminal_groups);
        if !strange {
            return Ok(());
        }
        let words = Words::new(
            "Эта касса подключена к другому ресторану. Сообщите администратору.",
            "This till belongs to another restaurant. Tell the administrator.",
        );
        let reason = Words::new(
            "ресторан или группа касс не из этого подключения",
            "the organization or terminal group is not one of this connection",
        );
        Err(unreadable(403, "wrong-terminal", reason, words, self.language()))
    }

    /// Orders that are told by another road are not closed by this one.
    fn check_road(&self, service: Service) -> Result<(), Unreadable> {
        if self.connection.iiko.told_by(service).plugin() {
            return Ok(());
        }
        let words = Words::new(
            "В настройках подключения заказы этого вида приходят другим путём (hall, delivery). Сообщите администратору.",
            "By the connection's settings such orders come by another road (hall, delivery). Tell the administrator.",
        );
        Err(unreadable(
            422,
            "road-off",
            webhook::other_road(),
            words,
            self.language(),
        ))
    }

    /// A field that is wrong: the plugin's author must mend it.
    fn invalid(&self, pointer: &str, fault: &Fault) -> Unreadable {
        let refusal = Refusal {
            code: "invalid-request".to_owned(),
            words: Words::new(
                "Плагин бонусов прислал неверные данные. Сообщите администратору.",
                "The bonus plugin sent wrong data. Tell the administrator.",
            ),
            pointer: Some(pointer.to_owned()),
            retryable: false,
            most: None,
        };
        let Words { ru, en } = fault.words();
        Unreadable {
            reply: answer::refusal_because(&refusal, Some(&en), self.language()),
            reason: words!("поле {pointer}: {ru}", "field {pointer}: {en}"),
        }
    }
}

/// Path of a field as a JSON Pointer.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{key}"),
            Segment::Enum { variant } => format!("/{variant}"),
            Segment::Unknown => String::new(),
        })
        .collect()
}

fn unreadable(status: u16, code: &str, reason: Words, words: Words, language: Language) -> Unreadable {
    let reply = answer::trouble(status, code, &words, &reason.en, language);
    Unreadable { reason, reply }
}

fn malformed() -> Words {
    Words::new(
        "Плагин бонусов прислал непонятный запрос. Сообщите администратору.",
        "The bonus plugin sent a request that can't be read. Tell the administrator.",
    )
}

fn misconfigured() -> Words {
    Words::new(
        "Подключение кассы к бонусам настроено неверно. Сообщите администратору.",
        "The connection of this till is not set up correctly. Tell the administrator.",
    )
}
