"""Connection openstack: what its machines share, then a function per group."""

import pulumi
import pulumi_openstack as openstack

from common import boot, host_key, inventory, members, unique

# The typed class would also take settings from the environment of whoever runs this.
provider = pulumi.ProviderResource(
    "openstack",
    "provider/openstack",
    {},
    opts=pulumi.ResourceOptions(version="5.5.3", additional_secret_outputs=["password"]),
)
network_region_one = openstack.networking.Network(
    "net/main/openstack/RegionOne",
    name="shop-net-main-openstack-regionone-c0b3e2",
    region="RegionOne",
    admin_state_up=True,
    tags=["mcis-env=prod", "mcis-namespace=default", "mcis=shop", "team=x"],
    opts=pulumi.ResourceOptions(provider=provider),
)
subnet_region_one = openstack.networking.Subnet(
    "subnet/main/openstack/RegionOne",
    name="shop-subnet-main-openstack-regionone-b3b10d",
    region="RegionOne",
    network_id=network_region_one.id,
    cidr="10.32.0.0/20",
    ip_version=4,
    enable_dhcp=True,
    tags=["mcis-env=prod", "mcis-namespace=default", "mcis=shop", "team=x"],
    opts=pulumi.ResourceOptions(provider=provider, delete_before_replace=True),
)
router_region_one = openstack.networking.Router(
    "router/main/openstack/RegionOne",
    name="shop-router-main-openstack-regionone-f2928d",
    region="RegionOne",
    admin_state_up=True,
    external_network_id="3f1d2c4b-5a69-4788-9695-a4b3c2d1e0f0",
    tags=["mcis-env=prod", "mcis-namespace=default", "mcis=shop", "team=x"],
    opts=pulumi.ResourceOptions(provider=provider),
)
router_interface_region_one = openstack.networking.RouterInterface(
    "link/main/openstack/RegionOne",
    region="RegionOne",
    router_id=router_region_one.id,
    subnet_id=subnet_region_one.id,
    opts=pulumi.ResourceOptions(provider=provider),
)
network_region_two = openstack.networking.Network(
    "net/main/openstack/RegionTwo",
    name="shop-net-main-openstack-regiontwo-04a918",
    region="RegionTwo",
    admin_state_up=True,
    tags=["mcis-env=prod", "mcis-namespace=default", "mcis=shop", "team=x"],
    opts=pulumi.ResourceOptions(provider=provider),
)
subnet_region_two = openstack.networking.Subnet(
    "subnet/main/openstack/RegionTwo",
    name="shop-subnet-main-openstack-regiontwo-706bb8",
    region="RegionTwo",
    network_id=network_region_two.id,
    cidr="10.32.16.0/20",
    ip_version=4,
    enable_dhcp=True,
    tags=["mcis-env=prod", "mcis-namespace=default", "mcis=shop", "team=x"],
    opts=pulumi.ResourceOptions(provider=provider, delete_before_replace=True),
)
router_region_two = openstack.networking.Router(
    "router/main/openstack/RegionTwo",
    name="shop-router-main-openstack-regiontwo-6034e3",
    region="RegionTwo",
    admin_state_up=True,
    external_network_id="3f1d2c4b-5a69-4788-9695-a4b3c2d1e0f0",
    tags=["mcis-env=prod", "mcis-namespace=default", "mcis=shop", "team=x"],
    opts=pulumi.ResourceOptions(provider=provider),
)
router_interface_region_two = openstack.networking.RouterInterface(
    "link/main/openstack/RegionTwo",
    region="RegionTwo",
    router_id=router_region_two.id,
    subnet_id=subnet_region_two.id,
    opts=pulumi.ResourceOptions(provider=provider),
)
keypair_region_one = openstack.compute.Keypair(
    "key/generated/openstack/RegionOne",
    name="mcis-505cf604-shop-key-generated-openstack-regionone-f8a73e39-3c6b33",
    region="RegionOne",
    public_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB6ZQfAkEGBrzN5vJfA3rFj1uEWqAzwSm2s3jvJq4mY8",
    opts=pulumi.ResourceOptions(provider=provider),
)
keypair_region_two = openstack.compute.Keypair(
    "key/generated/openstack/RegionTwo",
    name="mcis-505cf604-shop-key-generated-openstack-regiontwo-f8a73e39-77d136",
    region="RegionTwo",
    public_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB6ZQfAkEGBrzN5vJfA3rFj1uEWqAzwSm2s3jvJq4mY8",
    opts=pulumi.ResourceOptions(provider=provider),
)

