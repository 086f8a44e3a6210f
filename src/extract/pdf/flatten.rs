//! Reduces a page to the operators that show text, with form objects written
//! in place. What the font decoder does not need (images, colours, graphics
//! state) is dropped, because it may fail on it; forms get their place on the
//! page; recursion and size are bounded. Where images were is told to `pictures`.

use super::fonts;
use super::pictures::{self, IDENTITY, Matrix, Pictures};
use super::typeface::{Shown, Typeface};
use pdf_extract::content::{Content, Operation};
use pdf_extract::{Dictionary, Document, Object, ObjectId, Stream};

/// Forms inside forms; a form that shows itself ends here.
const MAX_DEPTH: usize = 12;
/// Operators of one page, forms included.
const MAX_OPERATIONS: usize = 2_000_000;
/// Bytes of the content of one page, which may name the same stream many times.
const MAX_CONTENT: usize = 256 * 1024 * 1024;
/// Parents of a page in the tree of pages.
const MAX_ANCESTORS: usize = 64;

/// Replaces content and resources of a page by their reduced form. Gives back
/// what is known of its pictures, and of the fonts of its strings.
pub(super) fn page(document: &mut Document, id: ObjectId) -> Result<(Pictures, Shown), String> {
    let unreadable = |error: pdf_extract::Error| error.to_string();
    let content = content(document, id)?;
    let resources = inherited_resources(document, id);
    let mut flat = Flat::new(Pictures::of(document, id));
    flat.add(document, &content, resources, 0)?;
    let content = Content {
        operations: flat.operations,
    };
    let encoded = content.encode().map_err(unreadable)?;
    let stream = document.add_object(Stream::new(Dictionary::new(), encoded));
    let page = document.get_dictionary_mut(id).map_err(unreadable)?;
    let mut resources = Dictionary::new();
    resources.set("Font", flat.fonts);
    page.set("Resources", resources);
    page.set("Contents", Object::Reference(stream));
    // Places are read relative to each other; a given box spares the decoder
    // the walk through the parents, which may form a circle.
    page.set("MediaBox", vec![0.into(), 0.into(), 612.into(), 792.into()]);
    page.remove(b"ArtBox");
    Ok((flat.pictures, flat.shown))
}

/// The content streams of a page, one after the other.
fn content(document: &Document, page: ObjectId) -> Result<Vec<u8>, String> {
    let mut content = Vec::new();
    for id in document.get_page_contents(page) {
        let Ok(stream) = document.get_object(id).and_then(Object::as_stream) else {
            continue;
        };
        match stream.decompressed_content() {
            Ok(unpacked) => content.extend(unpacked),
            Err(_) => content.extend(&stream.content),
        }
        content.push(b'\n');
        if content.len() > MAX_CONTENT {
            return Err("its content is too large".to_owned());
        }
    }
    Ok(content)
}

fn inherited_resources(document: &Document, page: ObjectId) -> Option<&Dictionary> {
    let mut node = document.get_dictionary(page).ok()?;
    for _ in 0..MAX_ANCESTORS {
        if let Ok(found) = node.get(b"Resources") {
            return document.dereference(found).ok()?.1.as_dict().ok();
        }
        let parent = node.get(b"Parent").and_then(Object::as_reference).ok()?;
        node = document.get_dictionary(parent).ok()?;
    }
    None
}

/// The entry `name` of the sub-dictionary `kind` of `resources`.
fn resource<'a>(
    document: &'a Document,
    resources: Option<&'a Dictionary>,
    kind: &[u8],
    name: &[u8],
) -> Option<&'a Object> {
    let group = document.dereference(resources?.get(kind).ok()?).ok()?.1;
    group.as_dict().ok()?.get(name).ok()
}

/// Text that is neither filled nor drawn: there to be found, not to be seen.
const INVISIBLE: i64 = 3;

/// What `q` keeps and `Q` brings back.
#[derive(Clone, Copy)]
struct State {
    /// Whether a font is set; text without one shows nothing.
    font_set: bool,
    /// Number of the font.
    font: usize,
    /// Where drawing goes on the page.
    place: Matrix,
    invisible: bool,
}

