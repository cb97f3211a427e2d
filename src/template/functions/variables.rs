//! Functions of sprig that only the text of `--name-template` may call: `env` and `expandenv`, which read the environment, and the
//! forms of `fail` and `fromJson` that Helm replaces in charts.
//!
//! Goes in: names of variables, or a text containing `$NAME` and `${NAME}`. Comes out: their values, empty when unset. They are
//! not in the registry: Helm removes them from the functions for charts. Follows sprig and Go's `os.Expand`.

use super::Parameter::Str as Text;
use super::{Call, Fault, Function, Outcome, data, row};
use crate::template::value::Value;

/// The functions, callable from texts of [`super::Vocabulary::Sprig`].
pub static FUNCTIONS: &[Function] = &[
    row("env", &[Text], variable, "the value of an environment variable"),
    row("expandenv", &[Text], expanded, "a text with its environment variables filled in"),
    row("fail", &[Text], fail, "a fault with this text"),
    row("fromJson", &[Text], from_json, "any JSON text as a value; nil if it is not JSON"),
];

fn fail(call: &mut Call) -> Outcome {
    Err(Fault::new(call.text(0)))
}

fn from_json(call: &mut Call) -> Outcome {
    data::must_from_json(call).or_else(|fault| if fault.is_limit { Err(fault) } else { Ok(Value::Nil) })
}

fn variable(call: &mut Call) -> Outcome {
    Ok(Value::str(call.host.variable(&call.text(0)).unwrap_or_default()))
}

fn expanded(call: &mut Call) -> Outcome {
    let text = call.text(0);
    Ok(Value::str(expand(&text, |name| call.host.variable(name).unwrap_or_default())))
}

/// Fills in `$NAME` and `${NAME}` as Go's `os.Expand` does: the special parameters of a shell (`$1`, `$$`, `$*`) are names too, and
/// what cannot be a name in braces is dropped.
pub(crate) fn expand(text: &str, value: impl Fn(&str) -> String) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        if after.is_empty() {
            out.push('$');
            return out;
        }
        let (name, width) = shell_name(after);
        match (name.is_empty(), width) {
            // An invalid name, such as `${}`, is dropped; a dollar before other text stays.
            (true, 0) => out.push('$'),
            (true, _) => {}
            (false, _) => out.push_str(&value(name)),
        }
        rest = after.get(width..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// The name at the start of `text`, and how many bytes it takes with its braces.
fn shell_name(text: &str) -> (&str, usize) {
    let special = |byte: &u8| b"*#$@!?-".contains(byte) || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    if let Some(braced) = text.strip_prefix('{') {
        return match braced.find('}') {
            // `${}}`: the first brace ends the name, as in Go.
            Some(0) => ("", 2),
            Some(end) => (&braced[..end], end + 2),
            None => ("", 1),
        };
    }
    if bytes.first().is_some_and(special) {
        return (&text[..1], 1);
    }
    let end = bytes.iter().position(|byte| *byte != b'_' && !byte.is_ascii_alphanumeric()).unwrap_or(bytes.len());
    (&text[..end], end)
}

#[cfg(test)]
mod tests {
    use super::expand;

    #[test]
    fn variables_are_filled_in_as_go_does() {
        let value = |name: &str| format!("<{name}>");
        for (text, expected) in [
            ("plain", "plain"),
            ("$a b", "<a> b"),
            ("${a}b", "<a>b"),
            ("$a_1-x", "<a_1>-x"),
            ("${a b}", "<a b>"),
            ("$$", "<$>"),
            ("$", "$"),
            ("x$", "x$"),
            ("$1a", "<1>a"),
            ("$*a", "<*>a"),
            ("${}a", "a"),
            ("${a", "a"),
            ("$ a", "$ a"),
            ("$é", "$é"),
            ("${é}", "<é>"),
            ("é$é${é}", "é$é<é>"),
            ("${#}$12 ${a ", "<#><1>2 a "),
        ] {
            assert_eq!(expand(text, value), expected, "{text}");
        }
    }
}
