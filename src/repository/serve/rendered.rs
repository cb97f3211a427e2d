//! index.yaml ready to send, plain and gzip, rebuilt only where a chart changed.
//!
//! Goes in: the charts with the text of each version's entry. Comes out: the whole text, its gzip form and its ETag. The text is
//! kept in blocks of neighbouring charts, each compressed separately up to a byte boundary, so that a push costs recompressing
//! one block and copying the rest. Where a block ends depends only on its last chart (its name, or a long text), so a new chart moves no other block.
//! Equal content gives equal bytes and an equal ETag on every server. Form: Helm's `repo index`, with ChartMuseum's `serverInfo`.

use super::catalog::Chart;
use super::timestamp;
use crate::data::{Data, Map};
use crate::error::{Error, ErrorKind, Result};
use crate::package::digest::{Digest, sha256, sha256_hex};
use axum::body::Bytes;
use flate2::{Compress, Compression, Crc, FlushCompress};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// On average a block ends after this many charts, chosen by the hash of the name.
const CHARTS_PER_BLOCK: u64 = 32;
/// A block also ends after a chart whose entries are at least this long.
const LONG: usize = 32 << 10;
const GZIP_HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// A final deflate block without content.
const DEFLATE_END: [u8; 2] = [3, 0];

/// index.yaml as it is sent.
#[derive(Debug)]
pub struct Rendered {
    /// The generation of the catalog that it shows.
    pub generation: u64,
    /// The ETag, with its quotes.
    pub tag: String,
    blocks: Vec<Arc<Block>>,
    yaml: OnceLock<Bytes>,
    gzip: OnceLock<Option<Bytes>>,
}

/// The part of the text for some charts.
#[derive(Debug)]
struct Block {
    charts: Vec<Arc<Chart>>,
    text: String,
    digest: Digest,
    packed: OnceLock<Option<Vec<u8>>>,
}

/// The blocks of the last rendering, by their first chart.
#[derive(Debug, Default)]
pub struct Blocks(HashMap<String, Arc<Block>>);

impl Block {
    fn new(charts: Vec<Arc<Chart>>, text: String) -> Block {
        let digest = sha256(text.as_bytes());
        Block { charts, text, digest, packed: OnceLock::new() }
    }

    /// The deflated text, which ends at a byte boundary.
    fn packed(&self) -> Option<&[u8]> {
        self.packed.get_or_init(|| deflate(self.text.as_bytes()).ok()).as_deref()
    }
}

fn deflate(text: &[u8]) -> Result<Vec<u8>> {
    let failed = |what: &str| Error::new(ErrorKind::Io, format!("cannot compress the index: {what}"));
    let mut state = Compress::new(Compression::fast(), false);
    let mut packed = Vec::with_capacity(text.len() / 4 + 64);
    loop {
        let read = usize::try_from(state.total_in()).unwrap_or(usize::MAX);
        let rest = text.get(read..).unwrap_or_default();
        state.compress_vec(rest, &mut packed, FlushCompress::Full).map_err(|error| failed(&error.to_string()))?;
        let all_read = usize::try_from(state.total_in()).is_ok_and(|read| read == text.len());
        if all_read && packed.len() < packed.capacity() {
            packed.shrink_to_fit();
            return Ok(packed);
        }
        packed.reserve(packed.capacity().max(1024));
    }
}

/// A hash that is the same on every server (FNV-1a).
fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

