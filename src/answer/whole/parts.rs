//! How passages are divided into parts, and which are left out where there are
//! too many parts.

use std::ops::Range;

/// Passages that are to be read, divided into parts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Division {
    /// Places of the passages that are read, in their order.
    pub(super) kept: Vec<usize>,
    /// The parts, as ranges of `kept`.
    pub(super) parts: Vec<Range<usize>>,
    /// Passages that are longer than a part.
    pub(super) too_long: usize,
    /// Passages for which there are not enough parts.
    pub(super) beyond: usize,
}

/// Divides passages of these lengths into parts of at most `room`, `most` of
/// them at most: where these do not do, passages are left out evenly, so that
/// beginning, middle and end of the documents all are heard, and each document
/// has a passage left as long as there is room for so many. `documents` tells
/// those of each document, which follow each other, from the others.
pub(super) fn divide(lengths: &[usize], documents: &[usize], room: usize, most: usize) -> Division {
    let fitting: Vec<usize> = (0..lengths.len())
        .filter(|place| lengths[*place] <= room)
        .collect();
    let mut kept = fitting.clone();
    let of = |kept: &[usize]| kept.iter().map(|place| lengths[*place]).collect::<Vec<_>>();
    let mut parts = even_parts(&of(&kept), room);
    while parts.len() > most.max(1) {
        let fewer = kept.len() * most / parts.len();
        let fewer = fewer.clamp(1, kept.len() - 1);
        kept = shared_out(&fitting, documents, fewer);
        parts = even_parts(&of(&kept), room);
    }
    Division {
        too_long: lengths.len() - fitting.len(),
        beyond: fitting.len() - kept.len(),
        kept,
        parts,
    }
}

/// As few parts as filling one after the other gives, but about equally long: a
/// last part of two sentences would get as many notes as the others.
fn even_parts(lengths: &[usize], room: usize) -> Vec<Range<usize>> {
    let full = filled(lengths, room);
    let total: usize = lengths.iter().sum();
    let longest = lengths.iter().copied().max().unwrap_or(0);
    // Each part but the last is then longer than its even share, so that there
    // are no more of them.
    let even = total.div_ceil(full.len().max(1)) + longest;
    filled(lengths, even.min(room))
}

fn filled(lengths: &[usize], room: usize) -> Vec<Range<usize>> {
    let (mut parts, mut start, mut used) = (Vec::new(), 0, 0);
    for (place, length) in lengths.iter().enumerate() {
        if used + length > room && place > start {
            parts.push(start..place);
            (start, used) = (place, 0);
        }
        used += length;
    }
    if start < lengths.len() {
        parts.push(start..lengths.len());
    }
    parts
}

/// `count` of the places: of each document one at least and the more, the more it
/// has, evenly spread; where there are more documents, the first of so many.
fn shared_out(places: &[usize], documents: &[usize], count: usize) -> Vec<usize> {
    let same = |one: &usize, other: &usize| documents[*one] == documents[*other];
    let groups: Vec<&[usize]> = places.chunk_by(same).collect();
    if groups.len() > count {
        let firsts: Vec<usize> = groups.iter().map(|group| group[0]).collect();
        return spread(&firsts, count);
    }
    let (spare, rest) = (count - groups.len(), places.len() - groups.len());
    let upto = |place: usize| place * spare / rest.max(1);
    let mut before = 0;
    let shares = groups.iter().flat_map(|group| {
        let from = before;
        before += group.len() - 1;
        spread(group, 1 + upto(before) - upto(from))
    });
    shares.collect()
}

/// `count` of the places, evenly spread, the first and the last among them.
fn spread(places: &[usize], count: usize) -> Vec<usize> {
    let gaps = count.saturating_sub(1).max(1);
    (0..count.min(places.len()))
        .map(|n| places[n * (places.len() - 1) / gaps])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::Division;

    /// Of passages that are all of one document.
    fn divide(lengths: &[usize], room: usize, most: usize) -> Division {
        super::divide(lengths, &vec![0; lengths.len()], room, most)
    }

    #[test]
    fn each_document_keeps_a_passage_and_the_longer_ones_keep_more() {
        // A book, and letters of one or two passages.
        let documents: Vec<usize> = (0..90).map(|_| 0).chain([1, 2, 2, 3, 4, 4]).collect();
        let divided = super::divide(&[10; 96], &documents, 100, 2);
        let of = |document: usize| {
            let kept = divided.kept.iter();
            kept.filter(|place| documents[**place] == document).count()
        };
        assert!((1..5).all(|document| of(document) >= 1), "{divided:?}");
        assert!(of(0) > 10, "{divided:?}");
        assert!(divided.kept.is_sorted(), "{divided:?}");
        assert_eq!(divided.beyond, 96 - divided.kept.len());
        assert!(divided.parts.len() <= 2, "{divided:?}");
    }

    #[test]
    fn of_more_documents_than_there_is_room_for_some_are_heard_from_first_to_last() {
        let documents: Vec<usize> = (0..100).map(|place| place / 2).collect();
        let divided = super::divide(&[10; 100], &documents, 100, 1);
        assert_eq!(divided.kept.len(), 10, "{divided:?}");
        assert_eq!((divided.kept[0], divided.kept.last()), (0, Some(&98)));
        assert!(
            divided.kept.iter().all(|place| place % 2 == 0),
            "{divided:?}"
        );
    }

    #[test]
    fn parts_follow_each_other_and_none_is_longer_than_the_room() {
        let lengths: Vec<usize> = (0..97).map(|n| 20 + n * 7 % 31).collect();
        let divided = divide(&lengths, 300, 100);
        assert_eq!(divided.kept, (0..97).collect::<Vec<_>>());
        let mut next = 0;
        for part in &divided.parts {
            assert_eq!(part.start, next);
            assert!(lengths[part.clone()].iter().sum::<usize>() <= 300);
            next = part.end;
        }
        assert_eq!((next, divided.beyond, divided.too_long), (97, 0, 0));
    }

    #[test]
    fn parts_are_about_equally_long() {
        let divided = divide(&[10; 21], 100, 9);
        let sizes: Vec<usize> = divided.parts.iter().map(ExactSizeIterator::len).collect();
        assert_eq!(sizes, [8, 8, 5]);
        assert_eq!(
            divide(&[10; 10], 100, 9).parts,
            std::slice::from_ref(&(0..10))
        );
    }

    #[test]
    fn where_parts_are_too_few_passages_go_evenly_and_both_ends_stay() {
        let divided = divide(&[10; 1000], 100, 8);
        assert!(divided.parts.len() <= 8, "{divided:?}");
        assert!(divided.kept.len() > 70, "{divided:?}");
        assert_eq!(divided.beyond, 1000 - divided.kept.len());
        assert_eq!((divided.kept[0], divided.kept.last()), (0, Some(&999)));
        let gaps = divided.kept.windows(2).map(|pair| pair[1] - pair[0]);
        let gaps: Vec<usize> = gaps.collect();
        assert!(gaps.iter().max().unwrap() - gaps.iter().min().unwrap() <= 1);
    }

    #[test]
    fn passage_that_is_longer_than_a_part_is_left_out_and_counted() {
        let divided = divide(&[10, 500, 10], 100, 4);
        assert_eq!((divided.kept, divided.too_long), (vec![0, 2], 1));
        for nothing in [&[][..], &[500]] {
            assert!(divide(nothing, 100, 4).parts.is_empty());
        }
        assert_eq!(divide(&[60; 9], 100, 1).kept, [0]);
    }
}
