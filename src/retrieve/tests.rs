//! Search over a few documents, with the real database, indexes and encoder.

use super::{Retrieved, Retriever, answerable_bound};
use crate::engine::encoder::Encoder;
use crate::lexical::{Lexical, LexicalDocument};
use crate::store::{Insertion, NewDocument, NewText, Store};
use crate::types::{
    DatasetId, DocumentId, DocumentMetadata, DocumentStatus, NewChunk, Page, PageOutcome,
    SearchOptions, SearchScope, SearchType, TenantId, UserId, Viewer, char_len,
};
use crate::vectors::{VectorEntry, Vectors};
use std::sync::{Arc, LazyLock};
use tempfile::TempDir;

static ENCODER: LazyLock<Arc<Encoder>> = LazyLock::new(|| Arc::new(Encoder::bundled().unwrap()));

const TEXTS: [(&str, &str); 6] = [
    (
        "lease",
        "The lease of the warehouse in Leith ends on 31 March 2027 and can be renewed once.",
    ),
    (
        "pump",
        "Error E-1042 means that the pump has lost pressure: close valve V7 and call the plant.",
    ),
    (
        "holiday",
        "Employees get twenty-eight days of paid leave a year; unused days expire in April.",
    ),
    (
        "coffee",
        "The coffee machine on the third floor is cleaned every Friday by the facility team.",
    ),
    (
        "rent",
        "The monthly rent of the warehouse is 4,200 pounds, payable on the first of the month.",
    ),
    (
        "travel",
        "Travel expenses are refunded within ten days if the receipts are complete.",
    ),
];

struct Fixture {
    _folder: TempDir,
    retriever: Retriever,
    store: Arc<Store>,
    tenant: TenantId,
    dataset: DatasetId,
    documents: Vec<DocumentId>,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(&folder.path().join("test.db")).unwrap());
        let lexical = Arc::new(Lexical::open(&folder.path().join("lexical")).unwrap());
        let encoder = ENCODER.clone();
        let vectors = folder.path().join("vectors");
        let vectors = Vectors::open(&vectors, encoder.dimensions(), encoder.fingerprint()).unwrap();
        let tenant = TenantId::from("ours");
        store.ensure_tenant(&tenant, "ours").unwrap();
        let dataset = store
            .insert_dataset(&tenant, "Documents", "", false)
            .unwrap();
        let mut fixture = Self {
            retriever: Retriever::new(store.clone(), lexical, Arc::new(vectors), encoder),
            _folder: folder,
            store,
            tenant,
            dataset,
            documents: Vec::new(),
        };
        for (name, text) in TEXTS {
            fixture.add(name, text, true);
        }
        fixture
    }

    fn add(&mut self, name: &str, text: &str, embedded: bool) {
        let dataset = self
            .store
            .dataset(&Viewer::whole_tenant(self.tenant.clone()), &self.dataset)
            .unwrap()
            .unwrap();
        let id = DocumentId::generate();
        let new = NewDocument {
            id: id.clone(),
            dataset_key: dataset.key,
            user_id: UserId::from("someone"),
            external_id: Some(name.into()),
            filename: format!("{name}.txt"),
            bytes: text.len() as u64,
            sha256: name.into(),
            metadata: DocumentMetadata {
                module: Some(name.into()),
                ..DocumentMetadata::default()
            },
        };
        let inserted = self.store.insert_documents(&[new]).unwrap();
        let [Insertion::Inserted { key }] = inserted[..] else {
            unreachable!("no name is used twice");
        };
        let document = self.store.document_by_key(key).unwrap().unwrap();
        let page = Page {
            number: 1,
            text: text.into(),
            outcome: PageOutcome::Text,
        };
        let chunk = NewChunk {
            page: 1,
            start: 0,
            end: char_len(text),
            heading_path: vec!["Rules".into()],
            text: text.into(),
            tokens: 20,
        };
        let job = self.store.take_extract_job().unwrap().unwrap();
        self.store
            .store_extraction(
                &job,
                &NewText {
                    file_type: "plain",
                    paged: false,
                    language: Some("en"),
                    metadata: &document.metadata,
                    pages: &[page],
                    chunks: &[chunk],
                },
            )
            .unwrap();
        self.store
            .set_document_status(key, DocumentStatus::Ready, None)
            .unwrap();
        let chunk = self.store.document_chunks(key, None).unwrap()[0].chunk.key;
        let entry = &self.store.index_entries(&[chunk]).unwrap()[0];
        let lexical = &self.retriever.lexical;
        lexical
            .add(&[LexicalDocument {
                chunk,
                document: key,
                dataset: dataset.key,
                title: &entry.title,
                headings: &entry.headings,
                text,
            }])
            .unwrap();
        lexical.commit().unwrap();
        if embedded {
            let vector = &ENCODER.embed(&[text]).unwrap()[0];
            let entry = VectorEntry {
                chunk,
                document: key,
                dataset: dataset.key,
                vector,
            };
            self.retriever.vectors.add(&[entry]).unwrap();
        }
        self.documents.push(id);
    }

    fn scope(&self) -> SearchScope {
        SearchScope::tenant(self.tenant.clone())
    }

    fn search(&self, query: &str, options: &SearchOptions) -> Retrieved {
        self.retriever
            .search(query, &self.scope(), options)
            .unwrap()
    }

    fn found(&self, query: &str, options: &SearchOptions) -> Vec<String> {
        names(&self.search(query, options))
    }
}

