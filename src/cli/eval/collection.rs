//! Test collections as they are published: BEIR's folders, SQuAD-style JSON,
//! ClapNQ's lines; TREC's files are read in `trec`. Files that are unreadable or
//! that nothing can be measured on are errors that name the file.

use super::fingerprint::fingerprint;
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// Documents, and questions with what answers them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Collection {
    pub name: String,
    pub documents: Vec<EvalDocument>,
    pub questions: Vec<EvalQuestion>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct EvalDocument {
    pub id: String,
    pub title: String,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct EvalQuestion {
    pub text: String,
    /// Grade of each judged document; none above 0: not answerable.
    pub grades: HashMap<String, u32>,
    /// The words that answer it, where the collection says so.
    pub answers: Vec<String>,
    /// What has to be cited, where the collection tells more than documents: each
    /// of the ways to answer with the words, or all the sentences, that it needs.
    pub evidence: Vec<Vec<String>>,
}

impl EvalQuestion {
    /// Whether a document answers it.
    pub(super) fn is_answerable(&self) -> bool {
        self.grades.values().any(|&grade| grade > 0)
    }
}

impl Collection {
    /// BEIR's form: `corpus.jsonl` and `queries.jsonl` with an `_id` a line, and
    /// `qrels/test.tsv`, whose first line is a heading. Queries that nobody judged
    /// are left out, as everybody does who publishes figures.
    pub fn beir(folder: &Path) -> Result<Self> {
        let mut grades: HashMap<String, HashMap<String, u32>> = HashMap::new();
        let judgements = folder.join("qrels").join("test.tsv");
        for line in read(&judgements)?.lines().skip(1) {
            let fields: Vec<&str> = line.split('\t').collect();
            if let &[query, document, grade] = fields.as_slice() {
                let grade: i32 = grade
                    .trim()
                    .parse()
                    .with_context(|| format!("{}: grade of {line:?}", judgements.display()))?;
                let judged = grades.entry(query.to_owned()).or_default();
                judged.insert(document.to_owned(), grade.max(0).unsigned_abs());
            }
        }
        let (corpus, queries) = (folder.join("corpus.jsonl"), folder.join("queries.jsonl"));
        let collection = Self {
            name: name_of(folder),
            documents: lines::<BeirText>(&corpus)?
                .into_iter()
                .filter(|one| !one.text.trim().is_empty())
                .map(|one| EvalDocument {
                    id: one.id,
                    title: one.title,
                    text: one.text,
                })
                .collect(),
            questions: lines::<BeirText>(&queries)?
                .into_iter()
                .filter_map(|one| {
                    Some(EvalQuestion {
                        grades: grades.remove(&one.id)?,
                        text: one.text,
                        answers: Vec::new(),
                        evidence: Vec::new(),
                    })
                })
                .collect(),
        };
        collection.checked([&corpus, &queries, &judgements])
    }

    /// SQuAD's form: each paragraph is a document, the questions about it have it
    /// as their answer, but for those that SQuAD 2.0 calls impossible.
    pub fn squad(path: &Path) -> Result<Self> {
        let file: Squad = serde_json::from_str(&read(path)?)
            .with_context(|| format!("{} is not in SQuAD's form", path.display()))?;
        let mut collection = Self {
            name: name_of(path),
            ..Self::default()
        };
        for (a, article) in file.data.into_iter().enumerate() {
            for (p, paragraph) in article.paragraphs.into_iter().enumerate() {
                let id = format!("{a}-{p}");
                for question in paragraph.qas {
                    let grade = u32::from(!question.is_impossible);
                    let answers = question.answers.into_iter().map(|one| one.text);
                    let answers: Vec<String> = answers.collect();
                    collection.questions.push(EvalQuestion {
                        text: question.question,
                        grades: HashMap::from([(id.clone(), grade)]),
                        evidence: answers.iter().map(|one| vec![one.clone()]).collect(),
                        answers,
                    });
                }
                collection.documents.push(EvalDocument {
                    id,
                    title: article.title.replace('_', " "),
                    text: paragraph.context,
                });
            }
        }
        collection.checked([path; 3])
    }

    /// ClapNQ's form: lines of a question with its passage, which answers it in
    /// the first file and does not in the second. All passages are documents.
    pub fn clapnq(answerable: &Path, unanswerable: &Path) -> Result<Self> {
        let mut collection = Self {
            name: "clapnq".into(),
            ..Self::default()
        };
        let mut ids: HashMap<String, String> = HashMap::new();
        for (path, grade) in [(answerable, 1), (unanswerable, 0)] {
            for entry in lines::<Clapnq>(path)? {
                let mut grades = HashMap::new();
                for passage in entry.passages {
                    let next = ids.len().to_string();
                    let id = ids.entry(passage.text.clone()).or_insert_with(|| {
                        collection.documents.push(EvalDocument {
                            id: next.clone(),
                            title: passage.title,
                            text: passage.text,
                        });
                        next
                    });
                    grades.insert(id.clone(), grade);
                }
                collection.questions.push(EvalQuestion {
                    text: entry.input,
                    grades,
                    answers: Vec::new(),
                    evidence: match grade {
                        0 => Vec::new(),
                        _ => selections(entry.output),
                    },
                });
            }
        }
        collection.checked([answerable; 3])
    }

    /// Refuses what would be measured as a table of zeros. The paths are those
    /// of the documents, the questions and the judgements.
    pub(super) fn checked(self, [documents, questions, judgements]: [&Path; 3]) -> Result<Self> {
        ensure!(
            !self.documents.is_empty(),
            "{}: no document in it",
            documents.display()
        );
        ensure!(
            !self.questions.is_empty(),
            "{}: no question in it that is judged",
            questions.display()
        );
        let ids: HashSet<&str> = self.documents.iter().map(|d| d.id.as_str()).collect();
        let mut grades = self.questions.iter().flat_map(|question| &question.grades);
        ensure!(
            grades.any(|(id, &grade)| grade > 0 && ids.contains(id.as_str())),
            "{}: no document of the collection answers any of its questions",
            judgements.display()
        );
        Ok(self)
    }

    /// The questions that rankings are measured on: on others, every ranking is
    /// as good as any.
    pub(super) fn answerable(&self) -> impl Iterator<Item = &EvalQuestion> {
        let questions = self.questions.iter();
        questions.filter(|question| question.is_answerable())
    }

    /// What tells its questions and judgements from others.
    pub fn fingerprint(&self) -> String {
        fingerprint(self.questions.iter().map(|question| {
            let grades = question.grades.iter();
            let grades = grades.map(|(id, &grade)| (id.as_str(), grade)).collect();
            (question.text.as_str(), grades)
        }))
    }

    /// Places of the documents that answer the question.
    pub(super) fn right_documents(&self, question: &EvalQuestion) -> Vec<usize> {
        self.places(|document| question.grades.get(&document.id).is_some_and(|&g| g > 0))
    }

    /// Places of the documents that have the title of one that answers.
    pub(super) fn of_the_same_title(&self, question: &EvalQuestion) -> Vec<usize> {
        let right = self.right_documents(question);
        let titles: HashSet<&str> = right.iter().map(|&n| &*self.documents[n].title).collect();
        self.places(|document| titles.contains(document.title.as_str()))
    }

    fn places(&self, is: impl Fn(&EvalDocument) -> bool) -> Vec<usize> {
        let all = self.documents.iter().enumerate();
        all.filter_map(|(place, document)| is(document).then_some(place))
            .collect()
    }

    /// Whether several documents belong to one title, as paragraphs to an article.
    pub(super) fn shares_titles(&self) -> bool {
        let titles: HashSet<&str> = self.documents.iter().map(|d| d.title.as_str()).collect();
        titles.len() > 1 && titles.len() * 2 <= self.documents.len()
    }

    /// A small collection for each title: its documents, the questions about
    /// them, and as many of the next title, which nothing there answers.
    pub fn by_title(&self) -> Vec<Self> {
        let mut parts: Vec<Self> = Vec::new();
        for document in &self.documents {
            match parts.last_mut() {
                Some(part) if part.documents[0].title == document.title => {
                    part.documents.push(document.clone());
                }
                _ => parts.push(Self {
                    name: format!("{}-{}", self.name, parts.len()),
                    documents: vec![document.clone()],
                    questions: Vec::new(),
                }),
            }
        }
        for part in &mut parts {
            let inside = |question: &&EvalQuestion| {
                let has = |document: &EvalDocument| question.grades.contains_key(&document.id);
                part.documents.iter().any(has)
            };
            part.questions = self.questions.iter().filter(inside).cloned().collect();
        }
        let own: Vec<Vec<EvalQuestion>> = parts.iter().map(|part| part.questions.clone()).collect();
        for (n, part) in parts.iter_mut().enumerate() {
            part.questions.extend_from_slice(&own[(n + 1) % own.len()]);
        }
        for part in &mut parts {
            let ids: HashSet<&str> = part.documents.iter().map(|d| d.id.as_str()).collect();
            for question in &mut part.questions {
                question.grades.retain(|id, _| ids.contains(id.as_str()));
            }
        }
        parts
    }
}

#[derive(Deserialize)]
struct BeirText {
    #[serde(rename = "_id")]
    id: String,
    #[serde(default)]
    title: String,
    text: String,
}

#[derive(Deserialize)]
struct Squad {
    data: Vec<Article>,
}

#[derive(Deserialize)]
struct Article {
    #[serde(default)]
    title: String,
    paragraphs: Vec<Paragraph>,
}

#[derive(Deserialize)]
struct Paragraph {
    context: String,
    qas: Vec<SquadQuestion>,
}

#[derive(Deserialize)]
struct SquadQuestion {
    question: String,
    #[serde(default)]
    is_impossible: bool,
    #[serde(default)]
    answers: Vec<SquadAnswer>,
}

#[derive(Deserialize)]
struct SquadAnswer {
    text: String,
}

#[derive(Deserialize)]
struct Clapnq {
    input: String,
    passages: Vec<ClapnqPassage>,
    #[serde(default)]
    output: Vec<ClapnqAnswer>,
}

/// What one of those who judged it answered.
#[derive(Deserialize)]
struct ClapnqAnswer {
    #[serde(default)]
    selected_sentences: Vec<String>,
}

/// The sentences that each of them selected.
fn selections(answers: Vec<ClapnqAnswer>) -> Vec<Vec<String>> {
    let selected = answers.into_iter().map(|one| one.selected_sentences);
    selected.filter(|sentences| !sentences.is_empty()).collect()
}

#[derive(Deserialize)]
struct ClapnqPassage {
    title: String,
    text: String,
}

pub(super) fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// The JSON of each line that is not empty.
fn lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    parsed(&read(path)?, &path.display().to_string())
}

