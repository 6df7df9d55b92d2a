//! TLS by rustls, with a certificate that can change while the relay runs.
//!
//! Invariant: if a certificate cannot be read, the one before stays in use.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::SystemTime,
};

use anyhow::{Context, ensure};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
        server::{ClientHello, ResolvesServerCert},
        sign::CertifiedKey,
    },
};

use crate::config::Config;

/// The files of the certificate, and the one in use.
#[derive(Debug)]
pub struct Certificate {
    chain: PathBuf,
    key: PathBuf,
    current: RwLock<(Arc<CertifiedKey>, Stamp)>,
}

type Stamp = [Option<SystemTime>; 2];

impl Certificate {
    /// The certificate that the settings name, if they name one.
    ///
    /// # Errors
    /// What is wrong, and with which file.
    pub fn of(config: &Config) -> anyhow::Result<Option<Arc<Self>>> {
        let files = config.tls_certificate.clone().zip(config.tls_key.clone());
        files.map(|(chain, key)| Self::read(chain, key)).transpose()
    }

    /// Reads a certificate and its key.
    ///
    /// # Errors
    /// What is wrong, and with which file.
    fn read(chain: PathBuf, key: PathBuf) -> anyhow::Result<Arc<Self>> {
        let current = RwLock::new((certified(&chain, &key)?, stamp(&chain, &key)));
        Ok(Arc::new(Self { chain, key, current }))
    }

    /// Reads the files again if they changed; returns whether they did.
    ///
    /// # Errors
    /// What is wrong, and with which file; the certificate before stays in use.
    pub fn reload(&self) -> anyhow::Result<bool> {
        let found = stamp(&self.chain, &self.key);
        if self.current.read().unwrap_or_else(PoisonError::into_inner).1 == found {
            return Ok(false);
        }
        let certified = certified(&self.chain, &self.key)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = (certified, found);
        Ok(true)
    }

    /// Accepts TLS connections with the certificate that is in use at that moment.
    ///
    /// # Errors
    /// None with the cipher suites that are built in.
    pub fn acceptor(self: &Arc<Self>) -> anyhow::Result<TlsAcceptor> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .context("TLS versions")?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).0))
    }
}

fn stamp(chain: &Path, key: &Path) -> Stamp {
    [chain, key].map(|path| std::fs::metadata(path).and_then(|about| about.modified()).ok())
}

fn certified(chain: &Path, key: &Path) -> anyhow::Result<Arc<CertifiedKey>> {
    let read = |path: &Path| format!("cannot read {}", path.display());
    let certificates = CertificateDer::pem_file_iter(chain)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| read(chain))?;
    ensure!(!certificates.is_empty(), "{} holds no certificate in PEM form", chain.display());
    let secret = PrivateKeyDer::from_pem_file(key).with_context(|| read(key))?;
    let certified = CertifiedKey::from_der(certificates, secret, &ring::default_provider())
        .with_context(|| format!("{} does not fit {}", key.display(), chain.display()))?;
    Ok(Arc::new(certified))
}