impl Blocks {
    /// Renders `charts`, which are sorted by name; unchanged blocks are reused.
    pub fn render(&mut self, charts: &[Arc<Chart>], generation: u64, context_path: &str) -> Result<Rendered> {
        let mut blocks = Vec::with_capacity(self.0.len() + 2);
        let head = if charts.is_empty() { "apiVersion: v1\nentries: {}\n" } else { "apiVersion: v1\nentries:\n" };
        blocks.push(Arc::new(Block::new(Vec::new(), head.to_string())));
        let mut kept = HashMap::with_capacity(self.0.len() + 1);
        let mut rest = charts;
        while let Some(first) = rest.first() {
            let ends = |chart: &Arc<Chart>| hash(&chart.name).is_multiple_of(CHARTS_PER_BLOCK) || chart.text_length() >= LONG;
            let length = rest.iter().position(ends).map_or(rest.len(), |at| at + 1);
            let (mine, others) = rest.split_at(length);
            rest = others;
            let same =
                |block: &&Arc<Block>| block.charts.len() == mine.len() && block.charts.iter().zip(mine).all(|(a, b)| Arc::ptr_eq(a, b));
            let block = self.0.get(&first.name).filter(same).cloned().unwrap_or_else(|| {
                let mut text = String::with_capacity(mine.iter().map(|chart| chart.text_length()).sum());
                mine.iter().for_each(|chart| chart.write(&mut text));
                Arc::new(Block::new(mine.to_vec(), text))
            });
            kept.insert(first.name.clone(), block.clone());
            blocks.push(block);
        }
        self.0 = kept;
        // The time of the newest upload, not of the clock.
        let newest = charts.iter().flat_map(|chart| &chart.versions).map(|entry| entry.created).max().unwrap_or(0);
        let mut tail = format!("generated: \"{}\"\n", timestamp(newest));
        match context_path {
            "" => tail.push_str("serverInfo: {}\n"),
            path => {
                let mut info = Map::new();
                info.insert("contextPath", Data::str(path));
                let mut top = Map::new();
                top.insert("serverInfo", Data::map(info));
                tail.push_str(&crate::yaml::to_string(&Data::map(top))?);
            }
        }
        blocks.push(Arc::new(Block::new(Vec::new(), tail)));
        let digests: Vec<u8> = blocks.iter().flat_map(|block| block.digest).collect();
        let tag = format!("\"{}\"", &sha256_hex(&digests)[..32]);
        Ok(Rendered { generation, tag, blocks, yaml: OnceLock::new(), gzip: OnceLock::new() })
    }
}

/// The text to send, and whether it is gzip, which it is if requested and the compressor does not fail. If it
/// has to be built first, a blocking thread does that.
pub async fn text(rendered: &Arc<Rendered>, as_gzip: bool) -> Option<(Bytes, bool)> {
    let own = rendered.clone();
    let is_there = match as_gzip {
        // If compression failed, the plain text is sent.
        true => rendered.gzip.get().is_some_and(|packed| packed.is_some() || rendered.yaml.get().is_some()),
        false => rendered.yaml.get().is_some(),
    };
    let make = move || match if as_gzip { own.gzip() } else { None } {
        Some(packed) => (packed, true),
        None => (own.yaml(), false),
    };
    if is_there { Some(make()) } else { tokio::task::spawn_blocking(make).await.ok() }
}

impl Rendered {
    /// The text.
    pub fn yaml(&self) -> Bytes {
        let make = || {
            let mut text = Vec::with_capacity(self.blocks.iter().map(|block| block.text.len()).sum());
            self.blocks.iter().for_each(|block| text.extend_from_slice(block.text.as_bytes()));
            Bytes::from(text)
        };
        self.yaml.get_or_init(make).clone()
    }

