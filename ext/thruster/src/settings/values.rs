//! A value for each setting, as Ruby has them and as `Thruster::Server.new` takes them back.

use std::path::PathBuf;
use std::time::Duration;

use magnus::prelude::*;
use magnus::{Error, IntoValue, Ruby, Value};
use thruster_proxy::config::env::{Environment, current};
use thruster_proxy::config::settings::Setting;
use thruster_proxy::config::{Config, KeepAlive, LogFormat, OwnCertificate, Tls, Upstream};

/// What the engine goes by, or nil where that is nothing.
pub fn value(
    ruby: &Ruby,
    config: &Config,
    environment: &impl Environment,
    setting: &Setting,
) -> Result<Value, Error> {
    let name = setting.name;
    // What has been made of them is networks; what was written reads better.
    if name == "TRUSTED_PROXIES" {
        let text = current(environment, setting).map(|(_, text)| text);
        let text = text.unwrap_or_default().to_string_lossy().into_owned();
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        return Ok(list(ruby, items));
    }
    let value = clients(ruby, config, name)
        .or_else(|| command(ruby, &config.upstream, name))
        .or_else(|| answers(ruby, config, name))
        .or_else(|| tls(ruby, &config.tls, name));
    value.ok_or_else(|| {
        let text = format!("{name} is a setting without a value");
        Error::new(ruby.exception_not_imp_error(), text)
    })
}

/// Where clients come in, what is believed of them, and what is said of it.
fn clients(ruby: &Ruby, config: &Config, name: &str) -> Option<Value> {
    let Config { listen, timeouts, log, .. } = config;
    Some(match name {
        "HTTP_PORT" => listen.http_port.wanted().into_value_with(ruby),
        "HTTPS_PORT" => listen.https_port.wanted().into_value_with(ruby),
        "BIND" => listen.bind.map(|address| address.to_string()).into_value_with(ruby),
        "BIND_WHEN_READY" => config.boot.bind_when_ready.into_value_with(ruby),
        "DRAIN_TIMEOUT" => seconds(ruby, Some(config.drain_timeout)),
        "MAX_REQUEST_BODY" => config.max_request_body.unwrap_or(0).into_value_with(ruby),
        "HTTP_IDLE_TIMEOUT" => seconds(ruby, timeouts.idle),
        "HTTP_READ_TIMEOUT" => seconds(ruby, timeouts.read),
        "HTTP_WRITE_TIMEOUT" => seconds(ruby, timeouts.write),
        "H2C_ENABLED" => config.h2c.into_value_with(ruby),
        "FORWARD_HEADERS" => config.trust_forwarded.into_value_with(ruby),
        "PROXY_PROTOCOL" => config.proxy_protocol.into_value_with(ruby),
        "LOG_REQUESTS" => log.requests.into_value_with(ruby),
        "LOG_FORMAT" => match log.format {
            Some(LogFormat::Json) => "json".into_value_with(ruby),
            Some(LogFormat::Text) => "text".into_value_with(ruby),
            None => ruby.qnil().as_value(),
        },
        "DEBUG" => log.debug.into_value_with(ruby),
        "BOOT_TIMEOUT" => seconds(ruby, Some(config.boot.timeout)),
        _ => return None,
    })
}

/// The server behind us.
fn command(ruby: &Ruby, upstream: &Upstream, name: &str) -> Option<Value> {
    Some(match name {
        "TARGET_PORT" => upstream.port.into_value_with(ruby),
        "TARGET_SOCKET" => upstream.socket.as_deref().into_value_with(ruby),
        "UPSTREAM_KEEPALIVE" => match upstream.keep_alive {
            KeepAlive::Auto => "auto".into_value_with(ruby),
            KeepAlive::On => true.into_value_with(ruby),
            KeepAlive::Off => false.into_value_with(ruby),
        },
        "MAX_CONCURRENCY" => upstream.max_concurrency.unwrap_or(0).into_value_with(ruby),
        "QUEUE_TIMEOUT" => seconds(ruby, Some(upstream.queue_timeout)),
        "BUFFER_RESPONSES" => upstream.buffer_responses.into_value_with(ruby),
        "BUFFER_REQUESTS" => upstream.buffer_requests.into_value_with(ruby),
        "PROXY_TIMEOUT" => seconds(ruby, upstream.timeout),
        _ => return None,
    })
}

