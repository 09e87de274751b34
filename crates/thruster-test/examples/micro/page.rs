//! A page such as applications send, the same each time.

use std::fmt::Write;

const WORDS: [&str; 16] = [
    "harbour", "lantern", "of", "quiet", "the", "copper", "and", "morning", "river", "in",
    "winter", "a", "orchard", "with", "old", "letters",
];

/// HTML of at least this length.
pub fn html(length: usize) -> String {
    let mut random = fastrand::Rng::with_seed(7);
    let mut page = String::from("<!DOCTYPE html>\n<title>Shop</title>\n<ul class=\"products\">\n");
    for number in 0.. {
        let words: Vec<&str> = (0..12).filter_map(|_| random.choice(WORDS)).collect();
        let (words, price) = (words.join(" "), random.u32(100..10_000));
        writeln!(
            page,
            "  <li id=\"product_{number}\"><a href=\"/products/{number}\">{words}</a> \
             <span class=\"price\">{}.{:02}</span></li>",
            price / 100,
            price % 100
        )
        .expect("a String takes all");
        if page.len() >= length {
            break;
        }
    }
    page + "</ul>\n"
}
