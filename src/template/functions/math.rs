//! Sprig's functions for numbers and ranges of numbers.
//!
//! Goes in: values, converted as in spf13/cast (a value that is not a number becomes 0). Comes out: int64 from the whole number
//! functions, float64 from the others, `[]int` and texts from the ranges. Whole numbers wrap around as in Go.
//! Follows sprig/numeric.go and functions.go.

use super::Parameter::{Any, Float, Int, Str as Text};
use super::convert::{float_to_int, to_float64, to_int64};
use super::decimal::Decimal;
use super::{Call, Fault, Function, Outcome, row, variadic};
use crate::number;
use crate::number::{NumberFault, parse_int};
use crate::template::format;
use crate::template::value::{List, ListKind, Value};
use crate::template::work;

/// The rows of this topic.
pub const FUNCTIONS: &[Function] = &[
    row("atoi", &[Text], atoi, "a text as whole number, 0 if it is none"),
    row("int", &[Any], int, "a value as int"),
    row("int64", &[Any], int64, "a value as int64"),
    row("float64", &[Any], float64, "a value as float64"),
    row("toDecimal", &[Any], to_decimal, "octal digits as number"),
    variadic("add", &[Any], add, "the sum of whole numbers"),
    row("add1", &[Any], add1, "a whole number and one"),
    row("sub", &[Any, Any], subtract, "the difference of two whole numbers"),
    row("div", &[Any, Any], divide, "the quotient of two whole numbers, towards zero"),
    row("mod", &[Any, Any], modulo, "the remainder of two whole numbers"),
    variadic("mul", &[Any, Any], multiply, "the product of whole numbers"),
    variadic("max", &[Any, Any], max, "the largest whole number"),
    variadic("biggest", &[Any, Any], max, "the largest whole number"),
    variadic("min", &[Any, Any], min, "the smallest whole number"),
    row("add1f", &[Any], add1_float, "a number and one"),
    variadic("addf", &[Any], add_floats, "the sum of numbers"),
    variadic("subf", &[Any, Any], subtract_floats, "the first number less the others"),
    variadic("divf", &[Any, Any], divide_floats, "the first number divided by the others"),
    variadic("mulf", &[Any, Any], multiply_floats, "the product of numbers"),
    variadic("maxf", &[Any, Any], max_float, "the largest number"),
    variadic("minf", &[Any, Any], min_float, "the smallest number"),
    row("ceil", &[Any], ceil, "the next whole number upwards"),
    row("floor", &[Any], floor, "the next whole number downwards"),
    variadic("round", &[Any, Int, Float], round, "a number with the given count of decimals"),
    row("until", &[Int], until, "the numbers from 0 up to the given one"),
    row("untilStep", &[Int, Int, Int], until_step, "the numbers from start up to stop with a step"),
    variadic("seq", &[Int], sequence, "numbers as text, like the command seq"),
];

fn atoi(call: &mut Call) -> Outcome {
    Ok(Value::int(match parse_int(call.bytes(0), 10) {
        Ok(number) | Err(NumberFault::Range(number)) => number,
        Err(NumberFault::Syntax) => 0,
    }))
}

fn int(call: &mut Call) -> Outcome {
    Ok(Value::int(to_int64(call.value(0))))
}

fn int64(call: &mut Call) -> Outcome {
    Ok(Value::int64(to_int64(call.value(0))))
}

fn float64(call: &mut Call) -> Outcome {
    Ok(Value::Float(to_float64(call.value(0))))
}

fn to_decimal(call: &mut Call) -> Outcome {
    let mut text = Vec::new();
    format::print_plain(call.value(0), &mut text)?;
    Ok(Value::int64(parse_int(&text, 8).unwrap_or(0)))
}

fn fold(call: &Call, operation: impl Fn(i64, i64) -> i64) -> Outcome {
    let mut numbers = call.arguments.iter().map(to_int64);
    let first = numbers.next().unwrap_or(0);
    Ok(Value::int64(numbers.fold(first, operation)))
}