# Group web
sec_group_web = openstack.networking.SecGroup(
    "sg/web/openstack/RegionOne",
    name="shop-sg-web-openstack-regionone-02e7cd",
    region="RegionOne",
    description="shop: web",
    tags=[
        "a=b",
        "mcis-env=prod",
        "mcis-group=web",
        "mcis-namespace=default",
        "mcis=shop",
        "team=x",
    ],
    opts=pulumi.ResourceOptions(provider=provider),
)
for name, port_range_min, remote_ip_prefix in (
    ("tcp-22/203.0.113.7%2F32", 22, "203.0.113.7/32"),
    ("tcp-80/0.0.0.0%2F0", 80, "0.0.0.0/0"),
    ("tcp-443/0.0.0.0%2F0", 443, "0.0.0.0/0"),
):
    openstack.networking.SecGroupRule(
        f"rule/web/openstack/RegionOne/{name}",
        region="RegionOne",
        security_group_id=sec_group_web.id,
        direction="ingress",
        ethertype="IPv4",
        protocol="tcp",
        port_range_min=port_range_min,
        port_range_max=port_range_min,
        remote_ip_prefix=remote_ip_prefix,
        opts=pulumi.ResourceOptions(provider=provider),
    )
openstack.networking.SecGroupRule(
    "rule/web/openstack/RegionOne/udp-8000-8100/198.51.100.0%2F24",
    region="RegionOne",
    security_group_id=sec_group_web.id,
    direction="ingress",
    ethertype="IPv4",
    protocol="udp",
    port_range_min=8000,
    port_range_max=8100,
    remote_ip_prefix="198.51.100.0/24",
    opts=pulumi.ResourceOptions(provider=provider),
)

# Group api
sec_group_api = openstack.networking.SecGroup(
    "sg/api/openstack/RegionTwo",
    name="shop-sg-api-openstack-regiontwo-c51e7b",
    region="RegionTwo",
    description="shop: api",
    tags=["mcis-env=prod", "mcis-group=api", "mcis-namespace=default", "mcis=shop", "team=x"],
    opts=pulumi.ResourceOptions(provider=provider),
)
openstack.networking.SecGroupRule(
    "rule/api/openstack/RegionTwo/all/group:api",
    region="RegionTwo",
    security_group_id=sec_group_api.id,
    direction="ingress",
    ethertype="IPv4",
    remote_group_id=sec_group_api.id,
    opts=pulumi.ResourceOptions(provider=provider),
)
openstack.networking.SecGroupRule(
    "rule/api/openstack/RegionTwo/tcp-22/203.0.113.7%2F32",
    region="RegionTwo",
    security_group_id=sec_group_api.id,
    direction="ingress",
    ethertype="IPv4",
    protocol="tcp",
    port_range_min=22,
    port_range_max=22,
    remote_ip_prefix="203.0.113.7/32",
    opts=pulumi.ResourceOptions(provider=provider),
)

# Group db
sec_group_db = openstack.networking.SecGroup(
    "sg/db/openstack/RegionOne",
    name="shop-sg-db-openstack-regionone-3e77d7",
    region="RegionOne",
    description="shop: db",
    tags=["mcis-env=prod", "mcis-group=db", "mcis-namespace=default", "mcis=shop", "team=x"],
    opts=pulumi.ResourceOptions(provider=provider),
)

# Group web
for name, remote_group_id in (("group:db", sec_group_db.id), ("group:web", sec_group_web.id)):
    openstack.networking.SecGroupRule(
        f"rule/web/openstack/RegionOne/icmp/{name}",
        region="RegionOne",
        security_group_id=sec_group_web.id,
        direction="ingress",
        ethertype="IPv4",
        protocol="icmp",
        remote_group_id=remote_group_id,
        opts=pulumi.ResourceOptions(provider=provider),
    )
