//! Tables as Helm prints them (gosuri/uitable).
//!
//! Goes in: rows of cells. Comes out: lines in which every cell, including the last, is padded to its column's
//! width and the cells are joined by tabs. Long cells are cut to the width limit and end in `...`.

/// The table's text without a final newline; `limit` is the maximum column width, 0 for none.
pub fn render(rows: &[Vec<String>], limit: usize) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            let width = cell.split('\n').map(text_width).max().unwrap_or(0);
            let width = if limit != 0 { width.min(limit) } else { width };
            match widths.get_mut(column) {
                Some(widest) => *widest = width.max(*widest),
                None => widths.push(width),
            }
        }
    }
    let line = |row: &Vec<String>| row.iter().zip(&widths).map(|(cell, width)| resize(cell, *width)).collect::<Vec<_>>().join("\t");
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Pads or cuts to `width` columns; a width of 0 leaves the text unchanged.
fn resize(text: &str, width: usize) -> String {
    let own = text_width(text);
    if width == 0 || own == width {
        return text.to_string();
    }
    if own < width {
        return format!("{text}{}", " ".repeat(width - own));
    }
    let mut cut = String::new();
    let mut used = 0;
    for c in text.chars() {
        cut.push(c);
        let wide = char_width(c);
        if used + wide + 3 >= width {
            break;
        }
        used += wide;
    }
    cut.push_str("...");
    cut
}

fn text_width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

/// Columns on a terminal: none for combining characters, two for East Asian wide ones and most emoji.
fn char_width(c: char) -> usize {
    match u32::from(c) {
        0..=0x1f | 0x7f..=0x9f | 0x300..=0x36f | 0x200b..=0x200f | 0x20d0..=0x20ff | 0xfe00..=0xfe0f | 0xfe20..=0xfe2f => 0,
        0x1100..=0x115f | 0x2e80..=0x303e | 0x3041..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f | 0xff00..=0xff60 => 2,
        0xffe0..=0xffe6 | 0x1f300..=0x1f64f | 0x1f680..=0x1f6ff | 0x1f900..=0x1f9ff | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_padded_and_cut() {
        let rows = vec![vec!["NAME".to_string(), "D".to_string()], vec!["a".to_string(), "0123456789".to_string()]];
        assert_eq!(render(&rows, 0), "NAME\tD         \na   \t0123456789");
        assert_eq!(render(&rows, 8), "NAME\tD       \na   \t01234...");
    }
}