struct Flat {
    operations: Vec<Operation>,
    fonts: Dictionary,
    /// Each font as it stands in its resources, so that one name is made of it.
    known: Vec<Object>,
    state: State,
    saved: Vec<State>,
    pictures: Pictures,
    shown: Shown,
}

impl Flat {
    fn new(pictures: Pictures) -> Self {
        Self {
            operations: Vec::new(),
            fonts: Dictionary::new(),
            known: Vec::new(),
            state: State {
                font_set: false,
                font: 0,
                place: IDENTITY,
                invisible: false,
            },
            saved: Vec::new(),
            pictures,
            shown: Shown::default(),
        }
    }

    fn add(
        &mut self,
        document: &Document,
        content: &[u8],
        resources: Option<&Dictionary>,
        depth: usize,
    ) -> Result<(), String> {
        let decoded = Content::decode(content).map_err(|error| error.to_string())?;
        for operation in &decoded.operations {
            if self.operations.len() > MAX_OPERATIONS {
                return Err("it has too many drawing operators".to_owned());
            }
            match operation.operator.as_str() {
                "Do" => self.object(document, operation, resources, depth)?,
                "BI" => {
                    let image = operation.operands.first();
                    let image = image.and_then(|image| image.as_stream().ok());
                    self.picture(image.map(|image| &image.dict));
                }
                "Tf" => self.font(document, operation, resources),
                _ => self.operator(operation),
            }
        }
        Ok(())
    }

    fn operator(&mut self, operation: &Operation) {
        let operands = operation.operands.as_slice();
        match operation.operator.as_str() {
            name @ ("BT" | "ET" | "T*") => self.push(name, &[]),
            "q" => {
                self.saved.push(self.state);
                self.push("q", &[]);
            }
            "Q" => {
                if let Some(state) = self.saved.pop() {
                    self.state = state;
                    self.push("Q", &[]);
                }
            }
            "cm" => self.transform(operands),
            "Tm" => self.push_numbers("Tm", operands, 6),
            "Tr" => {
                let mode = operands.first().and_then(|mode| mode.as_i64().ok());
                self.state.invisible = mode == Some(INVISIBLE);
            }
            name @ ("Td" | "TD") => self.push_numbers(name, operands, 2),
            name @ ("Tc" | "Tw" | "Tz" | "TL" | "Ts") => self.push_numbers(name, operands, 1),
            "Tj" | "TJ" => self.show(operands.first()),
            "'" => {
                self.push("T*", &[]);
                self.show(operands.first());
            }
            "\"" => {
                if let [word, character, text] = operands {
                    self.push_numbers("Tw", std::slice::from_ref(word), 1);
                    self.push_numbers("Tc", std::slice::from_ref(character), 1);
                    self.push("T*", &[]);
                    self.show(Some(text));
                }
            }
            _ => {}
        }
    }

    fn push(&mut self, operator: &str, operands: &[Object]) {
        let operation = Operation::new(operator, operands.to_vec());
        self.operations.push(operation);
    }

    fn push_numbers(&mut self, operator: &str, operands: &[Object], count: usize) {
        if operands.len() == count && operands.iter().all(is_number) {
            self.push(operator, operands);
        }
    }

    fn transform(&mut self, matrix: &[Object]) {
        self.push_numbers("cm", matrix, 6);
        if let Some(matrix) = pictures::matrix(matrix) {
            self.state.place = pictures::within(&matrix, &self.state.place);
        }
    }

    /// Notes an image; one that cannot be understood may be of any size.
    fn picture(&mut self, image: Option<&Dictionary>) {
        let points = image.and_then(pictures::points);
        self.pictures.draw(&self.state.place, points);
    }

