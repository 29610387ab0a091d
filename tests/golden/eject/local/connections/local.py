"""Connection local: what its machines share, then a function per group."""

import pulumi
import local_cloud

from common import boot, inventory, members, unique

TAGS = {"team": "x", "mcis": "shop", "mcis-namespace": "default", "mcis-env": "prod"}

provider = local_cloud.Provider("provider/local", site="default", backend="auto")
key_pair = local_cloud.KeyPair(
    "key/generated/local",
    name="shop-key-generated-local-f8a73e39-15824a",
    public_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB6ZQfAkEGBrzN5vJfA3rFj1uEWqAzwSm2s3jvJq4mY8",
    tags=TAGS,
    opts=pulumi.ResourceOptions(provider=provider),
)
network_local_seoul = local_cloud.Network(
    "net/main/local/local-seoul",
    name="shop-net-main-local-local-seoul-79da64",
    region="local-seoul",
    tags=TAGS,
    opts=pulumi.ResourceOptions(provider=provider, delete_before_replace=True),
)
subnets_local_seoul = {}
for zone in ("a", "b", "c"):
    subnets_local_seoul[zone] = local_cloud.Subnet(
        f"subnet/main/local/local-seoul/{zone}",
        network=network_local_seoul.id,
        zone=zone,
        opts=pulumi.ResourceOptions(provider=provider, delete_before_replace=True),
    )
network_local_saopaulo = local_cloud.Network(
    "net/main/local/local-saopaulo",
    name="shop-net-main-local-local-saopaulo-214501",
    region="local-saopaulo",
    tags=TAGS,
    opts=pulumi.ResourceOptions(provider=provider, delete_before_replace=True),
)
subnets_local_saopaulo = {}
for zone in ("a", "b"):
    subnets_local_saopaulo[zone] = local_cloud.Subnet(
        f"subnet/main/local/local-saopaulo/{zone}",
        network=network_local_saopaulo.id,
        zone=zone,
        opts=pulumi.ResourceOptions(provider=provider, delete_before_replace=True),
    )

# Group web
boot_config_web = local_cloud.BootConfig(
    "boot/web/local",
    name="shop-boot-web-local-986fed",
    user_data=boot("web.yaml"),
    tags={**TAGS, "a": "b", "mcis-group": "web"},
    opts=pulumi.ResourceOptions(provider=provider),
)
security_group_web = local_cloud.SecurityGroup(
    "sg/web/local/local-seoul",
    name="shop-sg-web-local-local-seoul-3be0f1",
    network=network_local_seoul.id,
    rules=[
        {"protocol": "icmp", "peer": "shop-sg-api-local-local-saopaulo-437dd4"},
        {"protocol": "icmp", "peer": "shop-sg-db-local-local-seoul-267e7c"},
        {"protocol": "icmp", "peer": "shop-sg-web-local-local-seoul-3be0f1"},
        {"protocol": "tcp", "portLow": 22, "portHigh": 22, "host": True},
        {"protocol": "tcp", "portLow": 80, "portHigh": 80, "cidr": "0.0.0.0/0"},
        {"protocol": "tcp", "portLow": 443, "portHigh": 443, "cidr": "0.0.0.0/0"},
        {
            "protocol": "tcp",
            "portLow": 5432,
            "portHigh": 5432,
            "peer": "shop-sg-api-local-local-saopaulo-437dd4",
        },
        {
            "protocol": "tcp",
            "portLow": 5432,
            "portHigh": 5432,
            "peer": "shop-sg-db-local-local-seoul-267e7c",
        },
        {
            "protocol": "tcp",
            "portLow": 5432,
            "portHigh": 5432,
            "peer": "shop-sg-web-local-local-seoul-3be0f1",
        },
        {"protocol": "udp", "portLow": 8000, "portHigh": 8100, "cidr": "198.51.100.0/24"},
    ],
    tags={**TAGS, "a": "b", "mcis-group": "web"},
    opts=pulumi.ResourceOptions(provider=provider),
)
launch_templates_web = {}
for zone, name in (
    ("a", "shop-template-web-local-local-seoul-a-cd1f316d-7484b5"),
    ("b", "shop-template-web-local-local-seoul-b-cd1f316d-3f9d51"),
    ("c", "shop-template-web-local-local-seoul-c-cd1f316d-d3fa57"),
):
    launch_templates_web[zone] = local_cloud.LaunchTemplate(
        f"template/web/local/local-seoul/{zone}",
        name=name,
        zone=zone,
        subnet=subnets_local_seoul[zone].id,
        image="host",
        key_pair=key_pair.id,
        user="mcis",
        security_groups=[security_group_web.id],
        boot_config=boot_config_web.id,
        instance_tags={**TAGS, "a": "b", "mcis-group": "web"},
        tags={**TAGS, "a": "b", "mcis-group": "web"},
        opts=pulumi.ResourceOptions(provider=provider),
    )

