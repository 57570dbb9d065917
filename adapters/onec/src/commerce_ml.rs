//! CommerceML 2: files of a 1C base, and the exchange by which it sends them.
//!
//! 1C is the client: `checkauth`, `init`, `file` for every part of a file, `import` for every file, each with `type` and `mode` in
//! the query. Answers are plain lines: `success`, `progress` or `failure` with a reason, which 1C writes into its log. What the
//! standard says of an exchange is goods (`type=catalog`) and orders (`type=sale`); receipts of a shop are not in it, so how a sale
//! and a return look is agreed between a base and us, and is a setting.
//!
//! An exchange of documents may end with `file`: not every base sends `import` for them (seen in public exchange libraries).
//!
//! The token in the address is the authentication: the login of `checkauth` is not looked at, and the cookie that its answer gives is
//! of no use but to be sent back. A file comes in parts of at most [`FILE_LIMIT`] bytes, which the service puts together. An archive
//! is sent under a name of its own; `import` then names a file in it, or the archive.

mod archive;
mod catalogue;
mod documents;
mod last_part;
mod settings;
mod xml;

use std::borrow::Cow;

use kopilka_contract::{
    About, Ask, Bulk, Dialogue, Filing, Language, Menu, MenuTaken, Message, Part, Refusal, Reply, Telling,
    Told, Unreadable, Words, words,
};

use self::archive::ArchiveError;
use self::documents::{Documents, Taken};
pub use self::settings::CommerceMlSettings;
use self::xml::Element;
use crate::query::Query;
use crate::receipt_json::Contract;
use crate::reply;

/// So many bytes of a file fit into one message.
const FILE_LIMIT: u32 = 1_048_576;

/// `type` of an exchange of documents: orders, sales, returns.
const DOCUMENTS: &str = "sale";

/// A step of an exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Mode {
    CheckAuth,
    Init,
    File(String),
    Import(String),
    /// The other direction: what we have for the base, which is nothing.
    Query,
    /// The base has taken what we had.
    Success,
    /// The last step of newer exchanges: all files were imported.
    Complete,
}

impl Mode {
    fn of(query: &Query) -> Option<Self> {
        let file = || query.get("filename").map(str::to_owned);
        Some(match query.get("mode")? {
            "checkauth" => Mode::CheckAuth,
            "init" => Mode::Init,
            "file" => Mode::File(file()?),
            "import" => Mode::Import(file()?),
            "query" => Mode::Query,
            "success" => Mode::Success,
            "complete" => Mode::Complete,
            _ => return None,
        })
    }
}

/// What a message has to do with a file. `type` parts the exchanges of goods and of documents, which may go on at once.
pub(crate) fn filing(message: &Message<'_>) -> Option<Filing> {
    let query = Query::parse(message.query);
    let folder = query.get("type").unwrap_or_default().to_owned();
    match Mode::of(&query)? {
        Mode::Init => Some(Filing::Begin { folder }),
        // Older exchanges of documents end with the file, newer ones with its import: it is posted with the file, and an import
        // finds it posted.
        Mode::File(file) if folder == DOCUMENTS && is_read(&file) && last_part::is_last(message.body) => {
            Some(Filing::Last {
                folder,
                file,
                is_whole: last_part::is_whole(message.body),
            })
        }
        Mode::File(file) if is_read(&file) => Some(Filing::Part { folder, file }),
        // Pictures and other attachments of goods: there is no room for them here.
        Mode::File(_) => Some(Filing::Unread),
        Mode::Import(file) => Some(Filing::Whole {
            folder,
            file,
            or_in: Some(".zip"),
        }),
        Mode::CheckAuth | Mode::Query | Mode::Success | Mode::Complete => None,
    }
}

/// How long 1C waits for a step, and what it is told meanwhile: it repeats an `import` that is answered `progress`. A file that is
/// posted as it comes has no such answer.
pub(crate) fn bulk(message: &Message<'_>) -> Option<Bulk> {
    let (patience_s, meanwhile) = match Mode::of(&Query::parse(message.query))? {
        Mode::Import(_) => (20, Some(reply::sentence(200, "progress"))),
        Mode::File(_) => (50, None),
        _ => return None,
    };
    Some(Bulk {
        patience_s,
        meanwhile,
    })
}

/// Whether a file is read at all: an XML, or an archive of such.
fn is_read(file: &str) -> bool {
    let ending = file.rsplit('.').next().unwrap_or_default();
    ["xml", "zip"].contains(&ending.to_ascii_lowercase().as_str())
}

