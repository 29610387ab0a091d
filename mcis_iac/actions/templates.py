"""The templates of actions, rendered for one VM over the whole MCIS, in a sandbox.

A template sees plain values and nothing of Python: of every kind of value only the methods listed here
can be called, and there are no files, no environment and no modules. What a template may cost is
bounded, too: its loops, its calls, its time and the text it becomes.
"""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from jinja2 import StrictUndefined, Template, TemplateError, TemplateRuntimeError, Undefined, nodes
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS as BUILT_IN
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment, safe_range

from mcis_iac.model import Mcis, Vm

LONGEST = 1 << 20  # characters
MOST_TURNS = 1_000_000  # of loops and calls together
MOST_SECONDS = 5.0
MOST_BITS = 4096  # of a number
WIDEST = 200  # of an indentation

PLAIN = (
    *("abs", "capitalize", "count", "d", "default", "dictsort", "first", "float", "groupby", "int", "items"),
    *("last", "length", "list", "lower", "map", "max", "min", "reject", "rejectattr", "reverse", "round"),
    *("select", "selectattr", "sort", "string", "sum", "title", "trim", "truncate", "unique", "upper"),
)

OF_TEXT = "capitalize casefold count endswith find index isalnum isalpha isdigit islower isnumeric isspace"
OF_TEXT += " isupper lower lstrip partition removeprefix removesuffix rfind rindex rpartition rsplit rstrip"
OF_TEXT += " split splitlines startswith strip swapcase title upper"
OF_LOOPS = "changed cycle depth depth0 first index index0 last length nextitem previtem revindex revindex0"
METHODS: tuple[tuple[type, frozenset[str]], ...] = (
    (str, frozenset(OF_TEXT.split())),
    (dict, frozenset({"get", "items", "keys", "values"})),
    (list, frozenset({"count", "index"})),
    (tuple, frozenset({"count", "index", "grouper", "list"})),
    (LoopContext, frozenset(OF_LOOPS.split())),
)

Locate = Callable[[Vm], Mapping[str, Any]]


class Unrenderable(Exception):
    """Why a template did not become a text, with its line where known."""

    def __init__(self, *, text: str, line: int | None = None) -> None:
        super().__init__(f"line {line}: {text}" if line else text)


class Renderer:
    """Renders templates for VMs; a text is compiled once. `vms` are all that exist."""

    def __init__(self, mcis: Mcis, vms: Sequence[Vm], locate: Locate) -> None:
        entries = {vm.name: _entry(mcis, vm, locate) for vm in vms}
        of_group = {name: [entries[vm.name] for vm in vms if vm.group == name] for name in mcis.groups}
        self._shared: dict[str, Any] = {
            "namespace": mcis.namespace,
            "mcis": {"name": mcis.name, "env": mcis.env, "labels": dict(mcis.labels)},
            "vms": entries,
            "groups": of_group,
            "range": safe_range,
            "select": lambda words: _select(words, entries.values()),
        }
        self._sandbox = _Sandbox()
        self._compiled: dict[str, Template] = {}

    def render(self, text: str, vm: Vm) -> str:
        """The text for that VM; Unrenderable says why there is none."""
        if "{" not in text:
            return text
        values = {"vm": self._shared["vms"][vm.name], "pick": lambda choice: _pick(choice, vm.ordinal)}
        try:
            template = self._compiled.get(text) or self._sandbox.from_string(text)
            self._compiled[text] = template
            return self._sandbox.bounded(template.generate({**self._shared, **values}))
        except Exception as problem:  # whatever a template does, it is the template's fault
            raise Unrenderable(text=_reason(problem), line=_line(problem)) from problem


def _entry(mcis: Mcis, vm: Vm, locate: Locate) -> dict[str, Any]:
    """A VM as templates see it; `manifest.templating` knows the same names."""
    group = mcis.groups.get(vm.group)
    names = ("name", "group", "ordinal", "connection", "cloud", "region", "zone", "type", "id", "user")
    entry = {name: getattr(vm, name) for name in (*names, "private_ip", "public_ip", "address", "ssh_port")}
    labels = {**mcis.labels, **(group.labels if group else {})}
    return {**entry, "labels": labels, "location": dict(locate(vm))}


