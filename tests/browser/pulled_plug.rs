//! Never twice, never lost: answers that do not come, reloads and dead batteries in the middle of "confirm".

use std::time::Duration;

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
fn a_lost_answer_is_found_out() {
    each_database_async(|store| async move {
        let shop = Shop::open(store).await;
        let till = opened(&shop).await;

        // More bonuses than the allowance for times without a network: this sale can't wait in the queue.
        till.guest("9000000017").await;
        till.amount("5000").await;
        till.press("Все").await;
        till.hear("3 760,00 ₽").await;
        shop.network.set(Wire::LosesAnswers);
        till.confirm().await;
        till.hear("Ответа пока нет").await;
        till.shot("lost").await;
        assert!(shop.network.lost() > 0);
        assert_eq!(shop.sold().len(), 1, "it did reach the service");
        shop.network.set(Wire::Whole);
        till.hear("Проведено").await;
        assert_eq!(shop.sold(), [(500_000, 124_000)]);

        // Without bonuses it is put into the queue, which finds that it is posted.
        till.next_guest().await;
        till.sale_without_guest("300").await;
        shop.network.set(Wire::LosesAnswers);
        till.confirm().await;
        till.hear("Сохранено на кассе").await;
        shop.network.set(Wire::Whole);
        till.hear("отправлена 1 продажа").await;
        assert_eq!(shop.sold()[1..], [(30_000, 0)]);
        shop.is_right();
    });
}

#[test]
fn a_reload_in_the_middle_of_confirm_says_what_became_of_it() {
    each_database_async(|store| async move {
        let shop = Shop::open(store).await;
        let till = opened(&shop).await;
        till.guest("9000000017").await;
        till.amount("5000").await;
        till.press("Все").await;
        till.hear("3 760,00 ₽").await;
        shop.network.set(Wire::LosesAnswers);
        till.confirm().await;
        till.hear("Ответа пока нет").await;
        shop.network.set(Wire::Whole);
        till.reload().await;
        till.hear("проведён: ответ не дошёл, а продажа дошла").await;
        assert_eq!(shop.sold(), [(500_000, 124_000)]);

        // Never arrived: the cashier is asked, and it is the same sale.
        shop.api();
        till.guest("9000000017").await;
        till.amount("100").await;
        shop.network.set(Wire::Down);
        till.confirm().await;
        till.hear("Сохранено на кассе").await;
        till.reload().await;
        shop.network.set(Wire::Whole);
        till.hear("отправлена 1 продажа").await;
        assert_eq!(shop.sold().len(), 2);
        shop.is_right();
    });
}

/// Pulls the plug at a random moment, again and again. `KOPILKA_PLUGS=200` for the long way.
#[test]
fn no_sale_is_doubled_or_lost_whenever_the_plug_is_pulled() {
    let tries: usize = std::env::var("KOPILKA_PLUGS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(12);
    each_database_async(|store| async move {
        let shop = Shop::open(store).await;
        let mut till = opened(&shop).await;
        till.reopen().await;
        // A sequence of its own; nothing depends on its quality.
        let mut seed: u64 = 0x9e37_79b9_7f4a_7c15;
        for turn in 0..tries {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            till.sale_without_guest(&format!("{}", 100 + turn)).await;
            let moment = Duration::from_millis(seed % 120);
            // Not waited for: whatever the click has begun goes on while the plug is pulled.
            let clicked = till
                .browser
                .client()
                .execute(
                    "setTimeout(() => document.getElementById('confirm').click(), 20)",
                    vec![],
                )
                .await;
            clicked.unwrap();
            tokio::time::sleep(moment).await;
            match seed >> 32 & 3 {
                0 => shop.network.set(Wire::LosesAnswers),
                1 => shop.network.set(Wire::Down),
                _ => {}
            }
            if turn % 6 == 5 {
                till.pull_the_plug().await;
            } else {
                till.reload().await;
            }
            shop.network.set(Wire::Whole);
            // The page comes back either with the sale as it was before "confirm", or with nothing to do.
            let before = shop.sold().len();
            let posted = async {
                for _ in 0..400 {
                    if shop.sold().iter().any(|s| s.0 == (100 + turn as i64) * 100) {
                        return true;
                    }
                    if till.is_there("#confirm:not([disabled])").await && !till.is_there(".net.off").await {
                        return false;
                    }
                    tokio::time::sleep(Duration::from_millis(25)).await;
                }
                panic!(
                    "turn {turn}: neither posted nor to be confirmed, {before} sold; {}",
                    till.words().await
                );
            }
            .await;
            if posted {
                till.see("#guest").await;
            } else {
                till.confirm().await;
                till.hear("Проведено").await;
                till.next_guest().await;
            }
            let mut sums: Vec<i64> = shop.sold().iter().map(|s| s.0).collect();
            sums.sort_unstable();
            let wanted: Vec<i64> = (0..=turn as i64).map(|n| (100 + n) * 100).collect();
            assert_eq!(sums, wanted, "turn {turn}");
        }
        shop.is_right();
    });
}