/// Reads a step of an exchange; of `import` the body is the whole file.
pub(crate) fn read(message: &Message<'_>, contract: Contract<'_>) -> Result<Box<dyn Dialogue>, Unreadable> {
    let language = contract.settings.language;
    let query = Query::parse(message.query);
    let Some(mode) = Mode::of(&query) else {
        let words = Words::new(
            "неизвестный шаг обмена: ожидались type и mode=checkauth, init, file, import",
            "an unknown step of the exchange: type and mode=checkauth, init, file or import were expected",
        );
        return Err(failed(words, language));
    };
    let lines = match mode {
        Mode::CheckAuth => format!("success\nkopilka\n{:x}", message.received_at.timestamp_micros()),
        Mode::Init => {
            let zip = if contract.own.commerce_ml.zip { "yes" } else { "no" };
            format!("zip={zip}\nfile_limit={FILE_LIMIT}")
        }
        Mode::File(file)
            if query.get("type") == Some(DOCUMENTS) && is_read(&file) && last_part::is_last(message.body) =>
        {
            return import(&file, message.body, contract);
        }
        Mode::File(_) | Mode::Success | Mode::Complete => "success".to_owned(),
        Mode::Query => return Ok(Box::new(Said(reply::xml(documents::NOTHING)))),
        Mode::Import(file) => return import(&file, message.body, contract),
    };
    Ok(Box::new(Said(reply::sentence(200, &lines))))
}

/// Reads a file that was sent without an exchange: `POST commerceml` with the file for a body.
pub(crate) fn read_file(
    message: &Message<'_>,
    contract: Contract<'_>,
) -> Result<Box<dyn Dialogue>, Unreadable> {
    import("", message.body, contract)
}

fn import(file: &str, body: &[u8], contract: Contract<'_>) -> Result<Box<dyn Dialogue>, Unreadable> {
    let language = contract.settings.language;
    if body.is_empty() {
        let words = words!(
            "файл {file} не получен: сначала mode=file",
            "the file {file} did not come: mode=file goes first"
        );
        return Err(failed(words, language));
    }
    let files = files(file, body).map_err(|error| failed(error.words(), language))?;
    let mut import = Import {
        menus: Vec::new(),
        documents: Vec::new(),
        skipped: Vec::new(),
        language,
    };
    for file in &files {
        import
            .add(file, contract)
            .map_err(|words| failed(words, language))?;
    }
    Ok(Box::new(import))
}

/// The files that a body is: itself, the one of an archive that is asked for, or all of an archive that is itself asked for.
fn files<'a>(name: &str, body: &'a [u8]) -> Result<Vec<Cow<'a, [u8]>>, ArchiveError> {
    if !archive::is_archive(body) {
        return Ok(vec![Cow::Borrowed(body)]);
    }
    if name.is_empty() || name.to_ascii_lowercase().ends_with(".zip") {
        return Ok(archive::xml_files(body)?.into_iter().map(Cow::Owned).collect());
    }
    let base_name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    Ok(vec![Cow::Owned(archive::file(body, base_name)?)])
}

fn failed(reason: Words, language: Language) -> Unreadable {
    Unreadable {
        reply: failure(reason.in_language(language)),
        reason,
    }
}

/// What the base is told where something went wrong: the second line gets into its log.
pub(crate) fn failure(words: &str) -> Reply {
    reply::sentence(200, &format!("failure\n{words}"))
}

/// An answer for which nobody has to be asked.
struct Said(Reply);

impl Dialogue for Said {
    fn asks(&self) -> Vec<Ask> {
        Vec::new()
    }

    fn reply(&self, _told: &[Result<Told, Refusal>]) -> Reply {
        self.0.clone()
    }
}

/// A file, read.
struct Import {
    menus: Vec<Menu>,
    documents: Vec<Taken>,
    skipped: Vec<Words>,
    language: Language,
}

impl Dialogue for Import {
    fn asks(&self) -> Vec<Ask> {
        let menu = self.menus.iter().cloned().map(Ask::TakeMenu);
        let documents = self
            .documents
            .iter()
            .flat_map(|taken| &taken.document)
            .map(|document| document.ask.clone());
        menu.chain(documents).collect()
    }

    fn remarks(&self) -> Vec<Words> {
        let documents = self.documents.iter().flat_map(|taken| match &taken.document {
            Ok(document) => document.remarks(),
            Err(rejected) => vec![rejected.words()],
        });
        self.skipped.iter().cloned().chain(documents).collect()
    }

