//! Memory for weights and activations: zeroed, aligned, and from a few
//! mebibytes on in huge pages, which alone is worth a fifth of the read
//! bandwidth of one thread.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ops::{Deref, DerefMut};

/// From this size on a buffer asks for huge pages.
const HUGE_FROM: usize = 4 << 20;
const HUGE_PAGE: usize = 2 << 20;
/// Alignment of small buffers: a cache line, and the widest vector.
const LINE: usize = 64;

/// A fixed number of zeroed bytes.
pub(crate) struct Buffer {
    start: *mut u8,
    layout: Layout,
    bytes: usize,
}

// SAFETY: the buffer owns its memory and gives it out by the rules of borrowing.
#[allow(unsafe_code)]
unsafe impl Send for Buffer {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl Sync for Buffer {}

impl Buffer {
    /// `bytes` zeroes.
    pub(crate) fn zeroed(bytes: usize) -> Self {
        let align = if bytes < HUGE_FROM { LINE } else { HUGE_PAGE };
        let layout = Layout::from_size_align(bytes.max(1), align)
            .expect("a size that a file or a model's dimensions were checked to have");
        // SAFETY: the layout is not empty. Zeroed memory of this size comes
        // from the system untouched, so the advice is given before first use.
        #[allow(unsafe_code)]
        let start = unsafe { alloc_zeroed(layout) };
        if start.is_null() {
            handle_alloc_error(layout);
        }
        if align == HUGE_PAGE {
            advise_huge(start, bytes);
        }
        Self {
            start,
            layout,
            bytes,
        }
    }

    /// The whole buffer as numbers.
    pub(crate) fn floats(&self) -> &[f32] {
        // SAFETY: aligned to 64 bytes, initialised, and every pattern of bits
        // is a number.
        #[allow(unsafe_code)]
        unsafe {
            std::slice::from_raw_parts(self.start.cast(), self.bytes / 4)
        }
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: that many initialised bytes.
        #[allow(unsafe_code)]
        unsafe {
            std::slice::from_raw_parts(self.start, self.bytes)
        }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and borrowed for this alone.
        #[allow(unsafe_code)]
        unsafe {
            std::slice::from_raw_parts_mut(self.start, self.bytes)
        }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout.
        #[allow(unsafe_code)]
        unsafe {
            dealloc(self.start, self.layout);
        }
    }
}

/// Asks for huge pages; without them everything works, only slower.
#[cfg(target_os = "linux")]
fn advise_huge(start: *mut u8, bytes: usize) {
    // SAFETY: whole pages inside an allocation of ours; the advice changes
    // how they are mapped and not what they hold.
    #[allow(unsafe_code)]
    unsafe {
        libc::madvise(start.cast(), bytes & !4095, libc::MADV_HUGEPAGE);
    }
}

#[cfg(not(target_os = "linux"))]
fn advise_huge(_: *mut u8, _: usize) {}
