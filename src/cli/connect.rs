//! `kopilka connect`: a guided way from nothing to the first message of a till.

use std::io::{BufRead, IsTerminal};
use std::net::TcpStream;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use clap::builder::PossibleValuesParser;
use kopilka_contract::{GuideStep, Language, Money, Words};

use super::serve::{app, runtime};
use super::user::{network_of, told};
use super::{Failure, open_existing, print};
use crate::addresses::Addresses;
use crate::api::author::Author;
use crate::api::connection_view::warnings;
use crate::api::connections::{NewConnection, connect, renew};
use crate::api::problem::Problem;
use crate::app::App;
use crate::clock::SystemClock;
use crate::config::Settings;
use crate::domain::amount_words;
use crate::domain::ids::{ConnectionId, HoldId, MessageId, ReceiptId, VenueId};
use crate::domain::watch::Watch;
use crate::http_client::{resolve, web_authority};
use crate::pos::{ADAPTERS, adapter};
use crate::storage::messages::{self, MessageFilter, MessageHead, WAITING};
use crate::storage::till_connections::{self, StoredConnection};
use crate::storage::venues::Venue;
use crate::storage::{StorageError, Tenant, customers, holds, receipts, venues};

/// How long an address may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Till system
    #[arg(value_parser = PossibleValuesParser::new(ADAPTERS.iter().map(|adapter| adapter.kind())))]
    kind: Option<String>,
    /// Venue: its id, or your own id of it
    #[arg(long)]
    venue: Option<String>,
    /// Address under which the till reaches this service, such as https://bonus.example.ru
    #[arg(long, value_name = "URL")]
    address: Option<String>,
    /// What people call the connection; without it, the system and the venue
    #[arg(long)]
    name: Option<String>,
    /// The adapter's own settings, as JSON
    #[arg(long, value_name = "JSON", default_value = "{}")]
    settings: String,
    /// Go on with the connection of this system that the venue has: it gets another token, and keeps its settings
    #[arg(long, conflicts_with_all = ["another", "name", "settings"])]
    again: bool,
    /// Make one more connection of this system beside the one that the venue has
    #[arg(long)]
    another: bool,
    /// Id of the venue's connection whose orders this one's are: the same sale told by both is one receipt
    #[arg(long, value_name = "ID", conflicts_with = "again")]
    shares_orders_with: Option<ConnectionId>,
    /// From where its messages may come, addresses and networks with commas between them, such as 10.0.0.0/8; without it, from
    /// anywhere
    #[arg(long, value_name = "ADDRESSES", default_value = "", conflicts_with = "again")]
    only_from: Addresses,
    /// Language of this command and of the words for the cashier: ru or en
    #[arg(long, default_value = "ru", value_parser = language)]
    language: Language,
    /// Id of the network; needed where there are several
    #[arg(long)]
    network: Option<String>,
    /// How many minutes to wait for the till's first message; 0: not at all
    #[arg(long, value_name = "MINUTES", default_value_t = 60)]
    wait: u64,
}

/// What has come of a till so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Heard {
    /// It is silent.
    Nothing,
    /// It asks about guests, sets bonuses aside, brings its menu.
    Questions,
    /// It has sent what could not be posted.
    Unposted,
    /// It has sold.
    Receipt,
}

/// Whether anybody listens there, as seen from this machine. A name may take long to find: no longer than our patience.
fn answers(authority: String) -> bool {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let addresses = resolve(&authority).unwrap_or_default();
        let reached = |address| TcpStream::connect_timeout(address, PATIENCE).is_ok();
        // Nobody may wait for it any more.
        let _ = tell.send(addresses.iter().any(reached));
    });
    told.recv_timeout(PATIENCE).unwrap_or(false)
}

fn language(text: &str) -> Result<Language, String> {
    match text {
        "ru" => Ok(Language::Ru),
        "en" => Ok(Language::En),
        _ => Err("expected ru or en".to_owned()),
    }
}

pub(super) fn run(settings: &Settings, args: &Args) -> Result<(), Failure> {
    let store = open_existing(settings)?;
    let tenant = network_of(&store, args.network.as_deref())?;
    runtime()?.block_on(async {
        let app = app(store, settings, Arc::new(SystemClock))?;
        let guided = Guided {
            app,
            tenant,
            language: args.language,
        };
        guided.connect(args).await
    })
}

/// A conversation with the person who connects a till.
struct Guided {
    app: App,
    tenant: Tenant,
    language: Language,
}

