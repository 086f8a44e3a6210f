//! What a request may ask of the choice of its tokens.

use super::SamplerError;

/// Most alternatives whose probabilities are told.
const MOST_TOP_LOGPROBS: usize = 20;

/// How tokens are chosen. The default always takes the likeliest.
#[derive(Debug, Clone, PartialEq)]
pub struct SamplingOptions {
    /// 0 takes the likeliest token; 1 is the model's own distribution.
    pub temperature: f32,
    /// Only so many of the likeliest tokens; 0 for all.
    pub top_k: usize,
    /// Only the likeliest tokens that together have this probability; 1 for all.
    pub top_p: f32,
    /// Only tokens with at least this share of the likeliest one's probability; 0 for all.
    pub min_p: f32,
    /// Divides the scores of what stands in the last tokens of prompt and answer; 1 for none.
    pub repetition_penalty: f32,
    /// Taken once from the score of each token that the answer has.
    pub presence_penalty: f32,
    /// Taken from a token's score for each time that the answer has it.
    pub frequency_penalty: f32,
    /// The same seed gives the same answer.
    pub seed: u64,
    /// None for no probabilities, else those of the chosen token and of so many likeliest ones.
    pub top_logprobs: Option<usize>,
    /// The answer is JSON that this schema describes.
    pub json_schema: Option<serde_json::Value>,
}

impl Default for SamplingOptions {
    fn default() -> Self {
        Self {
            temperature: 0.0,
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
            repetition_penalty: 1.0,
            presence_penalty: 0.0,
            frequency_penalty: 0.0,
            seed: 0,
            top_logprobs: None,
            json_schema: None,
        }
    }
}

impl SamplingOptions {
    /// Says what is wrong in a sentence.
    pub fn check(&self) -> Result<(), SamplerError> {
        let within = |name, value, least, most| {
            if (least..=most).contains(&value) {
                return Ok(());
            }
            Err(SamplerError::Option(format!(
                "a {name} of {value} is not possible; it is between {least} and {most}"
            )))
        };
        within("temperature", self.temperature, 0.0, 10.0)?;
        within("top_p", self.top_p, 0.0, 1.0)?;
        within("min_p", self.min_p, 0.0, 1.0)?;
        within("repetition_penalty", self.repetition_penalty, 0.1, 10.0)?;
        within("presence_penalty", self.presence_penalty, -2.0, 2.0)?;
        within("frequency_penalty", self.frequency_penalty, -2.0, 2.0)?;
        match self.top_logprobs {
            Some(asked) if asked > MOST_TOP_LOGPROBS => Err(SamplerError::Option(format!(
                "top_logprobs of {asked} are not possible; there are at most {MOST_TOP_LOGPROBS}"
            ))),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SamplingOptions;

    #[test]
    fn default_options_are_valid() {
        assert!(SamplingOptions::default().check().is_ok());
    }

    #[test]
    fn refusal_names_the_option_its_value_and_its_range() {
        let options = SamplingOptions {
            top_p: 1.5,
            ..SamplingOptions::default()
        };
        assert_eq!(
            options.check().unwrap_err().to_string(),
            "a top_p of 1.5 is not possible; it is between 0 and 1"
        );
    }

    #[test]
    fn values_that_are_no_numbers_are_refused() {
        for wrong in [f32::NAN, f32::INFINITY, -1.0] {
            let temperature = SamplingOptions {
                temperature: wrong,
                ..SamplingOptions::default()
            };
            let penalty = SamplingOptions {
                repetition_penalty: wrong,
                ..SamplingOptions::default()
            };
            assert!(temperature.check().is_err());
            assert!(penalty.check().is_err());
        }
    }

    #[test]
    fn at_most_twenty_alternatives_are_told() {
        let asking = |asked| SamplingOptions {
            top_logprobs: Some(asked),
            ..SamplingOptions::default()
        };
        assert!(asking(20).check().is_ok());
        assert!(asking(21).check().is_err());
    }
}
