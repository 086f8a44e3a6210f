//! Outside issuers of tokens, as the settings file names them.

use serde::{Deserialize, Deserializer};
use std::path::PathBuf;

/// Somebody outside whose tokens are accepted.
#[derive(Deserialize, Debug, Clone, PartialEq)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Issuer {
    /// The `iss` of its tokens, letter for letter.
    pub issuer: String,
    /// What `aud` or `client_id` of its tokens may be.
    #[serde(deserialize_with = "one_or_many")]
    pub audience: Vec<String>,
    /// A file with its public keys (JWKS).
    pub jwks_file: Option<PathBuf>,
    /// Where its public keys are fetched from.
    pub jwks_url: Option<String>,
    /// The tenant of all its users; `None`: its tokens name theirs.
    pub tenant: Option<String>,
    /// Groups whose members are administrators of their tenant.
    #[serde(default = "admin_groups")]
    pub admin_groups: Vec<String>,
    /// Groups whose members may act for any user of their tenant.
    #[serde(default = "service_groups")]
    pub service_groups: Vec<String>,
}

fn admin_groups() -> Vec<String> {
    vec!["admin".to_owned()]
}

fn service_groups() -> Vec<String> {
    vec!["service".to_owned()]
}

fn one_or_many<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Texts {
        One(String),
        Many(Vec<String>),
    }
    Ok(match Texts::deserialize(from)? {
        Texts::One(text) => vec![text],
        Texts::Many(texts) => texts,
    })
}

/// What stands in the printed example of the settings file.
pub(super) const EXAMPLE: &str = r#"
# Others whose tokens are accepted; as many such sections as there are issuers.
# [[issuers]]
# issuer = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_example"
# audience = ["the-client-id"]
# jwks-url = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_example/.well-known/jwks.json"
# jwks-file = "jwks.json"        # instead of jwks-url
# tenant = "default"             # default: the claim custom:tenant_id or tenant_id
# admin-groups = ["admin"]
# service-groups = ["service"]
"#;

#[cfg(test)]
mod tests {
    use super::{EXAMPLE, Issuer};
    use crate::config::Layer;

    #[test]
    fn printed_example_without_its_marks_is_a_valid_issuer() {
        let lines = EXAMPLE.lines().skip(2);
        let text: String = lines
            .map(|line| line.replacen("# ", "", 1) + "\n")
            .collect();
        let layer: Layer = toml::from_str(&text).unwrap();
        let issuers: Vec<Issuer> = layer.issuers.unwrap();
        assert_eq!(issuers[0].audience, ["the-client-id"]);
        assert_eq!(issuers[0].admin_groups, ["admin"]);
    }

    #[test]
    fn audience_may_be_one_text() {
        let text = "[[issuers]]\nissuer = \"i\"\naudience = \"a\"\njwks-file = \"f\"";
        let layer: Layer = toml::from_str(text).unwrap();
        assert_eq!(layer.issuers.unwrap()[0].audience, ["a"]);
    }
}
