//! A day at the till, on a telephone.

use super::driver::Browser;
use super::network::Wire;
use super::shop::Shop;
use super::till::Till;
use crate::databases::each_database_async;

async fn opened(shop: &Shop) -> Till {
    let till = Till::open(Browser::open(360, 740).await, &shop.page()).await;
    till.enrol().await;
    till
}

#[test]
fn a_guest_spends_a_part_and_gives_a_line_back() {
    each_database_async(|store| async move {
        let shop = Shop::open(store).await;
        let till = opened(&shop).await;

        // Nobody in particular.
        till.sale_without_guest("240").await;
        till.confirm().await;
        till.hear("Проведено").await;
        till.next_guest().await;
        assert_eq!(shop.sold(), [(24_000, 0)]);

        // Anna spends exactly what she says.
        till.guest("9000000017").await;
        till.hear("1 240,00").await;
        till.amount("1000,50").await;
        till.press("Часть").await;
        till.fill("#part", "100,25").await;
        till.hear("900,25 ₽").await;
        till.shot("part").await;
        till.confirm().await;
        till.hear("900,25 ₽ деньгами, 100,25 бонусами").await;
        assert_eq!(shop.sold()[1], (100_050, 10_025));
        till.press("почему").await;
        till.hear("Итого").await;
        till.click("dialog[open] .sheet-head button").await;
        till.shot("result").await;
        till.see("#next").await;
        till.next_guest().await;

        // By lines, and one of them comes back.
        till.guest("+7 (921) 555-01-17").await;
        till.press("Выбрать товары").await;
        for _ in 0..2 {
            till.click(".tile").await;
        }
        till.press("Дальше").await;
        till.confirm().await;
        till.hear("Проведено").await;
        let (total, _) = shop.sold()[2];
        till.click(".recent .line-row").await;
        till.press("Вернуть").await;
        till.press("Часть").await;
        till.click("dialog .stepper [aria-label='Больше']").await;
        till.shot("return").await;
        till.press("Вернуть выбранное").await;
        till.hear("Возврат проведён").await;
        till.press("Готово").await;
        let half = kopecks_as_said(total / 2);
        till.click(".who-am-i").await;
        till.press("Операции за сегодня").await;
        till.hear("возвращена часть").await;
        till.hear(&format!("− {half}")).await;
        till.shot("operations").await;

        // The whole receipt, as if it had not been.
        till.fill("#search", "1000,50").await;
        till.hear("−100,25").await;
        // The list of before has more than the one that fits.
        till.see(".operations li:only-child").await;
        till.click(".operation").await;
        till.press("Отменить чек").await;
        till.press("Отменить чек").await;
        till.hear("Чек отменён").await;
        till.hear("900,25 ₽").await;
        shop.is_right();
    });
}

#[test]
fn what_can_not_be_is_said_before_and_after() {
    each_database_async(|store| async move {
        let shop = Shop::open(store).await;
        let till = opened(&shop).await;
        till.fill("#guest", "+79990000000").await;
        till.see("#guest").await.send_keys("\u{e007}").await.unwrap();
        till.hear("нет. Проверьте номер или добавьте гостя").await;

        // More than she has: told at once, nothing is sent.
        till.guest("9000000017").await;
        till.has_set_aside(&shop).await;
        till.amount("5000").await;
        till.press("Часть").await;
        till.fill("#part", "1240,01").await;
        till.hear("не больше 1 240,00 ₽").await;
        assert!(till.is_there("#confirm[disabled]").await);
        till.shot("refusal").await;

        // Another till is faster: one wins, the other is told, and can go on.
        till.press("Все").await;
        till.hear("3 760,00 ₽").await;
        // Not while the page still asks: it would learn of the other till before it confirms.
        till.see("#confirm:not([disabled])").await;
        let taken = shop.anna().await.0;
        // A small sale: what a large one accrues in the hours of a high coefficient would be enough to spend again.
        shop.sell_elsewhere("race", "1480.00", &taken).await;
        till.confirm().await;
        till.hear("Недостаточно бонусов").await;
        // What could be spent now is offered, not posted: the button waits, whatever is pressed.
        let left = shop.anna_may_spend_here().await;
        till.hear(&format!("Списать {}", kopecks_as_said(left))).await;
        assert!(till.is_there("#confirm[disabled]").await);
        till.insist_on_confirm().await;
        assert!(till.is_there("#confirm[disabled]").await);
        assert!(shop.sold().is_empty());
        till.shot("race").await;
        till.press("Без списания").await;
        till.confirm().await;
        till.hear("Проведено").await;
        assert_eq!(shop.sold(), [(500_000, 0)]);
        shop.is_right();
    });
}

