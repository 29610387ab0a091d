"""The schema pass: what jsonschema finds, said in the words of the manifest and at its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcis_iac.manifest import scene as scenes
from mcis_iac.manifest import schema
from mcis_iac.manifest.diagnostics import problem
from mcis_iac.manifest.guess import article, listed, nearest
from mcis_iac.manifest.nodes import UNREADABLE, Node, locate, plain
from mcis_iac.model import Diagnostic, Related, Span

KINDS = {
    "object": "a map",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}


def check(root: Node, *, partial: bool = False) -> Iterator[Diagnostic]:
    """All violations of the schema. `partial` = an overlay alone, where nothing is missing."""
    errors = (*schema.validator().iter_errors(plain(root)), *_foreign_words(root))
    for error in _grouped(errors):
        for found in _translate(error, root):
            if not (partial and found.code == "MCIS102"):
                yield found


def _foreign_words(root: Node) -> Iterator[Any]:
    """Errors of networks that have the form of another cloud than their connection's."""
    networks = root.get("networks")
    forms = schema.document()["$defs"]["existing"]["anyOf"]
    validator = schema.validator()
    for network in networks.entries() if networks is not None else ():
        existing = network.node.get("existing")
        for connection in existing.entries() if existing is not None else ():
            cloud = scenes.cloud_of(root, connection.key)
            form = next((form for form in forms if form["x-cloud"] == cloud), None)
            for region in connection.node.entries() if form is not None else ():
                there, whole = plain(region.node), {"anyOf": forms}
                if validator.evolve(schema=whole).is_valid(there):
                    for error in validator.evolve(schema=form).iter_errors(there):
                        way = ("networks", network.key, "existing", connection.key, region.key)
                        error.relative_path.extendleft(reversed(way))
                        yield error


def _grouped(errors: Iterable[Any]) -> Iterator[Any]:
    """Errors without those that only follow from a wrong type at the same place.

    Of the fields missing and unknown in one map, the unknown ones come with what they replace.
    """
    known = list(errors)
    mistyped = {tuple(error.absolute_path) for error in known if error.validator == "type"}
    for error in known:
        if error.validator == "type" or tuple(error.absolute_path) not in mistyped:
            yield error


