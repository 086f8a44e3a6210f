//! What the index has of each chunk, as one number, so that it can be held against
//! the text that it was made of. Only reads; how words become terms is said elsewhere.

use super::index::Lexical;
use super::{LexicalDocument, Result, analysis, pieces};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use tantivy::postings::Postings;
use tantivy::schema::IndexRecordOption;
use tantivy::tokenizer::{MAX_TOKEN_LEN, TextAnalyzer, TokenStream};
use tantivy::{DocSet, SegmentReader, TERMINATED};

/// How much of a term's places in a chunk the index keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    /// That it is there.
    Presence,
    /// How often.
    Count,
    /// Where.
    Places,
}

/// All fields of the index, with what it keeps of their terms.
const FIELDS: [(&str, Kept); 7] = [
    ("chunk", Kept::Presence),
    ("document", Kept::Presence),
    ("dataset", Kept::Presence),
    ("title", Kept::Count),
    ("headings", Kept::Count),
    ("text", Kept::Places),
    ("pieces", Kept::Presence),
];

/// How often files that cannot be read are looked at: one that a merge or a commit
/// made superfluous is removed while the others are read, and missed only once.
const LOOKS: usize = 3;

impl Lexical {
    /// What the index has of each committed chunk, by its key: equal to what
    /// [`Self::content_of`] says of the chunk that was added. Reads the whole index.
    pub fn contents(&self) -> Result<HashMap<u64, u64>> {
        let searcher = self.searcher();
        let mut contents = HashMap::with_capacity(searcher.num_docs() as usize);
        for segment in searcher.segment_readers() {
            let sums = sums(segment)?;
            let keys = segment.fast_fields().u64("chunk")?;
            for document in segment.doc_ids_alive() {
                if let Some(key) = keys.first(document) {
                    // A chunk that stands twice has the content of neither.
                    let content: &mut u64 = contents.entry(key).or_default();
                    *content = content.wrapping_add(sums[document as usize]);
                }
            }
        }
        Ok(contents)
    }

    /// What the index has of a chunk once it was added and committed.
    pub fn content_of(&self, chunk: &LexicalDocument<'_>) -> u64 {
        let mut words = analysis::analyzer();
        let mut parts = pieces::analyzer();
        let mut content = 0_u64;
        for (name, kept) in FIELDS {
            let of_number = |number: u64| entry(name, &number.to_be_bytes(), kept, &[0]);
            let added = match name {
                "chunk" => of_number(chunk.chunk),
                "document" => of_number(chunk.document),
                "dataset" => of_number(chunk.dataset),
                "title" => of_text(name, chunk.title, kept, &mut words),
                "headings" => of_text(name, chunk.headings, kept, &mut words),
                "pieces" => of_text(name, chunk.text, kept, &mut parts),
                _ => of_text(name, chunk.text, kept, &mut words),
            };
            content = content.wrapping_add(added);
        }
        content
    }

    /// The files of the index that are not what was written; where one cannot be
    /// read at all, why.
    pub fn damaged_files(&self) -> Vec<String> {
        let mut unreadable = Vec::new();
        for _ in 0..LOOKS {
            match self.searcher().index().validate_checksum() {
                Ok(damaged) => {
                    let names = damaged.iter().map(|file| file.display().to_string());
                    let mut names: Vec<String> = names.collect();
                    names.sort_unstable();
                    return names;
                }
                Err(error) => unreadable = vec![error.to_string()],
            }
        }
        unreadable
    }
}

/// What a segment has of each of its documents, deleted ones too.
fn sums(segment: &SegmentReader) -> Result<Vec<u64>> {
    let mut sums = vec![0_u64; segment.max_doc() as usize];
    let mut places = Vec::new();
    for (name, kept) in FIELDS {
        let inverted = segment.inverted_index(segment.schema().get_field(name)?)?;
        let option = match kept {
            Kept::Presence => IndexRecordOption::Basic,
            Kept::Count => IndexRecordOption::WithFreqs,
            Kept::Places => IndexRecordOption::WithFreqsAndPositions,
        };
        let mut terms = inverted.terms().stream()?;
        while terms.advance() {
            let mut postings = inverted.read_postings_from_terminfo(terms.value(), option)?;
            while postings.doc() != TERMINATED {
                match kept {
                    Kept::Presence => places.resize(1, 0),
                    Kept::Count => places.resize(postings.term_freq() as usize, 0),
                    Kept::Places => postings.positions(&mut places),
                }
                let sum = &mut sums[postings.doc() as usize];
                *sum = sum.wrapping_add(entry(name, terms.key(), kept, &places));
                postings.advance();
            }
        }
    }
    Ok(sums)
}

