//! The stub model server as a program. Its argument is what the model answers (JSON of `Vec<Rule>`); it says its URL on a
//! line, then takes a line of JSON for what goes wrong from now on (`Option<Fault>`) and answers each with "ok". It
//! ends with its stdin.

use std::io::{BufRead, Write};

use anyhow::Context;
use tests::stub::{Fault, Stub};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let rules = std::env::args().nth(1).context("usage: model-stub RULES")?;
    let stub = Stub::start(serde_json::from_str(&rules)?).await?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{}", stub.url())?;
    // The server has threads of its own.
    for line in std::io::stdin().lock().lines() {
        stub.fail(serde_json::from_str::<Option<Fault>>(&line?)?);
        writeln!(stdout, "ok")?;
    }
    Ok(())
}
