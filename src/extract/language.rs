//! The language that most of a document is written in. Says nothing rather than
//! something wrong: of a few words nobody can tell, and the model knows sixteen
//! languages and takes each text for one of them, so that the letters of the
//! text have to agree.

use crate::types::Page;
use std::collections::BTreeMap;
use unicode_normalization::UnicodeNormalization;
use whichlang::{Lang, detect_language};

/// Pieces of a document that are looked at, at even distances.
const PIECES: usize = 48;

/// Length of a piece: of 2,372 pieces of XQuAD (en, de, zh) the model takes 5 for
/// another language.
const PIECE_BYTES: usize = 240;

/// Bytes of letters below which nobody can tell: some two lines of English, or
/// one of Chinese.
const FEWEST_BYTES: usize = 150;

/// Share of the text that has to be of one language.
const LARGEST_PART: f64 = 0.6;

/// Share of letters that the language lacks. Names and loan words stay below,
/// neighbours such as Danish, Polish, Persian or Ukrainian are above.
const MOST_STRANGE: f64 = 0.01;

/// Share of the letters by which some languages are known.
const FEWEST_MARKS: f64 = 0.005;

/// Scripts that the model does not know, of one language each.
const SCRIPTS: &[(char, char, &str)] = &[
    ('\u{370}', '\u{3ff}', "el"),
    ('\u{531}', '\u{58f}', "hy"),
    ('\u{590}', '\u{5ff}', "he"),
    ('\u{b80}', '\u{bff}', "ta"),
    ('\u{c00}', '\u{c7f}', "te"),
    ('\u{e00}', '\u{e7f}', "th"),
    ('\u{10a0}', '\u{10ff}', "ka"),
];

/// The language of most of the text, as BCP 47 writes it, if there is enough of
/// it to tell.
pub(super) fn of(pages: &[Page]) -> Option<&'static str> {
    let mut parts: BTreeMap<&'static str, usize> = BTreeMap::new();
    let mut letters = Vec::new();
    for piece in pieces(pages) {
        // Ligatures and other forms of a letter are that letter.
        let piece: String = piece.nfkc().collect();
        let lower = piece.chars().flat_map(char::to_lowercase);
        let own: Vec<char> = lower.filter(|c| c.is_alphabetic()).collect();
        if !own.is_empty() {
            let bytes: usize = own.iter().map(|c| c.len_utf8()).sum();
            *parts.entry(of_piece(&piece, &own)).or_default() += bytes;
            letters.extend(own);
        }
    }
    let total: usize = parts.values().sum();
    let (language, bytes) = parts.into_iter().max_by_key(|(_, bytes)| *bytes)?;
    let clear = bytes as f64 >= LARGEST_PART * total as f64;
    (total >= FEWEST_BYTES && clear && is_written_so(language, &letters)).then_some(language)
}

fn pieces(pages: &[Page]) -> Vec<&str> {
    let total: usize = pages.iter().map(|page| page.text.len()).sum();
    let step = (total / PIECES).max(PIECE_BYTES);
    let mut found = Vec::with_capacity(PIECES + 1);
    // Where the next piece begins, from the beginning of the page.
    let mut next = 0;
    for Page { text, .. } in pages {
        while next < text.len() {
            let start = text.floor_char_boundary(next);
            let end = text.floor_char_boundary(next + PIECE_BYTES);
            found.push(&text[start..end]);
            next += step;
        }
        next -= text.len();
    }
    found
}

fn of_piece(piece: &str, letters: &[char]) -> &'static str {
    let of_script = |(first, last, language): &(char, char, &'static str)| {
        let own = letters.iter().filter(|c| (*first..=*last).contains(*c));
        (own.count() * 2 > letters.len()).then_some(*language)
    };
    let by_script = SCRIPTS.iter().find_map(of_script);
    by_script.unwrap_or_else(|| code(detect_language(piece)))
}

fn code(language: Lang) -> &'static str {
    match language {
        Lang::Ara => "ar",
        Lang::Cmn => "zh",
        Lang::Deu => "de",
        Lang::Eng => "en",
        Lang::Fra => "fr",
        Lang::Hin => "hi",
        Lang::Ita => "it",
        Lang::Jpn => "ja",
        Lang::Kor => "ko",
        Lang::Nld => "nl",
        Lang::Por => "pt",
        Lang::Rus => "ru",
        Lang::Spa => "es",
        Lang::Swe => "sv",
        Lang::Tur => "tr",
        Lang::Vie => "vi",
    }
}

/// Whether letters may be those of a text of the language.
fn is_written_so(language: &str, letters: &[char]) -> bool {
    let share = |count: usize| count as f64 / letters.len() as f64;
    let strange = letters.iter().filter(|c| !has(language, **c)).count();
    let marks = letters.iter().filter(|c| marks(language, **c)).count();
    share(strange) <= MOST_STRANGE && share(marks) >= FEWEST_MARKS
}

/// Whether a text of the language has such a letter without being of another.
fn has(language: &str, letter: char) -> bool {
    // Latin names are everywhere, and so are Greek letters in formulas.
    if letter.is_ascii() || ('\u{370}'..='\u{3ff}').contains(&letter) {
        return true;
    }
    match language {
        "ar" => ('\u{621}'..='\u{670}').contains(&letter),
        "de" => "äöüß".contains(letter),
        "en" => false,
        "es" => "áéíóúüñ".contains(letter),
        "fr" => "àâæçéèêëîïôœùûüÿ".contains(letter),
        "it" => "àèéìíîòóùú".contains(letter),
        "nl" => "áéèëíïóöúü".contains(letter),
        "pt" => "áâãàçéêíóôõúü".contains(letter),
        "ru" => ('а'..='я').contains(&letter) || letter == 'ё',
        "sv" => "åäöé".contains(letter),
        "tr" => "çğıöşüâîû".contains(letter),
        "vi" => "ăâđêôơưàáãèéìíĩòóõùúũý".contains(letter) || is_vietnamese(letter),
        // A script of its own, which the model has seen.
        _ => true,
    }
}

