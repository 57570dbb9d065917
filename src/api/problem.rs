//! Every refusal of the REST door: an RFC 9457 problem with a stable code and a sentence for the person at the till.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kopilka_contract::{Language, Words};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::Scope;
use crate::domain::refusal::Refusal;
use crate::storage::StorageError;

/// Where the codes are explained.
pub const TYPE_BASE: &str = "https://kopilka.dev/problems/";

/// A refusal on its way to the caller.
#[derive(Debug, Clone)]
pub struct Problem {
    /// HTTP status.
    pub status: StatusCode,
    /// Stable code.
    pub code: String,
    /// For the person at the till.
    pub words: Words,
    /// JSON Pointer to the field at fault, with what is wrong with it.
    pub errors: Vec<FieldError>,
    /// Whether the same request may succeed later.
    pub retryable: bool,
    /// Seconds to wait, where it is known.
    pub retry_after_s: Option<u32>,
}

/// One field at fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// JSON Pointer into the body, or the name of a query parameter.
    #[schema(example = "/lines/0/amount")]
    pub pointer: String,
    /// What is wrong.
    pub detail: String,
}

/// An RFC 9457 problem, `application/problem+json`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProblemBody {
    /// Stable address of the explanation.
    #[serde(rename = "type")]
    #[schema(example = "https://kopilka.dev/problems/insufficient-balance")]
    pub type_: String,
    /// Short name of the code.
    pub title: String,
    /// HTTP status.
    #[schema(example = 422)]
    pub status: u16,
    /// What happened, in English.
    pub detail: String,
    /// Path of the request.
    pub instance: String,
    /// Stable code.
    #[schema(example = "insufficient-balance")]
    pub code: String,
    /// Fields at fault.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// Whether the same request may succeed later without a change.
    pub retryable: bool,
    /// Id of the request, to be found in the log.
    pub request_id: String,
    /// For the person at the till, in the language of `Accept-Language` (ru, en).
    pub user_message: String,
}

impl Problem {
    /// With a code, a status and a sentence in both languages.
    pub fn new(status: StatusCode, code: &str, ru: impl Into<String>, en: impl Into<String>) -> Self {
        Problem {
            status,
            code: code.to_owned(),
            words: Words::new(ru, en),
            errors: Vec::new(),
            retryable: false,
            retry_after_s: None,
        }
    }

    /// The same, in words that fit the place better.
    pub fn saying(mut self, ru: impl Into<String>, en: impl Into<String>) -> Self {
        self.words = Words::new(ru, en);
        self
    }