fn names(retrieved: &Retrieved) -> Vec<String> {
    let passages = retrieved.passages.iter();
    passages
        .filter_map(|passage| passage.external_id.clone())
        .collect()
}

fn of_type(search_type: SearchType) -> SearchOptions {
    SearchOptions {
        search_type,
        ..SearchOptions::default()
    }
}

#[test]
fn answer_is_first_and_passes_the_default_threshold_in_every_type() {
    let fixture = Fixture::new();
    for search_type in [
        SearchType::Similarity,
        SearchType::Keyword,
        SearchType::Hybrid,
        SearchType::Mmr,
    ] {
        for (query, name) in [
            ("When does the lease of the warehouse end?", "lease"),
            ("What does error E-1042 mean?", "pump"),
            ("How many days of paid leave do employees get?", "holiday"),
        ] {
            let options = of_type(search_type);
            assert_eq!(
                fixture.found(query, &options).first().unwrap(),
                name,
                "{options:?}"
            );
        }
    }
}

#[test]
fn exact_name_is_found_and_other_words_for_a_thing_too() {
    let fixture = Fixture::new();
    let options = SearchOptions::default();
    assert_eq!(fixture.found("E-1042", &options), ["pump"]);
    assert_eq!(fixture.found("e1042", &options), ["pump"]);
    let synonym = fixture.found("How much vacation do workers have?", &options);
    assert_eq!(synonym.first().map(String::as_str), Some("holiday"));
}

#[test]
fn what_is_named_to_the_letter_comes_before_what_sounds_more_alike() {
    let mut fixture = Fixture::new();
    for number in 2000..2024 {
        let text = format!("Error E-{number} means that a valve of the pump is stuck.");
        fixture.add(&format!("error{number}"), &text, true);
    }
    let last = "In the workshop, note E-2013 on the card once the job is done.";
    fixture.add("card", last, true);
    let options = SearchOptions::default();
    let found = fixture.found("What does the error E-2017 of the pump mean?", &options);
    assert_eq!(found.first().map(String::as_str), Some("error2017"));
    let found = fixture.found(
        "Does E-2013 mean that the valve of the pump is stuck?",
        &options,
    );
    assert_eq!(found[..2], ["error2013", "card"]);
    let found = fixture.found("“once the job is done” error of the pump", &options);
    assert_eq!(found.first().map(String::as_str), Some("card"));
    let found = fixture.found(
        "Which \"card\" means a valve of the pump is stuck?",
        &options,
    );
    assert_eq!(found.first().map(String::as_str), Some("card"));
}

