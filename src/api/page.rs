//! Lists: `limit`, `cursor`, `with_total`, and the answer `{items, next_cursor}`.

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::problem::Problem;

/// Most items of a page.
pub const MAX_LIMIT: u32 = 1000;
/// Items of a page where the caller does not say.
pub const DEFAULT_LIMIT: u32 = 100;

/// What every list takes. Filters are taken by a second [`super::json_body::QueryOf`].
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Most items of the answer, 1 to 1000; 100 where absent.
    #[param(example = 100, minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before; absent: the first page.
    pub cursor: Option<String>,
    /// Whether to count all that match.
    #[serde(default)]
    pub with_total: bool,
}

impl ListQuery {
    /// Items wanted.
    ///
    /// # Errors
    /// 422 where it is out of range.
    pub fn limit(&self) -> Result<u32, Problem> {
        match self.limit.unwrap_or(DEFAULT_LIMIT) {
            limit @ 1..=MAX_LIMIT => Ok(limit),
            _ => Err(Problem::invalid(
                "limit",
                "Размер страницы от 1 до 1000.",
                "The limit is 1 to 1000.",
            )),
        }
    }

    /// What the page begins after: what [`Page::of`] was given for the last item of the page before.
    ///
    /// # Errors
    /// 400 `invalid-cursor`.
    pub fn after<K: DeserializeOwned>(&self) -> Result<Option<K>, Problem> {
        let Some(cursor) = &self.cursor else {
            return Ok(None);
        };
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| wrong_cursor())?;
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|_| wrong_cursor())
    }
}

fn wrong_cursor() -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "invalid-cursor",
        "Страница списка указана неверно. Откройте список заново.",
        "The cursor is not one that this list gave.",
    )
    .at("cursor")
}

fn cursor<K: Serialize>(key: &K) -> Option<String> {
    let bytes = serde_json::to_vec(key).ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

/// One page of a list.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Cursor of the next page; null: this is the last.
    pub next_cursor: Option<String>,
    /// How many match in all, where asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<i64>,
}

impl<T> Page<T> {
    /// A page of items that were read with `limit + 1`: the one too many says that there is a next page. `key` is
    /// what the next page begins after, an id or a few values that the list is ordered by.
    pub fn of<K: Serialize>(mut items: Vec<T>, limit: u32, key: impl Fn(&T) -> K) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = if more { items.last() } else { None }.and_then(|last| cursor(&key(last)));
        Page {
            items,
            next_cursor,
            total: None,
        }
    }

    /// The same page where the list goes on after `key` though its items do not say so: only so many were looked at.
    pub fn or_go_on_after<K: Serialize>(mut self, key: Option<K>) -> Self {
        self.next_cursor = self.next_cursor.or_else(|| cursor(&key?));
        self
    }

    /// With the count of all, where it was asked for.
    pub fn with_total(mut self, total: Option<i64>) -> Self {
        self.total = total;
        self
    }

    /// The same page of something else that may fail to be made.
    ///
    /// # Errors
    /// The first failure.
    pub fn try_map<U, E>(self, shown: impl FnMut(T) -> Result<U, E>) -> Result<Page<U>, E> {
        Ok(Page {
            items: self.items.into_iter().map(shown).collect::<Result<_, E>>()?,
            next_cursor: self.next_cursor,
            total: self.total,
        })
    }

    /// The same page of something else.
    pub fn map<U>(self, shown: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(shown).collect(),
            next_cursor: self.next_cursor,
            total: self.total,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back() {
        let page = Page::of(vec![1, 2, 3], 2, |i| (*i, "x".to_owned()));
        assert_eq!(page.items, [1, 2]);
        let next = ListQuery {
            cursor: page.next_cursor,
            ..ListQuery::default()
        };
        assert_eq!(next.after().unwrap(), Some((2, "x".to_owned())));
        assert_eq!(next.after::<i64>().unwrap_err().code, "invalid-cursor");
        assert_eq!(Page::of(vec![1, 2], 2, |i| *i).next_cursor, None);
        assert_eq!(Page::<i64>::of(Vec::new(), 2, |i| *i).next_cursor, None);
    }

    #[test]
    fn the_limit_is_kept() {
        let of = |limit| {
            ListQuery {
                limit,
                ..ListQuery::default()
            }
            .limit()
            .ok()
        };
        assert_eq!(
            [of(None), of(Some(0)), of(Some(1000)), of(Some(1001))],
            [Some(100), None, Some(1000), None]
        );
    }
}
