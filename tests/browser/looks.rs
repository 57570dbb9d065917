//! How it looks: three widths, both languages, light and dark, and what a screen reader makes of it.

use serde_json::Value;

use super::driver::Browser;
use super::shop::Shop;
use super::till::Till;
use crate::databases::each_database_async;

const AXE: &str = include_str!("vendor/axe.min.js");

/// No serious or critical finding on what is shown now.
async fn is_accessible(till: &Till, what: &str) {
    till.browser.client().execute(AXE, vec![]).await.unwrap();
    let found = till
        .run(
            "const done = arguments[0]; axe.run(document, {resultTypes: ['violations']}).then((r) => done(r.violations \
             .filter((v) => ['serious', 'critical'].includes(v.impact)).map((v) => v.id + ': ' + v.nodes.slice(0, 3) \
             .map((n) => n.html + ' ' + n.failureSummary).join(' | '))))",
        )
        .await;
    assert_eq!(found, Value::Array(Vec::new()), "{what}");
}

/// Nothing sticks out at the side.
async fn fits(till: &Till, what: &str) {
    let out = till
        .run("arguments[0](document.documentElement.scrollWidth - document.documentElement.clientWidth)")
        .await;
    assert_eq!(out, 0, "{what}: so many pixels stick out");
}

async fn choose(till: &Till, language: &str, theme: &str) {
    let script = format!(
        "localStorage.setItem('kopilka-prefs', JSON.stringify({{language: '{language}', theme: '{theme}'}})); arguments[0](1)"
    );
    till.run(&script).await;
    till.reload().await;
}

#[test]
fn it_fits_and_reads_at_every_width_in_both_languages() {
    each_database_async(|store| async move {
        let shop = Shop::open(store).await;
        for (width, height) in [(360, 740), (768, 1024), (1440, 900)] {
            let till = Till::open(Browser::open(width, height).await, &shop.page()).await;
            till.see("#login").await;
            is_accessible(&till, &format!("login at {width}")).await;
            till.enrol().await;
            for (language, theme) in [("ru", "light"), ("en", "dark")] {
                choose(&till, language, theme).await;
                till.see("#guest").await;
                let name = |screen: &str| format!("{width}-{language}-{theme}-{screen}");
                till.fill("#guest", "555").await;
                till.see(".option").await;
                till.shot(&name("find")).await;
                is_accessible(&till, &name("find")).await;
                fits(&till, &name("find")).await;
                till.fill("#guest", "9000000017").await;
                till.see("#guest").await.send_keys("\u{e007}").await.unwrap();
                if width < 760 {
                    till.see("#amount").await;
                    till.shot(&name("amount")).await;
                    is_accessible(&till, &name("amount")).await;
                    till.fill("#amount", "1615").await;
                    till.click(".thumb .go").await;
                } else {
                    till.see(".guest-name").await;
                    till.click(".tile").await;
                    till.click(".tile:nth-child(2)").await;
                }
                till.see(".totals .coin").await;
                till.shot(&name("sale")).await;
                is_accessible(&till, &name("sale")).await;
                fits(&till, &name("sale")).await;
                till.click(".totals .link").await;
                till.see("dialog[open] .why").await;
                till.shot(&name("why")).await;
                is_accessible(&till, &name("why")).await;
                till.click("dialog[open] .sheet-head button").await;
                till.confirm().await;
                till.see("#next").await;
                till.shot(&name("result")).await;
                is_accessible(&till, &name("result")).await;
                fits(&till, &name("result")).await;
                till.click(".who-am-i").await;
                till.see("dialog[open] .menu").await;
                till.shot(&name("menu")).await;
                is_accessible(&till, &name("menu")).await;
                till.click("dialog[open] .menu button").await;
                till.see(".operation").await;
                till.shot(&name("operations")).await;
                is_accessible(&till, &name("operations")).await;
                fits(&till, &name("operations")).await;
            }
        }
    });
}
