//! The language that most of a document is written in. Says nothing rather than
//! something wrong: of a few words nobody can tell, and the model knows sixteen
//! languages and takes each text for one of them, so that the letters of the
//! text have to agree. Where they do not, a long text without the words of
//! English is at least known not to be English.

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

/// Not English, and of no language that can be told: BCP 47 says "undetermined".
const FOREIGN: &str = "und";

/// Letters below which no text is called foreign: some three lines.
const FEWEST_FOREIGN: usize = 250;

/// Letters below which a text without accents is not called foreign: a third of a page.
const FEWEST_PLAIN: usize = 600;

/// Share of letters among the signs of a text in sentences. Code and tables stay
/// below.
const FEWEST_LETTERS: f64 = 0.88;

/// Share of the words of a text in sentences that begin with a capital. Lists
/// of names are above.
const MOST_CAPITALS: f64 = 0.4;

/// Share of ENGLISH_WORDS among the words of a text that is not English: English
/// prose has 15 %, and half of it in a text of two languages is above.
const MOST_ENGLISH: f64 = 0.03;

/// Share of a text without accents that the model takes for English, though the
/// text is not.
const LARGEST_ENGLISH: f64 = 0.2;

/// Words that every English text has, and that are no frequent words elsewhere,
/// as "in", "is", "to", "for", "at" and "on" are.
const ENGLISH_WORDS: &[&str] = &[
    "the", "of", "and", "that", "with", "was", "were", "this", "these", "from", "which", "their",
    "not", "it", "its", "has",
];

/// Scripts that the model does not know, of one language each, and at the end
/// those of which no language is told.
const SCRIPTS: &[(char, char, &str)] = &[
    ('\u{370}', '\u{3ff}', "el"),
    ('\u{531}', '\u{58f}', "hy"),
    ('\u{590}', '\u{5ff}', "he"),
    ('\u{b80}', '\u{bff}', "ta"),
    ('\u{c00}', '\u{c7f}', "te"),
    ('\u{e00}', '\u{e7f}', "th"),
    ('\u{10a0}', '\u{10ff}', "ka"),
    ('\u{700}', '\u{89f}', FOREIGN),
    ('\u{980}', '\u{10ff}', FOREIGN),
    ('\u{1200}', '\u{1c7f}', FOREIGN),
];

/// The language of most of the text, as BCP 47 writes it, if there is enough of
/// it to tell; FOREIGN if all that can be told is that it is not English.
pub(super) fn of(pages: &[Page]) -> Option<&'static str> {
    let mut parts: BTreeMap<&'static str, usize> = BTreeMap::new();
    let mut letters = Vec::new();
    let mut prose = Prose::default();
    for piece in pieces(pages) {
        // Ligatures and other forms of a letter are that letter.
        let piece: String = piece.nfkc().collect();
        prose.add(&piece);
        let lower = piece.chars().flat_map(char::to_lowercase);
        let own: Vec<char> = lower.filter(|c| c.is_alphabetic()).collect();
        if !own.is_empty() {
            let bytes: usize = own.iter().map(|c| c.len_utf8()).sum();
            *parts.entry(of_piece(&piece, &own)).or_default() += bytes;
            letters.extend(own);
        }
    }
    let total: usize = parts.values().sum();
    let english = parts.get("en").map_or(0.0, |en| share(*en, total));
    let (language, bytes) = parts.into_iter().max_by_key(|(_, bytes)| *bytes)?;
    let clear = total >= FEWEST_BYTES && share(bytes, total) >= LARGEST_PART;
    if clear && is_written_so(language, &letters) {
        return Some(language);
    }
    (prose.is_not_english() && is_foreign(&letters, english)).then_some(FOREIGN)
}

fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// What tells sentences from code, tables and lists, and English ones from others.
#[derive(Default)]
struct Prose {
    /// All that is no space.
    signs: usize,
    letters: usize,
    words: usize,
    /// Words that begin with a capital.
    capitals: usize,
    english: usize,
}

