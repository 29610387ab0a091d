"""One expression for the values that resources alike have in one place.

A loop has rows: the machines of a group, or the zones of a network. What differs from row to row is
written with the loop's variables where it can be computed from them, and else becomes a column of a table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from mcis_iac.eject import texts
from mcis_iac.eject.code import Expr, Raw, call, calling, each_of, formatted, listing, mapping, quoted
from mcis_iac.eject.spelling import RESERVED, Spelling, element, snake, variable, within
from mcis_iac.model import NOTHING
from mcis_iac.program.graph import Join, Ref, Secret, Value, refs

# Keys of parts of a machine that are no resources of their own, but have a name.
PARTS = ("disk/{}", "disk/{}/os", "disk/{}//os")
NAME = "\0"  # marks where a machine's name stood
SELF = "<self>"  # as the path of a reference: the resource itself
_HASHED = re.compile(r"-[0-9a-f]{6}\Z")


class NotAlike(Exception):
    """The values have no common form."""


class Home(Protocol):
    """The module in which the expressions will stand."""

    def address(self, ref: Ref) -> str:
        """The code of a reference to something declared outside the loop."""

    def member(self, key: str) -> tuple[str, str] | None:
        """The variable and the index of a resource that a loop of shared ones made."""

    def entry(self, ref: Ref) -> tuple[str, str] | None:
        """The VM and the field of its inventory that a reference is."""

    def machines(self, group: str) -> Sequence[str]:
        """All VMs of a group."""

    def group(self, vm: str) -> str:
        """The group of a VM."""

    def unique(self, key: str) -> str:
        """The name inside a cloud of what has that key."""

    def keep(self, name: str, suffix: str, text: str) -> str:
        """Keep a text as a file; returns the file's name."""

    def secret(self, name: str, value: str) -> None:
        """Note a config secret."""

    def helper(self, name: str) -> str:
        """A function of the project's common module, which is imported then."""

    def load(self, line: str) -> None:
        """An import that the module needs."""

    def spell(self, key: str) -> Spelling:
        """How the resource with that key is written."""

    @property
    def taken(self) -> Collection[str]:
        """Names that no variable of a function may have."""

    @property
    def networks(self) -> Sequence[str]:
        """The names of all networks."""

    @property
    def tags(self) -> Mapping[str, str]:
        """The tags that all of the module have."""


@dataclass(frozen=True, slots=True)
class Row:
    """One turn: `own` are the resources it makes (key -> variable), `words` what variables it has."""

    words: Mapping[str, str | int] = field(default_factory=lambda: NOTHING)
    own: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    vm: str | None = None


