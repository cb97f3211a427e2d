//! How Go's slices grow.
//!
//! Goes in: the type and length of a slice. Comes out: its capacity, the length up to which Go does not copy it; the capacity
//! shows when a template slices past the length. Follows `growslice` and the size classes of Go's runtime (1.26, 64 bits).

use super::ListKind;

/// The size classes of Go's allocator, up to [`LARGEST`].
const CLASSES: [usize; 67] = [
    8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 256, 288, 320, 352, 384, 416, 448, 480, 512, 576, 640, 704,
    768, 896, 1024, 1152, 1280, 1408, 1536, 1792, 2048, 2304, 2688, 3072, 3200, 3456, 4096, 4864, 5376, 6144, 6528, 6784, 6912, 8192, 9472,
    9728, 10240, 10880, 12288, 13568, 14336, 16384, 18432, 19072, 20480, 21760, 24576, 27264, 28672, 32768,
];
const LARGEST: usize = 32768;
/// Larger allocations are whole pages.
const PAGE: usize = 8192;
/// The header of allocations that contain pointers and are larger than [`HEADED`].
const HEADER: usize = 8;
const HEADED: usize = 512;

/// The size of an item, and whether it contains pointers.
fn layout(kind: ListKind) -> (usize, bool) {
    match kind {
        ListKind::Any | ListKind::Str | ListKind::VersionSet => (16, true),
        ListKind::Int | ListKind::Float => (8, false),
        ListKind::Lists => (24, true),
        ListKind::Maps => (8, true),
    }
}

fn rounded(size: usize, pointers: bool) -> usize {
    let header = if pointers && size > HEADED { HEADER } else { 0 };
    if size > LARGEST - HEADER {
        return size.div_ceil(PAGE) * PAGE;
    }
    let wanted = size + header;
    CLASSES.iter().copied().find(|class| *class >= wanted).unwrap_or(LARGEST) - header
}

/// The capacity after a slice of this capacity grew to `length` items.
pub(crate) fn appended(kind: ListKind, capacity: usize, length: usize) -> usize {
    /// From this length on, slices no longer double.
    const THRESHOLD: usize = 256;
    if length <= capacity {
        return capacity;
    }
    let mut next = capacity;
    if length > 2 * capacity {
        next = length;
    } else if capacity < THRESHOLD {
        next = 2 * capacity;
    } else {
        while next < length {
            next += (next + 3 * THRESHOLD) / 4;
        }
    }
    let (size, pointers) = layout(kind);
    rounded(next * size, pointers) / size
}

/// The capacity of a slice whose items were appended one at a time.
pub(crate) fn capacity(kind: ListKind, length: usize) -> usize {
    let mut capacity = 0;
    while capacity < length {
        capacity = appended(kind, capacity, capacity + 1);
    }
    capacity
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_grow_as_in_go() {
        let lengths = [0, 1, 3, 5, 9, 17, 33, 65, 129, 257, 513, 1000, 3000];
        let grown = |kind| lengths.map(|length| capacity(kind, length));
        assert_eq!(grown(ListKind::Any), [0, 1, 4, 8, 16, 32, 71, 71, 143, 303, 591, 1023, 3584]);
        assert_eq!(grown(ListKind::Int), [0, 1, 4, 8, 16, 32, 64, 128, 256, 512, 848, 1280, 3408]);
    }
}
