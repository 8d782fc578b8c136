//! Memory that would be kept without being used.

/// Lets threads share a few arenas of the allocator: glibc gives each thread one of its own, up to eight for each core,
/// and what is free in one serves no other. Reading threads come and go, so without a bound every arena slowly grows to
/// what one reading once took. They fill each other's gaps then. More than one, so that threads seldom wait for each
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

/// Lets go of the code that has run so far, and of the constants that it used, for a process that from here on mostly
/// waits. What it runs again comes from the file, which the system holds in memory as long as somebody else runs it.
/// Where it does not say what is mapped, nothing happens.
#[cfg(unix)]
pub(crate) fn let_go_of_code() {
    #[cfg(target_os = "linux")]
    for (start, end) in code(&std::fs::read_to_string("/proc/self/maps").unwrap_or_default()) {
        // SAFETY: madvise(2) takes the pages of private mappings of files that are never written, as they hold code, or
        // begin with the file's head, which nothing relocates; an access reads them from there again. A range that is
        // none of ours is refused.
        #[expect(unsafe_code, reason = "mappings have no safe form")]
        unsafe {
            libc::madvise(std::ptr::with_exposed_provenance_mut(start), end - start, libc::MADV_DONTNEED);
        }
    }
}

/// Where the files' code lies, and their heads with the constants behind those (`man 5 proc_pid_maps`).
#[cfg(target_os = "linux")]
fn code(maps: &str) -> impl Iterator<Item = (usize, usize)> {
    maps.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let (range, kind, offset, file) = (words.next()?, words.next()?, words.next()?, words.nth(2)?);
        let (start, end) = range.split_once('-')?;
        let address = |hex| usize::from_str_radix(hex, 16).ok();
        let is_code = kind == "r-xp" || (kind == "r--p" && address(offset)? == 0);
        (is_code && file.starts_with('/')).then_some(())?;
        Some((address(start)?, address(end)?))
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn code_of_files_is_found_and_nothing_else() {
        let maps = "1000-2000 r--p 00000000 fe:00 7 /bin/a\n2000-4000 r-xp 00001000 fe:00 7 /bin/a b\n\
            4000-5000 r--p 00003000 fe:00 7 /bin/a\n5000-6000 rw-p 00004000 fe:00 7 /bin/a\n\
            6000-7000 rwxp 00000000 00:00 0\n7000-9000 r-xp 00000000 00:00 0 [vdso]\n";
        assert_eq!(code(maps).collect::<Vec<_>>(), [(0x1000, 0x2000), (0x2000, 0x4000)]);
        // This very code goes, and comes again.
        let_go_of_code();
        assert_eq!(code("").count(), 0);
    }
}
