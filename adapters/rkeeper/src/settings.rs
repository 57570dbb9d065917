//! What can be set on a connection of r_keeper.

use std::collections::{BTreeMap, BTreeSet};

use kopilka_contract::Money;
use serde::{Deserialize, Serialize};

use crate::check::Check;

/// Settings of an r_keeper connection. Every one has a default, and an unknown one is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RKeeperSettings {
    /// Attribute of `LINE` that holds the category's id: `categ_id` (kitchen display classification), `servprint_id`
    /// (shift report classification), `categ`, or any attribute that «Xml dish attributes» of the logical interface
    /// adds to a dish. An empty value or `0` is no category. The name is taken from `CHECKCATEGS/CATEG` of that id,
    /// else from the attribute without `_id`. `CATEG@id`: the receipt's own category of that id or name, else its
    /// only one (how lines and `CATEG` belong together is assumed).
    pub category_field: String,
    /// Codes of the restaurants that this connection serves, as `CHECK@restaurantcode` has them (nine digits) or its last
    /// four as `Restaurant` of a call has them. Empty: all. A guid is a receipt's identity in every restaurant.
    pub restaurants: Vec<String>,
    /// Lines come without what bonuses paid of them («Output mode of non-fiscal payments to XML» of the logical
    /// interface): a line of ours is that sum and its bonus part.
    pub lines_net_of_bonuses: bool,
    /// What is done with a receipt that only takes dishes back. The vendor's public texts do not say how one comes.
    pub dish_returns: DishReturns,
    /// `PERSON@role` of the person who is named as the waiter. Absent: the first person of the receipt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiter_role: Option<String>,
    /// Where the answer to `TransactionsEx` has its `OutBuf`. The vendor's public text does not show it.
    pub outbuf_placement: OutBufPlacement,
    /// Who counts what accrues.
    pub accrual_source: AccrualSource,
    /// A card code of 10 digits that starts with 9 (also with a leading 7 or 8) is a telephone number typed by the
    /// cashier. Switch it off where plastic cards have such numbers.
    pub card_as_phone: bool,
    /// Currencies (GUID, code or name) that are our bonuses even where a payment row names no interface. Rows of our
    /// own interface are always recognised.
    pub bonus_currencies: Vec<String>,
    /// Payment kinds by the till's currency (GUID, code or name): `{"12": "gift_certificate"}`. Others are `cash`,
    /// `card` or the currency's name, by `PAYMENT@paytype`.
    pub payment_kinds: BTreeMap<String, String>,
    /// Transaction types by `CHECKDATA@order_type`: `{"9002": "delivery"}`. They win over `order_categories`.
    pub order_types: BTreeMap<String, String>,
    /// Transaction types by `CHECKDATA@order_cat`.
    pub order_categories: BTreeMap<String, String>,
    /// `CHECKDATA@order_cat` of delivery orders that a connection to r_keeper Delivery posts: here they are only kept, so
    /// that a sale is not two receipts. One that this till redeems for is posted and accrues nothing.
    pub delivery_order_categories: Vec<String>,
    /// Code of the r_keeper discount that every guest of ours gets; 0: none.
    pub discount_code: u16,
    /// Ceiling of that discount. Never 0 by default: a till may read 0 as «no discount allowed».
    pub discount_limit: Money,
    /// Code of the r_keeper bonus type that every guest of ours gets where the till counts what accrues; 0: none.
    /// Never sent where Kopilka counts.
    pub bonus_code: u16,
    /// What the site's own transaction kinds stand for (r_keeper lets an installer give codes from 50 on):
    /// `{"52": "payment"}`, or with the sign that they have in a sale. A kind that is not named is noted and not posted.
    pub transaction_kinds: BTreeMap<u8, SiteKind>,
    /// What is done with a script's transactions, which have no receipt (chmode 0).
    pub script_transactions: ScriptTransactions,
    /// How the till is told that a card is blocked.
    pub blocked_cards: BlockedCards,
    /// A guest who may pay more than this with bonuses needs the manager's word at the till. Absent: nobody does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manager_above: Option<Money>,
    /// What `GetCardImageEx` gives.
    pub card_image: CardImage,
    /// Document layout of r_keeper that prints what was earned and paid (101 is the predefined one); absent: only the
    /// slip of the receipt's row says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub print_document: Option<u16>,
    /// Paths of the functions, as `ExtDllHttp.ini` names them.
    pub paths: Paths,
}

impl Default for RKeeperSettings {
    fn default() -> Self {
        RKeeperSettings {
            category_field: "categ_id".to_owned(),
            restaurants: Vec::new(),
            lines_net_of_bonuses: false,
            dish_returns: DishReturns::default(),
            waiter_role: None,
            outbuf_placement: OutBufPlacement::default(),
            accrual_source: AccrualSource::default(),
            card_as_phone: true,
            bonus_currencies: Vec::new(),
            payment_kinds: BTreeMap::new(),
            order_types: BTreeMap::new(),
            order_categories: BTreeMap::new(),
            delivery_order_categories: Vec::new(),
            discount_code: 0,
            discount_limit: Money::from_kopecks(99_999_999),
            bonus_code: 0,
            transaction_kinds: BTreeMap::new(),
            script_transactions: ScriptTransactions::default(),
            blocked_cards: BlockedCards::default(),
            manager_above: None,
            card_image: CardImage::default(),
            print_document: None,
            paths: Paths::default(),
        }
    }
}

impl RKeeperSettings {
    /// Whether an order is a delivery that r_keeper Delivery's own connection posts: it would accrue twice.
    pub(crate) fn is_posted_elsewhere(&self, check: &Check) -> bool {
        let category = check.order_category.as_ref();
        category.is_some_and(|category| self.delivery_order_categories.contains(category))
    }

