//! The part of ASN.1's DER that keys and certificates need.
//!
//! Goes in: contents to wrap, or bytes to take apart. Comes out: encoded elements, or their parts as slices. Certificates are
//! built by hand because each extension must stand where Go's x509 package puts it.

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const UTF8_STRING: u8 = 0x0c;
pub(crate) const PRINTABLE_STRING: u8 = 0x13;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// `NULL`
pub(crate) const NULL: &[u8] = &[0x05, 0x00];

/// An element: tag, length, contents.
pub(crate) fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = contents.len();
    if length < 0x80 {
        out.push(length as u8);
    } else {
        let bytes = length.to_be_bytes();
        let skip = bytes.iter().take_while(|byte| **byte == 0).count();
        out.push(0x80 | (bytes.len() - skip) as u8);
        out.extend_from_slice(&bytes[skip..]);
    }
    out.extend_from_slice(contents);
    out
}

/// An element whose contents are these elements.
pub(crate) fn nested(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    element(tag, &parts.concat())
}

/// A `SEQUENCE` of these elements.
pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    nested(SEQUENCE, parts)
}

/// An `INTEGER` that is not negative, from its big-endian bytes.
pub(crate) fn unsigned(bytes: &[u8]) -> Vec<u8> {
    let skip = bytes.iter().take_while(|byte| **byte == 0).count();
    let bytes = &bytes[skip..];
    match bytes.first() {
        None => element(INTEGER, &[0]),
        // The top bit is the sign.
        Some(first) if *first >= 0x80 => element(INTEGER, &[&[0], bytes].concat()),
        Some(_) => element(INTEGER, bytes),
    }
}

/// A `BIT STRING` of whole bytes.
pub(crate) fn bits(bytes: &[u8]) -> Vec<u8> {
    element(BIT_STRING, &[&[0], bytes].concat())
}

/// One element taken from the front of some bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Element<'a> {
    pub tag: u8,
    pub contents: &'a [u8],
    /// With tag and length.
    pub whole: &'a [u8],
}

/// Takes the first element off `rest`; `None` if it is cut off or of a form that DER does not allow.
pub(crate) fn read<'a>(rest: &mut &'a [u8]) -> Option<Element<'a>> {
    let input = *rest;
    let (tag, first) = (*input.first()?, *input.get(1)?);
    let (length, header) = match first {
        0..=0x7f => (usize::from(first), 2),
        0x81..=0x84 => {
            let count = usize::from(first & 0x7f);
            let digits = input.get(2..2 + count)?;
            (digits.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), 2 + count)
        }
        _ => return None,
    };
    let end = header.checked_add(length)?;
    let whole = input.get(..end)?;
    *rest = &input[end..];
    Some(Element { tag, contents: &whole[header..], whole })
}

/// Takes the first element off `rest` if it has this tag.
pub(crate) fn read_tag<'a>(rest: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    let mut ahead = *rest;
    let element = read(&mut ahead).filter(|element| element.tag == tag)?;
    *rest = ahead;
    Some(element.contents)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_signs() {
        assert_eq!(element(OCTET_STRING, &[7; 3]), [4, 3, 7, 7, 7]);
        assert_eq!(element(OCTET_STRING, &[0; 200])[..3], [4, 0x81, 200]);
        assert_eq!(unsigned(&[0, 0x80]), [2, 2, 0, 0x80]);
        assert_eq!(unsigned(&[]), [2, 1, 0]);
        let long = element(OCTET_STRING, &[1; 300]);
        let mut rest = &long[..];
        assert_eq!(read_tag(&mut rest, OCTET_STRING).map(<[u8]>::len), Some(300));
        assert!(rest.is_empty());
        assert!(read(&mut &long[..200]).is_none());
    }
}
