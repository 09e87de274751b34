//! The stores of trust there are, and what has to be run to tell them of a CA.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use thruster_proxy::LocalAuthority;

/// Where systems keep what their administrator trusts, and the program that makes it known.
/// Debian and Alpine; Fedora; Arch; openSUSE.
const SYSTEMS: [(&str, &str); 4] = [
    ("/usr/local/share/ca-certificates", "update-ca-certificates"),
    ("/etc/pki/ca-trust/source/anchors", "update-ca-trust"),
    ("/etc/ca-certificates/trust-source/anchors", "update-ca-trust"),
    ("/etc/pki/trust/anchors", "update-ca-certificates"),
];

/// Chromium's databases below a home. It makes the first where it finds none.
const CHROMIUM: [&str; 3] =
    [".pki/nssdb", ".local/share/pki/nssdb", "snap/chromium/current/.pki/nssdb"];

/// Below a home, the folders of Firefox's profiles, each of which has a database.
const FIREFOX: [&str; 3] =
    [".mozilla/firefox", ".config/mozilla/firefox", "snap/firefox/common/.mozilla/firefox"];

/// Who is to be told, and how.
pub struct Store {
    pub whose: String,
    /// To be run in this order, while all goes well.
    pub commands: Vec<Vec<OsString>>,
    /// Whether it takes root.
    pub is_roots: bool,
}

/// The programs of this system.
pub struct Tools(Vec<PathBuf>);

impl Tools {
    pub fn in_path(path: OsString) -> Self {
        // Not everybody has the administrator's programs in their PATH.
        let more = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
        Tools(std::env::split_paths(&path).chain(more).collect())
    }

    pub fn find(&self, name: &str) -> Option<PathBuf> {
        self.0.iter().map(|folder| folder.join(name)).find(|path| path.is_file())
    }
}

/// Those that can be told with these tools.
pub fn stores(authority: &LocalAuthority, tools: &Tools, home: Option<&OsStr>) -> Vec<Store> {
    let system = match cfg!(target_os = "macos") {
        true => tools.find("security").map(|security| keychain(authority, &security)),
        false => system(authority, tools),
    };
    let browsers = home.zip(tools.find("certutil")).map(|(home, certutil)| {
        let databases = databases(Path::new(home)).into_iter();
        databases.map(move |database| browser(authority, &certutil, &database))
    });
    system.into_iter().chain(browsers.into_iter().flatten()).collect()
}

fn system(authority: &LocalAuthority, tools: &Tools) -> Option<Store> {
    let is_there = |(folder, _): &&(&str, &str)| Path::new(folder).is_dir();
    let mut known = SYSTEMS.iter().filter(is_there);
    let (folder, update) =
        known.find_map(|(folder, update)| Some((folder, tools.find(update)?)))?;
    // Each folder of state has a CA of its own: none takes another's place. Debian's program takes
    // no other ending.
    let file = format!("{folder}/thrust-local-ca-{}.crt", authority.id);
    let install = tools.find("install")?;
    let copy =
        words(&install, [OsStr::new("-m"), "644".as_ref(), authority.path.as_ref(), file.as_ref()]);
    Some(Store {
        whose: "the programs of this system".into(),
        commands: vec![copy, words(&update, [""; 0])],
        is_roots: true,
    })
}

fn keychain(authority: &LocalAuthority, security: &Path) -> Store {
    let options = "add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain";
    let options = options.split(' ').map(OsStr::new);
    Store {
        whose: "the programs of this system".into(),
        commands: vec![words(security, options.chain([authority.path.as_os_str()]))],
        is_roots: true,
    }
}

/// A database of NSS.
fn browser(authority: &LocalAuthority, certutil: &Path, database: &Path) -> Store {
    let mut place = OsString::from("sql:");
    place.push(database);
    let mut commands = Vec::new();
    if !database.join("cert9.db").exists() {
        let make = ["-p", "-m", "700"].map(OsStr::new).into_iter().chain([database.as_os_str()]);
        commands.push(words("mkdir".as_ref(), make));
        commands.push(words(
            certutil,
            ["-N".as_ref(), "-d".as_ref(), place.as_os_str(), "--empty-password".as_ref()],
        ));
    }
    let options = ["-A", "-t", "C,,", "-n", &authority.name, "-i"].map(OsStr::new).into_iter();
    let file = [authority.path.as_os_str(), "-d".as_ref(), &place];
    commands.push(words(certutil, options.chain(file)));
    Store { whose: format!("browsers with {}", database.display()), commands, is_roots: false }
}

/// Those that are there; one is made for Chromium if it has none: then it has not run yet.
fn databases(home: &Path) -> Vec<PathBuf> {
    let is_there = |folder: &PathBuf| folder.join("cert9.db").exists();
    let mut databases: Vec<_> = CHROMIUM.map(|place| home.join(place)).into();
    databases.retain(is_there);
    if databases.is_empty() {
        databases.push(home.join(CHROMIUM[0]));
    }
    let folders = FIREFOX.iter().filter_map(|place| fs::read_dir(home.join(place)).ok());
    let mut profiles: Vec<_> = folders.flatten().flatten().map(|entry| entry.path()).collect();
    profiles.retain(is_there);
    profiles.sort();
    databases.extend(profiles);
    databases
}

fn words(program: &Path, arguments: impl IntoIterator<Item: AsRef<OsStr>>) -> Vec<OsString> {
    let arguments = arguments.into_iter().map(|word| word.as_ref().to_owned());
    [program.into()].into_iter().chain(arguments).collect()
}