/// What becomes of answers.
fn answers(ruby: &Ruby, config: &Config, name: &str) -> Option<Value> {
    let Config { cache, compression, files, .. } = config;
    Some(match name {
        "BAD_GATEWAY_PAGE" => config.bad_gateway_page.as_path().into_value_with(ruby),
        "CACHE_SIZE" => cache.size.into_value_with(ruby),
        "MAX_CACHE_ITEM_SIZE" => cache.max_item_size.into_value_with(ruby),
        "DISK_CACHE_SIZE" => cache.disk_size.into_value_with(ruby),
        "DISK_CACHE_ITEM_SIZE" => cache.disk_item_size.into_value_with(ruby),
        "CONTROL_SOCKET" => cache.control_socket.as_deref().into_value_with(ruby),
        "COMPRESSION" => match &compression.codings {
            Some(codings) if codings.is_empty() => false.into_value_with(ruby),
            Some(codings) => list(ruby, codings.iter().map(|coding| coding.name())),
            None => true.into_value_with(ruby),
        },
        "GZIP_COMPRESSION_ENABLED" => compression.enabled.into_value_with(ruby),
        "GZIP_COMPRESSION_DISABLE_ON_AUTH" => compression.disable_on_auth.into_value_with(ruby),
        "GZIP_COMPRESSION_JITTER" => compression.jitter.into_value_with(ruby),
        "X_SENDFILE_ENABLED" => files.x_sendfile.into_value_with(ruby),
        "SENDFILE_ROOTS" => list(ruby, files.sendfile_roots.iter().flatten().map(PathBuf::as_path)),
        "STATIC_PATH" => files.static_path.as_deref().into_value_with(ruby),
        "STORAGE_PATH" => config.storage_path.as_path().into_value_with(ruby),
        _ => return None,
    })
}

/// Names and their certificates.
fn tls(ruby: &Ruby, tls: &Tls, name: &str) -> Option<Value> {
    let account = tls.acme.external_account.as_ref();
    let own = |path: fn(&OwnCertificate) -> &PathBuf| {
        list(ruby, tls.own.iter().map(|own| path(own).as_path()))
    };
    Some(match name {
        "TLS_DOMAIN" => list(ruby, tls.domains.iter().map(String::as_str)),
        "TLS_CERTIFICATE" => own(|own| &own.chain),
        "TLS_KEY" => own(|own| &own.key),
        "TLS_LOCAL" => tls.local.into_value_with(ruby),
        "HSTS" => seconds(ruby, tls.hsts),
        "HEALTH_PATH" => tls.health_path.as_str().into_value_with(ruby),
        "ACME_DIRECTORY" => tls.acme.directory.as_str().into_value_with(ruby),
        "ACME_PROFILE" => tls.acme.profile.as_deref().into_value_with(ruby),
        "EAB_KID" => account.map(|account| account.key_id.as_str()).into_value_with(ruby),
        "EAB_HMAC_KEY" => account.map(|account| account.hmac_key.0.as_str()).into_value_with(ruby),
        _ => return None,
    })
}

/// Seconds; 0 is what one writes for never.
fn seconds(ruby: &Ruby, duration: Option<Duration>) -> Value {
    duration.unwrap_or_default().as_secs().into_value_with(ruby)
}

/// nil where there are none: nobody has set anything then.
fn list<T: IntoValue>(ruby: &Ruby, items: impl Iterator<Item = T>) -> Value {
    let list = ruby.ary_from_iter(items);
    if list.is_empty() { ruby.qnil().as_value() } else { list.as_value() }
}
