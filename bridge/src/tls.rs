//! TLS: which certificate the bridge shows, and how its own clients know it again. They are told its
//! fingerprint by the data folder's lock, so no authority is needed between the two.

use std::fmt::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use rcgen::generate_simple_self_signed;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::version::{TLS12, TLS13};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, ServerConfig, SignatureScheme,
    SupportedProtocolVersion,
};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::access::keep_private;

const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];

/// A connection, with TLS or without.
pub trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// Where the certificate comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Certificate {
    /// Drawn and kept in the data folder; good for these names beside this machine's own. Drawn anew when one comes
    /// to them.
    Own { names: Vec<String> },
    /// PEM files: the chain, its own certificate first, and the key.
    Files { chain: PathBuf, key: PathBuf },
}

/// What a listener needs to speak TLS.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub config: Arc<ServerConfig>,
    pub fingerprint: Fingerprint,
}

/// SHA-256 of a certificate, as browsers show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

/// Why there is no TLS. The message is whole and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("cannot read {}: {}. Give PEM files with --tls-cert and --tls-key, or none to have a certificate made.", .0.display(), .1)]
    File(PathBuf, rustls::pki_types::pem::Error),
    #[error("the certificate in {} cannot be used: {}. Check that the key belongs to it.", .0.display(), .1)]
    Unfit(PathBuf, rustls::Error),
    #[error("cannot make a certificate: {0}. Check what --name gives.")]
    Make(#[from] rcgen::Error),
    #[error("cannot keep the certificate in {}: {}", .0.display(), .1)]
    Keep(PathBuf, std::io::Error),
}

impl Identity {
    /// Reads the certificate; makes one in `folder` first where that is wanted and there is none that fits.
    pub(crate) fn open(certificate: &Certificate, folder: &Path) -> Result<Self, TlsError> {
        let (chain, key) = match certificate {
            Certificate::Files { chain, key } => (chain.clone(), key.clone()),
            Certificate::Own { names } => {
                let files = (folder.join("tls-cert.pem"), folder.join("tls-key.pem"));
                if !files.0.exists() || lacks_one(&files.0, names) {
                    make(names, &files.0, &files.1)?;
                }
                files
            }
        };
        let unread = |path: &Path| {
            let path = path.to_owned();
            move |error| TlsError::File(path, error)
        };
        let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&chain)
            .and_then(Iterator::collect::<Result<_, _>>)
            .map_err(unread(&chain))?;
        let first = certificates
            .first()
            .ok_or(rustls::pki_types::pem::Error::NoItemsFound)
            .map_err(unread(&chain))?;
        let fingerprint = Fingerprint::of(first);
        let key = PrivateKeyDer::from_pem_file(&key).map_err(unread(&key))?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&VERSIONS)
            .and_then(|config| config.with_no_client_auth().with_single_cert(certificates, key));
        let mut config = config.map_err(|error| TlsError::Unfit(chain, error))?;
        // WebSockets are asked for in HTTP/1.1.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), fingerprint })
    }
}

/// Whether a certificate is good for others of these names, but not for all. One that cannot be read is not judged.
fn lacks_one(chain: &Path, names: &[String]) -> bool {
    let Ok(first) = CertificateDer::from_pem_file(chain) else { return false };
    let Ok(certificate) = ParsedCertificate::try_from(&first) else { return false };
    let wanted = names.iter().filter_map(|name| ServerName::try_from(name.as_str()).ok());
    wanted.into_iter().any(|name| verify_server_name(&certificate, &name).is_err())
}

fn make(names: &[String], chain: &Path, key: &Path) -> Result<(), TlsError> {
    let own = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let made = generate_simple_self_signed([own.as_slice(), names].concat())?;
    // The certificate goes first and comes last: where it is, its key is.
    match std::fs::remove_file(chain) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(TlsError::Keep(chain.to_owned(), error));
        }
        Ok(()) | Err(_) => {}
    }
    for (path, text) in [(key, made.signing_key.serialize_pem()), (chain, made.cert.pem())] {
        keep_private(path, text.as_bytes()).map_err(|error| TlsError::Keep(path.to_owned(), error))?;
    }
    Ok(())
}

impl Fingerprint {
    fn of(certificate: &CertificateDer<'_>) -> Self {
        Self(Sha256::digest(certificate).into())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, byte) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_char(':')?;
            }
            write!(f, "{byte:02X}")?;
        }
        Ok(())
    }
}

impl FromStr for Fingerprint {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let bytes: Result<Vec<u8>, _> = text.split(':').map(|byte| u8::from_str_radix(byte, 16)).collect();
        Ok(Self(bytes.map_err(drop)?.try_into().map_err(drop)?))
    }
}

/// Connects to a bridge: with TLS where it has a certificate, and then only to the one with this fingerprint.
pub async fn connect(
    address: SocketAddr,
    certificate: Option<Fingerprint>,
) -> std::io::Result<Box<dyn Wire>> {
    let socket = TcpStream::connect(address).await?;
    let Some(fingerprint) = certificate else { return Ok(Box::new(socket)) };
    let provider = Arc::new(ring::default_provider());
    let known = Known { fingerprint, provider: Arc::clone(&provider) };
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&VERSIONS)
        .map_err(std::io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(known))
        .with_no_client_auth();
    let name = ServerName::from(address.ip());
    Ok(Box::new(TlsConnector::from(Arc::new(config)).connect(name, socket).await?))
}

/// Knows one certificate, whatever it says of itself.
#[derive(Debug)]
struct Known {
    fingerprint: Fingerprint,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Known {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if Fingerprint::of(end_entity) == self.fingerprint {
            return Ok(ServerCertVerified::assertion());
        }
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_certificate_is_kept_until_it_lacks_a_name() {
        let dir = tempfile::tempdir().unwrap();
        let with = |names: &[&str]| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            Identity::open(&Certificate::Own { names }, dir.path()).unwrap().fingerprint
        };
        let first = with(&["studio.local"]);
        // What no name on the wire can be is not looked for, or it would be made anew at each start.
        for names in [&["studio.local"][..], &[], &["STUDIO.local", "localhost", "127.0.0.1"], &["no name"]] {
            assert_eq!(with(names), first, "{names:?}");
        }
        let second = with(&["studio.local", "10.0.0.7"]);
        assert_ne!(second, first);
        assert_eq!(with(&["10.0.0.7"]), second);
        assert_ne!(with(&["10.0.0.8"]), second);
    }
}
