//! Reads the environment into a [`Config`]. `THRUSTER_NAME` wins over `NAME`; every complaint
//! is gathered before any is reported; nothing else in the engine looks at the environment.

mod reader;
mod tls;

use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;

use self::reader::Reader;
use super::settings::{Setting, setting_named};
use super::{
    Boot, Cache, Compression, Config, Files, KeepAlive, Listen, Log, LogFormat, Port, Timeouts,
    Upstream, value,
};
use crate::trusted_proxies::{self, TrustedProxies};

/// Where variables come from: the process, or a table in a test.
pub trait Environment {
    fn variable(&self, name: &str) -> Option<OsString>;
}

/// The environment of this process.
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn variable(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name)
    }
}

impl<const N: usize> Environment for [(&str, &str); N] {
    fn variable(&self, name: &str) -> Option<OsString> {
        self.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into())
    }
}

/// A value that could not be used.
#[derive(Debug, PartialEq, Eq)]
pub struct Complaint {
    pub variable: String,
    pub value: String,
    pub expected: String,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={:?}: expected {}", self.variable, self.value, self.expected)
    }
}

/// A configuration, and the unprefixed values that were left aside because they may have been
/// meant for another program.
#[derive(Debug)]
pub struct Loaded {
    pub config: Config,
    pub ignored: Vec<Complaint>,
}

/// Reads every setting.
///
/// # Errors
/// All complaints at once: bad values of `THRUSTER_` names, ports that contradict each other, and
/// what would be dangerous to leave aside.
pub fn load(environment: &impl Environment) -> Result<Loaded, Vec<Complaint>> {
    let mut reader = Reader { environment, errors: Vec::new(), ignored: Vec::new() };
    let config = reader.config();
    match reader.errors.is_empty() {
        true => Ok(Loaded { config, ignored: reader.ignored }),
        false => Err(reader.errors),
    }
}

/// The text a setting has in this environment, and the name of the variable that gave it.
/// An empty variable is one that is not set: compose files cannot say it otherwise.
pub fn current(environment: &impl Environment, setting: &Setting) -> Option<(String, OsString)> {
    [format!("THRUSTER_{}", setting.name), setting.name.to_owned()].into_iter().find_map(|name| {
        let text = environment.variable(&name).filter(|text| !text.is_empty())?;
        Some((name, text))
    })
}