impl Guided {
    async fn connect(&self, args: &Args) -> Result<(), Failure> {
        let kind = self.kind(args)?;
        let venue = self.venue(args).await?;
        let address = self.address(args)?;
        let author = Author::command_line(&self.app, self.tenant);
        let (made, token) = match self.standing(&kind, &venue, args).await? {
            Some(standing) => self.renew(&author, standing).await?,
            None => self.make(&author, &kind, &venue, args).await?,
        };
        self.say(
            "Адрес с ключом показывается один раз; ключ — пароль кассы. Новый: kopilka connect --again.",
            "The address with its token is shown once; the token is the till's password. Another: kopilka connect --again.",
        );
        self.warn(made.clone()).await?;
        let door = format!("{address}/pos/{kind}/{token}");
        self.guide(
            &adapter(&kind)
                .map(|adapter| adapter.guide(&door))
                .unwrap_or_default(),
        );
        if args.wait == 0 {
            return Ok(());
        }
        self.wait(
            made.id,
            &address,
            Duration::from_secs(args.wait.saturating_mul(60)),
        )
        .await
    }

    /// The connection to go on with, where the venue has one of this kind: a second one would tell of the same sales.
    async fn standing(
        &self,
        kind: &str,
        venue: &Venue,
        args: &Args,
    ) -> Result<Option<ConnectionId>, Failure> {
        let (tenant, of) = (self.tenant, [venue.id]);
        let of_venue = self
            .app
            .read(move |c| till_connections::list(c, tenant, Some(&of), None, i64::MAX));
        let mut standing = of_venue.await?;
        standing.retain(|connection| connection.active && connection.kind == kind);
        if args.another || (standing.is_empty() && !args.again) {
            return Ok(None);
        }
        let mut choices: Vec<_> = standing
            .iter()
            .map(|c| (c.id.to_string(), c.name.clone()))
            .collect();
        if choices.is_empty() {
            return Err(format!("{} has no connection of {kind}", venue.name).into());
        }
        if !args.again {
            let names: Vec<&str> = standing.iter().map(|c| c.name.as_str()).collect();
            let found = Words::new(
                format!(
                    "У точки уже есть такое подключение: {}. Новый ключ для него — --again, ещё одно — --another",
                    names.join(", ")
                ),
                format!(
                    "The venue has such a connection: {}. Another token for it: --again; one more: --another",
                    names.join(", ")
                ),
            );
            if !std::io::stdin().is_terminal() {
                return Err(self.language_of(&found).into());
            }
            print(self.language_of(&found));
            choices.push((
                "another".to_owned(),
                self.language_of(&Words::new("ещё одно", "one more")),
            ));
        }
        let chosen = self.choose(&Words::new("Какое подключение?", "Which connection?"), &choices)?;
        Ok(standing.iter().map(|c| c.id).find(|id| id.to_string() == chosen))
    }

    async fn renew(&self, author: &Author, of: ConnectionId) -> Result<(StoredConnection, String), Failure> {
        let tenant = self.tenant;
        let renewed = renew(&self.app, author, move |c| {
            till_connections::find(c, tenant, of)?.ok_or_else(Problem::not_found)
        });
        let (found, token) = renewed.await.map_err(told)?;
        self.say(
            &format!(
                "Подключение {}: {}. Прежний ключ больше не действует.",
                found.id, found.name
            ),
            &format!(
                "The connection {}: {}. Its former token works no more.",
                found.id, found.name
            ),
        );
        Ok((found, token))
    }

    async fn make(
        &self,
        author: &Author,
        kind: &str,
        venue: &Venue,
        args: &Args,
    ) -> Result<(StoredConnection, String), Failure> {
        let title = adapter(kind).map_or(kind, |adapter| adapter.title());
        let new = NewConnection {
            name: args
                .name
                .clone()
                .unwrap_or_else(|| format!("{title}, {}", venue.name)),
            settings: serde_json::from_str(&args.settings)
                .map_err(|error| format!("--settings is no JSON: {error}"))?,
            language: self.language,
            watch: Watch::default(),
            shares_orders_with: args.shares_orders_with,
            only_from: args.only_from.clone(),
            kind: kind.to_owned(),
        };
        let at = venue.id;
        let made = connect(&self.app, author, new, move |_| Ok::<VenueId, Problem>(at)).await;
        let (made, token) = made.map_err(told)?;
        self.say(
            &format!("Подключение {} готово: {}.", made.id, made.name),
            &format!("The connection {} is made: {}.", made.id, made.name),
        );
        Ok((made, token))
    }

    /// What a person should mend before the till speaks: another connection that tells of the same sales.
    async fn warn(&self, made: StoredConnection) -> Result<(), Failure> {
        let tenant = self.tenant;
        let found = self.app.read(move |c| warnings(c, tenant, made)).await;
        for words in found.map_err(told)? {
            self.say(&format!("\n! {}", words.ru), &format!("\n! {}", words.en));
        }
        Ok(())
    }

