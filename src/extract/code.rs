//! Source code: the text as it is, with each function, class or other block
//! named by its file, its line and its first words.

use super::format::{Content, Format, Source, StructuredText};
use super::markdown::Mark;
use super::{ExtractError, Limits, charset};
use crate::types::DocumentMetadata;

pub(super) struct Code;

/// Longest first line that names a block, in characters.
const LONGEST_NAME: usize = 80;

const EXTENSIONS: &[&str] = &[
    "rs", "py", "pyi", "js", "mjs", "cjs", "jsx", "ts", "tsx", "java", "kt", "kts", "scala",
    "groovy", "c", "h", "cc", "cpp", "cxx", "hpp", "hh", "m", "mm", "cs", "fs", "vb", "go",
    "swift", "rb", "php", "pl", "pm", "lua", "r", "jl", "hs", "ml", "mli", "ex", "exs", "erl",
    "clj", "lisp", "el", "scm", "dart", "zig", "nim", "v", "sv", "vhd", "f90", "sh", "bash", "zsh",
    "ps1", "bat", "sql", "toml", "yaml", "yml", "ini", "cfg",
];

impl Format for Code {
    fn name(&self) -> &'static str {
        "code"
    }

    fn extensions(&self) -> &'static [&'static str] {
        EXTENSIONS
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        let script = source.bytes.starts_with(b"#!") && source.extension.is_empty();
        script || source.has_extension(EXTENSIONS)
    }

    fn extract(&self, source: &Source<'_>, _limits: &Limits) -> Result<Content, ExtractError> {
        charset::refuse_binary(source.bytes)?;
        let text = charset::decode(source.bytes, None);
        let text = text.trim_end().to_owned();
        let headings = blocks(&text, source.name);
        Ok(Content::Flowing(StructuredText {
            text,
            headings,
            pictures: Vec::new(),
            metadata: DocumentMetadata::default(),
        }))
    }
}

/// Where blocks begin: after an empty line, with a line that is not indented
/// and does not close what stands above.
fn blocks(text: &str, file: &str) -> Vec<Mark> {
    let mut found = Vec::new();
    let (mut at, mut after_empty) = (0, true);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for (index, line) in lines.iter().enumerate() {
        let empty = line.trim().is_empty();
        let outermost = !line.starts_with([' ', '\t', '}', ')', ']']);
        if after_empty && !empty && outermost {
            let name = name(&lines[index..]);
            found.push(Mark {
                at,
                level: 1,
                text: format!("{file}, line {}: {name}", index + 1),
            });
        }
        after_empty = empty;
        at += line.len();
    }
    found
}

/// The first line of a block that is no comment and no attribute.
fn name(block: &[&str]) -> String {
    let comment = |line: &&&str| {
        let line = line.trim();
        let marks = ["//", "#[", "/*", "*", "--", "@", "\"\"\"", "#!", "# ", ";;"];
        marks.iter().any(|mark| line.starts_with(mark))
    };
    let lines = block.iter().take_while(|line| !line.trim().is_empty());
    let first = lines.clone().find(|line| !comment(line));
    let first = first
        .or_else(|| block.first())
        .map_or("", |line| line.trim());
    let name: String = first.chars().take(LONGEST_NAME).collect();
    name.trim_end_matches(['{', ' ', ':', '(']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::blocks;

    #[test]
    fn blocks_are_named_by_file_line_and_first_words() {
        let source = "//! Pumps.\n\nuse a;\nuse b;\n\n/// Starts it.\n#[inline]\npub fn start(speed: u32) {\n    let x = 1;\n\n    run(x);\n}\n\nstruct Pump;\n";
        let found: Vec<String> = blocks(source, "src/pump.rs")
            .into_iter()
            .map(|mark| mark.text)
            .collect();
        assert_eq!(
            found,
            [
                "src/pump.rs, line 1: //! Pumps.",
                "src/pump.rs, line 3: use a;",
                "src/pump.rs, line 6: pub fn start(speed: u32)",
                "src/pump.rs, line 14: struct Pump;",
            ]
        );
    }

    #[test]
    fn methods_of_a_class_stay_with_it() {
        let source = "class Pump:\n    def start(self):\n        pass\n\n    def stop(self):\n        pass\n\n\ndef main():\n    pass\n";
        let found: Vec<String> = blocks(source, "p.py")
            .into_iter()
            .map(|mark| mark.text)
            .collect();
        assert_eq!(
            found,
            ["p.py, line 1: class Pump", "p.py, line 9: def main()"]
        );
    }
}
