//! Entity tags and their two comparisons (RFC 9110 section 8.8.3.2).

/// Whether they name the same content, perhaps in other bytes. What is not quoted is no entity
/// tag, but applications send it, and clients send it back.
pub fn is_same_weakly(one: &[u8], other: &[u8]) -> bool {
    let opaque = |tag| <[u8]>::strip_prefix(tag, b"W/").unwrap_or(tag);
    opaque(one) == opaque(other)
}

/// Whether they name the same bytes.
pub fn is_same_strongly(one: &[u8], other: &[u8]) -> bool {
    is_strong(one) && one == other
}

pub fn is_strong(tag: &[u8]) -> bool {
    tag.len() >= 2 && tag.starts_with(b"\"") && tag.ends_with(b"\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_comparisons_differ_as_the_table_of_section_8_8_3_2_has_it() {
        for (one, other, strong, weak) in [
            ("W/\"1\"", "W/\"1\"", false, true),
            ("W/\"1\"", "W/\"2\"", false, false),
            ("W/\"1\"", "\"1\"", false, true),
            ("\"1\"", "\"1\"", true, true),
            ("\"1\"", "1", false, false),
            ("w/\"1\"", "\"1\"", false, false),
            ("1", "1", false, true),
            ("\"", "\"", false, true),
        ] {
            let (one, other) = (one.as_bytes(), other.as_bytes());
            assert_eq!(is_same_strongly(one, other), strong, "{one:?} {other:?}");
            assert_eq!(is_same_weakly(one, other), weak, "{one:?} {other:?}");
        }
    }
}
