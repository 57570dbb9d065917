//! What a person is told while the first messages of a till come.

use std::time::{Duration, Instant};

use chrono_tz::Tz;
use kopilka_contract::{Money, POLL_PATH, Words};

use super::person::Person;
use crate::api::till_path::network_terms;
use crate::app::App;
use crate::cli::{Failure, local_time, print};
use crate::domain::Timestamp;
use crate::domain::amount_words;
use crate::domain::ids::{ConnectionId, CustomerId, HoldId, MessageId, ReceiptId};
use crate::storage::ledger::message::TURNED_AWAY;
use crate::storage::messages::{self, MessageFilter, MessageHead, WAITING};
use crate::storage::till_connections::StoredConnection;
use crate::storage::{StorageError, Tenant, customers, holds, polls, receipts, till_connections};

/// Outcome of what had been done before.
const REPEATED: &str = "repeated";
/// How often it is looked whether something has come.
const PAUSE: Duration = Duration::from_millis(500);
/// So many messages are told at a time; nobody reads faster.
const AT_ONCE: i64 = 20;

/// What has come of a till so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Heard {
    /// It is silent.
    Nothing,
    /// It speaks, and is not let in.
    TurnedAway,
    /// It asks about guests, sets bonuses aside, brings its menu.
    Questions,
    /// It has sent what could not be posted.
    Unposted,
    /// It has sold.
    Receipt,
}

impl Heard {
    /// Why the wait was in vain.
    fn in_vain(self) -> Words {
        match self {
            Heard::Nothing => Words::new(
                "касса молчит: проверьте адрес, сеть и настройки по шагам выше",
                "the till is silent: check the address, the network and the steps above",
            ),
            Heard::TurnedAway => Words::new(
                "касса говорит, но её сообщения не принимаются: причина выше",
                "the till speaks, but its messages are turned away: the reason is above",
            ),
            Heard::Questions => Words::new(
                "сообщения приходят, но чека среди них ещё не было",
                "messages come, but there was no receipt among them yet",
            ),
            Heard::Unposted | Heard::Receipt => Words::new(
                "проведённого чека ещё не было, а что касса прислала, не проведено: причина выше",
                "no receipt was posted yet, and what the till has sent was not: the reason is above",
            ),
        }
    }
}

/// How a connection stands.
struct Standing {
    /// Its newest messages, the newest first.
    newest: Vec<MessageHead>,
    /// When its till was last heard, be it to ask.
    heard_at: Option<Timestamp>,
    /// How asking its vendor's system goes.
    asking: polls::Standing,
}

/// Tells of what comes over a connection.
pub(super) struct Listener<'a> {
    app: &'a App,
    tenant: Tenant,
    person: Person,
    of: ConnectionId,
    /// Zone of its venue.
    zone: Tz,
    /// The newest message that was told.
    told: MessageId,
    /// What was known when its till was last heard.
    heard_at: Option<Timestamp>,
    /// The failure to ask its vendor's system, and the success, that were told.
    asked: (Option<Timestamp>, Option<Timestamp>),
    /// Whether it was told that messages come.
    speaks: bool,
    heard: Heard,
}

impl<'a> Listener<'a> {
    /// What has come until now is not told.
    pub(super) async fn new(
        app: &'a App,
        tenant: Tenant,
        person: Person,
        of: StoredConnection,
    ) -> Result<Self, Failure> {
        let terms = network_terms(app, tenant).await;
        let terms = terms.map_err(|problem| person.refused(problem))?;
        let mut listener = Listener {
            app,
            tenant,
            person,
            of: of.id,
            zone: local_time::zone(&terms, Some(of.venue)),
            told: MessageId(0),
            heard_at: None,
            asked: (None, None),
            speaks: false,
            heard: Heard::Nothing,
        };
        let before = listener.look().await?;
        listener.told = before.newest.first().map_or(MessageId(0), |newest| newest.id);
        listener.heard_at = before.heard_at;
        // A failure that goes on is news to whoever waits now.
        let failed_at = before.asking.failed_at.filter(|_| before.asking.failures == 0);
        listener.asked = (failed_at, before.asking.succeeded_at);
        Ok(listener)
    }

