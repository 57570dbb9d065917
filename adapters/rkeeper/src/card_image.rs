//! `GetCardImageEx`: a picture for a card. Guests' photographs are not kept; what a till can show is the card's code as
//! a QR code, for the guest's telephone or the next visit.

use kopilka_contract::{Ask, CustomerRef, Dialogue, Refusal, Reply, Told};
use qrcode::QrCode;
use qrcode::types::Color;

use crate::Connection;
use crate::answer::{Form, Tag};
use crate::card_code;
use crate::request::ImageQuery;
use crate::settings::CardImage as Wanted;

/// White modules around the code that a reader needs.
const QUIET: usize = 4;
/// Dots per module: a picture of about 250 dots.
const SCALE: usize = 8;

/// One question for a picture.
#[derive(Debug)]
pub(crate) struct CardImage {
    /// The guest who must be known; `None`: no pictures on this connection.
    guest: Option<CustomerRef>,
    code: String,
    form: Form,
}

impl CardImage {
    pub(crate) fn new(query: ImageQuery, connection: &Connection) -> Self {
        let wanted = connection.own.card_image == Wanted::Qr;
        CardImage {
            guest: wanted.then(|| card_code::guest_of_code(&query.card, connection.own.card_as_phone)),
            code: query.card,
            form: connection.form(),
        }
    }

    fn none(&self, why: &str) -> Reply {
        self.form.only(Tag::new("GetCardImageEx").with("ErrorText", why))
    }
}

impl Dialogue for CardImage {
    fn asks(&self) -> Vec<Ask> {
        self.guest.iter().cloned().map(Ask::Identify).collect()
    }

    fn reply(&self, told: &[Result<Told, Refusal>]) -> Reply {
        match told.first() {
            Some(Ok(Told::Guest(_))) => match qr_bitmap(&self.code) {
                Some(picture) => self.form.picture("image/bmp", picture),
                None => self.none("No image"),
            },
            Some(Err(refusal)) => self.none(&self.form.line(&refusal.words)),
            _ => self.none("No image"),
        }
    }
}

/// A QR code as a black and white BMP: the simplest picture that tills read. `None` where the text is too long for one.
fn qr_bitmap(text: &str) -> Option<Vec<u8>> {
    let code = QrCode::new(text.as_bytes()).ok()?;
    let modules = code.width();
    let side = (modules + 2 * QUIET) * SCALE;
    // Rows of one bit per dot, filled up to four bytes, the lowest row first.
    let row_bytes = side.div_ceil(32) * 4;
    let mut dots = Vec::with_capacity(row_bytes * side);
    for y in (0..side).rev() {
        let mut row = vec![0xFF_u8; row_bytes];
        for x in 0..side {
            let inside = |at: usize| (at / SCALE).checked_sub(QUIET).filter(|at| *at < modules);
            let dark = inside(x).zip(inside(y)).is_some_and(|at| code[at] == Color::Dark);
            if let (true, Some(byte)) = (dark, row.get_mut(x / 8)) {
                *byte &= !(0x80 >> (x % 8));
            }
        }
        dots.extend(row);
    }
    const HEAD: u32 = 14 + 40 + 8;
    let side = u32::try_from(side).ok()?;
    let size = u32::try_from(dots.len()).ok()?;
    let mut file = Vec::with_capacity(dots.len() + 62);
    file.extend(b"BM");
    for word in [HEAD + size, 0, HEAD, 40, side, side] {
        file.extend(word.to_le_bytes());
    }
    // One plane, one bit per dot.
    file.extend([1, 0, 1, 0]);
    // Not compressed; 2835 dots per metre are 72 per inch; two colours, black and white.
    for word in [0, size, 2835, 2835, 2, 2, 0x0000_0000, 0x00FF_FFFF] {
        file.extend(word.to_le_bytes());
    }
    file.extend(dots);
    Some(file)
}
