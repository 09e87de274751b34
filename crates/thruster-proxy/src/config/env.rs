//! Reads the environment into a [`Config`]. `THRUSTER_NAME` wins over `NAME`; every complaint
//! is gathered before any is reported; nothing else in the engine looks at the environment.

use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::settings::{Setting, setting_named};
use super::value::{self, Expected};
use super::{
    Acme, Boot, Cache, Compression, Config, ExternalAccount, Files, KeepAlive, Listen, Log,
    LogFormat, OwnCertificate, Port, Secret, Timeouts, Tls, Upstream,
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

struct Reader<'e, E> {
    environment: &'e E,
    errors: Vec<Complaint>,
    ignored: Vec<Complaint>,
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

    fn tls(&mut self) -> Tls {
        Tls {
            domains: self.strictly("TLS_DOMAIN", value::names).unwrap_or_default(),
            own: self.own_certificates(),
            local: self.strictly("TLS_LOCAL", value::boolean).unwrap_or_default(),
            acme: Acme {
                directory: self.value("ACME_DIRECTORY", value::text),
                profile: self.set("ACME_PROFILE", value::text),
                external_account: self.external_account(),
            },
            hsts: self.seconds("HSTS"),
            health_path: self.value("HEALTH_PATH", value::path),
        }
    }

    /// Certificates and their keys, one to one.
    fn own_certificates(&mut self) -> Vec<OwnCertificate> {
        let chains = self.strictly("TLS_CERTIFICATE", value::files).unwrap_or_default();
        let keys = self.strictly("TLS_KEY", value::files).unwrap_or_default();
        if chains.len() != keys.len() {
            let expected = format!("as many files as TLS_CERTIFICATE has, {}", chains.len());
            self.contradicts("TLS_KEY", &keys.len().to_string(), expected);
        }
        let pairs = chains.into_iter().zip(keys);
        pairs.map(|(chain, key)| OwnCertificate { chain, key }).collect()
    }

    /// Half of one would be ignored by the CA, which would then ask for the other.
    fn external_account(&mut self) -> Option<ExternalAccount> {
        let key_id = self.strictly("EAB_KID", value::text);
        let hmac_key = self.strictly("EAB_HMAC_KEY", value::base64_key).map(Secret);
        match (key_id, hmac_key) {
            (Some(key_id), Some(hmac_key)) => Some(ExternalAccount { key_id, hmac_key }),
            (None, None) => None,
            (Some(key_id), None) => {
                // A bad key has had its complaint.
                if current(self.environment, setting_named("EAB_HMAC_KEY")).is_none() {
                    self.contradicts("EAB_KID", &key_id, "EAB_HMAC_KEY beside it".to_owned());
                }
                None
            }
            (None, Some(_)) => {
                let expected = "EAB_KID beside it".to_owned();
                self.contradicts("EAB_HMAC_KEY", "(hidden)", expected);
                None
            }
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
            Ok(proxies) => return Some(Arc::new(proxies)),
            Err(item) => {
                let (value, expected) = (item.to_owned(), trusted_proxies::EXPECTED.to_owned());
                self.errors.push(Complaint { variable, value, expected });
            }
        }
        None
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

    /// What is well-formed and cannot be meant.
    fn contradicts(&mut self, variable: &str, value: &str, expected: String) {
        let (variable, value) = (variable.to_owned(), value.to_owned());
        self.errors.push(Complaint { variable, value, expected });
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

    /// The same where a default would be a danger: a site meant for TLS is not to go without.
    fn strictly<T>(&mut self, name: &str, parse: fn(&str) -> Result<T, Expected>) -> Option<T> {
        let earlier = self.ignored.len();
        let value = self.set(name, parse);
        self.errors.extend(self.ignored.drain(earlier..));
        value
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
        assert_eq!(config.listen.http_port, Port::HTTP);
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
        assert_eq!(config([("PORT", "8000")]).listen.http_port, Port::Fixed(8000));
        assert_eq!(config([("PORT", "3000")]).listen.http_port, Port::HTTP);
        let chosen = config([("PORT", "8000"), ("HTTP_PORT", "9000")]);
        assert_eq!(chosen.listen.http_port, Port::Fixed(9000));
        let linked = load(&[("PORT", "tcp://172.17.0.5:80")]).expect("a default");
        assert_eq!(linked.config.listen.http_port, Port::HTTP);
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
    fn what_would_be_no_tls_by_mistake_is_an_error() {
        let complaints = |environment: &[(&str, &str); 2]| {
            let complaints = load(environment).expect_err("an error");
            complaints.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        };
        let none = ("", "");
        assert!(complaints(&[("TLS_DOMAIN", "a b"), none]).contains("TLS_DOMAIN"));
        assert!(complaints(&[("TLS_CERTIFICATE", "a.pem"), none]).contains("TLS_KEY"));
        assert!(complaints(&[("TLS_KEY", "a.pem"), none]).contains("TLS_KEY"));
        assert!(complaints(&[("EAB_KID", "me"), none]).contains("EAB_HMAC_KEY beside it"));
        assert!(complaints(&[("EAB_HMAC_KEY", "c2VjcmV0"), none]).contains("EAB_KID beside it"));
        let bad = complaints(&[("EAB_KID", "me"), ("EAB_HMAC_KEY", "sec ret")]);
        assert_eq!(bad, "EAB_HMAC_KEY=\"(hidden)\": expected a key in base64 or base64url");
    }

    #[test]
    fn certificates_have_a_key_each() {
        let tls = config([("TLS_CERTIFICATE", "a.pem, b.pem"), ("TLS_KEY", "a.key,b.key")]).tls;
        assert!(tls.is_on() && tls.own[1].chain == *"b.pem" && tls.own[1].key == *"b.key");
    }

    #[test]
    fn a_list_of_proxies_turns_trust_on_for_them_unless_it_is_off() {
        let list = ("TRUSTED_PROXIES", "private");
        let listed = config([list, ("TLS_DOMAIN", "a.com"), ("PROXY_PROTOCOL", "1")]);
        assert!(listed.trust_forwarded && listed.trusted_proxies.is_some());
        assert!(listed.proxy_protocol);
        assert!(!config([list, ("FORWARD_HEADERS", "0")]).trust_forwarded);
        assert!(!config([("PROXY_PROTOCOL", "1")]).trust_forwarded);
        assert!(config([("PROXY_PROTOCOL", "1"), ("FORWARD_HEADERS", "1")]).trust_forwarded);
    }

    #[test]
    fn a_bad_list_of_proxies_is_never_left_aside() {
        let complaints = load(&[("TRUSTED_PROXIES", "private,10.0.0.0/33")]).expect_err("a slip");
        let shown = complaints[0].to_string();
        assert!(shown.starts_with("TRUSTED_PROXIES=\"10.0.0.0/33\": expected IP"), "{shown}");
        assert!(load(&[("THRUSTER_TRUSTED_PROXIES", "cloudflare")]).is_err());
        assert!(config([("TRUSTED_PROXIES", "")]).trusted_proxies.is_none());
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
