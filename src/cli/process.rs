//! How this process gets on with the system: its memory, and who reads what it
//! prints. Must be called before other threads run.

/// Arenas of the allocator: it would make eight a core, and each keeps what the
/// largest of its threads once needed. With a hundred people asking, two took
/// 240 MB where the default took 530.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const ARENAS: libc::c_int = 2;

/// Lets threads share the memory that they give back.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(super) fn share_memory() {
    // SAFETY: the call sets a number of the allocator. If that refuses it, more
    // memory is used and nothing else is different.
    #[allow(unsafe_code)]
    let _ = unsafe { libc::mallopt(libc::M_ARENA_MAX, ARENAS) };
}

/// Other allocators know no arenas.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(super) fn share_memory() {}

/// Ends the process when nobody reads what it prints any more, as in
/// `satchel search … | head`. A server goes on, so this is for commands.
#[cfg(unix)]
pub(super) fn end_with_reader() {
    // SAFETY: no handler is installed, the system's own behaviour is restored.
    // Sockets are not concerned: the standard library writes to them without
    // the signal.
    #[allow(unsafe_code)]
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
    }
}

/// Elsewhere there is no such signal.
#[cfg(not(unix))]
pub(super) fn end_with_reader() {}
