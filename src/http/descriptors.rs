//! Descriptors: every connection takes one, and most systems start a process
//! with leave for too few. Must not fail: with fewer, fewer connections come in.

/// Descriptors for what is not a connection: the database, the indexes, models.
const OTHERS: u64 = 512;

/// Lets the process have as many descriptors as so many connections take, as
/// far as the system allows it.
#[cfg(unix)]
pub(super) fn allow(connections: usize) {
    let wanted = (connections as u64).saturating_add(OTHERS);
    match raise(wanted) {
        Ok(allowed) if allowed < wanted => tracing::warn!(
            "the system allows {allowed} open files, which is fewer than {connections} \
             connections (max-connections) may take; raise its limit (ulimit -n)"
        ),
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "the limit on open files is not known"),
    }
}

/// Elsewhere there is no such limit.
#[cfg(not(unix))]
pub(super) fn allow(_: usize) {}

/// Raises the soft limit to `wanted` or the hard limit; what it is then.
#[cfg(unix)]
fn raise(wanted: u64) -> std::io::Result<u64> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the pointer is to a value of the right type that outlives the call.
    #[allow(unsafe_code)]
    let read = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    if read != 0 {
        return Err(std::io::Error::last_os_error());
    }
    if limit.rlim_cur >= wanted {
        return Ok(limit.rlim_cur);
    }
    limit.rlim_cur = wanted.min(limit.rlim_max);
    // SAFETY: as above; the call only reads.
    #[allow(unsafe_code)]
    let written = unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
    match written {
        0 => Ok(limit.rlim_cur),
        _ => Err(std::io::Error::last_os_error()),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::raise;

    #[test]
    fn limit_is_raised_and_never_lowered() {
        let before = raise(0).unwrap();
        let raised = raise(before + 1).unwrap();
        assert!(raised >= before, "{raised} after {before}");
        assert_eq!(raise(1).unwrap(), raised);
    }
}