#[test]
fn passage_that_has_the_words_together_comes_before_one_that_has_them_apart() {
    let mut fixture = Fixture::new();
    let apart = "At sea, safety is poor. An officer lit a fire, another officer drowned. Fire and \
                 safety are the theme of the exhibition.";
    let together = "The fire safety officer of your building has the keys and the list of all doors, \
                    and answers what you ask.";
    fixture.add("apart", apart, true);
    fixture.add("together", together, true);
    let first = |search_type| {
        let options = SearchOptions {
            score_threshold: 0.0,
            ..of_type(search_type)
        };
        let found = fixture.found("Is there a fire safety officer?", &options);
        found.into_iter().next().unwrap()
    };
    assert_eq!(first(SearchType::Keyword), "apart");
    assert_eq!(first(SearchType::Hybrid), "together");
}

#[test]
fn word_as_it_is_spelled_comes_before_the_same_with_other_accents() {
    let mut fixture = Fixture::new();
    // Pairs that differ in the accents of one word alone.
    for (name, text) in [
        ("Muller", "Muller keeps the keys of the boat house."),
        ("Müller", "Müller keeps the keys of the boat house."),
        (
            "resumé",
            "Her resumé lies in the blue folder of the office.",
        ),
        (
            "resume",
            "Her resume lies in the blue folder of the office.",
        ),
        ("schön", "Das Boot im Hafen ist schön gestrichen."),
        ("schon", "Das Boot im Hafen ist schon gestrichen."),
    ] {
        fixture.add(name, text, true);
    }
    for (question, name) in [
        ("Müller", "Müller"),
        ("MULLER", "Muller"),
        ("Who keeps the keys, Mu\u{308}ller?", "Müller"),
        ("Does Muller keep the keys of the boat house?", "Muller"),
        ("Where does her resumé lie?", "resumé"),
        ("Where does her resume lie?", "resume"),
        ("Ist das Boot schon gestrichen?", "schon"),
        ("Ist das Boot schön gestrichen?", "schön"),
    ] {
        for search_type in [SearchType::Hybrid, SearchType::Mmr, SearchType::Keyword] {
            let options = SearchOptions {
                score_threshold: 0.0,
                ..of_type(search_type)
            };
            let found = fixture.found(question, &options);
            let first = found.first().map(String::as_str);
            assert_eq!(first, Some(name), "{question} {search_type:?}");
        }
    }
}

#[test]
fn question_about_something_else_finds_nothing() {
    let fixture = Fixture::new();
    for query in [
        "Who won the football world cup in 1990?",
        "What is the boiling point of helium?",
        "",
        "?!",
        "the of and",
    ] {
        let retrieved = fixture.search(query, &SearchOptions::default());
        assert!(
            retrieved.passages.is_empty(),
            "{query}: {:?}",
            names(&retrieved)
        );
        assert!(
            retrieved.answerable < answerable_bound(),
            "{query}: {}",
            retrieved.answerable
        );
    }
    let lease = fixture.search(
        "When does the lease of the warehouse end?",
        &SearchOptions::default(),
    );
    assert!(lease.answerable > answerable_bound());
    assert_eq!((lease.coverage.documents, lease.coverage.pages), (6, 6));
}

#[test]
fn question_that_the_passages_of_its_subject_do_not_answer_is_refused() {
    let fixture = Fixture::new();
    let answerable = |query: &str| {
        let found = fixture.search(query, &SearchOptions::default());
        found.answerable
    };
    for query in [
        "What is the phone number of the plant?",
        "How old is the pump?",
        "Who makes the pump?",
        "How many employees work in the plant?",
    ] {
        let score = answerable(query);
        assert!(score < answerable_bound(), "{query}: {score}");
    }
    for query in [
        "How many days of paid leave do employees get?",
        "How high is the rent?",
        "warehouse rent",
        "coffee",
        "E-1042",
        "e1042",
    ] {
        let score = answerable(query);
        assert!(score >= answerable_bound(), "{query}: {score}");
    }
}

