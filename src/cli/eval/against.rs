//! What differs from an earlier run over the same questions: whether the two may
//! be compared at all, which is known before anything is measured, and then each
//! measure, question by question.

use super::compare::{Comparison, Test, compare, compare_yes_or_no};
use super::report::{MetricReport, Report, ReportFile, StepReport};
use anyhow::{Result, bail, ensure};
use serde::{Deserialize, Serialize};
use std::io::Write;

/// What tells one collection from another.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    pub collection: &'a str,
    pub documents: usize,
    pub questions: usize,
    pub questions_sha256: Option<&'a str>,
}

/// What differs from an earlier run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Against {
    /// The version that measured before.
    pub satchel: String,
    /// The models of that run, where they were not the built-in ones.
    pub embedder: Option<String>,
    pub reranker: Option<String>,
    pub comparisons: Vec<Compared>,
}

/// What differs in one measure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// A way of searching, or `answers`.
    pub of: String,
    pub measure: String,
    /// How many questions it is measured on.
    pub questions: usize,
    pub before: f64,
    pub now: f64,
    /// The difference as a share of what it was; absent where that is zero.
    pub relative: Option<f64>,
    /// How likely chance alone makes a difference as large, either way.
    pub p: f64,
    pub test: Test,
}

impl ReportFile {
    /// The report of the same questions: scores are compared one by one.
    pub fn of_the_same(&self, asked: Asked<'_>) -> Result<&Report> {
        let name = asked.collection;
        let mut same = self.collections.iter();
        let Some(other) = same.find(|other| other.collection == name) else {
            bail!("the earlier run has no collection {name:?} to compare with");
        };
        ensure!(
            other.questions == asked.questions && other.documents == asked.documents,
            "{name}: the earlier run had {} documents and {} questions, this one {} and {}; \
             only the same collection can be compared",
            other.documents,
            other.questions,
            asked.documents,
            asked.questions
        );
        ensure!(
            other.questions_sha256.is_some(),
            "{name}: the earlier run does not say which questions it asked, for an older version \
             wrote it; measure it again to compare with it"
        );
        ensure!(
            other.questions_sha256.as_deref() == asked.questions_sha256,
            "{name}: the earlier run had other questions, or other judgements of what answers \
             them; only the same ones can be compared"
        );
        Ok(other)
    }
}

impl Report {
    pub(super) fn asked(&self) -> Asked<'_> {
        Asked {
            collection: &self.collection,
            documents: self.documents,
            questions: self.questions,
            questions_sha256: self.questions_sha256.as_deref(),
        }
    }

    /// Notes and prints what differs from an earlier run over the same questions.
    pub fn compare_with(&mut self, earlier: &ReportFile, out: &mut dyn Write) -> Result<()> {
        let other = earlier.of_the_same(self.asked())?;
        let against = Against {
            satchel: earlier.satchel.clone(),
            embedder: other.embedder.clone(),
            reranker: other.reranker.clone(),
            comparisons: self.comparisons(other),
        };
        against.print(out)?;
        self.against = Some(against);
        Ok(())
    }

    fn comparisons(&self, other: &Self) -> Vec<Compared> {
        let mut found = Vec::new();
        for method in &self.methods {
            let before = other.methods.iter().find(|one| one.name == method.name);
            let Some(before) = before else { continue };
            found.extend(of_metrics(&method.name, &method.metrics, &before.metrics));
            found.extend(of_steps(&method.name, &method.steps, &before.steps));
        }
        let (answers, before) = (&self.answers, &other.answers);
        // Quotes and what a chat model writes are as different as two ways are.
        let name = match answers.written_by == before.written_by {
            true => format!("answers ({})", answers.way()),
            false => format!("answers ({}, before {})", answers.way(), before.way()),
        };
        found.extend(of_metrics(&name, &answers.measures, &before.measures));
        found.extend(of_steps(&name, &answers.steps, &before.steps));
        found
    }
}

fn of_metrics(of: &str, now: &[MetricReport], before: &[MetricReport]) -> Vec<Compared> {
    let both = now.iter().filter_map(|one| {
        let same =
            |old: &&MetricReport| old.name == one.name && old.scores.len() == one.scores.len();
        Some((one, before.iter().find(same)?))
    });
    both.map(|(one, old)| {
        let found = one.over(old);
        compared(of, &one.name, &one.scores, (one.mean, old.mean), found)
    })
    .collect()
}

fn of_steps(of: &str, now: &[StepReport], before: &[StepReport]) -> Vec<Compared> {
    let both = now.iter().filter_map(|one| {
        let same = |old: &&StepReport| old.name == one.name && old.each.len() == one.each.len();
        Some((one, before.iter().find(same)?))
    });
    both.map(|(one, old)| {
        let mean = |each: &[f64]| each.iter().sum::<f64>() / each.len().max(1) as f64;
        let found = compare(&one.each, &old.each);
        let name = format!("ms {}", one.name);
        compared(
            of,
            &name,
            &one.each,
            (mean(&one.each), mean(&old.each)),
            found,
        )
    })
    .collect()
}

