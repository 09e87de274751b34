//! What reaches the child of a request, and the client of a response.

use thruster_test::{Upstream, thrust};

#[test]
fn a_request_reaches_the_child_and_its_answer_the_client() {
    let app = Upstream::saying("hello");
    let proxy = thrust().run(&app);
    let response = proxy.connect().get("/path?q=100%&a;b");
    assert_eq!((response.status, response.text()), (200, "hello"));
    assert_eq!(response.header("x-cache"), "bypass");
    assert!(app.received().starts_with("GET /path?q=100%&a;b HTTP/1.1\r\n"));
    assert_eq!(proxy.logged_request()["query"], "q=100%&a;b");
}
