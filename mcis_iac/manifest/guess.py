"""Guessing what somebody meant, and listing what there is."""

from __future__ import annotations

from collections.abc import Iterable

LISTED = 8
MANY = 500  # more names than a person keeps in mind: comparing with all of them takes too long
LONGEST = 60
SHORT = 5


def distance(a: str, b: str, limit: int = 99) -> int:
    """Damerau-Levenshtein (swapped neighbours count once); any number above `limit` means "far"."""
    if abs(len(a) - len(b)) > limit:
        return limit + 1
    before: list[int] = []
    last = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        row = [i]
        for j, right in enumerate(b, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (left != right))
            if i > 1 and j > 1 and left == b[j - 2] and a[i - 2] == right:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The one known word that is surely meant: two slips away at most, one in a short word."""
    limit = 1 if len(word) < SHORT else 2
    names = list(known)
    if len(names) > MANY or len(word) < 2:  # noqa: PLR2004 - one letter is like any other
        return None
    ranked = sorted((distance(word, name, limit), name) for name in names)
    return ranked[0][1] if ranked and ranked[0][0] <= limit else None


def listed(known: Iterable[str], word: str = "") -> str:
    """The known words as one line: all of them in order, or the nearest eight of many."""
    names = sorted(set(known))
    if len(names) <= LISTED:
        return ", ".join(names)
    if len(names) <= MANY:
        names.sort(key=lambda name: (distance(word[:LONGEST], name[:LONGEST]), name))
    return f"{', '.join(names[:LISTED])}, ... {len(names) - LISTED} more"


def short(word: str) -> str:
    """The user's own word, as far as it fits into a sentence."""
    return word if len(word) <= LONGEST else f"{word[: LONGEST - 3]}..."


def counted(number: int, noun: str) -> str:
    """`1 error`, `3 errors`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def article(noun: str) -> str:
    """The noun with its article: `an image`."""
    return f"{'an' if noun[:1] in 'aeio' else 'a'} {noun}"
