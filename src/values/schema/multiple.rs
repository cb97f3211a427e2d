//! `multipleOf` without rounding.
//!
//! Goes in: two numbers. Comes out: whether one is a multiple of the other as written. Helm's library reads numbers as fractions,
//! so that 0.3 is three times 0.1; the validator divides floats.

use serde_json::Number;

/// Whether `number` is a whole multiple of `unit`; false when they are too far apart to compute.
pub(super) fn is_multiple(number: &Number, unit: &Number) -> bool {
    let (Some((mut number, number_exponent)), Some((mut unit, unit_exponent))) = (decimal(number), decimal(unit)) else {
        return false;
    };
    let shift = number_exponent.abs_diff(unit_exponent);
    let scaled = if number_exponent > unit_exponent { &mut number } else { &mut unit };
    match 10i128.checked_pow(shift).and_then(|power| scaled.checked_mul(power)) {
        Some(value) => *scaled = value,
        None => return false,
    }
    unit != 0 && number % unit == 0
}

/// The number as an integer times a power of ten.
fn decimal(number: &Number) -> Option<(i128, i32)> {
    let text = number.to_string();
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((&text, "0"));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let exponent = exponent.parse::<i32>().ok()?.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    Some(([whole, fraction].concat().parse().ok()?, exponent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_divided_as_they_are_written() {
        let number = |text: &str| -> Number { serde_json::from_str(text).unwrap() };
        for (a, b) in
            [("0.3", "0.1"), ("19.99", "0.01"), ("-0.3", "0.1"), ("1e15", "3e-1"), ("0", "7"), ("4.02", "1e-10"), ("1e300", "1e300")]
        {
            let expected = b != "3e-1";
            assert_eq!(is_multiple(&number(a), &number(b)), expected, "{a} {b}");
        }
        for (a, b) in [("0.35", "0.1"), ("1", "0"), ("1e300", "7"), ("7", "2.5")] {
            assert!(!is_multiple(&number(a), &number(b)), "{a} {b}");
        }
    }
}
