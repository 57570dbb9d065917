//! The wire between a till and the service, and what goes wrong on it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::dialect::{Dialect, Heard, Message, Role};
use super::{Failure, Restart};
use crate::demo::dice::Dice;
use crate::http_client::Client;

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// A message arrives twice, one after the other or both at once.
    Duplicates,
    /// A message arrives after later ones.
    Reordering,
    /// The till is gone before it has read the answer.
    LostAnswers,
    /// A message takes its time.
    Delays,
    /// The connection breaks in the middle of the message.
    Cuts,
    /// A part of what was sold comes back.
    HalfReturns,
    /// A message never arrives that the vendor's own system can be asked about.
    Losses,
    /// The service is started anew between messages, and while it answers one.
    Restarts,
}

impl Fault {
    /// All of them.
    pub const ALL: [Fault; 8] = [
        Fault::Duplicates,
        Fault::Reordering,
        Fault::LostAnswers,
        Fault::Delays,
        Fault::Cuts,
        Fault::HalfReturns,
        Fault::Losses,
        Fault::Restarts,
    ];

    /// As the command line names it.
    pub fn name(self) -> &'static str {
        match self {
            Fault::Duplicates => "duplicates",
            Fault::Reordering => "reordering",
            Fault::LostAnswers => "lost-answers",
            Fault::Delays => "delays",
            Fault::Cuts => "cuts",
            Fault::HalfReturns => "half-returns",
            Fault::Losses => "losses",
            Fault::Restarts => "restarts",
        }
    }
}

/// The faults of a day: `all`, `none`, or names with commas between.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults(BTreeSet<Fault>);

impl Faults {
    /// Every one.
    pub fn all() -> Self {
        Faults(Fault::ALL.into_iter().collect())
    }

    /// Whether it is among them.
    pub fn has(&self, fault: Fault) -> bool {
        self.0.contains(&fault)
    }
}

/// A name that is no fault's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no fault `{0}`; there are all, none, {names}", names = Fault::ALL.map(Fault::name).join(", "))]
pub struct UnknownFault(String);

impl FromStr for Faults {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        match text {
            "all" => Ok(Faults::all()),
            "none" => Ok(Faults::default()),
            names => names
                .split(',')
                .map(|name| {
                    let named = Fault::ALL.into_iter().find(|fault| fault.name() == name.trim());
                    named.ok_or_else(|| UnknownFault(name.to_owned()))
                })
                .collect::<Result<_, _>>()
                .map(Faults),
        }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(|fault| fault.name()).collect();
        f.write_str(if names.is_empty() { "none" } else { "" })?;
        f.write_str(&names.join(", "))
    }
}

/// Times out of a hundred that a message meets a fault.
const CHANCE: u64 = 12;
/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a message is tried while nobody answers: half a minute.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(300);
/// How often a till tries again that was told no.
const REFUSALS: u32 = 3;

/// An answer.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) body: String,
    pub(super) heard: Heard,
}

/// How a message that is sent only once fared.
#[derive(Debug)]
pub(super) enum Once {
    /// It was answered.
    Told(Told),
    /// It was carried out, and the till did not hear so.
    Unheard,
    /// It never arrived.
    Cut,
}

/// The wire.
pub(super) struct Wire<'a> {
    pub(super) address: SocketAddr,
    pub(super) host: String,
    /// `/pos/<kind>/<token>/`
    pub(super) door: String,
    pub(super) dialect: &'static dyn Dialect,
    pub(super) faults: Faults,
    pub(super) dice: Dice,
    pub(super) restart: Restart<'a>,
    /// The service is to be started anew while it answers the next message.
    pub(super) restart_soon: bool,
    /// Messages on their way, and how many others will overtake each.
    held: Vec<(u64, Message)>,
    /// How often each fault struck.
    pub(super) struck: BTreeMap<Fault, u32>,
    /// Messages that reached the service and were answered.
    pub(super) answered: u32,
    /// What was refused last of each sale.
    pub(super) refused: BTreeMap<u32, String>,
}

