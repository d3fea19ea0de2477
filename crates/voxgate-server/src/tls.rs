//! TLS of the main listener: version 1.3 only, with a given or a self-made certificate.

use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::Tls;

/// What can go wrong while TLS is set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A PEM file cannot be read or holds nothing usable.
    #[error("cannot use {what} {}: {message}", path.display())]
    Pem {
        /// Certificate chain or key.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        message: String,
    },
    /// Certificate and key do not belong together, or are of a kind that TLS 1.3 does not know.
    #[error("certificate and key cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
    /// The self-made certificate could not be made.
    #[error("cannot make a certificate: {0}")]
    SelfSigned(String),
}

/// Makes the process-wide crypto provider the one we ship. Calling it again changes nothing.
pub fn install_crypto_provider() {
    // An error means that it is installed already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// The listener's TLS configuration, or `None` if it speaks plain HTTP.
///
/// # Errors
/// Files that cannot be read or used.
pub fn server_config(
    tls: &Tls,
    data_dir: &Path,
    host: &str,
) -> Result<Option<Arc<rustls::ServerConfig>>, TlsError> {
    if !tls.enabled() {
        return Ok(None);
    }
    let (cert, key) = if tls.self_signed {
        self_signed(data_dir, host)?
    } else {
        (PathBuf::from(&tls.cert_file), PathBuf::from(&tls.key_file))
    };
    let chain = CertificateDer::pem_file_iter(&cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| pem("the certificate chain", &cert, &e))?;
    let secret =
        PrivateKeyDer::from_pem_file(&key).map_err(|e| pem("the private key", &key, &e))?;
    let mut config =
        rustls::ServerConfig::builder_with_protocol_versions(&[&rustls::version::TLS13])
            .with_no_client_auth()
            .with_single_cert(chain, secret)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Some(Arc::new(config)))
}

fn pem(what: &'static str, path: &Path, error: &rustls::pki_types::pem::Error) -> TlsError {
    TlsError::Pem {
        what,
        path: path.to_owned(),
        message: error.to_string(),
    }
}

/// Certificate and key in `<data_dir>/tls`, made on first use for `localhost`, the loopback addresses and `host`.
fn self_signed(data_dir: &Path, host: &str) -> Result<(PathBuf, PathBuf), TlsError> {
    let dir = data_dir.join("tls");
    let (cert, key) = (dir.join("self-signed.pem"), dir.join("self-signed.key"));
    if cert.exists() && key.exists() {
        return Ok((cert, key));
    }
    let fail = |e: &dyn std::fmt::Display| TlsError::SelfSigned(e.to_string());
    std::fs::create_dir_all(&dir).map_err(|e| fail(&e))?;
    let mut names = vec![
        "localhost".to_owned(),
        "127.0.0.1".to_owned(),
        "::1".to_owned(),
    ];
    if !names.iter().any(|n| n == host) && !host.is_empty() {
        names.push(host.to_owned());
    }
    let made = rcgen::generate_simple_self_signed(names).map_err(|e| fail(&e))?;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&key).map_err(|e| fail(&e))?;
    std::io::Write::write_all(&mut file, made.signing_key.serialize_pem().as_bytes())
        .map_err(|e| fail(&e))?;
    std::fs::write(&cert, made.cert.pem()).map_err(|e| fail(&e))?;
    Ok((cert, key))
}
