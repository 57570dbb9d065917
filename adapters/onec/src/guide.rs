//! What to type into 1C's screens («Сервер лояльности» of 1C's library, in Розница 2 and 3, УНФ and 1С:РМК).

use kopilka_contract::{GuideStep, Words};

/// The places, in the order in which they are visited.
pub(crate) fn guide(address: &str) -> Vec<GuideStep> {
    vec![server(address), receipts(address)]
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
            "любые: доступ даёт ключ в адресе",
            "any: the token in the address is what lets in",
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

fn receipts(address: &str) -> GuideStep {
    GuideStep::new(
        "1С → расширение или обработка, которая передаёт чеки: без чеков начислять не за что",
        "1C → the extension or processing that sends receipts: without receipts there is nothing to accrue for",
    )
    .literal("POST", format!("{address}/v1/receipts"))
}

fn both(value: String) -> Words {
    Words::new(value.clone(), value)
}
