"""What is wrong with where things are to be: regions, types, address ranges: 240 to 249, and 290."""

from __future__ import annotations

from mcis_iac.manifest.stories.code import Code

PLACES = {
    "MCIS240": Code(
        "unknown region",
        """
        The cloud has no region of this name. The note lists those it has, as the cloud itself writes
        them: regions are never translated.
        """,
    ),
    "MCIS241": Code(
        "unknown zone",
        """
        The region has no zone of this name. Without `zone`, VMs take the region's zones in turn, which
        is what most groups want. Where mcis does not know the zones of a region, because they are not
        the same for everybody, one has to be pinned.
        """,
    ),
    "MCIS242": Code(
        "unknown type",
        """
        The cloud has no instance type of this name. Without `type`, a VM gets the cloud's small default.

        Of some clouds mcis knows the usual types only. Then this is a warning: what the cloud really
        sells is found out when VMs are made, and `mcis doctor` asks before.
        """,
    ),
    "MCIS243": Code(
        "image not available on this cloud",
        """
        The cloud has no image of this name and `images` does not say what it is called there. Add an
        entry for the cloud, or choose another image.
        """,
    ),
    "MCIS244": Code(
        "no such VM",
        """
        A VM was named (for instance with `--remove`) that this MCIS does not have. VMs are called after
        their group and a number that is never used again: after web-2 is gone, the next one is web-3.
        """,
    ),
    "MCIS245": Code(
        "no public key",
        """
        A group's login key has its public half in a file that is not on this machine, and the lock does
        not have it either, because no `up` has run yet. Run the first `up` where the file is.
        """,
    ),
    "MCIS246": Code(
        "network too small",
        """
        The network's range has no block left for a region that needs one, or a subnet in it has fewer
        addresses than VMs: a region gets a /20 at most, of which a zone of AWS has a 16th. Blocks
        already given are in the lock and do not move under running VMs. Use a larger `cidr`, leave it
        out, or place some of the VMs elsewhere.
        """,
    ),
    "MCIS247": Code(
        "image not found",
        """
        The cloud was asked and has no such image in that region for the processor of the instance
        type. Operators remove old images and give theirs their own names: look up what is there and
        name it under `images`. What was found is kept in the lock, so each image is asked for once.
        """,
    ),
    "MCIS248": Code(
        "no spot VMs on this cloud",
        """
        Spot VMs are cheaper because the cloud may take them back. This cloud does not sell any: leave
        `spot` out, or place the group elsewhere.
        """,
    ),
    "MCIS249": Code(
        "the lock file is not valid",
        """
        The lock says which VMs there are and where; misread, it would replace them. It is written by
        mcis and need not be edited. After a merge conflict take one side whole and run `mcis up`,
        or restore the file from Git.
        """,
    ),
    "MCIS290": Code(
        "resource does not fit its provider",
        """
        With `--types` every resource is compared with the typed package of its cloud: inputs it does not
        know, values of another type, inputs that are missing, outputs it does not have. What the
        manifest says in a cloud's own words (an image, a network that is there already) may be the
        cause; otherwise it is a mistake in mcis, and worth a report.
        """,
    ),
}
