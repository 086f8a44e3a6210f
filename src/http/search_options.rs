//! `search_options` as JSON: the one shape that every dialect with a search
//! takes. Says what is in range and nothing about what it does.

use super::HttpError;
use crate::types::{PartialSearchOptions, SearchType};
use serde::{Deserialize, Serialize};
use std::fmt::Display;
use std::ops::RangeInclusive;
use utoipa::ToSchema;

const K: RangeInclusive<usize> = 1..=100;
const FETCH_K: RangeInclusive<usize> = 1..=1000;
const SHARE: RangeInclusive<f32> = 0.0..=1.0;

/// The words for the kinds of search: those of the contracts, and `KEYWORD`,
/// which is ours.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
enum SearchTypeWire {
    Similarity,
    Keyword,
    Hybrid,
    Mmr,
}

/// Each may be absent or null, which means the default.
#[derive(Debug, Clone, Default, Deserialize, Serialize, ToSchema)]
pub(super) struct SearchOptionsWire {
    search_type: Option<SearchTypeWire>,
    #[schema(minimum = 1, maximum = 100)]
    k: Option<usize>,
    #[schema(minimum = 0, maximum = 1)]
    score_threshold: Option<f32>,
    #[schema(minimum = 1, maximum = 1000)]
    fetch_k: Option<usize>,
    #[schema(minimum = 0, maximum = 1)]
    lambda_mult: Option<f32>,
    rerank: Option<bool>,
    all_passages: Option<bool>,
}

impl SearchOptionsWire {
    /// The options, if all are in range.
    pub(super) fn checked(self) -> Result<PartialSearchOptions, HttpError> {
        let search_type = self.search_type.map(|word| match word {
            SearchTypeWire::Similarity => SearchType::Similarity,
            SearchTypeWire::Keyword => SearchType::Keyword,
            SearchTypeWire::Hybrid => SearchType::Hybrid,
            SearchTypeWire::Mmr => SearchType::Mmr,
        });
        Ok(PartialSearchOptions {
            search_type,
            k: within("k", self.k, K)?,
            score_threshold: within("score_threshold", self.score_threshold, SHARE)?,
            fetch_k: within("fetch_k", self.fetch_k, FETCH_K)?,
            lambda_mult: within("lambda_mult", self.lambda_mult, SHARE)?,
            rerank: self.rerank,
            all_passages: self.all_passages,
        })
    }
}

impl From<&PartialSearchOptions> for SearchOptionsWire {
    fn from(options: &PartialSearchOptions) -> Self {
        Self {
            search_type: options.search_type.map(|kind| match kind {
                SearchType::Similarity => SearchTypeWire::Similarity,
                SearchType::Keyword => SearchTypeWire::Keyword,
                SearchType::Hybrid => SearchTypeWire::Hybrid,
                SearchType::Mmr => SearchTypeWire::Mmr,
            }),
            k: options.k,
            score_threshold: options.score_threshold,
            fetch_k: options.fetch_k,
            lambda_mult: options.lambda_mult,
            rerank: options.rerank,
            all_passages: options.all_passages,
        }
    }
}

fn within<T: PartialOrd + Display>(
    name: &str,
    value: Option<T>,
    range: RangeInclusive<T>,
) -> Result<Option<T>, HttpError> {
    match value {
        Some(value) if !range.contains(&value) => Err(HttpError::field(
            &format!("search_options.{name}"),
            format!(
                "{value} is not within {} and {}",
                range.start(),
                range.end()
            ),
        )),
        value => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use crate::http::extract::from_json;
    use crate::http::search_options::SearchOptionsWire;
    use crate::types::{PartialSearchOptions, SearchOptions, SearchType};

    fn read(json: &str) -> Result<SearchOptions, String> {
        from_json::<SearchOptionsWire>(json.as_bytes(), "search_options")
            .and_then(SearchOptionsWire::checked)
            .map(PartialSearchOptions::complete)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn absent_and_null_options_are_the_defaults() {
        assert_eq!(read("{}").unwrap(), SearchOptions::default());
        let nulls = r#"{"k":null,"search_type":null,"rerank":null,"score_threshold":null}"#;
        assert_eq!(read(nulls).unwrap(), SearchOptions::default());
    }

    #[test]
    fn words_of_the_contract_are_exact() {
        let kind = |word: &str| read(&format!("{{\"search_type\":{word:?}}}"));
        assert_eq!(kind("MMR").unwrap().search_type, SearchType::Mmr);
        assert_eq!(
            kind("SIMILARITY").unwrap().search_type,
            SearchType::Similarity
        );
        let error = kind("hybrid").unwrap_err();
        assert!(
            error.starts_with("search_options.search_type: unknown variant"),
            "{error}"
        );
    }

    #[test]
    fn value_out_of_range_names_the_field_and_the_range() {
        assert_eq!(
            read(r#"{"k":0}"#).unwrap_err(),
            "search_options.k: 0 is not within 1 and 100"
        );
        for json in [
            r#"{"k":101}"#,
            r#"{"k":-1}"#,
            r#"{"k":"4"}"#,
            r#"{"k":1.5}"#,
            r#"{"score_threshold":1.1}"#,
            r#"{"score_threshold":-0.1}"#,
            r#"{"fetch_k":0}"#,
            r#"{"lambda_mult":2}"#,
            r#"{"rerank":"yes"}"#,
            "[]",
        ] {
            assert!(read(json).is_err(), "{json}");
        }
    }

    #[test]
    fn candidates_are_never_fewer_than_results() {
        assert_eq!(read(r#"{"k":50}"#).unwrap().fetch_k, 50);
    }
}