/// What the index has of a text in a field.
fn of_text(field: &str, text: &str, kept: Kept, analyzer: &mut TextAnalyzer) -> u64 {
    let mut terms: HashMap<String, Vec<u32>> = HashMap::new();
    let mut stream = analyzer.token_stream(text);
    while stream.advance() {
        let token = stream.token();
        // What is longer is not indexed.
        if token.text.len() <= MAX_TOKEN_LEN {
            let places = terms.entry(token.text.clone()).or_default();
            places.push(token.position as u32);
        }
    }
    terms.iter().fold(0, |sum, (term, places)| {
        sum.wrapping_add(entry(field, term.as_bytes(), kept, places))
    })
}

/// A term with its places in one chunk, as far as the index keeps them.
fn entry(field: &str, term: &[u8], kept: Kept, places: &[u32]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (field, term).hash(&mut hasher);
    match kept {
        Kept::Presence => {}
        Kept::Count => places.len().hash(&mut hasher),
        Kept::Places => places.hash(&mut hasher),
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::OpenOptions;
    use std::io::Write;

    fn chunk(key: u64, text: &str) -> LexicalDocument<'_> {
        LexicalDocument {
            chunk: key,
            document: 7,
            dataset: 2,
            title: "Die Brände im Wald. waldbrand-2021.pdf",
            headings: "Schäden Schäden",
            text,
        }
    }

    const TEXTS: [&str; 4] = [
        "Welche Schäden haben die Brände in den Wäldern verursacht? Die Schäden sind groß.",
        "The lighthouse keeper's log, error E1042: the lamp, the lamp, the lamp.",
        "今年夏天发生了多少起森林火灾？",
        "",
    ];

    #[test]
    fn content_of_a_chunk_is_what_the_index_has_of_it_and_of_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let lexical = Lexical::open(folder.path()).unwrap();
        let chunks: Vec<_> = (1..)
            .zip(TEXTS)
            .map(|(key, text)| chunk(key, text))
            .collect();
        // Two segments, one with a chunk that was replaced.
        lexical.add(&[chunk(1, "Something else.")]).unwrap();
        lexical.add(&chunks[2..]).unwrap();
        lexical.commit().unwrap();
        lexical.add(&chunks[..2]).unwrap();
        lexical.commit().unwrap();
        let contents = lexical.contents().unwrap();
        assert_eq!(contents.len(), chunks.len());
        for chunk in &chunks {
            assert_eq!(
                contents[&chunk.chunk],
                lexical.content_of(chunk),
                "{chunk:?}"
            );
        }
        let first = chunks[0];
        let reordered =
            "Schäden welche haben die Brände in den Wäldern verursacht? Die Schäden sind groß.";
        for other in [
            LexicalDocument {
                text: TEXTS[1],
                ..first
            },
            LexicalDocument {
                text: reordered,
                ..first
            },
            LexicalDocument {
                title: "Die Brände",
                ..first
            },
            LexicalDocument {
                headings: "Schäden",
                ..first
            },
            LexicalDocument {
                dataset: 3,
                ..first
            },
            LexicalDocument {
                document: 8,
                ..first
            },
        ] {
            assert_ne!(contents[&1], lexical.content_of(&other), "{other:?}");
        }
    }

    #[test]
    fn file_that_is_not_what_was_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let lexical = Lexical::open(folder.path()).unwrap();
        lexical.add(&[chunk(1, TEXTS[0])]).unwrap();
        lexical.commit().unwrap();
        assert!(lexical.damaged_files().is_empty());
        let files = std::fs::read_dir(folder.path()).unwrap();
        let mut files = files.map(|file| file.unwrap().path());
        let terms = files.find(|path| path.extension().is_some_and(|end| end == "term"));
        let path = terms.unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0xff;
        // In place: the index has the file open.
        let mut file = OpenOptions::new().write(true).open(&path).unwrap();
        file.write_all(&bytes).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert_eq!(lexical.damaged_files(), [name]);
    }
}
