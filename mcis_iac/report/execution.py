"""What a command did on many VMs: streamed with names, or folded; and as a JUnit report."""

from __future__ import annotations

from collections.abc import Sequence

from mcis_iac.pipeline import HostResult
from mcis_iac.report.text import clean, folded, paint, plural, seconds

NAME_INKS = ("cyan", "green", "yellow", "magenta")


def output_line(vm: str, line: str, *, color: bool = False) -> str:
    """`web-1: Linux 6.12.9`; the line is the machine's own, without what would steer a terminal."""
    ink = NAME_INKS[sum(vm.encode()) % len(NAME_INKS)]
    return f"{paint(vm, ink, color=color)}: {shown(line)}"


def shown(line: str) -> str:
    """A machine's line for eyes: tabs stay, other control characters and escape sequences go."""
    return "\t".join(map(clean, line.split("\t")))


def ending(result: HostResult) -> str:
    """How it ended, in words; empty for success."""
    if result.error:
        return clean(result.error)
    if result.lost:
        return f"connection lost after {seconds(result.elapsed_s)}"
    if result.exit_status is None:
        return "ended without an exit status"
    return f"exit {result.exit_status}" if result.exit_status else ""


def fold_screen(results: Sequence[HostResult], *, color: bool = False) -> str:
    """Equal output is shown once, with its VMs; the order is that of the first VM of each."""
    alike: dict[tuple[str, str, str], list[HostResult]] = {}
    for result in results:
        # What was waited for differs on every VM; that the connection was lost does not.
        kind = "lost" if result.lost and not result.error else ending(result)
        alike.setdefault((kind, result.stdout, result.stderr), []).append(result)
    lines: list[str] = []
    for same in alike.values():
        head = f"{folded(result.vm for result in same)} ({len(same)}):"
        ended = ending(same[0])
        lines.append(f"{paint(head, 'bold', color=color)} {paint(ended, 'red', color=color)}".rstrip())
        texts = (text.removesuffix("\n") for text in (same[0].stdout, same[0].stderr) if text)
        lines += [f"  {shown(line)}" for text in texts for line in text.split("\n")]
    return "\n".join(lines) + "\n" if lines else ""


def failures(results: Sequence[HostResult], *, color: bool = False) -> list[str]:
    """Who failed and why, one line each."""
    return [
        f"{result.vm}: {paint(ending(result), 'red', color=color)}" for result in results if not result.ok
    ]


def exec_summary(results: Sequence[HostResult], elapsed_s: float) -> str:
    """`6 VMs: 4 ok, 1 failed, 1 lost   6.2s`."""
    lost = sum(result.lost for result in results)
    ok = sum(result.ok for result in results)
    counted = [(ok, "ok"), (len(results) - ok - lost, "failed"), (lost, "lost")]
    parts = ", ".join(f"{count} {word}" for count, word in counted if count)
    return f"{plural(len(results), 'VM')}: {parts or 'none'}   {seconds(elapsed_s)}"


def junit(results: Sequence[HostResult], command: str) -> str:
    """A test case per VM, the way CI systems read it: what failed, what never ran."""
    from xml.etree.ElementTree import Element, SubElement, indent, tostring

    suite = Element("testsuite", name=clean(command), tests=str(len(results)))
    suite.set("failures", str(sum(not r.ok and not (r.lost or r.error) for r in results)))
    suite.set("errors", str(sum(bool(r.lost or r.error) for r in results)))
    for result in results:
        case = SubElement(suite, "testcase", classname=result.group, name=result.vm)
        case.set("time", f"{result.elapsed_s:.3f}")
        if not result.ok:
            kind = "error" if result.lost or result.error else "failure"
            SubElement(case, kind, message=ending(result))
        for stream, text in (("system-out", result.stdout), ("system-err", result.stderr)):
            if text:
                SubElement(case, stream).text = "\n".join(map(clean, text.splitlines()))
    indent(suite)
    return tostring(suite, encoding="unicode", xml_declaration=False) + "\n"
