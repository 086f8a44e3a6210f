//! Chinese and Japanese questions for all that there is of something, which have
//! no blanks between their words. Must not search.

use super::listing::{ListLanguage, Listing};

/// Characters of a thing, and of all that narrows it down, at most; and of a thing
/// at least: one alone is a word that too much has in it.
const LEAST_OF_HEAD: usize = 2;
const MOST_OF_HEAD: usize = 10;
const MOST_CHARACTERS: usize = 24;

const POLITE: [&str; 8] = ["请", "請", "帮我", "幫我", "给我", "給我", "能否", "你能"];
const ORDERS: [&str; 6] = ["列出", "列举", "列舉", "枚举", "罗列", "找出"];
const ALL: [&str; 4] = ["所有的", "所有", "全部的", "全部"];
const WHICH: [&str; 2] = ["都有哪些", "有哪些"];
/// Endings of a place.
const INSIDE: [&str; 5] = ["里面", "里", "中", "内", "裡"];

const JAPANESE_POLITE: [&str; 8] = [
    "くださいませんか",
    "ください",
    "下さい",
    "くれますか",
    "もらえますか",
    "いただけますか",
    "ほしい",
    "お願いします",
];
const JAPANESE_VERBS: [&str; 11] = [
    "挙げて",
    "あげて",
    "教えて",
    "示して",
    "見せて",
    "作って",
    "作成して",
    "出して",
    "列挙して",
    "リストアップして",
    "一覧にして",
];
/// Those that ask for all without saying so.
const JAPANESE_LISTING: [&str; 3] = ["列挙して", "リストアップして", "一覧にして"];
const JAPANESE_ALL: [&str; 4] = ["すべて", "全て", "全部", "残らず"];
const JAPANESE_ALL_OF: [&str; 3] = ["すべての", "全ての", "全部の"];
const JAPANESE_LIST: [&str; 4] = ["の一覧", "一覧", "のリスト", "リスト"];

/// The documents themselves, and what says as little as they do.
const TOO_WIDE: [&str; 18] = [
    "文件",
    "文档",
    "文書",
    "资料",
    "資料",
    "内容",
    "信息",
    "情報",
    "细节",
    "詳細",
    "数据",
    "データ",
    "问题",
    "質問",
    "来源",
    "东西",
    "書類",
    "もの",
];

/// What no thing has in it: words that ask for something else or join several things.
const OTHERS: [&str; 14] = [
    "谁", "誰", "什么", "为何", "何时", "何", "いつ", "どこ", "は", "が", "，", "、", "和", "と",
];

/// What the question asks for all of; `None`: it is none for a list.
pub(super) fn unspaced(question: &str) -> Option<Listing> {
    let blank = |c: char| c.is_whitespace();
    let question: String = question.split(blank).collect();
    let bare = question.trim_matches(|c: char| !c.is_alphanumeric());
    chinese(bare).or_else(|| japanese(bare))
}

/// "列出灯塔的所有守卫", "灯塔的守卫有哪些", "合同中有哪些期限".
fn chinese(question: &str) -> Option<Listing> {
    let mut rest = question;
    while let Some(after) = without_first(rest, &POLITE) {
        rest = after;
    }
    if let Some(order) = without_first(rest, &ORDERS) {
        let (at, all) = first_of(order, &ALL)?;
        return listing(place(&order[..at]), &order[at + all.len()..]);
    }
    if let Some(thing) = without_last(rest, &WHICH) {
        return listing("", thing);
    }
    let (at, which) = first_of(rest, &WHICH)?;
    let before = &rest[..at];
    let is_place = before.is_empty() || INSIDE.iter().any(|end| before.ends_with(end));
    is_place.then(|| listing(place(before), &rest[at + which.len()..]))?
}

/// "灯台の守衛をすべて挙げて", "すべての守衛を教えて", "守衛の一覧".
fn japanese(question: &str) -> Option<Listing> {
    let mut rest = question;
    while let Some(before) = without_last(rest, &JAPANESE_POLITE) {
        rest = before;
    }
    let Some(asked) = without_last(rest, &JAPANESE_VERBS) else {
        let list = rest.strip_suffix('を').unwrap_or(rest);
        return listing("", without_last(list, &JAPANESE_LIST)?);
    };
    if let Some(thing) = without_last(asked, &JAPANESE_ALL) {
        return listing("", thing.strip_suffix('を')?);
    }
    let asked = asked.strip_suffix('を')?;
    if let Some((at, all)) = first_of(asked, &JAPANESE_ALL_OF) {
        return listing(place(&asked[..at]), &asked[at + all.len()..]);
    }
    if let Some(thing) = without_last(asked, &JAPANESE_LIST) {
        return listing("", thing);
    }
    let lists = JAPANESE_LISTING.iter().any(|verb| rest.ends_with(verb));
    lists.then(|| listing("", asked))?
}

/// A place without what makes it one.
fn place(before: &str) -> &str {
    let bare = before.trim_end_matches(['的', 'の']);
    without_last(bare, &INSIDE).unwrap_or(bare)
}

/// A thing that can be looked for: what is last of several that belong to each other.
fn listing(place: &str, thing: &str) -> Option<Listing> {
    let others = |text: &str| OTHERS.iter().any(|other| text.contains(other));
    let parts = place
        .split(['的', 'の'])
        .chain(thing.split(['的', 'の']))
        .filter(|part| !part.is_empty());
    let parts: Vec<&str> = parts.collect();
    let head = *parts.last()?;
    let characters = |text: &str| text.chars().count();
    let is_wide = |part: &str| TOO_WIDE.iter().any(|wide| part.ends_with(wide));
    let fits = (LEAST_OF_HEAD..=MOST_OF_HEAD).contains(&characters(head))
        && characters(place) + characters(thing) <= MOST_CHARACTERS;
    if !fits || is_wide(head) || others(place) || others(thing) {
        return None;
    }
    // Documents as such narrow nothing down.
    let words = parts.iter().filter(|part| !is_wide(part));
    Some(Listing {
        head: head.to_owned(),
        words: words.copied().collect::<Vec<_>>().join(" "),
        language: ListLanguage::English,
    })
}

/// Where the first of `wanted` is that the text has.
fn first_of(text: &str, wanted: &[&'static str]) -> Option<(usize, &'static str)> {
    let mut found = wanted
        .iter()
        .filter_map(|one| Some((text.find(one)?, *one)));
    found.next()
}

fn without_first<'a>(text: &'a str, wanted: &[&str]) -> Option<&'a str> {
    wanted.iter().find_map(|one| text.strip_prefix(one))
}

fn without_last<'a>(text: &'a str, wanted: &[&str]) -> Option<&'a str> {
    wanted.iter().find_map(|one| text.strip_suffix(one))
}