    /// The last four digits of [`RKeeperSettings::restaurants`], which a long code and a short one of a restaurant have in common.
    pub(crate) fn restaurant_numbers(&self) -> BTreeSet<String> {
        let number = |code: &String| match code.trim().parse::<u64>() {
            Ok(code) => (code % 10_000).to_string(),
            Err(_) => code.trim().to_owned(),
        };
        self.restaurants.iter().map(number).collect()
    }

    /// Whether a restaurant's code is one of this connection's. Codes of nine digits end with the restaurant's own four.
    pub(crate) fn serves(&self, restaurant: &str) -> bool {
        let number = |code: &str| code.trim().parse::<u64>().ok();
        let same = |listed: &str| match (number(listed), number(restaurant)) {
            (Some(listed), Some(came)) if listed < 10_000 || came < 10_000 => {
                listed % 10_000 == came % 10_000
            }
            (Some(listed), Some(came)) => listed == came,
            _ => listed.trim() == restaurant.trim(),
        };
        self.restaurants.is_empty() || self.restaurants.iter().any(|listed| same(listed))
    }
}

/// What is done with a receipt that only takes dishes back, with a card in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DishReturns {
    /// The till is refused, and the message waits for a person.
    #[default]
    Refuse,
    /// The till is told that it is done, and the message waits for a person, who makes the return in Kopilka.
    Keep,
}

/// Where the answer to `TransactionsEx` has its `OutBuf`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutBufPlacement {
    /// Beside `TransactionsEx`, as a known production server writes it.
    #[default]
    Sibling,
    /// Inside `TransactionsEx`, as an open clone of the DLL writes it.
    Nested,
}

/// Who counts what accrues. Never both: a guest would get his bonuses twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccrualSource {
    /// Kopilka. Bonuses that the till counted itself (transactions of kind 2) are noted and not posted.
    #[default]
    Service,
    /// The till: transactions of kind 2 say what accrues, and the rules of the venue do not. A sale without them accrues
    /// nothing.
    Till,
}

/// A transaction kind of the site's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected payment, discount, bonus or spending, or {\"stands_for\": one of them, \"sign_of_sale\": positive or negative}"
)]
pub enum SiteKind {
    /// Signed as the vendor signs the kind that it stands for.
    Plain(KindMeaning),
    /// Signed otherwise: `{"stands_for": "payment", "sign_of_sale": "positive"}`.
    Signed(SignedKind),
}

/// A transaction kind of the site's own, and how the site signs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedKind {
    /// What it stands for.
    pub stands_for: KindMeaning,
    /// Sign of its amounts in a sale; in an undoing they have the other.
    pub sign_of_sale: Sign,
}

/// The sign of an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// Above zero.
    Positive,
    /// Below zero.
    Negative,
}

impl SiteKind {
    /// What it stands for.
    pub(crate) fn meaning(self) -> KindMeaning {
        match self {
            SiteKind::Plain(meaning) => meaning,
            SiteKind::Signed(kind) => kind.stands_for,
        }
    }

    /// Whether the site signs its amounts the other way round than the vendor does.
    pub(crate) fn is_turned(self) -> bool {
        match self {
            SiteKind::Plain(_) => false,
            SiteKind::Signed(kind) => kind.sign_of_sale != kind.stands_for.sign_of_sale(),
        }
    }
}

/// What a transaction of the site's own kind stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KindMeaning {
    /// As kind 0: paid with bonuses.
    Payment,
    /// As kind 1: a discount.
    Discount,
    /// As kind 2: a bonus that the till has counted.
    Bonus,
    /// As kind 3: spent by the guest.
    Spending,
}

impl KindMeaning {
    /// How the vendor signs it in a sale.
    fn sign_of_sale(self) -> Sign {
        match self {
            KindMeaning::Payment | KindMeaning::Discount => Sign::Negative,
            KindMeaning::Bonus | KindMeaning::Spending => Sign::Positive,
        }
    }
}

/// What is done with transactions that a script makes without a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScriptTransactions {
    /// They are refused: nothing identifies them, so a repeat can't be told from another one.
    #[default]
    Refuse,
    /// They are posted, each moment of its making being one: what a script sends twice is posted twice.
    Apply,
}

/// How the till is told that a card or a guest is blocked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockedCards {
    /// `Locked`, with the reason.
    #[default]
    Locked,
    /// `Seize` as well: the cashier takes the card away.
    Seize,
    /// `Deleted` as well: the card is no more.
    Deleted,
}

/// What `GetCardImageEx` gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CardImage {
    /// A QR code of the card's code.
    #[default]
    Qr,
    /// Nothing: no pictures of guests are kept.
    None,
}

/// Relative paths, compared in any case and with or without `.php`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Paths {
    /// `GetCardInfoEx=` of the ini.
    pub get_card_info_ex: String,
    /// `TransactionsEx=` of the ini.
    pub transactions_ex: String,
    /// `FindEmail=` of the ini.
    pub find_email: String,
    /// `GetCardImageEx=` of the ini.
    pub get_card_image_ex: String,
    /// `LicenseInfo=` of the ini.
    pub license_info: String,
}

impl Default for Paths {
    fn default() -> Self {
        Paths {
            get_card_info_ex: "getcardinfoex".to_owned(),
            transactions_ex: "transactionsex".to_owned(),
            find_email: "findemail".to_owned(),
            get_card_image_ex: "getcardimageex".to_owned(),
            license_info: "licenseinfo".to_owned(),
        }
    }
}