    /// Documents are kept one by one, in the words of our JSON contract: a file may have thousands of them.
    fn parts(&self) -> Vec<Part> {
        let mut ask = self.menus.len();
        let mut part = |taken: &Taken| {
            let about = match &taken.document {
                Ok(_) => {
                    ask += 1;
                    About::Ask(ask - 1)
                }
                Err(rejected) => About::Unread(rejected.words()),
            };
            Part {
                path: "v1/receipts".to_owned(),
                content_type: "application/json; charset=utf-8",
                body: taken.json.clone().into_bytes(),
                about,
            }
        };
        self.documents.iter().map(&mut part).collect()
    }

    /// A refusal that may pass is answered so that the base imports the file again; one that will not is a matter for a person,
    /// who finds the file in the inbox: the base would repeat it for ever.
    fn reply(&self, told: &[Result<Told, Refusal>]) -> Reply {
        let busy = told
            .iter()
            .find_map(|answer| answer.as_ref().err().filter(|why| why.retryable));
        match busy {
            Some(why) => failure(why.words.in_language(self.language)),
            None => reply::sentence(200, &self.success(told)),
        }
    }
}

/// So many documents that were not taken are named: the base writes the answer into its log.
const MOST_NAMED: usize = 20;

impl Import {
    /// Documents that were not taken, each with the reason.
    fn refused(&self, told: &[Result<Told, Refusal>]) -> Vec<String> {
        let mut told = told.iter().skip(self.menus.len());
        let reason = |taken: &Taken| {
            let why = match &taken.document {
                Err(rejected) => rejected.reason().in_language(self.language).to_owned(),
                Ok(_) => match told.next()? {
                    Err(why) => why.words.in_language(self.language).to_owned(),
                    Ok(_) => return None,
                },
            };
            Some(format!("{}: {why}", taken.name))
        };
        self.documents.iter().filter_map(reason).collect()
    }

    /// Adds what a file says.
    fn add(&mut self, file: &[u8], contract: Contract<'_>) -> Result<(), Words> {
        let root = xml::parse(file).map_err(|error| error.words())?;
        if root.name() != "коммерческаяинформация" {
            return Err(Words::new(
                "это не CommerceML: корень не «КоммерческаяИнформация»",
                "this is not CommerceML: the root is not «КоммерческаяИнформация»",
            ));
        }
        self.menus.extend(catalogue::menu(&root)?);
        let documents = Documents::of(&root, contract);
        self.documents.extend(documents.read);
        self.skipped.extend(documents.skipped);
        Ok(())
    }

    fn success(&self, told: &[Result<Told, Refusal>]) -> String {
        let mut lines = vec!["success".to_owned()];
        let taken = told.iter().filter_map(|answer| match answer {
            Ok(Told::MenuTaken(MenuTaken {
                added,
                changed,
                skipped,
            })) => Some((added, changed, skipped.len())),
            _ => None,
        });
        for (added, changed, skipped) in taken {
            let words = Words::new(
                format!("меню: добавлено {added}, изменено {changed}, пропущено {skipped}"),
                format!("menu: {added} added, {changed} changed, {skipped} skipped"),
            );
            lines.push(words.in_language(self.language).to_owned());
        }
        let (passed_over, all) = (self.skipped.len(), self.documents.len() + self.skipped.len());
        if all > 0 {
            let refused = self.refused(told);
            let done = told.iter().skip(self.menus.len()).flatten();
            let (repeated, taken): (Vec<_>, Vec<_>) = done.partition(|told| changes_nothing(told));
            let (taken, repeated, wrong) = (taken.len(), repeated.len(), refused.len());
            let words = Words::new(
                format!(
                    "документов в файле: {all}; принято: {taken}, уже было: {repeated}, пропущено: {passed_over}, не принято: {wrong}"
                ),
                format!(
                    "documents in the file: {all}; taken: {taken}, known already: {repeated}, passed over: {passed_over}, not taken: {wrong}"
                ),
            );
            lines.push(words.in_language(self.language).to_owned());
            lines.extend(refused.into_iter().take(MOST_NAMED));
        }
        lines.join("\n")
    }
}

/// Whether the books knew this already, or something newer.
fn changes_nothing(told: &Told) -> bool {
    match told {
        Told::Closed(closed) => closed.replayed || closed.telling == Telling::Older,
        Told::Returned(returned) => returned.replayed || returned.telling == Telling::Older,
        _ => false,
    }
}

/// The text of a child that says something.
fn text<'a>(element: &'a Element, name: &str) -> Option<&'a str> {
    element
        .child(name)
        .map(Element::content)
        .filter(|text| !text.is_empty())
}
