//! HTTP/2 frame by frame (RFC 9113 section 4.1), for what a proper client would not let us say or
//! see. Header blocks are written by hand (RFC 7541).

use thruster_test::{Client, Thrust};

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
pub const GOAWAY: u8 = 7;

pub const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;
const ACK: u8 = 1;

/// A GET of `/`: indexed method, scheme and path, and `:authority: a`.
pub const GET: &[u8] = b"\x82\x86\x84\x41\x01a";

pub struct Frames(Client);

#[derive(Debug)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub payload: Vec<u8>,
}

impl Frames {
    pub fn open(proxy: &Thrust) -> Self {
        let mut client = proxy.connect();
        client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        let mut frames = Frames(client);
        frames.send(SETTINGS, 0, 0, b"");
        frames
    }

    pub fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).expect("a short payload").to_be_bytes();
        let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
        self.0.send([&head, payload].concat());
    }

    /// The next frame of this kind; what comes before it is passed over, politely.
    pub fn next(&mut self, kind: u8) -> Frame {
        loop {
            let frame = self.read();
            if matches!(frame.kind, PING | SETTINGS) && frame.flags & ACK == 0 {
                let payload = if frame.kind == PING { &frame.payload[..] } else { b"" };
                self.send(frame.kind, ACK, 0, payload);
            }
            if frame.kind == kind {
                return frame;
            }
        }
    }

    /// Reads on until thrust closes the connection.
    pub fn until_closed(&mut self) {
        self.0.rest();
    }

    fn read(&mut self) -> Frame {
        let head = self.0.bytes(9);
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        Frame { kind: head[3], flags: head[4], payload: self.0.bytes(length) }
    }
}