    fn show(&mut self, text: Option<&Object>) {
        let strings: &[Object] = match text {
            Some(Object::Array(parts)) => parts,
            Some(one) => std::slice::from_ref(one),
            None => &[],
        };
        let strings = strings.iter().filter_map(|part| part.as_str().ok());
        if !self.state.font_set {
            self.shown.lost += strings.map(<[u8]>::len).sum::<usize>();
            return;
        }
        self.shown.note(self.state.font, strings.count());
        self.pictures.is_recognised |= self.state.invisible;
        match text {
            Some(Object::String(..)) => self.push("Tj", text.map_or(&[], std::slice::from_ref)),
            Some(Object::Array(parts)) => {
                let shown = |part: &&Object| is_number(part) || matches!(part, Object::String(..));
                let parts = parts.iter().filter(shown).cloned().collect();
                self.push("TJ", &[Object::Array(parts)]);
            }
            _ => {}
        }
    }

    fn font(&mut self, document: &Document, operation: &Operation, resources: Option<&Dictionary>) {
        let [name, size] = operation.operands.as_slice() else {
            return;
        };
        let found = name.as_name().ok();
        let found = found.and_then(|name| resource(document, resources, b"Font", name));
        let Some(font) = found.filter(|_| is_number(size)) else {
            self.state.font_set = false;
            return;
        };
        let index = match self.known.iter().position(|known| known == font) {
            Some(index) => index,
            None => {
                let index = self.known.len();
                self.known.push(font.clone());
                self.shown.fonts.push(Typeface::of(document, font));
                if let Some(font) = fonts::readable(document, font) {
                    self.fonts.set(format!("F{index}"), font);
                }
                index
            }
        };
        self.state.font = index;
        self.state.font_set = self.fonts.has(format!("F{index}").as_bytes());
        if !self.state.font_set {
            return;
        }
        let name = Object::Name(format!("F{index}").into_bytes());
        self.push("Tf", &[name, size.clone()]);
    }

    /// An image, which is noted, or a form.
    fn object(
        &mut self,
        document: &Document,
        operation: &Operation,
        resources: Option<&Dictionary>,
        depth: usize,
    ) -> Result<(), String> {
        let name = operation
            .operands
            .first()
            .and_then(|name| name.as_name().ok());
        let object = name.and_then(|name| resource(document, resources, b"XObject", name));
        let object = object.and_then(|object| document.dereference(object).ok());
        let Some(stream) = object.and_then(|(_, object)| object.as_stream().ok()) else {
            return Ok(());
        };
        match stream.dict.get(b"Subtype").and_then(Object::as_name) {
            Ok(b"Image") => self.picture(Some(&stream.dict)),
            Ok(b"Form") if depth < MAX_DEPTH => self.form(document, stream, resources, depth)?,
            _ => {}
        }
        Ok(())
    }

    /// Writes the content of a form where it is shown.
    fn form(
        &mut self,
        document: &Document,
        stream: &Stream,
        resources: Option<&Dictionary>,
        depth: usize,
    ) -> Result<(), String> {
        let own = stream.dict.get(b"Resources").ok();
        let own = own.and_then(|own| document.dereference(own).ok());
        let own = own.and_then(|(_, own)| own.as_dict().ok());
        let Ok(content) = stream.decompressed_content() else {
            return Ok(());
        };
        let before = self.state;
        self.push("q", &[]);
        if let Ok(matrix) = stream.dict.get(b"Matrix").and_then(Object::as_array) {
            self.transform(matrix);
        }
        // What a form leaves open must not change the page around it.
        let outer = std::mem::take(&mut self.saved);
        // A damaged form loses its own text and not that of its page.
        let _ = self.add(document, &content, own.or(resources), depth + 1);
        for _ in 0..self.saved.len() {
            self.push("Q", &[]);
        }
        self.saved = outer;
        self.push("Q", &[]);
        self.state = before;
        if self.operations.len() > MAX_OPERATIONS {
            return Err("it has too many drawing operators".to_owned());
        }
        Ok(())
    }
}

fn is_number(object: &Object) -> bool {
    matches!(object, Object::Integer(_) | Object::Real(_))
}
