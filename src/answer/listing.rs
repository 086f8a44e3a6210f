//! Questions for all that there is of something ("list all keepers", "welche
//! Wärter gibt es?"), told from those that one passage answers. Must not search:
//! it says what is to be looked for.
//!
//! "How many keepers are there?" is not among them: in XQuAD each of the eight
//! such questions, English and German, has its number in one passage. It is a
//! question for all only where it names the documents themselves.

use super::listing_unspaced::unspaced;
use super::patterns::matched;
use super::terms::fold;
use unicode_normalization::UnicodeNormalization;

/// What is asked for all of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The thing itself: a statement of the list has all of its words.
    pub head: String,
    /// With what narrows it down: a passage has all of these, its titles included.
    pub words: String,
    pub language: ListLanguage,
}

/// In what language what is found is introduced: the one that it is asked in, or
/// English where there are no sentences for that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListLanguage {
    English,
    German,
}

/// Words of a thing, and of all that narrows it down, beyond which a question is
/// none for a list.
const MOST_OF_HEAD: usize = 4;
const MOST_WORDS: usize = 10;

/// Sequences of words, as `patterns` reads them.
type Patterns = &'static [&'static str];

const POLITE: Patterns = &[
    "please|kindly|bitte",
    "can|could|would|will you please? kindly?",
];

const ENGLISH_ORDERS: Patterns = &[
    "list|name|enumerate|show|find|give me|us? all|every|each",
    "give|show|make|write|create me|us? a list of",
    "enumerate the",
    "what|who are all",
];
/// The same, if what follows is a plural.
const ENGLISH_ORDERS_OF_MANY: Patterns = &["list the"];

const GERMAN_ORDERS: Patterns = &[
    "liste|listen|nenn|nenne|nennen|zähle|zählen|zeig|zeige|zeigen|finde|finden|gib|geben sie? mir|uns? \
     bitte? alle|jede|jeden|jedes|sämtliche",
    "gib|geben|zeig|zeige|zeigen|mach|erstelle|erstellen sie? mir|uns? bitte? eine liste \
     aller|der|von|mit allen?",
];
/// The same, with the verb at the end.
const GERMAN_WISHES: Patterns =
    &["kannst|könntest|können|könnten du|sie mir|uns? bitte? alle|sämtliche"];
const GERMAN_VERBS: Patterns = &["auflisten|nennen|aufzählen|zeigen|geben|finden"];

/// Where all documents are meant, and no place that narrows anything down.
const EVERYWHERE: Patterns = &[
    "in|within|across|throughout all? of? the|these|those|this|that|my|our? \
     document|documents|file|files|report|reports|text|texts|paper|papers|collection|dataset|library",
    "in|im allen? den|dem|diesen|diesem|dieser|der|meinen|meinem|meiner|unseren|unserem|unserer? \
     dokument|dokumenten|datei|dateien|text|texten|bericht|berichten|sammlung|unterlagen",
    "here|hier",
];

/// What may end a question and narrows nothing down.
const ENDINGS: Patterns = &[
    "that|which? are|were? mentioned|listed|named|described",
    "that? there are",
    "die es gibt",
    "die genannt|erwähnt|aufgeführt|beschrieben werden|sind",
    "auf",
];

const ROMANCE_POLITE: Patterns = &[
    "por favor",
    "me|nos? puedes|puede|podrias|podria",
    "s'il te|vous plait",
    "peux-tu|pouvez-vous|pourrais-tu|pourriez-vous|veuillez me|nous?",
];

