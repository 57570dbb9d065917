//! What can be set on a connection of r_keeper.

use std::collections::BTreeMap;

use kopilka_contract::Money;
use serde::{Deserialize, Serialize};

/// Settings of an r_keeper connection. Every one has a default, and an unknown one is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RKeeperSettings {
    /// Attribute of `LINE` that holds the category's id: `categ_id` (kitchen display classification), `servprint_id`
    /// (shift report classification), `categ`, or any attribute that «Xml dish attributes» of the logical interface
    /// adds to a dish. An empty value or `0` is no category. The name is taken from `CHECKCATEGS/CATEG` of that id,
    /// else from the attribute without `_id`.
    pub category_field: String,
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
    /// Code of the r_keeper discount that every guest of ours gets; 0: none.
    pub discount_code: u16,
    /// Ceiling of that discount. Never 0 by default: a till may read 0 as «no discount allowed».
    pub discount_limit: Money,
    /// Paths of the functions, as `ExtDllHttp.ini` names them.
    pub paths: Paths,
}

impl Default for RKeeperSettings {
    fn default() -> Self {
        RKeeperSettings {
            category_field: "categ_id".to_owned(),
            outbuf_placement: OutBufPlacement::default(),
            accrual_source: AccrualSource::default(),
            card_as_phone: true,
            bonus_currencies: Vec::new(),
            payment_kinds: BTreeMap::new(),
            order_types: BTreeMap::new(),
            order_categories: BTreeMap::new(),
            discount_code: 0,
            discount_limit: Money::from_kopecks(99_999_999),
            paths: Paths::default(),
        }
    }
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
