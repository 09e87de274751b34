//! Those who leave, those who do not read, and answers that do not come to a good end.

use super::super::{got, numbering};
use super::{FRESH, ask, slow};
use thruster_test::{Event, Http2, event, thrust, upstream};

#[test]
fn who_leaves_before_the_answer_hands_over() {
    let (sender, hung_up) = event();
    let app = numbering(move |exchange, number| match (exchange.target(), number) {
        ("/", 1) => sender.send(exchange.is_hung_up_on()).expect("a test that listens"),
        ("/", _) => exchange.answer(200, FRESH, "answer"),
        _ => exchange.answer(200, "", "at once"),
    });
    let proxy = thrust().with("H2C_ENABLED", true).run(&app);
    let mut leader = proxy.connect();
    leader.send("GET / HTTP/1.1\r\nHost: test.example\r\n\r\n");
    assert!(app.received().starts_with("GET / "));
    let http2 = proxy.connect_http2();
    let streams: Vec<_> = (0..3).map(|_| http2.open(Http2::request("GET", "/"), true)).collect();
    http2.get("/other");
    assert!(app.received().starts_with("GET /other "));
    drop(leader);
    assert!(hung_up.wait(), "the child need not go on");
    for stream in streams {
        // Who comes to its turn when the answer is there already finds a hit.
        let response = stream.response();
        let (cache, body) = got(&response);
        assert!(["miss", "hit"].contains(&cache) && body == "answer", "{response:?}");
    }
    assert!(app.received().starts_with("GET / "));
    assert!(app.has_received_nothing(), "one of them took over");
    assert_eq!(got(&proxy.connect().get("/")), ("hit", "answer"));
}

#[test]
fn who_leaves_in_the_middle_leaves_the_answer_to_the_others() {
    for others in [0, 2] {
        let (go_on, told): (_, Event<()>) = event();
        let app = upstream(move |exchange| {
            exchange.send(
                "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 6\r\n\r\none",
            );
            told.wait();
            exchange.send("two");
        });
        let proxy = thrust().run(&app);
        let begin = || {
            let mut client = proxy.connect();
            client.send("GET / HTTP/1.1\r\nHost: test.example\r\n\r\n");
            assert_eq!(client.head().status, 200);
            assert_eq!(client.bytes(3), b"one");
            client
        };
        let leader = begin();
        let clients: Vec<_> = (0..others).map(|_| begin()).collect();
        drop(leader);
        assert_eq!(proxy.logged_request()["error"], "client went away");
        go_on.send(()).expect("a child that listens");
        for mut client in clients {
            assert_eq!(client.bytes(3), b"two");
        }
        app.received();
        let last = proxy.connect().get("/");
        assert_eq!(last.text(), "onetwo");
        assert!(app.has_received_nothing(), "with {others} others");
    }
}

#[test]
fn who_follows_and_leaves_disturbs_nobody() {
    let (app, proxy, go_on) = slow(|exchange, _| exchange.answer(200, FRESH, "answer"));
    let http2 = proxy.connect_http2();
    let mut streams = ask(&app, &http2, 3);
    streams.remove(1).reset();
    assert_eq!(proxy.log_where(|line| line["path"] == "/")["status"], 499);
    go_on.send(()).expect("a child that listens");
    for stream in streams {
        assert_eq!(stream.response().text(), "answer");
    }
}

#[test]
fn an_answer_that_breaks_off_breaks_off_for_all() {
    let (go_on, told): (_, Event<()>) = event();
    let app = numbering(move |exchange, number| {
        if number > 1 {
            return exchange.answer(200, FRESH, "onetwo");
        }
        exchange
            .send("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 6\r\n\r\none");
        told.wait();
        exchange.close();
    });
    let proxy = thrust().run(&app);
    let mut clients: Vec<_> = (0..3).map(|_| proxy.connect()).collect();
    for client in &mut clients {
        client.send("GET / HTTP/1.1\r\nHost: test.example\r\n\r\n");
        assert_eq!(client.head().status, 200);
        assert_eq!(client.bytes(3), b"one");
    }
    go_on.send(()).expect("a child that listens");
    for client in &mut clients {
        assert_eq!(client.remains(), b"", "and everybody notices");
    }
    assert_eq!(got(&proxy.connect().get("/")), ("miss", "onetwo"));
}

#[test]
fn who_does_not_read_holds_up_nobody() {
    // More than the sockets between us hold, and little enough to be kept.
    let app = upstream(|exchange| exchange.answer(200, FRESH, &"x".repeat(8_000_000)));
    let proxy = thrust().with("MAX_CACHE_ITEM_SIZE", "10MB").run(&app);
    let mut idle: Vec<_> = (0..3).map(|_| proxy.connect()).collect();
    for client in &mut idle {
        client.send("GET / HTTP/1.1\r\nHost: test.example\r\n\r\n");
        assert_eq!(client.head().status, 200);
    }
    let quick = proxy.connect().get("/");
    assert_eq!((quick.status, quick.body.len()), (200, 8_000_000));
    for client in &mut idle {
        assert_eq!(client.bytes(8_000_000).len(), 8_000_000);
    }
    app.received();
    assert!(app.has_received_nothing());
}

#[test]
fn what_turns_out_too_large_reaches_all_who_wait_for_it() {
    let (go_on, told): (_, Event<()>) = event();
    let app = upstream(move |exchange| {
        exchange.send(
            "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\n",
        );
        for number in 0..100_000 {
            exchange.send(format!("20\r\n{number:032}\r\n"));
            if number == 100 {
                told.wait();
            }
        }
        exchange.send("0\r\n\r\n");
    });
    let proxy = thrust().run(&app);
    let mut clients: Vec<_> = (0..3).map(|_| proxy.connect()).collect();
    for client in &mut clients {
        client.send("GET / HTTP/1.1\r\nHost: test.example\r\n\r\n");
        assert_eq!(client.head().status, 200);
    }
    app.received();
    assert!(app.has_received_nothing());
    let expected: String = (0..100_000).map(|number| format!("{number:032}")).collect();
    std::thread::scope(|scope| {
        for client in &mut clients {
            let expected = &expected;
            scope.spawn(move || {
                let body: Vec<u8> = std::iter::from_fn(|| client.chunk()).flatten().collect();
                assert!(body == expected.as_bytes());
            });
        }
        go_on.send(()).expect("a child that listens");
    });
    go_on.send(()).expect("a child that listens");
    assert_eq!(proxy.connect().get("/").header("x-cache"), "miss");
}
