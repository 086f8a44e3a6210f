//! The models that find passages and judge sentences by them: which file a
//! setting means, and what becomes of the documents when it changes. Must not
//! know how a model computes.

use crate::config::Config;
use crate::engine::encoder::{Encoder, Entailment, Reranker};
use crate::engine::hub;
use crate::error::{ErrorKind, Fault};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// The model that makes the vectors: the configured one, else the bundled one.
pub(super) fn embedder(config: &Config, bundled: &Arc<Encoder>) -> Result<Arc<Encoder>, Fault> {
    let Some(name) = other_than(config, bundled) else {
        return Ok(Arc::clone(bundled));
    };
    let path = path_of(config, name, "embedding-model")?;
    let query = config.embedding_query_prefix.clone();
    let passage = config.embedding_passage_prefix.clone();
    let embedder = Encoder::open(&path)?.with_prompts(query, passage);
    tracing::info!(
        model = embedder.name(),
        dimensions = embedder.dimensions(),
        window = embedder.window(),
        "vectors come from another embedding model than the built-in one"
    );
    Ok(Arc::new(embedder))
}

/// What is configured in place of the bundled model.
pub(super) fn other_than<'a>(config: &'a Config, bundled: &Encoder) -> Option<&'a str> {
    let name = config.embedding_model.as_deref()?;
    (!name.eq_ignore_ascii_case(bundled.name())).then_some(name)
}

/// Whether the model that makes the vectors is known to have learnt English
/// alone: the bundled one has, of others the catalogue tells.
pub(super) fn knows_english_only(config: &Config, bundled: &Encoder) -> bool {
    let Some(name) = other_than(config, bundled) else {
        return true;
    };
    let entry = hub::known(name).or_else(|| hub::known(&format!("{name}.gguf")));
    entry.is_some_and(|entry| entry.languages == ["en"])
}

/// The configured reranking model.
pub(super) fn reranker(config: &Config) -> Result<Option<Arc<Reranker>>, Fault> {
    let Some(name) = &config.rerank_model else {
        return Ok(None);
    };
    let reranker = Reranker::open(&path_of(config, name, "rerank-model")?)?;
    tracing::info!(model = reranker.name(), "passages can be reranked");
    Ok(Some(Arc::new(reranker)))
}

/// The configured entailment model.
pub(super) fn entailment(config: &Config) -> Result<Option<Arc<Entailment>>, Fault> {
    let Some(name) = &config.entailment_model else {
        return Ok(None);
    };
    let model = Entailment::open(&path_of(config, name, "entailment-model")?)?;
    let name = model.name();
    tracing::info!(model = name, "sentences are judged by their sources");
    Ok(Some(Arc::new(model)))
}

/// The file or folder that a name means on the command line: the one at this
/// path, else what the setting of that name would mean. `None`: there is none.
pub fn model_named(config: &Config, name: &str) -> Option<PathBuf> {
    let path = Path::new(name);
    match path.exists() {
        true => Some(path.to_owned()),
        false => path_of(config, name, "").ok(),
    }
}

/// The file or folder below `models/` that a name means: its own, without its
/// ending, or the catalogue's.
fn path_of(config: &Config, name: &str, setting: &str) -> Result<PathBuf, Fault> {
    let below = |component: Component<'_>| matches!(component, Component::Normal(_));
    if !Path::new(name).components().all(below) {
        return Err(Fault::invalid(format!(
            "the setting {setting} names a file or folder in {}, not {name:?}",
            config.models().display()
        )));
    }
    let file = hub::known(name).map(|entry| entry.file.clone());
    let names = [Some(name.to_owned()), Some(format!("{name}.gguf")), file];
    let paths = names.into_iter().flatten();
    let mut paths = paths.map(|name| config.models().join(name));
    paths.find(|path| path.exists()).ok_or_else(|| {
        let message = format!(
            "the setting {setting} is {name:?}, but {} has no such file or folder",
            config.models().display()
        );
        Fault::new(ErrorKind::ModelMissing, message)
    })
}

#[cfg(test)]
mod tests {
    use super::{embedder, entailment, knows_english_only, reranker};
    use crate::config::Config;
    use crate::engine::encoder::Encoder;
    use crate::error::{ErrorKind, Kind};
    use std::sync::Arc;

    fn config(data: &std::path::Path, name: &str) -> Config {
        Config {
            data_dir: data.to_owned(),
            embedding_model: Some(name.to_owned()),
            rerank_model: Some(name.to_owned()),
            entailment_model: Some(name.to_owned()),
            ..Config::default()
        }
    }

    #[test]
    fn model_that_is_not_there_or_lies_elsewhere_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let bundled = Arc::new(Encoder::bundled().unwrap());
        for (name, kind) in [
            ("nothing", ErrorKind::ModelMissing),
            ("../nothing", ErrorKind::Invalid),
            ("/etc/passwd", ErrorKind::Invalid),
        ] {
            let config = config(folder.path(), name);
            let refused = embedder(&config, &bundled).err().unwrap();
            assert_eq!(refused.kind(), kind, "{name}");
            assert!(refused.to_string().contains(name), "{refused}");
            assert!(reranker(&config).is_err());
            let refused = entailment(&config).err().unwrap().to_string();
            assert!(refused.contains("entailment-model"), "{refused}");
        }
        let named = config(folder.path(), "all-MiniLM-L6-v2");
        let same = embedder(&named, &bundled).unwrap();
        assert_eq!(same.fingerprint(), bundled.fingerprint());
    }

    #[test]
    fn model_of_the_catalogue_says_whether_it_knows_english_alone() {
        let folder = tempfile::tempdir().unwrap();
        let bundled = Encoder::bundled().unwrap();
        let knows = |name: &str| knows_english_only(&config(folder.path(), name), &bundled);
        assert!(knows_english_only(&Config::default(), &bundled));
        assert!(knows("ALL-MiniLM-L6-v2"));
        assert!(knows("nomic-embed-text") && knows("bge-small-en-v1.5-q8_0"));
        assert!(!knows("bge-m3") && !knows("bge-m3-q8_0.gguf"));
        assert!(!knows("a-model-of-my-own"), "nothing is known of it");
    }
}
