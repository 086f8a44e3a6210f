//! What some models want to stand before a question or a passage. Facts from
//! their publishers' descriptions.

/// What is put before the texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prompts {
    pub query: String,
    pub passage: String,
}

const INSTRUCTION: &str = "Represent this sentence for searching relevant passages: ";

/// Parts of names, and what those models were trained with; the first that
/// fits counts.
const KNOWN: [(&str, &str, &str); 10] = [
    ("nomic-embed-text", "search_query: ", "search_document: "),
    ("modernbert-embed", "search_query: ", "search_document: "),
    ("multilingual-e5", "query: ", "passage: "),
    ("e5-small", "query: ", "passage: "),
    ("e5-base", "query: ", "passage: "),
    ("e5-large", "query: ", "passage: "),
    ("arctic-embed-m-v2", "query: ", ""),
    ("arctic-embed-l-v2", "query: ", ""),
    ("arctic-embed", INSTRUCTION, ""),
    ("mxbai-embed", INSTRUCTION, ""),
];

/// BGE's English models of the version 1.5, which have no more in common.
const BGE: [&str; 3] = ["bge-small-en", "bge-base-en", "bge-large-en"];

impl Prompts {
    /// Those of a model that is known by its name; none for others.
    pub(super) fn known(name: &str) -> Self {
        let name: String = name
            .to_lowercase()
            .chars()
            .map(|c| {
                if c.is_alphanumeric() || c == '.' {
                    c
                } else {
                    '-'
                }
            })
            .collect();
        let of = |query: &str, passage: &str| Self {
            query: query.to_owned(),
            passage: passage.to_owned(),
        };
        if BGE.iter().any(|part| name.contains(part)) {
            return of(INSTRUCTION, "");
        }
        let found = KNOWN.iter().find(|(part, ..)| name.contains(part));
        found.map_or_else(Self::default, |(_, query, passage)| of(query, passage))
    }
}

#[cfg(test)]
mod tests {
    use super::Prompts;

    #[test]
    fn models_that_want_prefixes_are_known_by_name() {
        let nomic = Prompts::known("nomic-embed-text-v1.5.Q8_0");
        assert_eq!(nomic.passage, "search_document: ");
        assert_eq!(Prompts::known("Multilingual E5 Small").query, "query: ");
        let bge = Prompts::known("BGE_Small_EN v1.5");
        assert!(bge.query.starts_with("Represent") && bge.passage.is_empty());
        assert_eq!(Prompts::known("all-MiniLM-L6-v2"), Prompts::default());
        assert_eq!(Prompts::known("bge-m3"), Prompts::default());
    }
}
