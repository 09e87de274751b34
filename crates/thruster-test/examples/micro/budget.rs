//! bench/budget.txt: what each count may be, and by which tools it was counted. Counting again may
//! give a little more or less; [`TOLERANCE`] is far beyond that, and what is past it is a change.

use std::fmt::{self, Display, Formatter};

use crate::tally::Count;

/// Percent.
const TOLERANCE: f64 = 10.0;

/// Percent by which a count may differ before `--update` writes it anew: what has not changed is
/// not to look as if it had.
const NOISE: f64 = 1.0;

const PREFACE: &str = "\
# Instructions a turn, and what they are spent on. `bin/test` fails past 10 % more; `bin/micro --update`
# writes what has changed. Say in the commit why something may cost more.
";
const COUNTED_BY: &str = "# counted by: ";

/// As the file has it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Budget {
    tools: String,
    counts: Vec<Count>,
}

/// What is to be said of one count.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Outcome {
    Kept,
    /// Percent above the budget.
    Over(f64),
    /// Over as well, but other tools counted: that may be all.
    NotJudged(f64),
    /// Percent below the budget, which is no longer one.
    Under(f64),
    NoBudget,
    NotCounted,
}

/// What is to be said of all of them.
pub struct Verdict {
    outcomes: Vec<(String, Outcome)>,
    tools: [String; 2],
}

impl Budget {
    /// Reads the file.
    ///
    /// # Errors
    /// A line that is neither a remark nor a number and a name.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut budget = Budget::default();
        for line in text.lines().map(str::trim) {
            if let Some(tools) = line.strip_prefix(COUNTED_BY) {
                budget.tools = tools.into();
            } else if !line.is_empty() && !line.starts_with('#') {
                let count = line.split_once("  ").and_then(|(number, name)| {
                    Some(Count { name: name.into(), instructions: number.parse().ok()? })
                });
                budget.counts.push(count.ok_or(format!("not a count: {line}"))?);
            }
        }
        Ok(budget)
    }

    /// Whether these tools have counted it.
    pub fn is_by(&self, tools: &str) -> bool {
        self.tools == tools
    }

    /// Takes over the counts that differ; `is_all` if nothing else is counted.
    pub fn update(&mut self, counts: &[Count], tools: &str, is_all: bool) {
        let mut counts = counts.to_vec();
        for count in &mut counts {
            if let Some(old) = self.of(&count.name)
                && change(old, count.instructions).abs() <= NOISE
            {
                count.instructions = old;
            }
        }
        if is_all {
            *self = Budget { tools: tools.into(), counts };
            return;
        }
        for count in counts {
            match self.counts.iter_mut().find(|old| old.name == count.name) {
                Some(old) => *old = count,
                None => self.counts.push(count),
            }
        }
    }

    /// Holds counts against the budget; `is_all` if nothing else is counted.
    pub fn judge(&self, counts: &[Count], tools: &str, is_all: bool) -> Verdict {
        let judge = |count: &Count| {
            let outcome = match self.of(&count.name).map(|old| change(old, count.instructions)) {
                None => Outcome::NoBudget,
                Some(more) if more > TOLERANCE && self.is_by(tools) => Outcome::Over(more),
                Some(more) if more > TOLERANCE => Outcome::NotJudged(more),
                Some(more) if more < -TOLERANCE && self.is_by(tools) => Outcome::Under(-more),
                Some(_) => Outcome::Kept,
            };
            (count.name.clone(), outcome)
        };
        let mut outcomes: Vec<_> = counts.iter().map(judge).collect();
        let is_missing = |old: &&Count| is_all && counts.iter().all(|new| new.name != old.name);
        let missing = self.counts.iter().filter(is_missing);
        outcomes.extend(missing.map(|old| (old.name.clone(), Outcome::NotCounted)));
        Verdict { outcomes, tools: [self.tools.clone(), tools.into()] }
    }

    fn of(&self, name: &str) -> Option<u64> {
        self.counts.iter().find(|count| count.name == name).map(|count| count.instructions)
    }
}

impl Display for Budget {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{PREFACE}{COUNTED_BY}{}\n", self.tools)?;
        self.counts
            .iter()
            .try_for_each(|count| writeln!(f, "{:>10}  {}", count.instructions, count.name))
    }
}

impl Verdict {
    pub fn is_kept(&self) -> bool {
        self.outcomes.iter().all(|(_, outcome)| !outcome.is_failure())
    }

    fn number(&self, is: impl Fn(&Outcome) -> bool) -> usize {
        self.outcomes.iter().filter(|(_, outcome)| is(outcome)).count()
    }
}

impl Outcome {
    fn is_failure(self) -> bool {
        matches!(self, Outcome::Over(_) | Outcome::NoBudget | Outcome::NotCounted)
    }

    fn is_not_judged(&self) -> bool {
        matches!(self, Outcome::NotJudged(_))
    }
}

