//! What the client can decode, and what it would rather have: Accept-Encoding (RFC 9110 section
//! 12.5.3). What it says of codings that we do not make is of no interest here.

use http::HeaderMap;
use http::header::ACCEPT_ENCODING;
use thruster_cache::{Coding, quality};

/// As [`quality`] reads it.
type Weight = u16;

/// Accept-Encoding as read. `Default` is that of a client that sends none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Accepted {
    codings: [Option<Weight>; Coding::ALL.len()],
    identity: Option<Weight>,
    /// For `*`, which is every coding that is not named.
    others: Option<Weight>,
}

impl Accepted {
    /// Reads all lines of the field. Malformed members are as if they were not there.
    pub fn of(headers: &HeaderMap) -> Self {
        let mut accepted = Accepted::default();
        let lines = headers.get_all(ACCEPT_ENCODING).iter();
        let members = lines.flat_map(|line| line.as_bytes().split(|&b| b == b','));
        for (name, weight) in members.filter_map(member) {
            if let Some(place) = accepted.place(name) {
                // Named twice: what has been refused once is not sent.
                *place = Some(place.map_or(weight, |earlier| earlier.min(weight)));
            }
        }
        accepted
    }

    /// Those in `preference` that may be sent, from the one that the client likes best; ours comes
    /// first where it likes several as much.
    pub fn ranked(&self, preference: &[Coding]) -> Vec<Coding> {
        let least = self.least();
        let ranked = preference.iter().copied().filter(|coding| self.weight(*coding) >= least);
        let mut ranked: Vec<Coding> = ranked.collect();
        ranked.sort_by_key(|coding| std::cmp::Reverse(self.weight(*coding)));
        ranked
    }

    /// The coding that the client likes best among those in `preference`, the earliest one where
    /// it likes several as much. `None`: leave the body as it is.
    ///
    /// By the standard a client that sends no Accept-Encoding accepts all; but curl and many scripts
    /// decode nothing that they have not asked for, and to leave a body as it is is never wrong.
    /// Where `identity` is refused and nothing else can be made, the standard leaves it to us, and
    /// the body as it is is still the best answer.
    pub fn choose(&self, preference: &[Coding]) -> Option<Coding> {
        let least = self.least();
        let mut best: Option<(Coding, Weight)> = None;
        for &coding in preference {
            let weight = self.weight(coding);
            if weight >= least && best.is_none_or(|(_, most)| weight > most) {
                best = Some((coding, weight));
            }
        }
        best.map(|(coding, _)| coding)
    }

    /// What a coding must weigh at least. An identity that is not named is the last resort; one that
    /// is named is a candidate, and loses to a coding that is liked as much.
    fn least(&self) -> Weight {
        self.identity.unwrap_or(0).max(1)
    }

    fn weight(&self, coding: Coding) -> Weight {
        self.codings[coding as usize].or(self.others).unwrap_or(0)
    }

    /// Where the weight of a member with this name is kept. Names are case-insensitive (RFC 9110
    /// section 8.4.1).
    fn place(&mut self, name: &[u8]) -> Option<&mut Option<Weight>> {
        let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
        if let Some(coding) = Coding::ALL.into_iter().find(|coding| is(coding.name())) {
            return Some(&mut self.codings[coding as usize]);
        }
        match name {
            b"*" => Some(&mut self.others),
            _ if is("identity") => Some(&mut self.identity),
            // The same coding (RFC 9110 section 8.4.1.3).
            _ if is("x-gzip") => Some(&mut self.codings[Coding::Gzip as usize]),
            _ => None,
        }
    }
}

/// Reads `name` or `name;q=0.5`.
fn member(text: &[u8]) -> Option<(&[u8], Weight)> {
    let Some(at) = text.iter().position(|&b| b == b';') else {
        return Some((text.trim_ascii(), 1000));
    };
    match text[at + 1..].trim_ascii() {
        [b'q' | b'Q', b'=', value @ ..] => Some((text[..at].trim_ascii(), quality::parse(value)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