@dataclass(slots=True)
class Alike:
    """Writes the values of all rows as one expression; `columns` is what a table must give per row."""

    home: Home
    rows: Sequence[Row]
    name: str = ""
    offered: dict[str, tuple[str, ...]] = field(default_factory=dict)  # columns worth having: code per row
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def loops(self) -> bool:
        """Whether there is a loop at all."""
        return bool(self.rows[0].words)

    def express(self, values: Sequence[Any], annotation: Any = None, hint: str = "value") -> Expr:
        """One expression; NotAlike when the values differ in their form."""
        long = [found for value in values if (found := texts.taken_apart(value)) is not None]
        if len(long) == len(values):
            return self._file(long, hint)
        ways: dict[type | tuple[type, ...], Callable[[], Expr]] = {
            str: lambda: self._text(list(values), hint),
            Ref: lambda: self._ref(values, hint),
            Join: lambda: self._join([value.parts for value in values], hint),
            Secret: lambda: self._secret([value.value for value in values], hint),
            Mapping: lambda: self._mapping(values, annotation),
            (list, tuple): lambda: self._list(values, annotation, hint),
        }
        for kind, way in ways.items():
            if all(isinstance(value, kind) for value in values):
                return way()
        if any(isinstance(value, Ref | Join | Secret | Mapping | list | tuple) for value in values):
            raise NotAlike
        return self._scalar(values[0], values, hint)

    # ---------------------------------------------------------- plain values

    def _scalar(self, first: Any, values: Sequence[Any], hint: str) -> Expr:
        alike = all(value == first and type(value) is type(first) for value in values)
        counts = all(value == row.words.get("n") for value, row in zip(values, self.rows, strict=True))
        if counts and (hint == "ordinal" or not alike):
            return Raw("n")
        if alike:
            return Raw(repr(first))
        return Raw(self.column(hint, [repr(value) for value in values]))

    def _text(self, values: list[str], hint: str) -> Expr:
        if self.loops:
            found = self._offered(values) or self._unique(values) or self._pattern(values)
            if found is not None:
                return found
        if len(set(values)) == 1:
            return Raw(quoted(values[0]))
        return Raw(self.column(hint, [quoted(value) for value in values]))

    def _offered(self, values: list[str]) -> Expr | None:
        """A column that is worth having even for a single row."""
        codes = tuple(quoted(value) for value in values)
        return next((Raw(self._use(n)) for n, there in self.offered.items() if there == codes), None)

    def _unique(self, values: list[str]) -> Expr | None:
        """A name made from a key that the rows have."""
        if not all(_HASHED.search(value) for value in values):
            return None
        for keys in self._keys():
            if all(self.home.unique(key) == value for key, value in zip(keys, values, strict=True)):
                return call(self.home.helper("unique"), self._text(list(keys), "key"))
        return None

    def _keys(self) -> Iterable[tuple[str, ...]]:
        """Keys that a name may be made from: the rows' own, parts of machines, each with an addition."""
        own = list(zip(*(row.own for row in self.rows), strict=False))
        if all(row.vm for row in self.rows):
            own += [tuple(form.format(row.vm) for row in self.rows) for form in PARTS]
        yield from own
        additions = [(name,) * len(self.rows) for name in self.home.networks]
        for addition in (*additions, *self._words().values()):
            yield from (
                tuple(f"{key}/{more}" for key, more in zip(keys, addition, strict=True)) for keys in own
            )

    def _pattern(self, values: list[str]) -> Expr | None:
        """A text made of the loop's variables: the machine's name, one other, or both."""
        marked = values
        if all(row.vm for row in self.rows):
            pairs = zip(self.rows, values, strict=True)
            marked = [texts.bounded(str(row.vm)).sub(NAME, value) for row, value in pairs]
        if len(set(marked)) == 1:
            return formatted(list(_with_name(marked[0]))) if NAME in marked[0] else None
        for name, vector in self._words().items():
            found = _around(marked, vector) if name != "vm" else None
            if found is not None:
                head, tail = map(_with_name, found)
                return formatted([*head, (self._use(name), True), *tail])
        return None

    def _words(self) -> dict[str, tuple[str, ...]]:
        """The variables that are texts, those of the table included."""
        given = {
            name: tuple(str(row.words[name]) for row in self.rows)
            for name, value in self.rows[0].words.items()
            if isinstance(value, str)
        }
        tables = {
            name: tuple(code[1:-1] for code in codes)
            for name, codes in {**self.offered, **self.columns}.items()
            if all(code.startswith('"') and "\\" not in code for code in codes)
        }
        return given | tables

    def _use(self, name: str) -> str:
        if name in self.offered and name not in self.columns:
            self.columns[name] = self.offered[name]
        return name

    def column(self, hint: str, codes: Sequence[str]) -> str:
        """The variable of a column with those contents."""
        wanted = tuple(codes)
        for known, there in {**self.offered, **self.columns}.items():
            if there == wanted:
                return self._use(known)
        if not self.loops:
            raise NotAlike
        name, number = variable(hint), 2
        taken = {
            *self.home.taken,
            *RESERVED,
            *self.columns,
            *self.offered,
            *self.rows[0].words,
            *self.rows[0].own.values(),
        }
        while name in taken:
            name, number = f"{variable(hint)}_{number}", number + 1
        self.columns[name] = wanted
        return name

    # ---------------------------------------------------------- nested values

    def _mapping(self, values: Sequence[Mapping[str, Value]], annotation: Any) -> Expr:
        names = list(values[0])
        if any(set(value) != set(names) for value in values):
            raise NotAlike
        known = within(annotation, values[0])
        below = None if known else element(annotation)
        base = self._base(values) if known is None else {}
        items: list[tuple[str, Expr]] = []
        for name in names:
            if name in base:
                continue
            ours, inner = known[name] if known else (name, below)
            items.append((ours, self.express([value[name] for value in values], inner, name)))
        if not base:
            return mapping(items)
        if not items:
            return Raw("TAGS")
        whole = mapping(items)
        return type(whole)("{", (("**", Raw("TAGS")), *whole.items), "}")

    def _base(self, values: Sequence[Mapping[str, Value]]) -> Mapping[str, str]:
        tags = self.home.tags
        if len(tags) > 1 and all(tags.items() <= value.items() for value in map(_plain, values)):
            return tags
        return NOTHING

    def _list(self, values: Sequence[Sequence[Value]], annotation: Any, hint: str) -> Expr:
        inner = element(annotation)
        if len(values) == 1 or len({len(value) for value in values}) == 1:
            everyone = self._everyone(values, inner, hint)
            if everyone is not None:
                return everyone
            return listing(self.express(list(each), inner, hint) for each in zip(*values, strict=True))
        raise NotAlike

    def _everyone(self, values: Sequence[Sequence[Value]], inner: Any, hint: str) -> Expr | None:
        """A list with one item for every machine of a group."""
        items = values[0]
        own = {key for row in self.rows for key in row.own}
        if any(value != items for value in values) or any(ref.key in own for ref in refs(list(items))):
            return None
        vms = [self._entry_of(item) for item in items]
        known = [vm for vm in vms if vm is not None]
        if not known or len(known) != len(vms):
            return None
        group = self.home.group(known[0])
        if known != list(self.home.machines(group)):
            return None
        rows = [Row(words={"vm": vm}, vm=vm) for vm in known]
        each = Alike(self.home, rows)
        try:
            body = each.express(list(items), inner, hint)
        except NotAlike:
            return None
        if each.columns:
            return None
        source = call(self.home.helper("machines"), Raw(quoted(group)))
        return each_of(body, "vm", source)

    def _entry_of(self, value: Value) -> str | None:
        """The one machine whose inventory a value is made of."""
        vms = {found[0] if (found := self.home.entry(ref)) else None for ref in refs(value)}
        return vms.pop() if len(vms) == 1 else None

    # ---------------------------------------------------------- references, secrets, texts

    def _ref(self, values: Sequence[Ref], hint: str) -> Expr:
        paths = {value.path for value in values}
        own = {row.own.get(value.key) for row, value in zip(self.rows, values, strict=True)}
        if len(paths) == 1 and len(own) == 1 and None not in own:
            return Raw(f"{own.pop()}{self._path(values[0])}")
        if self.loops and own == {None}:
            entries = [self.home.entry(value) for value in values]
            fields = {each[1] if each else None for each in entries}
            mine = all(each and each[0] == row.vm for each, row in zip(entries, self.rows, strict=True))
            if mine and len(fields) == 1 and None not in fields:
                return Raw(f"{self.home.helper('inventory')}[vm][{quoted(str(fields.pop()))}]")
        if len(set(values)) == 1:
            return Raw(self.home.address(values[0]))
        members = [self.home.member(value.key) for value in values]
        if len(paths) == 1 and len({each[0] if each else None for each in members}) == 1 and members[0]:
            index = self._text([each[1] for each in members if each], "name")
            assert isinstance(index, Raw)
            return Raw(f"{members[0][0]}[{index.text}]{self._path(values[0])}")
        return Raw(self.column(hint, [self.home.address(value) for value in values]))

    def _path(self, ref: Ref) -> str:
        return "" if ref.path == SELF else str(self.home.spell(ref.key).output(ref.path))

    def _join(self, values: Sequence[Sequence[Any]], hint: str) -> Expr:
        if len({len(parts) for parts in values}) != 1:
            raise NotAlike
        parts = [self.express(list(each), None, hint) for each in zip(*values, strict=True)]
        return calling("pulumi.Output.concat", [("", part) for part in parts], ())

    def _secret(self, values: Sequence[Any], hint: str) -> Expr:
        if not all(isinstance(value, str) for value in values):
            raise NotAlike
        names = [f"{snake(self.name or hint)}-{snake(hint)}" for _ in values]
        if self.loops:
            names = [f"{row.vm or next(iter(row.words.values()))}-{snake(hint)}" for row in self.rows]
        for name, value in zip(names, values, strict=True):
            self.home.secret(name, value)
        return call(f"{self.home.helper('config')}.require_secret", self._text(names, hint))

    def _file(self, found: Sequence[texts.Text], hint: str) -> Expr:
        words = self._words()
        long = {n: v for n, v in words.items() if all(len(w) >= texts.LONG_WORD for w in v) or n == "vm"}
        templates = [
            texts.with_words(text.template, {name: vector[number] for name, vector in long.items()})
            for number, text in enumerate(found)
        ]
        one = len(set(templates)) == 1 and len({(text.encoded, len(text.refs)) for text in found}) == 1
        if not one and not (self.loops and all(row.vm for row in self.rows)):
            raise NotAlike
        if one:
            file: Expr = Raw(quoted(self.home.keep(self.name or hint, found[0].suffix, templates[0])))
        else:
            suffix = found[0].suffix
            for row, template in zip(self.rows, templates, strict=True):
                self.home.keep(str(row.vm), suffix, template)
            file = formatted([("vm", True), (suffix, False)])
        named = [(word, Raw(self._use(word))) for word in long if f"{texts.MARK}{word}}}" in templates[0]]
        text = calling(self.home.helper("boot"), [("", file)], [*named, *self._holes(found)])
        return call(self.home.helper("encoded"), text) if found[0].encoded else text

    def _holes(self, found: Sequence[texts.Text]) -> Iterable[tuple[str, Expr]]:
        """What is filled in beside the loop's variables: references, and the secret."""
        for number, each in enumerate(zip(*(text.refs for text in found), strict=True)):
            yield f"ref_{number}", self._ref(list(each), f"ref_{number}")
        if found[0].secret is not None:
            for row, text in zip(self.rows, found, strict=True):
                self.home.secret(f"hostKeys.{row.vm or self.name}", text.secret or "")
            who = "vm" if self.rows[0].vm else quoted(self.name)
            yield texts.HOST_KEY, Raw(f"{self.home.helper('host_key')}({who})")


def _with_name(text: str) -> Iterator[tuple[str, bool]]:
    """The parts of an f-string, of a text in which the machine's name is marked."""
    for number, part in enumerate(text.split(NAME)):
        if number:
            yield "vm", True
        yield part, False


def _around(values: Sequence[str], words: Sequence[str]) -> tuple[str, str] | None:
    """What stands before and after the word in every value, if it is the same."""
    if not all(words):
        return None
    places = (
        {(value[:at], value[at + len(word) :]) for at in range(len(value)) if value.startswith(word, at)}
        for value, word in zip(values, words, strict=True)
    )
    shared = set.intersection(*places)
    return max(shared, key=lambda pair: (len(pair[0]), pair)) if shared else None


def _plain(value: Mapping[str, Value]) -> dict[str, Any]:
    return {name: inner for name, inner in value.items() if isinstance(inner, str)}