/// Spanish and French, without accents.
const ROMANCE_ORDERS: Patterns = &[
    "lista|liste|listame|listar|enumera|enumere|enumerame|enumerar|nombra|nombre|nombrame|nombrar|\
     muestra|muestre|muestrame|mostrar|mostrarme|menciona|mencione|indica|indique|indicame|dime|dame|\
     decirme|darme|encuentra|cita|cite todos|todas los|las?",
    "haz|haga|hazme|hacer|hacerme|dame|darme|muestrame|crea una|la lista de|con todos|todas los|las?",
    "enumera|enumere|enumerame|enumerar|lista|liste|listame|listar los|las",
    "cuales|quienes|que son todos|todas los|las?",
    "liste|listez|lister|enumere|enumerez|enumerer|nomme|nommez|nommer|cite|citez|citer|montre|\
     montrez|montrer|montre-moi|montrez-moi|donne|donnez|donner|donne-moi|donnez-moi|indique|indiquez|\
     indiquer|trouve|trouvez|cite-moi|citez-moi tous|toutes les?",
    "fais|faites|fais-moi|faites-moi|faire|donne-moi|donnez-moi|donner|dresse|dressez|dresser|etablis|\
     etablissez une|la liste de tous|toutes les?",
    "fais|faites|fais-moi|faites-moi|faire|donne-moi|donnez-moi|donner|dresse|dressez|dresser|etablis|\
     etablissez une|la liste des",
    "liste|listez|lister|enumere|enumerez|enumerer les",
    "quels|quelles|qui sont tous|toutes les?",
];

const ROMANCE_WHICH: Patterns = &["que|cuales|quels|quelles"];
const ROMANCE_HOW_MANY: Patterns = &["cuantos|cuantas", "combien de"];
const ROMANCE_THERE: Patterns = &["hay", "y a-t-il", "existe-t-il"];
const ROMANCE_MENTIONED: Patterns = &[
    "se mencionan|nombran|citan|enumeran|describen",
    "sont mentionnes|mentionnees|cites|citees|nommes|nommees|enumeres|enumerees|decrits|decrites",
];

const ROMANCE_EVERYWHERE: Patterns = &[
    "en todos|todas? el|la|los|las|este|esta|estos|estas|mi|mis|nuestros|nuestras? \
     documento|documentos|archivo|archivos|fichero|ficheros|informe|informes|texto|textos|coleccion",
    "dans tous|toutes? le|la|les|ce|cet|cette|ces|mon|mes|nos? \
     document|documents|fichier|fichiers|rapport|rapports|texte|textes|collection",
    "aqui|ici",
];

const ROMANCE_ENDINGS: Patterns = &[
    "por favor",
    "s'il te|vous plait",
    "que hay",
    "que se mencionan|nombran|citan|enumeran|describen",
    "qui sont? mentionnes|mentionnees|cites|citees|nommes|nommees|enumeres|enumerees|decrits|decrites",
    "qu'il y a",
];

const ROMANCE_BEFORE_HEAD: Patterns = &[
    "tipos|clases|types|sortes|genres de",
    "los|las|todos|todas|diferentes|distintos|distintas|diversos|diversas|posibles|existentes",
    "les|des|tous|toutes|differents|differentes|divers|diverses|possibles|existants|existantes",
];

const ROMANCE_DIVIDERS: &str = "de del en con sin por para sobre que cuyo el la los las entre a al desde \
    du des dans au aux avec sans pour sur qui dont le les parmi par";

/// What may follow "which … are there".
const AFTER_THERE: &[&str] = &["in", "among", "within", "of", "im", "unter"];

const MENTIONED: Patterns = &[
    "are|were mentioned|listed|named|described",
    "werden|sind genannt|erwähnt|aufgeführt|aufgelistet|aufgezählt|beschrieben",
];

/// Words before a thing that say nothing of it.
const BEFORE_HEAD: Patterns = &[
    "types|kinds|sorts of",
    "arten von",
    "of|the|all|different|various|existing|available|possible",
    "die|der|den|alle|aller|allen|verschiedene|verschiedenen|vorhandenen|möglichen|unterschiedlichen",
];

/// Words that end the name of a thing.
const DIVIDERS: &str = "of in on at from for with without that which who whose where when by about to \
    under over during between into within among across von des der dem den im an am aus für mit ohne \
    die das über zu zur zum bei unter während zwischen wo deren auf";

