//! What has ended and is not in the database yet, on disk.
//!
//! A record is appended before the answer's last byte is given out, so a process that is killed loses no record: the next
//! start reads what the last one left. Files are numbered; once everything in one is in the database, it is removed. They
//! are not forced to the disk: the database is, a few milliseconds later, so a power cut costs the records of those
//! milliseconds, and their requests are then not billed at all.
//!
//! A line is the CRC-32 of a JSON document in eight hexadecimal digits, a space, and the document. A line that is cut off
//! or damaged was never acknowledged and is left out; it is counted and logged.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::record::Line;

const EXTENSION: &str = "usage";
/// A file is closed and a new one begun beyond this size; small, so that little is read twice after a crash.
const ROLL_AT: u64 = 4 * 1024 * 1024;

/// The journal of this process.
#[derive(Debug)]
pub(crate) struct Journal {
    folder: PathBuf,
    node: String,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: Option<File>,
    number: u64,
    size: u64,
    /// Records in each file that are nowhere else yet. A file goes when there are none, decided where records are added, so
    /// that no record can come between.
    waiting: BTreeMap<u64, u64>,
}

/// Which file a record is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place(u64);

impl Journal {
    /// Opens the journal of the process `node` in `folder`, which is made when missing.
    pub(crate) fn open(folder: &Path, node: &str) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            node: node.to_owned(),
            state: Mutex::new(State {
                file: None,
                number: 0,
                size: 0,
                waiting: BTreeMap::new(),
            }),
        })
    }

    /// Writes a record. About two microseconds: the bytes are the operating system's when it returns.
    pub(crate) fn append(&self, line: &Line) -> io::Result<Place> {
        let text = encode(line)?;
        let mut state = self.lock();
        if state.file.is_none() || state.size >= ROLL_AT {
            state.number += 1;
            let path = self.path(state.number);
            state.file = Some(
                OpenOptions::new()
                    .create_new(true)
                    .append(true)
                    .open(path)?,
            );
            state.size = 0;
        }
        let number = state.number;
        if let Some(file) = state.file.as_mut() {
            // A write that fails half-way leaves a torn line, and what follows must not be joined to it.
            if let Err(error) = file.write_all(text.as_bytes()) {
                state.file = None;
                return Err(error);
            }
        }
        state.size += text.len() as u64;
        *state.waiting.entry(number).or_default() += 1;
        Ok(Place(number))
    }

    /// These records are in the database now; files that hold no others are removed.
    pub(crate) fn settled(&self, places: &[Place]) {
        let mut state = self.lock();
        for Place(number) in places {
            let Some(waiting) = state.waiting.get_mut(number) else {
                continue;
            };
            *waiting -= 1;
            if *waiting > 0 {
                continue;
            }
            state.waiting.remove(number);
            if *number == state.number {
                // The next record begins a new one.
                state.file = None;
            }
            if let Err(error) = fs::remove_file(self.path(*number)) {
                tracing::warn!(%error, "a file of the usage journal stays; reading it again changes nothing");
            }
        }
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder
            .join(format!("{}-{number:08}.{EXTENSION}", self.node))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The files that earlier processes have left in `folder`, in their order.
pub(crate) fn left_behind(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == EXTENSION)
        {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Reads a file: its records, and how many lines were torn or damaged.
pub(crate) fn read(path: &Path) -> io::Result<(Vec<Line>, u64)> {
    let (mut lines, mut damaged) = (Vec::new(), 0);
    for text in BufReader::new(File::open(path)?).split(b'\n') {
        match decode(&text?) {
            Some(line) => lines.push(line),
            None => damaged += 1,
        }
    }
    Ok((lines, damaged))
}

fn encode(line: &Line) -> io::Result<String> {
    let json = serde_json::to_string(line)?;
    Ok(format!("{:08x} {json}\n", crc32fast::hash(json.as_bytes())))
}

fn decode(text: &[u8]) -> Option<Line> {
    let (sum, json) = text.split_at_checked(9)?;
    let sum = std::str::from_utf8(sum).ok()?.strip_suffix(' ')?;
    let sum = u32::from_str_radix(sum, 16).ok()?;
    (crc32fast::hash(json) == sum)
        .then(|| serde_json::from_slice(json).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;
    use voxgate_domain::{Micros, OrgId, Quantities, RequestId, Timestamp, UserId};

    use super::super::record::{Admitted, End};
    use super::*;

    fn line(words: u64) -> Line {
        let admitted = Admitted {
            id: RequestId::generate(),
            org: OrgId::generate(),
            user: UserId::generate(),
            key: None,
            service: voxgate_domain::Service::Tts,
            dialect: "aethex",
            endpoint: "/tts/tts",
            model: "kokoro".into(),
            voice: "naïve \n \"voice\"".into(),
            format: "mp3",
            sample_rate_hz: 24_000,
            asked: Quantities {
                words,
                ..Quantities::default()
            },
            held: Micros::ZERO,
            reserved_in_db: false,
            at: Timestamp::from_secs(1),
        };
        let end = End {
            error: None,
            charged: admitted.asked,
            counted: true,
            billed: Micros::new(3),
            disconnected: false,
            duration_ms: 4,
            engine_ms: Some(5),
            queue_ms: None,
            at: Timestamp::from_secs(2),
        };
        Line::new(admitted, end)
    }

    #[test]
    fn what_was_written_is_read_and_a_torn_end_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path(), "node").unwrap();
        let lines: Vec<Line> = (0..10).map(line).collect();
        for line in &lines {
            journal.append(line).unwrap();
        }
        let files = left_behind(folder.path()).unwrap();
        assert_eq!(files.len(), 1);
        assert_eq!(read(&files[0]).unwrap(), (lines.clone(), 0));
        let whole = fs::read(&files[0]).unwrap();
        for cut in 1..60 {
            fs::write(&files[0], &whole[..whole.len() - cut]).unwrap();
            let (found, damaged) = read(&files[0]).unwrap();
            // Without its line end the last record is still whole.
            let expected = if cut == 1 { 10 } else { 9 };
            assert_eq!((found.len(), damaged), (expected, u64::from(cut > 1)));
            assert_eq!(found[..9], lines[..9]);
        }
    }

    #[test]
    fn files_go_once_their_records_are_kept_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let files = || left_behind(folder.path()).unwrap().len();
        let journal = Journal::open(folder.path(), "node").unwrap();
        let first = journal.append(&line(1)).unwrap();
        let beside = journal.append(&line(1)).unwrap();
        journal.lock().size = ROLL_AT;
        let second = journal.append(&line(2)).unwrap();
        assert!(first < second && first == beside);
        journal.settled(&[second]);
        assert_eq!(files(), 1);
        journal.settled(&[first]);
        assert_eq!(files(), 1, "its other record is nowhere else");
        let third = journal.append(&line(3)).unwrap();
        assert!(third > second, "names are never used twice");
        journal.settled(&[beside]);
        assert_eq!(files(), 1);
        journal.settled(&[third, third]);
        assert_eq!(files(), 0);
        journal.append(&line(4)).unwrap();
        assert_eq!(files(), 1);
    }

    #[test]
    fn no_file_goes_while_others_write_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path(), "node").unwrap();
        let left = std::sync::Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for thread in 0..4_u64 {
                let (journal, left) = (&journal, &left);
                scope.spawn(move || {
                    for number in 0..200 {
                        let line = line(thread * 1000 + number);
                        let place = journal.append(&line).unwrap();
                        if number % 20 == 0 {
                            left.lock().unwrap().push(line.id);
                        } else {
                            journal.settled(&[place]);
                        }
                    }
                });
            }
        });
        let mut found = Vec::new();
        for file in left_behind(folder.path()).unwrap() {
            let (lines, damaged) = read(&file).unwrap();
            assert_eq!(damaged, 0);
            found.extend(lines.into_iter().map(|line| line.id));
        }
        for id in left.into_inner().unwrap() {
            assert!(found.contains(&id));
        }
    }

    proptest! {
        #[test]
        fn any_damage_is_noticed(at in 0_usize..200, flip in 1_u8..255) {
            let whole = encode(&line(7)).unwrap().into_bytes();
            let mut damaged = whole.clone();
            let at = at % (whole.len() - 1);
            damaged[at] ^= flip;
            // Hexadecimal digits may be written in either case; nothing else reads as the same record.
            let found = decode(&damaged[..damaged.len() - 1]);
            prop_assert!(found.is_none() || damaged[at].eq_ignore_ascii_case(&whole[at]));
        }

        #[test]
        fn no_input_breaks_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(decode(&bytes).is_none());
        }
    }
}
