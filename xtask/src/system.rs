//! What one system does otherwise than another.

pub use here::{become_it, is_program, link, make_program};

#[cfg(unix)]
mod here {
    use std::fs::Permissions;
    use std::io;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::process::CommandExt;
    use std::path::Path;
    use std::process::Command;

    /// Whether a file may be started.
    pub fn is_program(file: &Path) -> bool {
        file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    }

    /// Lets a file be started.
    ///
    /// # Errors
    /// It is not there, or another user's.
    pub fn make_program(file: &Path) -> io::Result<()> {
        std::fs::set_permissions(file, Permissions::from_mode(0o755))
    }

    /// Gives the folder `to` another name.
    ///
    /// # Errors
    /// There is something of that name.
    pub fn link(to: &Path, name: &Path) -> io::Result<()> {
        symlink(to, name)
    }

    /// Replaces this process by `command`; gives why not, or does not return.
    pub fn become_it(mut command: Command) -> io::Error {
        command.exec()
    }
}

#[cfg(windows)]
mod here {
    use std::io;
    use std::os::windows::fs::symlink_dir;
    use std::path::Path;
    use std::process::Command;

    /// Whether a file may be started.
    pub fn is_program(file: &Path) -> bool {
        file.is_file()
    }

    /// Its ending says that it may be.
    ///
    /// # Errors
    /// None; on other systems there are.
    #[expect(clippy::unnecessary_wraps, reason = "on Unix the system may refuse it")]
    pub fn make_program(_file: &Path) -> io::Result<()> {
        Ok(())
    }

    /// Gives the folder `to` another name.
    ///
    /// # Errors
    /// There is something of that name, or this user may not make links.
    pub fn link(to: &Path, name: &Path) -> io::Result<()> {
        symlink_dir(to, name)
    }

    /// Waits for `command` in its place and ends as it does; gives why not, or does not return.
    pub fn become_it(mut command: Command) -> io::Error {
        match command.status() {
            Ok(status) => std::process::exit(status.code().unwrap_or(1)),
            Err(error) => error,
        }
    }
}
