//! The web page: files of `static/`, embedded into the executable. Must not
//! serve anything else.

mod document;
mod encoded;

use self::document::{finished, hexadecimal, version, without_version};
use self::encoded::{Form, encoded};
use super::security::PAGE_POLICY;
use actix_web::http::header::{self, ETag, EntityTag, Header, IfNoneMatch};
use actix_web::{HttpRequest, HttpResponse, web};
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};
use std::sync::{Mutex, PoisonError};

/// Said of what may have changed: browsers ask each time whether they have
/// the latest, so that an update shows at once.
const ASK_AGAIN: &str = "no-cache";

/// Said of what has its version in its address.
const FOR_GOOD: &str = "public, max-age=31536000, immutable";

#[derive(RustEmbed)]
#[folder = "static/"]
#[allow_missing = true]
struct Files;

/// The version that pages were last sent with. Assets of another one are those
/// of a page from before an update: they are sent as they are now, and not for
/// good.
static SERVED: Mutex<String> = Mutex::new(String::new());

/// `GET /`: the page.
pub(super) async fn index(request: HttpRequest) -> HttpResponse {
    file(&request, "index.html", ASK_AGAIN)
}

/// `GET /api-docs`: the page about the API.
pub(super) async fn api_page(request: HttpRequest) -> HttpResponse {
    file(&request, "api.html", ASK_AGAIN)
}

/// `GET /assets/…`: what the page is made of.
pub(super) async fn asset(request: HttpRequest, path: web::Path<String>) -> HttpResponse {
    let (path, asked) = without_version(&path);
    let served = SERVED
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let current = asked.is_some_and(|asked| asked == served);
    file(&request, path, if current { FOR_GOOD } else { ASK_AGAIN })
}

/// `GET /handbook/…`: the product's own manual.
pub(super) async fn handbook(request: HttpRequest, name: web::Path<String>) -> HttpResponse {
    file(&request, &format!("handbook/{name}"), ASK_AGAIN)
}

/// The answer to an address that nothing is at.
pub(super) fn nothing_here() -> HttpResponse {
    HttpResponse::NotFound()
        .content_type("text/plain; charset=utf-8")
        .body("There is nothing at this address.\n")
}

fn file(request: &HttpRequest, path: &str, keep: &'static str) -> HttpResponse {
    let (Some((hash, content)), Some(media_type)) = (read(path), media_type(path)) else {
        return nothing_here();
    };
    let tag = hexadecimal(&hash[..16]);
    // Weak, because compression changes the bytes and not the content.
    let entity = EntityTag::new_weak(tag.clone());
    let unchanged = IfNoneMatch::parse(request).is_ok_and(|asked| match asked {
        IfNoneMatch::Any => true,
        IfNoneMatch::Items(tags) => tags.iter().any(|other| other.weak_eq(&entity)),
    });
    let mut response = match unchanged {
        true => HttpResponse::NotModified(),
        false => HttpResponse::Ok(),
    };
    response
        .insert_header(ETag(entity))
        .insert_header((header::CACHE_CONTROL, keep))
        .insert_header((header::VARY, "accept-encoding"))
        .insert_header((header::CONTENT_SECURITY_POLICY, PAGE_POLICY));
    if unchanged {
        return response.finish();
    }
    let form = if shrinks(media_type) {
        Form::wanted(request)
    } else {
        Form::Plain
    };
    let (form, body) = encoded(path, &tag, content, form);
    if let Some(name) = form.name() {
        response.insert_header((header::CONTENT_ENCODING, name));
    }
    response.content_type(media_type).body(body)
}

/// A file as it is sent, with its hash.
fn read(path: &str) -> Option<([u8; 32], Vec<u8>)> {
    let file = Files::get(path)?;
    if !path.ends_with(".html") {
        return Some((file.metadata.sha256_hash(), file.data.into_owned()));
    }
    let html = String::from_utf8_lossy(&file.data);
    let version = current_version();
    let html = finished(&html, &version, |module| {
        let file = Files::get(module)?;
        String::from_utf8(file.data.into_owned()).ok()
    });
    *SERVED.lock().unwrap_or_else(PoisonError::into_inner) = version;
    Some((Sha256::digest(&html).into(), html.into_bytes()))
}

/// In a debug build the files are read from the disk and may change.
fn current_version() -> String {
    version(
        Files::iter()
            .filter(|path| !path.starts_with("handbook/"))
            .filter_map(|path| Some(Files::get(&path)?.metadata.sha256_hash())),
    )
}

/// Pictures and fonts are compressed already.
fn shrinks(media_type: &str) -> bool {
    media_type.starts_with("text/")
        || media_type.starts_with("application/")
        || media_type == "image/svg+xml"
}

/// The media types of the files that the page may have; others are not served.
fn media_type(path: &str) -> Option<&'static str> {
    let (_, extension) = path.rsplit_once('.')?;
    Some(match extension {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "md" => "text/markdown; charset=utf-8",
        "txt" => "text/plain; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{ASK_AGAIN, file, media_type};
    use actix_web::test::TestRequest;

    #[test]
    fn only_known_kinds_of_files_are_served() {
        assert_eq!(media_type("app.js"), Some("text/javascript; charset=utf-8"));
        assert_eq!(media_type(".gitkeep"), None);
        assert_eq!(media_type("noextension"), None);
    }

    #[test]
    fn path_cannot_leave_the_folder() {
        let request = TestRequest::get().to_http_request();
        for path in ["../Cargo.toml", "/etc/passwd.txt", "..\\LICENSE.txt", ""] {
            assert_eq!(file(&request, path, ASK_AGAIN).status(), 404, "{path}");
        }
    }
}