/// Things of which a list says nothing: what is asked is all that is known.
const TOO_WIDE: &str = "details detail information info facts fact data things thing sources source \
    documents document files file questions answers einzelheiten informationen angaben daten fakten \
    dinge quellen dokumente dateien fragen antworten detalles informacion informaciones datos hechos \
    cosas fuentes documentos archivos ficheros preguntas respuestas informations donnees faits choses \
    fichiers reponses";

/// What the question asks for all of; `None`: it is none for a list.
pub fn asks_for_list(question: &str) -> Option<Listing> {
    let question: String = question.nfkc().collect();
    spaced(&question)
        .or_else(|| romance(&question))
        .or_else(|| unspaced(&question))
}

/// In English or German.
fn spaced(question: &str) -> Option<Listing> {
    let said = Said::new(question);
    let mut rest = said.all();
    while let Some(after) = rest.after(POLITE) {
        rest = after;
    }
    english_order(rest)
        .or_else(|| english_question(rest))
        .map(|thing| (thing, ListLanguage::English))
        .or_else(|| {
            let thing = german_order(rest).or_else(|| german_question(rest))?;
            Some((thing, ListLanguage::German))
        })
        .and_then(|(thing, language)| listing(&thing, language))
}

/// In Spanish or French.
fn romance(question: &str) -> Option<Listing> {
    let said = Said::folded(question);
    let mut rest = said.all();
    while let Some(after) = rest.after(ROMANCE_POLITE) {
        rest = after;
    }
    while let Some(before) = rest
        .without_last(ROMANCE_EVERYWHERE)
        .or_else(|| rest.without_last(ROMANCE_ENDINGS))
    {
        rest = before;
    }
    let is_everywhere = said.all().without_last(ROMANCE_EVERYWHERE).is_some();
    let mut thing = match rest.after(ROMANCE_ORDERS) {
        Some(thing) => thing,
        None => romance_question(rest, is_everywhere)?,
    };
    while let Some(after) = thing.after(ROMANCE_BEFORE_HEAD) {
        thing = after;
    }
    let divides = |word: &String| ROMANCE_DIVIDERS.split_whitespace().any(|one| one == word);
    let head = thing.lower.iter().take_while(|word| !divides(word)).count();
    let joins = |word: &String| ["y", "e", "o", "et", "ou"].contains(&word.as_str());
    let named = &thing.lower[..head];
    let too_wide = |word: &String| TOO_WIDE.split_whitespace().any(|wide| wide == word);
    let fits = (1..=MOST_OF_HEAD).contains(&head) && thing.lower.len() <= MOST_WORDS;
    let is_plural = named.first()?.ends_with(['s', 'x']);
    if !fits || !is_plural || named.iter().any(joins) || named.iter().all(too_wide) {
        return None;
    }
    let all = thing.words.iter().zip(thing.lower);
    // Words of grammar would have to be in each passage that is gathered.
    let told = all.filter_map(|(word, lower)| (!divides(lower)).then_some(*word));
    Some(Listing {
        head: thing.words[..head].join(" "),
        words: told.collect::<Vec<_>>().join(" "),
        language: ListLanguage::English,
    })
}

