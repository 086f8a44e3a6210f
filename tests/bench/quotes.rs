//! How often quotes answer: XQuAD's English questions over its 240 paragraphs,
//! ranked by cosine alone. `cargo bench --bench quotes [-- QUESTIONS]`.
//! Weights were tuned on the articles with even numbers; the rates of the odd
//! ones are the result. Prints ClapNQ's refusals and checks too.

use satchel::answer::{quotes, verify};
use satchel::engine::encoder::{Encoder, Known};
use satchel::types::{
    DatasetId, DocumentId, Passage, PassageScores, Placement, Support, char_len, slice_chars,
};
use serde_json::Value;
use std::time::{Duration, Instant};

const DATA: &str = "../shared/data";
const TOP: usize = 4;

struct Question {
    article: usize,
    paragraph: usize,
    text: String,
    answer: std::ops::Range<usize>,
}

#[derive(Default)]
struct Tally {
    questions: u32,
    first: u32,
    any: u32,
    quotes: usize,
    characters: usize,
}

fn main() -> anyhow::Result<()> {
    let sample = std::env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok());
    let encoder = Encoder::bundled()?;
    if !std::path::Path::new(DATA).exists() {
        println!("skipped: {DATA} is not here");
        return Ok(());
    }
    xquad(&encoder, sample.unwrap_or(usize::MAX))?;
    clapnq(&encoder, sample.unwrap_or(usize::MAX))?;
    checks(&encoder, sample.unwrap_or(usize::MAX))
}

fn xquad(encoder: &Encoder, sample: usize) -> anyhow::Result<()> {
    let (paragraphs, questions) = read_xquad()?;
    let texts: Vec<&str> = paragraphs.iter().map(String::as_str).collect();
    let vectors = encoder.embed(&texts)?;
    let step = questions.len().div_ceil(sample.max(1)).max(1);
    let mut halves = [Tally::default(), Tally::default()];
    let mut took = Vec::new();
    for question in questions.iter().step_by(step) {
        let asked = encoder.embed(&[&question.text])?.remove(0);
        let mut ranked: Vec<(f32, usize)> = vectors
            .iter()
            .map(|vector| dot(vector, &asked))
            .zip(0..)
            .collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
        ranked.truncate(TOP);
        let passages: Vec<Passage> = ranked
            .iter()
            .map(|(score, at)| passage(*at, &paragraphs[*at], *score))
            .collect();
        let began = Instant::now();
        let answer = quotes(&question.text, &passages, encoder, Known::default())?;
        took.push(began.elapsed());
        let tally = &mut halves[question.article % 2];
        tally.questions += 1;
        let Some(answer) = answer else { continue };
        let holds = |quote: &satchel::answer::Quote| {
            ranked[quote.passage].1 == question.paragraph
                && quote.start <= question.answer.start
                && question.answer.end <= quote.end
        };
        tally.first += u32::from(answer.quotes.first().is_some_and(holds));
        tally.any += u32::from(answer.quotes.iter().any(holds));
        tally.quotes += answer.quotes.len();
        tally.characters += answer
            .quotes
            .iter()
            .map(|quote| char_len(&quote.text))
            .sum::<usize>();
    }
    for (name, tally) in ["tuned", "held out"].into_iter().zip(&halves) {
        let of = |count: f64| count / f64::from(tally.questions.max(1));
        println!(
            "xquad {name}: {} questions, answer in the first quote {:.3}, in any {:.3}; {:.1} quotes, {:.0} characters",
            tally.questions,
            of(tally.first.into()),
            of(tally.any.into()),
            of(tally.quotes as f64),
            of(tally.characters as f64)
        );
    }
    print_times(took);
    Ok(())
}

/// Each question with its own passage alone: how often nothing is quoted.
fn clapnq(encoder: &Encoder, sample: usize) -> anyhow::Result<()> {
    for name in ["answerable", "unanswerable"] {
        let text = std::fs::read_to_string(format!("{DATA}/clapnq/{name}.jsonl"))?;
        let (mut all, mut refused, mut best) = (0, 0, Vec::new());
        for line in text.lines().take(sample) {
            let record: Value = serde_json::from_str(line)?;
            let source = record["passages"][0]["text"].as_str().unwrap_or_default();
            let question = record["input"].as_str().unwrap_or_default();
            all += 1;
            match quotes(
                question,
                &[passage(0, source, 1.0)],
                encoder,
                Known::default(),
            )? {
                Some(answer) => best.push(answer.quotes[0].score),
                None => refused += 1,
            }
        }
        best.sort_by(f32::total_cmp);
        let at = |part: usize| {
            best.get(best.len() * part / 100)
                .copied()
                .unwrap_or_default()
        };
        println!(
            "clapnq {name}: {refused} of {all} refused; best score p5 {:.2} p50 {:.2} p95 {:.2}",
            at(5),
            at(50),
            at(95)
        );
    }
    Ok(())
}