/// Whether the language is known by such a letter, where others that the model
/// takes for it lack it: Finnish for Swedish, Indonesian for Turkish.
fn marks(language: &str, letter: char) -> bool {
    match language {
        "sv" => letter == 'å',
        "tr" => "ğış".contains(letter),
        "vi" => "đơư".contains(letter) || is_vietnamese(letter),
        _ => true,
    }
}

fn is_vietnamese(letter: char) -> bool {
    ('\u{1ea0}'..='\u{1ef9}').contains(&letter)
}

#[cfg(test)]
mod tests {
    use super::of;
    use crate::types::{Page, PageOutcome};

    fn language(pages: &[&str]) -> Option<&'static str> {
        let page = |text: &&str| Page {
            number: 1,
            text: (*text).to_owned(),
            outcome: PageOutcome::Text,
        };
        of(&pages.iter().map(page).collect::<Vec<_>>())
    }

    const ENGLISH: &str = "The lighthouse was built in 1874 by an engineer who had come from a \
        distant town. Its tower is forty-one metres high, and the light is seen nineteen miles \
        away. The first keeper was a man who kept bees beside the tower.";
    const GERMAN: &str = "Der Leuchtturm wurde 1874 von einem Ingenieur gebaut, der aus einer \
        fernen Stadt gekommen war. Sein Turm ist einundvierzig Meter hoch, und das Licht sieht man \
        neunzehn Seemeilen weit. Der erste Wärter hielt Bienen neben dem Turm.";

    #[test]
    fn languages_are_told_by_their_texts() {
        for (code, text) in [
            ("en", ENGLISH),
            ("de", GERMAN),
            (
                "sv",
                "Fyren byggdes 1874 av en ingenjör som kom från en avlägsen stad. Tornet är \
                 fyrtioen meter högt och ljuset syns på nitton sjömils avstånd. Den förste \
                 fyrvaktaren var en man som höll bin bredvid tornet.",
            ),
            (
                "tr",
                "Deniz feneri 1874 yılında uzak bir şehirden gelen bir mühendis tarafından inşa \
                 edildi. Kulesi kırk bir metre yüksekliğindedir ve ışığı on dokuz deniz mili \
                 uzaktan görülür.",
            ),
            (
                "ru",
                "Маяк был построен в 1874 году инженером, который приехал из далёкого города. Его \
                 башня имеет высоту сорок один метр, а свет виден с девятнадцати миль.",
            ),
            (
                "ja",
                "この灯台は一八七四年に、遠い町から来た技師によって建てられました。塔の高さは四十一\
                 メートルで、その光は十九海里離れたところからも見えます。",
            ),
            (
                "zh",
                "这座灯塔由一位来自远方城市的工程师建于一八七四年。塔高四十一米，灯光在十九海里之外\
                 都能看见。第一位守塔人在这里工作了二十二年，并在塔旁养蜂。",
            ),
            (
                "el",
                "Ο φάρος χτίστηκε το 1874 από έναν μηχανικό που ήρθε από μια μακρινή πόλη. Ο πύργος \
                 του έχει ύψος σαράντα ένα μέτρα και το φως του φαίνεται από δεκαεννέα μίλια.",
            ),
        ] {
            assert_eq!(language(&[text]), Some(code), "{text}");
        }
    }

    #[test]
    fn language_that_the_model_does_not_know_is_not_taken_for_another() {
        for text in [
            "Fyret blev bygget i 1874 af en ingeniør, som kom fra en fjern by. Dets tårn er \
             enogfyrre meter højt, og lyset kan ses fra nitten sømils afstand. Den første \
             fyrvogter holdt bier ved siden af tårnet.",
            "Majakan rakensi vuonna 1874 insinööri, joka tuli kaukaisesta kaupungista. Sen torni \
             on neljäkymmentäyksi metriä korkea, ja valo näkyy yhdeksäntoista meripeninkulman \
             päähän.",
            "Mercusuar itu dibangun pada tahun 1874 oleh seorang insinyur yang datang dari kota \
             yang jauh. Menaranya setinggi empat puluh satu meter, dan cahayanya dapat dilihat \
             dari jarak sembilan belas mil laut.",
            "Farul a fost construit în anul 1874 de un inginer care venise dintr-un oraș \
             îndepărtat. Turnul său are patruzeci și unu de metri înălțime, iar lumina se vede de \
             la nouăsprezece mile marine.",
            "Маяк був побудований у 1874 році інженером, який приїхав із далекого міста. Його \
             вежа має сорок один метр заввишки, а світло видно з дев'ятнадцяти морських миль.",
        ] {
            assert_eq!(language(&[text]), None, "{text}");
        }
    }

    #[test]
    fn few_words_numbers_and_halves_have_no_language() {
        assert_eq!(language(&[]), None);
        assert_eq!(
            language(&["Loaves rest for fourteen hours before baking."]),
            None
        );
        assert_eq!(language(&["1874; 41; 19; 22\n".repeat(80).as_str()]), None);
        assert_eq!(language(&[ENGLISH, GERMAN]), None);
    }

    #[test]
    fn quotation_in_another_language_does_not_change_that_of_a_book() {
        let book = [GERMAN, GERMAN, ENGLISH, GERMAN, "", GERMAN, GERMAN];
        assert_eq!(language(&book), Some("de"));
        let long = GERMAN.repeat(2_000);
        assert_eq!(language(&[&long, ENGLISH]), Some("de"));
    }
}
