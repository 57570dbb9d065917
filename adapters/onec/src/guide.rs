//! What to type into 1C's screens («Сервер лояльности» of 1C's library, in Розница 2 and 3, УНФ and 1С:РМК).

use kopilka_contract::{GuideStep, Words};

/// The places, in the order in which they are visited.
pub(crate) fn guide(address: &str) -> Vec<GuideStep> {
    vec![server(address), odata(), extension(address), commerce_ml(address)]
}

fn server(address: &str) -> GuideStep {
    GuideStep::new(
        "1С → настройки кассы (РМК) → «Сервер лояльности»",
        "1C → settings of the till (РМК) → «Сервер лояльности» (loyalty server)",
    )
    .entry(
        Words::new("Адрес", "Адрес (address)"),
        both(format!("{address}/hs/loyaltyservice")),
    )
    .entry(
        Words::new("Логин и пароль", "Логин, пароль (login, password)"),
        Words::new(
            "логин у каждой кассы свой: по нему кассы видят блокировки друг друга; пароль — из настройки password, без неё любой: доступ даёт ключ в адресе",
            "a login of its own for each till: by it tills see each other's locks; the password is that of the setting password, without it any: the token in the address lets in",
        ),
    )
    .entry(
        Words::new(
            "Кнопка «Проверить подключение»",
            "Button «Проверить подключение» (check)",
        ),
        Words::new(
            "должна сказать, что подключение установлено",
            "must say that the connection stands",
        ),
    )
}

/// Where receipts come from is one of three: the server of loyalty never tells them.
fn odata() -> GuideStep {
    GuideStep::new(
        "Чеки, обычный путь: 1С → Администрирование → Публикация на веб-сервере → «Публиковать стандартный интерфейс OData». \
         Без чеков начислять не за что",
        "Receipts, the usual way: 1C → Администрирование → Публикация на веб-сервере (publishing) → «Публиковать стандартный \
         интерфейс OData». Without receipts there is nothing to accrue for",
    )
    .entry(
        Words::new("Состав OData", "Состав OData (what it shows)"),
        both("ЧекККМ, ЧекККМВозврат, карты лояльности, Номенклатура".to_owned()),
    )
    .entry(
        Words::new("Настройки этого подключения", "Settings of this connection"),
        both(
            r#"{"odata": {"url": "https://host/base/odata/standard.odata", "user": "…", "password": "…", "configuration": "retail_2"}}"#
                .to_owned(),
        ),
    )
}

fn extension(address: &str) -> GuideStep {
    GuideStep::new(
        "Или: 1С → расширение, которое передаёт чеки сразу (образец — в документации)",
        "Or: 1C → an extension that sends receipts at once (there is a sample in the documentation)",
    )
    .literal("POST", format!("{address}/v1/receipts"))
}

fn commerce_ml(address: &str) -> GuideStep {
    GuideStep::new(
        "Или: 1С → Обмен с сайтом (CommerceML 2), если он в базе уже есть",
        "Or: 1C → Обмен с сайтом (exchange by CommerceML 2), where the base has it already",
    )
    .entry(
        Words::new("Адрес сайта", "Адрес сайта (address)"),
        both(format!("{address}/exchange")),
    )
}

fn both(value: String) -> Words {
    Words::new(value.clone(), value)
}