/// ClapNQ's written answers against their own passage, against the one of the
/// next question, and with each number replaced.
fn checks(encoder: &Encoder, sample: usize) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(format!("{DATA}/clapnq/answerable.jsonl"))?;
    let mut records: Vec<(String, String)> = Vec::new();
    for line in text.lines().take(sample) {
        let record: Value = serde_json::from_str(line)?;
        let field = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let passage = field(&record["passages"][0]["text"]);
        records.push((passage, field(&record["output"][0]["answer"])));
    }
    let next = records.iter().cycle().skip(1);
    let pairs: Vec<(&str, &str, &str)> = records
        .iter()
        .zip(next)
        .map(|(own, next)| (own.0.as_str(), own.1.as_str(), next.0.as_str()))
        .collect();
    let own = pairs
        .iter()
        .map(|(passage, answer, _)| (*passage, (*answer).to_owned()));
    print_support("own passage", encoder, false, own)?;
    let other = pairs
        .iter()
        .map(|(_, answer, passage)| (*passage, (*answer).to_owned()));
    print_support("another passage", encoder, false, other)?;
    let wrong = pairs
        .iter()
        .map(|(passage, answer, _)| (*passage, other_numbers(answer)));
    print_support("wrong numbers", encoder, true, wrong)
}

fn print_support<'a>(
    name: &str,
    encoder: &Encoder,
    numbers_only: bool,
    pairs: impl Iterator<Item = (&'a str, String)>,
) -> anyhow::Result<()> {
    let mut counts = [0_u32; 3];
    for (text, answer) in pairs {
        let verified = verify(&answer, &[passage(0, text, 1.0)], encoder)?;
        for check in verified.checks {
            let sentence = slice_chars(&verified.content, check.start..check.end);
            let plain = sentence.split(" [").next().unwrap_or_default();
            if numbers_only && !plain.contains(|c: char| c.is_ascii_digit()) {
                continue;
            }
            counts[match check.support {
                Support::Supported => 0,
                Support::Weak => 1,
                Support::Unsupported => 2,
            }] += 1;
        }
    }
    let all = f64::from(counts.iter().sum::<u32>().max(1));
    let [supported, weak, none] = counts.map(|count| f64::from(count) / all);
    println!(
        "checks, {name}: {all} sentences, supported {supported:.3} weak {weak:.3} unsupported {none:.3}"
    );
    Ok(())
}

fn other_numbers(text: &str) -> String {
    let other = |c: char| {
        c.to_digit(10)
            .map_or(c, |d| char::from(b'0' + ((d + 3) % 10) as u8))
    };
    text.chars().map(other).collect()
}

fn print_times(mut took: Vec<Duration>) {
    took.sort_unstable();
    let at = |part: usize| {
        took.get(took.len() * part / 100)
            .copied()
            .unwrap_or_default()
    };
    println!(
        "time p50 {:.1?} p95 {:.1?} p99 {:.1?}",
        at(50),
        at(95),
        at(99)
    );
}

fn read_xquad() -> anyhow::Result<(Vec<String>, Vec<Question>)> {
    let data: Value = serde_json::from_str(&std::fs::read_to_string(format!(
        "{DATA}/xquad/xquad.en.json"
    ))?)?;
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let (mut paragraphs, mut questions) = (Vec::new(), Vec::new());
    for (article, entry) in list(&data["data"]).iter().enumerate() {
        for paragraph in list(&entry["paragraphs"]) {
            for asked in list(&paragraph["qas"]) {
                let answer = &asked["answers"][0];
                let start = answer["answer_start"].as_u64().unwrap_or_default() as usize;
                let length = char_len(answer["text"].as_str().unwrap_or_default());
                questions.push(Question {
                    article,
                    paragraph: paragraphs.len(),
                    text: asked["question"].as_str().unwrap_or_default().to_owned(),
                    answer: start..start + length,
                });
            }
            paragraphs.push(paragraph["context"].as_str().unwrap_or_default().to_owned());
        }
    }
    Ok((paragraphs, questions))
}

fn passage(at: usize, text: &str, score: f32) -> Passage {
    Passage {
        chunk_key: at as u64,
        document_id: DocumentId::from(at.to_string()),
        external_id: None,
        dataset_id: DatasetId::from("bench"),
        filename: String::new(),
        title: String::new(),
        chunk_index: 0,
        page: 1,
        page_number: None,
        start: 0,
        end: char_len(text),
        heading_path: Vec::new(),
        placement: Placement::default(),
        text: text.to_owned(),
        score,
        scores: PassageScores::default(),
    }
}

fn dot(left: &[f32], right: &[f32]) -> f32 {
    left.iter().zip(right).map(|(a, b)| a * b).sum()
}