fn add(call: &mut Call) -> Outcome {
    fold(call, i64::wrapping_add)
}

fn add1(call: &mut Call) -> Outcome {
    Ok(Value::int64(to_int64(call.value(0)).wrapping_add(1)))
}

fn subtract(call: &mut Call) -> Outcome {
    fold(call, i64::wrapping_sub)
}

fn divide(call: &mut Call) -> Outcome {
    match to_int64(call.value(1)) {
        0 => Err(Fault::new("runtime error: integer divide by zero")),
        by => Ok(Value::int64(to_int64(call.value(0)).wrapping_div(by))),
    }
}

fn modulo(call: &mut Call) -> Outcome {
    match to_int64(call.value(1)) {
        0 => Err(Fault::new("runtime error: integer divide by zero")),
        by => Ok(Value::int64(to_int64(call.value(0)).wrapping_rem(by))),
    }
}

fn multiply(call: &mut Call) -> Outcome {
    fold(call, i64::wrapping_mul)
}

fn max(call: &mut Call) -> Outcome {
    fold(call, i64::max)
}

fn min(call: &mut Call) -> Outcome {
    fold(call, i64::min)
}

fn decimal(value: &Value) -> Result<Decimal, Fault> {
    let float = to_float64(value);
    Decimal::from_float(float).ok_or_else(|| Fault::new(format!("Cannot create a Decimal from {}", number::format_g(float))))
}

fn fold_decimals(first: Decimal, rest: &[Value], operation: impl Fn(&Decimal, &Decimal) -> Result<Decimal, Fault>) -> Outcome {
    let mut total = first;
    for value in rest {
        work::charge_read(total.size())?;
        total = operation(&total, &decimal(value)?)?;
    }
    Ok(Value::Float(total.to_float()))
}

fn rest<'a>(call: &'a Call) -> &'a [Value] {
    call.arguments.get(1..).unwrap_or_default()
}

fn add1_float(call: &mut Call) -> Outcome {
    fold_decimals(decimal(call.value(0))?, &[Value::int(1)], |left, right| Ok(left.add(right)))
}

fn add_floats(call: &mut Call) -> Outcome {
    fold_decimals(decimal(&Value::Nil)?, call.arguments, |left, right| Ok(left.add(right)))
}

fn subtract_floats(call: &mut Call) -> Outcome {
    fold_decimals(decimal(call.value(0))?, rest(call), |left, right| Ok(left.subtract(right)))
}

fn divide_floats(call: &mut Call) -> Outcome {
    fold_decimals(decimal(call.value(0))?, rest(call), |left, right| left.divide(right).ok_or_else(|| Fault::new("decimal division by 0")))
}

fn multiply_floats(call: &mut Call) -> Outcome {
    fold_decimals(decimal(call.value(0))?, rest(call), |left, right| Ok(left.multiply(right)))
}

fn fold_floats(call: &Call, operation: impl Fn(f64, f64) -> f64) -> Outcome {
    let mut numbers = call.arguments.iter().map(to_float64);
    let first = numbers.next().unwrap_or(0.0);
    Ok(Value::Float(numbers.fold(first, operation)))
}

/// `math.Max`: infinity wins over NaN, NaN over the rest, and 0 is above -0.
fn max_float(call: &mut Call) -> Outcome {
    fold_floats(call, |left, right| {
        if left == f64::INFINITY || right == f64::INFINITY {
            f64::INFINITY
        } else if left.is_nan() || right.is_nan() {
            f64::NAN
        } else if left == 0.0 && right == 0.0 {
            if left.is_sign_negative() { right } else { left }
        } else {
            left.max(right)
        }
    })
}

/// `math.Min`
fn min_float(call: &mut Call) -> Outcome {
    fold_floats(call, |left, right| {
        if left == f64::NEG_INFINITY || right == f64::NEG_INFINITY {
            f64::NEG_INFINITY
        } else if left.is_nan() || right.is_nan() {
            f64::NAN
        } else if left == 0.0 && right == 0.0 {
            if left.is_sign_negative() { left } else { right }
        } else {
            left.min(right)
        }
    })
}