fn compared(
    of: &str,
    measure: &str,
    scores: &[f64],
    (now, before): (f64, f64),
    found: Comparison,
) -> Compared {
    Compared {
        of: of.to_owned(),
        measure: measure.to_owned(),
        questions: scores.len(),
        before,
        now,
        relative: found.relative,
        p: found.p,
        test: found.test,
    }
}

impl MetricReport {
    /// What differs from another way, by the test that fits what is measured.
    pub(super) fn over(&self, other: &Self) -> Comparison {
        match self.yes_or_no {
            true => compare_yes_or_no(&self.scores, &other.scores),
            false => compare(&self.scores, &other.scores),
        }
    }
}

impl Against {
    fn print(&self, out: &mut dyn Write) -> Result<()> {
        let models = [
            ("embedded by", &self.embedder),
            ("reranked by", &self.reranker),
        ];
        let models = models.iter().filter_map(|&(how, model)| {
            let model = model.as_ref()?;
            Some(format!(", {how} {model}"))
        });
        let models: String = models.collect();
        writeln!(out, "against the run of satchel {}{models}:", self.satchel)?;
        writeln!(
            out,
            "(p by Fisher's randomization test; * by McNemar's exact test of yes and no)"
        )?;
        // The single steps are for who reads the file.
        let is_step = |one: &&Compared| one.measure.starts_with("ms ") && one.measure != "ms all";
        for one in self.comparisons.iter().filter(|one| !is_step(one)) {
            let Compared { of, measure, p, .. } = one;
            let difference = one.now - one.before;
            let mark = if one.test == Test::McNemar { " *" } else { "" };
            let relative = relative(one.relative);
            writeln!(
                out,
                "{of}: {measure} {difference:+.4}{relative}, p = {p:.4}{mark}"
            )?;
        }
        Ok(())
    }
}

/// A difference as a share, to be printed behind it.
pub(super) fn relative(share: Option<f64>) -> String {
    share.map_or(String::new(), |share| format!(" ({:+.1} %)", share * 100.0))
}

#[cfg(test)]
mod tests {
    use crate::cli::eval::compare::Test;
    use crate::cli::eval::measures::{Answered, Stopwatch, measures};
    use crate::cli::eval::report::{AnswersReport, MethodReport, Report, ReportFile};

    fn report(questions_sha256: Option<&str>, score: f64) -> Report {
        let mut watch = Stopwatch::default();
        watch.note("all", 1.0 + score);
        let all = [Answered {
            answerable: true,
            answered: score > 0.5,
            ..Answered::default()
        }];
        Report {
            collection: "tower".into(),
            documents: 3,
            questions: 2,
            questions_sha256: questions_sha256.map(str::to_owned),
            methods: vec![MethodReport::new("hybrid", &[[score; 5]], watch.report())],
            answers: AnswersReport {
                measures: measures(&all),
                ..AnswersReport::default()
            },
            ..Report::default()
        }
    }

    fn against(earlier: Report) -> anyhow::Result<(String, Report)> {
        let mut out = Vec::new();
        let mut now = report(Some("same"), 1.0);
        now.compare_with(&ReportFile::new(vec![earlier]), &mut out)?;
        Ok((String::from_utf8(out)?, now))
    }

    #[test]
    fn only_runs_over_the_same_questions_are_compared() {
        let (table, _) = against(report(Some("same"), 0.5)).unwrap();
        assert!(table.contains("hybrid: nDCG@10 +0.5000"), "{table}");
        let error = against(report(Some("other"), 0.5)).unwrap_err();
        assert!(error.to_string().contains("other questions"), "{error}");
    }

    #[test]
    fn answers_and_latency_are_compared_each_by_the_test_that_fits() {
        let (table, now) = against(report(Some("same"), 0.5)).unwrap();
        assert!(table.contains("hybrid: ms all +0.5000"), "{table}");
        assert!(
            table.contains("answers (quotes): answered +1.0000, p = 1.0000 *"),
            "{table}"
        );
        let found = now.against.unwrap().comparisons;
        let of = |measure: &str| found.iter().find(|one| one.measure == measure).unwrap();
        assert_eq!((of("answered").before, of("answered").now), (0.0, 1.0));
        let tests = ["answered", "first", "nDCG@10", "ms all"].map(|measure| of(measure).test);
        let (random, exact) = (Test::Randomization, Test::McNemar);
        assert_eq!(tests, [exact, exact, random, random]);
        let json = serde_json::to_value(&found).unwrap();
        assert_eq!(json[0]["test"], "Fisher's randomization test");
    }

    #[test]
    fn run_that_does_not_say_its_questions_is_not_compared() {
        let mut older = serde_json::to_value(report(None, 0.5)).unwrap();
        let fields = older.as_object_mut().unwrap();
        for newer in [
            "questions_sha256",
            "refusal",
            "embedder",
            "reranker",
            "against",
        ] {
            fields.remove(newer);
        }
        let error = against(serde_json::from_value(older).unwrap()).unwrap_err();
        assert!(error.to_string().contains("measure it again"), "{error}");
    }
}
