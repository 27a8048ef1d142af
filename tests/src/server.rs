//! An HTTP server for one device, which says what a test wants: ordinary answers, nothing at all, or other bytes.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use steadfast_core::digest::Digest;

use crate::authority::{Authority, Published};

/// How the server behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// It answers.
    Ordinary,
    /// It takes connections and closes them without a word.
    Silent,
}

/// What a device has asked for so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// Polls.
    pub polls: usize,
    /// Bodies of reports.
    pub reports: Vec<Vec<u8>>,
    /// Names of objects, one for each request.
    pub objects: Vec<String>,
    /// Bytes of all bodies sent to the device.
    pub bytes_sent: usize,
}

#[derive(Debug)]
struct State {
    published: Published,
    objects: HashMap<String, Vec<u8>>,
    mood: Mood,
    asked: Asked,
}

/// A server on a port of its own; it ends with the test.
#[derive(Debug)]
pub struct Server {
    port: u16,
    state: Arc<Mutex<State>>,
}

impl Server {
    /// Starts to serve `published` in the name of `authority`.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn start(authority: Authority, published: Published) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let objects = HashMap::new();
        let state = State { published: published.clone(), objects, mood: Mood::Ordinary, asked: Asked::default() };
        let server = Self { port, state: Arc::new(Mutex::new(state)) };
        server.order(published);
        let state = Arc::clone(&server.state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (authority, state) = (authority.clone(), Arc::clone(&state));
                // A device that goes away in the middle is none of our business.
                std::thread::spawn(move || serve(&stream, &authority, &state));
            }
        });
        Ok(server)
    }

    /// Its address as a device in QEMU reaches it.
    #[must_use]
    pub fn address(&self) -> String {
        format!("10.0.2.2:{}", self.port)
    }

    /// From now on this is what the device should run.
    pub fn order(&self, published: Published) {
        let mut state = lock(&self.state);
        let named = published.objects.iter().map(|bytes| (Digest::of(bytes).to_string(), bytes.clone()));
        state.objects.extend(named);
        state.published = published;
    }

    /// Behaves otherwise from now on.
    pub fn set_mood(&self, mood: Mood) {
        lock(&self.state).mood = mood;
    }

    /// What the device has asked for so far.
    #[must_use]
    pub fn asked(&self) -> Asked {
        lock(&self.state).asked.clone()
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves one connection until it is closed.
fn serve(stream: &TcpStream, authority: &Authority, state: &Mutex<State>) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    while let Some(request) = Request::read(&mut reader)? {
        let mut state = lock(state);
        if state.mood == Mood::Silent {
            return Ok(());
        }
        let (status, extra, body) = state.respond(&request, authority);
        state.asked.bytes_sent += body.len();
        drop(state);
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{extra}\r\n");
        let mut writer = stream;
        writer.write_all(&[head.as_bytes(), &body].concat())?;
        if request.closes {
            return Ok(());
        }
    }
    Ok(())
}

impl State {
    /// Status line, further header lines, and body.
    fn respond(&mut self, request: &Request, authority: &Authority) -> (&'static str, String, Vec<u8>) {
        let ordinary = |body| ("200 OK", String::new(), body);
        match request.path.as_str() {
            "/v1/poll" => {
                self.asked.polls += 1;
                ordinary(authority.answer(&request.body, &self.published))
            }
            "/v1/report" => {
                self.asked.reports.push(request.body.clone());
                ordinary(Vec::new())
            }
            path => {
                let name = path.trim_start_matches("/v1/objects/");
                self.asked.objects.push(name.into());
                let Some(bytes) = self.objects.get(name) else { return ("404 Not Found", String::new(), Vec::new()) };
                let (first, last) = request.range;
                let part = &bytes[first.min(bytes.len())..bytes.len().min(last.saturating_add(1))];
                let range = format!("Content-Range: bytes {first}-{last}/{}\r\n", bytes.len());
                ("206 Partial Content", range, part.to_vec())
            }
        }
    }
}

/// A request, as far as our own client makes one.
#[derive(Debug, Default)]
struct Request {
    path: String,
    /// First and last byte.
    range: (usize, usize),
    closes: bool,
    body: Vec<u8>,
}

impl Request {
    /// The next request of the connection; none when it was closed.
    fn read(reader: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let mut request = Self { path: line.split(' ').nth(1).unwrap_or_default().into(), ..Self::default() };
        let mut length = 0;
        loop {
            line.clear();
            reader.read_line(&mut line)?;
            match line.trim_end().split_once(": ") {
                None => break,
                Some(("Content-Length", value)) => length = value.parse().unwrap_or(0),
                Some(("Connection", "close")) => request.closes = true,
                Some(("Range", value)) => request.range = range(value).unwrap_or_default(),
                Some(_) => {}
            }
        }
        request.body.resize(length, 0);
        reader.read_exact(&mut request.body)?;
        Ok(Some(request))
    }
}

fn range(value: &str) -> Option<(usize, usize)> {
    let (first, last) = value.strip_prefix("bytes=")?.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()?))
}
