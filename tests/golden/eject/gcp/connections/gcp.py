"""Connection gcp: what its machines share, then a function per group."""

import pulumi
import pulumi_gcp as gcp

from common import boot, host_key, inventory, members, unique

TAGS = {"team": "x", "mcis": "shop", "mcis-namespace": "default", "mcis-env": "prod"}

# The typed class would also take settings from the environment of whoever runs this.
provider = pulumi.ProviderResource(
    "gcp",
    "provider/gcp",
    {"addPulumiAttributionLabel": "false", "project": "shop-project"},
    opts=pulumi.ResourceOptions(version="10.2.0", additional_secret_outputs=["accessToken"]),
)
network = gcp.compute.Network(
    "net/main/gcp/global",
    name="shop-net-main-gcp-global-5ba1e8",
    auto_create_subnetworks=False,
    routing_mode="REGIONAL",
    description="mcis=shop mcis-namespace=default mcis-env=prod",
    opts=pulumi.ResourceOptions(provider=provider, delete_before_replace=True),
)
subnetwork_africa_south1 = gcp.compute.Subnetwork(
    "subnet/main/gcp/africa-south1",
    name="shop-subnet-main-gcp-africa-south1-1774e2",
    network=network.id,
    region="africa-south1",
    ip_cidr_range="10.32.0.0/20",
    description="mcis=shop mcis-namespace=default mcis-env=prod",
    opts=pulumi.ResourceOptions(provider=provider, delete_before_replace=True),
)
subnetwork_us_west4 = gcp.compute.Subnetwork(
    "subnet/main/gcp/us-west4",
    name="shop-subnet-main-gcp-us-west4-39d050",
    network=network.id,
    region="us-west4",
    ip_cidr_range="10.32.16.0/20",
    description="mcis=shop mcis-namespace=default mcis-env=prod",
    opts=pulumi.ResourceOptions(provider=provider, delete_before_replace=True),
)
router = gcp.compute.Router(
    "router/main/gcp/us-west4",
    name="shop-router-main-gcp-us-west4-509a6b",
    network=network.id,
    region="us-west4",
    description="mcis=shop mcis-namespace=default mcis-env=prod",
    opts=pulumi.ResourceOptions(provider=provider, delete_before_replace=True),
)
router_nat = gcp.compute.RouterNat(
    "nat/main/gcp/us-west4",
    name="shop-nat-main-gcp-us-west4-992785",
    router=router.name,
    region="us-west4",
    nat_ip_allocate_option="AUTO_ONLY",
    source_subnetwork_ip_ranges_to_nat="ALL_SUBNETWORKS_ALL_IP_RANGES",
    opts=pulumi.ResourceOptions(provider=provider, delete_before_replace=True),
)

# Group web
for name, protocol, ports, source_ranges in (
    ("198.51.100.0%2F24", "udp", "8000-8100", "198.51.100.0/24"),
    ("me", "tcp", "22", "203.0.113.7/32"),
):
    gcp.compute.Firewall(
        f"rule/web/gcp/global/{name}",
        name=unique(f"rule/web/gcp/global/{name}"),
        network=network.id,
        direction="INGRESS",
        priority=1000,
        allows=[{"protocol": protocol, "ports": [ports]}],
        target_tags=["shop-sg-web-gcp-global-21406b"],
        description="mcis=shop mcis-namespace=default mcis-env=prod",
        source_ranges=[source_ranges],
        opts=pulumi.ResourceOptions(provider=provider, delete_before_replace=True),
    )