for name, remote_group_id in (("group:db", sec_group_db.id), ("group:web", sec_group_web.id)):
    openstack.networking.SecGroupRule(
        f"rule/web/openstack/RegionOne/tcp-5432/{name}",
        region="RegionOne",
        security_group_id=sec_group_web.id,
        direction="ingress",
        ethertype="IPv4",
        protocol="tcp",
        port_range_min=5432,
        port_range_max=5432,
        remote_group_id=remote_group_id,
        opts=pulumi.ResourceOptions(provider=provider),
    )

# Group db
for name, remote_group_id in (("group:db", sec_group_db.id), ("group:web", sec_group_web.id)):
    openstack.networking.SecGroupRule(
        f"rule/db/openstack/RegionOne/all/{name}",
        region="RegionOne",
        security_group_id=sec_group_db.id,
        direction="ingress",
        ethertype="IPv4",
        remote_group_id=remote_group_id,
        opts=pulumi.ResourceOptions(provider=provider),
    )
openstack.networking.SecGroupRule(
    "rule/db/openstack/RegionOne/tcp-22/203.0.113.7%2F32",
    region="RegionOne",
    security_group_id=sec_group_db.id,
    direction="ingress",
    ethertype="IPv4",
    protocol="tcp",
    port_range_min=22,
    port_range_max=22,
    remote_ip_prefix="203.0.113.7/32",
    opts=pulumi.ResourceOptions(provider=provider),
)


def web() -> None:
    """The machines of group web and what belongs to each of them."""
    host_keys = {
        1: "ssh-ed25519 AAAAweb-1",
        2: "ssh-ed25519 AAAAweb-2",
        3: "ssh-ed25519 AAAAweb-3",
    }
    for n in members("web"):
        vm = f"web-{n}"
        host_public = host_keys.get(n)
        port = openstack.networking.Port(
            f"nic/{vm}",
            name=unique(f"nic/{vm}"),
            region="RegionOne",
            network_id=network_region_one.id,
            admin_state_up=True,
            security_group_ids=[sec_group_web.id],
            tags=[
                "a=b",
                "mcis-env=prod",
                "mcis-group=web",
                "mcis-namespace=default",
                f"mcis-vm={vm}",
                "mcis=shop",
                "team=x",
            ],
            fixed_ips=[{"subnet_id": subnet_region_one.id}],
            opts=pulumi.ResourceOptions(
                provider=provider,
                depends_on=[router_interface_region_one],
                replace_on_changes=["fixed_ips"],
                delete_before_replace=True,
            ),
        )
        instance = openstack.compute.Instance(
            vm,
            name=unique(vm),
            region="RegionOne",
            flavor_name="m1.small",
            key_pair=keypair_region_one.id,
            networks=[{"port": port.id}],
            user_data=boot("web.yaml", vm=vm, host_public=host_public, host_key=host_key(vm)),
            config_drive=True,
            metadata={
                "team": "x",
                "a": "b",
                "mcis": "shop",
                "mcis-namespace": "default",
                "mcis-env": "prod",
                "mcis-group": "web",
                "mcis-vm": vm,
            },
            image_id="0f9e8d7c-6b5a-4948-8736-251403f2e1d0",
            opts=pulumi.ResourceOptions(
                provider=provider,
                ignore_changes=["power_state", "image_id", "image_name", "user_data"],
                delete_before_replace=True,
            ),
        )
        floating_ip = openstack.networking.FloatingIp(
            f"ip/{vm}",
            region="RegionOne",
            pool="public",
            description=unique(f"ip/{vm}"),
            tags=[
                "a=b",
                "mcis-env=prod",
                "mcis-group=web",
                "mcis-namespace=default",
                f"mcis-vm={vm}",
                "mcis=shop",
                "team=x",
            ],
            opts=pulumi.ResourceOptions(provider=provider),
        )
        openstack.networking.FloatingIpAssociate(
            f"bind/{vm}",
            region="RegionOne",
            floating_ip=floating_ip.address,
            port_id=port.id,
            opts=pulumi.ResourceOptions(
                provider=provider,
                replace_on_changes=["port_id"],
                delete_before_replace=True,
            ),
        )
        openstack.networking.SecGroupRule(
            f"admit/{vm}/api/openstack/RegionTwo/all",
            region="RegionTwo",
            security_group_id=sec_group_api.id,
            direction="ingress",
            ethertype="IPv4",
            remote_ip_prefix=pulumi.Output.concat(floating_ip.address, "/32"),
            opts=pulumi.ResourceOptions(provider=provider),
        )
        inventory[vm] = {
            "group": "web",
            "ordinal": n,
            "connection": "openstack",
            "cloud": "openstack",
            "region": "RegionOne",
            "zone": "",
            "type": "m1.small",
            "id": instance.id,
            "private_ip": port.all_fixed_ips[0],
            "public_ip": floating_ip.address,
            "user": "mcis",
            "host_key": host_public,
        }


