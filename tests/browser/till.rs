//! The page as a person uses it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use fantoccini::Locator;
use fantoccini::actions::{InputSource, MOUSE_BUTTON_LEFT, MouseActions, PointerAction};
use fantoccini::elements::Element;
use fantoccini::wd::WindowHandle;
use serde_json::{Value, json};

use super::driver::Browser;
use super::shop::Shop;

/// Longer than anything should take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// The page in a browser.
pub struct Till {
    pub browser: Browser,
    page: String,
}

impl Till {
    /// Opens the page.
    pub async fn open(browser: Browser, page: &str) -> Self {
        let till = Till {
            browser,
            page: page.to_owned(),
        };
        till.load().await;
        till
    }

    pub async fn load(&self) {
        self.browser.client().goto(&self.page).await.unwrap();
    }

    pub async fn reload(&self) {
        self.browser.client().refresh().await.unwrap();
    }

    /// Closes the browser and opens it again. What a browser writes to the disk only now and then, such as cookies, is there.
    pub async fn reopen(&mut self) {
        self.browser.close().await;
        self.browser.start().await;
        self.load().await;
        self.see("#guest").await;
    }

    /// Kills the browser and opens it again on the same device.
    pub async fn pull_the_plug(&mut self) {
        self.browser.kill().await;
        self.browser.start().await;
        self.load().await;
    }

    /// The café's cashier enrols this browser and sets a PIN.
    pub async fn enrol(&self) {
        self.fill("#login", "cashier").await;
        self.fill("#password", "kopilka-cashier").await;
        self.press("Дальше").await;
        self.press("Открыть кассу").await;
        self.see("#guest").await;
    }

    async fn try_find(&self, css: &str) -> Option<Element> {
        let found = self.browser.client().find(Locator::Css(css)).await.ok()?;
        found.is_displayed().await.unwrap_or(false).then_some(found)
    }