#[test]
fn figures_that_change_by_themselves_are_read_before_they_are_confirmed() {
    each_database_async(|store| async move {
        let shop = Shop::open(store).await;
        let till = opened(&shop).await;
        till.guest("9000000017").await;
        till.has_set_aside(&shop).await;
        till.amount("5000").await;
        till.press("Все").await;
        till.hear("3 760,00 ₽").await;
        till.see("#confirm:not([disabled])").await;

        // A finger is on the button; meanwhile another till takes what is not set aside here, and the page learns of it.
        shop.sell_elsewhere("race", "5000.00", "740.00").await;
        till.press_down("#confirm").await;
        till.look_again().await;
        let left = shop.anna_may_spend_here().await;
        let (less, more) = (kopecks_as_said(left), kopecks_as_said(500_000 - left));
        till.hear(&format!(
            "Списать можно не 1 240,00 ₽, а {less} ₽. К оплате теперь {more} ₽"
        ))
        .await;
        till.let_go().await;
        till.insist_on_confirm().await;
        assert!(till.is_there("#confirm[disabled]").await);
        assert!(shop.sold().is_empty());
        till.shot("changed").await;

        till.press("Понятно").await;
        till.confirm().await;
        till.hear(&format!("{more} ₽ деньгами, {less} бонусами")).await;
        assert_eq!(shop.sold(), [(500_000, left)]);
        shop.is_right();
    });
}

#[test]
fn two_windows_race_for_one_balance() {
    each_database_async(|store| async move {
        let shop = Shop::open(store).await;
        let till = opened(&shop).await;
        let first = till.window().await;
        till.guest("9000000017").await;
        till.has_set_aside(&shop).await;
        till.amount("5000").await;
        till.press("Все").await;
        till.hear("3 760,00 ₽").await;
        till.see("#confirm:not([disabled])").await;

        till.open_window(&shop.page()).await;
        till.guest("9000000017").await;
        till.has_set_aside(&shop).await;
        till.amount("6000").await;
        till.press("Все").await;
        till.hear("4 760,00 ₽").await;
        till.confirm().await;
        till.hear("4 760,00 ₽ деньгами, 1 240,00 бонусами").await;

        till.to_window(first).await;
        till.confirm().await;
        till.hear("Недостаточно бонусов").await;
        till.insist_on_confirm().await;
        assert_eq!(shop.sold(), [(600_000, 124_000)]);
        till.press("Без списания").await;
        till.confirm().await;
        till.hear("5 000,00 ₽").await;
        till.hear("Проведено").await;
        assert_eq!(shop.sold(), [(600_000, 124_000), (500_000, 0)]);
        shop.is_right();
    });
}

#[test]
fn two_tills_race_for_one_balance() {
    each_database_async(|store| async move {
        let shop = Shop::open(store).await;
        let first = opened(&shop).await;
        let second = Till::open(first.browser.beside().await, &shop.page()).await;
        second.enrol().await;

        // Each has set 500.00 of her 1240.00 aside; either may have the 240.00 that are left, but not both.
        first.guest("9000000017").await;
        first.has_set_aside(&shop).await;
        second.guest("9000000017").await;
        shop.anna_has_left("240.00").await;
        for till in [&first, &second] {
            // Next to nothing is paid with money, so that what the winner earns is not enough for the other.
            till.amount("741").await;
            till.press("Часть").await;
            till.fill("#part", "740").await;
            till.hear("Провести · 1,00 ₽").await;
            till.see("#confirm:not([disabled])").await;
        }

        // Both fingers at once.
        tokio::join!(first.confirm(), second.confirm());
        let (one, other) = tokio::join!(first.was_posted(), second.was_posted());
        assert_ne!(one, other, "one wins, the other is told");
        let (winner, loser) = if one { (&first, &second) } else { (&second, &first) };
        assert_eq!(shop.sold(), [(74_100, 74_000)]);
        winner.hear("1,00 ₽ деньгами, 740,00 бонусами").await;

        // Nothing is posted behind the loser's back; he decides, and it goes through.
        loser.insist_on_confirm().await;
        assert_eq!(shop.sold().len(), 1);
        loser.shot("race-lost").await;
        loser.press("Без списания").await;
        loser.confirm().await;
        loser.hear("Проведено").await;
        assert_eq!(shop.sold(), [(74_100, 74_000), (74_100, 0)]);
        shop.is_right();
    });
}