impl Prose {
    fn add(&mut self, piece: &str) {
        self.signs += piece.chars().filter(|c| !c.is_whitespace()).count();
        self.letters += piece.chars().filter(|c| c.is_alphabetic()).count();
        let words = piece.split(|c: char| !c.is_alphabetic());
        for word in words.filter(|word| !word.is_empty()) {
            self.words += 1;
            self.capitals += usize::from(word.starts_with(char::is_uppercase));
            let is_word = |english: &&str| word.eq_ignore_ascii_case(english);
            self.english += usize::from(ENGLISH_WORDS.iter().any(is_word));
        }
    }

    /// Whether this is a text in sentences, of another language than English.
    fn is_not_english(&self) -> bool {
        share(self.letters, self.signs) >= FEWEST_LETTERS
            && share(self.capitals, self.words) <= MOST_CAPITALS
            && share(self.english, self.words) <= MOST_ENGLISH
    }
}

/// Whether letters are enough, and accents as many, as a text needs that is not
/// English, of which the model takes the share `english` for English.
fn is_foreign(letters: &[char], english: f64) -> bool {
    let strange = letters.iter().filter(|c| !has("en", **c)).count();
    match share(strange, letters.len()) > MOST_STRANGE {
        true => letters.len() >= FEWEST_FOREIGN,
        false => letters.len() >= FEWEST_PLAIN && english <= LARGEST_ENGLISH,
    }
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
    let strange = letters.iter().filter(|c| !has(language, **c)).count();
    let marks = letters.iter().filter(|c| marks(language, **c)).count();
    share(strange, letters.len()) <= MOST_STRANGE && share(marks, letters.len()) >= FEWEST_MARKS
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
    fn text_of_a_language_that_cannot_be_told_is_known_not_to_be_english() {
        for text in [
            "Bageren på hjørnet åbner klokken fem om morgenen, og allerede da står der folk i kø. \
             Han har lært faget af sin bedstefar, som bagte rugbrød i en stenovn, der ikke findes \
             længere. Dejen hviler natten over, og først når skorpen er mørk og sprød, bliver \
             brødene taget ud. Om lørdagen sælger han også kager med æbler fra sin egen have.",
            "Bibliotekaren låser opp døren før sola står opp, og går en runde mellom hyllene. Hun \
             vet nøyaktig hvor hver bok hører hjemme, også de som ingen har lånt på mange år. Når \
             snøen ligger tung over bygda, kommer folk hit for å varme seg og lese avisen. Ofte \
             blir de sittende til det mørkner, og så følger hun dem hjem over jordet.",
            "Młynarz wstawał codziennie przed świtem, żeby sprawdzić, czy rzeka nie wezbrała w \
             nocy. Jego młyn stał na wzgórzu za wsią, a drewniane koło skrzypiało tak głośno, że \
             słychać je było aż przy kościele. Jesienią przyjeżdżali do niego gospodarze z całej \
             okolicy, przywozili żyto i pszenicę, a potem długo rozmawiali przy ogniu.",
            "Zahradník každé ráno prochází sklepem a kontroluje, zda jablka nezačala hnít. Stromy \
             zasadil jeho děd ještě před válkou a některé z nich stále rodí víc než ty mladé. Na \
             podzim přijíždějí děti ze školy, pomáhají se sklizní a večer si u ohně pečou \
             brambory. Nejlepší mošt se podle něj dělá z plodů, které už přešel první mráz.",
            "Kalastaja lähtee järvelle ennen auringonnousua, kun sumu vielä peittää rannan. Hän \
             laskee verkot samaan paikkaan, jonka hänen isänsä näytti hänelle vuosikymmeniä \
             sitten. Talvella hän kairaa jäähän reiän ja odottaa tuntikausia hiljaisuudessa. \
             Saaliin hän myy torilla, mutta parhaat kalat hän vie aina naapurin vanhalle äidille.",
            "A kertész minden reggel végigjárja a szőlőt, és megnézi, nem tettek-e kárt benne az \
             őzek. Nagyapja ültette az első tőkéket, amikor még ökrökkel szántották a domboldalt. \
             Ősszel az egész falu segít a szüretnél, este pedig a pincében főznek, énekelnek és \
             megkóstolják a mustot. A legjobb hordót mindig az unokák születésnapjára őrzi meg.",
            "Пасічник щоранку обходить вулики й слухає, чи гудуть бджоли так, як учора. Його дід \
             привіз перші рої з гір, і відтоді мед із цього схилу знають у всьому повіті. Улітку \
             приходять діти, допомагають крутити медогонку і їдять свіжі стільники просто з рук. \
             Узимку він лагодить рамки й чекає, поки зацвіте верба біля річки.",
        ] {
            assert_eq!(language(&[text]), Some("und"), "{text}");
        }
    }

    #[test]
    fn script_of_no_known_language_is_not_english() {
        let bengali = "বাতিঘরটি অনেক দূরের একটি শহর থেকে আসা এক প্রকৌশলী তৈরি করেছিলেন। এর আলো \
            রাতে অনেক দূর থেকে দেখা যায়, আর পাশের বাগানে মৌমাছি পালন করা হয়।";
        assert_eq!(language(&[bengali]), Some("und"));
    }

    #[test]
    fn long_text_without_accents_and_english_words_is_not_english() {
        let indonesian = "Tukang roti di sudut jalan membuka tokonya pada pukul lima pagi, dan saat \
            itu orang sudah menunggu di depan pintu. Ia belajar dari kakeknya, yang dahulu \
            memanggang roti dalam tungku batu yang sekarang tidak ada lagi. Adonan dibiarkan \
            semalam, lalu dibentuk dengan tangan dan dimasukkan ke dalam tungku ketika bara masih \
            merah. Pada hari Sabtu ia juga menjual kue dengan pisang dari kebunnya sendiri. \
            Anak-anak sekolah sering singgah untuk membeli sepotong, dan mereka duduk di tangga \
            sambil bercerita tentang pelajaran hari itu. Kalau hujan turun, semua orang berteduh \
            di bawah atap kecil itu dan menunggu sampai langit cerah kembali. Istrinya mencatat \
            semua pesanan dalam buku tebal, dan setiap malam mereka menghitung uang bersama. \
            Mereka berharap anak bungsu akan meneruskan usaha keluarga, tetapi ia lebih suka \
            memperbaiki perahu di pelabuhan. Meskipun begitu, setiap pagi ia datang membantu \
            mengangkat karung tepung yang berat sebelum berangkat bekerja.";
        assert_eq!(language(&[indonesian]), Some("und"));
    }

    #[test]
    fn english_with_accents_is_english_or_nothing() {
        let names = "The café of José Núñez and Zoë Brontë stood beside the façade of the old \
            theatre, and its crème brûlée was praised by everyone who came from the town. The \
            naïve résumé that Søren had written was not read by anyone, but it was kept with the \
            letters of Dvořák and Łukasiewicz, which were found in the attic of the house.";
        assert!([None, Some("en")].contains(&language(&[names])));
        let menu = "Soupe à l'oignon: the onions are cooked for an hour. Crêpes: the batter rests. \
            Pâté: served with bread from the village. Purée: made of potatoes and butter. ";
        assert!([None, Some("en")].contains(&language(&[menu.repeat(4).as_str()])));
    }

    #[test]
    fn code_tables_and_lists_of_names_are_not_taken_for_another_language() {
        let code = "fn største(&self) -> usize { self.målere.iter().map(|m| m.længde()).max() }\n\
            let flade = højde * bredde;\nif flade > 0 { println!(\"{flade} på række\"); }\n";
        let plain = "for (let i = 0; i < rows.length; i++) { const row = rows[i]; if (!row.id) \
            continue; total += row.price * row.count; }\nconsole.log(`sum: ${total}`);\n";
        let table = "øre;kr;år\n12,50;1874;41\n13,75;1875;42\n";
        let names = "Søren Kjærgård, Łukasz Wiśniewski, Jiří Dvořák, Päivi Hämäläinen, Gábor \
            Szőke, Zoë Brontë, José Núñez, Åse Bjørnstad, Ágnes Fekete, Björk Jónsdóttir\n";
        for text in [code, plain, table, names] {
            let long = text.repeat(20);
            assert_ne!(language(&[&long]), Some("und"), "{text}");
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
