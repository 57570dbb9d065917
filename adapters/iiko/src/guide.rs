//! What to type into iiko's screens (iikoWeb, "Cloud API"; the names are those of *iikoCloud API*, "Webhooks").

use kopilka_contract::{GuideStep, Words};

/// Restriction groups of the account's key.
const RIGHTS: &str = "Orders: receiving by revision, Orders: receiving, Data: menu";

/// The places, in the order in which they are visited.
pub(crate) fn guide(address: &str) -> Vec<GuideStep> {
    vec![
        webhooks(address),
        filter(),
        back(),
        cloud(),
        plugin(address),
        sites(address),
    ]
}

fn webhooks(address: &str) -> GuideStep {
    GuideStep::new(
        "iikoWeb → настройки Cloud API (iikoTransport) → ваш apiLogin → вебхуки",
        "iikoWeb → settings of Cloud API (iikoTransport) → your apiLogin → webhooks",
    )
    .literal("webHooksUri", format!("{address}/webhook"))
    .entry(
        Words::new("authToken", "authToken"),
        Words::new(
            "можно оставить пустым: доступ даёт ключ в адресе",
            "may stay empty: the token in the address is what lets in",
        ),
    )
}

fn filter() -> GuideStep {
    GuideStep::new(
        "Там же: о чём сообщать (webHooksFilter)",
        "In the same place: what to tell of (webHooksFilter)",
    )
    .literal(
        "deliveryOrderFilter.orderStatuses",
        "Delivered, Closed, Cancelled",
    )
    .literal("tableOrderFilter.orderStatuses", "Bill, Closed, Deleted")
    .literal(
        "deliveryOrderFilter.returnedExternalDataKeys",
        "loyalty.memberId, loyalty.transactionId",
    )
    .literal("errors", "false")
    .entry(
        Words::new("всё остальное", "everything else"),
        Words::new("выключено", "off"),
    )
}

fn plugin(address: &str) -> GuideStep {
    GuideStep::new(
        "Плагин iikoFront (если он есть): его настройки на каждой кассе. Без плагина списание на кассе невозможно",
        "Plugin of iikoFront (where there is one): its settings on every till. Without a plugin nothing is redeemed at the till",
    )
    .entry(
        Words::new("адрес сервиса", "address of the service"),
        Words::new(format!("{address}/v1"), format!("{address}/v1")),
    )
}

fn sites(address: &str) -> GuideStep {
    GuideStep::new(
        "Сайт или приложение, написанные для iikoCard (если они есть): работают, когда в настройках подключения задан iikocard",
        "A site or app written for iikoCard (where there is one): it works once the connection's settings have iikocard",
    )
    .entry(
        Words::new("базовый адрес вместо https://api-ru.iiko.services", "base address instead of https://api-ru.iiko.services"),
        Words::new(address, address),
    )
    .entry(
        Words::new("apiLogin", "apiLogin"),
        Words::new("тот же, что iikocard.api_login, не короче 8 знаков", "that of iikocard.api_login, at least 8 letters"),
    )
}

fn cloud() -> GuideStep {
    GuideStep::new(
        "iikoWeb → настройки Cloud API: apiLogin впишите в настройки подключения (cloud.api_login), тогда потерянные вебхуки доставок догонит опрос облака",
        "iikoWeb → settings of Cloud API: write an apiLogin into the connection's settings (cloud.api_login), then asking the cloud makes up for webhooks of deliveries that were lost",
    )
    .entry(
        Words::new("organizations", "organizations"),
        Words::new(
            "идентификатор ресторана этого заведения; обязателен, если apiLogin видит несколько: их перечислит polling.failure",
            "id of this venue's restaurant; needed where the apiLogin sees several: polling.failure lists them",
        ),
    )
    .entry(
        Words::new("права apiLogin", "rights of the apiLogin"),
        Words::new(RIGHTS, RIGHTS),
    )
}

fn back() -> GuideStep {
    GuideStep::new(
        "iikoOffice → типы оплат и скидок: идентификаторы тех, что означают оплату бонусами, впишите в настройки подключения (bonus_payment_types, bonus_discount_types)",
        "iikoOffice → payment and discount types: write the ids of those that stand for paying with bonuses into the connection's settings (bonus_payment_types, bonus_discount_types)",
    )
}