# Group api
boot_config_api = local_cloud.BootConfig(
    "boot/api/local",
    name="shop-boot-api-local-858aca",
    user_data="#cloud-config\n{}\n",
    tags={**TAGS, "mcis-group": "api"},
    opts=pulumi.ResourceOptions(provider=provider),
)
security_group_api = local_cloud.SecurityGroup(
    "sg/api/local/local-saopaulo",
    name="shop-sg-api-local-local-saopaulo-437dd4",
    network=network_local_saopaulo.id,
    rules=[
        {"protocol": "all", "peer": "shop-sg-api-local-local-saopaulo-437dd4"},
        {"protocol": "all", "peer": "shop-sg-db-local-local-seoul-267e7c"},
        {"protocol": "all", "peer": "shop-sg-web-local-local-seoul-3be0f1"},
        {"protocol": "tcp", "portLow": 22, "portHigh": 22, "host": True},
    ],
    tags={**TAGS, "mcis-group": "api"},
    opts=pulumi.ResourceOptions(provider=provider),
)
launch_templates_api = {}
for zone, name in (
    ("a", "shop-template-api-local-local-saopaulo-a-3e0c3059-acb380"),
    ("b", "shop-template-api-local-local-saopaulo-b-3e0c3059-c9c1e7"),
):
    launch_templates_api[zone] = local_cloud.LaunchTemplate(
        f"template/api/local/local-saopaulo/{zone}",
        name=name,
        zone=zone,
        subnet=subnets_local_saopaulo[zone].id,
        image="host",
        key_pair=key_pair.id,
        user="mcis",
        security_groups=[security_group_api.id],
        boot_config=boot_config_api.id,
        instance_tags={**TAGS, "mcis-group": "api"},
        tags={**TAGS, "mcis-group": "api"},
        assign_public_ip=False,
        opts=pulumi.ResourceOptions(provider=provider),
    )

# Group db
boot_config_db = local_cloud.BootConfig(
    "boot/db/local",
    name="shop-boot-db-local-742178",
    user_data="#cloud-config\n{}\n",
    tags={**TAGS, "mcis-group": "db"},
    opts=pulumi.ResourceOptions(provider=provider),
)
security_group_db = local_cloud.SecurityGroup(
    "sg/db/local/local-seoul",
    name="shop-sg-db-local-local-seoul-267e7c",
    network=network_local_seoul.id,
    rules=[
        {"protocol": "all", "peer": "shop-sg-api-local-local-saopaulo-437dd4"},
        {"protocol": "all", "peer": "shop-sg-db-local-local-seoul-267e7c"},
        {"protocol": "all", "peer": "shop-sg-web-local-local-seoul-3be0f1"},
        {"protocol": "tcp", "portLow": 22, "portHigh": 22, "host": True},
    ],
    tags={**TAGS, "mcis-group": "db"},
    opts=pulumi.ResourceOptions(provider=provider),
)
launch_template_db = local_cloud.LaunchTemplate(
    "template/db/local/local-seoul/a",
    name="shop-template-db-local-local-seoul-a-50e68346-e5dd0f",
    zone="a",
    subnet=subnets_local_seoul["a"].id,
    image="host",
    key_pair=key_pair.id,
    user="ops",
    security_groups=[security_group_db.id],
    boot_config=boot_config_db.id,
    instance_tags={**TAGS, "mcis-group": "db"},
    tags={**TAGS, "mcis-group": "db"},
    opts=pulumi.ResourceOptions(provider=provider),
)


