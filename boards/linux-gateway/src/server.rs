//! Where the server is: `host:port`, or the same as a URL.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use thiserror::Error;

/// A server's address, `host:port`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Server(String);

/// What was given is not an address.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ServerError {
    /// It asks for TLS.
    #[error("`{0}`: https is not supported; messages are signed end to end, so give http or host:port")]
    Https(String),
    /// It is something else.
    #[error("`{0}` is no server address; give host:port, such as 192.0.2.1:8440")]
    NotAnAddress(String),
}

impl Server {
    /// The URL of a path that starts with a slash.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.0)
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Server {
    type Err = ServerError;

    fn from_str(text: &str) -> Result<Self, ServerError> {
        if text.starts_with("https://") {
            return Err(ServerError::Https(text.into()));
        }
        let address = text.strip_prefix("http://").unwrap_or(text);
        let address = address.strip_suffix('/').unwrap_or(address);
        let no_address = || ServerError::NotAnAddress(text.into());
        let (host, port) = address.rsplit_once(':').ok_or_else(no_address)?;
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte);
        let bracketed = host.starts_with('[') && host.ends_with(']');
        let sound = !host.is_empty() && host.bytes().all(is_host) && (bracketed || !host.contains([':', '[', ']']));
        match port.parse::<u16>() {
            Ok(1..) if sound => Ok(Self(address.into())),
            _ => Err(no_address()),
        }
    }
}

impl TryFrom<String> for Server {
    type Error = ServerError;

    fn try_from(text: String) -> Result<Self, ServerError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_with_or_without_its_scheme() {
        for text in ["10.0.2.2:8440", "http://10.0.2.2:8440", "http://10.0.2.2:8440/"] {
            assert_eq!(text.parse::<Server>().unwrap().url("/v1/poll"), "http://10.0.2.2:8440/v1/poll");
        }
        for text in ["fleet.example.org:80", "[2001:db8::1]:8440"] {
            assert_eq!(text.parse::<Server>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in
            ["", "host", "host:", ":80", "host:0", "host:70000", "a b:80", "2001:db8::1:80", "host:80/path", "u@h:80"]
        {
            assert!(matches!(text.parse::<Server>(), Err(ServerError::NotAnAddress(_))), "{text}");
        }
        assert!(matches!("https://host:443".parse::<Server>(), Err(ServerError::Https(_))));
    }
}
