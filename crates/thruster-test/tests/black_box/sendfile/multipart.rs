//! Several parts of a file in one answer.

use thruster_test::{Folder, Http2, thrust};

use super::{naming, parts_of, request};

const CONTENT: &str = "0123456789abcdefghij";

fn pair(range: &str, part: &str) -> (String, String) {
    (range.to_owned(), part.to_owned())
}

#[test]
fn several_ranges_are_answered_with_their_parts_in_their_order() {
    let folder = Folder::new();
    for cached in ["", "Cache-Control: public, max-age=60\r\n"] {
        let fields = ["Content-Type: text/plain\r\n", cached].concat();
        let app = naming(&folder.file("file", CONTENT), fields.leak());
        let proxy = thrust().with("H2C_ENABLED", 1).run(&app);
        let mut client = proxy.connect();
        let expected = [pair("5-9/20", "56789"), pair("0-0/20", "0"), pair("18-19/20", "ij")];
        for _ in 0..2 {
            let range = "Range: bytes=5-9, 0-0, -2\r\n";
            let response = request(&mut client, "GET", range);
            assert_eq!((response.status, parts_of(&response)), (206, expected.to_vec()));
            assert_eq!(response.all("content-length"), [response.body.len().to_string()]);
            assert_ne!(response.header("etag"), "");
            // Only for what is kept is the first one a whole.
            assert_eq!(client.get("/file").text(), CONTENT);
        }
        let get = Http2::request("GET", "/file").header("range", "bytes=5-9, 0-0, -2");
        let response = proxy.connect_http2().open(get, true).response();
        assert_eq!(response.status, 206);
        assert_eq!(parts_of(&response), expected);
    }
}

#[test]
fn each_answer_has_a_boundary_of_its_own() {
    let folder = Folder::new();
    let app = naming(&folder.file("file", CONTENT), "Content-Type: text/plain\r\n");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    let mut kind = || {
        let response = request(&mut client, "GET", "Range: bytes=0-0,2-2\r\n");
        response.header("content-type").to_owned()
    };
    assert_ne!(kind(), kind());
}

#[test]
fn ranges_that_touch_are_one_and_those_behind_the_end_are_none() {
    let folder = Folder::new();
    let app = naming(&folder.file("file", CONTENT), "Content-Type: text/plain\r\n");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for (range, content_range, part) in [
        ("0-4,5-9", "bytes 0-9/20", "0123456789"),
        ("5-9,2-6", "bytes 2-9/20", "23456789"),
        ("40-50,3-3", "bytes 3-3/20", "3"),
    ] {
        let response = request(&mut client, "GET", &format!("Range: bytes={range}\r\n"));
        assert_eq!((response.status, response.text()), (206, part), "{range}");
        assert_eq!(response.header("content-range"), content_range);
        assert_eq!(response.header("content-type"), "text/plain");
    }
    let response = request(&mut client, "GET", "Range: bytes=40-50,20-\r\n");
    assert_eq!((response.status, response.header("content-range")), (416, "bytes */20"));
    let head = request(&mut client, "HEAD", "Range: bytes=0-0,2-2\r\n");
    assert_eq!((head.status, head.header("content-length")), (200, "20"));
}

#[test]
fn nobody_is_made_to_work_by_many_ranges() {
    let folder = Folder::new();
    let app = naming(&folder.file("file", CONTENT), "Content-Type: text/plain\r\n");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for range in ["0-,".repeat(500), "0-0,".repeat(17), "0-,0-0".into()] {
        let response = request(&mut client, "GET", &format!("Range: bytes={range}\r\n"));
        assert_eq!((response.status, response.text()), (200, CONTENT));
    }
}

#[test]
fn parts_of_a_large_file_arrive_byte_for_byte() {
    let folder = Folder::new();
    let body: String = (0..500_000).map(|n| format!("{n:06} ")).collect();
    let app = naming(&folder.file("large", &body), "Content-Type: text/plain\r\n");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for _ in 0..2 {
        let range = "Range: bytes=2000000-3399999,7-1500006,3400002-\r\n";
        let parts = parts_of(&request(&mut client, "GET", range));
        let parts: Vec<_> = parts.iter().map(|(range, part)| (&**range, &**part)).collect();
        assert!(parts.iter().map(|(range, _)| *range).eq([
            "2000000-3399999/3500000",
            "7-1500006/3500000",
            "3400002-3499999/3500000"
        ]));
        assert!(parts[0].1 == &body[2_000_000..3_400_000]);
        assert!(parts[1].1 == &body[7..1_500_007] && parts[2].1 == &body[3_400_002..]);
    }
}
