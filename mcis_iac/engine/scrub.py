"""Taking secrets out of what providers, clouds and the engine say, before anybody sees or keeps it.

Two ways, as neither is enough: values that we gave away ourselves, by the names of the variables they
came from, and texts that look like credentials wherever they came from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from mcis_iac.model import NOTHING

HIDDEN = "[hidden]"
SHORTEST = 8  # a shorter value may be an ordinary word of the message
_NAMES = re.compile(r"SECRET|TOKEN|PASSW|PASSPHRASE|CREDENTIAL|ACCESS_KEY|KEY_ID|API_?KEY|PRIVATE")
_PLACE = re.compile(r"[/~.]|[a-z]+://|[A-Za-z]:\\")
_SHAPES = (
    (re.compile(r"(\w+://)[^\s/@:]+:[^\s/@]+@"), r"\1"),
    (
        re.compile(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?(-----END \1-----|\Z)", re.DOTALL),
        HIDDEN,
    ),
    (re.compile(r"\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}\b"), HIDDEN),
    (re.compile(r"\beyJ[\w-]{8,}(?:\.[\w-]+){1,4}"), HIDDEN),
    (re.compile(r"\bya29\.[\w./-]{8,}|\b1//[\w-]{20,}|\bgAAAA[\w-]{20,}={0,2}"), HIDDEN),
    (re.compile(r"\b((?:bearer|basic)\s+)[\w.~+/-]{8,}=*", re.IGNORECASE), rf"\1{HIDDEN}"),
    (
        re.compile(
            r"\b((?:\w*[_-])?(?:secret|password|passwd|client[_-]?secret|access[_-]?key|secret[_-]?key"
            r"|x-amz-security-token|x-auth-token|(?:session|access|refresh|id)[_-]?token)"
            r"[\"']?\s*[=:]\s*[\"']?)"
            # An ordinary word is no value: "password: required".
            r"(?=[^\s\"',;&)]*[\d+/_~.-])[^\s\"',;&)]{8,}",
            re.IGNORECASE,
        ),
        rf"\1{HIDDEN}",
    ),
)


def scrub(text: str, values: Iterable[str] = ()) -> str:
    """The text without those values and without what looks like a credential."""
    for value in values:
        text = text.replace(value, HIDDEN)
    for shape, instead in _SHAPES:
        text = shape.sub(instead, text)
    return text


def values(variables: Mapping[str, str], renamed: Mapping[str, str] = NOTHING) -> tuple[str, ...]:
    """The secrets among environment variables, longest first.

    `renamed` maps a variable to the one it stands for. Where a variable says in which file a
    secret is, the file's name is no secret.
    """
    found = set(_values(variables, renamed))
    return tuple(sorted(found, key=lambda value: (-len(value), value)))


def _values(variables: Mapping[str, str], renamed: Mapping[str, str]) -> Iterator[str]:
    for name, value in variables.items():
        called = f"{name} {renamed.get(name, '')}".upper()
        if len(value) >= SHORTEST and _NAMES.search(called) and not _PLACE.match(value):
            yield value
            # A message rarely has a text of several lines as one.
            yield from (line for line in value.splitlines() if len(line) >= SHORTEST * 2)
