//! Hashes and hexadecimal digits. Leases, approvals and names hold them: they never change.

use sha2::{Digest, Sha256};

/// The SHA-256 of these bytes, in 64 hexadecimal digits.
pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(bytes))
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
