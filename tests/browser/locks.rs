//! Who may stand at the till: the service's own lock of an idle till, and the limit on wrong PINs.

use super::driver::Browser;
use super::shop::Shop;
use super::till::Till;
use crate::databases::each_database_async;

async fn opened(shop: &Shop) -> Till {
    let till = Till::open(Browser::open(360, 740).await, &shop.page()).await;
    till.enrol().await;
    till
}

#[test]
fn the_service_locks_an_idle_till_and_the_sale_waits_behind_the_lock() {
    each_database_async(|store| async move {
        let shop = Shop::open(store).await;
        let till = opened(&shop).await;
        till.guest("9000000017").await;
        till.has_set_aside(&shop).await;
        till.amount("1000").await;
        till.see("#confirm:not([disabled])").await;
        // For the browser a moment, for the service eleven minutes in which nobody touched the till.
        shop.wait_minutes(11).await;
        // The page may have asked something by itself meanwhile, and be locked before the finger is there.
        till.run("document.getElementById('confirm')?.click(); setTimeout(arguments[0], 0)")
            .await;
        till.hear("Кто за кассой?").await;
        assert!(shop.sold().is_empty());
        till.shot("locked-by-service").await;
        // Nor does a reload open it.
        till.reload().await;
        till.press("Марина").await;
        till.type_pin("3690").await;
        till.hear("Марина · с").await;
        till.hear("Анна").await;
        till.confirm().await;
        till.hear("Проведено").await;
        assert_eq!(shop.sold(), [(100_000, 0)]);
        shop.is_right();
    });
}

#[test]
fn wrong_pins_are_counted_and_then_only_the_password_opens() {
    each_database_async(|store| async move {
        let shop = Shop::open(store).await;
        let till = opened(&shop).await;
        till.sale_without_guest("240").await;
        till.click(".who-am-i").await;
        till.press("Закрыть на PIN-код").await;
        till.press("Марина").await;
        for left in (1..=4).rev() {
            till.type_pin("1112").await;
            till.hear(&format!("Осталось попыток: {left}.")).await;
        }
        till.type_pin("1112").await;
        till.hear("попыток больше нет. Войдите с паролем.").await;
        // Now even the right one is not looked at.
        till.type_pin("3690").await;
        till.hear("Слишком много неверных PIN. Войдите с паролем или попробуйте через 2 мин.")
            .await;
        till.shot("too-many-pins").await;
        // Others are not locked out with her.
        till.press("другой").await;
        till.press("Катя").await;
        till.type_pin("2580").await;
        till.hear("Катя · с").await;
        till.click(".who-am-i").await;
        till.press("Закрыть на PIN-код").await;
        till.hear("Катя").await;
        till.press("Войти с паролем").await;
        till.fill("#login", "marina").await;
        till.fill("#password", "kopilka-cashier").await;
        till.press("Войти").await;
        till.hear("Логин или пароль не подходят.").await;
        till.fill("#password", "kopilka-marina").await;
        till.press("Войти").await;
        till.hear("Марина · с").await;
        till.confirm().await;
        till.hear("Проведено").await;
        assert_eq!(shop.sold(), [(24_000, 0)]);
        shop.is_right();
    });
}
