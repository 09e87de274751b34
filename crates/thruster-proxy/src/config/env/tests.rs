use super::*;
use std::time::Duration;

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
