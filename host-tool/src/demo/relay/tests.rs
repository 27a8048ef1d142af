//! The relay between a client and a server of a few lines each.

use std::io::Read as _;

use super::*;

/// Longer than anything here takes.
const LIMIT: Duration = Duration::from_secs(60);

/// A server that answers every request with its own body.
fn echo() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || {
                while let Ok(Some(request)) = read_request(&mut stream) {
                    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", request.body().len());
                    stream.write_all(&[head.as_bytes(), request.body()].concat()).unwrap();
                }
            });
        }
    });
    address
}

/// Sends a poll and returns all that comes back until the connection ends.
fn ask(relay: &Relay, body: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(relay.address()).unwrap();
    let head = format!("POST /v1/poll HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    drop(stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()));
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    answer
}

fn body(answer: &[u8]) -> &[u8] {
    let at = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
    &answer[at + 4..]
}

#[test]
fn an_honest_relay_changes_nothing_and_counts_everything() {
    let relay = Relay::start(echo()).unwrap();
    let answer = ask(&relay, "hello");
    assert_eq!(body(&answer), b"hello");
    assert!(relay.wait(LIMIT, |exchanges| exchanges.len() == 1));
    let polls = relay.tally().polls;
    assert_eq!((polls.exchanges, polls.bodies_up, polls.bodies_down), (1, 5, 5));
    assert_eq!(polls.heads_down, answer.len() - 5);
    assert_eq!(relay.tally().all(), polls);
}

#[test]
fn each_treatment_does_what_it_says() {
    let relay = Relay::start(echo()).unwrap();
    for (treatment, expected) in [
        (Treatment::FlipBit(9), &b"hgllo"[..]),
        (Treatment::FlipBit(9 + 40), b"hgllo"),
        (Treatment::Truncate(2), b"he"),
        (Treatment::Replace(b"something else".to_vec()), b"something else"),
        (Treatment::Delay(Duration::from_millis(1)), b"hello"),
    ] {
        relay.follow(move |passing| {
            assert_eq!((passing.subject, passing.answer), (Subject::Poll, &b"hello"[..]));
            treatment.clone()
        });
        assert_eq!(body(&ask(&relay, "hello")), expected);
    }
    relay.follow(|_| Treatment::Drop);
    assert_eq!(ask(&relay, "hello"), b"");
    relay.be_honest();
    assert_eq!(body(&ask(&relay, "hello")), b"hello");
}

#[test]
fn a_relay_that_refuses_answers_nobody_until_it_is_honest_again() {
    let relay = Relay::start(echo()).unwrap();
    relay.refuse();
    assert_eq!(ask(&relay, "hello"), b"");
    relay.be_honest();
    assert_eq!(body(&ask(&relay, "hello")), b"hello");
}

#[test]
fn a_dropped_relay_closes_its_connections() {
    let relay = Relay::start(echo()).unwrap();
    let mut idle = TcpStream::connect(relay.address()).unwrap();
    assert_eq!(body(&ask(&relay, "the listener has come that far")).len(), 30);
    drop(relay);
    assert_eq!(idle.read(&mut [0; 1]).unwrap_or(0), 0);
}