#[test]
fn scores_fall_with_the_rank_and_the_threshold_leaves_no_holes() {
    let fixture = Fixture::new();
    let all = SearchOptions {
        score_threshold: 0.0,
        k: 6,
        ..SearchOptions::default()
    };
    let retrieved = fixture.search("warehouse rent", &all);
    assert_eq!(retrieved.passages.len(), 6);
    let scores: Vec<f32> = retrieved
        .passages
        .iter()
        .map(|passage| passage.score)
        .collect();
    assert!(
        scores.windows(2).all(|pair| pair[0] >= pair[1]),
        "{scores:?}"
    );
    assert!(scores.iter().all(|score| (0.0..=1.0).contains(score)));
    let some = fixture.found(
        "warehouse rent",
        &SearchOptions {
            score_threshold: scores[1],
            ..all
        },
    );
    assert_eq!(some, names(&retrieved)[..some.len()]);
}

#[test]
fn deleted_document_is_not_found_though_the_indexes_still_have_it() {
    let fixture = Fixture::new();
    fixture
        .store
        .delete_document(&fixture.tenant, &fixture.documents[0])
        .unwrap();
    let any = SearchOptions {
        score_threshold: 0.0,
        k: 10,
        ..SearchOptions::default()
    };
    let found = fixture.found("When does the lease of the warehouse end?", &any);
    assert_eq!(found.len(), 5);
    assert!(!found.contains(&"lease".to_owned()));
}

#[test]
fn scope_is_a_wall() {
    let fixture = Fixture::new();
    let any = SearchOptions {
        score_threshold: 0.0,
        k: 10,
        ..SearchOptions::default()
    };
    let search =
        |scope: &SearchScope| names(&fixture.retriever.search("warehouse", scope, &any).unwrap());
    let other = SearchScope::tenant(TenantId::from("theirs"));
    assert!(search(&other).is_empty());
    let foreign = SearchScope {
        datasets: vec![fixture.dataset.clone()],
        ..other
    };
    assert!(search(&foreign).is_empty());
    let one = SearchScope {
        documents: vec![fixture.documents[4].clone()],
        ..fixture.scope()
    };
    assert_eq!(search(&one), ["rent"]);
    let module = SearchScope {
        module: Some("coffee".into()),
        ..fixture.scope()
    };
    assert_eq!(search(&module), ["coffee"]);
}

#[test]
fn passage_without_a_vector_is_found_by_its_words() {
    let mut fixture = Fixture::new();
    fixture.add(
        "forklift",
        "The forklift needs an inspection every six months.",
        false,
    );
    let found = fixture.search(
        "How often does the forklift need an inspection?",
        &SearchOptions::default(),
    );
    assert_eq!(names(&found), ["forklift"]);
    assert_eq!(found.passages[0].scores.cosine, None);
}

#[test]
fn reranking_keeps_the_answer_first_and_says_how_close_it_is() {
    let fixture = Fixture::new();
    let options = SearchOptions {
        rerank: true,
        ..SearchOptions::default()
    };
    let found = fixture.search("When does the lease of the warehouse end?", &options);
    assert_eq!(names(&found)[0], "lease");
    assert!(found.passages[0].scores.late_interaction.is_some());
}

#[test]
fn nothing_indexed_is_nothing_found() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::open(&folder.path().join("test.db")).unwrap());
    let lexical = Arc::new(Lexical::open(&folder.path().join("lexical")).unwrap());
    let vectors = Arc::new(Vectors::open(folder.path(), ENCODER.dimensions(), "x").unwrap());
    let retriever = Retriever::new(store, lexical, vectors, ENCODER.clone());
    let scope = SearchScope::tenant(TenantId::from("nobody"));
    for rerank in [false, true] {
        let options = SearchOptions {
            rerank,
            ..SearchOptions::default()
        };
        let found = retriever.search("anything", &scope, &options).unwrap();
        assert!(found.passages.is_empty() && found.answerable == 0.0);
    }
}