@dataclass(frozen=True, slots=True)
class _Violation:
    """One error of jsonschema beside the node it speaks of."""

    error: Any
    root: Node
    path: tuple[str | int, ...]
    span: Span
    node: Node

    @property
    def schema(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.error.schema
        return found

    @property
    def title(self) -> str:
        """What the schema calls the thing, with its article: `a group`."""
        return article(self.schema.get("title", "map"))

    @property
    def group(self) -> str | None:
        return str(self.path[1]) if len(self.path) > 1 and self.path[0] == "groups" else None

    def report(self, code: str, detail: str, *, span: Span | None = None, **words: Any) -> Diagnostic:
        return problem(code, span or self.span, detail, group=self.group, **words)


def _translate(error: Any, root: Node) -> Iterator[Diagnostic]:
    path = tuple(error.absolute_path)
    span, node = locate(root, path)
    if node.value is UNREADABLE:
        return
    at = _Violation(error, root, path, span, node)
    if "propertyNames" in error.absolute_schema_path:
        yield _bad_name(at)
        return
    yield from HANDLERS.get(error.validator, _malformed)(at)


def _bad_name(at: _Violation) -> Diagnostic:
    entry = at.node.entry(at.error.instance)
    expected = at.schema.get("x-expected", "another name")
    return at.report("MCIS115", f"expected {expected}", span=entry.key_span if entry else None)


def _unknown(at: _Violation) -> Iterator[Diagnostic]:
    """Fields the map does not have; one that is surely a misspelt missing one counts for both."""
    known = [name for name, _ in schema.fields(at.schema)]
    absent = [name for name in known if at.node.entry(name) is None]
    required = set(at.schema.get("required", ()))
    for entry in at.node.entries():
        if entry.key in known or entry.key.startswith("x-"):
            continue
        guess = nearest(entry.key, absent) or nearest(entry.key, known)
        detail = f"did you mean `{guess}`?" if guess else f"{at.title} has no such field"
        if guess in required and guess in absent:
            detail += f" ({guess} is required here)"
        yield at.report(
            "MCIS101",
            detail,
            span=entry.key_span,
            notes=(f"fields of {at.title}: {listed(known, entry.key)}",),
            related=_context(at.root, at.path, entry.key_span),
        )


def _context(root: Node, path: Sequence[str | int], span: Span) -> tuple[Related, ...]:
    """The line of the map a field stands in, shown above it."""
    if not path or not isinstance(path[-1], str):
        return ()
    _, parent = locate(root, path[:-1])
    entry = parent.entry(path[-1])
    if entry is None or entry.key_span.file != span.file or entry.key_span.line == span.line:
        return ()
    return (Related(span=entry.key_span, label=""),)


def _missing(at: _Violation) -> Iterator[Diagnostic]:
    """All missing fields of a map in one report (jsonschema repeats it per field, with equal words)."""
    known = set(at.schema.get("properties", {}))
    possible = [name for name in known if at.node.entry(name) is None]
    guessed = {nearest(entry.key, possible) for entry in at.node.entries() if entry.key not in known}
    absent = [name for name in at.error.validator_value if name in possible and name not in guessed]
    if absent:
        *most, last = (f"`{name}`" for name in absent)
        words = f"{', '.join(most)} and {last}" if most else last
        verb = "is" if len(absent) == 1 else "are"
        span = at.span if at.path else _start(at.root)
        yield at.report("MCIS102", f"{words} {verb} required in {at.title}", span=span)


def _start(root: Node) -> Span:
    """The first key of the manifest: pointing at all of it would help nobody."""
    first = next(iter(root.entries()), None)
    return first.key_span if first is not None and first.key_span.file == root.span.file else root.span


def _one_of(at: _Violation) -> Iterator[Diagnostic]:
    words, value = at.error.validator_value, at.node.value
    texts = [word for word in words if isinstance(word, str)]
    guess = nearest(value, texts) if isinstance(value, str) else None
    field = next((str(step) for step in reversed(at.path) if isinstance(step, str)), "this")
    shown = listed(texts, str(value)) if len(texts) == len(words) else ", ".join(map(_word, words))
    detail = f"did you mean `{guess}`?" if guess else f"{field} has no such value"
    if len(words) == 1 and not guess:
        detail = f"expected {shown}"
    meant = {"yes": "true", "on": "true", "no": "false", "off": "false"}.get(str(value).lower())
    hint = f"write {meant}" if meant and True in words else ""
    notes = (f"{field} is one of: {shown}",) if len(words) > 1 else ()
    yield at.report("MCIS103", detail, notes=notes, hint=hint)


def _constant(at: _Violation) -> Iterator[Diagnostic]:
    yield at.report("MCIS103", f"expected {_word(at.error.validator_value)}")


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _mistyped(at: _Violation) -> Iterator[Diagnostic]:
    wanted, value = at.error.validator_value, at.node.value
    kinds = [wanted] if isinstance(wanted, str) else list(wanted)
    expected = " or ".join(KINDS[kind] for kind in kinds)
    hint = ""
    if "string" in kinds and isinstance(value, bool | int | float):
        if re.search(at.schema.get("pattern", ""), str(value)):
            hint = "put it in quotes"
        else:  # quotes alone would not help
            expected = at.schema.get("x-expected", expected)
    elif "array" in kinds and not (at.node.is_map or at.node.is_list) and value is not None:
        hint = "put it in brackets: [...]"
    yield at.report("MCIS105", f"expected {expected}, this is {_kind(at.node)}", hint=hint)


def _kind(node: Node) -> str:
    if node.is_map or node.is_list:
        return "a map" if node.is_map else "a list"
    names: Mapping[type, str] = {str: "text", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(node.value), "nothing")


def _range(at: _Violation) -> Iterator[Diagnostic]:
    limit = at.error.validator_value
    number = f"{limit:,}"
    words = {
        "minimum": f"at least {number}",
        "maximum": f"at most {number}",
        "minLength": "this is empty",
        "maxLength": f"at most {number} characters",
        "minItems": "an empty list means nothing here; leave the field out",
        "minProperties": "this is empty; at least one entry is needed",
    }
    yield at.report("MCIS114", words[at.error.validator])


def _malformed(at: _Violation) -> Iterator[Diagnostic]:
    code = "MCIS115" if at.schema.get("title") == "name" else "MCIS113"
    yield at.report(code, f"expected {at.schema.get('x-expected', 'another form')}")


def _alternatives(at: _Violation) -> Iterator[Diagnostic]:
    """Of several forms a map may have, show the errors of the one that is meant only."""
    if not at.node.is_map:
        if at.schema.get("type") != "object":  # which says it itself
            yield at.report("MCIS105", f"{at.title} is a map, this is {_kind(at.node)}")
        return
    forms = [schema.resolve(form) for form in at.error.validator_value]
    chosen = _of_cloud(at, forms)
    if chosen is not None:
        yield from _of_form(at, chosen)
    elif "x-by" in at.schema:
        yield from _unknown(at)  # to every form; the schema itself asks for the field that decides
    else:
        yield from _nearest_form(at, [set(form["properties"]) for form in forms])


def _of_cloud(at: _Violation, forms: Sequence[Mapping[str, Any]]) -> int | None:
    """The form that goes with the cloud, where the cloud decides; None while that is not known."""
    if "x-by" in at.schema:
        field = at.schema["x-by"]
        word, clouds = at.node.text(field), [form["properties"][field]["const"] for form in forms]
    elif "x-cloud" in forms[0]:
        word, clouds = scenes.cloud_of(at.root, str(at.path[-2])), [form["x-cloud"] for form in forms]
    else:
        return None
    return clouds.index(word) if word in clouds else None


def _of_form(at: _Violation, form: int) -> Iterator[Diagnostic]:
    for inner in _grouped(at.error.context):
        if inner.schema_path[0] == form:
            yield from _translate(inner, at.root)


def _nearest_form(at: _Violation, forms: list[set[str]]) -> Iterator[Diagnostic]:
    """The form that has most of the keys; those of other forms are not together with its own."""
    keys, context = {entry.key for entry in at.node.entries()}, at.error.context
    amount = [sum(inner.schema_path[0] == index for inner in context) for index in range(len(forms))]
    alike = [sum(nearest(key, form) is not None for key in keys - form) for form in forms]
    rank = [(-len(keys & form), -near) for form, near in zip(forms, alike, strict=True)]
    best = min(range(len(forms)), key=lambda index: (*rank[index], amount[index], index))
    shared: set[str] = set.intersection(*forms)
    own = keys & forms[best] - shared
    foreign = set.union(*forms) - forms[best]
    clashes = [entry.key_span for entry in at.node.entries() if entry.key in foreign]
    yield from (found for found in _of_form(at, best) if found.span not in clashes)
    words = ", ".join(f"`{name}`" for name in sorted(own)) or f"the fields of {at.title}"
    for clash in clashes:
        yield at.report("MCIS117", f"not together with {words}", span=clash)


HANDLERS: Mapping[str, Callable[[_Violation], Iterator[Diagnostic]]] = {
    "additionalProperties": _unknown,
    "required": _missing,
    "enum": _one_of,
    "const": _constant,
    "type": _mistyped,
    "oneOf": _alternatives,
    "anyOf": _alternatives,
    "pattern": _malformed,
    "minimum": _range,
    "maximum": _range,
    "minLength": _range,
    "maxLength": _range,
    "minItems": _range,
    "minProperties": _range,
}