def api() -> None:
    """The machines of group api and what belongs to each of them."""
    host_keys = {
        1: "ssh-ed25519 AAAAapi-1",
        2: "ssh-ed25519 AAAAapi-2",
    }
    for n in members("api"):
        vm = f"api-{n}"
        host_public = host_keys.get(n)
        volume = openstack.blockstorage.Volume(
            f"disk/{vm}/data",
            name=unique(f"disk/{vm}/data"),
            region="RegionTwo",
            size=20,
            metadata={
                "team": "x",
                "mcis": "shop",
                "mcis-namespace": "default",
                "mcis-env": "prod",
                "mcis-group": "api",
                "mcis-vm": vm,
            },
            opts=pulumi.ResourceOptions(provider=provider),
        )
        port = openstack.networking.Port(
            f"nic/{vm}",
            name=unique(f"nic/{vm}"),
            region="RegionTwo",
            network_id=network_region_two.id,
            admin_state_up=True,
            security_group_ids=[sec_group_api.id],
            tags=[
                "mcis-env=prod",
                "mcis-group=api",
                "mcis-namespace=default",
                f"mcis-vm={vm}",
                "mcis=shop",
                "team=x",
            ],
            fixed_ips=[{"subnet_id": subnet_region_two.id}],
            opts=pulumi.ResourceOptions(
                provider=provider,
                depends_on=[router_interface_region_two],
                replace_on_changes=["fixed_ips"],
                delete_before_replace=True,
            ),
        )
        instance = openstack.compute.Instance(
            vm,
            name=unique(vm),
            region="RegionTwo",
            flavor_name="m1.small",
            key_pair=keypair_region_two.id,
            networks=[{"port": port.id}],
            user_data=boot(
                "api.yaml",
                vm=vm,
                host_public=host_public,
                ref_0=volume.id,
                host_key=host_key(vm),
            ),
            config_drive=True,
            metadata={
                "team": "x",
                "mcis": "shop",
                "mcis-namespace": "default",
                "mcis-env": "prod",
                "mcis-group": "api",
                "mcis-vm": vm,
            },
            image_id="0f9e8d7c-6b5a-4948-8736-251403f2e1d0",
            opts=pulumi.ResourceOptions(
                provider=provider,
                ignore_changes=["power_state", "image_id", "image_name", "user_data"],
                delete_before_replace=True,
            ),
        )
        openstack.compute.VolumeAttach(
            f"attach/{vm}/data",
            region="RegionTwo",
            instance_id=instance.id,
            volume_id=volume.id,
            opts=pulumi.ResourceOptions(provider=provider),
        )
        openstack.networking.SecGroupRule(
            f"admit/{vm}/web/openstack/RegionOne/icmp",
            region="RegionOne",
            security_group_id=sec_group_web.id,
            direction="ingress",
            ethertype="IPv4",
            protocol="icmp",
            remote_ip_prefix=pulumi.Output.concat(port.all_fixed_ips[0], "/32"),
            opts=pulumi.ResourceOptions(provider=provider),
        )
        openstack.networking.SecGroupRule(
            f"admit/{vm}/web/openstack/RegionOne/tcp-5432",
            region="RegionOne",
            security_group_id=sec_group_web.id,
            direction="ingress",
            ethertype="IPv4",
            protocol="tcp",
            port_range_min=5432,
            port_range_max=5432,
            remote_ip_prefix=pulumi.Output.concat(port.all_fixed_ips[0], "/32"),
            opts=pulumi.ResourceOptions(provider=provider),
        )
        openstack.networking.SecGroupRule(
            f"admit/{vm}/db/openstack/RegionOne/all",
            region="RegionOne",
            security_group_id=sec_group_db.id,
            direction="ingress",
            ethertype="IPv4",
            remote_ip_prefix=pulumi.Output.concat(port.all_fixed_ips[0], "/32"),
            opts=pulumi.ResourceOptions(provider=provider),
        )
        inventory[vm] = {
            "group": "api",
            "ordinal": n,
            "connection": "openstack",
            "cloud": "openstack",
            "region": "RegionTwo",
            "zone": "",
            "type": "m1.small",
            "id": instance.id,
            "private_ip": port.all_fixed_ips[0],
            "public_ip": None,
            "user": "mcis",
            "host_key": host_public,
        }


