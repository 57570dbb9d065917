//! The answers: `<Root>` and what stands in it. Always HTTP 200 with XML, since the DLL turns anything else into
//! «processing server connect error».

use std::fmt::Write;

use chrono::NaiveDateTime;
use kopilka_contract::{Language, Money, Refusal, Reply, Words};

use crate::function::Function;
use crate::settings::{BlockedCards, OutBufPlacement};
use crate::till_text;

/// `TRRESPONSE@error_code` where we failed or did not understand. Codes are ours; a till only sees that it is not 0.
const FAILED: i32 = -1;

/// An element of an answer.
#[derive(Debug, Clone)]
pub(crate) struct Tag {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    children: Vec<Tag>,
    text: String,
}

impl Tag {
    pub(crate) fn new(name: &'static str) -> Self {
        Tag {
            name,
            attributes: Vec::new(),
            children: Vec::new(),
            text: String::new(),
        }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.attributes.push((name, value.to_string()));
        self
    }

    pub(crate) fn with_some(self, name: &'static str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    pub(crate) fn holding(mut self, child: Tag) -> Self {
        self.children.push(child);
        self
    }

    pub(crate) fn saying(mut self, text: impl Into<String>) -> Self {
        self.text = text.into();
        self
    }

    fn write(&self, out: &mut String, depth: usize) {
        let indent = "  ".repeat(depth);
        // Writing to a string cannot fail.
        let _ = write!(out, "{indent}<{}", self.name);
        for (name, value) in &self.attributes {
            let _ = write!(out, " {name}=\"{}\"", escaped(value));
        }
        if !self.text.is_empty() {
            let _ = writeln!(out, ">{}</{}>", escaped(&self.text), self.name);
            return;
        }
        if self.children.is_empty() {
            out.push_str("/>\n");
            return;
        }
        out.push_str(">\n");
        for child in &self.children {
            child.write(out, depth + 1);
        }
        let _ = writeln!(out, "{indent}</{}>", self.name);
    }
}

/// An attribute's value. A line break must be a reference, or the reader makes a space of it; other control
/// characters may not stand in XML at all.
fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

fn reply(content: impl IntoIterator<Item = Tag>) -> Reply {
    let root = content.into_iter().fold(Tag::new("Root"), Tag::holding);
    let mut body = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
    root.write(&mut body, 0);
    Reply {
        status: 200,
        content_type: "text/xml; charset=utf-8",
        body: body.into_bytes(),
    }
}

/// How answers look on this connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Form {
    pub(crate) language: Language,
    pub(crate) outbuf: OutBufPlacement,
}

impl Form {
    /// The usual form, for connections whose settings are not known.
    pub(crate) fn plain(language: Language) -> Self {
        Form {
            language,
            outbuf: OutBufPlacement::default(),
        }
    }

    /// The answer that consists of this element.
    pub(crate) fn only(self, tag: Tag) -> Reply {
        reply([tag])
    }

    /// A picture.
    pub(crate) fn picture(self, content_type: &'static str, body: Vec<u8>) -> Reply {
        Reply {
            status: 200,
            content_type,
            body,
        }
    }

    /// A notice was taken; there is nothing to say.
    pub(crate) fn noted(self) -> Reply {
        reply([])
    }

    /// All transactions are applied.
    pub(crate) fn applied(self) -> Reply {
        reply([Tag::new("TransactionsEx").with("Result", 0)])
    }

    /// All transactions are applied, and there is something to show or to print.
    pub(crate) fn applied_with(self, response: Tag) -> Reply {
        self.transactions(0, response)
    }

    /// No transaction is applied, and this is why.
    pub(crate) fn refused(self, refusal: &Refusal) -> Reply {
        self.not_applied(error_code(&refusal.code), &refusal.words)
    }

    /// The function was not done: the message was not understood, or we failed. A card is shown as locked, since
    /// `WhyLock` is the only text of `GetCardInfoEx` that a till is known to show with a refusal (clones of the DLL
    /// do the same where the server cannot be reached).
    pub(crate) fn not_done(self, function: Function, words: &Words) -> Reply {
        match function {
            Function::GetCardInfoEx => reply([CardFace::locked(&self.line(words)).tag()]),
            Function::TransactionsEx => self.not_applied(FAILED, words),
            _ => reply([Tag::new(function.answer_element())
                .with("Result", 1)
                .with("ErrorText", self.line(words))]),
        }
    }

    /// Words of the connection's language that fit a message field.
    pub(crate) fn line(self, words: &Words) -> String {
        till_text::line(words.in_language(self.language), till_text::MESSAGE)
    }

    fn not_applied(self, code: i32, words: &Words) -> Reply {
        let response = Tag::new("TRRESPONSE")
            .with("error_code", code)
            .with("err_text", self.line(words));
        self.transactions(1, response)
    }

