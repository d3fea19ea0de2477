//! Prints how texts are spoken: one line of standard input each, as words and phonemes, with the time it took.
//!
//! `echo 'Dr. Smith paid $5.' | cargo run --release -p voxgate-text --example speak_words -- en-GB`

use std::io::{BufRead, Write};
use std::time::Instant;

use voxgate_text::{Frontend, Language};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tag = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "en-US".to_owned());
    let language = Language::from_bcp47(&tag).ok_or("not an English language tag")?;
    let start = Instant::now();
    let frontend = Frontend::new(language)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "ready in {:?}", start.elapsed())?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let start = Instant::now();
        let clauses: Vec<_> = frontend.clauses(&line).collect();
        let took = start.elapsed();
        writeln!(out, "{line}   [{took:?}]")?;
        for clause in clauses {
            match clause {
                Ok(clause) => writeln!(
                    out,
                    "    {}\n    {}   +{} ms",
                    clause.text, clause.phonemes, clause.pause_after_ms
                )?,
                Err(error) => writeln!(out, "    refused: {error}")?,
            }
        }
    }
    Ok(())
}
