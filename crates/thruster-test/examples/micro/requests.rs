//! Whole requests through the executable, from the client's bytes to the client's bytes, one
//! after the other over connections that stay. The kernel's part is not counted.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use rustls::client::Resumption;
use thruster_test::{
    Authority, Client, Exchange, Folder, Http2, PATIENCE, Response, Thrust, ThrustBuilder, Trust,
    Upstream, thrust, upstream,
};

use crate::callgrind::Callgrind;
use crate::page;
use crate::steps::{CODINGS, FIELDS};
use crate::tally::Tally;

/// Asked beforehand, until nothing is done for the first time: connections opened, buffers grown,
/// codings of what is kept made.
const WARM_UP: u32 = 30;

/// Enough that it does not matter when the thread that writes the log wakes up.
const TURNS: u32 = 200;

/// Bytes of a file, at least.
const FILE: usize = 20_000;

const NAME: &str = "shop.example";

/// A thrust under valgrind.
struct Counted<'a> {
    callgrind: Callgrind,
    thrust: Thrust,
    tally: &'a mut Tally,
}

impl<'a> Counted<'a> {
    fn start(thrust: ThrustBuilder, app: &Upstream, tally: &'a mut Tally) -> Self {
        let callgrind = Callgrind::new();
        let thrust = thrust.under(&callgrind.words()).run(app);
        Counted { callgrind, thrust, tally }
    }

    /// Counts what is asked, for which it gets a number, and looks at each answer.
    fn count(&mut self, name: &str, turns: u32, mut ask: impl FnMut(u32)) {
        if self.tally.wants(name) {
            (0..WARM_UP).for_each(&mut ask);
            let turns_taken = || (WARM_UP..WARM_UP + turns).for_each(&mut ask);
            let profile = self.callgrind.profile(self.thrust.pid(), turns_taken);
            self.tally.note(name, turns, &profile);
        }
    }
}

/// Counts them.
pub fn count(tally: &mut Tally) {
    let folder = Folder::new();
    let file = folder.file("page.css", page::html(FILE));
    let app = app(&file);
    let path = folder.path().display();
    // When it starts it looks through all that lies where temporary files are.
    let plain = || thrust().in_folder(folder.path()).with("TMPDIR", &path);
    pages(Counted::start(plain().with("H2C_ENABLED", 1), &app, tally));
    without_log(Counted::start(plain().with("LOG_REQUESTS", 0), &app, tally));
    files(Counted::start(plain().with("STATIC_PATH", &path), &app, tally));
    let authority = Authority::new();
    let secure = plain().with_certificates(&[&authority.certify(&[NAME])]);
    tls(Counted::start(secure, &app, tally), &authority.trust());
}

/// The application: what it says follows from what it is asked for.
fn app(file: &Path) -> Upstream {
    const PAGE: &str = "Content-Type: text/html; charset=utf-8\n";
    const KEPT: &str = "Content-Type: text/html; charset=utf-8\n\
                        Cache-Control: public, max-age=86400\nETag: \"1\"\n";
    // The one too short to be coded.
    let (short, long) = (page::html(700), page::html(30_000));
    let sent = format!("X-Sendfile: {}\n", file.display());
    upstream(move |exchange: &mut Exchange| match exchange.target().split('/').nth(1) {
        Some("kept") => exchange.answer(200, KEPT, &short),
        Some("kept-long") => exchange.answer(200, KEPT, &long),
        Some("long") => exchange.answer(200, PAGE, &long),
        Some("sent") => exchange.answer(200, &sent, ""),
        _ => exchange.answer(200, PAGE, &short),
    })
}

fn pages(mut counted: Counted) {
    let mut client = counted.thrust.connect();
    counted.count("miss", TURNS, |_| is(&get(&mut client, "/page"), "miss", ""));
    counted
        .count("miss, kept", TURNS, |n| is(&get(&mut client, &format!("/kept/{n}")), "miss", ""));
    counted.count("miss, 30 KB in gzip", TURNS / 10, |_| {
        is(&ask(&mut client, "/long", "Accept-Encoding: gzip"), "miss", "gzip");
    });
    counted.count("hit", TURNS, hit("", || get(&mut client, "/kept")));
    counted.count("hit, 30 KB in br", TURNS, hit("br", || get(&mut client, "/kept-long")));
    counted.count("hit, 304", TURNS, |_| {
        let response = ask(&mut client, "/kept", "If-None-Match: \"1\"");
        assert_eq!(response.status, 304, "{response:?}");
    });
    counted.count("X-Sendfile, 20 KB", TURNS, |_| {
        assert!(ask(&mut client, "/sent", "").body.len() >= FILE);
    });
    let client = counted.thrust.connect_http2();
    counted.count("HTTP/2 miss", TURNS, |_| is(&get2(&client, "/page"), "miss", ""));
    counted.count("HTTP/2 hit", TURNS, hit("", || get2(&client, "/kept")));
}

fn without_log(mut counted: Counted) {
    let mut client = counted.thrust.connect();
    counted.count("hit, no log", TURNS, hit("", || get(&mut client, "/kept")));
}

fn files(mut counted: Counted) {
    let mut client = counted.thrust.connect();
    counted.count("static file, 20 KB", TURNS, |_| {
        assert!(ask(&mut client, "/page.css", "").body.len() >= FILE);
    });
}

fn tls(mut counted: Counted, trust: &Trust) {
    let address = counted.thrust.https();
    let client = Http2::connect_tls(address, NAME, trust);
    counted.count("HTTP/2 hit over TLS", TURNS, hit("", || get2(&client, "/kept")));
    let mut trust = trust.clone();
    Arc::make_mut(&mut trust.config).resumption = Resumption::disabled();
    // The hit shows that the server's side of the handshake is over.
    let connect = || get(&mut Client::connect_tls(address, NAME, &trust), "/kept");
    counted.count("TLS handshake, then a hit", TURNS / 4, hit("", connect));
}

fn get(client: &mut Client, target: &str) -> Response {
    ask(client, target, &format!("Accept-Encoding: {CODINGS}"))
}

fn ask(client: &mut Client, target: &str, field: &str) -> Response {
    client.ask("GET", target, &format!("{FIELDS}{field}"))
}

fn get2(client: &Http2, target: &str) -> Response {
    let fields = FIELDS.lines().filter_map(|line| line.split_once(": "));
    let head =
        fields.fold(Http2::request("GET", target), |head, (name, value)| head.header(name, value));
    client.open(head.header("Accept-Encoding", CODINGS), true).response()
}

/// Asks for what is kept; the first time, until it is, and in its coding.
fn hit(coding: &str, mut ask: impl FnMut() -> Response) -> impl FnMut(u32) {
    move |number| {
        let until = Instant::now() + PATIENCE;
        let mut response = ask();
        while number == 0 && !has(&response, "hit", coding) && Instant::now() < until {
            response = ask();
        }
        is(&response, "hit", coding);
    }
}

fn is(response: &Response, cache: &str, coding: &str) {
    assert!(response.status == 200 && has(response, cache, coding), "{response:?}");
}

fn has(response: &Response, cache: &str, coding: &str) -> bool {
    response.header("x-cache") == cache && response.header("content-encoding") == coding
}
