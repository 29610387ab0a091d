"""The preview screen, also the first half of `up` and `scale`, and the questions asked below it."""

from __future__ import annotations

from itertools import groupby

from mcis_iac.model import Change, Op
from mcis_iac.pipeline import DownQuestion, Preview
from mcis_iac.report.changes import INK, counts, details, machines, name, reason, sections, sign
from mcis_iac.report.tables import Cell, table_rows
from mcis_iac.report.text import clean, folded, paint, plural, seconds

COLUMNS = 6  # name with sign, where, property, difference, source, reason
MANY = 8  # this many equal rows in a run are shown as one, unless all are asked for


def preview_screen(
    preview: Preview,
    *,
    color: bool = False,
    width: int | None = None,
    every: bool = False,
    after: bool = False,
) -> str:
    """The whole screen. `every` shows all rows of equal changes; `after` leaves the next step out."""
    diff = preview.diff
    vms = plural(diff.vms_after, "VM")
    span = vms if diff.vms_before == diff.vms_after else f"{diff.vms_before} -> {vms}"
    lines = [f"{paint(preview.mcis.stack, 'bold', color=color)}  {span}", ""]
    if not diff.empty:
        lines += [*_changes(preview, color=color, width=width, every=every), ""]
    lines.append(f"  {_counted(preview)}")
    lines += [paint(f"  {text}", "red", color=color) for text in unseen(preview)]
    lines += [paint(f"  warning: {clean(text)}", "yellow", color=color) for text in diff.warnings]
    lines += [f"  actions due: {clean('; '.join(preview.actions))}"] if preview.actions else []
    lines += [f"  note: {clean(text)}" for text in preview.notices]
    last = "     ".join(part for part in ("" if after else _next(preview), _timings(preview)) if part)
    if last:
        lines.append(f"  {last}")
    return "\n".join(lines) + "\n"


def unseen(preview: Preview) -> list[str]:
    """One line per connection that could not be asked: what of it is missing above, and why."""
    lines = []
    for silent in preview.silent:
        why = silent.why.partition("\n")[0]
        what = f"{plural(silent.vms, 'VM')} and what depends on {'it' if silent.vms == 1 else 'them'}"
        lines.append(clean(f"not seen: {silent.connection}, {what}: {why}"))
    return lines


def _counted(preview: Preview) -> str:
    if preview.diff.empty and preview.power:
        moves = (f"{control}s {plural(len(names), 'VM')}" for control, names in preview.power.items())
        return f"{', '.join(moves)}, {preview.diff.same} unchanged"
    if preview.diff.empty:
        rest = " in what could be seen" if preview.silent else ""
        return f"nothing to change{rest}, {preview.diff.same} unchanged"
    return f"{counts(preview)}, {preview.diff.same} unchanged"


def _next(preview: Preview) -> str:
    return "" if preview.nothing or preview.silent else f"next: {_command('up', preview.words)}"


def _command(verb: str, words: str) -> str:
    return f"mcis {verb} {words}".rstrip()


def _timings(preview: Preview) -> str:
    return "  ".join(f"{stage} {seconds(spent)}" for stage, spent in preview.timings.items())


def _changes(preview: Preview, *, color: bool, width: int | None, every: bool) -> list[str]:
    """The sections share their columns: one table, taken apart again."""
    found = [(title, _rows(preview, changes, every=every)) for title, changes in sections(preview)]
    rows = [row for _, part in found for row in part]
    used = [at for at in range(COLUMNS) if any(row[at].text for row in rows)]
    cells = [[row[at] for at in used] for row in rows]
    blocks = iter(table_rows(cells, indent="  ", width=width, color=color))
    lines: list[str] = []
    for title, part in found:
        lines.append(f"  {title}")
        lines += [line for _ in part for line in next(blocks)]
    return lines


def _rows(preview: Preview, changes: list[Change], *, every: bool) -> list[list[Cell]]:
    rows: list[list[Cell]] = []
    for _, run in groupby(changes, key=lambda change: _sameness(preview, change)):
        alike = list(run)
        if len(alike) >= MANY and not every and alike[0].is_vm:
            rows += _row(preview, alike[0], folded(name(change) for change in alike))
        else:
            rows += [row for change in alike for row in _row(preview, change, name(change))]
    return rows


def _sameness(preview: Preview, change: Change) -> object:
    """What must be equal for changes to share a row."""
    if not change.is_vm:
        return change.key
    about = (preview.sources.get(change.key), reason(preview, change), tuple(details(preview, change)))
    return change.op, change.subject.group, change.subject.where, about


def _row(preview: Preview, change: Change, called: str) -> list[list[Cell]]:
    """One row per property that differs; only the first names the resource."""
    (path, what), *others = details(preview, change)
    first = [
        Cell(f"{sign(change)} {called}", INK[change.op]),
        Cell(change.subject.where),
        Cell(path),
        Cell(what),
        Cell(preview.sources.get(change.key, ""), "dim"),
        Cell(reason(preview, change)),
    ]
    return [
        first,
        *([Cell(""), Cell(""), Cell(more), Cell(text), Cell(""), Cell("")] for more, text in others),
    ]


def question(preview: Preview) -> str:
    """What is asked before the changes are made."""
    if preview.diff.empty:
        moves = [f"{control} {plural(len(names), 'VM')}" for control, names in preview.power.items()]
        moves += [f"run {plural(len(preview.actions), 'action')}"] if preview.actions else []
        return f"{' and '.join(moves)}?"
    replaced, deleted = machines(preview, Op.REPLACE), machines(preview, Op.DELETE)
    if replaced or deleted:
        running = plural(preview.diff.vms_before, "running VM")
        return f"this REPLACES {replaced} and DELETES {deleted} of {running}. Continue?"
    created, updated = machines(preview, Op.CREATE), machines(preview, Op.UPDATE)
    parts = [
        f"{verb} {plural(count, 'VM')}" for verb, count in (("create", created), ("update", updated)) if count
    ]
    return f"{' and '.join(parts) or 'change ' + plural(len(preview.diff.changes), 'resource')}?"


def down_question(asked: DownQuestion) -> str:
    """What is asked before everything is deleted."""
    if asked.type_name:
        return f"this deletes {_machines(asked)}. Type the name of the MCIS ({mcis_name(asked)}) to go on:"
    return f"delete {_machines(asked)}?"


def _machines(asked: DownQuestion) -> str:
    count = len(asked.vms)
    return (
        f"{plural(count, 'VM')} and {'its' if count == 1 else 'their'} disks"
        if count
        else f"what is left of {asked.stack}"
    )


def mcis_name(asked: DownQuestion) -> str:
    """The MCIS's own name, without the environment."""
    return asked.stack.partition(".")[0]
