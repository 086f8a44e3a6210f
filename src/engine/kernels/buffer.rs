//! Memory for weights and activations: zeroed, aligned, and from a few
//! mebibytes on in huge pages, which alone is worth a fifth of the read
//! bandwidth of one thread.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ops::{Deref, DerefMut};

/// From this size on a buffer asks for huge pages.
const HUGE_FROM: usize = 4 << 20;
/// Alignment of small buffers: a cache line, and the widest vector.
const LINE: usize = 64;

/// A fixed number of zeroed bytes.
pub(crate) struct Buffer {
    start: *mut u8,
    bytes: usize,
    memory: Memory,
}

/// Where a buffer's bytes come from.
enum Memory {
    Allocated(Layout),
    /// Kept for its end.
    #[cfg(target_os = "linux")]
    Mapped(#[allow(dead_code)] mapped::Mapping),
}

// SAFETY: the buffer owns its memory and gives it out by the rules of borrowing.
#[allow(unsafe_code)]
unsafe impl Send for Buffer {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl Sync for Buffer {}

impl Buffer {
    /// `bytes` zeroes. Large ones take memory when they are first touched.
    pub(crate) fn zeroed(bytes: usize) -> Self {
        #[cfg(target_os = "linux")]
        if let Some(mapping) = (bytes >= HUGE_FROM)
            .then(|| mapped::Mapping::new(bytes))
            .flatten()
        {
            return Self {
                start: mapping.start(),
                bytes,
                memory: Memory::Mapped(mapping),
            };
        }
        let layout = Layout::from_size_align(bytes.max(1), LINE)
            .expect("a size that a file or a model's dimensions were checked to have");
        // SAFETY: the layout is not empty.
        #[allow(unsafe_code)]
        let start = unsafe { alloc_zeroed(layout) };
        if start.is_null() {
            handle_alloc_error(layout);
        }
        Self {
            start,
            bytes,
            memory: Memory::Allocated(layout),
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
        match &self.memory {
            // SAFETY: allocated with this layout.
            #[allow(unsafe_code)]
            Memory::Allocated(layout) => unsafe { dealloc(self.start, *layout) },
            #[cfg(target_os = "linux")]
            Memory::Mapped(_) => {}
        }
    }
}

/// Memory straight from the system: the advice to use huge pages has to be
/// given before the first touch, and an allocator touches what it zeroes.
#[cfg(target_os = "linux")]
mod mapped {
    const HUGE_PAGE: usize = 2 << 20;

    /// A private mapping of zeroes.
    pub(super) struct Mapping {
        start: *mut u8,
        length: usize,
    }

    impl Mapping {
        /// At least `bytes` behind the first border of a huge page; nothing if
        /// the system has no more.
        pub(super) fn new(bytes: usize) -> Option<Self> {
            let length = bytes.checked_add(HUGE_PAGE)?;
            // SAFETY: a new mapping, which no other memory is part of.
            #[allow(unsafe_code)]
            unsafe {
                let start = libc::mmap(
                    std::ptr::null_mut(),
                    length,
                    libc::PROT_READ | libc::PROT_WRITE,
                    libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                    -1,
                    0,
                );
                if start == libc::MAP_FAILED {
                    return None;
                }
                let mapping = Self {
                    start: start.cast(),
                    length,
                };
                // Whole huge pages only: one that is begun takes all its
                // memory. Without any, everything works, only slower.
                let whole = bytes & !(HUGE_PAGE - 1);
                libc::madvise(mapping.start().cast(), whole, libc::MADV_HUGEPAGE);
                Some(mapping)
            }
        }

        /// Where the usable bytes begin.
        pub(super) fn start(&self) -> *mut u8 {
            let skipped = self.start.align_offset(HUGE_PAGE);
            self.start.wrapping_add(skipped)
        }
    }

    impl Drop for Mapping {
        fn drop(&mut self) {
            // SAFETY: this mapping, of which nothing is borrowed any more.
            #[allow(unsafe_code)]
            unsafe {
                libc::munmap(self.start.cast(), self.length);
            }
        }
    }
}
