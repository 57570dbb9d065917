//! What a connection to iiko is set to.

use std::collections::{BTreeMap, BTreeSet};

use kopilka_contract::Words;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::Id;
use crate::cloud::CloudSettings;
use crate::envelope::Service;
use crate::olap::ServerSettings;

/// The settings of one connection. Everything has a default: an empty object accrues on every closed order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IikoSettings {
    /// Payment types (`paymentType.id`) that are our bonuses. Names are never compared: every venue has its own.
    pub bonus_payment_types: BTreeSet<Id>,
    /// Discount types (`discountType.id`) that are our bonuses, where points are posted as a discount
    /// (*Resto.Front.Api*, "PaymentProcessor" and the post of 2022-10-12 on payment discounts).
    pub bonus_discount_types: BTreeSet<Id>,
    /// Post a delivery as soon as the guest has it (`Delivered`) instead of when the till closes it (`Closed`).
    /// The later `Closed` snapshot then posts only what differs.
    pub accrue_on_delivered: bool,
    /// Restaurants (`organizationId`) that this connection listens to; none named: those that its cloud is asked for, else all.
    pub organizations: BTreeSet<Id>,
    /// Till groups (`order.terminalGroupId`) that this connection listens to; none named: all.
    pub terminal_groups: BTreeSet<Id>,
    /// Category id by product id. An order names only products; what category they are in, the nomenclature knows.
    pub categories: BTreeMap<Id, String>,
    /// Transaction type of a receipt by type of its order.
    pub receipt_types: ReceiptTypes,
    /// Our payment kind by `paymentType.id`, for kinds that iiko lumps together (`External`). Others keep iiko's kind
    /// in lower case: `cash`, `card`, `credit`, `writeoff`, `voucher`, `external` …
    pub payment_kinds: BTreeMap<Id, String>,
    /// Kinds of payments (`paymentType.kind`) that are no sale: an order that is paid by nothing else is left alone. Assumed:
    /// meals of the staff and debts of regular guests are written off like this.
    pub not_sold_kinds: BTreeSet<String>,
    /// iiko counts tips into the sum of an order (how it is, is not documented): they are no sale, and nothing accrues for them.
    pub tips_in_sum: bool,
    /// What becomes of a closed order whose sum is below zero. How iiko shows refunds to others is not documented.
    pub negative_sum: NegativeSum,
    /// The `authToken` of iiko's webhook settings, where one is set there: webhooks without it are refused.
    pub webhook_token: Option<String>,
    /// How that token comes. The vendor does not say; both ways were seen.
    pub webhook_authorization: WebhookAuthorization,
    /// Serves sites and apps that were written for iikoCard; absent: it is off.
    pub iikocard: Option<IikoCardSettings>,
    /// For how long points that a plugin reserved stay set aside, in minutes: a closed order that the plugin could not send
    /// at once must still find them.
    pub reserve_minutes: u32,
    /// Orders with such a `sourceKey` come from an aggregator, with a telephone and a name that are not the guest's:
    /// they are posted without a guest.
    pub aggregators: BTreeSet<String>,
    /// By which road orders of tables are told; what comes by another one is left alone.
    pub hall: ToldBy,
    /// The same for deliveries.
    pub delivery: ToldBy,
    /// Key in an order's `externalData` under which a plugin or a site keeps our id of the guest; empty: none. iiko shows
    /// only those keys that are asked for (`returnedExternalDataKeys`), from till 8.0.6 on.
    pub member_data_key: String,
    /// The same for the key of a reservation that has paid (`transactionId` of `reserve`, or of iikoCard's `hold`).
    pub transaction_data_key: String,
    /// How iikoCloud is asked for what no webhook brought; it is not, without an `api_login`.
    pub cloud: CloudSettings,
    /// How the restaurant's own server is asked what it sold; it is not, without an address and a login.
    pub server: ServerSettings,
}

impl Default for IikoSettings {
    fn default() -> Self {
        IikoSettings {
            bonus_payment_types: BTreeSet::new(),
            bonus_discount_types: BTreeSet::new(),
            accrue_on_delivered: false,
            organizations: BTreeSet::new(),
            terminal_groups: BTreeSet::new(),
            categories: BTreeMap::new(),
            receipt_types: ReceiptTypes::default(),
            payment_kinds: BTreeMap::new(),
            not_sold_kinds: ["Writeoff", "Credit"].map(str::to_owned).into(),
            tips_in_sum: false,
            negative_sum: NegativeSum::default(),
            webhook_token: None,
            webhook_authorization: WebhookAuthorization::default(),
            iikocard: None,
            reserve_minutes: 24 * 60,
            aggregators: BTreeSet::new(),
            hall: ToldBy::default(),
            delivery: ToldBy::default(),
            member_data_key: "loyalty.memberId".to_owned(),
            transaction_data_key: "loyalty.transactionId".to_owned(),
            cloud: CloudSettings::default(),
            server: ServerSettings::default(),
        }
    }
}

impl IikoSettings {
    /// Whether the till is told where an order was refused.
    pub(crate) fn tells_till(&self) -> bool {
        self.cloud.notify_refusals && self.cloud.has_account()
    }

    /// The restaurants of this connection; none: the settings do not say.
    pub(crate) fn restaurants(&self) -> &BTreeSet<Id> {
        if self.organizations.is_empty() {
            return &self.cloud.organizations;
        }
        &self.organizations
    }

    /// Whether the settings say what payments and discounts in our bonuses look like.
    pub(crate) fn knows_bonuses(&self) -> bool {
        !(self.bonus_payment_types.is_empty() && self.bonus_discount_types.is_empty())
    }

