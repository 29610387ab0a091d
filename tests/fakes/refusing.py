"""What a fake of an API is told to refuse: which requests, how, and how often."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Refusal:
    """An answer in place of the real one; `times` None = for good."""

    where: re.Pattern[str]
    status: int
    body: Any
    headers: Mapping[str, str]
    times: int | None


@dataclass
class Refusals:
    """Asked before every request; `struck` are the requests it answered."""

    orders: list[Refusal] = field(default_factory=list)
    struck: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def order(
        self, where: str, status: int, body: Any, *, times: int | None = 1, after: str | None = None
    ) -> None:
        """Refuse requests whose `METHOD path` matches; `after` is the Retry-After."""
        headers = {} if after is None else {"Retry-After": after}
        self.orders.append(Refusal(re.compile(where), status, body, headers, times))

    def strike(self, method: str, path: str) -> Refusal | None:
        with self.lock:
            for refusal in self.orders:
                if refusal.times != 0 and refusal.where.search(f"{method} {path}"):
                    refusal.times = None if refusal.times is None else refusal.times - 1
                    self.struck.append(f"{method} {path}")
                    return refusal
        return None
