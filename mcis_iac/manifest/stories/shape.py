"""What is wrong with a manifest's text and shape, before its meaning is looked at: 101 and on."""

from __future__ import annotations

from mcis_iac.manifest.stories.code import Code

SHAPE = {
    "MCIS101": Code(
        "unknown field",
        """
        A map has a key that the manifest does not know. Most often it is a typing mistake, or a field
        one level too deep or too high: the indentation decides whose field it is.

        Nothing is ignored silently, because a misspelt `cuont: 3` would otherwise bring up one VM.
        Keys of your own, for instance to hang YAML anchors on, start with `x-`:

            x-small: &small {cloud: local, region: local-seoul, type: small}

        `mcis explain groups.web` lists the fields of a group.
        """,
    ),
    "MCIS102": Code(
        "missing field",
        """
        Something that has no default is not there. A manifest needs `version`, `name` and `groups`; a
        group needs a `placement` that names a cloud (or connection) and a region, its own or one
        from `defaults`:

            groups:
              web:
                count: 3
                placement: {cloud: local, region: local-seoul}
        """,
    ),
    "MCIS103": Code(
        "unknown value",
        """
        The field takes one of a few words, and this is none of them. The note lists them. YAML 1.2
        rules apply: only `true` and `false` are truth values; `yes`, `no` and `on` are text.
        """,
    ),
    "MCIS104": Code(
        "duplicate key",
        """
        The same key stands twice in one map. Most YAML readers silently keep the last one, so half of
        what was written would be lost. Both bodies are checked all the same, so that no problem waits
        for the next run. Rename one of them, or merge the two.
        """,
    ),
    "MCIS105": Code(
        "wrong type",
        """
        The value is of another kind than the field takes: text instead of a number, a list instead of
        a map, nothing at all. A number that is meant as text needs quotes, as in `mode: "0644"`;
        a single item of a list still needs its brackets, as in `from: [anywhere]`.
        """,
    ),
    "MCIS106": Code(
        "not valid YAML",
        """
        The text cannot be read as YAML at all. The caret stands where the reader gave up; the mistake
        is there or shortly before: a bracket or quote that is never closed, a tab in the
        indentation, a `: ` inside unquoted text. Other files of the same run are still checked.
        """,
    ),
    "MCIS107": Code(
        "not a text file",
        """
        A manifest is UTF-8 text without control characters. This one has other bytes: it was saved in
        another encoding, or it is not a manifest.
        """,
    ),
    "MCIS108": Code(
        "more than one document",
        """
        A manifest is one YAML document; here a second one starts (`---`). Variants of a manifest go
        into overlays: `mcis up -e prod` merges `prod.yaml` over it.
        """,
    ),
    "MCIS109": Code(
        "unusable alias",
        """
        An alias (`*name`) has no anchor (`&name`) before it in the same file, or it stands inside the
        very thing it repeats. Anchors do not reach from one file into another.
        """,
    ),
    "MCIS110": Code(
        "too large",
        """
        The file, its nesting or what its aliases expand to is far beyond any real manifest: 1 MiB of
        text, 100 levels, 100,000 values. A few aliases of aliases can stand for billions of values,
        which is why the limit counts what they expand to.
        """,
    ),
    "MCIS111": Code(
        "unusable tag",
        """
        A YAML tag (`!name`) asks for a type that a manifest does not have, or that the value is not
        of. Only `!!str`, `!!int`, `!!float`, `!!bool`, `!!null`, `!!map` and `!!seq` are known.
        """,
    ),
    "MCIS112": Code(
        "unusable merge key",
        """
        A merge key (`<<`) takes one map or a list of maps, usually through aliases:

            web: {<<: *small, count: 3}
        """,
    ),
    "MCIS113": Code(
        "malformed value",
        """
        The text does not have the form the field asks for. Sizes are written with their unit
        (`30GiB`, `1TiB`), file modes as quoted octal text (`"0644"`), paths inside a VM start with
        a slash, a backend is a URL. The label beside the caret says what was expected.
        """,
    ),
    "MCIS114": Code(
        "out of range",
        """
        The number, the length of the text or the number of items lies outside what the field allows.
        A group has 0 to 10,000 VMs; lists that would mean nothing when empty need one item.
        """,
    ),
    "MCIS115": Code(
        "bad name",
        """
        Names (namespace, MCIS, environment, groups, networks, firewalls, ...) become parts of names in
        every cloud, so they keep to what all clouds allow: lower-case letters, digits and `-`, first a
        letter, last no `-`, at most 32 characters.
        """,
    ),
    "MCIS116": Code(
        "key is not text",
        """
        A key of a map is itself a list or a map. YAML allows it, a manifest has no use for it. Often
        it is a template placeholder like `{{ name }}` that needs quotes.
        """,
    ),
    "MCIS117": Code(
        "fields exclude each other",
        """
        Two fields say the same thing in different ways, and only one of them can be meant: a placement
        names a `cloud` or a `connection`, a key has a `public_key_file` or a `public_key`, a local
        image is the `host` or a `dir`. Remove one.
        """,
    ),
    "MCIS118": Code(
        "unusable --set",
        """
        `--set PATH=VALUE` takes a dotted path through maps and a YAML scalar, a list in brackets or a
        map in braces. A list is replaced as a whole; `null` removes the field.

            mcis up --set groups.web.count=5 --set 'groups.web.setup.packages=[nginx]'
        """,
    ),
}
