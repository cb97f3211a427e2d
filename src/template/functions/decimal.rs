//! Decimal numbers of any size for `addf`, `subf`, `mulf` and `divf` (shopspring/decimal 1.4).
//!
//! Goes in: float64 numbers, read by their shortest digits. Comes out: the nearest float64 of an exact sum, difference or product,
//! or of a quotient with 16 decimals. None of the dependencies has big integers, and four operations are little code.

use std::cmp::Ordering;

/// Limbs hold nine decimal digits each.
const BASE: u64 = 1_000_000_000;
const LIMB_DIGITS: usize = 9;
/// Decimals of an inexact quotient.
const DIVISION_PRECISION: i32 = 16;

/// `value * 10^exponent`
#[derive(Debug, Clone)]
pub struct Decimal {
    negative: bool,
    value: Natural,
    exponent: i32,
}

impl Decimal {
    /// The number printed for `float`; `None` for NaN and infinities.
    pub fn from_float(float: f64) -> Option<Decimal> {
        if !float.is_finite() {
            return None;
        }
        if float == 0.0 {
            return Some(Decimal { negative: false, value: Natural::default(), exponent: 0 });
        }
        let text = format!("{:e}", float.abs());
        let (mantissa, exponent) = text.split_once('e')?;
        let decimals = mantissa.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        let exponent = exponent.parse::<i32>().ok()? - i32::try_from(decimals).ok()?;
        Some(Decimal { negative: float < 0.0, value: Natural::parse(&mantissa.replace('.', "")), exponent })
    }

    /// The nearest float64, infinite if out of range.
    pub fn to_float(&self) -> f64 {
        let text = format!("{}e{}", self.value.digits(), self.exponent);
        let float: f64 = text.parse().unwrap_or(0.0);
        if self.negative && float != 0.0 { -float } else { float }
    }

    /// How much memory it takes: products grow without end.
    pub fn size(&self) -> usize {
        self.value.0.len() * size_of::<u32>()
    }

    /// The exact sum.
    pub fn add(&self, other: &Decimal) -> Decimal {
        let exponent = self.exponent.min(other.exponent);
        let (left, right) = (self.scaled_to(exponent), other.scaled_to(exponent));
        if self.negative == other.negative {
            return Decimal { negative: self.negative, value: left.add(&right), exponent };
        }
        let (negative, value) = match left.compare(&right) {
            Ordering::Less => (other.negative, right.subtract(&left)),
            _ => (self.negative, left.subtract(&right)),
        };
        Decimal { negative, value, exponent }
    }

    /// The exact difference.
    pub fn subtract(&self, other: &Decimal) -> Decimal {
        self.add(&Decimal { negative: !other.negative, ..other.clone() })
    }

    /// The exact product.
    pub fn multiply(&self, other: &Decimal) -> Decimal {
        Decimal {
            negative: self.negative != other.negative,
            value: self.value.multiply(&other.value),
            exponent: self.exponent.saturating_add(other.exponent),
        }
    }

    /// The quotient with 16 decimals, half rounded away from zero; `None` if `other` is zero.
    pub fn divide(&self, other: &Decimal) -> Option<Decimal> {
        if other.value.is_zero() {
            return None;
        }
        let shift = self.exponent.saturating_sub(other.exponent).saturating_add(DIVISION_PRECISION);
        let (numerator, denominator) = match u32::try_from(shift) {
            Ok(shift) => (self.value.times_power_of_ten(shift), other.value.clone()),
            Err(_) => (self.value.clone(), other.value.times_power_of_ten(shift.unsigned_abs())),
        };
        let (mut quotient, remainder) = numerator.divide(&denominator);
        if remainder.add(&remainder).compare(&denominator) != Ordering::Less {
            quotient = quotient.add(&Natural::parse("1"));
        }
        Some(Decimal { negative: self.negative != other.negative, value: quotient, exponent: -DIVISION_PRECISION })
    }

    fn scaled_to(&self, exponent: i32) -> Natural {
        self.value.times_power_of_ten(self.exponent.abs_diff(exponent))
    }
}

/// A natural number, lowest limb first, no leading zero limbs.
#[derive(Debug, Clone, Default)]
struct Natural(Vec<u32>);

impl Natural {
    fn parse(digits: &str) -> Natural {
        let limbs = digits.as_bytes().rchunks(LIMB_DIGITS);
        Natural(limbs.map(|limb| limb.iter().fold(0, |total, digit| total * 10 + u32::from(digit - b'0'))).collect()).trimmed()
    }

