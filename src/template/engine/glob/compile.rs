//! Makes matchers of a pattern, as gobwas/glob does.
//!
//! Goes in: the parts of a pattern. Comes out: one matcher. Parts that alternatives share are taken out of them, neighbours are
//! joined where one matcher can do for several, and what is left becomes a tree around the longest part of a known length. Which
//! names match depends on these steps, so they are those of the library's `compiler/compiler.go`.

use super::matcher::{Matcher, Tree};
use super::{Node, Set};
use crate::template::functions::Fault;
use crate::template::work;

/// The matcher of a part.
pub(super) fn compile(node: Node) -> Result<Matcher, Fault> {
    let matcher = match node {
        Node::AnyOf(choices) => {
            return match without_common(&choices)? {
                Some(simpler) => compile(simpler),
                None => Ok(Matcher::AnyOf(compile_all(choices)?)),
            };
        }
        Node::Pattern(nodes) if nodes.is_empty() => return Ok(Matcher::Nothing),
        Node::Pattern(nodes) => in_a_row(minimal(compile_all(nodes)?)?)?,
        Node::Nothing => Matcher::Nothing,
        Node::Text(text) => Matcher::Text(text.into_bytes()),
        Node::Any => Matcher::Any,
        Node::Super => Matcher::Super,
        Node::Single => Matcher::Single,
        Node::Set(set) => Matcher::Set(set),
    };
    Ok(simplified(matcher))
}

fn compile_all(nodes: Vec<Node>) -> Result<Vec<Matcher>, Fault> {
    nodes.into_iter().map(|node| Ok(simplified(compile(node)?))).collect()
}

/// A simpler matcher that does the same.
fn simplified(matcher: Matcher) -> Matcher {
    match matcher {
        Matcher::AnyOf(mut choices) if choices.len() == 1 => choices.remove(0),
        Matcher::Set(Set::List { characters, not: false }) if characters.len() == 1 => {
            Matcher::Text(characters.iter().collect::<String>().into_bytes())
        }
        Matcher::Tree(mut tree) => {
            tree.left = tree.left.take().map(simplified);
            tree.right = tree.right.take().map(simplified);
            let Matcher::Text(text) = &tree.value else { return Matcher::Tree(tree) };
            let text = text.clone();
            match (&tree.left, &tree.right) {
                (None, None) => Matcher::Text(text),
                (Some(Matcher::Super), Some(Matcher::Super)) => Matcher::Contains { text, not: false },
                (Some(Matcher::Super), None) => Matcher::Suffix(text),
                (None, Some(Matcher::Super)) => Matcher::Prefix(text),
                (None, Some(Matcher::Suffix(suffix))) => Matcher::PrefixSuffix(text, suffix.clone()),
                (Some(Matcher::Prefix(prefix)), None) => Matcher::PrefixSuffix(prefix.clone(), text),
                (Some(Matcher::Any), None) => Matcher::SuffixAny(text),
                (None, Some(Matcher::Any)) => Matcher::PrefixAny(text),
                _ => Matcher::Tree(tree),
            }
        }
        other => other,
    }
}

/// One matcher for what follows each other: a tree around the longest part of a known length, the last of several.
fn in_a_row(mut matchers: Vec<Matcher>) -> Result<Matcher, Fault> {
    work::charge(1 + work::passing(matchers.len()))?;
    if matchers.len() == 1
        && let Some(only) = matchers.pop()
    {
        return Ok(only);
    }
    if let Some(joined) = join(&matchers)? {
        return Ok(joined.of(&matchers));
    }
    let longest = matchers.iter().enumerate().filter_map(|(at, matcher)| Some((matcher.length()?, at))).max();
    let of_rest = |rest: Vec<Matcher>| if rest.is_empty() { Ok(None) } else { in_a_row(rest).map(Some) };
    let at = longest.map_or(0, |(_, at)| at);
    let right = of_rest(matchers.split_off(at + 1))?;
    let value = matchers.pop().unwrap_or(Matcher::Nothing);
    Ok(Matcher::Tree(Box::new(Tree::new(value, of_rest(matchers)?, right))))
}

/// What several matchers may become.
enum Joined {
    One(Matcher),
    /// A row of so many runes.
    Row(usize),
}

impl Joined {
    fn length(&self) -> Option<usize> {
        match self {
            Joined::One(matcher) => matcher.length(),
            Joined::Row(length) => Some(*length),
        }
    }

    fn of(self, matchers: &[Matcher]) -> Matcher {
        match self {
            Joined::One(matcher) => matcher,
            Joined::Row(length) => Matcher::Row { matchers: matchers.to_vec(), length },
        }
    }
}

/// One matcher for several neighbours, if there is one.
fn join(matchers: &[Matcher]) -> Result<Option<Joined>, Fault> {
    work::charge(1 + work::passing(matchers.len()))?;
    if matchers.len() < 2 {
        return Ok(None);
    }
    if let Some(every) = every(matchers) {
        return Ok(Some(Joined::One(every)));
    }
    let length = matchers.iter().map(Matcher::length).try_fold(0_usize, |sum, length| Some(sum + length?));
    Ok(length.map(Joined::Row))
}

