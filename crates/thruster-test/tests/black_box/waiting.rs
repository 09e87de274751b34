//! Whose turn it is when the child may only have so many requests at once.

use thruster_test::{Event, Thrust, Upstream, event, thrust, upstream};

/// A child that answers `/busy` when it is told to, and one request at a time in front of it.
fn busy(queue_timeout: u32) -> (Upstream, Thrust, std::sync::mpsc::Sender<()>) {
    let (go_on, told): (_, Event<()>) = event();
    let app = upstream(move |exchange| {
        exchange.body();
        if exchange.target() == "/busy" {
            told.wait();
        }
        exchange.respond(200, "done");
    });
    let proxy = thrust().with("MAX_CONCURRENCY", 1).with("QUEUE_TIMEOUT", queue_timeout).run(&app);
    (app, proxy, go_on)
}

#[test]
fn who_gets_no_turn_is_told_when_to_come_back() {
    let (app, proxy, go_on) = busy(0);
    let mut first = proxy.connect();
    first.send("GET /busy HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(app.received().starts_with("GET /busy "));
    let refused = proxy.connect().get("/second");
    assert_eq!((refused.status, refused.header("retry-after")), (503, "1"));
    assert_eq!(refused.header("cache-control"), "no-store");
    go_on.send(()).expect("an upstream that listens");
    assert_eq!(first.response("GET").text(), "done");
    assert_eq!(proxy.connect().get("/third").text(), "done");
}

#[test]
fn a_wish_for_an_upgrade_is_no_way_round_the_line() {
    let (app, proxy, go_on) = busy(0);
    let mut first = proxy.connect();
    first.send("GET /busy HTTP/1.1\r\nHost: a\r\n\r\n");
    app.received();
    let mut second = proxy.connect();
    second.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
    assert_eq!(second.response("GET").status, 503);
    go_on.send(()).expect("an upstream that listens");
    assert_eq!(first.response("GET").text(), "done");
}

#[test]
fn a_tunnel_gives_its_place_back() {
    let app = upstream(|exchange| match exchange.target() {
        "/cable" => {
            exchange.send(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
            );
            assert!(exchange.is_hung_up_on());
        }
        _ => exchange.respond(200, "done"),
    });
    let proxy = thrust().with("MAX_CONCURRENCY", 1).with("QUEUE_TIMEOUT", 0).run(&app);
    let mut tunnel = proxy.connect();
    tunnel.send(
        "GET /cable HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    );
    assert_eq!(tunnel.head().status, 101);
    assert_eq!(proxy.connect().get("/").text(), "done");
}

#[test]
fn who_left_while_waiting_is_not_heard_of() {
    let (app, proxy, go_on) = busy(60);
    let mut first = proxy.connect();
    first.send("GET /busy HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(app.received().starts_with("GET /busy "));
    // Whole requests, one of them with a body that nobody reads meanwhile.
    let mut gone = proxy.connect();
    gone.send("POST /gone HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
    let mut gone_too = proxy.connect();
    gone_too.send("GET /gone-too HTTP/1.1\r\nHost: a\r\n\r\n");
    drop((gone, gone_too));
    assert_eq!(proxy.logged_request()["path"], "/gone-too");
    go_on.send(()).expect("an upstream that listens");
    assert_eq!(first.response("GET").text(), "done");
    assert_eq!(proxy.connect().get("/last").text(), "done");
    assert!(app.received().starts_with("GET /last "));
    let left = proxy.log_where(|line| line["path"] == "/gone");
    assert_eq!(left["status"], 499);
}

#[test]
fn an_application_may_answer_499_itself() {
    let app = upstream(|exchange| exchange.respond(499, "mine"));
    let proxy = thrust().run(&app);
    let response = proxy.connect().get("/");
    assert_eq!((response.status, response.text()), (499, "mine"));
    assert!(proxy.logged_request().get("error").is_none());
}
