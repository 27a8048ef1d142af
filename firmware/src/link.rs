//! The way to the server: core's `Link` over embassy-net.
//!
//! Every call ends by itself: connecting has a limit, and a transfer one that grows with the bytes awaited, which is a least speed. A
//! connection is kept for the next object of a download and closed after everything else.

use core::cell::RefCell;
use core::net::Ipv4Addr;

use embassy_net::dns::DnsQueryType;
use embassy_net::tcp::TcpSocket;
use embassy_net::{IpEndpoint, Stack};
use embassy_sync::blocking_mutex::Mutex;
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_time::{Duration, with_timeout};
use heapless::String;
use steadfast_core::digest::Digest;
use steadfast_core::identity::SERVER_MAX_BYTES;
use steadfast_core::ports::{Endpoint, Link, LinkFailed};

use crate::http::{self, HttpError, Request};

/// Looking up and connecting take at most this; three lost SYNs on a bad radio.
const CONNECT: Duration = Duration::from_secs(10);
/// A transfer takes at most this, whatever its size; the server's thinking included.
const ANSWER: Duration = Duration::from_secs(15);
/// The least speed of a transfer in bytes a second: a slow server costs a device's energy, and is as good as none.
const SPEED_MIN: u64 = 256;

/// Bytes that the link wants for its socket: a fetch of one buffer in, one poll or report out.
#[derive(Debug)]
pub struct Buffers {
    receive: [u8; 2048],
    transmit: [u8; 768],
}

impl Buffers {
    /// Empty buffers.
    #[must_use]
    pub const fn new() -> Self {
        Self { receive: [0; 2048], transmit: [0; 768] }
    }
}

impl Default for Buffers {
    fn default() -> Self {
        Self::new()
    }
}

/// Where the server is, `host:port`, at most [`SERVER_MAX_BYTES`]. The host is an IPv4 address or a name for DNS.
#[derive(Debug)]
pub struct Server {
    address: Mutex<CriticalSectionRawMutex, RefCell<String<SERVER_MAX_BYTES>>>,
}

impl Server {
    /// No server yet: every exchange fails until there is one.
    #[must_use]
    pub const fn unknown() -> Self {
        Self { address: Mutex::new(RefCell::new(String::new())) }
    }

    /// From the next exchange on, this is the server. An address that is too long is unusable, and stays unusable here.
    pub fn set(&self, address: &str) {
        let address = String::try_from(address).unwrap_or_default();
        self.address.lock(|cell| *cell.borrow_mut() = address);
    }

    fn current(&self) -> String<SERVER_MAX_BYTES> {
        self.address.lock(|cell| cell.borrow().clone())
    }
}

/// A link to a server that may change between two exchanges.
pub struct HttpLink<'a> {
    stack: Stack<'a>,
    socket: TcpSocket<'a>,
    server: &'a Server,
    /// To whom the socket is open and idle.
    open_to: Option<String<SERVER_MAX_BYTES>>,
}

impl<'a> HttpLink<'a> {
    /// A link with a socket of its own; the stack must have room for it and for one of DNS.
    pub fn new(stack: Stack<'a>, buffers: &'a mut Buffers, server: &'a Server) -> Self {
        let mut socket = TcpSocket::new(stack, &mut buffers.receive, &mut buffers.transmit);
        // Requests are small and written whole: waiting for more would only wait for an acknowledgement.
        socket.set_nagle_enabled(false);
        Self { stack, socket, server, open_to: None }
    }

    async fn request(&mut self, request: Request<'_>, response: &mut [u8]) -> Result<usize, LinkFailed> {
        let server = self.server.current();
        // Taken before it is used, so that a call that is dropped half-way leaves no half-used connection behind.
        let kept = self.open_to.take().filter(|to| *to == server && self.socket.may_send());
        if kept.is_some() {
            // The server may have closed it meanwhile; that is no failure, a new connection tells.
            if let Ok(length) = self.transfer(&server, request, response).await {
                return Ok(length);
            }
        }
        self.connect(&server).await?;
        self.transfer(&server, request, response).await.map_err(|error| {
            defmt::warn!("no answer from {=str}: {}", server.as_str(), error);
            LinkFailed
        })
    }

    async fn transfer(&mut self, server: &str, request: Request<'_>, response: &mut [u8]) -> Result<usize, HttpError> {
        let limit = ANSWER + Duration::from_secs(response.len() as u64 / SPEED_MIN);
        let outcome = with_timeout(limit, http::exchange(&mut self.socket, server, request, response)).await;
        match outcome.unwrap_or(Err(HttpError::Broken)) {
            Ok(received) if received.reusable => {
                self.open_to = String::try_from(server).ok();
                Ok(received.length)
            }
            Ok(received) => {
                self.socket.close();
                Ok(received.length)
            }
            Err(error) => {
                self.socket.abort();
                Err(error)
            }
        }
    }

    async fn connect(&mut self, server: &str) -> Result<(), LinkFailed> {
        // Whatever the last connection was doing, its answer has been taken or given up.
        self.socket.abort();
        let connecting = async {
            let endpoint = resolve(self.stack, server).await?;
            self.socket.connect(endpoint).await.map_err(|_| LinkFailed)
        };
        let outcome = with_timeout(CONNECT, connecting).await.unwrap_or(Err(LinkFailed));
        if outcome.is_err() {
            self.socket.abort();
            defmt::warn!("cannot connect to {=str}", server);
        }
        outcome
    }
}

async fn resolve(stack: Stack<'_>, server: &str) -> Result<IpEndpoint, LinkFailed> {
    let (host, port) = server.rsplit_once(':').ok_or(LinkFailed)?;
    let port = port.parse().map_err(|_| LinkFailed)?;
    if let Ok(address) = host.parse::<Ipv4Addr>() {
        return Ok(IpEndpoint::new(address.into(), port));
    }
    let addresses = stack.dns_query(host, DnsQueryType::A).await.map_err(|_| LinkFailed)?;
    addresses.first().map(|address| IpEndpoint::new(*address, port)).ok_or(LinkFailed)
}

impl Link for HttpLink<'_> {
    async fn exchange(&mut self, endpoint: Endpoint, request: &[u8], response: &mut [u8]) -> Result<usize, LinkFailed> {
        if endpoint == Endpoint::Poll {
            defmt::info!("polling");
        }
        self.request(Request::Post { endpoint, body: request }, response).await
    }

    async fn fetch(&mut self, object: &Digest, offset: u32, buffer: &mut [u8]) -> Result<usize, LinkFailed> {
        let length = self.request(Request::Object { digest: object, offset }, buffer).await?;
        // Nothing where bytes should be would let a download go on for ever.
        if length == 0 { Err(LinkFailed) } else { Ok(length) }
    }
}