    fn kind(&self, args: &Args) -> Result<String, Failure> {
        if let Some(kind) = &args.kind {
            return Ok(kind.clone());
        }
        let kinds: Vec<_> = ADAPTERS
            .iter()
            .map(|a| (a.kind().to_owned(), a.title().to_owned()))
            .collect();
        self.choose(&Words::new("Какая касса?", "Which till system?"), &kinds)
    }

    async fn venue(&self, args: &Args) -> Result<Venue, Failure> {
        let (tenant, named) = (self.tenant, args.venue.clone());
        if let Some(named) = named {
            let reference = named.clone();
            let found = self.app.read(move |c| -> Result<_, StorageError> {
                match venues::resolve(c, tenant, &reference)? {
                    Some(id) => venues::find(c, tenant, id),
                    None => Ok(None),
                }
            });
            return found
                .await?
                .ok_or_else(|| format!("there is no venue {named}").into());
        }
        let found = self
            .app
            .read(move |c| venues::list(c, tenant, None, Some(false), None, 1000))
            .await?;
        if found.is_empty() {
            return Err(self
                .language_of(&Words::new(
                    "у сети нет ни одной точки продаж: сначала создайте её (POST /api/v1/venues), потом повторите",
                    "the network has no venue: make one first (POST /api/v1/venues), then try again",
                ))
                .into());
        }
        let names: Vec<_> = found.iter().map(|v| (v.id.to_string(), v.name.clone())).collect();
        let chosen = self.choose(&Words::new("Какая точка продаж?", "Which venue?"), &names)?;
        found
            .into_iter()
            .find(|venue| venue.id.to_string() == chosen)
            .ok_or_else(|| format!("there is no venue {chosen}").into())
    }

    fn address(&self, args: &Args) -> Result<String, Failure> {
        let given = match &args.address {
            Some(address) => address.clone(),
            None => self.ask(&Words::new(
                "Адрес, по которому касса увидит этот сервис (https://…)",
                "Address under which the till reaches this service (https://…)",
            ))?,
        };
        let address = given.trim().trim_end_matches('/');
        if !address.starts_with("https://") && !address.starts_with("http://") {
            return Err(format!("{address} is no address: it begins with https:// or http://").into());
        }
        Ok(address.to_owned())
    }

    /// One of several, by its number or as it stands; the only one is not asked for.
    fn choose(&self, question: &Words, choices: &[(String, String)]) -> Result<String, Failure> {
        if let [(only, _)] = choices {
            return Ok(only.clone());
        }
        for (number, (id, name)) in choices.iter().enumerate() {
            print(format!("{:>3}  {name}  ({id})", number + 1));
        }
        let answer = self.ask(question)?;
        let by_number = answer
            .parse::<usize>()
            .ok()
            .and_then(|n| choices.get(n.checked_sub(1)?));
        by_number
            .or_else(|| choices.iter().find(|(id, _)| *id == answer))
            .map(|(id, _)| id.clone())
            .ok_or_else(|| format!("{answer} is none of them").into())
    }

