//! What to type into r_keeper's screens. The names are those of the vendor's Russian documents (UCS, «FarCards»,
//! «ExtDLLHTTP», partners' instructions); in other versions and languages they may differ.

use kopilka_contract::{GuideStep, Words};

/// The places, in the order in which they are visited.
pub(crate) fn guide(address: &str) -> Vec<GuideStep> {
    vec![
        library(address),
        farcards(),
        driver(),
        interface(),
        money(),
        cards(),
    ]
}

fn library(address: &str) -> GuideStep {
    GuideStep::new(
        "Файл ExtDllHttp.ini рядом с ExtDLLHTTP.dll (компьютер с FarCards), раздел [Server]",
        "The file ExtDllHttp.ini beside ExtDLLHTTP.dll (computer with FarCards), section [Server]",
    )
    .literal("Address", address)
    .literal("GetCardInfoEx", "getcardinfoex.php")
    .literal("TransactionsEx", "transactionsex.php")
    .literal("FindEmail", "findemail.php")
    .literal("GetCardImageEx", "getcardimageex.php")
    .literal("LicenseInfo", "licenseinfo.php")
}

fn farcards() -> GuideStep {
    GuideStep::new(
        "Файл farcards.ini: имя библиотеки — ExtDLLHTTP.dll, затем перезапустите службу FarCards (не старше 6.04)",
        "The file farcards.ini: the library is ExtDLLHTTP.dll; then restart the service FarCards (6.04 or newer)",
    )
}

fn driver() -> GuideStep {
    GuideStep::new(
        "Менеджерская станция → кассовый сервер → драйвер «PDS Interface»",
        "Manager station → cash server → driver «PDS Interface»",
    )
    .entry(
        same("PDS Server Name"),
        Words::new(
            "как в farcards.ini, раздел netk, тем же регистром",
            "as in farcards.ini, section netk, in the same case",
        ),
    )
    .entry(same("Call Timeout"), Words::new("120 секунд", "120 seconds"))
    .entry(
        same("Pass ALL Receipts XML data"),
        Words::new(
            "«Да, если возможно» — придут все чеки; «По скрипту» — только чеки с картой",
            "«Yes, if possible»: all receipts come; «By script»: only those with a card",
        ),
    )
    .entry(
        same("Maximal Discount Value = 0 means"),
        Words::new(
            "«No limits», если карта даёт скидку",
            "«No limits», where a card gives a discount",
        ),
    )
}

fn interface() -> GuideStep {
    GuideStep::new(
        "Менеджерская станция → логический интерфейс",
        "Manager station → logical interface",
    )
    .entry(
        same("Order XML"),
        Words::new(
            "да: без заказа не посчитать, сколько можно списать",
            "yes: without the order no limit can be computed",
        ),
    )
    .entry(
        same("Xml dish attributes"),
        Words::new(
            "2560.CategPath, если коэффициенты идут по пути категории",
            "2560.CategPath, where coefficients go by the path of a category",
        ),
    )
}

fn money() -> GuideStep {
    GuideStep::new(
        "Менеджерская станция → валюта «Бонусы»: привяжите её к этому интерфейсу, тип — «фискальная скидка». Тип бонуса не заводите: начисляет Копилка",
        "Manager station → currency «Bonuses»: tie it to this interface, type «fiscal discount». Make no bonus type: Kopilka accrues",
    )
}

fn cards() -> GuideStep {
    GuideStep::new(
        "Менеджерская станция → алгоритм MCR: что считать картой — её номер, телефон 10 цифрами с 9, текст QR-кода",
        "Manager station → MCR algorithm: what counts as a card: its number, a telephone as 10 digits from 9 on, the text of a QR code",
    )
}

fn same(name: &str) -> Words {
    Words::new(name, name)
}