fn ceil(call: &mut Call) -> Outcome {
    Ok(Value::Float(to_float64(call.value(0)).ceil()))
}

fn floor(call: &mut Call) -> Outcome {
    Ok(Value::Float(to_float64(call.value(0)).floor()))
}

fn round(call: &mut Call) -> Outcome {
    let threshold = if call.arguments.len() > 2 { call.float(2) } else { 0.5 };
    let power = power_of_ten(call.int(1) as f64);
    let digits = power * to_float64(call.value(0));
    // Go compares the signed fraction, so negative numbers are rounded down.
    let rounded = if digits.fract() >= threshold { digits.ceil() } else { digits.floor() };
    Ok(Value::Float(rounded / power))
}

/// `math.Pow(10, exponent)` by Go's own squarings: other libraries differ in the last bits.
fn power_of_ten(exponent: f64) -> f64 {
    let (mut mantissa, mut binary) = (1.0f64, 0i64);
    let (mut square, mut square_binary) = (0.625f64, 4i64);
    let mut left = float_to_int(exponent.abs());
    while left != 0 {
        if !(-4096..=4096).contains(&square_binary) {
            binary += square_binary;
            break;
        }
        if left & 1 == 1 {
            mantissa *= square;
            binary += square_binary;
        }
        square *= square;
        square_binary <<= 1;
        if square < 0.5 {
            square += square;
            square_binary -= 1;
        }
        left >>= 1;
    }
    if exponent < 0.0 {
        mantissa = 1.0 / mantissa;
        binary = -binary;
    }
    // `Ldexp`, in two steps so that only the last can leave the range.
    let clamped = binary.clamp(-2200, 2200) as i32;
    mantissa * 2f64.powi(clamped / 2) * 2f64.powi(clamped - clamped / 2)
}

/// How many numbers `untilStep` returns.
fn range_length(start: i64, stop: i64, step: i64) -> u64 {
    if stop < start && step < 0 || stop > start && step > 0 { start.abs_diff(stop).div_ceil(step.unsigned_abs()) } else { 0 }
}

/// The numbers from `start` up to `stop`, if the host allows so many.
fn range(call: &Call, start: i64, stop: i64, step: i64) -> Result<impl Iterator<Item = i64>, Fault> {
    let length = range_length(start, stop, step);
    call.check_length(usize::try_from(length).unwrap_or(usize::MAX))?;
    Ok((0..length as i64).map(move |at| start.wrapping_add(at.wrapping_mul(step))))
}

fn ints(numbers: impl Iterator<Item = i64>) -> Value {
    Value::List(List::grown(ListKind::Int, numbers.map(Value::int).collect()))
}

fn until(call: &mut Call) -> Outcome {
    let count = call.int(0);
    Ok(ints(range(call, 0, count, if count < 0 { -1 } else { 1 })?))
}

fn until_step(call: &mut Call) -> Outcome {
    Ok(ints(range(call, call.int(0), call.int(1), call.int(2))?))
}

fn sequence(call: &mut Call) -> Outcome {
    let (start, end, step) = match call.arguments.len() {
        1 => (1, call.int(0), None),
        2 => (call.int(0), call.int(1), None),
        3 => (call.int(0), call.int(2), Some(call.int(1))),
        _ => return Ok(Value::str("")),
    };
    let direction = if end < start { -1 } else { 1 };
    if end < start && step.is_some_and(|step| step > 0) {
        return Ok(Value::str(""));
    }
    let mut out = Vec::new();
    for number in range(call, start, end.wrapping_add(direction), step.unwrap_or(direction))? {
        if !out.is_empty() {
            out.push(b' ');
        }
        number::write_int(&mut out, number);
    }
    Ok(Value::str(out))
}
