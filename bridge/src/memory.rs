//! Memory that the allocator keeps. Glibc gives each thread an arena of its own, up to eight for each core, and what is
//! free in one serves no other. Reading threads come and go, so without a bound every arena slowly grows to what one
//! reading once took.

/// Lets threads share a few arenas: they fill each other's gaps. More than one, so that threads seldom wait for each
/// other. Call it before there are other threads; other allocators need nothing of the kind.
pub(crate) fn share() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        const ARENAS: libc::c_int = 2;
        // SAFETY: mallopt(3) sets a number of the allocator's; no other thread is there to read it meanwhile.
        #[expect(unsafe_code, reason = "the allocator's settings have no safe form")]
        let set = unsafe { libc::mallopt(libc::M_ARENA_MAX, ARENAS) };
        if set == 0 {
            tracing::debug!("the allocator keeps as many arenas as it likes");
        }
    }
}

/// Gives what is free back to the system, after something that took much for a moment. Takes some milliseconds, in which
/// other threads may wait for memory.
pub(crate) fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // SAFETY: malloc_trim(3) takes the allocator's own locks and touches free memory alone.
        #[expect(unsafe_code, reason = "the allocator's settings have no safe form")]
        unsafe {
            libc::malloc_trim(0);
        }
    }
}
