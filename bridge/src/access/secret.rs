//! Secrets: drawn, kept in files that are the owner's alone, and compared in constant time.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::AccessError;
use crate::system;

/// The secret of the URL and what the owner's cookie holds, kept in `folder` or drawn.
pub(super) fn open(folder: &Path) -> Result<(String, String), AccessError> {
    let path = folder.join("secret");
    let failed = |error| AccessError::Io(path.clone(), error);
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            if let [secret, session] = text.lines().collect::<Vec<_>>()[..]
                && secret.len() == 43
                && session.len() == 43
            {
                system::make_private(&path).map_err(failed)?;
                return Ok((secret.to_owned(), session.to_owned()));
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let (secret, session) = (random()?, random()?);
    keep_private(&path, format!("{secret}\n{session}\n").as_bytes()).map_err(failed)?;
    Ok((secret, session))
}

/// Writes a file that is nobody else's to open, and whole when it has its name.
pub(crate) fn keep_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let draft = path.with_extension("new");
    let _ = std::fs::remove_file(&draft);
    let mut file = system::private(File::options().write(true).create_new(true)).open(&draft)?;
    file.write_all(bytes).and_then(|()| file.sync_all())?;
    std::fs::rename(&draft, path)
}

/// 32 random bytes as text.
pub(super) fn random() -> Result<String, AccessError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| AccessError::Random(error.to_string()))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// What is kept of a secret that only has to be known again. It is random, so nobody can try out all there are.
pub(super) fn hash(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(secret))
}

pub(super) fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}
