//! The devices that were let in: each has a secret of its own, of which only the hash is kept, and loses it
//! alone. They stand in a file beside the log and not in it, which is exported, copied and read by agents.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use shared::api::Device;
use shared::unit::Millis;
use tokio::sync::watch;

use super::AccessError;
use super::secret::{hash, keep_private, random, same};
use crate::clock;

/// Devices of one data folder; who wants another one revokes one that is not used any more.
const MOST: usize = 64;

/// A device as the file has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept {
    id: String,
    name: String,
    address: IpAddr,
    since: Millis,
    seen: Millis,
    /// Of the secret in its cookie.
    hash: String,
}

#[derive(Debug)]
pub(crate) struct Devices {
    file: PathBuf,
    /// Held over a change and its file, so that the two are the same.
    writing: Mutex<()>,
    kept: watch::Sender<Vec<Kept>>,
}

impl Devices {
    pub(super) fn open(folder: &Path) -> Result<Self, AccessError> {
        let file = folder.join("devices.json");
        let kept = match std::fs::read(&file) {
            // Not started with half of them, or without: somebody would wonder why a device is locked out.
            Ok(text) => serde_json::from_slice(&text)
                .map_err(|error| AccessError::Devices(file.clone(), error.to_string()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(AccessError::Io(file, error)),
        };
        Ok(Self { file, writing: Mutex::default(), kept: watch::Sender::new(kept) })
    }

    /// Lets one in, for good; gives the secret that only it will have. Blocks until it is on disk.
    pub(super) fn admit(&self, name: String, address: IpAddr) -> Result<String, AccessError> {
        let (id, secret) = (uuid::Uuid::now_v7().to_string(), random()?);
        let now = clock::now();
        let new = Kept { id, name, address, since: now, seen: now, hash: hash(&secret) };
        self.change(|kept| {
            if kept.len() >= MOST {
                return Err(AccessError::TooMany(MOST));
            }
            kept.push(new);
            Ok(())
        })?;
        Ok(secret)
    }

    /// Takes one out again; says whether it was there. Blocks until that is on disk.
    pub(super) fn revoke(&self, id: &str) -> Result<bool, AccessError> {
        self.change(|kept| {
            let before = kept.len();
            kept.retain(|device| device.id != id);
            Ok(before > kept.len())
        })
    }

    /// Notes that a device is there now. Blocks until that is on disk.
    pub(crate) fn saw(&self, id: &str) {
        let noted = self.change(|kept| {
            kept.iter_mut().filter(|device| device.id == id).for_each(|device| device.seen = clock::now());
            Ok(())
        });
        if let Err(error) = noted {
            tracing::warn!(%error, "when a device was seen is not kept");
        }
    }

    fn change<T>(
        &self,
        change: impl FnOnce(&mut Vec<Kept>) -> Result<T, AccessError>,
    ) -> Result<T, AccessError> {
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut kept = self.kept.borrow().clone();
        let changed = change(&mut kept)?;
        let text = serde_json::to_vec_pretty(&kept).unwrap_or_default();
        keep_private(&self.file, &text).map_err(|error| AccessError::Io(self.file.clone(), error))?;
        self.kept.send_replace(kept);
        Ok(changed)
    }

    /// Which device has this secret.
    pub(super) fn of_secret(&self, secret: &str) -> Option<String> {
        let hash = hash(secret);
        let kept = self.kept.borrow();
        kept.iter().find(|device| same(&device.hash, &hash)).map(|device| device.id.clone())
    }

    /// All, the oldest first; `here` is the one that asks.
    pub(super) fn list(&self, here: Option<&str>) -> Vec<Device> {
        let shown = |Kept { id, name, address, since, seen, .. }: &Kept| Device {
            here: here == Some(id.as_str()),
            id: id.clone(),
            name: name.clone(),
            address: address.to_string(),
            since: *since,
            seen: *seen,
        };
        self.kept.borrow().iter().map(shown).collect()
    }

    /// Ends when the device is let in no longer.
    pub(crate) fn revoked(&self, id: String) -> impl Future<Output = ()> + Send + use<> {
        let mut kept = self.kept.subscribe();
        async move {
            // Errs when the bridge ends, which closes everything anyway.
            let _ = kept.wait_for(|kept| kept.iter().all(|device| device.id != id)).await;
        }
    }
}
