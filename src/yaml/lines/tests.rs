//! Manifests that are read both by lines and in another way.

/// Manifests with lines cut, doubled, indented and changed, most of them broken.
pub(in crate::yaml) fn broken_manifests(mut each: impl FnMut(&str)) {
    let mut state = 7u64;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % below.max(1)
    };
    for _ in 0..100_000 {
        let mut lines: Vec<String> = MANIFEST.lines().map(str::to_string).collect();
        let from = next(lines.len()) * next(2);
        lines = lines.split_off(from).into_iter().take(1 + next(20)).collect();
        let column = lines[0].len() - lines[0].trim_start_matches(' ').len();
        for line in &mut lines {
            *line = line.strip_prefix(&" ".repeat(column)).unwrap_or(line).to_string();
        }
        for _ in 0..next(4) {
            let at = next(lines.len());
            match next(7) {
                0 => drop(lines.remove(at)),
                1 => lines[at].insert_str(0, &" ".repeat(1 + next(3))),
                2 => lines[at] = lines[at].strip_prefix("  ").unwrap_or(&lines[at]).to_string(),
                3 => {
                    let line = lines[next(lines.len())].clone();
                    lines.insert(at, line);
                }
                _ => {
                    let places: Vec<usize> = (0..=lines[at].len()).filter(|place| lines[at].is_char_boundary(*place)).collect();
                    let place = places[next(places.len())];
                    let piece = PIECES[next(PIECES.len())];
                    lines[at].insert_str(place, piece);
                }
            }
            if lines.is_empty() {
                break;
            }
        }
        each(&lines.join("\n"));
    }
}

/// Inserted into lines at random places.
const PIECES: &[&str] = &[
    " ", ":", ": ", "- ", "-", "#", " #", "'", "\"", "\\", "|", ">", "[", "]", "{", "}", ",", "\t", "&a ", "*a", "!t ", "---", "...", "~",
    "null", ".", "?", "? ", "%", "@", "`", "<<", "é", "\u{85}", "\u{2028}", "\r", "0", "=", "!", "x: y", "\n", "\n  ", "|2", "'' ", "[]",
    "{}", "[a, b]", "[a,,b]", "\\n", "\\/", "|+", ">-", "é: ü",
];

const MANIFEST: &str = r##"apiVersion: v1
kind: ConfigMap
metadata:
  name: some-name
  annotations:
    checksum/config: "0123"
    helm.sh/hook: pre-install,post-install
    "quoted key": 'it''s'
    empty:
  labels: {}
# a comment
spec:
  rules:
  - host: "a.example.com"   # why
    http:
      paths: []
  -   - nested
      - deeper: 1
        again: true
  -
    late: value
  list:
    - one
    - "two
"
    - -3
    - key: |
        block of text
          deeper

        end
      next: >-
        folded
    - |
      in a list
  args: [a, "b c", 1]
  command:
  - sh
  - -c
  url: http://example.com:80/x#y
  long: a text
    that goes on

    and on # until here
  quoted: 'a text
    that goes on''

    and on'
  double: "a text \\
    that ends" # here
  below:
    {}
  further:
    - [a, [b], {c: d, e: "f"}]
    - {a: b, "c": []}
  point: .spec.version
  colon: :a:b
  more: >
    folded text

    of two parts
      and deeper
    and back


  keep: |+
    text

  escapes: "a\tb \"c\" \\ \n" # and a comment
  list: ["it\"s", 'it''s', "é"]
  blanks: a  text

    of two parts

      with blanks
  folded:
    text below
    its key
  float: 1.50
  date: 2020-01-01
  null: ~
data:
  a.yaml: |-
    x: [1
    	tab
  last: end
kind: Secret
metadata:
  name: other
"##;
