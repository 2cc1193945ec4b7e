//! What tells of a rule that it can't match, before the rule itself is looked at: small and one behind the other in memory, for most rules of a request go no
//! further.

use super::{Check, Link, Number, Read};
use crate::shield::operator::Order;

/// A rule in its phase's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Its place in the plan.
    pub rule: u32,
    /// What it takes to look at it.
    pub gate: Gate,
}

/// What must hold for the first link of a rule to match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Nothing is known.
    Open,
    /// A slot holds something, and its number compares so.
    Slot(u32, Compared),
    /// Whether a slot holds something, as a number, compares so.
    There(u32, Compared),
    /// A view may hold a pattern.
    Holds(u32, u32),
}

/// A comparison with a constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compared {
    order: Order,
    negated: bool,
    to: i32,
}

impl Compared {
    /// Whether `number` compares so.
    #[must_use]
    pub fn holds(self, number: i64) -> bool {
        self.order.holds(number, self.to.into()) != self.negated
    }
}

/// The gate of a rule with this first link.
pub(super) fn gate(link: &Link) -> Gate {
    let compared = || match &link.check {
        Check::Number(order, Number::Constant(to)) => {
            let to = i32::try_from(*to).ok()?;
            Some(Compared { order: *order, negated: link.negated, to })
        }
        _ => None,
    };
    let by_slot = match link.reads.as_slice() {
        [Read::Slot(slot)] => compared().map(|compared| Gate::Slot(*slot, compared)),
        [Read::CountSlot(slot)] => compared().map(|compared| Gate::There(*slot, compared)),
        _ => None,
    };
    match (by_slot, link.view, &link.check) {
        (Some(gate), ..) => gate,
        (None, Some(view), Check::Sought(pattern)) => Gate::Holds(view, *pattern),
        _ => Gate::Open,
    }
}
