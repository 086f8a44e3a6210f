//! Pictures in documents: nobody reads their text here, so each is told with the
//! part that it stands in, and what describes it stands in their place. Owns the
//! rule by which a part is one of pictures and not of text.

use super::image::is_image_extension;
use super::xml::one_line;
use crate::types::PageOutcome;

/// Pictures that cover this share of a page leave room for no text to speak of.
const MOST: f64 = 0.6;
/// A part with fewer visible characters beside such pictures is one of pictures.
const LITTLE_TEXT: usize = 100;
/// A smaller one is a bullet or an icon: of a sheet of paper a square centimetre.
const LEAST: f64 = 1.0 / (WIDTH * HEIGHT);
/// The part of a sheet of paper that text takes, in centimetres.
const WIDTH: f64 = 16.5;
const HEIGHT: f64 = 24.5;

/// A picture, or a chart, of a document.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Picture {
    /// Where in the text it stands, in bytes.
    pub(super) at: usize,
    /// How much of a page it covers; `None`: nobody tells.
    pub(super) share: Option<f64>,
    /// Visible characters of the text that describe it.
    pub(super) described: usize,
}

impl Picture {
    /// One of this share of a page, with what describes it, still without a place.
    pub(super) fn new(share: Option<f64>, description: &str) -> Self {
        Self {
            at: 0,
            share: share.filter(|share| share.is_finite()),
            described: visible(description),
        }
    }

    fn is_ornament(&self) -> bool {
        self.share.is_some_and(|share| share < LEAST)
    }
}

/// What a picture of these centimetres covers of a sheet of paper.
pub(super) fn share_of_sheet(width: f64, height: f64) -> f64 {
    (width * height) / (WIDTH * HEIGHT)
}

/// What stands in the text for a picture that somebody has described; empty for
/// one that nobody has. Programs put the name of a file where there is nothing.
pub(super) fn words(description: &str) -> String {
    let words = one_line(description).replace('[', "(").replace(']', ")");
    let extension = words.rsplit_once('.').map(|(_, end)| end.to_lowercase());
    let is_file = extension.is_some_and(|extension| is_image_extension(&extension));
    match words.is_empty() || is_file {
        true => String::new(),
        false => format!("![{words}]"),
    }
}

/// What became of a part with these pictures, when all else of it was read.
pub(super) fn outcome(text: &str, pictures: &[Picture]) -> PageOutcome {
    let told = || pictures.iter().filter(|picture| !picture.is_ornament());
    let note = match told().count() {
        0 => return PageOutcome::Text,
        1 => "1 picture or chart in it was not read".to_owned(),
        count => format!("{count} pictures or charts in it were not read"),
    };
    let described = told().map(|picture| picture.described).sum();
    let beside = visible(text).saturating_sub(described);
    let covered: f64 = told().filter_map(|picture| picture.share).sum();
    let is_of_pictures = beside == 0 || (covered >= MOST && beside < LITTLE_TEXT);
    match is_of_pictures {
        true => PageOutcome::Failed(format!("{note}; to read their text it needs OCR")),
        false => PageOutcome::Partial(note),
    }
}

fn visible(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}

#[cfg(test)]
mod tests {
    use super::{Picture, outcome, words};
    use crate::types::PageOutcome;

    fn is_unread(text: &str, pictures: &[Picture]) -> bool {
        matches!(outcome(text, pictures), PageOutcome::Failed(_))
    }

    #[test]
    fn a_part_of_pictures_and_hardly_a_word_is_unread() {
        let page = Picture::new(Some(0.9), "");
        assert!(is_unread("", &[Picture::new(None, "")]));
        assert!(is_unread("Invoice 12", std::slice::from_ref(&page)));
        let halves = [Picture::new(Some(0.4), ""), Picture::new(Some(0.4), "")];
        assert!(is_unread("Invoice 12", &halves));
        assert!(!is_unread(&"word ".repeat(30), std::slice::from_ref(&page)));
        assert!(!is_unread("Invoice 12", &halves[..1]));
        assert!(!is_unread("Invoice 12", &[Picture::new(None, "")]));
    }

    #[test]
    fn what_describes_a_picture_is_no_text_beside_it() {
        let description = "A letter of the water works about the new meters. ".repeat(4);
        let picture = Picture::new(Some(0.9), &words(&description));
        assert!(is_unread(&words(&description), &[picture]));
    }

    #[test]
    fn the_name_of_a_file_describes_nothing() {
        assert_eq!(words("scan 0012.PNG"), "");
        assert_eq!(words(" \n"), "");
        let described = words("The pit [north],\n seen from above.");
        assert_eq!(described, "![The pit (north), seen from above.]");
    }

    #[test]
    fn icons_are_not_told_and_logos_are() {
        let icon = Picture::new(Some(0.001), "");
        assert_eq!(
            outcome("Text.", std::slice::from_ref(&icon)),
            PageOutcome::Text
        );
        let logo = Picture::new(Some(0.02), "");
        let note = "1 picture or chart in it was not read";
        let partial = PageOutcome::Partial(note.to_owned());
        assert_eq!(outcome("Text.", &[logo, icon]), partial);
    }
}
