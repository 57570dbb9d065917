//! The page's pure modules: amounts, quantities, telephones. They run where they live, in a browser.

use serde_json::{Value, json};

use super::driver::Browser;
use super::shop::Shop;
use super::till::Till;
use crate::databases::each_database_async;

/// What an expression of a module gives: `name` is the module's file.
async fn of(till: &Till, name: &str, expression: &str) -> Value {
    let script = format!(
        "const done = arguments[0]; const main = document.querySelector('script[type=module]').src; \
         import(main.replace('main.js', '{name}')).then((m) => done({expression}), (e) => done(String(e)))"
    );
    till.run(&script).await
}

#[test]
fn amounts_and_telephones_are_read_and_written_as_people_do() {
    each_database_async(|store| async move {
        let shop = Shop::open(store).await;
        let till = Till::open(Browser::open(360, 740).await, &shop.page()).await;
        till.see(".door").await;

        let read = "['1 615,50 ₽', '1615.5', '0', '1000000000', '1000000000,01', '1,234', '-5', '', 'а'].map(m.parseAmount)";
        let wanted = json!([
            161_550,
            161_550,
            0,
            100_000_000_000_i64,
            null,
            null,
            null,
            null,
            null
        ]);
        assert_eq!(of(&till, "money.js", read).await, wanted);
        let written = "[m.toDecimal(5), m.toDecimal(161550), m.toDecimal(-1), m.fromDecimal('1250.00'), m.fromDecimal('-0.05')]";
        assert_eq!(
            of(&till, "money.js", written).await,
            json!(["0.05", "1615.50", "-0.01", 125_000, -5])
        );
        let shown = "[m.formatMoney(161500, 'ru'), m.formatMoney(161500, 'en'), m.formatAmount(99999999999, 'ru'), m.formatShort(12000, 'ru')]";
        let wanted = json!([
            "1\u{a0}615,00\u{a0}₽",
            "₽1,615.00",
            "999\u{a0}999\u{a0}999,99",
            "120"
        ]);
        assert_eq!(of(&till, "money.js", shown).await, wanted);
        // 0.272 kg of 1450.00 are 394.40; half a kopeck goes up; the largest price times much is still exact.
        let product = "[m.times(145000, 272), m.times(1, 500), m.times(1, 499), m.times(900719925474099, 1000), m.percentOf(161550, '30'), m.percentOf(999, '12.5')]";
        let wanted = json!([39_440, 1, 0, 900_719_925_474_099_i64, 48_465, 124]);
        assert_eq!(of(&till, "money.js", product).await, wanted);
        let quantities = "[m.parseQuantity('0,272'), m.parseQuantity('2'), m.parseQuantity('1,2345'), m.quantityToDecimal(272), m.quantityToDecimal(2000)]";
        assert_eq!(
            of(&till, "money.js", quantities).await,
            json!([272, 2000, null, "0.272", "2"])
        );

        let phones = "['8 (921) 555-01-17', '+7 921 555 01 17', '9215550117', '79215550117', '921555', '+44 20 7946 0958', 'Анна'].map(m.wholePhone)";
        let number = "+79215550117";
        let wanted = json!([number, number, number, number, null, "+442079460958", null]);
        assert_eq!(of(&till, "phone.js", phones).await, wanted);
        assert_eq!(
            of(
                &till,
                "phone.js",
                "[m.meanings('9000000017'), m.meanings('89215550117'), m.meanings('kq1.AAAA')]"
            )
            .await,
            json!([
                [{"card": "9000000017"}, {"phone": "+79000000017"}],
                [{"phone": "+79215550117"}, {"card": "89215550117"}],
                [{"qr": "kq1.AAAA"}, {"card": "kq1.AAAA"}],
            ])
        );
        assert_eq!(
            of(
                &till,
                "phone.js",
                "[m.spacedPhone('+7921555'), m.spacedPhone('9000000017')]"
            )
            .await,
            json!(["+7 921 555", "9000000017"])
        );
        // A word that one language has and the other lacks would be shown in the wrong one.
        let words = "Promise.all([import(main.replace('main.js', 'i18n/ru.js')), import(main.replace('main.js', 'i18n/en.js'))]) \
                     .then(([r, e]) => [Object.keys(r.ru).filter((k) => !(k in e.en)), Object.keys(e.en).filter((k) => !(k in r.ru))])";
        let script = format!(
            "const done = arguments[0]; const main = document.querySelector('script[type=module]').src; {words}.then(done)"
        );
        assert_eq!(till.run(&script).await, json!([[], []]));
    });
}
