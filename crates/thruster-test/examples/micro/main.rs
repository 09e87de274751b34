//! Counts the instructions of single steps and of whole requests, and holds them against
//! bench/budget.txt: on a machine that does other things as well, clocks are no judges. Run it by
//! `bin/micro`, which builds it and the thrust beside it. It needs valgrind.

mod budget;
mod callgrind;
mod page;
mod requests;
mod steps;
mod tally;
mod tools;

use std::path::PathBuf;
use std::process::ExitCode;

use budget::Budget;
use tally::Tally;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../bench/budget.txt");

const USAGE: &str = "\
Usage: bin/micro [--only TEXT] [--keep FOLDER] [--update]

  --only TEXT    counts that have this in their name
  --keep FOLDER  leaves there what callgrind_annotate reads, a file a count
  --update       writes what differs from the budget into it";

/// What the command line asks for.
#[derive(Default)]
struct Wish {
    only: String,
    keep: Option<PathBuf>,
    is_update: bool,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    // This program again, as valgrind runs it.
    if let [steps::WORD, only] = words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        return steps::take(only);
    }
    match Wish::read(words.into_iter()) {
        Some(wish) => count(wish),
        None => {
            eprintln!("{USAGE}");
            ExitCode::FAILURE
        }
    }
}

impl Wish {
    fn read(mut words: impl Iterator<Item = String>) -> Option<Self> {
        let mut wish = Wish::default();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--only" => wish.only = words.next()?,
                "--keep" => wish.keep = Some(words.next()?.into()),
                "--update" => wish.is_update = true,
                _ => return None,
            }
        }
        Some(wish)
    }
}

fn count(Wish { only, keep, is_update }: Wish) -> ExitCode {
    let budget = std::fs::read_to_string(FILE).unwrap_or_default();
    let mut budget = Budget::parse(&budget).expect("bench/budget.txt is as bin/micro wrote it");
    let (tools, is_all) = (tools::versions(), only.is_empty());
    if is_update && !is_all && !budget.is_by(&tools) {
        eprintln!("The budget was counted by other tools than {tools}: please update all of it.");
        return ExitCode::FAILURE;
    }
    let mut tally = Tally::of(&only, keep);
    steps::count(&mut tally);
    requests::count(&mut tally);
    if is_update {
        budget.update(&tally.counts, &tools, is_all);
        std::fs::write(FILE, budget.to_string()).expect("bench/budget.txt can be written");
    }
    let verdict = budget.judge(&tally.counts, &tools, is_all);
    println!("\n{verdict}");
    if verdict.is_kept() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