gcp.compute.Firewall(
    "rule/web/gcp/global/anywhere",
    name="shop-rule-web-gcp-global-anywhere-8c259f",
    network=network.id,
    direction="INGRESS",
    priority=1000,
    allows=[{"protocol": "tcp", "ports": ["80"]}, {"protocol": "tcp", "ports": ["443"]}],
    target_tags=["shop-sg-web-gcp-global-21406b"],
    description="mcis=shop mcis-namespace=default mcis-env=prod",
    source_ranges=["0.0.0.0/0"],
    opts=pulumi.ResourceOptions(provider=provider, delete_before_replace=True),
)
gcp.compute.Firewall(
    "rule/web/gcp/global/group:api",
    name="shop-rule-web-gcp-global-group-api-88a6e0",
    network=network.id,
    direction="INGRESS",
    priority=1000,
    allows=[{"protocol": "tcp", "ports": ["5432"]}],
    target_tags=["shop-sg-web-gcp-global-21406b"],
    description="mcis=shop mcis-namespace=default mcis-env=prod",
    source_tags=["shop-sg-api-gcp-global-4e0e4c"],
    opts=pulumi.ResourceOptions(provider=provider, delete_before_replace=True),
)
gcp.compute.Firewall(
    "rule/web/gcp/global/mcis",
    name="shop-rule-web-gcp-global-mcis-d3e866",
    network=network.id,
    direction="INGRESS",
    priority=1000,
    allows=[{"protocol": "icmp"}, {"protocol": "tcp", "ports": ["5432"]}],
    target_tags=["shop-sg-web-gcp-global-21406b"],
    description="mcis=shop mcis-namespace=default mcis-env=prod",
    source_tags=["shop-net-main-gcp-global-5ba1e8"],
    opts=pulumi.ResourceOptions(provider=provider, delete_before_replace=True),
)

# Group api
gcp.compute.Firewall(
    "rule/api/gcp/global/mcis",
    name="shop-rule-api-gcp-global-mcis-424aa6",
    network=network.id,
    direction="INGRESS",
    priority=1000,
    allows=[{"protocol": "all"}],
    target_tags=["shop-sg-api-gcp-global-4e0e4c"],
    description="mcis=shop mcis-namespace=default mcis-env=prod",
    source_tags=["shop-net-main-gcp-global-5ba1e8"],
    opts=pulumi.ResourceOptions(provider=provider, delete_before_replace=True),
)
gcp.compute.Firewall(
    "rule/api/gcp/global/me",
    name="shop-rule-api-gcp-global-me-96cb02",
    network=network.id,
    direction="INGRESS",
    priority=1000,
    allows=[{"protocol": "tcp", "ports": ["22"]}],
    target_tags=["shop-sg-api-gcp-global-4e0e4c"],
    description="mcis=shop mcis-namespace=default mcis-env=prod",
    source_ranges=["203.0.113.7/32"],
    opts=pulumi.ResourceOptions(provider=provider, delete_before_replace=True),
)

# Group db
gcp.compute.Firewall(
    "rule/db/gcp/global/mcis",
    name="shop-rule-db-gcp-global-mcis-0a7aa8",
    network=network.id,
    direction="INGRESS",
    priority=1000,
    allows=[{"protocol": "all"}],
    target_tags=["shop-sg-db-gcp-global-3aa3a7"],
    description="mcis=shop mcis-namespace=default mcis-env=prod",
    source_tags=["shop-net-main-gcp-global-5ba1e8"],
    opts=pulumi.ResourceOptions(provider=provider, delete_before_replace=True),
)
gcp.compute.Firewall(
    "rule/db/gcp/global/me",
    name="shop-rule-db-gcp-global-me-f3a005",
    network=network.id,
    direction="INGRESS",
    priority=1000,
    allows=[{"protocol": "tcp", "ports": ["22"]}],
    target_tags=["shop-sg-db-gcp-global-3aa3a7"],
    description="mcis=shop mcis-namespace=default mcis-env=prod",
    source_ranges=["203.0.113.7/32"],
    opts=pulumi.ResourceOptions(provider=provider, delete_before_replace=True),
)


