//! Every setting of the relay, with its default and its reason.
//!
//! All settings are here: `relay.toml` next to this crate shows each with its default (a test
//! compares the two), and each can be set in a file, in the environment and by a flag.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use blockvote_frames::frame::MAX_FRAME_BYTES;
use figment::{
    Figment,
    error::{Actual, Kind},
    providers::{Env, Format as _, Serialized, Toml},
    value::Value,
};
use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

/// The documented file with every setting and its default.
pub const DOCUMENTED: &str = include_str!("../relay.toml");
/// What the names of environment variables begin with.
const ENVIRONMENT: &str = "BLOCKVOTE_RELAY_";

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What the relay allows. The defaults are meant for the open internet. Times are seconds in files
/// and flags.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address and port to listen on.
    #[serde(deserialize_with = "address")]
    pub listen: SocketAddr,
    /// A further address for `/metrics`; without one it is served beside the page.
    #[serde(deserialize_with = "maybe_address")]
    pub metrics_listen: Option<SocketAddr>,
    /// Origins besides the relay's own from which pages may connect, such as
    /// `https://vote.example.org`, or `*` for all: a relay need not trust anybody, so it may serve
    /// anybody's pages.
    #[serde(deserialize_with = "texts")]
    pub allowed_origins: Vec<String>,
    /// Networks of reverse proxies whose `X-Forwarded-For` is believed. From others it is ignored,
    /// because anybody can write it.
    #[serde(deserialize_with = "networks")]
    pub trusted_proxies: Vec<IpNet>,
    /// The bus that joins several relays to one, such as `nats://127.0.0.1:4222`.
    pub bus: Option<String>,
    /// What the relay's subjects on the bus begin with: relays with another name do not meet.
    pub bus_prefix: String,
    /// PEM file with the certificate and its chain. With it the relay speaks TLS only.
    pub tls_certificate: Option<PathBuf>,
    /// PEM file with the certificate's private key.
    pub tls_key: Option<PathBuf>,
    /// How often the two files are checked for a change; SIGHUP checks at once.
    #[serde(with = "seconds")]
    pub tls_reload: Duration,
    /// How log lines look.
    pub log_format: LogFormat,

    /// Connections in all: about 20 KiB each when idle.
    pub max_connections: usize,
    /// Connections from one address (IPv6: from one /64). A whole school may be behind one address.
    pub max_per_address: usize,
    /// Different rooms that the connections of one address may be in.
    pub max_rooms_per_address: usize,
    /// Networks whose addresses may be in any number of rooms: those of keepers, which hold many
    /// elections.
    #[serde(deserialize_with = "networks")]
    pub many_rooms: Vec<IpNet>,
    /// Rooms that one connection may be in.
    pub max_rooms: usize,
    /// Bytes of one frame; fixed by the protocol, lower on a bus that takes less.
    pub max_frame_bytes: usize,
    /// Frames that may wait for one connection; with more it counts as too slow.
    pub queue_frames: usize,
    /// Bytes that may wait for one connection; with more it counts as too slow.
    pub queue_bytes: usize,
    /// Bytes that may wait for all connections; with more, the slowest of the connections that
    /// frames are sent to are closed, whatever the limit of their own queue.
    pub queue_bytes_in_all: usize,
    /// Frames a second that one connection may send in the long run; above it, reading pauses.
    pub frames_per_second: f64,
    /// Frames that one connection may send at once.
    pub frames_burst: f64,
    /// Bytes a second that one connection may send in the long run; above it, reading pauses.
    /// Counted at the socket, so that fragments, pings and headers count, too.
    pub bytes_per_second: f64,
    /// Bytes that one connection may send at once: several full frames, because sync would be too
    /// slow otherwise.
    pub bytes_burst: f64,
    /// Bytes a second that all connections of one address may broadcast; above it, reading pauses.
    /// Each broadcast counts 1 KiB more than its size, and in rooms of more than 32 in proportion
    /// to the members, because all of them get it.
    pub broadcast_bytes_per_second: f64,
    /// Bytes that one address may broadcast at once: less than a queue can take, so that one
    /// address alone does not make a reader too slow.
    pub broadcast_bytes_burst: f64,

    /// Time for the header of a request.
    #[serde(with = "seconds")]
    pub header_timeout: Duration,
    /// Time for a TLS handshake, and from the WebSocket's opening to the first room.
    #[serde(with = "seconds")]
    pub handshake_timeout: Duration,
    /// How long a connection may exist without becoming a WebSocket: enough to load the page over a
    /// slow line.
    #[serde(with = "seconds")]
    pub http_timeout: Duration,
    /// How often a ping asks whether the other side is still there.
    #[serde(with = "seconds")]
    pub ping_interval: Duration,
    /// A connection on which no whole frame, pongs included, arrived for this long is closed.
    #[serde(with = "seconds")]
    pub idle_timeout: Duration,
    /// If a write takes longer than this, the connection is closed.
    #[serde(with = "seconds")]
    pub write_timeout: Duration,

    /// After SIGTERM: how long `/readyz` says no before clients are told, so that a load balancer
    /// sends no new clients.
    #[serde(with = "seconds")]
    pub drain_delay: Duration,
    /// After SIGTERM: clients are told to move at random moments within this time, so that they do
    /// not all go to another relay at once.
    #[serde(with = "seconds")]
    pub drain_spread: Duration,
    /// Time for queues to empty and connections to end after that.
    #[serde(with = "seconds")]
    pub drain_timeout: Duration,

    /// Frames remembered so that a repeated broadcast is sent only once.
    pub duplicate_frames: usize,
    /// How long they are remembered.
    #[serde(with = "seconds")]
    pub duplicate_for: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            metrics_listen: None,
            allowed_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            bus: None,
            bus_prefix: "blockvote".into(),
            tls_certificate: None,
            tls_key: None,
            tls_reload: Duration::from_mins(1),
            log_format: LogFormat::Text,
            max_connections: 20_000,
            max_per_address: 1_000,
            max_rooms_per_address: 64,
            many_rooms: Vec::new(),
            max_rooms: 16,
            max_frame_bytes: MAX_FRAME_BYTES,
            queue_frames: 4_096,
            queue_bytes: 4 * MAX_FRAME_BYTES,
            queue_bytes_in_all: 512 << 20,
            frames_per_second: 200.0,
            frames_burst: 2_000.0,
            bytes_per_second: f64::from(4 << 20),
            bytes_burst: f64::from(16 << 20),
            broadcast_bytes_per_second: f64::from(1 << 20),
            broadcast_bytes_burst: f64::from(2 << 20),
            header_timeout: Duration::from_secs(10),
            handshake_timeout: Duration::from_secs(10),
            http_timeout: Duration::from_mins(2),
            ping_interval: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(50),
            write_timeout: Duration::from_secs(10),
            drain_delay: Duration::ZERO,
            drain_spread: Duration::from_secs(2),
            drain_timeout: Duration::from_secs(5),
            duplicate_frames: 65_536,
            duplicate_for: Duration::from_secs(15),
        }
    }
}