/// "¿Qué X hay?", "quels X sont mentionnés": the thing.
fn romance_question(rest: Part<'_>, is_everywhere: bool) -> Option<Part<'_>> {
    if let Some(after) = rest.after(ROMANCE_HOW_MANY) {
        let at = (1..after.lower.len()).find(|&at| {
            let tail = after.beyond(at);
            tail.is(ROMANCE_THERE) || tail.is(ROMANCE_MENTIONED)
        })?;
        return is_everywhere.then(|| after.until(at));
    }
    // With a place behind "hay" it is left to a search.
    let after = rest.after(ROMANCE_WHICH)?;
    after
        .without_last(ROMANCE_THERE)
        .or_else(|| after.without_last(ROMANCE_MENTIONED))
}

fn english_order(rest: Part<'_>) -> Option<Vec<String>> {
    if let Some(thing) = rest.after(ENGLISH_ORDERS) {
        return Some(thing.stripped());
    }
    let thing = rest.after(ENGLISH_ORDERS_OF_MANY)?.stripped();
    let head = thing.iter().take_while(|word| !is_divider(word));
    let last = head.last()?.to_lowercase();
    (last.ends_with('s') && !last.ends_with("ss")).then_some(thing)
}

/// "Which X are there …", "what X are mentioned", "how many X do the documents list".
fn english_question(rest: Part<'_>) -> Option<Vec<String>> {
    if let Some(after) = rest.after(&["how many"]) {
        if let Some((thing, place)) = after.split(&["are there"]) {
            return place.is(EVERYWHERE).then(|| thing.stripped());
        }
        if let Some((thing, tail)) = after.split(&["do|does"]) {
            let holds = "mention|list|name|describe|contain|have|hold";
            let whole = tail.without_last(&[holds])?;
            return whole.is_documents().then(|| thing.stripped());
        }
        return mentioned(after);
    }
    let after = rest.after(&["which|what"])?;
    if let Some((thing, place)) = after.split(&["are there"]) {
        return narrowed(thing, place);
    }
    mentioned(after)
}

fn german_order(rest: Part<'_>) -> Option<Vec<String>> {
    if let Some(thing) = rest.after(GERMAN_ORDERS) {
        return Some(thing.stripped());
    }
    let thing = rest.after(GERMAN_WISHES)?.without_last(GERMAN_VERBS)?;
    Some(thing.stripped())
}

/// "Welche X gibt es …", "wie viele X werden in den Dokumenten genannt".
fn german_question(rest: Part<'_>) -> Option<Vec<String>> {
    if let Some(after) = rest.after(&["wie viele"]) {
        if let Some((thing, place)) = after.split(&["gibt es"]) {
            return place.is(EVERYWHERE).then(|| thing.stripped());
        }
        return mentioned_in_german(after);
    }
    let after = rest.after(&["welche"])?;
    if let Some((thing, place)) = after.split(&["gibt es"]) {
        return narrowed(thing, place);
    }
    mentioned_in_german(after)
}

/// A thing, and behind "are there" where: nothing, or a place.
fn narrowed(thing: Part<'_>, place: Part<'_>) -> Option<Vec<String>> {
    let Some(first) = place.lower.first() else {
        return Some(thing.stripped());
    };
    if !AFTER_THERE.contains(&first.as_str()) {
        return None;
    }
    let mut words = thing.words();
    words.extend(place.stripped());
    Some(words)
}

/// "… are mentioned in the documents".
fn mentioned(after: Part<'_>) -> Option<Vec<String>> {
    let (thing, place) = after.split(MENTIONED)?;
    (place.lower.is_empty() || place.is(EVERYWHERE)).then(|| thing.stripped())
}

/// "… werden in den Dokumenten genannt".
fn mentioned_in_german(after: Part<'_>) -> Option<Vec<String>> {
    let verbs = "genannt|erwähnt|aufgeführt|aufgelistet|aufgezählt|beschrieben";
    let whole = after.without_last(&[verbs])?;
    let (thing, place) = whole.split(&["werden|sind"])?;
    (place.lower.is_empty() || place.is(EVERYWHERE)).then(|| thing.stripped())
}

/// A thing that can be looked for.
fn listing(thing: &[String], language: ListLanguage) -> Option<Listing> {
    let said = Said {
        words: thing.iter().map(String::as_str).collect(),
        lower: thing.iter().map(|word| word.to_lowercase()).collect(),
    };
    let mut rest = said.all();
    while let Some(after) = rest.after(BEFORE_HEAD) {
        rest = after;
    }
    let head = rest.lower.iter().take_while(|word| !is_divider(word));
    let head = head.count();
    let joins = |word: &String| ["and", "or", "und", "oder"].contains(&word.as_str());
    let named = &rest.lower[..head];
    let too_wide = |word: &String| TOO_WIDE.split_whitespace().any(|wide| wide == word);
    let fits = (1..=MOST_OF_HEAD).contains(&head) && rest.lower.len() <= MOST_WORDS;
    if !fits || named.iter().any(joins) || named.iter().all(too_wide) {
        return None;
    }
    Some(Listing {
        head: rest.words[..head].join(" "),
        words: rest.words.join(" "),
        language,
    })
}

fn is_divider(word: &str) -> bool {
    let lower = word.to_lowercase();
    DIVIDERS.split_whitespace().any(|divider| divider == lower)
}

/// The words of a question, without the marks around them.
struct Said<'a> {
    words: Vec<&'a str>,
    lower: Vec<String>,
}