/// One matcher for wildcards that stop at the same characters.
fn every(matchers: &[Matcher]) -> Option<Matcher> {
    let (mut has_any, mut has_super, mut least) = (false, false, 0);
    let mut stops: Option<&[char]> = None;
    for matcher in matchers {
        let own: &[char] = match matcher {
            Matcher::Super => &[],
            Matcher::Any | Matcher::Single => &['/'],
            Matcher::Set(Set::List { characters, not: true }) => characters,
            _ => return None,
        };
        match matcher {
            Matcher::Super => has_super = true,
            Matcher::Any => has_any = true,
            _ => least += 1,
        }
        if own != *stops.get_or_insert(own) {
            return None;
        }
    }
    let stops: String = stops?.iter().collect();
    if least == 0 && has_super != has_any {
        return Some(if has_super { Matcher::Super } else { Matcher::Any });
    }
    if (has_any || has_super) && least > 0 && stops.is_empty() {
        return Some(Matcher::Min(least));
    }
    let mut all = Vec::new();
    if least > 0 {
        all.push(Matcher::Min(least));
        if !has_any && !has_super {
            all.push(Matcher::Max(least));
        }
    }
    if !stops.is_empty() {
        // All of them as one text, even where each should stop.
        all.push(Matcher::Contains { text: stops.into_bytes(), not: true });
    }
    Some(Matcher::EveryOf(all))
}

/// The matchers with neighbours joined, the most at once first, until none can be joined.
fn minimal(mut matchers: Vec<Matcher>) -> Result<Vec<Matcher>, Fault> {
    loop {
        let mut best: Option<(Joined, usize, usize)> = None;
        for left in 0..matchers.len() {
            for right in (left + 1..=matchers.len()).rev() {
                let Some(joined) = join(matchers.get(left..right).unwrap_or_default())? else { continue };
                let is_better = best.as_ref().is_none_or(|(done, from, to)| {
                    let is_longer = done.length().zip(joined.length()).is_some_and(|(done, joined)| joined > done);
                    is_longer || to - from < right - left
                });
                if is_better {
                    best = Some((joined, left, right));
                }
            }
        }
        let Some((joined, left, right)) = best else { return Ok(matchers) };
        let one = joined.of(matchers.get(left..right).unwrap_or_default());
        matchers.splice(left..right, [one]);
    }
}

/// The alternatives with what all have in common, from the left and from the right, before and behind them.
fn without_common(choices: &[Node]) -> Result<Option<Node>, Fault> {
    let mut lists: Vec<&[Node]> = Vec::new();
    for choice in choices {
        let Node::Pattern(nodes) = choice else { return Ok(None) };
        work::charge(1 + work::passing(nodes.len()))?;
        lists.push(nodes);
    }
    let (left, right) = common(&lists);
    if left == 0 && right == 0 {
        return Ok(None);
    }
    let part = |nodes: &[Node]| Node::Pattern(nodes.to_vec());
    let first = lists.first().copied().unwrap_or_default();
    let mut rest: Vec<Node> = Vec::new();
    for list in &lists {
        let own = list.get(left..list.len() - right).unwrap_or_default();
        let node = if own.is_empty() { Node::Nothing } else { part(own) };
        work::charge(1 + work::passing(rest.len()))?;
        if !rest.contains(&node) {
            rest.push(node);
        }
    }
    let mut parts = Vec::new();
    if left > 0 {
        parts.push(part(first.get(..left).unwrap_or_default()));
    }
    match rest.as_slice() {
        [Node::Nothing] => {}
        [_] => parts.append(&mut rest),
        _ => parts.push(Node::AnyOf(rest)),
    }
    if right > 0 {
        parts.push(part(first.get(first.len() - right..).unwrap_or_default()));
    }
    Ok(Some(Node::Pattern(parts)))
}

/// How many parts all lists have in common from the left and from the right.
fn common(lists: &[&[Node]]) -> (usize, usize) {
    let Some((shortest, tree)) = lists.iter().enumerate().min_by_key(|(at, list)| (list.len(), *at)).filter(|_| lists.len() > 1) else {
        return (0, 0);
    };
    let (mut left, mut right) = (0, 0);
    let (mut is_left_over, mut is_right_over) = (false, false);
    for (i, j) in (0..tree.len()).zip((0..tree.len()).rev()) {
        if left + right >= tree.len() || is_left_over && is_right_over {
            break;
        }
        for (_, other) in lists.iter().enumerate().filter(|(at, _)| *at != shortest) {
            if is_left_over && is_right_over {
                break;
            }
            is_left_over |= tree.get(i) != other.get(i);
            // What the left has taken is not taken again.
            is_right_over |= !is_left_over && j <= i || tree.get(j) != other.get(j + other.len() - tree.len());
        }
        left += usize::from(!is_left_over);
        right += usize::from(!is_right_over);
    }
    (left, right)
}
