"""What single clouds cannot carry of a manifest, five numbers for each; the clouds themselves say it."""

from __future__ import annotations

from mcis_iac.manifest.stories.code import Code
from mcis_iac.model import Severity

LOCAL = {
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
}

AWS = {
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
}

GCP = {
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
    "MCIS280": Code(
        "over a limit of gcp",
        """
        A resource of Google Cloud has at most 64 labels, those among them that mcis finds it by
        (`mcis`, `mcis-namespace`, `mcis-env`, `mcis-group`, `mcis-vm`). Use fewer of your own.
        """,
    ),
}

AZURE = {
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
        A resource of Azure has at most 50 tags (labels are tags) of limited length. A security group has
        at most 1,000 rules (each range of ports has one for addresses and one for each group that may
        come in) with 4,000 addresses, one for each VM of another network, region or cloud. A VM has at
        most 64 data disks, and disks of type fast (Premium SSD) only with sizes that have an s in their
        name, such as Standard_D2s_v5. Sizes of the B series are not sold as spot.
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
}

OPENSTACK = {
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
        hardware token (`sk-...`) are none of these. Labels become metadata of a server, which takes 128
        items, those among them that mcis finds it by (`mcis`, `mcis-namespace`, `mcis-env`,
        `mcis-group`, `mcis-vm`). A network that is there already is named by ids:

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