impl<'a> Wire<'a> {
    /// A wire without faults.
    pub(super) fn new(
        (address, host): (SocketAddr, String),
        door: String,
        dialect: &'static dyn Dialect,
        dice: Dice,
        restart: Restart<'a>,
    ) -> Self {
        Wire {
            address,
            host,
            door,
            dialect,
            faults: Faults::default(),
            dice,
            restart,
            restart_soon: false,
            held: Vec::new(),
            struck: BTreeMap::new(),
            answered: 0,
            refused: BTreeMap::new(),
        }
    }

    /// Whether a fault strikes now.
    fn strikes(&mut self, fault: Fault) -> bool {
        // The dice fall the same way whichever faults are asked for.
        let strikes = self.dice.percent(CHANCE) && self.faults.has(fault);
        if strikes {
            *self.struck.entry(fault).or_default() += 1;
        }
        strikes
    }

    /// Whether a message gets lost for good, which only one may that the vendor's system also shows.
    pub(super) fn loses(&mut self, message: &Message) -> bool {
        message.fact.is_some() && self.strikes(Fault::Losses)
    }

    /// Starts the service anew.
    pub(super) fn restart(&mut self) -> Result<(), Failure> {
        if let Some(restart) = &mut self.restart {
            *self.struck.entry(Fault::Restarts).or_default() += 1;
            restart()?;
        }
        Ok(())
    }

    /// Asks until there is an answer.
    pub(super) async fn ask(&mut self, message: &Message) -> Result<Told, Failure> {
        self.trouble(message).await?;
        self.deliver(message).await
    }

    /// Sends a message that must arrive some day, and those whose time has come.
    pub(super) async fn tell(&mut self, message: Message) -> Result<(), Failure> {
        if self.strikes(Fault::Reordering) {
            let overtaken_by = 1 + self.dice.below(6);
            self.held.push((overtaken_by, message));
            return Ok(());
        }
        self.arrive(&message).await?;
        for (left, _) in &mut self.held {
            *left -= 1;
        }
        let (due, held) = std::mem::take(&mut self.held)
            .into_iter()
            .partition(|(left, _)| *left == 0);
        self.held = held;
        for (_, message) in due {
            self.arrive(&message).await?;
        }
        Ok(())
    }

    /// Everything that is still on its way arrives.
    pub(super) async fn calm(&mut self) -> Result<(), Failure> {
        for (_, message) in std::mem::take(&mut self.held) {
            self.arrive(&message).await?;
        }
        Ok(())
    }

    /// Sends a message once.
    pub(super) async fn once(&mut self, message: &Message) -> Result<Once, Failure> {
        let cut = self.strikes(Fault::Cuts);
        let unheard = self.strikes(Fault::LostAnswers);
        let twice = self.strikes(Fault::Duplicates);
        if cut {
            self.cut(message).await;
            return Ok(Once::Cut);
        }
        if unheard {
            return match self.send_and_leave(message, true).await {
                Ok(()) => Ok(Once::Unheard),
                Err(error) => Err(format!("a message that is sent only once did not arrive: {error}").into()),
            };
        }
        let told = self.deliver(message).await?;
        if twice {
            self.deliver(message).await?;
        }
        Ok(Once::Told(told))
    }

    async fn arrive(&mut self, message: &Message) -> Result<(), Failure> {
        self.trouble(message).await?;
        let told = self.deliver(message).await?;
        if let Heard::Again(words) | Heard::Refused(words) = told.heard {
            self.refused.insert(message.sale, words);
        }
        Ok(())
    }

