//! `/documents/{id}/original`: the file as it was uploaded. Somebody else wrote
//! it, so it is shown without any rights or only handed over.

use super::Native;
use crate::http::auth::Authorized;
use crate::http::extract::PathValues;
use crate::http::failure::Failure;
use crate::http::security::ORIGINAL_POLICY;
use crate::http::{HttpError, State};
use crate::types::DocumentId;
use actix_web::body::SizedStream;
use actix_web::http::header::{
    self, Charset, ContentDisposition, ContentEncoding, DispositionParam, DispositionType,
    ExtendedValue,
};
use actix_web::web::Bytes;
use actix_web::{HttpResponse, web};
use futures_util::{Stream, stream};
use std::io;
use tokio::fs::File;
use tokio::io::AsyncReadExt;

/// Bytes that are read at once.
const PIECE: usize = 64 * 1024;

/// `GET /documents/{document_id}/original`.
pub(crate) async fn read(
    state: web::Data<State>,
    caller: Authorized<Native>,
    id: PathValues<Native, DocumentId>,
) -> Result<HttpResponse, Failure<Native>> {
    let (document, path) = state.service.original(&caller, &id.value).await?;
    let file = File::open(&path).await.map_err(HttpError::Original)?;
    let size = file.metadata().await.map_err(HttpError::Original)?.len();
    let (media_type, shown) = presentation(&document.file_type);
    Ok(HttpResponse::Ok()
        .content_type(media_type)
        .insert_header(disposition(&document.filename, shown))
        .insert_header((header::CONTENT_SECURITY_POLICY, ORIGINAL_POLICY))
        .insert_header(ContentEncoding::Identity)
        .body(SizedStream::new(size, Box::pin(pieces(file)))))
}

/// The media type, and whether a browser may show the file itself.
fn presentation(file_type: &str) -> (&'static str, bool) {
    match file_type {
        "pdf" => ("application/pdf", true),
        // Shown as text, whatever they say they are: nothing in them runs.
        "text" | "markdown" | "csv" | "json" | "code" => ("text/plain; charset=utf-8", true),
        _ => ("application/octet-stream", false),
    }
}

/// Whether a file called `name` is shown by a browser or saved.
pub(super) fn disposition(name: &str, shown: bool) -> ContentDisposition {
    let plain = |c: char| c.is_ascii_graphic() && !"\"\\%".contains(c) || c == ' ';
    let ascii = name
        .chars()
        .map(|c| if plain(c) { c } else { '_' })
        .collect();
    ContentDisposition {
        disposition: match shown {
            true => DispositionType::Inline,
            false => DispositionType::Attachment,
        },
        parameters: vec![
            DispositionParam::Filename(ascii),
            DispositionParam::FilenameExt(ExtendedValue {
                charset: Charset::Ext("UTF-8".to_owned()),
                language_tag: None,
                value: name.as_bytes().to_vec(),
            }),
        ],
    }
}

/// The bytes of a file, some at a time.
pub(super) fn pieces(file: File) -> impl Stream<Item = io::Result<Bytes>> {
    stream::try_unfold(file, |mut file| async move {
        let mut piece = vec![0; PIECE];
        let length = file.read(&mut piece).await?;
        piece.truncate(length);
        Ok((length > 0).then(|| (Bytes::from(piece), file)))
    })
}

#[cfg(test)]
mod tests {
    use super::presentation;

    #[test]
    fn browser_shows_nothing_that_could_run() {
        for file_type in [
            "html", "svg", "image", "epub", "docx", "xlsx", "pptx", "odt", "ods", "odp", "eml",
            "mbox", "rtf", "zip", "",
        ] {
            assert_eq!(presentation(file_type), ("application/octet-stream", false));
        }
        assert!(presentation("pdf").1);
        assert_eq!(presentation("code").0, "text/plain; charset=utf-8");
    }
}
