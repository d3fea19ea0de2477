//! Reads a load plan (`voxgate_testing::load::Plan`) as JSON from standard input, carries it out, and writes what came of it
//! as JSON to standard output. From standard input and not from arguments, so that no key shows in the process list.

use voxgate_testing::load;

fn main() -> anyhow::Result<()> {
    let plan: load::Plan = serde_json::from_reader(std::io::stdin())?;
    let outcome = load::run(&plan)?;
    serde_json::to_writer_pretty(std::io::stdout(), &outcome)?;
    Ok(())
}
