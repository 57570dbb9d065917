//! Bodies as 1C wants them: UTF-8 without a byte order mark and without a newline at the end.

use kopilka_contract::Reply;
use serde::Serialize;

/// A JSON object.
pub(crate) fn json(status: u16, body: &impl Serialize) -> Reply {
    Reply {
        status,
        content_type: "application/json; charset=utf-8",
        // Plain structs with text keys cannot fail to be written; were it otherwise, the till would still get JSON.
        body: serde_json::to_vec(body).unwrap_or_else(|_| b"{}".to_vec()),
    }
}

/// A sentence, which the till compares literally.
pub(crate) fn sentence(status: u16, text: &str) -> Reply {
    Reply {
        status,
        content_type: "text/plain; charset=utf-8",
        body: text.as_bytes().to_vec(),
    }
}

/// An XML document.
pub(crate) fn xml(text: &str) -> Reply {
    Reply {
        status: 200,
        content_type: "application/xml; charset=utf-8",
        body: text.as_bytes().to_vec(),
    }
}
