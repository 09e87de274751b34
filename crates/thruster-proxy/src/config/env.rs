//! Reads the environment into a [`Config`]. `THRUSTER_NAME` wins over `NAME`; every complaint
//! is gathered before any is reported; nothing else in the engine looks at the environment.

use std::ffi::OsString;
use std::fmt;
use std::time::Duration;

use super::settings::{SETTINGS, Setting, setting_named};
use super::value::{self, Expected};
use super::{
    Boot, Cache, Compression, Config, Files, HttpPort, KeepAlive, Listen, Log, LogFormat, Secret,
    Timeouts, Tls, Upstream,
};

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
/// All complaints at once: bad values of `THRUSTER_` names, and ports that contradict each other.
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

struct Reader<'e, E> {
    environment: &'e E,
    errors: Vec<Complaint>,
    ignored: Vec<Complaint>,
}

impl<E: Environment> Reader<'_, E> {
    fn config(&mut self) -> Config {
        let domains = self.value("TLS_DOMAIN", value::names);
        let target_port = self.value("TARGET_PORT", value::port);
        let https_port = self.value("HTTPS_PORT", value::listening_port);
        let http_port = self.http_port(target_port);
        let codings = self.value("COMPRESSION", value::codings);
        let (inherited, bind) = (self.inherited_sockets(), self.set("BIND", value::address));
        let listen = Listen { inherited, bind, http_port, https_port };
        self.check_ports(&listen, target_port, !domains.is_empty());
        Config {
            listen,
            trust_forwarded: self
                .set("FORWARD_HEADERS", value::boolean)
                .unwrap_or(domains.is_empty()),
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
            tls: Tls {
                domains,
                acme_directory: self.value("ACME_DIRECTORY", value::text),
                eab_kid: self.set("EAB_KID", value::text),
                eab_hmac_key: self.set("EAB_HMAC_KEY", value::base64_key).map(Secret),
            },
            notify_socket: self.environment.variable("NOTIFY_SOCKET").filter(|s| !s.is_empty()),
            without_effect: self.without_effect(),
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
    fn http_port(&mut self, target_port: u16) -> HttpPort {
        if let Some(port) = self.set("HTTP_PORT", value::listening_port) {
            return HttpPort::Fixed(port);
        }
        let platform = Setting { name: "PORT", ..*setting_named("HTTP_PORT") };
        match self.read(&platform, value::port) {
            Some(port) if port != target_port => HttpPort::Fixed(port),
            _ => HttpPort::Default,
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
        let http_port = listen.http_port.wanted();
        let mut complain = |variable: &str, value: u16, expected: String| {
            let (variable, value) = (variable.to_owned(), value.to_string());
            self.errors.push(Complaint { variable, value, expected });
        };
        if http_port == target_port && listen.inherited == 0 && !has_socket {
            let expected = "a port other than TARGET_PORT, or we would proxy to ourselves";
            complain("HTTP_PORT", http_port, expected.to_owned());
        }
        if has_tls && [http_port, target_port].contains(&listen.https_port) {
            let expected = "a port other than HTTP_PORT and TARGET_PORT".to_owned();
            complain("HTTPS_PORT", listen.https_port, expected);
        }
    }

    /// The settings somebody took the trouble to set, and that nothing looks at yet.
    fn without_effect(&self) -> Vec<&'static str> {
        let is_idle = |s: &&Setting| !s.has_effect() && current(self.environment, s).is_some();
        SETTINGS.iter().filter(is_idle).map(|setting| setting.name).collect()
    }

    fn duration(&mut self, name: &str) -> Duration {
        self.value(name, value::pause)
    }

    fn seconds(&mut self, name: &str) -> Option<Duration> {
        self.value(name, value::seconds)
    }

    /// The value that is set, or the table's default.
    fn value<T>(&mut self, name: &str, parse: fn(&str) -> Result<T, Expected>) -> T {
        self.set(name, parse).unwrap_or_else(|| {
            parse(setting_named(name).default).expect("the defaults in the table are valid")
        })
    }

    /// The value that is set, if one is and it can be read.
    fn set<T>(&mut self, name: &str, parse: fn(&str) -> Result<T, Expected>) -> Option<T> {
        self.read(setting_named(name), parse)
    }

    fn read<T>(&mut self, setting: &Setting, parse: fn(&str) -> Result<T, Expected>) -> Option<T> {
        let (variable, text) = current(self.environment, setting)?;
        let parsed = text.to_str().ok_or("UTF-8 text").and_then(|text| parse(text.trim()));
        let expected = match parsed {
            Ok(value) => return Some(value),
            Err(expected) => expected.to_owned(),
        };
        let value = match setting.is_secret() {
            true => "(hidden)".to_owned(),
            false => text.to_string_lossy().into_owned(),
        };
        let is_ours = variable.starts_with("THRUSTER_");
        let complaint = Complaint { variable, value, expected };
        if is_ours {
            self.errors.push(complaint)
        } else {
            self.ignored.push(complaint)
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config<const N: usize>(environment: [(&str, &str); N]) -> Config {
        load(&environment).expect("a valid environment").config
    }

    #[test]
    fn an_empty_environment_gives_thrusters_defaults() {
        let config = config([]);
        assert_eq!(config.upstream.port, 3000);
        assert_eq!(config.listen.http_port, HttpPort::Default);
        assert_eq!(config.cache.size, 64 << 20);
        assert_eq!(config.max_request_body, None);
        assert_eq!(config.timeouts.idle, Some(Duration::from_secs(60)));
        assert!(config.trust_forwarded && config.log.requests && !config.h2c);
    }

    #[test]
    fn the_prefixed_name_wins_and_an_empty_one_is_not_set() {
        let both = config([("TARGET_PORT", "4000"), ("THRUSTER_TARGET_PORT", "5000")]);
        assert_eq!(both.upstream.port, 5000);
        let blank = config([("TARGET_PORT", "4000"), ("THRUSTER_TARGET_PORT", "")]);
        assert_eq!(blank.upstream.port, 4000);
    }

    #[test]
    fn all_complaints_about_prefixed_names_come_at_once() {
        let bad = [("THRUSTER_CACHE_SIZE", "64XB"), ("THRUSTER_DEBUG", "maybe"), ("DEBUG", "x")];
        let complaints = load(&bad).expect_err("two bad values");
        let names: Vec<_> = complaints.iter().map(|c| c.variable.as_str()).collect();
        assert_eq!(names, ["THRUSTER_DEBUG", "THRUSTER_CACHE_SIZE"]);
        let shown = complaints[1].to_string();
        assert!(shown.starts_with("THRUSTER_CACHE_SIZE=\"64XB\": expected a size in"), "{shown}");
    }

    #[test]
    fn a_bad_unprefixed_value_is_left_aside() {
        let loaded = load(&[("CACHE_SIZE", "lots"), ("DEBUG", "app:*")]).expect("defaults");
        assert_eq!(loaded.config.cache.size, 64 << 20);
        assert_eq!(loaded.ignored.len(), 2);
    }

    #[test]
    fn the_platforms_port_is_used_unless_it_is_the_childs() {
        assert_eq!(config([("PORT", "8000")]).listen.http_port, HttpPort::Fixed(8000));
        assert_eq!(config([("PORT", "3000")]).listen.http_port, HttpPort::Default);
        let chosen = config([("PORT", "8000"), ("HTTP_PORT", "9000")]);
        assert_eq!(chosen.listen.http_port, HttpPort::Fixed(9000));
        let linked = load(&[("PORT", "tcp://172.17.0.5:80")]).expect("a default");
        assert_eq!(linked.config.listen.http_port, HttpPort::Default);
        assert_eq!(linked.ignored.len(), 1);
    }

    #[test]
    fn a_proxy_to_itself_is_an_error() {
        let complaints = load(&[("HTTP_PORT", "3000")]).expect_err("equal ports");
        assert_eq!(complaints[0].variable, "HTTP_PORT");
        assert!(load(&[("TARGET_PORT", "80")]).is_err());
        assert!(load(&[("HTTPS_PORT", "3000")]).is_ok(), "no TLS, no HTTPS port");
        assert!(load(&[("HTTPS_PORT", "3000"), ("TLS_DOMAIN", "a.com")]).is_err());
    }

    #[test]
    fn tls_turns_trust_in_forwarded_headers_off() {
        assert!(!config([("TLS_DOMAIN", "a.com")]).trust_forwarded);
        assert!(config([("TLS_DOMAIN", " , ")]).trust_forwarded);
        assert!(config([("TLS_DOMAIN", "a.com"), ("FORWARD_HEADERS", "1")]).trust_forwarded);
    }

    #[test]
    fn secrets_are_not_repeated_in_complaints() {
        let shown = load(&[("THRUSTER_EAB_HMAC_KEY", "hunter2!")])
            .expect_err("a bad key")
            .iter()
            .map(ToString::to_string)
            .collect::<String>();
        assert!(shown.starts_with("THRUSTER_EAB_HMAC_KEY") && !shown.contains("hunter2"));
    }
}