def web() -> None:
    """The machines of group web and what belongs to each of them."""
    zones = ("a", "b", "c")
    host_keys = {
        1: "ssh-ed25519 AAAAweb-1",
        2: "ssh-ed25519 AAAAweb-2",
        3: "ssh-ed25519 AAAAweb-3",
    }
    for n in members("web"):
        vm = f"web-{n}"
        zone = zones[(n - 1) % len(zones)]
        host_public = host_keys.get(n)
        instance = gcp.compute.Instance(
            vm,
            name=unique(vm),
            zone=pulumi.Output.concat(subnetwork_africa_south1.region, f"-{zone}"),
            machine_type="e2-micro",
            allow_stopping_for_update=True,
            boot_disk={
                "auto_delete": True,
                "initialize_params": {
                    "image": "projects/ubuntu-os-cloud/global/images/ubuntu-2404-noble-amd64-v20260101",
                    "type": "pd-balanced",
                },
            },
            network_interfaces=[
                {
                    "subnetwork": subnetwork_africa_south1.id,
                    "access_configs": [{"network_tier": "PREMIUM"}],
                },
            ],
            metadata={
                "ssh-keys": "mcis:ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB6ZQfAkEGBrzN5vJfA3rFj1uEWqAzwSm2s3jvJq4mY8",
                "enable-oslogin": "FALSE",
                "block-project-ssh-keys": "TRUE",
                "user-data": boot(
                    "web.yaml",
                    vm=vm,
                    host_public=host_public,
                    host_key=host_key(vm),
                ),
            },
            tags=["shop-sg-web-gcp-global-21406b", "shop-net-main-gcp-global-5ba1e8"],
            labels={**TAGS, "a": "b", "mcis-group": "web", "mcis-vm": vm},
            opts=pulumi.ResourceOptions(
                provider=provider,
                ignore_changes=[
                    "bootDisk.initializeParams.image",
                    'metadata["user-data"]',
                    'metadata["startup-script"]',
                    "attached_disks",
                ],
                delete_before_replace=True,
            ),
        )
        inventory[vm] = {
            "group": "web",
            "ordinal": n,
            "connection": "gcp",
            "cloud": "gcp",
            "region": "africa-south1",
            "zone": zone,
            "type": "e2-micro",
            "id": instance.id,
            "private_ip": instance.network_interfaces[0].network_ip,
            "public_ip": instance.network_interfaces[0].access_configs[0].nat_ip,
            "user": "mcis",
            "host_key": host_public,
            "created_at": instance.creation_timestamp,
        }


def api() -> None:
    """The machines of group api and what belongs to each of them."""
    zones = ("a", "b")
    host_keys = {
        1: "ssh-ed25519 AAAAapi-1",
        2: "ssh-ed25519 AAAAapi-2",
    }
    for n in members("api"):
        vm = f"api-{n}"
        zone = zones[(n - 1) % len(zones)]
        host_public = host_keys.get(n)
        disk = gcp.compute.Disk(
            f"disk/{vm}/data",
            name=unique(f"disk/{vm}/data"),
            zone=f"us-west4-{zone}",
            type="pd-balanced",
            size=20,
            labels={**TAGS, "mcis-group": "api", "mcis-vm": vm},
            opts=pulumi.ResourceOptions(provider=provider, delete_before_replace=True),
        )
        instance = gcp.compute.Instance(
            vm,
            name=unique(vm),
            zone=pulumi.Output.concat(subnetwork_us_west4.region, f"-{zone}"),
            machine_type="e2-micro",
            allow_stopping_for_update=True,
            boot_disk={
                "auto_delete": True,
                "initialize_params": {
                    "image": "projects/ubuntu-os-cloud/global/images/ubuntu-2404-noble-amd64-v20260101",
                    "type": "pd-balanced",
                },
            },
            network_interfaces=[{"subnetwork": subnetwork_us_west4.id}],
            metadata={
                "ssh-keys": "mcis:ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB6ZQfAkEGBrzN5vJfA3rFj1uEWqAzwSm2s3jvJq4mY8",
                "enable-oslogin": "FALSE",
                "block-project-ssh-keys": "TRUE",
                "user-data": boot(
                    "api.yaml",
                    vm=vm,
                    host_public=host_public,
                    host_key=host_key(vm),
                ),
            },
            tags=["shop-sg-api-gcp-global-4e0e4c", "shop-net-main-gcp-global-5ba1e8"],
            labels={**TAGS, "mcis-group": "api", "mcis-vm": vm},
            opts=pulumi.ResourceOptions(
                provider=provider,
                depends_on=[router_nat, disk],
                ignore_changes=[
                    "bootDisk.initializeParams.image",
                    'metadata["user-data"]',
                    'metadata["startup-script"]',
                    "attached_disks",
                ],
                delete_before_replace=True,
            ),
        )
        gcp.compute.AttachedDisk(
            f"attach/{vm}/data",
            disk=disk.id,
            instance=instance.id,
            zone=f"us-west4-{zone}",
            device_name="mcis-data",
            mode="READ_WRITE",
            opts=pulumi.ResourceOptions(
                provider=provider,
                deleted_with=instance,
                delete_before_replace=True,
            ),
        )
        inventory[vm] = {
            "group": "api",
            "ordinal": n,
            "connection": "gcp",
            "cloud": "gcp",
            "region": "us-west4",
            "zone": zone,
            "type": "e2-micro",
            "id": instance.id,
            "private_ip": instance.network_interfaces[0].network_ip,
            "public_ip": None,
            "user": "mcis",
            "host_key": host_public,
            "created_at": instance.creation_timestamp,
        }