def db() -> None:
    """The machines of group db and what belongs to each of them."""
    host_keys = {
        1: "ssh-ed25519 AAAAdb-1",
    }
    for n in members("db"):
        vm = f"db-{n}"
        host_public = host_keys.get(n)
        port = openstack.networking.Port(
            f"nic/{vm}",
            name=unique(f"nic/{vm}"),
            region="RegionOne",
            network_id=network_region_one.id,
            admin_state_up=True,
            security_group_ids=[sec_group_db.id],
            tags=[
                "mcis-env=prod",
                "mcis-group=db",
                "mcis-namespace=default",
                f"mcis-vm={vm}",
                "mcis=shop",
                "team=x",
            ],
            fixed_ips=[{"subnet_id": subnet_region_one.id}],
            opts=pulumi.ResourceOptions(
                provider=provider,
                depends_on=[router_interface_region_one],
                replace_on_changes=["fixed_ips"],
                delete_before_replace=True,
            ),
        )
        instance = openstack.compute.Instance(
            vm,
            name=unique(vm),
            region="RegionOne",
            flavor_name="m1.small",
            key_pair=keypair_region_one.id,
            networks=[{"port": port.id}],
            user_data=boot("db.yaml", vm=vm, host_public=host_public, host_key=host_key(vm)),
            config_drive=True,
            metadata={
                "team": "x",
                "mcis": "shop",
                "mcis-namespace": "default",
                "mcis-env": "prod",
                "mcis-group": "db",
                "mcis-vm": vm,
            },
            image_id="0f9e8d7c-6b5a-4948-8736-251403f2e1d0",
            opts=pulumi.ResourceOptions(
                provider=provider,
                ignore_changes=["power_state", "image_id", "image_name", "user_data"],
                delete_before_replace=True,
            ),
        )
        floating_ip = openstack.networking.FloatingIp(
            f"ip/{vm}",
            region="RegionOne",
            pool="public",
            description=unique(f"ip/{vm}"),
            tags=[
                "mcis-env=prod",
                "mcis-group=db",
                "mcis-namespace=default",
                f"mcis-vm={vm}",
                "mcis=shop",
                "team=x",
            ],
            opts=pulumi.ResourceOptions(provider=provider),
        )
        openstack.networking.FloatingIpAssociate(
            f"bind/{vm}",
            region="RegionOne",
            floating_ip=floating_ip.address,
            port_id=port.id,
            opts=pulumi.ResourceOptions(
                provider=provider,
                replace_on_changes=["port_id"],
                delete_before_replace=True,
            ),
        )
        openstack.networking.SecGroupRule(
            f"admit/{vm}/api/openstack/RegionTwo/all",
            region="RegionTwo",
            security_group_id=sec_group_api.id,
            direction="ingress",
            ethertype="IPv4",
            remote_ip_prefix=pulumi.Output.concat(floating_ip.address, "/32"),
            opts=pulumi.ResourceOptions(provider=provider),
        )
        inventory[vm] = {
            "group": "db",
            "ordinal": n,
            "connection": "openstack",
            "cloud": "openstack",
            "region": "RegionOne",
            "zone": "",
            "type": "m1.small",
            "id": instance.id,
            "private_ip": port.all_fixed_ips[0],
            "public_ip": floating_ip.address,
            "user": "ops",
            "host_key": host_public,
        }
