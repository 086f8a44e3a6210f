//! The executable, as a command.

use std::process::{Command, Output};

/// The executable with no arguments yet.
pub fn satchel() -> Command {
    Command::new(env!("CARGO_BIN_EXE_satchel"))
}

/// Runs it to its end: its exit code, what it printed and what it complained of.
pub fn finished(command: &mut Command) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}