/// The same of a text that is called `name`.
pub(super) fn parsed<T: DeserializeOwned>(text: &str, name: &str) -> Result<Vec<T>> {
    let lines = text.lines().zip(1..);
    lines
        .filter(|(line, _)| !line.trim().is_empty())
        .map(|(line, number): (&str, u32)| {
            serde_json::from_str(line).with_context(|| format!("{name}, line {number}"))
        })
        .collect()
}

fn name_of(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::{Collection, EvalQuestion};
    use std::collections::HashMap;

    #[test]
    fn beir_folder_gives_the_judged_queries() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text);
        std::fs::create_dir(folder.path().join("qrels")).unwrap();
        write(
            "corpus.jsonl",
            "{\"_id\":\"d1\",\"title\":\"t\",\"text\":\"a\",\"metadata\":{}}\n{\"_id\":\"d2\",\"text\":\" \"}\n",
        )
        .unwrap();
        write(
            "queries.jsonl",
            "{\"_id\":\"1\",\"text\":\"why\"}\n{\"_id\":\"2\",\"text\":\"unjudged\"}\n",
        )
        .unwrap();
        write("qrels/test.tsv", "query-id\tcorpus-id\tscore\n1\td1\t2\n").unwrap();
        let collection = Collection::beir(folder.path()).unwrap();
        assert_eq!(collection.documents.len(), 1);
        assert_eq!(collection.questions.len(), 1);
        let question = &collection.questions[0];
        assert_eq!((question.text.as_str(), question.grades["d1"]), ("why", 2));
        write("queries.jsonl", "{\"_id\":\"1\",\"text\":\"why\"}\n{").unwrap();
        let error = Collection::beir(folder.path()).unwrap_err();
        assert!(format!("{error:#}").contains("line 2"), "{error:#}");
    }

    #[test]
    fn squad_question_that_is_impossible_has_no_answer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tower.json");
        let write = |qas: &str| {
            let text = format!(
                r#"{{"version":"v2.0","data":[{{"title":"The_Tower","paragraphs":[
                    {{"context":"Elin kept the lamp.","qas":[{qas}]}},
                    {{"context":"The oil was colza.","qas":[]}}]}}]}}"#
            );
            std::fs::write(&path, text).unwrap();
        };
        let who = r#"{"id":"1","question":"Who kept it?","answers":[{"text":"Elin","answer_start":0}],"is_impossible":false}"#;
        let when = r#"{"id":"2","question":"When did she retire?","answers":[],"plausible_answers":[{"text":"lamp","answer_start":14}],"is_impossible":true}"#;
        write(&format!("{who},{when}"));
        let collection = Collection::squad(&path).unwrap();
        assert_eq!(collection.name, "tower");
        assert_eq!(collection.documents[1].id, "0-1");
        assert_eq!(collection.documents[1].title, "The Tower");
        let (who, when) = (&collection.questions[0], &collection.questions[1]);
        assert_eq!((who.grades["0-0"], when.grades["0-0"]), (1, 0));
        assert_eq!(who.answers, ["Elin"]);
        assert_eq!(
            (&who.evidence, when.evidence.len()),
            (&vec![vec!["Elin".into()]], 0)
        );
        assert_eq!(texts(collection.answerable()), ["Who kept it?"]);

        write(r#"{"question":"When did she retire?","is_impossible":true}"#);
        let error = Collection::squad(&path).unwrap_err().to_string();
        assert!(error.contains("tower.json: no document"), "{error}");
    }

    #[test]
    fn clapnq_questions_share_passages_and_some_have_no_answer() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, lines: &[&str]| {
            let path = folder.path().join(name);
            std::fs::write(&path, lines.join("\n")).unwrap();
            path
        };
        let who =
            r#"{"input":"who kept the lamp","passages":[{"title":"Tower","text":"Elin kept it."}],
            "output":[{"answer":"Elin","selected_sentences":["Elin kept it."]},{"answer":""}]}"#
                .replace('\n', " ");
        let what =
            r#"{"input":"what did it burn","passages":[{"title":"Oil","text":"It was colza."}]}"#;
        let when = r#"{"input":"when was she born","passages":[{"title":"Tower","text":"Elin kept it."}]}"#;
        let (answerable, others) = (file("answerable", &[&who, what]), file("others", &[when]));
        let collection = Collection::clapnq(&answerable, &others).unwrap();
        let titles: Vec<&str> = collection.documents.iter().map(|d| &*d.title).collect();
        assert_eq!(titles, ["Tower", "Oil"]);
        let grades: Vec<_> = collection
            .questions
            .iter()
            .map(|q| q.grades.clone())
            .collect();
        let judged = |id: &str, grade| HashMap::from([(id.to_owned(), grade)]);
        assert_eq!(grades, [judged("0", 1), judged("1", 1), judged("0", 0)]);
        assert_eq!(
            texts(collection.answerable()),
            ["who kept the lamp", "what did it burn"]
        );
        let told: Vec<_> = collection.questions.iter().map(|q| &q.evidence).collect();
        assert_eq!(
            told,
            [&vec![vec!["Elin kept it.".to_owned()]], &vec![], &vec![]]
        );
        let without_answers = Collection::clapnq(&file("none", &[]), &others).unwrap_err();
        assert!(
            without_answers.to_string().contains("none: no document"),
            "{without_answers}"
        );
    }

    fn texts<'a>(questions: impl Iterator<Item = &'a EvalQuestion>) -> Vec<&'a str> {
        questions.map(|question| question.text.as_str()).collect()
    }
}
