//! Selling without a network: the queue, and bonuses within the allowance.

use super::driver::Browser;
use super::network::Wire;
use super::shop::Shop;
use super::till::Till;
use crate::databases::each_database_async;

/// Waits until the page can open without the network.
async fn is_ready(till: &Till) {
    let ready = till
        .run("const done = arguments[0]; navigator.serviceWorker.ready.then(() => done(true))")
        .await;
    assert_eq!(ready, true);
}

async fn opened(shop: &Shop) -> Till {
    let till = Till::open(Browser::open(360, 740).await, &shop.page()).await;
    till.enrol().await;
    is_ready(&till).await;
    till
}

#[test]
fn twenty_sales_wait_and_go_out_once_and_in_order() {
    each_database_async(|store| async move {
        let shop = Shop::open(store).await;
        let mut till = opened(&shop).await;
        till.reopen().await;
        shop.network.set(Wire::Down);
        for n in 0..20 {
            if n == 10 {
                // The battery dies, and the page opens although nobody answers.
                till.pull_the_plug().await;
                till.hear("без сети · 10").await;
            }
            till.sale_without_guest(&(100 + n).to_string()).await;
            till.confirm().await;
            till.hear("Сохранено на кассе").await;
            till.next_guest().await;
        }
        till.hear("без сети · 20").await;
        till.click(".net").await;
        till.hear("В очереди: 20 продаж").await;
        till.shot("queue").await;
        assert!(shop.sold().is_empty());
        shop.network.set(Wire::Whole);
        till.hear("Всё проведено, ничего не ждёт").await;
        let wanted: Vec<(i64, i64)> = (0..20).map(|n| ((100 + n) * 100, 0)).collect();
        assert_eq!(shop.sold(), wanted);
        shop.is_right();
    });
}

#[test]
fn bonuses_are_spent_offline_within_the_allowance_only() {
    each_database_async(|store| async move {
        let shop = Shop::open(store).await;
        let till = opened(&shop).await;
        till.guest("9000000017").await;
        // Set aside in the books while the network was there.
        till.has_set_aside(&shop).await;
        assert_eq!(shop.anna().await, ("740.00".to_owned(), "1240.00".to_owned()));
        shop.network.set(Wire::Down);
        till.amount("900").await;
        till.hear("без сети до 500,00").await;
        till.press("Часть").await;
        till.fill("#part", "500,01").await;
        till.hear("Без сети можно списать не больше 500,00 ₽").await;
        assert!(till.is_there("#confirm[disabled]").await);
        till.fill("#part", "300").await;
        till.shot("allowance").await;
        till.confirm().await;
        till.hear("600,00 ₽ деньгами, 300,00 бонусами").await;
        till.next_guest().await;

        // Used up: the same guest, and no second time.
        till.guest("9000000017").await;
        till.amount("900").await;
        till.hear("без сети списать нельзя").await;
        shop.network.set(Wire::Whole);
        till.hear("отправлена 1 продажа на 900,00 ₽").await;
        assert_eq!(shop.sold(), [(90_000, 30_000)]);
        shop.is_right();
    });
}

#[test]
fn a_refused_sale_is_settled_in_the_page() {
    each_database_async(|store| async move {
        let shop = Shop::open(store).await;
        let till = opened(&shop).await;
        till.guest("9000000017").await;
        let hold = till.has_set_aside(&shop).await;
        shop.network.set(Wire::Down);
        till.amount("900").await;
        till.hear("без сети до 500,00").await;
        till.press("Часть").await;
        till.fill("#part", "300").await;
        till.confirm().await;
        till.hear("600,00 ₽ деньгами, 300,00 бонусами").await;

        // Somebody gives the allowance back, and all of it is spent before this till has a network again.
        let void = format!("/api/v1/holds/{hold}/void");
        shop.api().post(&void, serde_json::json!({})).await.expect(200);
        shop.empty_anna().await;
        shop.network.set(Wire::Whole);
        till.hear("продажу без сети не приняли").await;
        assert!(shop.sold().is_empty());
        till.click(".net").await;
        till.hear("Списывали 300,00 бонусов").await;
        till.shot("conflict").await;
        till.press("Провести без списания").await;
        till.hear("Всё проведено, ничего не ждёт").await;
        assert_eq!(shop.sold(), [(90_000, 0)]);
        till.reload().await;
        till.see("#guest, #next").await;
        assert!(!till.is_there(".net .badge").await);
        shop.is_right();
    });
}