    fn digits(&self) -> String {
        let mut limbs = self.0.iter().rev();
        let Some(highest) = limbs.next() else { return "0".to_string() };
        let mut digits = highest.to_string();
        for limb in limbs {
            digits.push_str(&format!("{limb:09}"));
        }
        digits
    }

    fn trimmed(mut self) -> Natural {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
        self
    }

    fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    fn compare(&self, other: &Natural) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }

    fn add(&self, other: &Natural) -> Natural {
        let mut sum = Vec::with_capacity(self.0.len().max(other.0.len()) + 1);
        let mut carry = 0;
        for at in 0..self.0.len().max(other.0.len()) {
            let total = limb(&self.0, at) + limb(&other.0, at) + carry;
            sum.push((total % BASE) as u32);
            carry = total / BASE;
        }
        sum.push(carry as u32);
        Natural(sum).trimmed()
    }

    /// `self - other`, which is not negative.
    fn subtract(&self, other: &Natural) -> Natural {
        let mut difference = Vec::with_capacity(self.0.len());
        let mut borrow = 0;
        for at in 0..self.0.len() {
            let total = BASE + limb(&self.0, at) - limb(&other.0, at) - borrow;
            difference.push((total % BASE) as u32);
            borrow = 1 - total / BASE;
        }
        Natural(difference).trimmed()
    }

    fn multiply(&self, other: &Natural) -> Natural {
        let mut product = vec![0u32; self.0.len() + other.0.len() + 1];
        for (at, &left) in self.0.iter().enumerate() {
            let mut carry = 0;
            for offset in 0..=other.0.len() {
                if let Some(slot) = product.get_mut(at + offset) {
                    let total = u64::from(left) * limb(&other.0, offset) + u64::from(*slot) + carry;
                    *slot = (total % BASE) as u32;
                    carry = total / BASE;
                }
            }
        }
        Natural(product).trimmed()
    }

    fn times_power_of_ten(&self, power: u32) -> Natural {
        if self.is_zero() || power == 0 {
            return self.clone();
        }
        let mut limbs = vec![0; power as usize / LIMB_DIGITS];
        limbs.extend_from_slice(&self.0);
        Natural(limbs).multiply(&Natural(vec![10u32.pow(power % LIMB_DIGITS as u32)]))
    }

    /// Quotient and remainder by a non-zero number: long division, one limb at a time, each found by bisection.
    fn divide(&self, other: &Natural) -> (Natural, Natural) {
        let mut quotient = vec![0; self.0.len()];
        let mut remainder = Natural::default();
        for (at, &next) in self.0.iter().enumerate().rev() {
            remainder.0.insert(0, next);
            remainder = remainder.trimmed();
            let (mut low, mut high) = (0u64, BASE);
            while high - low > 1 {
                let middle = (low + high) / 2;
                if other.multiply(&Natural(vec![middle as u32])).compare(&remainder) == Ordering::Greater {
                    high = middle;
                } else {
                    low = middle;
                }
            }
            remainder = remainder.subtract(&other.multiply(&Natural(vec![low as u32]).trimmed()));
            if let Some(slot) = quotient.get_mut(at) {
                *slot = low as u32;
            }
        }
        (Natural(quotient).trimmed(), remainder)
    }
}

fn limb(limbs: &[u32], at: usize) -> u64 {
    limbs.get(at).copied().map_or(0, u64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(float: f64) -> Decimal {
        Decimal::from_float(float).unwrap()
    }

    #[test]
    fn sums_and_products_are_exact() {
        assert_eq!(decimal(0.1).add(&decimal(0.2)).to_float(), 0.3);
        assert_eq!(decimal(1e300).add(&decimal(-1.0)).subtract(&decimal(1e300)).to_float(), -1.0);
        assert_eq!(decimal(1.1).multiply(&decimal(1.1)).to_float(), 1.21);
        assert_eq!(decimal(123456789.123).multiply(&decimal(-987654321.987)).to_float(), -1.219326313559686e17);
        assert_eq!(decimal(5e-324).multiply(&decimal(0.1)).to_float(), 0.0);
    }

    #[test]
    fn quotients_have_sixteen_decimals() {
        assert_eq!(decimal(2.0).divide(&decimal(3.0)).unwrap().to_float(), 0.6666666666666667);
        assert_eq!(decimal(2.0).divide(&decimal(30000.0)).unwrap().to_float(), 0.0000666666666667);
        assert_eq!(decimal(-1e20).divide(&decimal(3.0)).unwrap().to_float(), -3.333333333333333e19);
        assert!(decimal(1.0).divide(&decimal(0.0)).is_none());
    }
}
