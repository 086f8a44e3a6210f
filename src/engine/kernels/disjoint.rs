//! A slice that several threads write to, each in a part of its own.

use std::marker::PhantomData;

/// Shares `[T]` among threads that touch different parts of it.
pub(crate) struct Disjoint<'a, T> {
    start: *mut T,
    length: usize,
    borrowed: PhantomData<&'a mut [T]>,
}

// SAFETY: parts are handed out only to those who vouch for their being theirs.
#[allow(unsafe_code)]
unsafe impl<T: Send> Send for Disjoint<'_, T> {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl<T: Send> Sync for Disjoint<'_, T> {}

impl<'a, T> Disjoint<'a, T> {
    pub(crate) fn new(values: &'a mut [T]) -> Self {
        Self {
            start: values.as_mut_ptr(),
            length: values.len(),
            borrowed: PhantomData,
        }
    }

    /// A part of the slice.
    ///
    /// # Safety
    /// While it is used, no other part that overlaps it is.
    #[allow(unsafe_code, clippy::mut_from_ref)]
    pub(crate) unsafe fn part(&self, from: usize, length: usize) -> &mut [T] {
        assert!(from <= self.length && length <= self.length - from);
        // SAFETY: inside the slice, and the caller vouches for the rest.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(from), length) }
    }

    /// Where it starts and how long it is, for those who check bounds
    /// themselves.
    pub(super) fn raw(&self) -> (*mut T, usize) {
        (self.start, self.length)
    }
}
