//! The cryptographic functions: digests and passwords recorded from Helm 4.2.4, the rest checked for shape.

use super::*;
use crate::base64;
use crate::template::functions::Host;

/// A host with a counter as randomness and a fixed clock.
struct Fixed(u8);

impl Host for Fixed {
    fn now(&self) -> i128 {
        1_600_000_000_000_000_000
    }

    fn random(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.0 = self.0.wrapping_mul(5).wrapping_add(17);
            *byte = self.0;
        }
    }

    fn resolve_host(&self, _: &str) -> Option<Vec<String>> {
        None
    }

    fn size_limit(&self) -> usize {
        1 << 20
    }

    fn item_limit(&self) -> usize {
        1000
    }

    fn asked(&self) -> u64 {
        0
    }
}

fn run(name: &str, arguments: &[Value]) -> Result<String, String> {
    let function = FUNCTIONS.iter().find(|function| function.name == name).unwrap();
    let value = (function.call)(&mut Call { arguments, host: &mut Fixed(1) }).map_err(|fault| fault.message)?;
    let mut out = Vec::new();
    crate::template::format::print_plain(&value, &mut out).unwrap();
    Ok(String::from_utf8_lossy(&out).into_owned())
}

fn text(text: &str) -> Value {
    Value::str(text)
}

#[test]
fn digests() {
    // Recorded from Helm 4.2.4.
    for (name, want) in [
        ("sha1sum", "0a0a9f2a6772942557ab5355d76af442f8f65e01"),
        ("sha256sum", "dffd6021bb2bd5b0af676290809ec3a53191dd81c7f70a4b28688a362182986f"),
        ("adler32sum", "530449514"),
    ] {
        assert_eq!(run(name, &[text("Hello, World!")]).as_deref(), Ok(want), "{name}");
    }
}

#[test]
fn passwords_are_derived() {
    // Recorded from Helm 4.2.4.
    let derive = |kind: &str| run("derivePassword", &[Value::int(1), text(kind), text("password"), text("user"), text("example.com")]);
    assert_eq!(derive("long").as_deref(), Ok("ZedaFaxcZaso9*"));
    assert_eq!(derive("pin").as_deref(), Ok("6685"));
    assert_eq!(derive("none").as_deref(), Ok("cannot find password template none"));
}

#[test]
fn aes_there_and_back() {
    let hidden = run("encryptAES", &[text("secret"), text("plain text")]).unwrap();
    assert_eq!(run("decryptAES", &[text("secret"), text(&hidden)]).as_deref(), Ok("plain text"));
    assert_eq!(run("decryptAES", &[text("secret"), text("!")]).unwrap_err(), "illegal base64 data at input byte 0");
    assert_eq!(run("decryptAES", &[text("secret"), text("QQ=x")]).unwrap_err(), "illegal base64 data at input byte 2");
    assert_eq!(
        run("decryptAES", &[text("secret"), text("AAAA")]).unwrap_err(),
        "runtime error: slice bounds out of range [:16] with capacity 3"
    );
}

#[test]
fn random_texts_have_their_length_and_characters() {
    assert_eq!(run("randNumeric", &[Value::int(9)]).unwrap().len(), 9);
    assert!(run("randAlphaNum", &[Value::int(1)]).unwrap().bytes().all(|byte| byte.is_ascii_digit()));
    assert_eq!(run("randAlpha", &[Value::int(-1)]).as_deref(), Ok(""));
    assert!(run("randAscii", &[Value::int(i64::MAX)]).is_err());
    let uuid = run("uuidv4", &[]).unwrap();
    assert_eq!((uuid.len(), &uuid[14..15]), (36, "4"));
}

#[test]
fn bcrypt_refuses_long_passwords() {
    assert!(run("bcrypt", &[text("x")]).unwrap().starts_with("$2a$10$"));
    assert_eq!(
        run("bcrypt", &[text(&"x".repeat(73))]).as_deref(),
        Ok("failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes")
    );
    assert_eq!(run("htpasswd", &[text("us:er"), text("x")]).as_deref(), Ok("invalid username: us:er"));
}

#[test]
fn keys_are_read_back() {
    for kind in ["ecdsa", "ed25519"] {
        let key = run("genPrivateKey", &[text(kind)]).unwrap();
        assert_eq!(PrivateKey::parse_pem(key.as_bytes()).unwrap().to_pem(), key, "{kind}");
    }
    assert_eq!(run("genPrivateKey", &[text("x")]).as_deref(), Ok("Unknown type x"));
}

// Helm signs with them; a key of this size can be broken, and the one in testdata is used nowhere.
#[test]
fn short_rsa_keys_are_refused() {
    let key = include_str!("../../../../testdata/keys/rsa-1024.pem");
    let none = || Value::list(Vec::new());
    let outcome = run("genSelfSignedCertWithKey", &[text("a"), none(), none(), Value::int(1), text(key)]);
    assert!(outcome.unwrap_err().ends_with("crypto/rsa: invalid private key (TooSmall)"));
}

#[test]
fn an_authority_signs() {
    let mut host = Fixed(3);
    let mut call = |name: &str, arguments: &[Value]| {
        let function = FUNCTIONS.iter().find(|function| function.name == name).unwrap();
        (function.call)(&mut Call { arguments, host: &mut host })
    };
    let key = call("genPrivateKey", &[text("ecdsa")]).unwrap();
    let other = call("genPrivateKey", &[text("ed25519")]).unwrap();
    let ca = call("genCAWithKey", &[text("authority"), Value::int(10), key]).unwrap();
    let names = Value::list(vec![text("example.com")]);
    let addresses = Value::list(vec![text("10.0.0.1")]);
    let signed = call("genSignedCertWithKey", &[text("leaf"), addresses, names.clone(), Value::int(5), ca.clone(), other.clone()]).unwrap();
    let Value::Object(signed) = signed else { panic!("an object") };
    let Some(Value::Str(cert)) = signed.field("Cert") else { panic!("a certificate") };
    let block = pem::decode(cert.as_bytes()).unwrap();
    assert!(Issuer::parse(&block.bytes).is_ok());
    let bad = call("genSignedCertWithKey", &[text("leaf"), Value::list(vec![text("x")]), names, Value::int(5), ca, other.clone()]);
    assert_eq!(bad.unwrap_err().message, "error parsing ip: x");
    let many = Value::list(vec![text(&"x".repeat(1 << 20)); 100]);
    let long = call("genSelfSignedCertWithKey", &[text("a"), Value::list(Vec::new()), many, Value::int(1), other]);
    assert!(long.unwrap_err().is_limit);
}

proptest::proptest! {
    /// Broken certificates and keys yield messages.
    #[test]
    fn nothing_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..60), kind in proptest::sample::select(vec!["RSA ", "EC ", "DSA ", ""])) {
        let _ = Issuer::parse(&bytes);
        let _ = Issuer::parse(&[&[0x30, bytes.len() as u8, 0x30][..], &bytes].concat());
        for body in [bytes.clone(), [&[0x30, bytes.len() as u8][..], &bytes].concat()] {
            let _ = PrivateKey::parse_pem(pem::encode(&format!("{kind}PRIVATE KEY"), &body).as_bytes());
        }
        let _ = pem::decode(&bytes);
        let _ = base64::decode(&bytes);
    }
}