    /// The text as one gzip member; `None` if the compressor fails.
    pub fn gzip(&self) -> Option<Bytes> {
        let make = || {
            let packed: Option<Vec<&[u8]>> = self.blocks.iter().map(|block| block.packed()).collect();
            let packed = packed?;
            let mut sum = Crc::new();
            self.blocks.iter().for_each(|block| sum.update(block.text.as_bytes()));
            let mut member = Vec::with_capacity(packed.iter().map(|part| part.len()).sum::<usize>() + 20);
            member.extend_from_slice(&GZIP_HEAD);
            packed.iter().for_each(|part| member.extend_from_slice(part));
            member.extend_from_slice(&DEFLATE_END);
            member.extend_from_slice(&sum.sum().to_le_bytes());
            member.extend_from_slice(&sum.amount().to_le_bytes());
            Some(Bytes::from(member))
        };
        self.gzip.get_or_init(make).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::serve::catalog::StoredVersion;
    use crate::repository::serve::catalog::tests::{entry, handed_on};
    use std::io::Read as _;

    fn chart(name: &str, versions: &[&str]) -> Arc<Chart> {
        let versions: Vec<Arc<StoredVersion>> = versions.iter().map(|version| Arc::new(entry(name, version))).collect();
        Arc::new(Chart::new(name, versions).expect("a chart"))
    }

    fn unpacked(rendered: &Rendered) -> Vec<u8> {
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(&rendered.gzip().expect("gzip")[..]).read_to_end(&mut text).expect("one whole member");
        text
    }

    #[test]
    fn a_change_rebuilds_its_own_block_alone_and_gives_what_a_full_rendering_gives() {
        let mut charts: Vec<_> = (100..400).map(|number| chart(&format!("chart{number}"), &["1.0.0"])).collect();
        let mut blocks = Blocks::default();
        let first = blocks.render(&charts, 1, "").expect("rendered");
        assert_eq!(unpacked(&first), first.yaml());
        assert!(first.blocks.len() > 5, "{}", first.blocks.len());
        charts[100] = chart("chart200", &["1.1.0", "1.0.0"]);
        charts.insert(0, chart("a", &["1.0.0"]));
        let second = blocks.render(&charts, 2, "").expect("rendered");
        let fresh = Blocks::default().render(&charts, 2, "").expect("rendered");
        assert_eq!(second.yaml(), fresh.yaml());
        assert_eq!((&second.tag, second.gzip()), (&fresh.tag, fresh.gzip()));
        assert_eq!(unpacked(&second), second.yaml());
        assert_ne!(first.tag, second.tag);
        let taken_over = second.blocks.iter().filter(|block| first.blocks.iter().any(|other| Arc::ptr_eq(block, other))).count();
        assert!(taken_over + 4 >= first.blocks.len(), "{taken_over} of {}", first.blocks.len());
    }

    #[test]
    fn an_index_is_packed_by_a_thread_that_may_take_its_time() {
        let rendered = Arc::new(Blocks::default().render(&[chart("a", &["1.0.0"])], 1, "").expect("rendered"));
        for as_gzip in [true, false] {
            let (is_handed_on, made) = handed_on(text(&rendered, as_gzip));
            assert!(is_handed_on);
            assert_eq!(made, Some((if as_gzip { rendered.gzip().expect("gzip") } else { rendered.yaml() }, as_gzip)));
            assert_eq!(handed_on(text(&rendered, as_gzip)), (false, made), "what is there is given at once");
        }
    }

    #[test]
    fn the_text_is_an_index() {
        let charts = [chart("a", &["2.0.0", "1.0.0"]), chart("b", &["1.0.0"])];
        let text = |charts: &[Arc<Chart>], path: &str| {
            let rendered = Blocks::default().render(charts, 1, path).expect("rendered");
            String::from_utf8(rendered.yaml().to_vec()).expect("text")
        };
        for path in ["/x", "/a: b", "/a #b", "/*", "/a\"b", "/ä/b"] {
            let yaml = text(&charts, path);
            let data = crate::yaml::parse(yaml.as_bytes()).unwrap_or_else(|fault| panic!("{path}: {fault}"));
            assert_eq!(crate::yaml::to_string(&data).expect("YAML"), yaml, "as the emitter would write the whole");
            let found = data.as_map().and_then(|map| map.get("serverInfo")).and_then(Data::as_map).and_then(|map| map.get("contextPath"));
            assert_eq!(found.and_then(Data::as_str), Some(path));
        }
        assert!(text(&charts, "/x").ends_with("serverInfo:\n  contextPath: /x\n"));
        assert!(text(&[], "").starts_with("apiVersion: v1\nentries: {}\n"));
    }
}
