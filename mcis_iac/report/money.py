"""Prices as people read them. An unknown price is shown as such, never as zero."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

HOURS_PER_MONTH = 730


def hourly(price: Decimal | None) -> str:
    """Dollars per hour with four decimals; `?` while unknown."""
    return "?" if price is None else f"{price:.4f}"


def total(prices: Iterable[Decimal | None]) -> str | None:
    """`$0.2493/h`, with ` + ?` when some are unknown; None when no price is known at all."""
    all_of_them = list(prices)
    known = [price for price in all_of_them if price is not None]
    if not known:
        return None
    return f"${sum(known, Decimal(0)):.4f}/h{' + ?' if len(known) < len(all_of_them) else ''}"