    /// Waits until it is there.
    #[track_caller]
    pub fn see<'a>(&'a self, css: &'a str) -> impl Future<Output = Element> + 'a {
        let at = std::panic::Location::caller();
        async move {
            let began = Instant::now();
            loop {
                if let Some(found) = self.try_find(css).await {
                    return found;
                }
                if began.elapsed() > PATIENCE {
                    self.shot("failed").await;
                    panic!("{at}: {css} did not come; the page says: {}", self.words().await);
                }
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        }
    }

    pub async fn is_there(&self, css: &str) -> bool {
        self.try_find(css).await.is_some()
    }

    /// Everything that the page says.
    pub async fn words(&self) -> String {
        let script = "return (document.querySelector('dialog[open]') ?? document.body).innerText + ' ' + \
                      (document.querySelector('.notices')?.innerText ?? '')";
        let words = self.browser.client().execute(script, vec![]).await;
        words.ok().and_then(|w| w.as_str().map(plain)).unwrap_or_default()
    }

    /// Waits until the page says it. Spaces that do not break count as spaces.
    #[track_caller]
    pub fn hear<'a>(&'a self, words: &'a str) -> impl Future<Output = ()> + 'a {
        let at = std::panic::Location::caller();
        async move {
            let began = Instant::now();
            loop {
                let said = self.words().await;
                if said.contains(words) {
                    return;
                }
                if began.elapsed() > PATIENCE {
                    self.shot("failed").await;
                    panic!("{at}: «{words}» was not said; the page says: {said}");
                }
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        }
    }

    /// Clicks; waits while something is in the way.
    #[track_caller]
    pub fn click<'a>(&'a self, css: &'a str) -> impl Future<Output = ()> + 'a {
        let at = std::panic::Location::caller();
        async move {
            let began = Instant::now();
            loop {
                let found = self.see(css).await;
                match found.click().await {
                    Ok(()) => return,
                    Err(error) => assert!(began.elapsed() < PATIENCE, "{at}: {css}: {error}"),
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }

    /// Presses the button with these words, of the window in front where there is one.
    #[track_caller]
    pub fn press<'a>(&'a self, words: &'a str) -> impl Future<Output = ()> + 'a {
        let at = std::panic::Location::caller();
        async move {
            let began = Instant::now();
            let script = "const all = [...(document.querySelector('dialog[open]') ?? document).querySelectorAll('button, [role=radio]')]; \
                          return all.find((b) => !b.disabled && b.innerText.split('\\n').some((line) => line.replace(/[\\u00a0\\u202f]/g, ' ').trim().startsWith(arguments[0]))) ?? null";
            loop {
                let found = self
                    .browser
                    .client()
                    .execute(script, vec![json!(words)])
                    .await
                    .unwrap();
                if !found.is_null() {
                    let clicked = self
                        .browser
                        .client()
                        .execute("arguments[0].scrollIntoView({block: 'center'}); arguments[0].click(); return true", vec![found])
                        .await;
                    if clicked.is_ok() {
                        return;
                    }
                }
                if began.elapsed() > PATIENCE {
                    self.shot("failed").await;
                    panic!("{at}: no button «{words}»; the page says: {}", self.words().await);
                }
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        }
    }

    /// Types into a field what stands there then.
    #[track_caller]
    pub fn fill<'a>(&'a self, css: &'a str, text: &'a str) -> impl Future<Output = ()> + 'a {
        let at = std::panic::Location::caller();
        async move {
            let field = self.see(css).await;
            let script = "const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set; const [f, v] = arguments; \
                          f.focus(); set.call(f, v); f.dispatchEvent(new InputEvent('input', {bubbles: true}))";
            let element = serde_json::to_value(&field).unwrap();
            let filled = self
                .browser
                .client()
                .execute(script, vec![element, json!(text)])
                .await;
            assert!(filled.is_ok(), "{at}: {css}: {filled:?}");
        }
    }

    /// Finds a guest and comes to the amount.
    pub async fn guest(&self, text: &str) {
        self.fill("#guest", text).await;
        self.see("#guest").await.send_keys("\u{e007}").await.unwrap();
        self.see("#amount").await;
    }

    /// The amount, on a narrow screen, up to the last step.
    pub async fn amount(&self, text: &str) {
        self.fill("#amount", text).await;
        self.press("Дальше").await;
        self.see("#confirm").await;
    }

    /// A sale without a guest, up to the last step.
    pub async fn sale_without_guest(&self, amount: &str) {
        self.press("без гостя").await;
        self.see("#amount").await;
        self.amount(amount).await;
    }

    /// The green button, once what it says is certain.
    pub async fn confirm(&self) {
        self.see("#confirm:not([disabled])").await;
        self.click("#confirm").await;
    }

    /// Waits for what becomes of a confirm with bonuses: posted, or refused for want of them.
    pub async fn was_posted(&self) -> bool {
        let began = Instant::now();
        loop {
            let said = self.words().await;
            if said.contains("Проведено") {
                return true;
            }
            if said.contains("Недостаточно бонусов") {
                return false;
            }
            assert!(began.elapsed() < PATIENCE, "no answer: {said}");
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// Whatever an impatient finger does, by mouse and by key. Nothing may come of it while the button waits.
    pub async fn insist_on_confirm(&self) {
        self.run(
            "document.getElementById('confirm').click(); \
             window.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', ctrlKey: true, bubbles: true})); \
             setTimeout(arguments[0], 0)",
        )
        .await;
    }

    /// The finger comes down and stays.
    pub async fn press_down(&self, css: &str) {
        let element = self.see(css).await;
        let down = MouseActions::new("finger".to_owned())
            .then(PointerAction::MoveToElement {
                element,
                duration: None,
                x: 0.0,
                y: 0.0,
            })
            .then(PointerAction::Down {
                button: MOUSE_BUTTON_LEFT,
            });
        self.browser.client().perform_actions(down).await.unwrap();
    }

    /// The finger leaves the glass.
    pub async fn let_go(&self) {
        self.browser.client().release_actions().await.unwrap();
    }

    /// The browser believes that the network has come back, so the page asks for everything anew.
    pub async fn look_again(&self) {
        self.run("window.dispatchEvent(new Event('online')); arguments[0](1)")
            .await;
    }

    /// Waits until bonuses of the guest on the screen are set aside here, on the device too; gives the hold.
    pub async fn has_set_aside(&self, shop: &Shop) -> String {
        let script = "const done = arguments[0]; const open = indexedDB.open('kopilka-till'); open.onsuccess = () => { \
            const all = open.result.transaction('guests').objectStore('guests').getAll(); \
            all.onsuccess = () => { open.result.close(); done(all.result[0]?.permit?.hold_id ?? null); }; }";
        let began = Instant::now();
        loop {
            let hold = self.run(script).await;
            if let Some(hold) = hold.as_str()
                && shop.anna().await.0 == "740.00"
            {
                return hold.to_owned();
            }
            assert!(began.elapsed() < PATIENCE, "nothing was set aside");
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    pub async fn type_pin(&self, digits: &str) {
        self.see(".pin-go").await;
        for digit in digits.chars() {
            self.press(&digit.to_string()).await;
        }
        self.press("Войти").await;
    }

    pub async fn window(&self) -> WindowHandle {
        self.browser.client().window().await.unwrap()
    }

    /// Waits for the window that is not this one.
    pub async fn other_window(&self) -> WindowHandle {
        let own = self.window().await;
        let began = Instant::now();
        loop {
            let all = self.browser.client().windows().await.unwrap();
            if let Some(other) = all.into_iter().find(|w| *w != own) {
                return other;
            }
            assert!(began.elapsed() < PATIENCE, "no second window");
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    pub async fn to_window(&self, window: WindowHandle) {
        self.browser.client().switch_to_window(window).await.unwrap();
    }

    /// A second window of the same browser.
    pub async fn open_window(&self, page: &str) {
        self.browser.client().new_window(false).await.unwrap();
        let other = self.other_window().await;
        self.to_window(other).await;
        self.browser.client().goto(page).await.unwrap();
        self.see("#guest").await;
    }

    pub async fn next_guest(&self) {
        self.click("#next").await;
        self.see("#guest").await;
    }

    /// Keeps a picture of the page, for people to look at.
    pub async fn shot(&self, name: &str) {
        let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/screenshots"));
        std::fs::create_dir_all(&folder).unwrap();
        if let Ok(picture) = self.browser.client().screenshot().await {
            std::fs::write(folder.join(format!("{name}.png")), picture).unwrap();
        }
    }

    /// Runs a script in the page that answers by calling its last argument.
    pub async fn run(&self, script: &str) -> Value {
        self.browser.client().execute_async(script, vec![]).await.unwrap()
    }
}

/// Words with plain spaces.
fn plain(text: &str) -> String {
    text.replace(['\u{a0}', '\u{202f}'], " ")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}
