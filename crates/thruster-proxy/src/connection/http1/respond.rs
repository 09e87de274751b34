//! A response on its way to a client: head, body, and what becomes of the connection.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Method, Response, Version};
use http_body::Body;

use super::Session;
use super::encode::{self, Exchange};
use crate::body::{Content, ResponseBody};
use crate::error::Error;
use crate::file_body::FileBody;
use crate::http1::Framing;
use crate::pipeline::{ClientLeft, ClosesConnection};
use crate::read_ahead::Held;
use crate::{turn, zero_copy};

/// What becomes of the connection after a response.
pub enum After {
    Another,
    Close,
    /// The client sends nothing any more, as it said, and there is no TLS to say goodbye.
    Leave,
    Tunnel(ResponseBody),
    /// The body broke off, and an orderly end would make it look whole.
    Reset,
    /// There is nobody left to say anything to.
    Gone,
}

/// A body under way.
struct Sending {
    body: ResponseBody,
    framing: Framing,
    /// Another request may follow.
    keep_alive: bool,
    is_ended: bool,
    held: Held,
    /// Bytes of a file that the kernel has sent since others had their turn.
    sent_in_turn: u64,
    /// Whether the kernel can.
    by_kernel: bool,
}

impl Sending {
    /// The file whose next bytes the kernel can send, if that is what the body is.
    fn file_at_hand(&mut self) -> Option<&mut FileBody> {
        match (&mut self.body.content, self.framing) {
            // Chunks would have to be framed.
            (Content::File(file), Framing::Length(_)) if self.by_kernel => {
                file.is_at_hand().then_some(file)
            }
            _ => None,
        }
    }
}

impl Session<'_> {
    /// Sends a response; `wants_more` tells that another request may follow it.
    pub async fn respond(
        &mut self,
        response: Response<ResponseBody>,
        method: &Method,
        version: Version,
        wants_more: bool,
    ) -> After {
        let mut sending = match self.begin(response, method, version, wants_more) {
            Ok(sending) => sending,
            Err(after) => return after,
        };
        match poll_fn(|cx| self.poll_send(cx, &mut sending)).await {
            Ok(()) if sending.keep_alive && sending.framing != Framing::Close => After::Another,
            Ok(()) => After::Close,
            Err(error) => {
                sending.body.record.failed(&error);
                self.break_off(sending.framing, &error).await
            }
        }
    }

    /// Puts the head in the outbox. Where nothing is to be sent behind it, for another protocol
    /// follows or the client has left, what becomes of the connection.
    fn begin(
        &mut self,
        response: Response<ResponseBody>,
        method: &Method,
        version: Version,
        wants_more: bool,
    ) -> Result<Sending, After> {
        let (mut head, mut body) = response.into_parts();
        if head.extensions.get::<ClientLeft>().is_some() {
            return Err(After::Gone);
        }
        let keep_alive = wants_more && head.extensions.get::<ClosesConnection>().is_none();
        let exchange = Exchange { method, version, keep_alive };
        let framing = encode::framing(exchange, &head, body.size_hint().exact());
        self.writer.outbox.append(|out| encode::head(out, &mut head, framing, exchange));
        if let Content::Tunnel(_) = body.content {
            return Err(After::Tunnel(body));
        }
        let is_ended = framing == Framing::None || body.is_end_stream();
        if is_ended {
            self.writer.outbox.append_end(framing, None);
            body.record.ended();
        }
        let held = self.connection.pipeline.read_ahead.hold();
        let by_kernel = self.writer.is_plain();
        Ok(Sending { body, framing, keep_alive, is_ended, held, sent_in_turn: 0, by_kernel })
    }

    /// Moves the body towards the client: takes frames while there is room, writes when no more
    /// come at once.
    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        sending: &mut Sending,
    ) -> Poll<Result<(), Error>> {
        loop {
            let mut is_dry = false;
            let mut is_sent = sending.file_at_hand().is_some();
            while !(sending.is_ended || is_dry || is_sent)
                && sending.held.set(self.writer.outbox.waiting())
            {
                is_dry = self.poll_take_frame(cx, sending)?.is_pending();
                is_sent = sending.file_at_hand().is_some();
            }
            let flushed = match is_sent {
                true => self.writer.poll_flush_before_file(cx)?,
                false => self.writer.poll_flush(cx)?,
            };
            sending.held.set(self.writer.outbox.waiting());
            ready!(flushed);
            if sending.is_ended {
                return Poll::Ready(Ok(()));
            }
            if is_sent {
                ready!(self.poll_send_file(cx, sending))?;
            } else if is_dry {
                ready!(self.poll_client_gone(cx));
                return Poll::Ready(Err(Error::ClientGone));
            }
        }
    }

    /// Has the kernel send what it has at hand of a file, behind all that was written before.
    fn poll_send_file(
        &mut self,
        cx: &mut Context<'_>,
        sending: &mut Sending,
    ) -> Poll<Result<(), Error>> {
        if sending.sent_in_turn >= zero_copy::TURN {
            sending.sent_in_turn = 0;
            ready!(turn::poll_give(cx));
        }
        let Some(file) = sending.file_at_hand() else { return Poll::Ready(Ok(())) };
        let Poll::Ready(sent) = self.writer.poll_send_file(cx, file) else {
            sending.sent_in_turn = 0;
            return Poll::Pending;
        };
        let sent = sent?;
        sending.sent_in_turn += sent;
        sending.body.record.sent(usize::try_from(sent).unwrap_or(usize::MAX));
        if sending.body.is_end_stream() {
            sending.body.record.ended();
            sending.is_ended = true;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_take_frame(
        &mut self,
        cx: &mut Context<'_>,
        sending: &mut Sending,
    ) -> Poll<Result<(), Error>> {
        let (framing, outbox) = (sending.framing, &mut self.writer.outbox);
        let frame = ready!(Pin::new(&mut sending.body).poll_frame(cx)).transpose()?;
        match frame.map(http_body::Frame::into_data) {
            Some(Ok(data)) => {
                outbox.append_data(framing, data);
                if sending.body.is_end_stream() {
                    outbox.append_end(framing, None);
                    sending.is_ended = true;
                }
            }
            Some(Err(trailers)) => {
                outbox.append_end(framing, trailers.trailers_ref());
                sending.body.record.ended();
                sending.is_ended = true;
            }
            None => {
                outbox.append_end(framing, None);
                sending.is_ended = true;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Ends a response that cannot be finished, so that the client can tell.
    async fn break_off(&mut self, framing: Framing, error: &Error) -> After {
        match error {
            Error::ClientGone => return After::Gone,
            // What the kernel still holds for it would stay for minutes.
            Error::ClientStalled => return After::Reset,
            _ => {}
        }
        // What came before the break is the client's, if it is still there to take it.
        drop(poll_fn(|cx| self.writer.poll_flush(cx)).await);
        match framing {
            Framing::Close => After::Reset,
            _ => After::Gone,
        }
    }
}