/// Some of them that follow each other.
#[derive(Clone, Copy)]
struct Part<'a> {
    words: &'a [&'a str],
    lower: &'a [String],
}

impl<'a> Said<'a> {
    fn new(question: &'a str) -> Self {
        let bare = |word: &'a str| word.trim_matches(|c: char| !c.is_alphanumeric());
        let words = question.split_whitespace().map(bare);
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        Self {
            lower: words.iter().map(|word| word.to_lowercase()).collect(),
            words,
        }
    }

    /// Without accents.
    fn folded(question: &'a str) -> Self {
        let said = Self::new(question);
        Self {
            lower: said.words.iter().map(|word| fold(word)).collect(),
            ..said
        }
    }

    fn all(&self) -> Part<'_> {
        Part {
            words: &self.words,
            lower: &self.lower,
        }
    }
}

impl<'a> Part<'a> {
    fn beyond(self, start: usize) -> Self {
        Self {
            words: &self.words[start..],
            lower: &self.lower[start..],
        }
    }

    fn until(self, end: usize) -> Self {
        Self {
            words: &self.words[..end],
            lower: &self.lower[..end],
        }
    }

    fn words(self) -> Vec<String> {
        self.words.iter().map(|word| (*word).to_owned()).collect()
    }

    /// What follows one of the patterns that it begins with.
    fn after(self, patterns: &[&str]) -> Option<Self> {
        let mut found = patterns.iter().filter_map(|one| matched(one, self.lower));
        Some(self.beyond(found.next()?))
    }

    /// Whether it is one of the patterns and nothing else.
    fn is(self, patterns: &[&str]) -> bool {
        let mut found = patterns.iter().filter_map(|one| matched(one, self.lower));
        found.any(|end| end == self.lower.len())
    }

    /// What is before and behind the first place that one of the patterns matches.
    fn split(self, patterns: &[&str]) -> Option<(Self, Self)> {
        (1..self.lower.len())
            .find_map(|at| Some((self.until(at), self.beyond(at).after(patterns)?)))
    }

    /// What is before the patterns that it ends with.
    fn without_last(self, patterns: &[&str]) -> Option<Self> {
        let at = (1..self.lower.len()).find(|&at| self.beyond(at).is(patterns))?;
        Some(self.until(at))
    }

    /// Whether it means the documents: "these documents".
    fn is_documents(self) -> bool {
        let of = "the|these|those|this|that|my|our documents|document|files|file|report|reports|text|texts";
        matched(of, self.lower) == Some(self.lower.len())
    }

    /// Its words without what may end a question and narrows nothing down.
    fn stripped(self) -> Vec<String> {
        let mut rest = self;
        while let Some(before) = rest
            .without_last(EVERYWHERE)
            .or_else(|| rest.without_last(ENDINGS))
        {
            rest = before;
        }
        rest.words()
    }
}

#[cfg(test)]
#[path = "listing_tests.rs"]
mod tests;
