//! What the child is told about the client: X-Forwarded-*, X-Request-Id, X-Request-Start.

use std::time::{SystemTime, UNIX_EPOCH};

use super::get;
use thruster_test::{Upstream, thrust, upstream, values};

#[test]
fn an_unknown_client_is_described_by_us_alone() {
    let app = Upstream::saying("");
    let proxy = thrust().with("FORWARD_HEADERS", false).run(&app);
    let fields = "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Proto: https\r\n\
                  X-Forwarded-Port: 1\r\nX-Forwarded-Ssl: on\r\nX-Forwarded-Scheme: https\r\n\
                  Client-IP: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\n";
    let mut client = proxy.connect();
    let response = client.send(get("/", fields)).response("GET");
    assert_eq!(response.status, 200);
    let head = app.received();
    assert_eq!(values(&head, "x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(values(&head, "x-forwarded-host"), ["test.example"]);
    assert_eq!(values(&head, "x-forwarded-proto"), ["http"]);
    for name in
        ["x-forwarded-port", "x-forwarded-ssl", "x-forwarded-scheme", "client-ip", "forwarded"]
    {
        assert_eq!(values(&head, name), [""; 0], "{name}");
    }
    assert!(!head.contains("6.6.6.6") && !head.contains("evil"), "{head}");
    let peer = client.stream().local_addr().expect("an address").to_string();
    assert_eq!(proxy.logged_request()["remote_addr"], peer);
}

#[test]
fn a_trusted_proxy_is_believed_and_its_address_added() {
    let app = Upstream::saying("");
    let proxy = thrust().run(&app);
    let fields = "X-Forwarded-For: 1.1.1.1, 10.0.0.9\r\nX-Forwarded-For: 2.2.2.2\r\n\
                  X-Forwarded-Host: public.example\r\nX-Forwarded-Proto: https\r\n\
                  X-Forwarded-Port: 443\r\n";
    assert_eq!(proxy.connect().send(get("/", fields)).response("GET").status, 200);
    let head = app.received();
    assert_eq!(
        values(&head, "x-forwarded-for").join(", "),
        "1.1.1.1, 10.0.0.9, 2.2.2.2, 127.0.0.1"
    );
    assert_eq!(values(&head, "x-forwarded-host"), ["public.example"]);
    assert_eq!(values(&head, "x-forwarded-proto"), ["https"]);
    assert_eq!(values(&head, "x-forwarded-port"), ["443"]);
    assert_eq!(values(&head, "host"), ["test.example"]);
    assert_eq!(proxy.logged_request()["remote_addr"], "2.2.2.2");
}

#[test]
fn what_a_trusted_proxy_leaves_out_is_added() {
    let app = Upstream::saying("");
    let proxy = thrust().with("FORWARD_HEADERS", true).run(&app);
    proxy.connect().get("/");
    let head = app.received();
    assert_eq!(values(&head, "x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(values(&head, "x-forwarded-host"), ["test.example"]);
    assert_eq!(values(&head, "x-forwarded-proto"), ["http"]);
}

#[test]
fn names_with_underscores_that_imitate_trusted_ones_are_not_passed_on() {
    for trust in [true, false] {
        let app = Upstream::saying("");
        let proxy = thrust().with("FORWARD_HEADERS", trust).run(&app);
        let fields = "X_Forwarded_For: forged\r\nX-Forwarded_Host: forged\r\n\
                      X_FORWARDED_PROTO: forged\r\nX_Forwarded_Port: forged\r\n\
                      X_Forwarded_Ssl: forged\r\nX_Forwarded_Scheme: forged\r\n\
                      Client_IP: forged\r\nX_Request_Id: forged\r\nX_Request_Start: forged\r\n\
                      X_Real_IP: forged\r\nContent_Length: 7\r\nTransfer_Encoding: chunked\r\n\
                      Content_Type: forged\r\nMy_Own_Field: kept\r\n";
        assert_eq!(proxy.connect().send(get("/", fields)).response("GET").status, 200);
        let head = app.received();
        assert!(!head.contains("forged"), "{head}");
        assert!(!head.to_ascii_lowercase().contains("content_length"), "{head}");
        assert!(!head.to_ascii_lowercase().contains("transfer_encoding"), "{head}");
        assert_eq!(values(&head, "my_own_field"), ["kept"]);
    }
}

#[test]
fn a_request_without_an_id_gets_one() {
    let app = Upstream::saying("");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    let mut seen = Vec::new();
    for _ in 0..3 {
        let response = client.get("/");
        let id = response.header("x-request-id").to_owned();
        assert_eq!(id.len(), 36, "{id}");
        assert_eq!(values(&app.received(), "x-request-id"), [&id]);
        assert_eq!(proxy.logged_request()["request_id"], *id);
        assert!(!seen.contains(&id));
        seen.push(id);
    }
}

#[test]
fn a_usable_id_is_kept() {
    let app = Upstream::saying("");
    for trust in [true, false] {
        let proxy = thrust().with("FORWARD_HEADERS", trust).run(&app);
        let fields = "X-Request-Id: Root=1-67891233-abcdef012345678912345678\r\n";
        let response = proxy.connect().send(get("/", fields)).response("GET");
        let id = "Root=1-67891233-abcdef012345678912345678";
        assert_eq!(response.header("x-request-id"), id);
        assert_eq!(values(&app.received(), "x-request-id"), [id]);
        assert_eq!(proxy.logged_request()["request_id"], id);
    }
}

#[test]
fn an_unusable_id_is_replaced() {
    let app = Upstream::saying("");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    let long = "x".repeat(256);
    for bad in ["", "a b", "a\"b", "a\u{e9}", "<script>", "a\r\nX-Request-Id: b", &long] {
        let response = client.send(get("/", &format!("X-Request-Id: {bad}\r\n"))).response("GET");
        let id = response.header("x-request-id");
        assert_eq!(id.len(), 36, "{bad:?} became {id:?}");
        assert_eq!(values(&app.received(), "x-request-id"), [id]);
        assert_eq!(proxy.logged_request()["request_id"], id);
    }
}

#[test]
fn an_id_of_the_applications_own_is_returned() {
    let app = upstream(|exchange| {
        exchange.send("HTTP/1.1 200 OK\r\nX-Request-Id: mine\r\nContent-Length: 0\r\n\r\n");
    });
    let response = thrust().run(&app).connect().get("/");
    let ids = response.headers.iter().filter(|(name, _)| name == "x-request-id");
    assert!(ids.map(|(_, id)| id).eq(["mine"]));
}

#[test]
fn a_failure_can_be_found_in_the_log_by_the_id_it_was_answered_with() {
    let proxy = thrust().run_alone();
    let response = proxy.connect().get("/");
    assert_eq!(response.status, 502);
    let line = proxy.logged_request();
    assert_eq!(line["request_id"].as_str(), Some(response.header("x-request-id")));
}

#[test]
fn the_child_is_told_when_the_request_arrived() {
    let app = Upstream::saying("");
    let proxy = thrust().run(&app);
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
    let before = now();
    proxy.connect().get("/");
    let head = app.received();
    let start = values(&head, "x-request-start")[0].strip_prefix("t=").expect("t=milliseconds");
    assert!((before..=now()).contains(&start.parse().expect("a number")), "{start}");
}

#[test]
fn a_router_that_has_noted_the_arrival_is_believed() {
    let app = Upstream::saying("");
    let proxy = thrust().run(&app);
    proxy.connect().send(get("/", "X-Request-Start: t=1234567890\r\n")).response("GET");
    assert_eq!(values(&app.received(), "x-request-start"), ["t=1234567890"]);
}
