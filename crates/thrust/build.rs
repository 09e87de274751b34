//! Tells the executable what it was built for, as `--version` prints it.

fn main() {
    let target = std::env::var("TARGET").expect("cargo tells build scripts their target");
    println!("cargo::rustc-env=THRUST_TARGET={target}");
    println!("cargo::rerun-if-changed=build.rs");
}
