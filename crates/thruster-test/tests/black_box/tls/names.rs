//! The names in TLS_DOMAIN.

use thruster_test::{Folder, Upstream, thrust};

#[test]
fn names_in_any_script_are_ours_as_browsers_ask_for_them() {
    let (app, storage) = (Upstream::saying("hello"), Folder::new());
    let proxy = thrust()
        .with("TLS_DOMAIN", "Bücher.test, *.例え.test")
        .with("STORAGE_PATH", storage.path().display())
        .run(&app);
    for name in ["xn--bcher-kva.test", "www.xn--r8jz45g.test"] {
        let request = format!("GET /\u{fc} HTTP/1.1\r\nHost: {name}\r\n\r\n");
        let response = proxy.connect().send(request).response("GET");
        assert_eq!(response.status, 301, "{name}");
        let site = format!("https://{name}:{}/\u{fc}", proxy.https().port());
        assert_eq!(response.header("location"), site);
    }
    let request = "GET / HTTP/1.1\r\nHost: xn--r8jz45g.test\r\n\r\n";
    assert_eq!(proxy.connect().send(request).response("GET").status, 421, "a wildcard is no name");
}

#[test]
fn what_is_no_name_is_an_error_at_the_start() {
    for bad in ["https://a.example", "a.example:443", "127.0.0.1", "my_app.example", "a.*.example"]
    {
        let failure = thrust().with("TLS_DOMAIN", format!("b.example,{bad}")).fail();
        assert_eq!(failure.code, Some(1), "{bad}");
        assert!(failure.stderr.contains(bad), "{}", failure.stderr);
        assert!(failure.stderr.contains("without https:// or a port"), "{}", failure.stderr);
    }
}
