//! Connections: who does not get on with a request loses the connection, so that devices that lost power, or clients
//! that mean harm, never hold all of them.
//!
//! Here is the bound on heads, and on a connection that waits for its next request; `in_time` bounds short requests, and
//! `upload` the long ones.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// How long a request's head may take, and a connection may wait for its next request. A device erases flash between two
/// requests, for some seconds.
pub(super) const HEAD_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a short request may take as a whole.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// How long to wait when the system has no more connections to give.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// Serves until `stop` is done, then finishes what is under way.
pub(super) async fn serve(
    listener: TcpListener,
    routes: Router,
    head_timeout: Duration,
    stop: impl Future<Output = ()> + Send,
) {
    let (told, stopping) = watch::channel(());
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, _)) => drop(tokio::spawn(converse(stream, routes.clone(), head_timeout, stopping.clone()))),
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
    drop((listener, stopping));
    // An error means that no connection is left to hear it.
    let _ = told.send(());
    told.closed().await;
}

/// One connection, to its end.
async fn converse(stream: TcpStream, routes: Router, head_timeout: Duration, mut stopping: watch::Receiver<()>) {
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(head_timeout);
    let mut connection = pin!(server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes)));
    // How a connection ends is its client's business.
    tokio::select! {
        _ = connection.as_mut() => {}
        _ = stopping.changed() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

/// Ends a short request that takes long, whoever is slow.
pub(super) async fn in_time(request: Request, next: Next) -> Result<Response, Infallible> {
    let answered = timeout(REQUEST_TIMEOUT, next.run(request)).await;
    Ok(answered.unwrap_or_else(|_| StatusCode::REQUEST_TIMEOUT.into_response()))
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn who_does_not_finish_a_head_or_asks_nothing_more_is_cut_off() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let routes = Router::new().route("/", get(|| async { "hello" }));
        let patience = Duration::from_millis(50);
        let server = tokio::spawn(serve(listener, routes, patience, std::future::pending()));
        for (sent, heard) in [("GET / HT", ""), ("GET / HTTP/1.1\r\nhost: x\r\n\r\n", "hello")] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(sent.as_bytes()).await.unwrap();
            let mut answer = String::new();
            // Comes to an end only when the server closes.
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(answer.ends_with(heard), "{answer}");
        }
        server.abort();
    }
}