def db() -> None:
    """The machines of group db and what belongs to each of them."""
    host_keys = {
        1: "ssh-ed25519 AAAAdb-1",
    }
    for n in members("db"):
        vm = f"db-{n}"
        host_public = host_keys.get(n)
        address = gcp.compute.Address(
            f"ip/{vm}",
            name=unique(f"ip/{vm}"),
            region="africa-south1",
            address_type="EXTERNAL",
            network_tier="PREMIUM",
            labels={**TAGS, "mcis-group": "db", "mcis-vm": vm},
            opts=pulumi.ResourceOptions(provider=provider, delete_before_replace=True),
        )
        instance = gcp.compute.Instance(
            vm,
            name=unique(vm),
            zone=pulumi.Output.concat(subnetwork_africa_south1.region, "-a"),
            machine_type="e2-micro",
            allow_stopping_for_update=True,
            boot_disk={
                "auto_delete": True,
                "initialize_params": {
                    "image": "projects/ubuntu-os-cloud/global/images/ubuntu-2404-noble-amd64-v20260101",
                    "type": "pd-balanced",
                },
            },
            network_interfaces=[
                {
                    "subnetwork": subnetwork_africa_south1.id,
                    "access_configs": [{"network_tier": "PREMIUM", "nat_ip": address.address}],
                },
            ],
            metadata={
                "ssh-keys": "ops:ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB6ZQfAkEGBrzN5vJfA3rFj1uEWqAzwSm2s3jvJq4mY8",
                "enable-oslogin": "FALSE",
                "block-project-ssh-keys": "TRUE",
                "user-data": boot("db.yaml", vm=vm, host_public=host_public, host_key=host_key(vm)),
            },
            tags=["shop-sg-db-gcp-global-3aa3a7", "shop-net-main-gcp-global-5ba1e8"],
            labels={**TAGS, "mcis-group": "db", "mcis-vm": vm},
            opts=pulumi.ResourceOptions(
                provider=provider,
                ignore_changes=[
                    "bootDisk.initializeParams.image",
                    'metadata["user-data"]',
                    'metadata["startup-script"]',
                    "attached_disks",
                ],
                delete_before_replace=True,
            ),
        )
        inventory[vm] = {
            "group": "db",
            "ordinal": n,
            "connection": "gcp",
            "cloud": "gcp",
            "region": "africa-south1",
            "zone": "a",
            "type": "e2-micro",
            "id": instance.id,
            "private_ip": instance.network_interfaces[0].network_ip,
            "public_ip": address.address,
            "user": "ops",
            "host_key": host_public,
            "created_at": instance.creation_timestamp,
        }
