"""What is wrong with the meaning of a manifest, whatever cloud it is for: 201 to 232."""

from __future__ import annotations

from mcis_iac.manifest.stories.code import Code
from mcis_iac.model import Severity

MEANING = {
    "MCIS201": Code(
        "unknown group",
        """
        A firewall rule lets in `group:NAME`, or a group is reached `via` another one, but there is no
        such group. After overlays are merged, a group may also have been removed by a `null`.
        """,
    ),
    "MCIS202": Code(
        "unknown firewall",
        """
        A group names a firewall that `firewalls` does not define. Without `firewall`, a group lets in
        SSH from the address that runs mcis and everything from the other VMs of the MCIS.
        """,
    ),
    "MCIS203": Code(
        "unknown network",
        """
        A group names a network that `networks` does not define. Without any `networks` there is one,
        called `main`.
        """,
    ),
    "MCIS204": Code(
        "unknown key",
        """
        A group names a login key that `keys` does not define. Without `keys`, one is generated for the
        MCIS; it can be named explicitly as `generated`.
        """,
    ),
    "MCIS205": Code(
        "unknown image",
        """
        A group names an image that is neither built in (ubuntu-22.04, ubuntu-24.04, debian-12,
        rocky-9) nor defined in `images`.
        """,
    ),
    "MCIS206": Code(
        "unknown connection",
        """
        A placement names a connection that `connections` does not define. A cloud needs no entry: with
        `cloud: local` its own default credentials are used.
        """,
    ),
    "MCIS207": Code(
        "connection is ambiguous",
        """
        `cloud: NAME` means the connection called like the cloud, else the only connection of that
        cloud. Here there are several and none has the cloud's name: say which, with `connection:`.
        """,
    ),
    "MCIS208": Code(
        "overlay not found",
        """
        `-e NAME` merges the file `NAME.yaml` that lies beside the manifest. There is none, or it cannot
        be read.
        """,
    ),
    "MCIS209": Code(
        "name is taken",
        """
        VMs are called `<group>-<number>` and `all` means every VM, so no group may be called `all`, nor
        like a VM of another group: beside `web`, a group `web-1` would be the same name for two things.
        """,
    ),
    "MCIS210": Code(
        "image has no entry for this cloud",
        """
        An image of your own says, per cloud, how that cloud names it. A group is placed in a cloud for
        which its image has no entry.
        """,
    ),
    "MCIS211": Code(
        "not an address range",
        """
        A range is an IPv4 network in CIDR form: the first address and the number of fixed bits, as in
        `10.20.0.0/16`. A single address is `198.51.100.7/32`.
        """,
    ),
    "MCIS212": Code(
        "networks overlap",
        """
        Two networks share addresses. The VMs of one MCIS reach each other by private address, across
        networks and clouds, so every range must be distinct. Leave `cidr` out and mcis chooses.
        """,
    ),
    "MCIS213": Code(
        "network too small",
        """
        A network's range is cut into a block for every connection and region its groups use, and each
        of those into a part per zone. A block is a /20 where there is room; a small range is cut into
        up to 16 smaller blocks, none smaller than a /26. So one region needs a /26, two a /25, up to
        16 a /22, and more than 16 a /15 or larger.
        """,
    ),
    "MCIS214": Code(
        "port out of range",
        """
        Ports go from 1 to 65535; a range is written `8000-8100`, the lower one first. Leave `ports` out
        to let in all ports of the protocol.
        """,
    ),
    "MCIS215": Code(
        "protocol has no ports",
        """
        Ports belong to `tcp` and `udp`. A rule for `icmp` or `all` has none: leave `ports` out, or name the
        protocol that is meant.
        """,
    ),
    "MCIS216": Code(
        "mount point used twice",
        """
        Two disks of one group are mounted at the same folder; the second would hide the first.
        """,
    ),
    "MCIS217": Code(
        "unusable mount point",
        """
        A mount point is an absolute path inside the VM, below the root and without `.` or `..`.
        """,
    ),
    "MCIS218": Code(
        "disk name used twice",
        """
        Disks of a group are told apart by name, also after their order changed. Each needs its own.
        """,
    ),
    "MCIS219": Code(
        "unusable key file",
        """
        The file named by `public_key_file`, or the text of `public_key`, is not one line of an OpenSSH
        public key (`ssh-ed25519 AAAA... comment`), or it cannot be read. The private half never
        belongs into a manifest.
        """,
    ),
    "MCIS220": Code(
        "key file is not on this machine",
        """
        The file named by `public_key_file` does not exist here. That is only a warning: the lock
        remembers the public key once an `up` has run somewhere, so a checkout without the file can
        still preview and apply. Logging in needs the private key, of course.
        """,
        Severity.WARNING,
    ),
    "MCIS221": Code(
        "network must be named",
        """
        There are several networks and none is called `main`, so a group has to say which one it is in.
        """,
    ),
    "MCIS222": Code(
        "label is reserved",
        """
        Labels `mcis` and `mcis-...` are set by mcis itself on everything that it creates; by them it
        finds its resources again.
        """,
    ),
    "MCIS223": Code(
        "unusable private key",
        """
        mcis logs in with `private_key_file`; left out, it is the path of `public_key_file` without
        `.pub`, or nothing with `agent: true`. It is not the public key file itself.
        """,
    ),
    "MCIS224": Code(
        "one credential for two connections",
        """
        Connections are different accounts, and `env` says which of your variables stands in for one
        that a cloud's tools read. Here one variable stands for two things: for different variables, or
        for the same one in two connections that nothing else tells apart, so that both would be the
        same account under two names. That is mostly a line that was copied.

            connections:
              shop: {cloud: aws, env: {AWS_ACCESS_KEY_ID: SHOP_ID, AWS_SECRET_ACCESS_KEY: SHOP_KEY}}
              labs: {cloud: aws, env: {AWS_ACCESS_KEY_ID: LABS_ID, AWS_SECRET_ACCESS_KEY: LABS_KEY}}

        The same credentials may well be used twice where a role, a project or a subscription makes the
        difference.
        """,
    ),
    "MCIS225": Code(
        "unusable existing network",
        """
        `existing` names networks that are there already, by connection and region, in the words of that
        connection's cloud. The local cloud has no networks but those mcis makes.

            networks:
              main: {existing: {aws: {ap-northeast-2: {vpc: vpc-0abc, subnets: {a: subnet-0abc}}}}}
        """,
    ),
    "MCIS226": Code(
        "two connections to one account",
        """
        Nothing tells these connections apart: both use the same credentials of the same cloud. Regions
        and zones belong to `placement`, so one connection is enough. For another account, say where its
        credentials are, for instance with a `profile` or with `env`.
        """,
        Severity.WARNING,
    ),
    "MCIS227": Code(
        "jump hosts in a circle",
        """
        `via: GROUP` says that SSH goes through a VM of that group. Followed from group to group the way
        must end at one that is reached directly; here it comes back to where it began.
        """,
    ),
    "MCIS228": Code(
        "jump host without a public address",
        """
        SSH goes through the first running VM of the group that `via` names, so its VMs must be
        reachable: give them public addresses (leave out `public_ip: false`), or give that group a `via`
        of its own. Its firewall has to let in port 22 from `me`, and the group behind it port 22 from it.
        """,
    ),
    "MCIS229": Code(
        "group was not called that",
        """
        `formerly` says what a group was called before it was renamed, so that its VMs, their state and
        their entries in the lock stay with it. The old name must be gone from the manifest, and only
        one group can take it over. Names are not exchanged in one step: give one of the groups a third
        name first. Once `up` has run, `formerly` can be taken out again.
        """,
    ),
    "MCIS230": Code(
        "group cannot be called that",
        """
        A renamed group keeps its VMs, and inside their cloud everything keeps the name it was made
        under, because most clouds cannot rename it. While that group has VMs, no other group can have
        that name; nor can a group take over the VMs of another one when it has VMs of its own.
        """,
    ),
    "MCIS231": Code(
        "open to the whole internet",
        """
        A firewall lets the whole internet reach SSH (port 22) of VMs with a public address. Login is by
        key only, yet such a port is scanned within minutes. `from: [me]` is the address that runs
        mcis, `from: [mcis]` the other VMs of the MCIS.
        """,
        Severity.WARNING,
    ),
    "MCIS232": Code(
        "credentials in the manifest",
        """
        The backend URL carries a password, and the manifest is meant for Git. Put the URL into the
        environment variable MCIS_BACKEND instead; it wins over `backend`.
        """,
        Severity.WARNING,
    ),
    "MCIS233": Code(
        "invalid template",
        """
        The texts of an action are templates (jinja2) over the whole MCIS, and this one is not one, or
        names what does not exist. Known are `vm` (the VM it is rendered for), `vms['web-1']`,
        `groups.web[0]`, `select('role=web')`, `pick(['a', 'b'])`, `mcis.name`, `namespace` and `range`.
        `{{ value | sh }}` quotes a value for the shell. Literal braces are written
        `{% raw %}{{ so }}{% endraw %}`.
        """,
    ),
    "MCIS234": Code(
        "unusable template file",
        """
        The file of a `template` has to lie in the manifest's folder or below it, be UTF-8 text and at
        most 1 MiB long: what an action does shall be in Git beside the manifest. A relative path
        starts beside the manifest.
        """,
    ),
    "MCIS235": Code(
        "action for nobody",
        """
        `on` says which VMs an action is for: `all`, a group, a VM such as `web-1`, a list of these, or
        `{labels: {role: front}}` for the groups that carry all those labels. What is named here does
        not exist, or no group carries the labels.
        """,
    ),
    "MCIS236": Code(
        "action name used twice",
        """
        Every action has a name of its own: `mcis run NAME` runs it, and the record keeps by that name
        where it has succeeded.
        """,
    ),
}
