"""The address firewalls call `me`: where packets of whoever runs mcis come from.

`MCIS_ME` says it; else a public service is asked, which sees the address behind every NAT on the way.
"""

from __future__ import annotations

import os
import urllib.request
from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError

from mcis_iac.errors import OperationError, UsageError

# Answers with the caller's IPv4 address as plain text; it is Amazon's, for security groups.
SERVICE = "https://checkip.amazonaws.com"
WAIT_S = 5.0
LONGEST = 64  # bytes of an answer that are read
HINT = "say it yourself: MCIS_ME=203.0.113.7 (an address or a range)"


def given() -> str | None:
    """`MCIS_ME` as a range; None when it is not set, UsageError when it is no range."""
    text = os.environ.get("MCIS_ME")
    if not text:
        return None
    try:
        return str(IPv4Network(text))
    except (AddressValueError, NetmaskValueError, ValueError) as wrong:
        raise UsageError(summary="MCIS_ME is no IPv4 address or range", detail=str(wrong)) from wrong


def looked_up(service: str = SERVICE) -> str:
    """Our public address as a range of one. OperationError when nobody tells."""
    try:
        with urllib.request.urlopen(service, timeout=WAIT_S) as answer:
            return f"{IPv4Address(answer.read(LONGEST).decode().strip())}/32"
    except (OSError, ValueError) as failed:
        raise OperationError(
            summary="cannot find out which address we have",
            detail=f"a firewall rule says `me`, and {service} did not tell: {failed}",
            hint=HINT,
        ) from failed
