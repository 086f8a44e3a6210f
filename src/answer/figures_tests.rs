use super::{figures, numbers};

/// Whether all figures of `claim` are in `passage`.
fn agree(claim: &str, passage: &str) -> bool {
    let offered = numbers(passage, true);
    let has = |readings: &Vec<String>| readings.iter().any(|one| offered.contains(one));
    figures(claim).iter().all(has)
}

#[test]
fn a_date_agrees_with_itself_however_it_is_written() {
    let written = [
        "on 5 March 2024",
        "on March 5th, 2024",
        "the 5th of March 2024",
        "am 5. März 2024",
        "2024-03-05",
        "am 05.03.2024",
        "on 05/03/2024",
        "on Mar. 05, 2024",
    ];
    for claim in written {
        for passage in written {
            assert!(agree(claim, passage), "{claim} | {passage}");
        }
    }
}

#[test]
fn another_day_month_or_year_is_another_date() {
    for passage in [
        "2024-05-03",
        "2024-03-06",
        "2023-03-05",
        "3 May 2024",
        "am 5. Mai 2024",
        "05.04.2024",
    ] {
        assert!(!agree("on 5 March 2024", passage), "{passage}");
        assert!(!agree("2024-03-05", passage), "{passage}");
    }
}

#[test]
fn parts_of_a_date_are_found_in_it() {
    for claim in ["in 2024", "on 5 March", "in March 2024", "on day 5"] {
        assert!(agree(claim, "opened 2024-03-05"), "{claim}");
    }
    assert!(agree("from 3 March 2024", "3–5 March 2024"));
    assert!(agree("5 March 2024", "le 5 mars 2024"));
    assert!(agree("1 March", "the first of March"));
    assert!(agree("12 may apply", "12 are meant"));
}

#[test]
fn zeros_before_a_whole_number_do_not_matter() {
    assert!(agree("day 5", "day 05"));
    assert!(agree("agent 007", "agent 7"));
    assert!(!agree("0.5 bar", "5 bar"));
}

#[test]
fn words_like_million_count() {
    let written = [
        "1.5 million",
        "1,500,000",
        "1.500.000",
        "1,5 Mio. Euro",
        "1,5 Millionen",
    ];
    for claim in written {
        for passage in written {
            assert!(agree(claim, passage), "{claim} | {passage}");
        }
    }
    assert!(agree("3 Milliarden", "3 billion"));
    assert!(agree("2,000", "two thousand"));
    assert!(agree("5 million", "Revenue (million €): 5"));
    assert!(agree("at least 5 million", "5 to 6 million"));
    assert!(!agree("1.5 billion", "1.5 million"));
    assert!(!agree("1.5 million", "1.5 seconds"));
    assert!(!agree("1.5 million", "1,500"));
}

#[test]
fn three_digits_behind_one_sign_are_read_in_both_ways() {
    assert!(agree("3.125 mm", "3,125 mm"));
    assert!(agree("3.125 Stück", "3125 Stück"));
    assert!(agree("3.125 mm", "3.125 mm"));
    assert!(!agree("3.125 mm", "3.25 mm"));
}

#[test]
fn another_number_says_what_the_sign_means() {
    assert!(!agree("0.5 mm to 3.125 mm", "0.5 mm to 3125 mm"));
    assert!(agree("0.5 mm to 3.125 mm", "0.5 mm to 3.125 mm"));
    assert!(!agree("3125 mm", "0.5 mm to 3.125 mm"));
    assert!(agree("3125 Stück", "3.125 Stück zu 1,5 kg"));
    assert!(!agree("3.125 and 1,234.5", "3125 and 1,234.5"));
}

#[test]
fn decimals_stay_apart_from_whole_numbers() {
    assert!(!agree("0.125", "125"));
    assert!(!agree("1234.567", "1234567"));
    assert!(agree("1,234.567", "1.234,567"));
    assert!(!agree("version 1.2.345", "version 1.2345"));
}