    /// What goes wrong before a message is answered at last.
    async fn trouble(&mut self, message: &Message) -> Result<(), Failure> {
        if self.strikes(Fault::Delays) {
            let time = 20 + self.dice.below(100);
            tokio::time::sleep(Duration::from_millis(time)).await;
        }
        if self.strikes(Fault::Cuts) {
            self.cut(message).await;
        }
        if self.strikes(Fault::LostAnswers) {
            // The till may hang up at once, or with the answer before its nose. It tries again, whatever became of it.
            let waits = self.dice.percent(50);
            let _ = self.send_and_leave(message, waits).await;
        }
        if std::mem::take(&mut self.restart_soon) {
            let _ = self.send_and_leave(message, false).await;
            self.restart()?;
        }
        if self.strikes(Fault::Duplicates) {
            if self.dice.percent(50) {
                let _ = tokio::join!(self.exchange(message), self.exchange(message));
            } else {
                self.deliver(message).await?;
            }
        }
        Ok(())
    }

    /// Tries until there is an answer that the till is content with, or has heard often enough.
    async fn deliver(&mut self, message: &Message) -> Result<Told, Failure> {
        let (mut refusals, mut last) = (0, String::new());
        for _ in 0..TRIES {
            match self.exchange(message).await {
                Ok((status, body)) => {
                    self.answered += 1;
                    let heard = self.dialect.hear(message, status, &body);
                    refusals += 1;
                    let again = matches!(heard, Heard::Again(_)) && message.role != Role::Once;
                    if !again || refusals == REFUSALS {
                        return Ok(Told { body, heard });
                    }
                }
                Err(error) if message.role == Role::Once => return Err(error.into()),
                Err(error) => last = error.to_string(),
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(format!("{} does not answer: {last}", self.host).into())
    }

    async fn exchange(&self, message: &Message) -> io::Result<(u16, String)> {
        let bytes = self.bytes(message);
        let exchange = async {
            let mut client = Client::connect(self.address).await?;
            let answer = client.ask(&bytes).await?;
            let body = String::from_utf8_lossy(answer.body).into_owned();
            Ok((answer.status, body))
        };
        within(exchange).await
    }

    /// Sends it whole, and is gone: at once, or when the answer has begun.
    async fn send_and_leave(&self, message: &Message, waits: bool) -> io::Result<()> {
        let bytes = self.bytes(message);
        let exchange = async {
            let client = Client::connect(self.address).await?;
            client.send(&bytes).await?;
            if waits {
                client.wait_for_answer().await?;
            }
            Ok(())
        };
        within(exchange).await
    }

    /// Sends a part that can't be all. What has no body is cut in its head.
    async fn cut(&mut self, message: &Message) {
        let bytes = self.bytes(message);
        let length = 1 + self.dice.index(bytes.len() - 1);
        let length = length.min(bytes.len() - 3);
        let exchange = async {
            let client = Client::connect(self.address).await?;
            client.send(bytes.get(..length).unwrap_or_default()).await
        };
        // Nobody there is a cut too.
        let _ = within(exchange).await;
    }

    fn bytes(&self, message: &Message) -> Vec<u8> {
        let Message {
            method,
            path,
            content_type,
            body,
            ..
        } = message;
        let login = self.dialect.login(message).map(|login| {
            let shown = STANDARD.encode(format!("{login}:"));
            format!("Authorization: Basic {shown}\r\n")
        });
        format!(
            "{method} {}{path} HTTP/1.1\r\n{}Host: {}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n{body}",
            self.door,
            login.unwrap_or_default(),
            self.host,
            body.len()
        )
        .into_bytes()
    }
}

async fn within<T>(exchange: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match tokio::time::timeout(PATIENCE, exchange).await {
        Ok(result) => result,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_named_and_an_unknown_one_is_refused() {
        assert_eq!("all".parse(), Ok(Faults::all()));
        assert_eq!("none".parse(), Ok(Faults::default()));
        let two: Faults = "cuts, delays".parse().unwrap();
        assert!(two.has(Fault::Cuts) && two.has(Fault::Delays) && !two.has(Fault::Restarts));
        assert_eq!(two.to_string(), "delays, cuts");
        let unknown = "cuts,fire".parse::<Faults>().unwrap_err().to_string();
        assert!(
            unknown.contains("`fire`") && unknown.contains("lost-answers"),
            "{unknown}"
        );
    }
}
