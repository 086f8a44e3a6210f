//! What the styles and numberings of a Word document say about paragraphs:
//! which are headings, which are items of a list.

use crate::extract::xml;
use quick_xml::events::{BytesStart, Event};
use std::collections::HashMap;

/// Styles that a style is based on, one on another.
const MAX_ANCESTORS: usize = 20;

#[derive(Default)]
struct Style {
    based_on: Option<String>,
    level: Option<u8>,
    numbering: Option<String>,
}

/// Styles and numberings by their ids.
#[derive(Default)]
pub(super) struct Styles {
    styles: HashMap<String, Style>,
    /// Abstract numbering of each numbering.
    numberings: HashMap<String, String>,
    /// Whether the items of a level of an abstract numbering have numbers.
    numbered: HashMap<(String, u8), bool>,
}

impl Styles {
    pub(super) fn read(styles: &str, numbering: &str) -> Result<Self, String> {
        let mut read = Self::default();
        let mut id = String::new();
        xml::walk(styles, |event| {
            if let Event::Start(element) | Event::Empty(element) = event {
                read.style(&element, &mut id);
            }
            Ok(())
        })?;
        let mut place = (String::new(), String::new(), 0);
        xml::walk(numbering, |event| {
            if let Event::Start(element) | Event::Empty(element) = event {
                read.numbering(&element, &mut place);
            }
            Ok(())
        })?;
        Ok(read)
    }

    fn style(&mut self, element: &BytesStart<'_>, id: &mut String) {
        let name = element.local_name().into_inner();
        if name == "style" {
            *id = xml::attribute(element, "styleId").unwrap_or_default();
            return;
        }
        let Some(value) = xml::value(element) else {
            return;
        };
        match name {
            "name" => {
                let level = level_of_name(&value);
                let style = self.styles.entry(id.clone()).or_default();
                style.level = style.level.or(level);
            }
            "basedOn" => self.styles.entry(id.clone()).or_default().based_on = Some(value),
            "outlineLvl" => {
                let level = value.parse::<u8>().ok().filter(|level| *level < 9);
                self.styles.entry(id.clone()).or_default().level = level.map(|level| level + 1);
            }
            "numId" => self.styles.entry(id.clone()).or_default().numbering = Some(value),
            _ => {}
        }
    }

    /// `place`: the abstract numbering, the numbering and the level being read.
    fn numbering(&mut self, element: &BytesStart<'_>, place: &mut (String, String, u8)) {
        let of = |name: &str| xml::attribute(element, name).unwrap_or_default();
        match element.local_name().into_inner() {
            "abstractNum" => place.0 = of("abstractNumId"),
            "num" => place.1 = of("numId"),
            "lvl" => place.2 = of("ilvl").parse().unwrap_or(0),
            "numFmt" => {
                let numbered = !matches!(of("val").as_str(), "bullet" | "none");
                self.numbered.insert((place.0.clone(), place.2), numbered);
            }
            "abstractNumId" => {
                self.numberings.insert(place.1.clone(), of("val"));
            }
            _ => {}
        }
    }

    /// Level of the heading that paragraphs of the style are.
    pub(super) fn heading_level(&self, style: &str) -> Option<u8> {
        self.inherited(style, |style| style.level)
    }

    /// Numbering that paragraphs of the style have.
    pub(super) fn numbering_of(&self, style: &str) -> Option<String> {
        self.inherited(style, |style| style.numbering.clone())
    }

    /// Whether the items of a numbering have numbers; otherwise bullets.
    pub(super) fn is_numbered(&self, numbering: &str, level: u8) -> bool {
        let kind = self.numberings.get(numbering);
        let kind = kind.and_then(|kind| self.numbered.get(&(kind.clone(), level)));
        kind.copied().unwrap_or(false)
    }

    fn inherited<T>(&self, style: &str, of: impl Fn(&Style) -> Option<T>) -> Option<T> {
        let mut id = style;
        for _ in 0..MAX_ANCESTORS {
            let style = self.styles.get(id)?;
            if let Some(found) = of(style) {
                return Some(found);
            }
            id = style.based_on.as_deref()?;
        }
        None
    }
}

/// The names of the built-in styles are the same in every language.
fn level_of_name(name: &str) -> Option<u8> {
    let name = name.to_lowercase();
    match name.strip_prefix("heading ") {
        Some(number) => number.parse().ok().filter(|level| (1..=9).contains(level)),
        None => (name == "title").then_some(1),
    }
}
