//! HTTP/2 frame by frame (RFC 9113 section 4.1), for what a proper client would not let us say or
//! see. Header blocks are written by hand (RFC 7541).

use std::io::{BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;

use thruster_test::{PATIENCE, Thrust};

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const PRIORITY: u8 = 2;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;

pub const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;
const ACK: u8 = 1;

/// SETTINGS_INITIAL_WINDOW_SIZE of no byte (RFC 9113 section 6.5.2).
pub const NO_WINDOW: &[u8] = b"\x00\x04\0\0\0\0";

/// A GET of `/`: indexed method, scheme and path, and `:authority: a`.
pub const GET: &[u8] = b"\x82\x86\x84\x41\x01a";

pub struct Frames(BufReader<TcpStream>);

#[derive(Debug)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub payload: Vec<u8>,
}

impl Frames {
    pub fn open(proxy: &Thrust) -> Self {
        let stream = TcpStream::connect(proxy.address()).expect("somebody listens");
        stream.set_nodelay(true).expect("a socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        let mut frames = Frames(BufReader::new(stream));
        frames.try_send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        frames.send(SETTINGS, 0, 0, b"");
        frames
    }

    pub fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let frame = frame(kind, flags, stream, payload);
        self.0.get_mut().write_all(&frame).expect("the other side reads");
    }

    /// Sends a frame many times over; whether anybody still listens is for later.
    pub fn flood(&mut self, times: usize, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.try_send(&frame(kind, flags, stream, payload).repeat(times));
    }

    /// Sends bytes, to nobody if it has to be.
    pub fn try_send(&mut self, bytes: &[u8]) {
        drop(self.0.get_mut().write_all(bytes));
    }

    /// Waits until everything that was sent has been looked at; false if the connection has ended.
    pub fn is_heard(&mut self) -> bool {
        const PAYLOAD: &[u8] = b"are you?";
        self.try_send(&frame(PING, 0, 0, PAYLOAD));
        while let Some(frame) = self.try_read() {
            if frame.kind == PING && frame.flags & ACK != 0 && frame.payload == PAYLOAD {
                return true;
            }
        }
        false
    }

    /// Reads until thrust hangs up. Returns the code of its GOAWAY (RFC 9113 section 7), if there
    /// was one: it is lost where the connection is reset behind it.
    pub fn last_words(&mut self) -> Option<u8> {
        let mut code = None;
        while let Some(frame) = self.try_read() {
            code = if frame.kind == GOAWAY { Some(frame.payload[7]) } else { code };
        }
        code
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

    /// The next frame of this kind, or the end.
    pub fn try_next(&mut self, kind: u8) -> Option<Frame> {
        loop {
            let frame = self.try_read()?;
            if frame.kind == kind {
                return Some(frame);
            }
        }
    }

    /// Reads on until thrust closes the connection.
    pub fn until_closed(&mut self) {
        let end = std::io::copy(&mut self.0, &mut std::io::sink());
        assert!(end.is_ok(), "no clean end: {end:?}");
    }

    fn read(&mut self) -> Frame {
        self.try_read().expect("another frame")
    }

    /// The next frame, or the end.
    fn try_read(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        self.fill(&mut head)?;
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        self.fill(&mut payload)?;
        Some(Frame { kind: head[3], flags: head[4], payload })
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Option<()> {
        match self.0.read_exact(bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                panic!("thrust neither speaks nor hangs up")
            }
            read => read.ok(),
        }
    }
}

/// The bytes of a frame.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short payload").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}
