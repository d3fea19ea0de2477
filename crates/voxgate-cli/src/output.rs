//! Tables, JSON and progress on the terminal.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

/// Writes text to standard output, so that a closed pipe is an error and not a panic.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(())
}

/// Whether the reader of our output has gone, as `head` does; that is no failure.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Prints a value as indented JSON.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    print(&serde_json::to_string_pretty(value)?)
}

/// A table with aligned columns; the last column is not padded.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>]) -> anyhow::Result<()> {
    let mut widths: Vec<usize> = header.iter().map(|h| h.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    let mut line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut built = String::new();
        for (width, cell) in widths.iter().zip(cells) {
            built.push_str(cell);
            built.extend(std::iter::repeat_n(' ', width + 2 - cell.chars().count()));
        }
        text.push_str(built.trim_end());
        text.push('\n');
    };
    line(&mut header.iter().copied());
    for row in rows {
        line(&mut row.iter().map(String::as_str));
    }
    print(&text)
}

/// Bytes as people read them.
#[allow(clippy::cast_precision_loss, reason = "shown with one decimal")]
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 {
        format!("{count} B")
    } else {
        format!("{value:.1} {}", UNITS[unit])
    }
}

/// A progress bar on a terminal, a plain line every few seconds elsewhere.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    name: String,
    total: u64,
    last_line: Instant,
}

/// Between two plain lines of one download.
const LINE_EVERY: Duration = Duration::from_secs(5);

impl Progress {
    /// Begins; `total` is in bytes.
    pub(crate) fn start(name: &str, total: u64) -> Progress {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total);
            if let Ok(style) = ProgressStyle::with_template(
                "{msg:28} [{bar:30}] {bytes:>10} of {total_bytes:10} {bytes_per_sec:>12}  {eta}",
            ) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.set_message(name.to_owned());
            bar
        });
        if bar.is_none() {
            eprintln!("{name}: fetching {}", bytes(total));
        }
        Progress {
            bar,
            name: name.to_owned(),
            total,
            last_line: Instant::now(),
        }
    }

    /// So many bytes are there.
    pub(crate) fn set(&mut self, done: u64) {
        match &self.bar {
            Some(bar) => bar.set_position(done),
            None if self.last_line.elapsed() >= LINE_EVERY => {
                self.last_line = Instant::now();
                eprintln!("{}: {} of {}", self.name, bytes(done), bytes(self.total));
            }
            None => {}
        }
    }

    /// Says something without disturbing the bar.
    pub(crate) fn note(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => eprintln!("{text}"),
        }
    }

    /// Ends with a last word.
    pub(crate) fn finish(self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        eprintln!("{text}");
    }
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn bytes_are_readable() {
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(92_361_271), "92.4 MB");
        assert_eq!(bytes(1_000_000_000_000_000), "1000.0 TB");
    }
}