/// A setting that is unknown, of the wrong kind, or impossible.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file, variable or flag that cannot be read as settings.
    #[error("{0}")]
    Unreadable(String),
    /// Settings that do not fit together.
    #[error("{0}")]
    Impossible(&'static str),
}

impl Config {
    /// Settings from a file, then the environment, then flags: the later one wins.
    ///
    /// # Errors
    /// [`ConfigError`], which names the setting and where it came from.
    pub fn load(
        file: Option<&std::path::Path>,
        flags: &[(String, String)],
    ) -> Result<Self, ConfigError> {
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        if let Some(file) = file {
            figment = figment.merge(Toml::file_exact(file));
        }
        figment = figment.merge(Env::prefixed(ENVIRONMENT).ignore(&["config"]));
        for (name, text) in flags {
            // What is not a number, list or truth value is text.
            let value: Value = match text.parse() {
                Ok(value @ (Value::Num(..) | Value::Array(..) | Value::Bool(..))) => value,
                _ => text.parse::<f64>().map_or_else(|_| Value::from(text.as_str()), Value::from),
            };
            figment = figment.merge((name.as_str(), value));
        }
        let config: Self =
            figment.extract().map_err(|error| ConfigError::Unreadable(words(&error, flags)))?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let positive = [
            self.frames_per_second,
            self.frames_burst,
            self.bytes_per_second,
            self.bytes_burst,
            self.broadcast_bytes_per_second,
            self.broadcast_bytes_burst,
        ];
        let wrong = if self.tls_certificate.is_some() != self.tls_key.is_some() {
            "tls_certificate and tls_key go together: set both or none"
        } else if positive.iter().any(|number| number.is_nan() || *number < 1.0) {
            "frames_per_second, frames_burst, bytes_per_second, bytes_burst, \
             broadcast_bytes_per_second and broadcast_bytes_burst must be 1 or more"
        } else if self.ping_interval.is_zero() || self.idle_timeout <= self.ping_interval {
            "idle_timeout must be longer than ping_interval, and ping_interval more than 0"
        } else if self.max_frame_bytes > MAX_FRAME_BYTES {
            "max_frame_bytes must not be above the protocol's 1114176"
        } else if self.queue_bytes < self.max_frame_bytes || self.queue_frames == 0 {
            "queue_bytes must hold max_frame_bytes at least, and queue_frames one frame"
        } else if self.max_connections == 0
            || self.max_per_address == 0
            || self.max_rooms == 0
            || self.max_rooms_per_address == 0
            || self.duplicate_frames == 0
        {
            "max_connections, max_per_address, max_rooms, max_rooms_per_address and \
             duplicate_frames must be 1 or more"
        } else if self.bus_prefix.is_empty()
            || !self.bus_prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        {
            "bus_prefix must be letters, digits and hyphens"
        } else if self.bus.as_deref().is_some_and(|url| !is_bus(url)) {
            "bus: expected the address of a NATS server, such as nats://127.0.0.1:4222"
        } else if let Some(wrong) = self.allowed_origins.iter().find_map(|text| origin(text)) {
            wrong
        } else {
            return Ok(());
        };
        Err(ConfigError::Impossible(wrong))
    }
}

