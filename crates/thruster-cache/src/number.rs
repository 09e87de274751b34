//! `1*DIGIT`, of which HTTP has many, and sets no limit to any.

/// The number, or the greatest there is for one that is greater. `None` is not digits alone:
/// `u64::from_str` takes a `+`.
pub fn parse(digits: &[u8]) -> Option<u64> {
    let is_plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let digits = std::str::from_utf8(digits).ok().filter(|_| is_plain)?;
    // Of digits alone it can only fail by being too great.
    Some(digits.parse().unwrap_or(u64::MAX))
}