    /// Names the field at fault.
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.errors.push(FieldError {
            pointer: pointer.into(),
            detail: self.words.en.clone(),
        });
        self
    }

    /// A field of the request is wrong: 422 `invalid-request`.
    pub fn invalid(pointer: &str, ru: impl Into<String>, en: impl Into<String>) -> Self {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-request", ru, en).at(pointer)
    }

    /// 404. Said of what does not exist and of what belongs to another network alike.
    pub fn not_found() -> Self {
        Problem::new(StatusCode::NOT_FOUND, "not-found", "Не найдено.", "Not found.")
    }

    /// 401.
    pub fn unauthorized() -> Self {
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "Ключ или пароль не подходят.",
            "The key, session or password is missing, wrong, expired or revoked.",
        )
    }

    /// 403.
    pub fn forbidden() -> Self {
        Problem::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            "На это действие нет прав.",
            "The key or user has no right to do this.",
        )
    }

    /// 403: the caller has none of the scopes that this needs. It names them, since a key can be made with another.
    pub fn without_scope(any_of: &[Scope]) -> Self {
        let names: Vec<_> = any_of.iter().map(|scope| scope.as_str()).collect();
        Problem::forbidden().saying(
            format!("На это действие нет прав: нужно право {}.", names.join(" или ")),
            format!(
                "The key or user has no right to do this: it needs the scope {}.",
                names.join(" or ")
            ),
        )
    }

    /// 409: a unique field is taken.
    pub fn taken(pointer: &str) -> Self {
        Problem::new(
            StatusCode::CONFLICT,
            "already-exists",
            "Такой уже есть.",
            "It exists already.",
        )
        .at(pointer)
    }

    /// 404: a venue that the caller names is not there, or not his.
    pub fn no_venue(pointer: &str) -> Self {
        Problem::new(
            StatusCode::NOT_FOUND,
            "unknown-venue",
            "Такого заведения нет: называют его id или ваш собственный номер (external_id), а не название.",
            "There is no such venue: it is named by its id or your own id of it (external_id), not by its name.",
        )
        .at(pointer)
    }

    /// 503: too much to do at the moment.
    pub fn busy() -> Self {
        let mut problem = Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "busy",
            "Сервис занят. Повторите через несколько секунд.",
            "The service is busy. Try again in a few seconds.",
        );
        problem.retryable = true;
        problem.retry_after_s = Some(1);
        problem
    }

    /// 429.
    pub fn too_many_requests(retry_after_s: u32) -> Self {
        let mut problem = Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too-many-requests",
            "Слишком много запросов. Подождите немного.",
            "Too many requests. Wait a little.",
        );
        problem.retryable = true;
        problem.retry_after_s = Some(retry_after_s);
        problem
    }

    /// 500: our own fault. What happened is in the log, never in the answer.
    pub fn internal() -> Self {
        let mut problem = Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Ошибка на нашей стороне. Повторите; если не поможет, сообщите администратору.",
            "Something went wrong on our side. Try again.",
        );
        problem.retryable = true;
        problem
    }

    /// For a bare status of the framework, which says nothing more.
    pub fn of_status(status: StatusCode) -> Self {
        let (code, ru, en) = match status {
            StatusCode::UNAUTHORIZED => return Problem::unauthorized(),
            StatusCode::FORBIDDEN => return Problem::forbidden(),
            StatusCode::NOT_FOUND => return Problem::not_found(),
            StatusCode::TOO_MANY_REQUESTS => return Problem::too_many_requests(1),
            StatusCode::SERVICE_UNAVAILABLE => return Problem::busy(),
            StatusCode::METHOD_NOT_ALLOWED => (
                "method-not-allowed",
                "Запрос составлен неверно: такой метод здесь не принимается.",
                "This path does not take this method.",
            ),
            StatusCode::REQUEST_TIMEOUT => (
                "too-slow",
                "Связь слишком медленная: запрос не дошёл целиком. Повторите.",
                "The request took too long to arrive.",
            ),
            StatusCode::PAYLOAD_TOO_LARGE => (
                "body-too-large",
                "Запрос слишком велик.",
                "The body is larger than 1 MiB.",
            ),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => (
                "unsupported-media-type",
                "Запрос составлен неверно: нужен JSON.",
                "The body must be JSON: send Content-Type: application/json.",
            ),
            StatusCode::UNPROCESSABLE_ENTITY => (
                "invalid-request",
                "Запрос составлен неверно.",
                "The request is wrong.",
            ),
            status if status.is_client_error() => (
                "malformed-request",
                "Запрос составлен неверно.",
                "The request can't be understood.",
            ),
            _ => return Problem::internal(),
        };
        let mut problem = Problem::new(status, code, ru, en);
        problem.retryable = status == StatusCode::REQUEST_TIMEOUT;
        problem
    }

    /// The body.
    pub fn body(&self, language: Language, instance: &str, request_id: &str) -> ProblemBody {
        ProblemBody {
            type_: format!("{TYPE_BASE}{}", self.code),
            title: self.code.replace('-', " "),
            status: self.status.as_u16(),
            detail: self.words.en.clone(),
            instance: instance.to_owned(),
            code: self.code.clone(),
            errors: self.errors.clone(),
            retryable: self.retryable,
            request_id: request_id.to_owned(),
            user_message: self.words.in_language(language).to_owned(),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let status = match &refusal {
            Refusal::Conflict { .. }
            | Refusal::ReceiptHasReturns
            | Refusal::ReceiptCancelled { .. }
            | Refusal::HoldCaptured
            | Refusal::HoldVoided
            | Refusal::ReturnExceedsSale { .. }
            | Refusal::WriteOffSettled
            | Refusal::ReturnMixed { .. } => StatusCode::CONFLICT,
            Refusal::ReceiptNotFound | Refusal::CustomerNotFound | Refusal::HoldNotFound => {
                StatusCode::NOT_FOUND
            }
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        let words = refusal.words();
        let errors = refusal.pointer().map(|pointer| FieldError {
            pointer,
            detail: words.en.clone(),
        });
        Problem {
            status,
            code: refusal.code().to_owned(),
            words,
            errors: errors.into_iter().collect(),
            retryable: false,
            retry_after_s: None,
        }
    }
}

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        if matches!(error, StorageError::Busy) || error.is_transient() {
            return Problem::busy();
        }
        tracing::error!(%error, "storage failed");
        Problem::internal()
    }
}

impl From<diesel::result::Error> for Problem {
    fn from(error: diesel::result::Error) -> Self {
        match error {
            diesel::result::Error::NotFound => Problem::not_found(),
            other => Problem::from(StorageError::from(other)),
        }
    }
}

impl crate::storage::connection::RetryDecision for Problem {
    fn is_transient(&self) -> bool {
        self.code == "busy"
    }
}

/// The problem travels in the response's extensions; the outermost layer knows the language, the path and the request
/// id and writes the body.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body(Language::Ru, "", ""))).into_response();
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(seconds) = self.retry_after_s {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(self);
        response
    }
}