/// Where a setting came from, and what is wrong with it.
fn words(error: &figment::Error, flags: &[(String, String)]) -> String {
    let (name, wrong) = match &error.kind {
        Kind::UnknownField(name, _) => {
            (name.to_lowercase(), "there is no such setting; --print-config lists them all".into())
        }
        kind => {
            let name = error.path.last().map(|name| name.to_lowercase()).unwrap_or_default();
            (name, wrong(kind))
        }
    };
    let variable = format!("{ENVIRONMENT}{}", name.to_uppercase());
    if let Some((name, value)) = flags.iter().find(|(flag, _)| *flag == name) {
        format!("{name}={value} on the command line: {wrong}")
    } else if let Ok(value) = std::env::var(&variable) {
        format!("{variable}={value} in the environment: {wrong}")
    } else {
        let source = error.metadata.as_ref().and_then(|about| about.source.as_ref());
        let source = source.map(|source| format!(" in {source}")).unwrap_or_default();
        let name = if name.is_empty() { "the settings" } else { &name };
        format!("{name}{source}: {wrong}")
    }
}

/// What is wrong with a value or a file, on one line.
fn wrong(kind: &Kind) -> String {
    match kind {
        Kind::InvalidType(found, expected) | Kind::InvalidValue(found, expected) => {
            let expected = match expected.as_str() {
                "f64" => "a number",
                whole if whole.starts_with(['u', 'i']) => "a whole number, 0 or more",
                "a string" => "a text",
                other => other,
            };
            let found = match found {
                Actual::Str(text) => format!("{text:?}"),
                Actual::Unsigned(number) => number.to_string(),
                Actual::Signed(number) => number.to_string(),
                other => other.to_string(),
            };
            format!("expected {expected}, not {found}")
        }
        Kind::UnknownVariant(found, expected) => {
            format!("expected {}, not {found:?}", expected.join(" or "))
        }
        // The reader of the file shows the line with a mark below it: only the position and the
        // reason are used.
        kind => {
            let words = kind.to_string();
            let lines: Vec<_> = words.lines().filter(|line| !line.trim().is_empty()).collect();
            match lines.as_slice() {
                [place, .., reason] => {
                    format!("{place}: {reason}").replace("TOML parse error ", "")
                }
                lines => lines.concat(),
            }
        }
    }
}

fn is_bus(url: &str) -> bool {
    let rest = url.strip_prefix("nats://").or_else(|| url.strip_prefix("tls://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with([':', '/']))
}

/// In the list of allowed origins: pages from anywhere.
pub const ANY_ORIGIN: &str = "*";

/// What is wrong with an origin.
fn origin(text: &str) -> Option<&'static str> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_origin = text == ANY_ORIGIN
        || host.is_some_and(|host| !host.is_empty() && !host.contains(['/', ' ']));
    (!is_origin).then_some(
        "allowed_origins: expected a scheme and a host without a path, such as \
         https://vote.example.org",
    )
}

/// A list, or one text with commas between its parts.
fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a text, or a list of texts")]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }
    let mut texts = match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(text) => text.split(',').map(|part| part.trim().to_owned()).collect(),
        OneOrMany::Many(texts) => texts,
    };
    texts.retain(|text| !text.is_empty());
    Ok(texts)
}

fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let network = |text: &String| {
        let wrong =
            || D::Error::custom(format_args!("{text:?} is not a network such as 10.0.0.0/8"));
        text.parse().map_err(|_| wrong())
    };
    texts(deserializer)?.iter().map(network).collect()
}

fn maybe_address<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SocketAddr>, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    let address = |text: String| {
        let wrong = "expected an address and a port, such as 127.0.0.1:8080";
        text.parse().map_err(|_| D::Error::custom(wrong))
    };
    text.map(address).transpose()
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    maybe_address(deserializer)?.ok_or_else(|| D::Error::custom("it cannot be left out"))
}

mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(time.as_secs_f64())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        if (0.0..=1e9).contains(&seconds) {
            return Ok(Duration::from_secs_f64(seconds));
        }
        Err(D::Error::custom("expected a number of seconds, 0 or more"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let pairs: Vec<_> =
            pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Config::load(None, &pairs)
    }

    #[test]
    fn the_documented_file_names_every_setting_and_its_default() {
        let figment = Figment::new().merge(Toml::string(DOCUMENTED));
        let documented: Config = figment.extract().unwrap();
        assert_eq!(documented, Config::default());
        let fields = serde_json::to_value(Config::default()).unwrap();
        for name in fields.as_object().unwrap().keys() {
            let shown = DOCUMENTED.lines().any(|line| {
                let line = line.trim_start_matches("# ");
                line.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with(" = "))
            });
            assert!(shown, "relay.toml does not show {name}");
        }
    }

    #[test]
    fn flags_take_texts_numbers_and_lists() {
        let config = flags(&[
            ("idle_timeout", "90"),
            ("queue_frames", "7"),
            ("trusted_proxies", "10.0.0.0/8, ::1/128"),
            ("many_rooms", "10.0.0.6/32"),
            ("allowed_origins", "https://vote.example.org"),
            ("bus", "nats://127.0.0.1:4222"),
            ("log_format", "json"),
        ])
        .unwrap();
        assert_eq!(config.idle_timeout, Duration::from_secs(90));
        assert_eq!((config.queue_frames, config.trusted_proxies.len()), (7, 2));
        assert_eq!(config.allowed_origins, ["https://vote.example.org"]);
        assert_eq!(config.bus.as_deref(), Some("nats://127.0.0.1:4222"));
        assert_eq!(config.log_format, LogFormat::Json);
    }

    #[test]
    fn wrong_settings_are_named() {
        for (name, value, words) in [
            ("idel_timeout", "90", "idel_timeout"),
            ("idle_timeout", "soon", "idle_timeout"),
            ("idle_timeout", "-1", "seconds"),
            ("idle_timeout", "5", "idle_timeout"),
            ("trusted_proxies", "everybody", "everybody"),
            ("allowed_origins", "vote.example.org", "allowed_origins"),
            ("tls_key", "key.pem", "tls_certificate"),
            ("frames_per_second", "0", "frames_per_second"),
            ("bus_prefix", "a.b", "bus_prefix"),
        ] {
            let error = flags(&[(name, value)]).unwrap_err().to_string();
            assert!(error.contains(words), "{name}={value}: {error}");
        }
        for (name, value, words) in [
            ("listen", "nonsense", "expected an address and a port, such as 127.0.0.1:8080"),
            ("metrics_listen", "9090", "expected a text, not 9090"),
            ("trusted_proxies", "::/199", "\"::/199\" is not a network such as 10.0.0.0/8"),
            ("max_rooms", "-1", "expected a whole number, 0 or more, not -1"),
            ("max_rooms", "many", "expected a whole number, 0 or more, not \"many\""),
            ("idle_timeout", "soon", "expected a number, not \"soon\""),
            ("log_format", "xml", "expected text or json, not \"xml\""),
            ("allowed_origins", "7", "expected a text, or a list of texts"),
        ] {
            let error = flags(&[(name, value)]).unwrap_err().to_string();
            assert_eq!(error, format!("{name}={value} on the command line: {words}"));
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named_on_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("relay.toml");
        std::fs::write(&file, "listen = \"127.0.0.1:0\"\nidle_timeout 90\n").unwrap();
        let error = Config::load(Some(&file), &[]).unwrap_err().to_string();
        assert!(error.starts_with("the settings in ") && error.contains("at line 2"), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(!error.contains("TOML parse"), "{error}");
    }
}
