//! What the engine says besides the access log: `tracing` events as log lines. A subscriber of
//! our own, because all we need of one is this page.

use std::fmt::{Debug, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, level_filters::LevelFilter, span};

use super::{Line, Log};

/// Sends events to a [`Log`].
pub struct Diagnostics {
    log: Log,
    level: Level,
}

impl Diagnostics {
    pub fn new(log: Log, is_debug: bool) -> Self {
        Diagnostics { log, level: if is_debug { Level::DEBUG } else { Level::INFO } }
    }
}

impl Subscriber for Diagnostics {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // What our libraries tell at DEBUG is for their authors.
        let is_ours = metadata.target().starts_with("thruster_");
        is_ours && metadata.is_event() && *metadata.level() <= self.level
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level.into())
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut out = Vec::new();
        let level = event.metadata().level().as_str();
        let mut line = Line::begin(&mut out, self.log.style, level, &fields.message);
        for (key, value) in &fields.rest {
            line.text(key, value);
        }
        line.end();
        self.log.write(&out);
    }

    // There are no spans in the engine.
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[derive(Default)]
struct Fields {
    message: String,
    rest: Vec<(&'static str, String)>,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            // Writing into a `String` cannot fail.
            let _ = write!(self.message, "{value:?}");
        } else {
            self.rest.push((field.name(), format!("{value:?}")));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.rest.push((field.name(), value.to_owned()));
    }
}
