"""The verbs: where each lives, what it is for. `mcis --help` reads this table and loads none of them."""

from __future__ import annotations

from typing import NamedTuple


class Verb(NamedTuple):
    """One verb; `alias` is what other tools call it."""

    name: str
    section: str
    summary: str
    alias: str = ""


SECTIONS = {
    "write": "write a manifest (offline)",
    "change": "see and make changes",
    "look": "look at what exists",
    "act": "act on it",
    "repair": "set up and repair",
}

VERBS = (
    Verb("init", "write", "Write a first manifest into a folder."),
    Verb("validate", "write", "Check a manifest and report every problem at its place."),
    Verb("explain", "write", "Explain a diagnostic code or a field of the manifest."),
    Verb("render", "write", "Print the resources a manifest stands for."),
    Verb("preview", "change", "Show what `up` would change; change nothing.", "plan"),
    Verb("up", "change", "Make what the manifest describes exist.", "apply"),
    Verb("scale", "change", "Change how many VMs groups have, in the manifest and for real."),
    Verb("replace", "change", "Make VMs anew, with the same names."),
    Verb("heal", "change", "Make the VMs that failed anew."),
    Verb("refresh", "change", "Read what really exists into the state."),
    Verb("down", "change", "Delete everything of an MCIS.", "destroy"),
    Verb("terminate", "change", "Delete VMs by name, or everything."),
    Verb("status", "look", "Show every VM and how it is."),
    Verb("history", "look", "List what was done, by whom and with which result."),
    Verb("known-hosts", "look", "Print the host keys of all VMs, or read them from a file."),
    Verb("outputs", "look", "Print the outputs of an MCIS: addresses, users, ids."),
    Verb("exec", "act", "Run a command on all VMs, or on some, at once."),
    Verb("run", "act", "Run actions of the manifest again, or on some VMs only."),
    Verb("cp", "act", "Copy files to VMs or from them."),
    Verb("ssh", "act", "Log in to one VM with the system's ssh."),
    Verb("suspend", "act", "Stop VMs; disks and names stay.", "stop"),
    Verb("resume", "act", "Start suspended VMs and read their addresses again.", "start"),
    Verb("reboot", "act", "Restart VMs where they are."),
    Verb("doctor", "repair", "Check the engine, the plugins and this machine."),
    Verb("eject", "repair", "Write the MCIS as an ordinary Pulumi program, to go on without this tool."),
    Verb("completion", "repair", "Print the completion script of a shell."),
)

BY_NAME = {verb.name: verb for verb in VERBS}
ALIASES = {verb.alias: verb.name for verb in VERBS if verb.alias}


def markdown() -> str:
    """The table of verbs in this folder's README."""
    rows = [
        f"| `{verb.name}`{f' (`{verb.alias}`)' if verb.alias else ''} | {verb.summary} |" for verb in VERBS
    ]
    return "\n".join(["| verb | does |", "|---|---|", *rows]) + "\n"