    /// What a person should mend in them.
    pub(crate) fn shortcomings(&self) -> Vec<Words> {
        let by_webhook = self.hall.webhook() || self.delivery.webhook();
        let holds_are_lost = self.iikocard.is_some() && by_webhook && !self.knows_bonuses();
        let words = holds_are_lost.then(|| {
            Words::new(
                "Сайт откладывает бонусы под заказы, но не сказано, какие оплаты и скидки iiko — это бонусы: заказ, пришедший вебхуком, \
                 отложенного не спишет. Задайте bonus_payment_types или bonus_discount_types.",
                "A site sets bonuses aside for orders, but nothing says which payments and discounts of iiko are bonuses: an order that comes \
                 by webhook does not spend them. Set bonus_payment_types or bonus_discount_types.",
            )
        });
        words.into_iter().collect()
    }

    /// What it is fed from, as the connection of another venue may be: restaurants that are named, and an account whose
    /// deliveries are asked for.
    pub(crate) fn feeds(&self) -> BTreeSet<String> {
        let restaurants = self.restaurants().iter().map(Id::to_string);
        let asks = self.cloud.has_account() && self.cloud.poll_seconds > 0;
        let account = asks.then(|| self.cloud.account());
        restaurants.chain(account).collect()
    }

    /// By which road orders that are served so are told.
    pub(crate) fn told_by(&self, service: Service) -> ToldBy {
        match service {
            Service::Table => self.hall,
            Service::Delivery => self.delivery,
        }
    }

    /// Keys of `externalData` that iiko is asked to show.
    pub(crate) fn external_data_keys(&self) -> Vec<&str> {
        let keys = [&self.member_data_key, &self.transaction_data_key];
        keys.into_iter()
            .map(|key| key.trim())
            .filter(|key| !key.is_empty())
            .collect()
    }

    /// Whether a kind of payment is no sale.
    pub(crate) fn is_not_sold(&self, kind: &str) -> bool {
        let mut kinds = self.not_sold_kinds.iter();
        kinds.any(|known| known.eq_ignore_ascii_case(kind.trim()))
    }
}

/// By which road orders are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ToldBy {
    /// By the plugin and by webhooks: they make one receipt of an order.
    #[default]
    Both,
    /// Only by the plugin.
    Plugin,
    /// Only by webhooks and by asking the cloud.
    Webhook,
    /// Not at all: another connection tells of them.
    None,
}

impl ToldBy {
    pub(crate) fn plugin(self) -> bool {
        matches!(self, ToldBy::Both | ToldBy::Plugin)
    }

    pub(crate) fn webhook(self) -> bool {
        matches!(self, ToldBy::Both | ToldBy::Webhook)
    }
}

/// What becomes of a closed order whose sum is below zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NegativeSum {
    /// It waits for a person: nobody knows whether all of a sale came back or a part, and of which.
    #[default]
    Person,
    /// All of the sale of that order comes back.
    Undo,
    /// Nothing: the plugin tells returns.
    Ignore,
}

/// How the token of a webhook stands in the header `Authorization`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WebhookAuthorization {
    /// Either way.
    #[default]
    Any,
    /// The token alone.
    Raw,
    /// After `Bearer `.
    Bearer,
}

/// The door for callers of iikoCard. Ids are those that the callers know from iiko, where they keep them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IikoCardSettings {
    /// What callers log in with, at least 8 letters. Whoever knows it and the connection's token may give and take bonuses.
    #[serde(deserialize_with = "long_enough")]
    pub api_login: String,
    /// The organization that is listed where `organizations` names none.
    #[serde(default = "default_ids::organization")]
    pub organization_id: Id,
    /// The one wallet.
    #[serde(default = "default_ids::wallet")]
    pub wallet_id: Id,
    /// The one programme.
    #[serde(default = "default_ids::program")]
    pub program_id: Id,
    /// Its name, and that of its wallet.
    #[serde(default = "default_ids::program_name")]
    pub program_name: String,
    /// For how long a hold of a site lasts, in minutes.
    #[serde(default = "default_ids::hold_minutes")]
    pub hold_minutes: u32,
}

/// Fewer letters are guessed.
const SHORTEST_LOGIN: usize = 8;

fn long_enough<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let login = String::deserialize(deserializer)?;
    if login.chars().count() < SHORTEST_LOGIN {
        return Err(D::Error::custom(format!(
            "a login has at least {SHORTEST_LOGIN} letters"
        )));
    }
    Ok(login)
}

mod default_ids {
    use crate::Id;

    pub fn organization() -> Id {
        Id::fixed("6b6f7069-6c6b-8000-8000-000000000001")
    }

    pub fn wallet() -> Id {
        Id::fixed("6b6f7069-6c6b-8000-8000-000000000002")
    }

    pub fn program() -> Id {
        Id::fixed("6b6f7069-6c6b-8000-8000-000000000003")
    }

    pub fn program_name() -> String {
        "Бонусы".to_owned()
    }

    pub fn hold_minutes() -> u32 {
        24 * 60
    }
}

/// Transaction type of a receipt by type of its order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReceiptTypes {
    /// Of table orders.
    pub table: String,
    /// Of delivery orders, those that the guest fetches himself included.
    pub delivery: String,
    /// By `orderType.id`; goes before the two others.
    pub by_order_type: BTreeMap<Id, String>,
}

impl Default for ReceiptTypes {
    fn default() -> Self {
        ReceiptTypes {
            table: "place".to_owned(),
            delivery: "delivery".to_owned(),
            by_order_type: BTreeMap::new(),
        }
    }
}

impl ReceiptTypes {
    pub(crate) fn of(&self, service: Service, order_type: Option<&Id>) -> &str {
        let by_service = match service {
            Service::Table => &self.table,
            Service::Delivery => &self.delivery,
        };
        order_type
            .and_then(|id| self.by_order_type.get(id))
            .unwrap_or(by_service)
    }
}
