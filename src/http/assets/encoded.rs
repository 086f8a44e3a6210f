//! Compressed forms of the page's files: made at first use, kept from then on.
//! Must not know what a file is for.

use actix_web::HttpRequest;
use actix_web::http::header::{AcceptEncoding, Encoding, Header};
use actix_web::web::Bytes;
use brotli::enc::BrotliEncoderParams;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::{LazyLock, Mutex, PoisonError};

/// Smaller files gain nothing.
const WORTH_COMPRESSING: usize = 512;

/// Of 11; the last steps take ten times as long for a twentieth less.
const BROTLI_QUALITY: i32 = 10;

/// The form of a file that is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Form {
    Plain,
    Gzip,
    Brotli,
}

impl Form {
    /// The smallest form that the client takes.
    pub(super) fn wanted(request: &HttpRequest) -> Self {
        let forms = [Encoding::brotli(), Encoding::gzip(), Encoding::identity()];
        let Ok(accepted) = AcceptEncoding::parse(request) else {
            return Self::Plain;
        };
        match accepted.negotiate(forms.iter()) {
            Some(chosen) if chosen == forms[0] => Self::Brotli,
            Some(chosen) if chosen == forms[1] => Self::Gzip,
            _ => Self::Plain,
        }
    }

    /// What `Content-Encoding` says of it.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Gzip => Some("gzip"),
            Self::Brotli => Some("br"),
        }
    }
}

struct Kept {
    tag: String,
    bytes: Bytes,
}

static KEPT: LazyLock<Mutex<HashMap<(String, Form), Kept>>> = LazyLock::new(Mutex::default);

/// A file in a form, or plain where that is no larger. `tag` says whether what
/// was kept under this path is still the same file.
pub(super) fn encoded(path: &str, tag: &str, plain: Vec<u8>, form: Form) -> (Form, Bytes) {
    if form == Form::Plain || plain.len() < WORTH_COMPRESSING {
        return (Form::Plain, plain.into());
    }
    let key = (path.to_owned(), form);
    let found = {
        let kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&key)
            .filter(|kept| kept.tag == tag)
            .map(|kept| kept.bytes.clone())
    };
    if let Some(bytes) = found {
        return (form, bytes);
    }
    let Some(bytes) = compressed(&plain, form)
        .ok()
        .filter(|it| it.len() < plain.len())
    else {
        return (Form::Plain, plain.into());
    };
    let bytes = Bytes::from(bytes);
    let kept = Kept {
        tag: tag.to_owned(),
        bytes: bytes.clone(),
    };
    KEPT.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(key, kept);
    (form, bytes)
}

fn compressed(mut plain: &[u8], form: Form) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match form {
        Form::Plain => bytes.extend_from_slice(plain),
        Form::Gzip => {
            let mut encoder = GzEncoder::new(&mut bytes, Compression::best());
            encoder.write_all(plain)?;
            encoder.finish()?;
        }
        Form::Brotli => {
            let parameters = BrotliEncoderParams {
                quality: BROTLI_QUALITY,
                size_hint: plain.len(),
                ..BrotliEncoderParams::default()
            };
            brotli::BrotliCompress(&mut plain, &mut bytes, &parameters)?;
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::{Form, encoded};
    use actix_web::test::TestRequest;
    use flate2::read::GzDecoder;
    use std::io::Read;

    fn wanted(accepted: &str) -> Form {
        let request = TestRequest::get().insert_header(("accept-encoding", accepted));
        Form::wanted(&request.to_http_request())
    }

    #[test]
    fn smallest_form_that_is_accepted_is_chosen() {
        assert_eq!(wanted("gzip, deflate, br, zstd"), Form::Brotli);
        assert_eq!(wanted("gzip, deflate"), Form::Gzip);
        assert_eq!(wanted("br;q=0, gzip;q=0.5"), Form::Gzip);
        assert_eq!(wanted("identity"), Form::Plain);
        assert_eq!(wanted("nonsense"), Form::Plain);
        let silent = TestRequest::get().to_http_request();
        assert_eq!(Form::wanted(&silent), Form::Plain);
    }

    #[test]
    fn compressed_forms_are_smaller_and_unpack_to_the_file() {
        let plain = "all work and no play. ".repeat(200).into_bytes();
        let (form, bytes) = encoded("a.css", "1", plain.clone(), Form::Gzip);
        let mut unpacked = Vec::new();
        GzDecoder::new(&bytes[..])
            .read_to_end(&mut unpacked)
            .unwrap();
        assert_eq!((form, &unpacked), (Form::Gzip, &plain));
        let (form, bytes) = encoded("a.css", "1", plain.clone(), Form::Brotli);
        let mut unpacked = Vec::new();
        brotli::BrotliDecompress(&mut &bytes[..], &mut unpacked).unwrap();
        assert_eq!((form, &unpacked), (Form::Brotli, &plain));
        assert!(bytes.len() < plain.len() / 10);
    }

    #[test]
    fn changed_file_is_compressed_anew() {
        let (_, old) = encoded("b.css", "1", vec![b'a'; 4000], Form::Gzip);
        let (_, new) = encoded("b.css", "2", vec![b'b'; 4000], Form::Gzip);
        assert_ne!(old, new);
    }

    #[test]
    fn what_does_not_shrink_stays_plain() {
        assert_eq!(
            encoded("c", "1", b"short".to_vec(), Form::Gzip).0,
            Form::Plain
        );
    }
}
