//! The one table of settings: it feeds the reader of the environment, `--help` and the test
//! that compares the README with it.

/// One environment variable that thrust reads, also as `THRUSTER_` + name.
pub struct Setting {
    pub name: &'static str,
    /// The default as a person would type it; empty where there is none.
    pub default: &'static str,
    pub help: &'static str,
    pub kind: Kind,
}

/// How a setting is treated beyond its value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Plain,
    /// Never printed.
    Secret,
}

impl Setting {
    pub fn is_secret(&self) -> bool {
        self.kind == Kind::Secret
    }
}

const fn setting(name: &'static str, default: &'static str, help: &'static str) -> Setting {
    Setting { name, default, help, kind: Kind::Plain }
}

/// Every setting, in the order of `--help` and the README.
pub const SETTINGS: &[Setting] = &[
    setting("TARGET_PORT", "3000", "where the command listens; it gets this as PORT"),
    setting(
        "HTTP_PORT",
        "80",
        "where we listen; PORT if only that is set; 8080 where 80 is refused",
    ),
    setting("HTTPS_PORT", "443", "where we listen for TLS; 8443 where 443 is refused"),
    setting("BIND", "", "the one IP address to listen on, instead of all"),
    setting("TLS_DOMAIN", "", "host names to get certificates for, between commas; turns TLS on"),
    setting(
        "TLS_CERTIFICATE",
        "",
        "files of certificates of your own (PEM), between commas; turns TLS on",
    ),
    setting("TLS_KEY", "", "files of their private keys (PEM), in the same order"),
    setting("TLS_LOCAL", "off", "TLS with certificates of this machine's own, for development"),
    setting("HSTS", "0", "seconds browsers are to use nothing but TLS (RFC 6797); 0 says nothing"),
    setting("HEALTH_PATH", "/up", "path that is answered without TLS too, for checks by address"),
    setting("TARGET_SOCKET", "", "Unix socket where the command listens, instead of TARGET_PORT"),
    setting("UPSTREAM_KEEPALIVE", "auto", "reuse connections to the command: auto, on or off"),
    setting("MAX_CONCURRENCY", "0", "most requests the command has at once; 0 is no limit"),
    setting("QUEUE_TIMEOUT", "30", "seconds a request may wait for MAX_CONCURRENCY; then 503"),
    setting("BUFFER_RESPONSES", "1MiB", "bytes of a response held for a client that reads slowly"),
    setting(
        "BUFFER_REQUESTS",
        "0",
        "bytes of a request body collected before the command gets any",
    ),
    setting("BOOT_TIMEOUT", "30", "seconds a request waits for the command to accept connections"),
    setting("BIND_WHEN_READY", "off", "open our ports only when the command accepts connections"),
    setting("DRAIN_TIMEOUT", "5", "seconds requests may take to finish before a TERM is passed on"),
    setting("MAX_REQUEST_BODY", "0", "largest request body; more is a 413; 0 is no limit"),
    setting("BAD_GATEWAY_PAGE", "./public/502.html", "page to send with a 502"),
    setting("HTTP_IDLE_TIMEOUT", "60", "seconds a connection may wait for its next request"),
    setting(
        "HTTP_READ_TIMEOUT",
        "30",
        "seconds for a request's head, and for a body without a byte",
    ),
    setting(
        "HTTP_WRITE_TIMEOUT",
        "30",
        "seconds a response may wait for the client to read a byte",
    ),
    setting("PROXY_TIMEOUT", "0", "seconds the command may take to begin its answer; then 504"),
    setting("H2C_ENABLED", "off", "HTTP/2 without TLS, by prior knowledge"),
    setting(
        "FORWARD_HEADERS",
        "",
        "believe the X-Forwarded-* of the client; on without TLS and PROXY_PROTOCOL, else off",
    ),
    setting(
        "TRUSTED_PROXIES",
        "",
        "only believe those of these addresses and networks, between commas; private is a word",
    ),
    setting("PROXY_PROTOCOL", "off", "every connection begins with a PROXY preamble, v1 or v2"),
    setting("LOG_REQUESTS", "on", "one log line a request"),
    setting("LOG_FORMAT", "", "json or text; text on a terminal, else json"),
    setting("DEBUG", "off", "log what happens inside"),
    setting("CACHE_SIZE", "64MiB", "size of the HTTP cache in memory; 0 is none"),
    setting("MAX_CACHE_ITEM_SIZE", "1MiB", "largest body to cache in memory"),
    setting("DISK_CACHE_SIZE", "0", "size of the HTTP cache under STORAGE_PATH; 0 is none"),
    setting("DISK_CACHE_ITEM_SIZE", "256MiB", "largest body to cache there"),
    setting(
        "CONTROL_SOCKET",
        "",
        "Unix socket for purges; the command gets it as THRUSTER_CONTROL",
    ),
    setting("COMPRESSION", "on", "off, or the codings to use, best first, such as br,zstd,gzip"),
    setting("GZIP_COMPRESSION_ENABLED", "on", "compress at all"),
    setting("GZIP_COMPRESSION_DISABLE_ON_AUTH", "off", "do not compress what a login protects"),
    setting("GZIP_COMPRESSION_JITTER", "32", "most random bytes added to a compressed response"),
    setting("X_SENDFILE_ENABLED", "on", "send the files that X-Sendfile names"),
    setting(
        "SENDFILE_ROOTS",
        "",
        "folders X-Sendfile may name files in, between colons; else the working and the temporary one",
    ),
    setting("STATIC_PATH", "", "folder to send files from without the command, as ./public"),
    setting("STORAGE_PATH", "./storage/thruster", "folder for the cache and other state"),
    setting("ACME_DIRECTORY", "https://acme-v02.api.letsencrypt.org/directory", "ACME directory"),
    setting("ACME_PROFILE", "", "kind of certificate to ask for, such as shortlived"),
    setting("EAB_KID", "", "key id of an external ACME account"),
    Setting {
        name: "EAB_HMAC_KEY",
        default: "",
        help: "key of an external ACME account",
        kind: Kind::Secret,
    },
];

/// Looks a setting up by name.
///
/// # Panics
/// When the table has no such setting, which a test of the configuration would show at once.
pub fn setting_named(name: &str) -> &'static Setting {
    SETTINGS.iter().find(|s| s.name == name).expect("every setting that is read is in the table")
}
