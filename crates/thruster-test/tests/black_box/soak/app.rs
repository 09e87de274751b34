//! The application under load: downloads, echoes, events and tunnels, and no complaint about
//! clients that break off.

use std::io::{BufRead, Read, Write};

use thruster_test::Exchange;

pub fn answer(exchange: &mut Exchange) {
    let target = exchange.target().to_owned();
    if target == "/echo" {
        return echo(exchange);
    }
    if target == "/tunnel" {
        return tunnel(exchange);
    }
    let (kind, size) = target[1..].split_once('/').expect("a kind and a size");
    let size: usize = size.parse().expect("a size");
    match kind {
        "bytes" => {
            exchange.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n"));
            exchange.send(vec![b'x'; size]);
        }
        "chunks" => {
            exchange.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            for _ in 0..size {
                exchange.send("5\r\nchunk\r\n");
            }
            exchange.send("0\r\n\r\n");
        }
        // Until somebody hangs up.
        _ => {
            exchange.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            let chunk = [&b"4000\r\n"[..], &[b'x'; 0x4000], b"\r\n"].concat();
            while exchange.stream.get_mut().write_all(&chunk).is_ok() {}
            exchange.close();
        }
    }
}

/// Sends the request's body back, if all of it comes.
fn echo(exchange: &mut Exchange) {
    let body = match exchange.header("content-length").parse() {
        Ok(length) => read(exchange, length),
        Err(_) => chunked(exchange),
    };
    match body {
        Some(body) => {
            exchange.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()));
            exchange.send(body);
        }
        None => exchange.close(),
    }
}

fn chunked(exchange: &mut Exchange) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        exchange.stream.read_line(&mut line).ok()?;
        let size = usize::from_str_radix(line.trim_end(), 16).ok()?;
        let mut chunk = read(exchange, size + 2)?;
        chunk.truncate(size);
        body.extend(chunk);
        if size == 0 {
            return Some(body);
        }
    }
}

fn read(exchange: &mut Exchange, length: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; length];
    exchange.stream.read_exact(&mut bytes).ok().map(|()| bytes)
}

fn tunnel(exchange: &mut Exchange) {
    let protocol = exchange.header("upgrade").to_owned();
    exchange.send(format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: {protocol}\r\n\r\n"
    ));
    let mut piece = [0; 4096];
    while let Ok(length @ 1..) = exchange.stream.read(&mut piece) {
        exchange.send(&piece[..length]);
    }
    exchange.close();
}