def _select(words: str, entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The VMs with all those labels: `role=web,tier=front`; a word without `=` asks for any value."""
    wanted = [word.strip().partition("=") for word in str(words).split(",")]
    if not all(name for name, _, _ in wanted):
        raise TemplateRuntimeError(f"select({words!r}): write label=value")  # noqa: EM102
    return [entry for entry in entries if all(_carries(entry["labels"], *one) for one in wanted)]


def _carries(labels: Mapping[str, str], name: str, equals: str, value: str) -> bool:
    return name in labels and (not equals or labels[name] == value)


def _pick(choice: Sequence[Any], ordinal: int) -> Any:
    """One of them by the VM's number, beginning again after the last."""
    if not isinstance(choice, list | tuple) or not choice:
        message = "pick takes a list that is not empty"
        raise TemplateRuntimeError(message)
    return choice[(ordinal - 1) % len(choice)]


def _reason(problem: Exception) -> str:
    if isinstance(problem, TemplateError) and problem.message:
        text = problem.message
    else:
        text = str(problem) or type(problem).__name__
    return text.replace("'dict object'", "this").replace("list object has", "the list has")


def _line(problem: Exception) -> int | None:
    """The line of the template, which jinja puts into the traceback."""
    found, at = getattr(problem, "lineno", None), problem.__traceback__
    while at is not None:
        if at.tb_frame.f_code.co_filename == "<template>":
            found = at.tb_lineno
        at = at.tb_next
    return found


# ---------------------------------------------------------------- the sandbox


class _Sandbox(ImmutableSandboxedEnvironment):
    """Plain values, listed methods and filters, and a budget per rendering."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self) -> None:
        super().__init__(
            trim_blocks=True, keep_trailing_newline=True, undefined=StrictUndefined, finalize=self._printed
        )
        self._turns, self._letters, self._until = 0, 0, 0.0
        self.globals.clear()
        own = {"join": self._join, "replace": self._replace, "(each)": self._each, "(joined)": self._joined}
        own |= {"sh": _sh, "tojson": _tojson, "indent": _indent, "urlencode": _urlencode}
        self.filters = {name: BUILT_IN[name] for name in PLAIN} | own

    def bounded(self, pieces: Iterable[str]) -> str:
        """The pieces as one text, with a fresh budget."""
        self._turns, self._letters, self._until = 0, 0, time.monotonic() + MOST_SECONDS
        found, length = [], 0
        for piece in pieces:
            length += len(piece)
            _short_enough(length)
            found.append(piece)
        return "".join(found)

    # ------------------------------------------------------------ what can be reached

    def getattr(self, obj: Any, attribute: str) -> Any:
        """What a map has by that name comes before its methods: a group may be called `items`."""
        if isinstance(obj, dict) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:  # noqa: ARG002
        """Only what is listed."""
        return any(isinstance(obj, kind) and attr in names for kind, names in METHODS)

    def wrap_str_format(self, value: Any) -> None:
        """No method of text is let through beside the list: `format` can ask for any width."""

    # ------------------------------------------------------------ what it may cost

    def _turn(self) -> None:
        self._turns += 1
        if self._turns > MOST_TURNS or (self._turns % 64 == 0 and time.monotonic() > self._until):
            message = "the template does too much"
            raise SecurityError(message)

    def call(__self, __context: Any, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        __self._turn()
        return super().call(__context, __obj, *args, **kwargs)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """`+`, `*`, `**` and `%` where the result stays small."""
        self._turn()
        if not _small(operator, left, right):
            message = f"`{operator}` would become too large, or is not for text"
            raise SecurityError(message)
        return super().call_binop(context, operator, left, right)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        """The tree, in which every loop counts its turns and every `~` looks at its length."""
        tree = super()._parse(source, name, filename)
        for loop in tree.find_all(nodes.For):
            loop.iter = self._through("(each)", loop.iter)
        for concat in tree.find_all(nodes.Concat):
            whole = nodes.List(concat.nodes, lineno=concat.lineno)
            concat.nodes = [self._through("(joined)", whole)]
        return tree

    def _through(self, name: str, node: Any) -> nodes.Filter:
        made = nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)
        made.set_environment(self)
        return made

    def _each(self, things: Iterable[Any]) -> Iterator[Any]:
        for thing in things:
            self._turn()
            yield thing

    def _printed(self, value: Any) -> Any:
        """What `{{ }}` may print: text and numbers."""
        if isinstance(value, Undefined):
            return str(value)  # which raises, with the name
        if value is None:
            message = "nothing to print here: the value is none (`... or 'other'` prints something else)"
            raise TemplateRuntimeError(message)
        if not isinstance(value, str | int | float):
            message = f"a {type(value).__name__} is no text; print its parts, or use `join` or `tojson`"
            raise TemplateRuntimeError(message)
        text = str(value)
        self._letters += len(text)
        _short_enough(self._letters)
        return text

    def _joined(self, things: Sequence[Any]) -> str:
        return self._join([self._printed(thing) for thing in things])

    def _join(self, things: Iterable[Any], d: str = "", attribute: str | None = None) -> str:
        texts, length = [], 0
        for thing in self._each(things):
            value = thing if attribute is None else self.getitem(thing, attribute)
            texts.append(self._printed(value))
            length += len(texts[-1]) + len(d)
            _short_enough(length)
        return d.join(texts)

    def _replace(self, text: str, old: str, new: str) -> str:
        _short_enough(len(text) + text.count(old) * len(new))
        return text.replace(old, new)


def _short_enough(length: int) -> None:
    if length > LONGEST:
        message = f"the text becomes longer than {LONGEST:,} characters"
        raise SecurityError(message)


def _small(operator: str, left: Any, right: Any) -> bool:
    """Whether a result keeps to the bounds; numbers are measured in bits, the rest in items."""
    if isinstance(left, float) or isinstance(right, float):
        return operator != "**" or abs(right) <= WIDEST
    if isinstance(left, int) and isinstance(right, int):
        factor = max(0, right) if operator == "**" else 1
        return max(left.bit_length(), 1) * factor + right.bit_length() <= MOST_BITS
    if operator == "+":
        return len(left) + len(right) <= LONGEST
    times = (left, right) if isinstance(right, int) else (right, left)
    return operator == "*" and isinstance(times[1], int) and len(times[0]) * times[1] <= LONGEST


# ---------------------------------------------------------------- filters of our own


def _sh(value: Any) -> str:
    """Quoted for the shell; a list becomes quoted words."""
    if isinstance(value, list | tuple):
        return shlex.join(map(_plain_text, value))
    return shlex.quote(_plain_text(value))


def _plain_text(value: Any) -> str:
    if not isinstance(value, str | int | float) or isinstance(value, Undefined):
        str(value)  # an undefined value raises with its name
        message = f"sh takes text or a list of texts, this is a {type(value).__name__}"
        raise TemplateRuntimeError(message)
    return str(value)


def _tojson(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, indent=None if indent is None else min(indent, 8), ensure_ascii=False)


def _indent(text: str, width: int = 4, first: bool = False, blank: bool = False) -> str:  # noqa: FBT001, FBT002
    if not 0 <= int(width) <= WIDEST or text.count("\n") * int(width) > LONGEST:
        message = f"indent: at most {WIDEST}"
        raise SecurityError(message)
    lines = text.split("\n")
    shown = [" " * width + line if line or blank else line for line in lines[1:]]
    return "\n".join([" " * width + lines[0] if first else lines[0], *shown])


def _urlencode(value: Any) -> str:
    return quote(_plain_text(value), safe="/")