#[test]
fn the_guest_sees_his_sale_on_a_second_screen() {
    each_database_async(|store| async move {
        let shop = Shop::open(store).await;
        let till = opened(&shop).await;
        let own = till.window().await;
        till.click(".who-am-i").await;
        till.press("Экран гостя").await;
        till.click("dialog[open] a.go").await;
        let guests = till.other_window().await;
        till.to_window(guests.clone()).await;
        till.hear("Добро пожаловать в «Кофейня на Мира»").await;

        till.to_window(own.clone()).await;
        till.click("dialog[open] .sheet-head button").await;
        till.guest("9000000017").await;
        till.amount("1000").await;
        till.press("Часть").await;
        till.fill("#part", "100").await;
        till.hear("900,00 ₽").await;
        till.to_window(guests.clone()).await;
        till.hear("Здравствуйте, Анна").await;
        till.hear("900,00 ₽ Бонусами оплатим 100,00").await;
        till.shot("second").await;

        till.to_window(own).await;
        till.confirm().await;
        till.hear("Проведено").await;
        till.to_window(guests).await;
        till.hear("Спасибо").await;
        shop.is_right();
    });
}

#[test]
fn an_idle_till_locks_and_opens_by_pin_without_a_network_too() {
    each_database_async(|store| async move {
        let shop = Shop::open(store).await;
        let till = opened(&shop).await;
        till.guest("9000000017").await;
        // Nobody has touched it for longer than the network allows.
        till.run("localStorage.setItem('kopilka-active', String(Date.now() - 700_000)); arguments[0](1)")
            .await;
        till.reload().await;
        till.hear("Кто за кассой?").await;
        till.press("Марина").await;
        till.hear("Введите PIN-код").await;
        till.type_pin("3690").await;
        till.hear("Марина · с").await;
        till.hear("Анна").await;

        // Her PIN was right here, so the till knows her without a network; one that was never right it does not.
        shop.network.set(Wire::Down);
        till.click(".who-am-i").await;
        till.press("Закрыть на PIN-код").await;
        till.hear("Введите PIN-код").await;
        till.type_pin("3691").await;
        till.hear("PIN-код не подходит").await;
        till.type_pin("3690").await;
        till.hear("Марина · с").await;
        till.amount("300").await;
        till.confirm().await;
        till.hear("Сохранено на кассе").await;
        shop.network.set(Wire::Whole);
        till.hear("отправлена 1 продажа").await;
        assert_eq!(shop.sold(), [(30_000, 0)]);
        shop.is_right();
    });
}

#[test]
fn a_new_guest_joins_in_ten_seconds_and_cashiers_change_by_pin() {
    each_database_async(|store| async move {
        let shop = Shop::open(store).await;
        let till = opened(&shop).await;
        till.fill("#guest", "8 900 123-45-67").await;
        till.press("Новый гость").await;
        till.fill("#new-name", "Сергей").await;
        till.press("Добавить гостя").await;
        till.hear("Прочтите гостю согласие").await;
        till.click(".agree input").await;
        till.shot("new-guest").await;
        till.press("Добавить гостя").await;
        till.hear("Сергей").await;
        till.amount("500").await;
        till.confirm().await;
        till.hear("Проведено").await;
        till.next_guest().await;
        till.guest("+79001234567").await;
        till.hear("Сергей").await;

        // Set a PIN, lock, be refused, come back: the sale is still there.
        till.click(".who-am-i").await;
        till.press("Сменить PIN-код").await;
        till.fill("#pin", "7391").await;
        till.fill("#pin-again", "7391").await;
        till.fill("#pin-password", "kopilka-cashier").await;
        till.press("Запомнить PIN-код").await;
        till.hear("PIN-код сохранён").await;
        till.click(".who-am-i").await;
        till.press("Закрыть на PIN-код").await;
        till.hear("Катя").await;
        if !till.is_there(".dots").await {
            till.press("Катя").await;
        }
        till.type_pin("1112").await;
        till.see("[role=alert]").await;
        till.shot("pin").await;
        till.type_pin("7391").await;
        till.hear("Сергей").await;
        shop.is_right();
    });
}

/// As the screen writes an amount.
fn kopecks_as_said(kopecks: i64) -> String {
    let (whole, part) = (kopecks / 100, kopecks % 100);
    if whole < 1000 {
        format!("{whole},{part:02}")
    } else {
        format!("{} {:03},{part:02}", whole / 1000, whole % 1000)
    }
}