    /// Tells of every message until one became a receipt, or the time is over.
    pub(super) async fn wait(mut self, longest: Duration) -> Result<(), Failure> {
        let since = Instant::now();
        while since.elapsed() < longest {
            let now = self.look().await?;
            self.tell_asking(&now.asking);
            let mut news: Vec<_> = now.newest.into_iter().filter(|m| m.id.0 > self.told.0).collect();
            news.reverse();
            let spoke = now.heard_at != self.heard_at || news.iter().any(is_of_the_till);
            if spoke && !self.speaks {
                self.speaks = true;
                self.heard = self.heard.max(Heard::Questions);
                self.person.say(
                    "Связь с сервисом есть: по этому адресу пришло сообщение. Готово будет, когда пройдёт чек.",
                    "The service is reached: a message came over this address. It is done when a receipt is posted.",
                );
            }
            for message in news {
                self.told = message.id;
                self.heard = self.heard.max(self.tell(message).await?);
                if self.heard == Heard::Receipt {
                    return Ok(());
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(self.person.words(&self.heard.in_vain()).into())
    }

    async fn look(&self) -> Result<Standing, Failure> {
        let (tenant, of) = (self.tenant, self.of);
        let standing = self.app.read(move |c| -> Result<_, StorageError> {
            let filter = MessageFilter {
                connection: Some(of),
                ..MessageFilter::default()
            };
            Ok(Standing {
                newest: messages::list(c, tenant, &filter, AT_ONCE)?.items,
                heard_at: till_connections::find(c, tenant, of)?.and_then(|c| c.heard_at),
                asking: polls::standing(c, tenant, of)?,
            })
        });
        Ok(standing.await?)
    }

    /// Says how asking the vendor's system goes, where that is new.
    fn tell_asking(&mut self, asking: &polls::Standing) {
        let (failed_at, succeeded_at) = self.asked;
        if asking.failed_at > failed_at {
            let why = asking.failure.as_deref().unwrap_or_default();
            self.person.say(
                &format!("! Опросить систему кассы не удалось: {why}"),
                &format!("! The till's system could not be asked: {why}"),
            );
        }
        if asking.succeeded_at > succeeded_at && succeeded_at.is_none() {
            self.person.say(
                "Система кассы отвечает на опрос: учётная запись подходит.",
                "The till's system answers when it is asked: the account is right.",
            );
        }
        self.asked = (asking.failed_at, asking.succeeded_at);
    }

    /// Says what was understood of a message.
    async fn tell(&self, message: MessageHead) -> Result<Heard, Failure> {
        let at = local_time::shown(message.received_at, self.zone);
        let (turned_away, waits) = (is_turned_away(&message), waits(&message));
        let is_repeat = message.outcome == REPEATED;
        let became = message.subject.or(message.code).unwrap_or_default();
        print(format!("{at}  {}  {}  {became}", message.id, message.outcome));
        for line in message.detail.iter().flat_map(|detail| detail.lines()) {
            print(format!("     {line}"));
        }
        if turned_away {
            self.person.say(
                &format!(
                    "     Не принято. Впустить его потом: kopilka inbox replay --although-unauthorized {}",
                    message.id
                ),
                &format!(
                    "     Turned away. To let it in later: kopilka inbox replay --although-unauthorized {}",
                    message.id
                ),
            );
            return Ok(Heard::TurnedAway);
        }
        if waits {
            self.person.say(
                &format!(
                    "     Не проведено. Всё сообщение: kopilka inbox show {}",
                    message.id
                ),
                &format!(
                    "     Not posted. The whole message: kopilka inbox show {}",
                    message.id
                ),
            );
            return Ok(Heard::Unposted);
        }
        if let Ok(id) = became.parse::<HoldId>() {
            self.tell_hold(id, message.received_at, is_repeat).await?;
        }
        match became.parse::<ReceiptId>() {
            Ok(id) => self.tell_receipt(id).await?,
            Err(_) => return Ok(Heard::Questions),
        }
        Ok(Heard::Receipt)
    }

    async fn name_of(&self, customer: CustomerId) -> Result<String, Failure> {
        let tenant = self.tenant;
        let found = self
            .app
            .read(move |c| customers::find(c, tenant, &customer.to_string()))
            .await?;
        Ok(found
            .and_then(|customer| customer.name)
            .unwrap_or_else(|| customer.to_string()))
    }

    async fn tell_hold(&self, id: HoldId, told_at: Timestamp, is_repeat: bool) -> Result<(), Failure> {
        let tenant = self.tenant;
        let Some(hold) = self.app.read(move |c| holds::find(c, tenant, id)).await? else {
            return Ok(());
        };
        let name = self.name_of(hold.customer).await?;
        let amount = amount_words::bonuses(hold.amount);
        let (ru, en) = match (is_repeat, hold.is_active) {
            (true, true) => (
                "повтор, отложены и сейчас бонусы",
                "a repeat, still set aside, bonuses",
            ),
            (true, false) => (
                "повтор, а теперь эти бонусы уже не отложены:",
                "a repeat, by now no longer set aside, bonuses",
            ),
            // A message that is younger than its hold, which stands no more, has let it go.
            (false, false) if told_at > hold.created_at => {
                ("больше не отложено, бонусов", "no longer set aside, bonuses")
            }
            (false, _) => ("отложено бонусов", "bonuses set aside"),
        };
        self.person.say(
            &format!("     Гость {name}: {ru} {}", amount.ru),
            &format!("     Guest {name}: {en} {}", amount.en),
        );
        Ok(())
    }

    async fn tell_receipt(&self, id: ReceiptId) -> Result<(), Failure> {
        let tenant = self.tenant;
        let Some(receipt) = self.app.read(move |c| receipts::find(c, tenant, id)).await? else {
            return Ok(());
        };
        let head = &receipt.head;
        let said = |kopecks| amount_words::bonuses(Money::from_kopecks(kopecks));
        let (total, redeemed, accrued) = (
            amount_words::money(Money::from_kopecks(head.total)),
            said(head.redeemed),
            said(head.accrued),
        );
        let number = head.number.clone().unwrap_or_else(|| head.external_id.clone());
        let lines = receipt.lines.len();
        self.person.say(
            &format!(
                "     Чек {number}: {}, строк {lines}, списано {}, начислено {}",
                total.ru, redeemed.ru, accrued.ru
            ),
            &format!(
                "     Receipt {number}: {}, {lines} lines, redeemed {}, accrued {}",
                total.en, redeemed.en, accrued.en
            ),
        );
        match head.customer_id {
            Some(guest) => {
                let name = self.name_of(CustomerId(guest)).await?;
                self.person
                    .say(&format!("     Гость: {name}"), &format!("     Guest: {name}"));
            }
            None => self.person.say(
                "     Без гостя: касса не назвала ни карты, ни телефона, начислять некому.",
                "     Without a guest: the till named neither card nor telephone, there is nobody to accrue to.",
            ),
        }
        // Why there is less than was hoped for: no percent, a blocked card.
        if head.accrued == 0 && head.customer_id.is_some() {
            for factor in &receipt.answer.explanation {
                let words = &factor.words;
                self.person
                    .say(&format!("     {}", words.ru), &format!("     {}", words.en));
            }
        }
        Ok(())
    }
}

fn is_turned_away(message: &MessageHead) -> bool {
    message.needs_nobody.as_deref() == Some(TURNED_AWAY)
}

/// Whether it waits for a person.
fn waits(message: &MessageHead) -> bool {
    WAITING.contains(&message.outcome.as_str()) && message.needs_nobody.is_none()
}

/// Whether the till sent it and was let in: neither a stranger nor what the service has fetched itself.
fn is_of_the_till(message: &MessageHead) -> bool {
    !is_turned_away(message) && !message.path.starts_with(POLL_PATH)
}
