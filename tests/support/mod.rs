//! Archives made by hand, for what no archiver would write.

use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

/// A ustar header; the name is cut at 100 bytes, and `size` may lie.
pub fn header(name: impl AsRef<[u8]>, kind: u8, size: u64) -> [u8; 512] {
    let mut block = [0; 512];
    let name = name.as_ref();
    let length = name.len().min(100);
    block[..length].copy_from_slice(&name[..length]);
    block[100..107].copy_from_slice(b"0000644");
    if size < 1 << 33 {
        block[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    } else {
        block[124] = 0x80;
        block[128..136].copy_from_slice(&size.to_be_bytes());
    }
    block[136..147].copy_from_slice(b"00000000000");
    block[148..156].copy_from_slice(b"        ");
    block[156] = kind;
    block[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// Appends one member with its data, padded.
pub fn member(tar: &mut Vec<u8>, name: impl AsRef<[u8]>, kind: u8, data: &[u8]) {
    tar.extend_from_slice(&header(name, kind, data.len() as u64));
    tar.extend_from_slice(data);
    tar.resize(tar.len().next_multiple_of(512), 0);
}

/// The bytes as gzip packs them.
pub fn pack(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}
