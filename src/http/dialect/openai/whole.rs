//! Answers that are given as one body.

use super::annotations::annotations;
use super::piece::{Grounding, Head, Piece, about, cut_off, finish_word, logprobs, usage_body};
use crate::error::Fault;
use crate::service::TokenLikelihood;
use crate::types::TokenUsage;
use serde_json::{Value, json};

/// An answer that is given as one.
#[derive(Debug, Default)]
pub(super) struct Whole {
    text: String,
    thinking: String,
    likelihoods: Vec<TokenLikelihood>,
}

impl Whole {
    /// Takes the next piece; the body when it was the last.
    pub(super) fn next(&mut self, piece: Piece, head: &Head) -> Result<Option<Value>, Fault> {
        match piece {
            Piece::Thinking(text) => self.thinking.push_str(&text),
            Piece::Text { text, likelihoods } => {
                self.text.push_str(&text);
                self.likelihoods.extend(likelihoods);
            }
            Piece::End {
                finish,
                usage,
                grounding,
            } => {
                let word = finish_word(finish)?;
                return Ok(Some(self.body(head, word, usage, grounding.as_deref())));
            }
            Piece::Failed(fault) => return Err(fault),
        }
        Ok(None)
    }

    /// What to say when no last piece came.
    pub(super) fn missing_end() -> Fault {
        cut_off()
    }

    fn body(
        &self,
        head: &Head,
        word: &str,
        usage: TokenUsage,
        grounding: Option<&Grounding>,
    ) -> Value {
        let content = grounding.map_or(&self.text, |grounding| &grounding.content);
        let found = grounding.map(|grounding| {
            let citations = &grounding.summary.citations;
            annotations(content, content, citations, &head.origin)
        });
        let mut message = json!({
            "role": "assistant",
            "content": content,
            "refusal": null,
            "annotations": found.unwrap_or_default(),
        });
        if !self.thinking.is_empty() {
            message["reasoning_content"] = json!(self.thinking);
        }
        let choice = json!({
            "index": 0,
            "message": message,
            "logprobs": logprobs(&self.likelihoods),
            "finish_reason": word,
        });
        let mut body = head.body("chat.completion", json!([choice]));
        body["usage"] = usage_body(usage);
        if let Some(grounding) = grounding {
            body["satchel"] = about(&grounding.summary);
        }
        body
    }
}

#[cfg(test)]
mod tests {
    use super::Whole;
    use crate::http::dialect::openai::piece::Piece;
    use crate::http::dialect::openai::piece::samples::{end, grounded_end, head, text};
    use crate::service::TokenLikelihood;
    use crate::types::FinishReason;
    use serde_json::json;

    #[test]
    fn whole_answer_has_the_corrected_text() {
        let (mut whole, head) = (Whole::default(), head());
        assert!(whole.next(text("It is so [7]."), &head).unwrap().is_none());
        let body = whole
            .next(grounded_end("It is so [1]."), &head)
            .unwrap()
            .unwrap();
        let message = &body["choices"][0]["message"];
        assert_eq!(message["content"], "It is so [1].");
        assert_eq!(message["annotations"][0]["url_citation"]["start_index"], 9);
        assert_eq!(body["object"], "chat.completion");
    }

    #[test]
    fn whole_answer_that_was_cut_off_is_a_failure() {
        let (mut whole, head) = (Whole::default(), head());
        assert!(whole.next(end(FinishReason::Cancelled), &head).is_err());
    }

    #[test]
    fn likelihoods_come_with_their_bytes_and_thoughts_apart() {
        let (mut whole, head) = (Whole::default(), head());
        whole.next(Piece::Thinking("hm".into()), &head).unwrap();
        let likelihoods = vec![TokenLikelihood {
            text: "ñ".into(),
            logprob: -0.5,
            top: vec![("n".into(), -1.0)],
        }];
        let piece = Piece::Text {
            text: "ñ".into(),
            likelihoods,
        };
        whole.next(piece, &head).unwrap();
        let body = whole.next(end(FinishReason::Stop), &head).unwrap().unwrap();
        let choice = &body["choices"][0];
        assert_eq!(choice["message"]["reasoning_content"], "hm");
        let token = &choice["logprobs"]["content"][0];
        assert_eq!(token["bytes"], json!([195, 177]));
        assert_eq!(token["top_logprobs"][0]["token"], "n");
    }
}