/// What is worth a word, and then the numbers that `bin/test` reads.
impl Display for Verdict {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (name, outcome) in &self.outcomes {
            match outcome {
                Outcome::Kept => {}
                Outcome::Over(more) => writeln!(f, "FAIL  {name}: {more:.1} % over its budget")?,
                Outcome::NotJudged(more) => writeln!(f, "?     {name}: {more:.1} % over")?,
                Outcome::Under(less) => {
                    writeln!(f, "note  {name}: {less:.1} % below its budget; please lower it")?;
                }
                Outcome::NoBudget => writeln!(f, "FAIL  {name}: has no budget")?,
                Outcome::NotCounted => writeln!(f, "FAIL  {name}: has a budget, and is no count")?,
            }
        }
        let not_judged = self.number(Outcome::is_not_judged);
        if not_judged > 0 {
            let [budget, ours] = &self.tools;
            writeln!(f, "Not judged, for the budget was counted by {budget};")?;
            writeln!(f, "this is {ours}.")?;
        }
        let failed = self.number(|outcome| outcome.is_failure());
        if self.outcomes.iter().any(|(_, outcome)| *outcome != Outcome::Kept) {
            writeln!(f, "bin/micro --update writes what has been counted into bench/budget.txt.")?;
        }
        let kept = self.outcomes.len() - not_judged - failed;
        write!(f, "budgets: {kept} kept, {failed} failed, {not_judged} not judged")
    }
}

/// Percent by which `new` is more than `old`.
fn change(old: u64, new: u64) -> f64 {
    (new as f64 - old as f64) * 100.0 / old as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOOLS: &str = "rustc 1";

    fn counts(counts: &[(&str, u64)]) -> Vec<Count> {
        let count = |&(name, instructions): &(&str, _)| Count { name: name.into(), instructions };
        counts.iter().map(count).collect()
    }

    fn budget() -> Budget {
        Budget { tools: TOOLS.into(), counts: counts(&[("hit", 1_000), ("HTTP/1 head", 200)]) }
    }

    /// Whether it passes, and the first line and the last of what is said.
    fn judged(new: &[(&str, u64)], tools: &str) -> (bool, String, String) {
        let verdict = budget().judge(&counts(new), tools, true);
        let text = verdict.to_string();
        let line = |line: Option<&str>| line.expect("a line").to_owned();
        (verdict.is_kept(), line(text.lines().next()), line(text.lines().last()))
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        assert_eq!(Budget::parse(&budget().to_string()), Ok(budget()));
        assert_eq!(Budget::parse("12 hit").unwrap_err(), "not a count: 12 hit");
    }

    #[test]
    fn a_tenth_more_is_kept_and_what_is_beyond_fails() {
        let (is_kept, _, numbers) = judged(&[("hit", 1_100), ("HTTP/1 head", 180)], TOOLS);
        assert_eq!((is_kept, &numbers[..]), (true, "budgets: 2 kept, 0 failed, 0 not judged"));
        let (is_kept, said, numbers) = judged(&[("hit", 1_111), ("HTTP/1 head", 200)], TOOLS);
        assert_eq!((is_kept, &said[..]), (false, "FAIL  hit: 11.1 % over its budget"));
        assert_eq!(numbers, "budgets: 1 kept, 1 failed, 0 not judged");
    }

    #[test]
    fn what_other_tools_count_may_be_kept_but_does_not_fail() {
        let (is_kept, said, numbers) = judged(&[("hit", 1_200), ("HTTP/1 head", 200)], "rustc 2");
        assert_eq!((is_kept, &said[..]), (true, "?     hit: 20.0 % over"));
        assert_eq!(numbers, "budgets: 1 kept, 0 failed, 1 not judged");
    }

    #[test]
    fn a_budget_that_has_become_too_high_passes_with_a_word() {
        let (is_kept, said, numbers) = judged(&[("hit", 800), ("HTTP/1 head", 200)], TOOLS);
        assert_eq!(
            (is_kept, &said[..]),
            (true, "note  hit: 20.0 % below its budget; please lower it")
        );
        assert_eq!(numbers, "budgets: 2 kept, 0 failed, 0 not judged");
    }

    #[test]
    fn counts_and_budgets_belong_together() {
        let (is_kept, said, numbers) = judged(&[("hit", 1_000), ("miss", 5)], TOOLS);
        assert_eq!((is_kept, &said[..]), (false, "FAIL  miss: has no budget"));
        assert_eq!(numbers, "budgets: 1 kept, 2 failed, 0 not judged");
        let of_some = budget().judge(&counts(&[("hit", 1_000)]), TOOLS, false);
        assert!(of_some.is_kept(), "{of_some}");
    }

    #[test]
    fn an_update_writes_what_has_changed() {
        let mut budget = budget();
        budget.update(&counts(&[("hit", 1_009), ("HTTP/1 head", 150)]), "rustc 2", true);
        let expected = counts(&[("hit", 1_000), ("HTTP/1 head", 150)]);
        assert_eq!(budget, Budget { tools: "rustc 2".into(), counts: expected });
        budget.update(&counts(&[("hit", 900), ("miss", 5)]), "rustc 2", false);
        assert_eq!(budget.counts, counts(&[("hit", 900), ("HTTP/1 head", 150), ("miss", 5)]));
        budget.update(&counts(&[("miss", 5)]), "rustc 2", true);
        assert_eq!(budget.counts, counts(&[("miss", 5)]));
    }
}