    fn transactions(self, result: u8, response: Tag) -> Reply {
        let done = Tag::new("TransactionsEx").with("Result", result);
        let buffer = Tag::new("OutBuf").with("OutKind", 1).holding(response);
        match self.outbuf {
            OutBufPlacement::Sibling => reply([done, buffer]),
            OutBufPlacement::Nested => reply([done.holding(buffer)]),
        }
    }
}

/// Codes of our refusals for `TRRESPONSE@error_code` (vendor's «TRRESPONCE» text: any number but 0).
fn error_code(code: &str) -> i32 {
    match code {
        "card-not-found" | "customer-not-found" => 14,
        "insufficient-balance" => 51,
        "redeem-limit" => 61,
        "card-blocked" | "customer-blocked" => 62,
        "unknown-venue" => 71,
        "busy" => 91,
        "receipt-conflict" => 94,
        "receipt-cancelled" => 95,
        "internal" => FAILED,
        _ => 1,
    }
}

/// `TRRESPONSE` of an operation that succeeded. With code 0 a text is a remark to the cashier.
pub(crate) fn success(performed_at: NaiveDateTime, remarks: &[String]) -> Tag {
    let remark = till_text::line(&remarks.join(" "), till_text::MESSAGE);
    Tag::new("TRRESPONSE")
        .with("error_code", 0)
        .with_some("err_text", Some(remark).filter(|remark| !remark.is_empty()))
        .with("dts", performed_at.format("%Y-%m-%dT%H:%M:%S"))
}

/// A document that the till prints by a layout of its own: up to ten lines (vendor's «TRRESPONCE» text; that the texts
/// stand as elements is an assumption).
pub(crate) fn print_document(code: u16, card: &str, lines: &[String]) -> Tag {
    const TEXTS: [&str; 10] = [
        "TEXT00", "TEXT01", "TEXT02", "TEXT03", "TEXT04", "TEXT05", "TEXT06", "TEXT07", "TEXT08", "TEXT09",
    ];
    let texts = TEXTS
        .into_iter()
        .zip(lines)
        .fold(Tag::new("DOCUMENTDATA"), |data, (name, line)| {
            data.holding(Tag::new(name).saying(till_text::line(line, till_text::MESSAGE)))
        });
    Tag::new("PRINTDOCUMENT")
        .with("code", code)
        .with("cardcode", card)
        .holding(texts)
}

/// What `GetCardInfoEx` says of a card (fields: vendor's «Extdll6» text).
#[derive(Debug, Default)]
pub(crate) struct CardFace {
    /// The reason, where the card is locked; a till shows it.
    pub(crate) why_locked: Option<String>,
    /// How else the till is told that it is.
    pub(crate) blocked: BlockedCards,
    /// The manager has to agree.
    pub(crate) manager: bool,
    /// Code of the till's bonus type; 0 unless the till counts what accrues.
    pub(crate) bonus: u16,
    pub(crate) holder: String,
    pub(crate) person_id: i64,
    pub(crate) account: i64,
    pub(crate) discount: u16,
    pub(crate) discount_limit: Money,
    /// What may be paid with bonuses.
    pub(crate) available: Money,
    pub(crate) about: String,
    pub(crate) screen: String,
    /// For the slip that the till prints.
    pub(crate) print: String,
}

impl CardFace {
    pub(crate) fn locked(why: &str) -> Self {
        CardFace {
            why_locked: Some(why.to_owned()),
            ..CardFace::default()
        }
    }

    pub(crate) fn tag(&self) -> Tag {
        let mut tag = Tag::new("GetCardInfoEx").with("Result", 0);
        let locked = self.why_locked.is_some();
        let flags = [
            ("Deleted", locked && self.blocked == BlockedCards::Deleted),
            ("Seize", locked && self.blocked == BlockedCards::Seize),
            ("StopDate", false),
            ("Holy", false),
            ("Manager", self.manager),
        ];
        for (name, set) in flags {
            tag = tag.with(name, u8::from(set));
        }
        tag = tag
            .with("Locked", u8::from(locked))
            .with("WhyLock", self.why_locked.as_deref().unwrap_or_default())
            .with("Holder", &self.holder)
            .with("PersonID", self.person_id)
            .with("Account", self.account)
            .with("Unpay", 0)
            // A bonus type makes the till count bonuses: only where Kopilka does not, or a guest would get them twice.
            .with("Bonus", self.bonus)
            .with("Discount", self.discount)
            .with("DiscLimit", self.discount_limit.kopecks())
            .with("Summa", self.available.max(Money::ZERO).kopecks());
        for unused in ["Sum2", "Sum3", "Sum4", "Sum5", "Sum6", "Sum7", "Sum8"] {
            tag = tag.with(unused, 0);
        }
        tag.with("DopInfo", &self.about)
            .with("ScrMessage", &self.screen)
            .with("PrnMessage", &self.print)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_cannot_break_out_of_their_attributes() {
        let reply = reply([Tag::new("A").with("b", "\"<&>\u{1}\n'")]);
        let text = String::from_utf8(reply.body).unwrap();
        assert!(text.contains("b=\"&quot;&lt;&amp;&gt;&#10;'\""), "{text}");
    }
}