    fn ask(&self, question: &Words) -> Result<String, Failure> {
        print(format!("{}:", question.in_language(self.language)));
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line)?;
        let answer = line.trim();
        if answer.is_empty() {
            let hint = if std::io::stdin().is_terminal() {
                ""
            } else {
                "; name it on the command line (--help)"
            };
            return Err(format!("no answer{hint}").into());
        }
        Ok(answer.to_owned())
    }

    fn language_of(&self, words: &Words) -> String {
        words.in_language(self.language).to_owned()
    }

    fn say(&self, ru: &str, en: &str) {
        print(match self.language {
            Language::Ru => ru,
            Language::En => en,
        });
    }

    fn guide(&self, steps: &[GuideStep]) {
        for (number, step) in steps.iter().enumerate() {
            print(format!(
                "\n{}. {}",
                number + 1,
                step.place.in_language(self.language)
            ));
            for entry in &step.entries {
                let (field, value) = (&entry.field, &entry.value);
                print(format!(
                    "     {} = {}",
                    field.in_language(self.language),
                    value.in_language(self.language)
                ));
            }
        }
        print("");
    }

    /// Tells of every message until one became a receipt, or the time is over.
    async fn wait(&self, of: ConnectionId, address: &str, longest: Duration) -> Result<(), Failure> {
        if let Some(address) = web_authority(address)
            && !answers(address.clone())
        {
            self.say(
                &format!("! По адресу {address} отсюда никто не отвечает: запущен ли сервис, тот ли адрес?"),
                &format!(
                    "! Nobody answers at {address} from here: does the service run, is the address right?"
                ),
            );
        }
        self.say(
            "Жду первого сообщения кассы: проведите чек или заказ гостя программы. Ctrl-C — не ждать, подключение останется.",
            "Waiting for the till's first message: close a receipt or an order of a guest. Ctrl-C: do not wait, the connection stays.",
        );
        let (since, mut told, mut heard) = (Instant::now(), MessageId(0), Heard::Nothing);
        while since.elapsed() < longest {
            let tenant = self.tenant;
            let lately = self.app.read(move |c| -> Result<_, StorageError> {
                let filter = MessageFilter {
                    connection: Some(of),
                    ..MessageFilter::default()
                };
                let spoke = till_connections::find(c, tenant, of)?.and_then(|c| c.heard_at);
                Ok((messages::list(c, tenant, &filter, 20)?, spoke))
            });
            let (messages, spoke) = lately.await?;
            if heard == Heard::Nothing && (spoke.is_some() || !messages.is_empty()) {
                heard = Heard::Questions;
                self.say("Касса на связи.", "The till speaks.");
            }
            for message in messages
                .into_iter()
                .rev()
                .filter(|message| message.id.0 > told.0)
                .collect::<Vec<_>>()
            {
                told = message.id;
                match self.tell(message).await? {
                    Heard::Receipt => return Ok(()),
                    now => heard = heard.max(now),
                }
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        Err(self.silence(heard).into())
    }

    fn silence(&self, heard: Heard) -> String {
        self.language_of(&match heard {
            Heard::Nothing => Words::new(
                "касса молчит: проверьте адрес, сеть и настройки по шагам выше",
                "the till is silent: check the address, the network and the steps above",
            ),
            Heard::Questions => Words::new(
                "касса спрашивает, но чека ещё не прислала",
                "the till asks, but has sent no receipt yet",
            ),
            Heard::Unposted | Heard::Receipt => Words::new(
                "касса прислала чек, но он не проведён: причина выше",
                "the till has sent a receipt, but it was not posted: the reason is above",
            ),
        })
    }

    /// Says what was understood of a message.
    async fn tell(&self, message: MessageHead) -> Result<Heard, Failure> {
        let at = message.received_at.format("%H:%M:%S UTC");
        let became = message.subject.or(message.code).unwrap_or_default();
        print(format!("{at}  {}  {}  {became}", message.id, message.outcome));
        if let Some(detail) = &message.detail {
            print(format!("     {detail}"));
        }
        if WAITING.contains(&message.outcome.as_str()) {
            self.say(
                &format!(
                    "     Не проведено. Всё сообщение: kopilka inbox show {}",
                    message.id
                ),
                &format!(
                    "     Not posted. The whole message: kopilka inbox show {}",
                    message.id
                ),
            );
            return Ok(Heard::Unposted);
        }
        if let Ok(id) = became.parse::<HoldId>() {
            self.tell_hold(id).await?;
        }
        match became.parse::<ReceiptId>() {
            Ok(id) => self.tell_receipt(id).await?,
            Err(_) => return Ok(Heard::Questions),
        }
        Ok(Heard::Receipt)
    }

    async fn tell_hold(&self, id: HoldId) -> Result<(), Failure> {
        let tenant = self.tenant;
        let held = self.app.read(move |c| -> Result<_, StorageError> {
            let Some((customer, amount)) = holds::of_customer(c, tenant, id)? else {
                return Ok(None);
            };
            Ok(customers::find(c, tenant, &customer.to_string())?.map(|customer| (customer, amount)))
        });
        if let Some((customer, amount)) = held.await? {
            let name = customer.name.unwrap_or_else(|| customer.id.to_string());
            let amount = amount_words::bonuses(amount);
            self.say(
                &format!("     Гость {name}: отложено бонусов {}", amount.ru),
                &format!("     Guest {name}: bonuses set aside {}", amount.en),
            );
        }
        Ok(())
    }

    async fn tell_receipt(&self, id: ReceiptId) -> Result<(), Failure> {
        let tenant = self.tenant;
        let Some(receipt) = self.app.read(move |c| receipts::find(c, tenant, id)).await? else {
            return Ok(());
        };
        let head = &receipt.head;
        let said = |kopecks| amount_words::bonuses(Money::from_kopecks(kopecks));
        let (total, redeemed, accrued) = (
            amount_words::money(Money::from_kopecks(head.total)),
            said(head.redeemed),
            said(head.accrued),
        );
        let number = head.number.clone().unwrap_or_else(|| head.external_id.clone());
        let lines = receipt.lines.len();
        self.say(
            &format!(
                "     Чек {number}: {}, строк {lines}, списано {}, начислено {}",
                total.ru, redeemed.ru, accrued.ru
            ),
            &format!(
                "     Receipt {number}: {}, {lines} lines, redeemed {}, accrued {}",
                total.en, redeemed.en, accrued.en
            ),
        );
        // Why there is less than was hoped for: no guest, no percent, a blocked card.
        if head.accrued == 0 {
            for factor in &receipt.answer.explanation {
                let words = &factor.words;
                self.say(&format!("     {}", words.ru), &format!("     {}", words.en));
            }
        }
        Ok(())
    }
}
