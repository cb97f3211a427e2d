//! Limits. Results are tested where resources go through a post-renderer (`manifest/marked.rs`).

use super::*;
use proptest::prelude::*;

/// The document written again, or the fault.
fn round(text: &str) -> String {
    match Tree::read(text.as_bytes()) {
        Ok(Some(tree)) => {
            let mut writer = Writer::default();
            writer.document(&tree);
            writer.finish()
        }
        Ok(None) => String::new(),
        Err(message) => message,
    }
}

#[test]
fn depth_is_limited_and_needs_no_stack() {
    let flow = |depth: usize| format!("a: {}{}\n", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(round(&flow(10_000)), flow(10_000));
    assert_eq!(round(&flow(10_001)), "yaml: exceeded max depth of 10000");
    let entries = |depth: usize| format!("{}x\n", "- ".repeat(depth));
    assert_eq!(round(&entries(10_000)), entries(10_000));
    assert_eq!(round(&entries(10_001)), "yaml: exceeded max depth of 10000");
    let both = format!("{}{}x{}\n", "- ".repeat(10_000), "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(round(&both), both);
}

#[test]
fn aliases_are_not_followed() {
    let mut text = String::from("a0: &a0 [x, x]\n");
    for level in 1..64 {
        text.push_str(&format!("a{level}: &a{level} [*a{0}, *a{0}, *a{0}]\n", level - 1));
    }
    assert_eq!(round(&text), text);
    assert_eq!(round("&a [*a]\n"), "&a [*a]\n");
    assert_eq!(round("a: *b\n"), "yaml: unknown anchor 'b' referenced");
}

#[test]
fn cut_out_nodes_keep_what_is_below() {
    let tree = Tree::read(b"a:\n  # h\n  - b: {c: 1} # l\n  - [d]\n").ok().flatten().unwrap();
    let list = tree.node(tree.root()).unwrap().children[1];
    let mut writer = Writer::default();
    writer.document(&tree.cut_out(list));
    assert_eq!(writer.finish(), "# h\n- b: {c: 1} # l\n- [d]\n");
}

proptest! {
    #[test]
    fn no_text_does_harm(text in "[-?:,\\[\\]{}&*!|>'\"%@#a-c0~<. \t\r\n\u{85}\u{2028}\u{feff}é😀\\\\]{0,60}") {
        round(&text);
    }

    #[test]
    fn no_bytes_do_harm(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = Tree::read(&bytes);
    }
}
