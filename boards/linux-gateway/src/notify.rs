//! Signs of life for the supervisor, by systemd's protocol (sd_notify(3)): a datagram to the socket in `NOTIFY_SOCKET`.
//!
//! This is the gateway's watchdog. With `WatchdogSec=` in its unit, a gateway that hangs is killed and started again, and a
//! trial that makes it hang is ended by the count of its boots. Without a supervisor nothing is sent.

use std::env;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;

/// The longest silence that suits every watchdog worth setting.
const INTERVAL_MAX: Duration = Duration::from_secs(10);

/// The supervisor, if there is one. Copies share its socket.
#[derive(Clone)]
pub struct Notify {
    supervisor: Option<Arc<(UnixDatagram, SocketAddr)>>,
}

impl Notify {
    /// The supervisor that the environment names.
    #[must_use]
    pub fn from_environment() -> Self {
        let named = env::var("NOTIFY_SOCKET").ok().and_then(|name| address(&name));
        Self::to(named)
    }

    /// Nobody.
    #[must_use]
    pub fn nobody() -> Self {
        Self::to(None)
    }

    fn to(address: Option<SocketAddr>) -> Self {
        let supervisor = address.and_then(|address| Some(Arc::new((UnixDatagram::unbound().ok()?, address))));
        Self { supervisor }
    }

    /// The longest that the loop may sleep without a sign of life.
    #[must_use]
    pub fn interval(&self) -> Option<Duration> {
        self.supervisor.as_ref().map(|_| INTERVAL_MAX)
    }

    /// The gateway has started.
    pub fn ready(&self) {
        self.send("READY=1");
    }

    /// The gateway lives.
    pub fn alive(&self) {
        self.send("WATCHDOG=1");
    }

    /// The gateway ends in good order.
    pub fn stopping(&self) {
        self.send("STOPPING=1");
    }

    fn send(&self, message: &str) {
        if let Some((socket, address)) = self.supervisor.as_deref() {
            // A supervisor that does not listen will act on the silence.
            let _ = socket.send_to_addr(message.as_bytes(), address);
        }
    }
}

/// A path, or a name in the abstract space after an `@`.
fn address(name: &str) -> Option<SocketAddr> {
    match name.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name).ok(),
        None => SocketAddr::from_pathname(name).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_supervisor_hears_what_happens_under_either_kind_of_name() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("notify").to_string_lossy().into_owned();
        let abstract_name = format!("@{path}");
        for name in [path, abstract_name] {
            let supervisor = UnixDatagram::bind_addr(&address(&name).unwrap()).unwrap();
            let notify = Notify::to(address(&name));
            notify.ready();
            notify.alive();
            notify.stopping();
            for wanted in ["READY=1", "WATCHDOG=1", "STOPPING=1"] {
                let mut bytes = [0; 32];
                let count = supervisor.recv(&mut bytes).unwrap();
                assert_eq!(&bytes[..count], wanted.as_bytes());
            }
        }
    }
}