impl<E: Environment> Reader<'_, E> {
    fn config(&mut self) -> Config {
        let tls = self.tls();
        let target_port = self.value("TARGET_PORT", value::port);
        let https_port = self.set("HTTPS_PORT", value::listening_port);
        let https_port = https_port.map_or(Port::HTTPS, Port::Fixed);
        let http_port = self.http_port(target_port);
        let codings = self.value("COMPRESSION", value::codings);
        let (inherited, bind) = (self.inherited_sockets(), self.set("BIND", value::address));
        let listen = Listen { inherited, bind, http_port, https_port };
        self.check_ports(&listen, target_port, tls.is_on());
        let trusted_proxies = self.trusted_proxies();
        let proxy_protocol = self.value("PROXY_PROTOCOL", value::boolean);
        Config {
            listen,
            // Whoever connects through TLS or a PROXY preamble is a client, not a proxy, unless it
            // is on the list.
            trust_forwarded: self
                .set("FORWARD_HEADERS", value::boolean)
                .unwrap_or(trusted_proxies.is_some() || !tls.is_on() && !proxy_protocol),
            trusted_proxies,
            proxy_protocol,
            max_request_body: match self.value("MAX_REQUEST_BODY", value::size) {
                0 => None,
                bytes => Some(bytes),
            },
            bad_gateway_page: self.value("BAD_GATEWAY_PAGE", value::text).into(),
            h2c: self.value("H2C_ENABLED", value::boolean),
            storage_path: self.value("STORAGE_PATH", value::text).into(),
            upstream: self.upstream(target_port),
            boot: Boot {
                timeout: self.duration("BOOT_TIMEOUT"),
                bind_when_ready: self.value("BIND_WHEN_READY", value::boolean),
            },
            drain_timeout: self.duration("DRAIN_TIMEOUT"),
            timeouts: Timeouts {
                idle: self.seconds("HTTP_IDLE_TIMEOUT"),
                read: self.seconds("HTTP_READ_TIMEOUT"),
                write: self.seconds("HTTP_WRITE_TIMEOUT"),
            },
            log: Log {
                requests: self.value("LOG_REQUESTS", value::boolean),
                debug: self.value("DEBUG", value::boolean),
                format: self.set("LOG_FORMAT", |text| match text {
                    "json" => Ok(LogFormat::Json),
                    "text" => Ok(LogFormat::Text),
                    _ => Err("json or text"),
                }),
            },
            cache: Cache {
                size: self.value("CACHE_SIZE", value::size),
                max_item_size: self.value("MAX_CACHE_ITEM_SIZE", value::size),
                disk_size: self.value("DISK_CACHE_SIZE", value::size),
                disk_item_size: self.value("DISK_CACHE_ITEM_SIZE", value::size),
                control_socket: self.set("CONTROL_SOCKET", value::text).map(Into::into),
            },
            compression: Compression {
                enabled: self.value("GZIP_COMPRESSION_ENABLED", value::boolean)
                    && codings.as_ref().is_none_or(|codings| !codings.is_empty()),
                codings,
                disable_on_auth: self.value("GZIP_COMPRESSION_DISABLE_ON_AUTH", value::boolean),
                jitter: self.value("GZIP_COMPRESSION_JITTER", value::jitter),
            },
            files: Files {
                x_sendfile: self.value("X_SENDFILE_ENABLED", value::boolean),
                sendfile_roots: self.set("SENDFILE_ROOTS", value::folders),
                static_path: self.set("STATIC_PATH", value::text).map(Into::into),
            },
            tls,
            notify_socket: self.environment.variable("NOTIFY_SOCKET").filter(|s| !s.is_empty()),
        }
    }

    fn upstream(&mut self, port: u16) -> Upstream {
        Upstream {
            port,
            socket: self.set("TARGET_SOCKET", value::text).map(Into::into),
            timeout: self.seconds("PROXY_TIMEOUT"),
            keep_alive: self.value("UPSTREAM_KEEPALIVE", |text| match text {
                "auto" => Ok(KeepAlive::Auto),
                text => match value::boolean(text) {
                    Ok(true) => Ok(KeepAlive::On),
                    Ok(false) => Ok(KeepAlive::Off),
                    Err(_) => Err("auto, on or off"),
                },
            }),
            max_concurrency: match self.value("MAX_CONCURRENCY", value::count) {
                0 => None,
                count => Some(count),
            },
            queue_timeout: self.duration("QUEUE_TIMEOUT"),
            buffer_responses: self.value("BUFFER_RESPONSES", value::size),
            buffer_requests: self.value("BUFFER_REQUESTS", value::size),
        }
    }

    /// HTTP_PORT, else the PORT that a platform (Heroku, Cloud Run, Render) asks us to use,
    /// unless that is the child's own, else 80 or what the system lets us have.
    fn http_port(&mut self, target_port: u16) -> Port {
        if let Some(port) = self.set("HTTP_PORT", value::listening_port) {
            return Port::Fixed(port);
        }
        let platform = Setting { name: "PORT", ..*setting_named("HTTP_PORT") };
        match self.read(&platform, value::port) {
            Some(port) if port != target_port => Port::Fixed(port),
            _ => Port::HTTP,
        }
    }

    /// A bad item is an error under either name: to leave the list aside would be to believe
    /// everybody.
    fn trusted_proxies(&mut self) -> Option<Arc<TrustedProxies>> {
        let (variable, text) = current(self.environment, setting_named("TRUSTED_PROXIES"))?;
        match TrustedProxies::parse(&text.to_string_lossy()) {
            Ok(proxies) => Some(Arc::new(proxies)),
            Err(item) => {
                self.contradicts(&variable, item, trusted_proxies::EXPECTED.to_owned());
                None
            }
        }
    }

    /// Sockets that systemd has opened for this very process (sd_listen_fds(3)).
    fn inherited_sockets(&self) -> u16 {
        let number = |name| self.environment.variable(name)?.to_str()?.parse::<u32>().ok();
        let is_for_us = number("LISTEN_PID") == Some(std::process::id());
        let count = number("LISTEN_FDS").filter(|_| is_for_us).unwrap_or(0);
        u16::try_from(count).unwrap_or(0)
    }

    fn check_ports(&mut self, listen: &Listen, target_port: u16, has_tls: bool) {
        // The command listens elsewhere then.
        let has_socket = current(self.environment, setting_named("TARGET_SOCKET")).is_some();
        let (http_port, https_port) = (listen.http_port.wanted(), listen.https_port.wanted());
        if http_port == target_port && listen.inherited == 0 && !has_socket {
            let expected = "a port other than TARGET_PORT, or we would proxy to ourselves";
            self.contradicts("HTTP_PORT", &http_port.to_string(), expected.to_owned());
        }
        // Each 0 is another port.
        if has_tls && https_port != 0 && [http_port, target_port].contains(&https_port) {
            let expected = "a port other than HTTP_PORT and TARGET_PORT".to_owned();
            self.contradicts("HTTPS_PORT", &https_port.to_string(), expected);
        }
    }
}

#[cfg(test)]
mod tests;
