//! The entailment model: a premise and a hypothesis, read together by one
//! encoder, become the probabilities that the one bears the other out, leaves it
//! open or speaks against it (Bowman et al., 2015). Owns what the classes are
//! called. Must not know what the texts are for.

use std::path::Path;

use super::error::EncoderError;
use super::model::Model;
use super::pairs::PairReader;

/// What a premise says of a hypothesis; together 1.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Inference {
    pub entailment: f32,
    /// With a model of two classes all that is not entailment: it does not tell
    /// what is open from what is denied.
    pub neutral: f32,
    pub contradiction: f32,
}

/// A class of an entailment model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Entailment,
    Neutral,
    Contradiction,
}

impl Class {
    /// The class of this name.
    fn named(label: &str) -> Option<Self> {
        let plain = |c: char| if c.is_alphanumeric() { c } else { '_' };
        let label: String = label.trim().to_lowercase().chars().map(plain).collect();
        match label.as_str() {
            "entailment" | "entail" | "entails" | "entailed" => Some(Self::Entailment),
            "neutral" | "not_entailment" | "non_entailment" | "not_entailed" => Some(Self::Neutral),
            "contradiction" | "contradict" | "contradicts" | "contradictory" => {
                Some(Self::Contradiction)
            }
            _ => None,
        }
    }

    /// The classes of an entailment model, if these labels are those of one.
    fn of_labels(labels: &[String]) -> Option<Vec<Self>> {
        let classes: Option<Vec<Self>> = labels.iter().map(|label| Self::named(label)).collect();
        let count = |classes: &[Self], wanted| classes.iter().filter(|one| **one == wanted).count();
        classes.filter(|classes| {
            let of = [Self::Entailment, Self::Neutral, Self::Contradiction];
            matches!(of.map(|class| count(classes, class)), [1, 1, 0 | 1])
        })
    }
}

/// Whether a model whose classes have these names tells entailment.
pub(super) fn tell_entailment(labels: &[String]) -> bool {
    Class::of_labels(labels).is_some()
}

/// A loaded entailment model. Any number of threads may use it at once.
pub struct Entailment {
    reader: PairReader,
    /// In the order in which the model scores them.
    classes: Vec<Class>,
}

impl Entailment {
    /// A BERT, RoBERTa or XLM-R classifier of entailment, from a GGUF file or
    /// from a publisher's folder.
    pub fn open(path: &Path) -> Result<Self, EncoderError> {
        Self::of(Model::open(path)?).map_err(|error| error.of(path))
    }

    #[cfg(test)]
    pub(super) fn reader(&self) -> &PairReader {
        &self.reader
    }

    fn of(model: Model) -> Result<Self, EncoderError> {
        let refused = |reason: String| Err(EncoderError::Unsupported(reason));
        let Some(reader) = PairReader::of(model) else {
            return refused("it scores no classes, so it is no entailment model".into());
        };
        let (scored, labels) = (reader.head.classes(), &reader.head.labels);
        if labels.is_empty() {
            return refused(format!(
                "it does not say what it calls its classes, of which it scores {scored} (in GGUF \
                 classifier.output_labels, in config.json id2label): which of them is entailment \
                 cannot be known"
            ));
        }
        if labels.len() != scored {
            let named = labels.len();
            return refused(format!("it names {named} classes and scores {scored}"));
        }
        let Some(classes) = Class::of_labels(labels) else {
            return refused(format!(
                "its classes are {}; those of an entailment model are entailment, neutral and \
                 contradiction, or entailment and not_entailment",
                labels.join(", ")
            ));
        };
        // Without the map, or with another activation behind it, the numbers
        // would look like probabilities and be others than the model learnt.
        if reader.head.dense.is_none() {
            return refused(
                "it lacks the map between encoder and classes (cls.weight), which llama.cpp's \
                 converter leaves out of BERT: take the publisher's folder, or a RoBERTa or XLM-R"
                    .into(),
            );
        }
        if reader.model.weights.kinds.is_none() {
            return refused("its head is DistilBERT's, which is not supported".into());
        }
        Ok(Self { reader, classes })
    }

    /// The model's name.
    pub fn name(&self) -> &str {
        &self.reader.model.name
    }

    /// Identifies weights and tokenizer.
    pub fn fingerprint(&self) -> &str {
        &self.reader.model.hash
    }

    /// What the premise of each pair, which comes first, says of its hypothesis.
    pub fn infer(&self, pairs: &[(&str, &str)]) -> Result<Vec<Inference>, EncoderError> {
        let reader = &self.reader;
        let pairs = pairs
            .iter()
            .map(|(premise, hypothesis)| Ok([reader.ids(premise)?, reader.ids(hypothesis)?]))
            .collect::<Result<Vec<_>, EncoderError>>()?;
        let scores = reader.scores(pairs).into_iter();
        Ok(scores.map(|scores| self.inference(&scores)).collect())
    }

    /// The probabilities of the classes, which are the softmax of their scores.
    fn inference(&self, scores: &[f32]) -> Inference {
        let largest = scores.iter().copied().fold(f32::MIN, f32::max);
        let powers: Vec<f32> = scores.iter().map(|score| (score - largest).exp()).collect();
        let sum: f32 = powers.iter().sum();
        let mut inference = Inference::default();
        for (class, power) in self.classes.iter().zip(powers) {
            let probability = match class {
                Class::Entailment => &mut inference.entailment,
                Class::Neutral => &mut inference.neutral,
                Class::Contradiction => &mut inference.contradiction,
            };
            *probability = power / sum;
        }
        inference
    }
}
