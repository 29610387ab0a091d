"""The catalogue of diagnostics: what each code means and what to do about it.

Codes are stable: a number is never given another meaning. 1xx is syntax and shape, 2xx meaning.
The summary is constant text; the story is what `mcis explain CODE` prints.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent

from mcis_iac.model import Severity


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of problem."""

    summary: str
    text: str
    severity: Severity = Severity.ERROR

    @property
    def story(self) -> str:
        """The long text, without the indentation it has here (most runs never ask for it)."""
        return dedent(self.text).strip()


SYNTAX = {
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

MEANING = {
    "MCIS201": Code(
        "unknown group",
        """
        A firewall rule lets in `group:NAME`, but there is no such group. After overlays are merged, a
        group may also have been removed by a `null`.
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
}

# Said by the stages that know a cloud and the lock; the words at the place are theirs.
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
        is what most groups want.
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
        The network's range has no block left for a region that needs one. Blocks already given are in
        the lock and do not move under running VMs. Use a larger `cidr`, or leave it out.
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
    "MCIS250": Code(
        "no service manager on the local cloud",
        """
        A VM of the local cloud runs sshd and nothing else: there is no systemd, so `systemctl` and its
        like fail. Start a service from an executable /etc/rc.local, which runs at every start.
        """,
        Severity.WARNING,
    ),
    "MCIS251": Code(
        "image cannot be used on the local cloud",
        """
        On the local cloud an image is the host's own system (`host: true`) or a folder with a root file
        system (`dir: PATH`). The folder has to exist on this machine; a relative path starts at the
        manifest.
        """,
    ),
    "MCIS252": Code(
        "firewall source on another cloud",
        """
        A firewall of a group on the local cloud lets in a group that is on another cloud. The local
        cloud cannot see the members of that group, so the rule lets in nobody. Name their addresses
        as a range instead.
        """,
        Severity.WARNING,
    ),
    "MCIS260": Code(
        "too much for the first boot on AWS",
        """
        What a VM does at its first boot travels as user data, of which AWS takes 16,384 bytes: the
        group's `setup`, the login and the machine's own SSH key together. Bring large files with an
        action, or let a command in `run` fetch them.
        """,
    ),
    "MCIS261": Code(
        "kind of key not accepted by AWS",
        """
        AWS takes RSA and ED25519 keys as login keys and refuses the other kinds, those on security keys
        (`sk-...`) among them. A key made with `ssh-keygen -t ed25519` is taken by every cloud.
        """,
    ),
    "MCIS262": Code(
        "over a limit of AWS",
        """
        A security group takes 60 rules: each range of ports and each source is one, and each VM outside
        the VPC is a source of its own, since only its address is known there. A resource takes 50 tags
        with 128 characters in the name and 256 in the value; data disks need a type that tells which
        volume is which. What is cut or written with other characters is a warning.
        """,
    ),
    "MCIS263": Code(
        "existing network not usable",
        """
        An existing network on AWS is a VPC with a subnet for each zone that VMs go to, as in
        `{vpc: vpc-0abc, subnets: {a: subnet-0abc, b: subnet-0def}}`. A list is enough for a single
        subnet, with the zone of the group pinned.
        """,
    ),
    "MCIS264": Code(
        "firewall source without a public address",
        """
        A firewall on AWS lets in a group outside the VPC that has no public addresses. Regions and
        clouds have no private way to each other, so packets of that group come from other addresses
        than those in the rule. Give it a `public_ip`, or connect the networks with a vpn service.
        """,
        Severity.WARNING,
    ),
    "MCIS265": Code(
        "first-boot instructions too large for gcp",
        """
        What a VM of Google Cloud does at its first boot (`setup`) travels as one metadata value, which
        has at most 256 KiB, with what mcis adds for the login, the host key and the disks. Fetch large
        files in `run`, or copy them once the VMs are up.
        """,
    ),
    "MCIS266": Code(
        "firewall source cannot be named on gcp",
        """
        Google Cloud names the members of a group by a tag, which works inside one network of one
        project. Members elsewhere are let in by their public addresses, at most 5,000 of them. One
        without a public address comes from a gateway whose address nobody knows before: give it one,
        or connect the networks, because then its private address, which is let in, is the right one.
        """,
    ),
    "MCIS267": Code(
        "disk size not possible on gcp",
        """
        A disk of Google Cloud has 10 GiB at least and 64 TiB at most. Without a size, the boot disk is
        as large as the image wants it.
        """,
    ),
    "MCIS268": Code(
        "image cannot be used on gcp",
        """
        An image of your own is, on Google Cloud, the newest of a family or one image, of the
        connection's project unless another is named:

            images:
              base:
                gcp: {family: web-base, project: shop-images}

        or `{name: web-base-v7}`, or `{id: projects/shop-images/global/images/web-base-v7}`. Its VMs run
        `setup` through Google's guest agent; `cloud_init: true` says that the image has cloud-init.
        """,
    ),
    "MCIS269": Code(
        "existing network is not named",
        """
        A network that is there already is named per region by `network`. `subnetwork` is needed where
        it is not called like the network, `project` where it belongs to another project:

            networks:
              office:
                existing: {gcp: {asia-northeast3: {network: corp, subnetwork: corp-seoul, project: hub}}}
        """,
    ),
    "MCIS270": Code(
        "too much for the first boot on Azure",
        """
        What a VM of Azure does at its first boot (`setup`) travels as its custom data, which has at most
        65,535 bytes, with what mcis adds for the login, the host key and the disks. Fetch large files in
        `run`, or copy them once the VMs are up.
        """,
    ),
    "MCIS271": Code(
        "login not accepted by Azure",
        """
        Azure makes no user of certain names (admin, root, test, user, guest, console and the like) and
        takes no login keys but ed25519 and RSA of 2,048 bits or more. Without `user` it is called mcis.
        """,
    ),
    "MCIS272": Code(
        "over a limit of Azure",
        """
        A resource of Azure has at most 50 tags (labels are tags) of limited length; the rules of a
        security group have at most 4,000 addresses, one for each VM of another network, region or cloud
        that may come in; a VM has at most 64 data disks, and disks of type fast (Premium SSD) only with
        sizes that have an s in their name, such as Standard_D2s_v5. Sizes of the B series are not sold
        as spot.
        """,
    ),
    "MCIS273": Code(
        "not named as Azure needs it",
        """
        An image of your own is a URN or a resource id; `plan: true` where it is sold with a plan:

            images:
              base: {azure: {urn: "Canonical:ubuntu-24_04-lts:server:latest"}}

        A network that is there already is named by its subnet, whose name needs its surroundings or
        which is a whole resource id; `private_subnet` is for groups without public addresses:

            networks:
              office:
                existing: {azure: {koreacentral: {resource_group: hub, vnet: corp, subnet: servers}}}
        """,
    ),
    "MCIS274": Code(
        "firewall source without a public address",
        """
        Azure knows the members of a group inside one network of one region. Members elsewhere are let in
        by their public addresses. One without a public address comes from a gateway instead, and its
        private address is only right where the networks are connected.
        """,
        Severity.WARNING,
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
    "MCIS275": Code(
        "no external network",
        """
        A machine on OpenStack gets a public address from an external network, which every operator
        calls something else, and its own network reaches the internet through a router into it.
        `openstack network list --external` shows the names; the connection says which one to use:

            connections:
              lab: {cloud: openstack, os_cloud: lab, external_network: public}

        Regions that call it differently have a name each: `external_network: {RegionOne: public}`.
        Without one, `public_ip: false` makes machines that are reached from their own network only.
        """,
    ),
    "MCIS276": Code(
        "setup too large for OpenStack",
        """
        What a machine does at its first boot is handed over as user data, together with its login key
        and its host key. OpenStack takes 65,535 characters of it after base64, which are 49,149 bytes
        of text. Put large files where the machine can fetch them, and fetch them in `setup.run`.
        """,
    ),
    "MCIS277": Code(
        "no spot VMs on OpenStack",
        """
        OpenStack itself has no machines that are cheaper because it may take them back. Leave `spot`
        out for groups on OpenStack.
        """,
    ),
    "MCIS278": Code(
        "not accepted by OpenStack",
        """
        OpenStack refuses a value of the manifest. Key pairs are RSA, ECDSA or Ed25519; keys on a
        hardware token (`sk-...`) are none of these. A network that is there already is named by ids:

            networks:
              office: {existing: {lab: {RegionOne: {network: 3a1c..., subnet: 77fe...}}}}
        """,
    ),
    "MCIS279": Code(
        "firewall source without a public address",
        """
        A firewall of a group on OpenStack lets in a group in another network, region or cloud, and that
        group has no public addresses. Its packets arrive from the address of whatever translates
        them on the way, which is not known here, so the rule that names the private address lets in
        nobody unless the two networks are routed. Give that group public addresses, or name the
        address it leaves its network by as a range.
        """,
        Severity.WARNING,
    ),
}

CODES: dict[str, Code] = SYNTAX | MEANING | PLACES
