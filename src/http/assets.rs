//! The web page: files of `static/`, embedded into the executable. Must not
//! serve anything else.

use super::security::PAGE_POLICY;
use actix_web::http::header::{self, ETag, EntityTag, Header, IfNoneMatch};
use actix_web::{HttpRequest, HttpResponse, web};
use rust_embed::{EmbeddedFile, RustEmbed};
use std::fmt::Write;

#[derive(RustEmbed)]
#[folder = "static/"]
#[allow_missing = true]
struct Files;

/// `GET /`: the page.
pub(super) async fn index(request: HttpRequest) -> HttpResponse {
    file(&request, "index.html")
}

/// `GET /api-docs`: the page about the API.
pub(super) async fn api_page(request: HttpRequest) -> HttpResponse {
    file(&request, "api.html")
}

/// `GET /assets/…`: what the page is made of.
pub(super) async fn asset(request: HttpRequest, path: web::Path<String>) -> HttpResponse {
    file(&request, &path)
}

/// `GET /handbook/…`: the product's own manual.
pub(super) async fn handbook(request: HttpRequest, name: web::Path<String>) -> HttpResponse {
    file(&request, &format!("handbook/{name}"))
}

/// The answer to an address that nothing is at.
pub(super) fn nothing_here() -> HttpResponse {
    HttpResponse::NotFound()
        .content_type("text/plain; charset=utf-8")
        .body("There is nothing at this address.\n")
}

fn file(request: &HttpRequest, path: &str) -> HttpResponse {
    let (Some(file), Some(media_type)) = (Files::get(path), media_type(path)) else {
        return nothing_here();
    };
    let tag = tag(&file);
    // Browsers ask each time whether they have the latest: an update shows at once.
    let unchanged = IfNoneMatch::parse(request).is_ok_and(|asked| match asked {
        IfNoneMatch::Any => true,
        IfNoneMatch::Items(tags) => tags.iter().any(|other| other.weak_eq(&tag)),
    });
    let mut response = match unchanged {
        true => HttpResponse::NotModified(),
        false => HttpResponse::Ok(),
    };
    response
        .insert_header(ETag(tag))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::CONTENT_SECURITY_POLICY, PAGE_POLICY));
    if unchanged {
        return response.finish();
    }
    response
        .content_type(media_type)
        .body(file.data.into_owned())
}

/// Weak, because compression changes the bytes and not the content.
fn tag(file: &EmbeddedFile) -> EntityTag {
    let mut text = String::new();
    for byte in file.metadata.sha256_hash().iter().take(16) {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    EntityTag::new_weak(text)
}

/// The media types of the files that the page may have; others are not served.
fn media_type(path: &str) -> Option<&'static str> {
    let (_, extension) = path.rsplit_once('.')?;
    Some(match extension {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" | "webmanifest" => "application/json",
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
    use super::{file, media_type};
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
            assert_eq!(file(&request, path).status(), 404, "{path}");
        }
    }
}
