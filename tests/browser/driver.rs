//! Chromium and its driver, started by the tests. One test has browsers at a time: the machine is small, and times matter.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard};

static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// A browser with a profile of its own, that can be closed, killed and opened again.
pub struct Browser {
    driver: Child,
    address: String,
    profile: TempDir,
    client: Option<Client>,
    size: (u32, u32),
    /// Until it is dropped no other test has a browser; the browsers of one test share a turn.
    _turn: Option<MutexGuard<'static, ()>>,
}

fn program(names: &[&str]) -> String {
    let there = |name: &&&str| Command::new(name).arg("--version").output().is_ok();
    match names.iter().find(there) {
        Some(name) => (*name).to_owned(),
        None => panic!(
            "the tests of the till need {}: ./test installs it",
            names.join(" or ")
        ),
    }
}

/// A driver with its port. It chooses a port for one family of addresses and wants the same for the other: where some test has that,
/// it ends at once, and another try has another port.
fn started_driver() -> Option<(Child, u16)> {
    let mut driver = Command::new(program(&["chromedriver"]))
        .arg("--port=0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
        let (_, port) = line.rsplit_once("started successfully on port ")?;
        port.trim_end_matches('.').parse().ok()
    });
    let Some(port) = port else {
        driver.wait().unwrap();
        return None;
    };
    // It goes on talking, and would stop if nobody listened.
    std::thread::spawn(move || lines.for_each(drop));
    Some((driver, port))
}

impl Browser {
    /// Opens one, when no other test has one.
    pub async fn open(width: u32, height: u32) -> Self {
        let turn = ONE_AT_A_TIME.lock().await;
        Self::begin((width, height), Some(turn)).await
    }

    /// Opens another device beside this one, in the same test.
    pub async fn beside(&self) -> Self {
        Self::begin(self.size, None).await
    }

    async fn begin(size: (u32, u32), turn: Option<MutexGuard<'static, ()>>) -> Self {
        let (driver, port) = (0..5)
            .find_map(|_| started_driver())
            .expect("chromedriver says its port");
        let mut browser = Browser {
            driver,
            address: format!("http://127.0.0.1:{port}"),
            profile: TempDir::new().unwrap(),
            client: None,
            size,
            _turn: turn,
        };
        browser.start().await;
        browser
    }

    /// Starts the browser on its profile.
    pub async fn start(&mut self) {
        let (width, height) = self.size;
        let mut arguments = vec![
            "--headless=new".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--disable-quic".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            // A camera that shows a moving picture, and nobody has to allow it.
            "--use-fake-device-for-media-stream".to_owned(),
            "--use-fake-ui-for-media-stream".to_owned(),
            // Pictures are of screens that stand still.
            "--force-prefers-reduced-motion".to_owned(),
            "--force-device-scale-factor=1".to_owned(),
            format!("--window-size={width},{height}"),
            format!("--user-data-dir={}", self.profile.path().display()),
        ];
        if std::env::var("KOPILKA_BROWSER_VISIBLE").is_ok() {
            arguments.remove(0);
        }
        let mut options =
            json!({ "args": arguments, "binary": which(&program(&["chromium", "chromium-browser"])) });
        // Narrower than a window can be: the browser shows the page as a telephone does.
        if width < 600 {
            options["mobileEmulation"] = json!({
                "deviceMetrics": { "width": width, "height": height, "pixelRatio": 1.0, "touch": true, "mobile": true },
            });
        }
        let mut wanted = serde_json::Map::new();
        wanted.insert("browserName".to_owned(), json!("chrome"));
        wanted.insert("goog:chromeOptions".to_owned(), options);
        wanted.insert("goog:loggingPrefs".to_owned(), json!({ "browser": "ALL" }));
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(wanted)
            .connect(&self.address)
            .await
            .unwrap();
        self.client = Some(client);
    }

    /// What drives it.
    pub fn client(&self) -> &Client {
        self.client.as_ref().expect("the browser is open")
    }

    /// Closes it as a person does.
    pub async fn close(&mut self) {
        if let Some(client) = self.client.take() {
            client.close().await.unwrap();
        }
    }

    /// Ends it without a word, as a battery does.
    pub async fn kill(&mut self) {
        let profile = self.profile.path().display().to_string();
        let ours = |folder: &Path| {
            std::fs::read(folder.join("cmdline"))
                .is_ok_and(|c| String::from_utf8_lossy(&c).contains(&profile))
        };
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let name = entry.file_name();
            let Some(id) = name.to_str().filter(|n| n.bytes().all(|b| b.is_ascii_digit())) else {
                continue;
            };
            if ours(&entry.path()) {
                let _ = Command::new("kill")
                    .args(["-9", id])
                    .stderr(Stdio::null())
                    .status();
            }
        }
        // The driver learns of it and lets the session go.
        if let Some(client) = self.client.take() {
            let _ = tokio::time::timeout(Duration::from_secs(5), client.close()).await;
        }
        for lock in ["SingletonLock", "SingletonSocket", "SingletonCookie"] {
            let _ = std::fs::remove_file(self.profile.path().join(lock));
        }
    }
}

fn which(name: &str) -> String {
    let found = Command::new("sh")
        .args(["-c", "command -v \"$0\"", name])
        .output()
        .unwrap();
    String::from_utf8(found.stdout).unwrap().trim().to_owned()
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Its children go with it where the session is still open.
        if self.client.is_some() {
            let profile = self.profile.path().display().to_string();
            for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
                let is_ours = std::fs::read(entry.path().join("cmdline"))
                    .is_ok_and(|c| String::from_utf8_lossy(&c).contains(&profile));
                if is_ours && let Some(id) = entry.file_name().to_str() {
                    let _ = Command::new("kill")
                        .args(["-9", id])
                        .stderr(Stdio::null())
                        .status();
                }
            }
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
