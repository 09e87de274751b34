//! Upgrades over HTTP/1.1: which are passed on, and that not a byte is lost at the switch.

mod tunnel;

use thruster_test::{Exchange, Response, Thrust, thrust, upstream};

/// Switches to whatever protocol was asked for, and sends back each line that comes in.
fn switch_and_echo(exchange: &mut Exchange) {
    let protocol = exchange.header("upgrade").to_owned();
    if protocol.is_empty() {
        return exchange.respond(200, "a plain page");
    }
    exchange.send(format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: {protocol}\r\n\r\n"
    ));
    while let Some(line) = Some(exchange.line()).filter(|line| !line.is_empty()) {
        exchange.send(format!("{line}\n"));
    }
    exchange.send("bye\n");
    exchange.close();
}

/// Asks for an upgrade with these fields; reads the head of the answer.
fn ask(proxy: &Thrust, fields: &str) -> Response {
    proxy.connect().send(format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n")).head()
}

/// The child is asked to switch by these fields of a client's, and the client is told that it did.
fn is_passed_on(fields: &str, protocol: &str) {
    let app = upstream(switch_and_echo);
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.send(format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n"));
    let answer = client.head();
    assert_eq!(answer.status, 101, "{fields}");
    assert_eq!(answer.header("upgrade"), protocol);
    assert!(answer.header("connection").eq_ignore_ascii_case("upgrade"));
    let head = app.received().to_lowercase();
    assert!(head.contains(&format!("\r\nupgrade: {}", protocol.to_lowercase())), "{head}");
    assert_eq!(head.matches("\r\nconnection: upgrade").count(), 1, "{head}");
    client.send("hello\n");
    assert_eq!(client.bytes(6), b"hello\n");
}

#[test]
fn a_websocket_is_passed_on_in_any_capitals() {
    is_passed_on("Upgrade: websocket\r\nConnection: Upgrade\r\n", "websocket");
    is_passed_on("Upgrade: WebSocket\r\nConnection: upgrade\r\n", "WebSocket");
    is_passed_on("UPGRADE: WEBSOCKET\r\nCONNECTION: UPGRADE\r\n", "WEBSOCKET");
}

#[test]
fn connection_may_name_more_than_the_upgrade() {
    // Firefox has always sent it like this.
    is_passed_on("Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n", "websocket");
    let lines = "Connection: keep-alive\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
    is_passed_on(lines, "websocket");
}

#[test]
fn other_protocols_are_passed_on() {
    is_passed_on("Upgrade: TLS/1.0\r\nConnection: Upgrade\r\n", "TLS/1.0");
    is_passed_on("Upgrade: my-own\r\nConnection: Upgrade\r\n", "my-own");
}

#[test]
fn http_2_is_not_for_the_child() {
    let app = upstream(switch_and_echo);
    let proxy = thrust().run(&app);
    for protocol in ["h2c", "H2C"] {
        let fields = format!(
            "Upgrade: {protocol}\r\nHTTP2-Settings: AAMAAABk\r\n\
             Connection: Upgrade, HTTP2-Settings\r\n"
        );
        assert_eq!(ask(&proxy, &fields).status, 200);
        let head = app.received().to_lowercase();
        assert!(!head.contains("upgrade") && !head.contains("http2-settings"), "{head}");
    }
}

#[test]
fn an_upgrade_that_connection_does_not_name_is_none() {
    let app = upstream(switch_and_echo);
    let proxy = thrust().run(&app);
    assert_eq!(ask(&proxy, "Upgrade: websocket\r\n").status, 200);
    assert_eq!(ask(&proxy, "Connection: Upgrade\r\n").status, 200);
    assert!(!app.received().to_lowercase().contains("upgrade"));
    assert!(!app.received().to_lowercase().contains("upgrade"));
}

#[test]
fn an_upgrade_in_http_1_0_is_none() {
    // RFC 9110 section 7.8.
    let app = upstream(switch_and_echo);
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.send("GET / HTTP/1.0\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
    assert_eq!(client.head().status, 200);
    assert!(!app.received().to_lowercase().contains("upgrade"));
}

#[test]
fn an_upgrade_with_a_body_is_a_plain_request() {
    let app = upstream(|exchange| {
        let body = exchange.body();
        assert_eq!(exchange.header("upgrade"), "");
        exchange.respond(200, &String::from_utf8_lossy(&body));
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    let upgrade = "Host: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
    client.send(format!("POST / HTTP/1.1\r\n{upgrade}Content-Length: 4\r\n\r\nbody"));
    assert_eq!(client.response("POST").text(), "body");
    client.send(format!("POST / HTTP/1.1\r\n{upgrade}Transfer-Encoding: chunked\r\n\r\n"));
    client.send("4\r\nbody\r\n0\r\n\r\n");
    assert_eq!(client.response("POST").text(), "body");
    // The connection is still one of HTTP.
    assert_eq!(client.post("/", b"again").text(), "again");
}

#[test]
fn a_refusal_of_the_child_passes_and_the_connection_lives_on() {
    let app = upstream(|exchange| match exchange.target() {
        "/plain" => exchange.respond(200, "a plain page"),
        "/bad" => exchange.respond(400, "no such cable"),
        _ => exchange.send("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n"),
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for (target, status, text) in
        [("/plain", 200, "a plain page"), ("/bad", 400, "no such cable"), ("/old", 426, "")]
    {
        client.send(format!(
            "GET {target} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
        ));
        let response = client.response("GET");
        assert_eq!((response.status, response.text()), (status, text));
        let line = proxy.logged_request();
        assert_eq!((&line["status"], line.get("error")), (&status.into(), None));
    }
}

#[test]
fn a_switch_nobody_asked_for_is_a_bad_gateway() {
    let app = upstream(|exchange| {
        exchange.send("HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    assert_eq!(client.get("/").status, 502);
    assert_eq!(proxy.logged_request()["error"], "the command switched protocols unasked");
}

#[test]
fn a_plain_request_follows_a_tunnel_on_other_connections() {
    let app = upstream(switch_and_echo);
    let proxy = thrust().run(&app);
    let mut tunnel = proxy.connect();
    tunnel.send("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n");
    assert_eq!(tunnel.head().status, 101);
    assert_eq!(proxy.connect().get("/").text(), "a plain page");
    // The tunnel's connection to the child is its own for good.
    assert_eq!(app.connections(), 2);
}
