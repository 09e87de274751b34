//! The README's table of settings is the engine's.

use std::fs;
use std::path::Path;

use thruster_proxy::config::settings::SETTINGS;

/// The table's first line. Code marks are for the reader's eye, and do not count here.
const HEADING: [&str; 3] = ["Setting", "Default", "Meaning"];

#[test]
fn the_readme_lists_every_setting_as_help_does() {
    let rows = table();
    let names: Vec<_> = rows.iter().map(|[name, _, _]| name.as_str()).collect();
    let settings: Vec<_> = SETTINGS.iter().map(|setting| setting.name).collect();
    assert_eq!(names, settings, "names and their order");
    for (row, setting) in rows.iter().zip(SETTINGS) {
        let default = if setting.default.is_empty() { "none" } else { setting.default };
        assert_eq!(*row, [setting.name, default, setting.help]);
    }
}

/// The rows of the README's table of settings, without its heading.
fn table() -> Vec<[String; 3]> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let text = fs::read_to_string(path).expect("there is a README");
    let mut lines = text.lines().skip_while(|line| cells(line).is_none_or(|row| row != HEADING));
    assert!(lines.next().is_some(), "no table with the heading {HEADING:?}");
    assert_eq!(lines.next(), Some("|---|---|---|"), "a table has a rule below its heading");
    lines
        .take_while(|line| line.starts_with('|'))
        .map(|line| cells(line).unwrap_or_else(|| panic!("not three cells: {line}")))
        .collect()
}

fn cells(line: &str) -> Option<[String; 3]> {
    let inner = line.strip_prefix('|')?.strip_suffix('|')?;
    let cells: Vec<_> = inner.split('|').map(|cell| cell.trim().replace('`', "")).collect();
    cells.try_into().ok()
}
