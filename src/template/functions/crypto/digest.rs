//! Digests, password hashes and derived passwords, and AES.
//!
//! Goes in: texts. Comes out: hexadecimal or base64 text; bcrypt and htpasswd return an error as their result, as in Sprig.

use super::super::{Call, Fault, Host, Outcome};
use crate::base64;
use crate::template::value::Value;
use crate::template::work;
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

/// Go's default for bcrypt.
const BCRYPT_COST: u32 = 10;
const BLOCK: usize = 16;

pub(super) fn sha1sum(call: &mut Call) -> Outcome {
    Ok(Value::str(HEXLOWER.encode(&Sha1::digest(call.bytes(0)))))
}

pub(super) fn sha256sum(call: &mut Call) -> Outcome {
    Ok(Value::str(HEXLOWER.encode(&Sha256::digest(call.bytes(0)))))
}

pub(super) fn sha512sum(call: &mut Call) -> Outcome {
    Ok(Value::str(HEXLOWER.encode(&Sha512::digest(call.bytes(0)))))
}

pub(super) fn adler32sum(call: &mut Call) -> Outcome {
    let (mut low, mut high) = (1u32, 0u32);
    for byte in call.bytes(0) {
        low = (low + u32::from(*byte)) % 65521;
        high = (high + low) % 65521;
    }
    Ok(Value::str((high << 16 | low).to_string()))
}

pub(super) fn bcrypt(call: &mut Call) -> Outcome {
    let password = call.bytes(0).to_vec();
    Ok(Value::str(bcrypt_hash(&password, call.host)?))
}

fn bcrypt_hash(password: &[u8], host: &mut dyn Host) -> Result<String, Fault> {
    if password.len() > 72 {
        return Ok("failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes".to_string());
    }
    work::charge(work::HASH)?;
    let mut salt = [0; 16];
    host.random(&mut salt);
    Ok(match bcrypt::hash_with_salt(password, BCRYPT_COST, salt) {
        Ok(hash) => hash.format_for_version(bcrypt::Version::TwoA),
        Err(error) => format!("failed to encrypt string with bcrypt: {error}"),
    })
}

pub(super) fn htpasswd(call: &mut Call) -> Outcome {
    let (user, password) = (call.bytes(0).to_vec(), call.bytes(1).to_vec());
    if user.contains(&b':') {
        return Ok(Value::str([b"invalid username: ", &user[..]].concat()));
    }
    Ok(Value::str([&user[..], b":", bcrypt_hash(&password, call.host)?.as_bytes()].concat()))
}

/// The templates of each type of the Master Password algorithm; each letter stands for a class of characters.
const PASSWORD_TEMPLATES: &[(&str, &[&str])] = &[
    ("maximum", &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"]),
    (
        "long",
        &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
    ),
    ("medium", &["CvcnoCvc", "CvcCvcno"]),
    ("short", &["Cvcn"]),
    ("basic", &["aaanaaan", "aannaaan", "aaannaaa"]),
    ("pin", &["nnnn"]),
];

/// The characters of a class.
fn class_of(letter: u8) -> &'static [u8] {
    match letter {
        b'V' => b"AEIOU",
        b'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        b'v' => b"aeiou",
        b'c' => b"bcdfghjklmnpqrstvwxyz",
        b'A' => b"AEIOUBCDFGHJKLMNPQRSTVWXYZ",
        b'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        b'n' => b"0123456789",
        b'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}

pub(super) fn derive_password(call: &mut Call) -> Outcome {
    let counter = call.int(0) as u32;
    let (kind, password, user, site) = (call.text(1), call.bytes(2), call.bytes(3), call.bytes(4));
    let Some((_, templates)) = PASSWORD_TEMPLATES.iter().find(|(name, _)| *name == kind) else {
        return Ok(Value::str(format!("cannot find password template {kind}")));
    };
    work::charge(work::DERIVATION)?;
    const NAMESPACE: &[u8] = b"com.lyndir.masterpassword";
    let salt = [NAMESPACE, &(user.len() as u32).to_be_bytes(), user].concat();
    let mut key = [0; 64];
    // N = 32768, r = 8, p = 2
    scrypt::Params::new(15, 8, 2)
        .ok()
        .and_then(|parameters| scrypt::scrypt(password, &salt, &parameters, &mut key).ok())
        .ok_or_else(|| Fault::new("failed to derive password"))?;
    let message = [NAMESPACE, &(site.len() as u32).to_be_bytes(), site, &counter.to_be_bytes()].concat();
    let mut hash = Hmac::<Sha256>::new_from_slice(&key).map_err(|error| Fault::new(error.to_string()))?;
    hash.update(&message);
    let seed = hash.finalize().into_bytes();
    let template = templates[usize::from(seed[0]) % templates.len()];
    let pick = |(letter, byte): (u8, &u8)| {
        let class = class_of(letter);
        class[usize::from(*byte) % class.len()]
    };
    Ok(Value::str(template.bytes().zip(&seed[1..]).map(pick).collect::<Vec<u8>>()))
}

/// A password cut or filled with zeros to the length of an AES-256 key.
fn aes_key(password: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    let length = password.len().min(32);
    key[..length].copy_from_slice(&password[..length]);
    key
}

pub(super) fn encrypt_aes(call: &mut Call) -> Outcome {
    let (key, mut text) = (aes_key(call.bytes(0)), call.bytes(1).to_vec());
    if text.is_empty() {
        return Ok(Value::str(""));
    }
    let padding = BLOCK - text.len() % BLOCK;
    text.resize(text.len() + padding, padding as u8);
    let mut start = [0; BLOCK];
    call.host.random(&mut start);
    let mut cipher = cbc::Encryptor::<aes::Aes256>::new(&key.into(), &start.into());
    for block in text.chunks_exact_mut(BLOCK) {
        if let Ok(block) = block.try_into() {
            cipher.encrypt_block(block);
        }
    }
    Ok(Value::str(base64::encode([&start[..], &text].concat())))
}

pub(super) fn decrypt_aes(call: &mut Call) -> Outcome {
    let (key, text) = (aes_key(call.bytes(0)), call.bytes(1));
    if text.is_empty() {
        return Ok(Value::str(""));
    }
    let bytes = base64::decode(text).map_err(Fault::new)?;
    let Some((start, body)) = bytes.split_at_checked(BLOCK) else {
        // The capacity of Go's buffer: the most that the text could decode to.
        let capacity = text.len() / 4 * 3;
        return Err(Fault::new(format!("runtime error: slice bounds out of range [:16] with capacity {capacity}")));
    };
    if !body.len().is_multiple_of(BLOCK) {
        return Err(Fault::new("crypto/cipher: input not full blocks"));
    }
    let start: [u8; BLOCK] = start.try_into().unwrap_or_default();
    let mut body = body.to_vec();
    let mut cipher = cbc::Decryptor::<aes::Aes256>::new(&key.into(), &start.into());
    for block in body.chunks_exact_mut(BLOCK) {
        if let Ok(block) = block.try_into() {
            cipher.decrypt_block(block);
        }
    }
    let Some(padding) = body.last().map(|byte| usize::from(*byte)) else {
        return Err(Fault::new("runtime error: index out of range [-1]"));
    };
    match body.len().checked_sub(padding) {
        Some(length) => Ok(Value::str(&body[..length])),
        None => Err(Fault::new(format!("runtime error: slice bounds out of range [:-{}]", padding - body.len()))),
    }
}