def web() -> None:
    """The machines of group web and what belongs to each of them."""
    zones = ("a", "b", "c")
    for n in members("web"):
        vm = f"web-{n}"
        zone = zones[(n - 1) % len(zones)]
        instance = local_cloud.Instance(
            vm,
            name=unique(vm),
            template=launch_templates_web[zone].id,
            flavor="small",
            tags={"mcis-vm": vm},
            opts=pulumi.ResourceOptions(provider=provider, delete_before_replace=True),
        )
        inventory[vm] = {
            "group": "web",
            "ordinal": n,
            "connection": "local",
            "cloud": "local",
            "region": "local-seoul",
            "zone": zone,
            "type": "small",
            "id": instance.id,
            "private_ip": instance.private_ip,
            "public_ip": instance.public_ip,
            "user": "mcis",
            "host_key": instance.host_key,
            "ssh_port": instance.ssh_port,
        }


def api() -> None:
    """The machines of group api and what belongs to each of them."""
    zones = ("a", "b")
    for n in members("api"):
        vm = f"api-{n}"
        zone = zones[(n - 1) % len(zones)]
        volume = local_cloud.Volume(
            f"disk/{vm}/data",
            name=unique(f"disk/{vm}/data"),
            zone=f"local-saopaulo/{zone}",
            size_gib=20,
            tags={**TAGS, "mcis-group": "api", "mcis-vm": vm},
            opts=pulumi.ResourceOptions(provider=provider),
        )
        instance = local_cloud.Instance(
            vm,
            name=unique(vm),
            template=launch_templates_api[zone].id,
            flavor="small",
            tags={"mcis-vm": vm},
            volumes=[{"volume": volume.id, "mount": "/data"}],
            opts=pulumi.ResourceOptions(provider=provider, delete_before_replace=True),
        )
        inventory[vm] = {
            "group": "api",
            "ordinal": n,
            "connection": "local",
            "cloud": "local",
            "region": "local-saopaulo",
            "zone": zone,
            "type": "small",
            "id": instance.id,
            "private_ip": instance.private_ip,
            "public_ip": None,
            "user": "mcis",
            "host_key": instance.host_key,
            "ssh_port": instance.ssh_port,
        }


def db() -> None:
    """The machines of group db and what belongs to each of them."""
    for n in members("db"):
        vm = f"db-{n}"
        address = local_cloud.Address(
            f"ip/{vm}",
            name=unique(f"ip/{vm}"),
            region="local-seoul",
            tags={**TAGS, "mcis-group": "db", "mcis-vm": vm},
            opts=pulumi.ResourceOptions(provider=provider),
        )
        instance = local_cloud.Instance(
            vm,
            name=unique(vm),
            template=launch_template_db.id,
            flavor="small",
            tags={"mcis-vm": vm},
            address=address.id,
            opts=pulumi.ResourceOptions(provider=provider, delete_before_replace=True),
        )
        inventory[vm] = {
            "group": "db",
            "ordinal": n,
            "connection": "local",
            "cloud": "local",
            "region": "local-seoul",
            "zone": "a",
            "type": "small",
            "id": instance.id,
            "private_ip": instance.private_ip,
            "public_ip": instance.public_ip,
            "user": "ops",
            "host_key": instance.host_key,
            "ssh_port": instance.ssh_port,
        }
