"""From the words of providers and of the engine to a clear reason.

A provider that wants to be understood starts its message with a code (`capacity: no room in b`); of
others the words are weighed. Tracebacks, colour tags and gRPC wrapping are taken off.
"""

from __future__ import annotations

import re

from mcis_iac.model import Failure

CODES = ("quota", "capacity", "credentials", "image", "timeout", "cancelled", "other")
_PREFIXES = {
    "quota": "quota",
    "capacity": "capacity",
    "credentials": "credentials",
    "image": "image",
    "timeout": "timeout",
    "cancelled": "cancelled",
    "conflict": "other",
    "not_found": "other",
    "invalid": "other",
    "host": "other",
    "other": "other",
}
_WORDS = (
    # Asked too often: not a quota of VMs, so the offer is as good as before.
    (
        "other",
        r"requestlimitexceeded|request rate|throttl|rate ?(limit ?)?exceeded|too ?many ?requests|\b429\b",
    ),
    ("quota", r"quota|limit ?exceeded|limitexceeded|too many instances"),
    ("capacity", r"capacity|no room|stock ?out|resource_pool_exhausted|skunotavailable|no valid host"),
    ("credentials", r"unauthori[sz]ed|forbidden|access ?denied|credential|authenticat|expired token"),
    ("timeout", r"timed? ?out|deadline exceeded"),
    ("cancelled", r"cancell?ed"),
    ("image", r"image[^.\n]*(not found|does not exist|invalid)|invalidamiid"),
)
DIED = re.compile(
    r"error reading from server|exited prematurely|connection (refused|reset)|transport is closing"
)
_NOISE = (
    (re.compile(r"\x1b\[[0-9;]*[A-Za-z]|<\{%[^%]*%\}>"), ""),
    (re.compile(r"^Unexpected <class '[^']*'>: "), ""),
    (re.compile(r"\n?Traceback \(most recent call last\):.*", re.DOTALL), ""),
    (re.compile(r"rpc error: code = \w+ desc = "), ""),
    (re.compile(r"^\d+ errors? occurred:\s*\* "), ""),
    (re.compile(r"^pulumi:providers:\S+ resource '[^']*' has a problem: "), ""),
    (re.compile(r"^(creating|updating|deleting) urn:pulumi:\S+: "), ""),
    (re.compile(r"\s*\n\s*"), " "),
)
_GENERIC = re.compile(
    r"^(update|preview|destroy|refresh) (failed|canceled)$|^resource (creation|update|deletion) failed$"
)


def clean(text: str) -> str:
    """One line of plain words."""
    for pattern, instead in _NOISE:
        text = pattern.sub(instead, text.strip())
    return text.strip()


def generic(text: str) -> bool:
    """Whether a message only says that something failed, which is known anyway."""
    return bool(_GENERIC.match(clean(text)))


def classify(text: str) -> tuple[str, str]:
    """The code of a message and its words without that code."""
    words = clean(text)
    head, colon, rest = words.partition(": ")
    if colon and head in _PREFIXES:
        return _PREFIXES[head], rest.strip()
    for code, pattern in _WORDS:
        if re.search(pattern, words, re.IGNORECASE):
            return code, words
    return "other", words


def failure(texts: list[str], stage: str) -> Failure:
    """Why a resource failed, from everything that was said about it."""
    said = list(dict.fromkeys(clean(text) for text in texts if text.strip() and not generic(text)))
    if any(DIED.search(text) for text in said):
        return Failure(code="other", stage=stage, message="its provider process died during the operation")
    if not said:
        return Failure(code="other", stage=stage, message="the provider gave no reason")
    code, first = classify(said[0])
    return Failure(code=code, stage=stage, message="; ".join((first, *said[1:])))
