//! Lets the linker of macOS leave open what Ruby will bring, as the others do unasked.

fn main() {
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("macos") {
        println!("cargo::rustc-link-arg-cdylib=-Wl,-undefined,dynamic_lookup");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
