//! The vocabulary of these tests.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use thruster_cache::disk::{Disk, Stored, Writer};
use thruster_cache::{Body, Entry, Key, Life, Purge, Selection, Variant};

/// Room for everything that these tests store.
pub const PLENTY: u64 = 1 << 30;

/// How long what ought to happen at once may take. Only a failing test waits for it.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A place of a test's own, gone with it.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Relaxed);
        let name = format!("thruster-disk-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).expect("a folder for temporary files");
        Scratch(path)
    }

    pub fn cache(&self) -> PathBuf {
        self.0.join("cache")
    }

    pub fn open(&self) -> Disk {
        open(&self.cache(), PLENTY)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A cache whose index is loaded.
pub fn open(folder: &Path, size: u64) -> Disk {
    let disk = Disk::open(folder.into(), size, PLENTY);
    disk.settle();
    assert!(disk.stats().is_owner, "the folder is free");
    disk
}

pub fn key(target: &str) -> Key {
    Key::new(b"http://example.com", target.as_bytes())
}

pub fn entry(target: &str, body: impl Into<Bytes>) -> Entry {
    let (variant, whole) = (Variant::default(), Body::Whole(body.into()));
    let headers = [(header::ETAG, HeaderValue::from_static("\"a\""))].into_iter().collect();
    let tags = vec![target.into()];
    Entry::new(key(target), variant, life(), StatusCode::OK, headers, tags, whole)
}

/// The answer for those who want this language.
pub fn entry_in(language: &str, target: &str, body: impl Into<Bytes>) -> Entry {
    let mut entry = entry(target, body);
    entry.variant = Variant(vec![(header::ACCEPT_LANGUAGE, language.as_bytes().into())]);
    entry
}

pub fn request_in(language: &str) -> HeaderMap {
    let value = HeaderValue::from_str(language).expect("a value");
    [(header::ACCEPT_LANGUAGE, value)].into_iter().collect()
}

pub fn life() -> Life {
    Life::new(SystemTime::now(), Duration::from_secs(3600))
}

pub fn hard(selection: Selection) -> Purge {
    Purge { selection, is_soft: false }
}

pub fn soft(selection: Selection) -> Purge {
    Purge { selection, is_soft: true }
}

/// Bytes that tell what they belong to, and where in it they are.
pub fn body(seed: u64, length: usize) -> Bytes {
    let mut random = Random(seed);
    let mut bytes = Vec::with_capacity(length + 64);
    while bytes.len() < length {
        bytes.extend_from_slice([random.next().to_le_bytes(); 8].as_flattened());
    }
    bytes.truncate(length);
    bytes.into()
}

/// What tests do with a cache over and over.
pub trait Words {
    /// Waits until all that was queued is done, and the index loaded.
    fn settle(&self);
    fn keep_now(&self, entry: Entry);
    fn load_for(&self, target: &str, request: &HeaderMap) -> Option<Entry>;
    /// The body under a key that does not vary.
    fn body(&self, target: &str) -> Option<Bytes>;
    fn close_now(self);
}

impl Words for Disk {
    fn settle(&self) {
        // A purge is done in order, and not before the index is whole.
        self.purge(&soft(Selection::Tags(vec!["nothing has this tag".into()])));
    }

    fn keep_now(&self, entry: Entry) {
        self.keep(Arc::new(entry));
        self.settle();
    }

    fn load_for(&self, target: &str, request: &HeaderMap) -> Option<Entry> {
        self.load(self.find(&key(target), request)?)
    }

    fn body(&self, target: &str) -> Option<Bytes> {
        read_all(&self.load_for(target, &HeaderMap::new())?).ok()
    }

    fn close_now(self) {
        self.close(PATIENCE);
    }
}

pub fn stored(entry: &Entry) -> &Stored {
    match &entry.body {
        Body::Disk(stored) => stored,
        other => panic!("a body on disk, not {other:?}"),
    }
}

pub fn read_all(entry: &Entry) -> std::io::Result<Bytes> {
    let stored = stored(entry);
    let mut bytes = Vec::new();
    while (bytes.len() as u64) < stored.length() {
        bytes.extend_from_slice(&stored.read(bytes.len() as u64, usize::MAX)?);
    }
    Ok(bytes.into())
}

/// Every file below `folder`.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for file in std::fs::read_dir(folder).expect("a folder") {
        let path = file.expect("a file").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// The files of entries below `folder`.
pub fn entry_files(folder: &Path) -> Vec<PathBuf> {
    let is_entry = |path: &PathBuf| path.file_name().is_some_and(|name| name.len() == 32);
    files(folder).into_iter().filter(is_entry).collect()
}

/// The files below `folder` that were being written.
pub fn temporaries(folder: &Path) -> Vec<PathBuf> {
    files(&folder.join("tmp"))
}

/// Keeps the disk thread from going on.
pub struct StandingStill {
    /// Goes first: the writer's listener waits for that.
    _go_on: mpsc::Sender<()>,
    _writer: Writer,
}

/// Makes the disk thread stand still, because somebody listens to it at length.
pub fn stand_still(disk: &Disk) -> StandingStill {
    let mut writer = disk.begin(entry("/slow", "").into()).expect("a disk that takes it");
    let (tell, stands) = mpsc::channel();
    let (go_on, told) = mpsc::channel::<()>();
    let told = Mutex::new(told);
    writer.on_progress(Box::new(move || {
        tell.send(()).unwrap_or_default();
        assert!(told.lock().expect("one thread").recv().is_err(), "nothing is ever sent");
    }));
    assert!(writer.write("x".into()));
    stands.recv_timeout(PATIENCE).expect("a disk thread that stands still");
    StandingStill { _go_on: go_on, _writer: writer }
}

/// Waits for what no one tells of: another process that leaves.
pub fn until(is_so: impl Fn() -> bool) {
    let (start, (_silent, silence)) = (Instant::now(), mpsc::channel::<()>());
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "it should have been so by now");
        assert!(silence.recv_timeout(Duration::from_millis(10)).is_err(), "nothing is ever sent");
    }
}

/// Has this test program run one test in a process of its own, where `role` says what it is to
/// do there. What is `around` it starts it.
pub fn another_process(test: &str, role: &str, folder: &Path, around: &[&str]) -> Command {
    let program = std::env::current_exe().expect("this program");
    let mut words = around.iter().map(OsStr::new).chain([program.as_os_str()]);
    let mut command = Command::new(words.next().expect("there is the program"));
    command.args(words).args([test, "--exact", "--nocapture", "--test-threads=1"]);
    command.env("DISK_TEST_ROLE", role).env("DISK_TEST_FOLDER", folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// What this process was told to do, and with which folder, if it is such a one.
pub fn role() -> Option<(String, PathBuf)> {
    let folder = std::env::var_os("DISK_TEST_FOLDER")?;
    Some((std::env::var("DISK_TEST_ROLE").ok()?, folder.into()))
}

/// A generator whose histories can be repeated (splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub fn is_one_in(&mut self, number: u64) -> bool {
        self.below(number) == 0
    }
}
