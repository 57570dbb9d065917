//! What a plugin is answered: JSON with decimal strings, and a sentence for the cashier in every answer.

use kopilka_contract::{Balance, CashierMessage, Language, Money, Refusal, Reply, Told, Words};
use serde::Serialize;

/// A pair of texts for the printed receipt, as iiko's markup has it (`<pair left= right=/>`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct ReceiptLine {
    pub left: &'static str,
    pub right: String,
}

/// What a guest has.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BalanceAnswer {
    /// Can be spent here now.
    available: Money,
    /// Will be usable later.
    pending: Money,
    /// What expires next.
    expiring_soon: Option<ExpiringAnswer>,
}

#[derive(Debug, Serialize)]
struct ExpiringAnswer {
    amount: Money,
    /// From this moment it is gone; the venue's time.
    at: String,
}

impl BalanceAnswer {
    pub fn of(balance: &Balance, zone: chrono_tz::Tz) -> Self {
        BalanceAnswer {
            available: balance.available,
            pending: balance.pending,
            expiring_soon: balance.expiring.as_ref().map(|expiring| ExpiringAnswer {
                amount: expiring.amount,
                at: expiring.at.with_timezone(&zone).fixed_offset().to_rfc3339(),
            }),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RefusalAnswer<'a> {
    code: &'a str,
    cashier_message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<&'a str>,
    /// For the plugin's author.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_points: Option<Money>,
    retryable: bool,
}

/// A refusal of the ledger: 409 where the balance is not what the plugin thought (it quotes anew), 503 where the same may
/// succeed later, else 422.
pub(super) fn refusal(refusal: &Refusal, language: Language) -> Reply {
    refusal_because(refusal, None, language)
}

/// The same with what is wrong, for the plugin's author.
pub(super) fn refusal_because(refusal: &Refusal, detail: Option<&str>, language: Language) -> Reply {
    refused(refusal, detail, language, true)
}

/// A refusal of what has happened already: there is nothing to quote anew, so it is 422 whatever the balance is.
fn refused_for_good(refusal: &Refusal, language: Language) -> Reply {
    refused(refusal, None, language, false)
}

fn refused(refusal: &Refusal, detail: Option<&str>, language: Language, quotes_anew: bool) -> Reply {
    let status = match refusal.code.as_str() {
        _ if refusal.retryable => 503,
        "insufficient-balance" if quotes_anew => 409,
        _ => 422,
    };
    json(
        status,
        &RefusalAnswer {
            code: &refusal.code,
            cashier_message: refusal.words.in_language(language),
            pointer: refusal.pointer.as_deref(),
            detail,
            max_points: refusal.most,
            retryable: refusal.retryable,
        },
    )
}

/// A request that never got to the ledger.
pub(super) fn trouble(status: u16, code: &str, words: &Words, detail: &str, language: Language) -> Reply {
    let answer = RefusalAnswer {
        code,
        cashier_message: words.in_language(language),
        pointer: None,
        detail: Some(detail),
        max_points: None,
        retryable: status >= 500,
    };
    json(status, &answer)
}

/// The last of what the ledger said, which is what a call was about; a refusal of any comes first.
pub(super) fn last(told: &[Result<Told, Refusal>], language: Language) -> Result<&Told, Reply> {
    if let Some(refused) = told.iter().find_map(|told| told.as_ref().err()) {
        return Err(refusal(refused, language));
    }
    match told.last() {
        Some(Ok(told)) => Ok(told),
        _ => Err(no_answer(language)),
    }
}

/// The same for what has happened already: the order is closed.
pub(super) fn last_of_closed(told: &[Result<Told, Refusal>], language: Language) -> Result<&Told, Reply> {
    match told.last() {
        Some(Ok(told)) => Ok(told),
        Some(Err(refused)) => Err(refused_for_good(refused, language)),
        None => Err(no_answer(language)),
    }
}

/// The ledger answered another question, or none: a defect of ours, nothing is known to be posted.
pub(super) fn no_answer(language: Language) -> Reply {
    super::failure(
        &Words::new(
            "Сервис бонусов не ответил. Повторите.",
            "The bonus service did not answer. Try again.",
        ),
        language,
    )
}

/// All that the cashier is to be told, one sentence a line.
pub(super) fn cashier_message(
    first: Option<String>,
    messages: &[CashierMessage],
    language: Language,
) -> Option<String> {
    let messages = messages
        .iter()
        .map(|message| message.text.in_language(language).to_owned());
    let lines: Vec<String> = first.into_iter().chain(messages).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// A JSON body.
pub(super) fn json(status: u16, body: &impl Serialize) -> Reply {
    Reply {
        status,
        content_type: "application/json; charset=utf-8",
        // Texts and amounts under fixed names: nothing that could fail.
        body: serde_json::to_vec(body).unwrap_or_default(),
    }
}
