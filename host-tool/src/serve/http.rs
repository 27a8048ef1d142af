//! What devices ask, over HTTP/1.1: polls, reports, objects. Bodies are bytes; `docs/spec/protocol.md` describes them.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use steadfast_core::digest::Digest;
use steadfast_core::report::REPORT_BODY_MAX_BYTES;

use super::listen::in_time;
use super::report::ReportError;
use super::world::Located;
use super::writer::ReportFailed;
use super::{Server, StoreError, manage, now_seconds};

/// Everything that a server answers to.
pub(super) fn routes(server: Arc<Server>) -> Router {
    Router::new()
        .route("/v1/poll", post(poll))
        .route("/v1/report", post(report))
        .layer(DefaultBodyLimit::max(REPORT_BODY_MAX_BYTES))
        .layer(from_fn(in_time))
        .route("/v1/objects/{digest}", get(object))
        .merge(manage::routes())
        .with_state(server)
}

async fn poll(State(server): State<Arc<Server>>, body: Bytes) -> Response {
    match server.poll(&body, now_seconds()) {
        Ok(answer) => ([(header::CONTENT_TYPE, OCTETS)], answer).into_response(),
        Err(refusal) => (StatusCode::BAD_REQUEST, refusal.to_string()).into_response(),
    }
}

const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");

async fn report(State(server): State<Arc<Server>>, body: Bytes) -> Response {
    match server.report(&body, now_seconds()).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(failed) => (status(&failed), failed.to_string()).into_response(),
    }
}

fn status(failed: &ReportFailed) -> StatusCode {
    match failed {
        ReportFailed::Report(ReportError::Malformed(_)) => StatusCode::BAD_REQUEST,
        ReportFailed::Report(ReportError::Unknown(_)) => StatusCode::NOT_FOUND,
        ReportFailed::Report(ReportError::Signature(_)) => StatusCode::FORBIDDEN,
        ReportFailed::Report(ReportError::Challenge | ReportError::Replayed) => StatusCode::CONFLICT,
        ReportFailed::Store(StoreError::Full) => StatusCode::INSUFFICIENT_STORAGE,
        // 404 would be for good: a device owes nothing after it.
        ReportFailed::Store(_) | ReportFailed::Report(ReportError::Unserved) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

async fn object(State(server): State<Arc<Server>>, Path(digest): Path<String>, headers: HeaderMap) -> Response {
    let digest = crate::hex::decode(&digest).map(Digest);
    let Some(located) = digest.and_then(|digest| server.world().shelf.object(&digest)) else {
        return (StatusCode::NOT_FOUND, "no such object in any release that is kept").into_response();
    };
    let range = headers.get(header::RANGE).and_then(|value| value.to_str().ok()).and_then(bounds);
    let Some((first, after)) = span(range, located.size) else {
        let whole = format!("bytes */{}", located.size);
        return (StatusCode::RANGE_NOT_SATISFIABLE, [(header::CONTENT_RANGE, whole)]).into_response();
    };
    match read(server, located, first, after - first).await {
        Some(bytes) => found(bytes, range.is_some(), (first, located.size)),
        None => (StatusCode::SERVICE_UNAVAILABLE, "the object cannot be read now").into_response(),
    }
}

async fn read(server: Arc<Server>, located: Located, first: u32, length: u32) -> Option<Vec<u8>> {
    let read = move || {
        let mut bytes = vec![0; length as usize];
        server.folder.read(located.release, located.offset + u64::from(first), &mut bytes).ok().map(|()| bytes)
    };
    tokio::task::spawn_blocking(read).await.ok().flatten()
}

/// Objects never change, so anyone on the way may keep them for ever.
fn found(bytes: Vec<u8>, partial: bool, (first, size): (u32, u32)) -> Response {
    let cache = (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    let common = [cache, (header::CONTENT_TYPE, OCTETS), (header::ACCEPT_RANGES, HeaderValue::from_static("bytes"))];
    if !partial {
        return (common, bytes).into_response();
    }
    let last = (u64::from(first) + bytes.len() as u64).saturating_sub(1);
    let range = [(header::CONTENT_RANGE, format!("bytes {first}-{last}/{size}"))];
    (StatusCode::PARTIAL_CONTENT, common, range, bytes).into_response()
}

/// First and last byte of a single range, either of which may be left out. `None` for anything else, which is then answered with
/// the whole, as the standard has it (RFC 9110, section 14.2).
fn bounds(range: &str) -> Option<(Option<u32>, Option<u32>)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| match text {
        "" => Some(None),
        // What is too large for a number is beyond every object.
        _ if text.bytes().all(|byte| byte.is_ascii_digit()) => Some(Some(text.parse().unwrap_or(u32::MAX))),
        _ => None,
    };
    Some((number(first)?, number(last)?)).filter(|both| *both != (None, None))
}

/// The first byte wanted and the one after the last, of an object of `size` bytes; `None` when there are none.
fn span(range: Option<(Option<u32>, Option<u32>)>, size: u32) -> Option<(u32, u32)> {
    let (first, after) = match range {
        None => return Some((0, size)),
        Some((Some(first), Some(last))) => (first, last.saturating_add(1).min(size)),
        Some((Some(first), None)) => (first, size),
        Some((None, suffix)) => (size.saturating_sub(suffix.unwrap_or(size)), size),
    };
    (first < after).then_some((first, after))
}

#[cfg(test)]
mod tests {
    use super::{bounds, span};

    #[test]
    fn ranges_are_read_as_the_standard_has_them() {
        for (range, expected) in [
            (None, Some((0, 10))),
            (Some("bytes=0-3"), Some((0, 4))),
            (Some("bytes=4-"), Some((4, 10))),
            (Some("bytes=4-99"), Some((4, 10))),
            (Some("bytes=-3"), Some((7, 10))),
            (Some("bytes=10-"), None),
            (Some("bytes=5-4"), None),
            (Some("bytes=0-1,3-4"), Some((0, 10))),
            (Some("lines=1-2"), Some((0, 10))),
            (Some("bytes=-"), Some((0, 10))),
            (Some("bytes=x-3"), Some((0, 10))),
            (Some("bytes=99999999999-3"), None),
            (Some("bytes=99999999999-"), None),
            (Some("bytes=4-99999999999"), Some((4, 10))),
        ] {
            assert_eq!(span(range.and_then(bounds), 10), expected, "{range:?}");
        }
        assert_eq!(span(None, 0), Some((0, 0)));
    }
}
