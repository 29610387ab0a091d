"""Connection aws: what its machines share, then a function per group."""

import pulumi
import pulumi_aws as aws

from common import boot, host_key, inventory, members, unique

TAGS = {"team": "x", "mcis": "shop", "mcis-namespace": "default", "mcis-env": "prod"}

provider = aws.Provider(
    "provider/aws",
    region="us-east-1",
    skip_credentials_validation=False,
    skip_region_validation=True,
)
key_pair_ap_south_1 = aws.ec2.KeyPair(
    "key/generated/aws/ap-south-1",
    region="ap-south-1",
    key_name="shop-key-generated-aws-ap-south-1-f8a73e39-c39ffc",
    public_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB6ZQfAkEGBrzN5vJfA3rFj1uEWqAzwSm2s3jvJq4mY8",
    tags={**TAGS, "Name": "shop-key-generated-aws-ap-south-1-77af72"},
    opts=pulumi.ResourceOptions(provider=provider),
)
key_pair_us_east_1 = aws.ec2.KeyPair(
    "key/generated/aws/us-east-1",
    region="us-east-1",
    key_name="shop-key-generated-aws-us-east-1-f8a73e39-f51243",
    public_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB6ZQfAkEGBrzN5vJfA3rFj1uEWqAzwSm2s3jvJq4mY8",
    tags={**TAGS, "Name": "shop-key-generated-aws-us-east-1-a055d6"},
    opts=pulumi.ResourceOptions(provider=provider),
)
vpc_ap_south_1 = aws.ec2.Vpc(
    "net/main/aws/ap-south-1",
    region="ap-south-1",
    cidr_block="10.32.16.0/20",
    enable_dns_hostnames=True,
    enable_dns_support=True,
    tags={**TAGS, "Name": "shop-net-main-aws-ap-south-1-2124fc"},
    opts=pulumi.ResourceOptions(provider=provider),
)
internet_gateway_ap_south_1 = aws.ec2.InternetGateway(
    "igw/main/aws/ap-south-1",
    region="ap-south-1",
    vpc_id=vpc_ap_south_1.id,
    tags={**TAGS, "Name": "shop-igw-main-aws-ap-south-1-4bc4da"},
    opts=pulumi.ResourceOptions(provider=provider),
)
route_tables_ap_south_1 = {}
for name in ("public", "private"):
    route_tables_ap_south_1[name] = aws.ec2.RouteTable(
        f"rtb/main/aws/ap-south-1/{name}",
        region="ap-south-1",
        vpc_id=vpc_ap_south_1.id,
        tags={**TAGS, "Name": unique(f"rtb/main/aws/ap-south-1/{name}")},
        opts=pulumi.ResourceOptions(provider=provider),
    )
route_ap_south_1_public = aws.ec2.Route(
    "route/main/aws/ap-south-1/public",
    region="ap-south-1",
    route_table_id=route_tables_ap_south_1["public"].id,
    destination_cidr_block="0.0.0.0/0",
    gateway_id=internet_gateway_ap_south_1.id,
    opts=pulumi.ResourceOptions(provider=provider),
)
subnets_ap_south_1 = {}
for name, availability_zone, cidr_block, map_public_ip_on_launch in (
    ("a/public", "ap-south-1a", "10.32.16.0/24", True),
    ("a/private", "ap-south-1a", "10.32.24.0/24", False),
    ("b/private", "ap-south-1b", "10.32.25.0/24", False),
):
    subnets_ap_south_1[name] = aws.ec2.Subnet(
        f"subnet/main/aws/ap-south-1/{name}",
        region="ap-south-1",
        vpc_id=vpc_ap_south_1.id,
        availability_zone=availability_zone,
        cidr_block=cidr_block,
        map_public_ip_on_launch=map_public_ip_on_launch,
        tags={**TAGS, "Name": unique(f"subnet/main/aws/ap-south-1/{name}")},
        opts=pulumi.ResourceOptions(provider=provider, delete_before_replace=True),
    )
aws.ec2.RouteTableAssociation(
    "rta/main/aws/ap-south-1/a/public",
    region="ap-south-1",
    subnet_id=subnets_ap_south_1["a/public"].id,
    route_table_id=route_tables_ap_south_1["public"].id,
    opts=pulumi.ResourceOptions(
        provider=provider,
        depends_on=[route_ap_south_1_public],
        delete_before_replace=True,
    ),
)
eip = aws.ec2.Eip(
    "natip/main/aws/ap-south-1",
    region="ap-south-1",
    domain="vpc",
    tags={**TAGS, "Name": "shop-natip-main-aws-ap-south-1-d7b01d"},
    opts=pulumi.ResourceOptions(provider=provider, depends_on=[internet_gateway_ap_south_1]),
)
nat_gateway = aws.ec2.NatGateway(
    "nat/main/aws/ap-south-1",
    region="ap-south-1",
    subnet_id=subnets_ap_south_1["a/public"].id,
    allocation_id=eip.id,
    connectivity_type="public",
    tags={**TAGS, "Name": "shop-nat-main-aws-ap-south-1-681347"},
    opts=pulumi.ResourceOptions(
        provider=provider,
        depends_on=[route_ap_south_1_public],
        delete_before_replace=True,
    ),
)
route_ap_south_1_private = aws.ec2.Route(
    "route/main/aws/ap-south-1/private",
    region="ap-south-1",
    route_table_id=route_tables_ap_south_1["private"].id,
    destination_cidr_block="0.0.0.0/0",
    nat_gateway_id=nat_gateway.id,
    opts=pulumi.ResourceOptions(provider=provider),
)
route_table_associations_ap_south_1_private = {}
for name in ("a", "b"):
    route_table_associations_ap_south_1_private[name] = aws.ec2.RouteTableAssociation(
        f"rta/main/aws/ap-south-1/{name}/private",
        region="ap-south-1",
        subnet_id=subnets_ap_south_1[f"{name}/private"].id,
        route_table_id=route_tables_ap_south_1["private"].id,
        opts=pulumi.ResourceOptions(
            provider=provider,
            depends_on=[route_ap_south_1_private],
            delete_before_replace=True,
        ),
    )
vpc_us_east_1 = aws.ec2.Vpc(
    "net/main/aws/us-east-1",
    region="us-east-1",
    cidr_block="10.32.0.0/20",
    enable_dns_hostnames=True,
    enable_dns_support=True,
    tags={**TAGS, "Name": "shop-net-main-aws-us-east-1-30a34c"},
    opts=pulumi.ResourceOptions(provider=provider),
)
internet_gateway_us_east_1 = aws.ec2.InternetGateway(
    "igw/main/aws/us-east-1",
    region="us-east-1",
    vpc_id=vpc_us_east_1.id,
    tags={**TAGS, "Name": "shop-igw-main-aws-us-east-1-b1b62e"},
    opts=pulumi.ResourceOptions(provider=provider),
)
route_table_us_east_1 = aws.ec2.RouteTable(
    "rtb/main/aws/us-east-1/public",
    region="us-east-1",
    vpc_id=vpc_us_east_1.id,
    tags={**TAGS, "Name": "shop-rtb-main-aws-us-east-1-public-fe0ede"},
    opts=pulumi.ResourceOptions(provider=provider),
)
route_us_east_1_public = aws.ec2.Route(
    "route/main/aws/us-east-1/public",
    region="us-east-1",
    route_table_id=route_table_us_east_1.id,
    destination_cidr_block="0.0.0.0/0",
    gateway_id=internet_gateway_us_east_1.id,
    opts=pulumi.ResourceOptions(provider=provider),
)
subnets_us_east_1 = {}
for name, cidr_block in (("a", "10.32.0.0/24"), ("b", "10.32.1.0/24"), ("c", "10.32.2.0/24")):
    subnets_us_east_1[name] = aws.ec2.Subnet(
        f"subnet/main/aws/us-east-1/{name}/public",
        region="us-east-1",
        vpc_id=vpc_us_east_1.id,
        availability_zone=f"us-east-1{name}",
        cidr_block=cidr_block,
        map_public_ip_on_launch=True,
        tags={**TAGS, "Name": unique(f"subnet/main/aws/us-east-1/{name}/public")},
        opts=pulumi.ResourceOptions(provider=provider, delete_before_replace=True),
    )
route_table_associations_us_east_1_public = {}
for name in ("a", "b", "c"):
    route_table_associations_us_east_1_public[name] = aws.ec2.RouteTableAssociation(
        f"rta/main/aws/us-east-1/{name}/public",
        region="us-east-1",
        subnet_id=subnets_us_east_1[name].id,
        route_table_id=route_table_us_east_1.id,
        opts=pulumi.ResourceOptions(
            provider=provider,
            depends_on=[route_us_east_1_public],
            delete_before_replace=True,
        ),
    )

# Group api
security_group_api = aws.ec2.SecurityGroup(
    "sg/api/aws/ap-south-1",
    region="ap-south-1",
    name="shop-sg-api-aws-ap-south-1-f3f1b6",
    description="VMs of group api",
    vpc_id=vpc_ap_south_1.id,
    tags={**TAGS, "mcis-group": "api", "Name": "shop-sg-api-aws-ap-south-1-f3f1b6"},
    opts=pulumi.ResourceOptions(provider=provider, depends_on=[key_pair_ap_south_1]),
)
aws.vpc.SecurityGroupEgressRule(
    "rule/api/aws/ap-south-1/out",
    region="ap-south-1",
    security_group_id=security_group_api.id,
    ip_protocol="-1",
    cidr_ipv4="0.0.0.0/0",
    tags={**TAGS, "mcis-group": "api", "Name": "shop-rule-api-aws-ap-south-1-out-68c816"},
    opts=pulumi.ResourceOptions(provider=provider),
)
aws.vpc.SecurityGroupEgressRule(
    "rule/api/aws/ap-south-1/out6",
    region="ap-south-1",
    security_group_id=security_group_api.id,
    ip_protocol="-1",
    cidr_ipv6="::/0",
    tags={**TAGS, "mcis-group": "api", "Name": "shop-rule-api-aws-ap-south-1-out6-8f2ff9"},
    opts=pulumi.ResourceOptions(provider=provider),
)
aws.vpc.SecurityGroupIngressRule(
    "rule/api/aws/ap-south-1/all/api",
    region="ap-south-1",
    security_group_id=security_group_api.id,
    ip_protocol="-1",
    referenced_security_group_id=security_group_api.id,
    tags={**TAGS, "mcis-group": "api", "Name": "shop-rule-api-aws-ap-south-1-all-api-95c7bf"},
    opts=pulumi.ResourceOptions(provider=provider),
)
aws.vpc.SecurityGroupIngressRule(
    "rule/api/aws/ap-south-1/tcp-22/203.0.113.7%2F32",
    region="ap-south-1",
    security_group_id=security_group_api.id,
    ip_protocol="tcp",
    from_port=22,
    to_port=22,
    cidr_ipv4="203.0.113.7/32",
    tags={
        **TAGS,
        "mcis-group": "api",
        "Name": "shop-rule-api-aws-ap-south-1-tcp-22-203-0-113-7-2f32-653dae",
    },
    opts=pulumi.ResourceOptions(provider=provider),
)

# Group db
security_group_db = aws.ec2.SecurityGroup(
    "sg/db/aws/us-east-1",
    region="us-east-1",
    name="shop-sg-db-aws-us-east-1-d7d589",
    description="VMs of group db",
    vpc_id=vpc_us_east_1.id,
    tags={**TAGS, "mcis-group": "db", "Name": "shop-sg-db-aws-us-east-1-d7d589"},
    opts=pulumi.ResourceOptions(provider=provider, depends_on=[key_pair_us_east_1]),
)
aws.vpc.SecurityGroupEgressRule(
    "rule/db/aws/us-east-1/out",
    region="us-east-1",
    security_group_id=security_group_db.id,
    ip_protocol="-1",
    cidr_ipv4="0.0.0.0/0",
    tags={**TAGS, "mcis-group": "db", "Name": "shop-rule-db-aws-us-east-1-out-8e7aaa"},
    opts=pulumi.ResourceOptions(provider=provider),
)
aws.vpc.SecurityGroupEgressRule(
    "rule/db/aws/us-east-1/out6",
    region="us-east-1",
    security_group_id=security_group_db.id,
    ip_protocol="-1",
    cidr_ipv6="::/0",
    tags={**TAGS, "mcis-group": "db", "Name": "shop-rule-db-aws-us-east-1-out6-68bbfb"},
    opts=pulumi.ResourceOptions(provider=provider),
)
aws.vpc.SecurityGroupIngressRule(
    "rule/db/aws/us-east-1/tcp-22/203.0.113.7%2F32",
    region="us-east-1",
    security_group_id=security_group_db.id,
    ip_protocol="tcp",
    from_port=22,
    to_port=22,
    cidr_ipv4="203.0.113.7/32",
    tags={
        **TAGS,
        "mcis-group": "db",
        "Name": "shop-rule-db-aws-us-east-1-tcp-22-203-0-113-7-2f32-8c7f9c",
    },
    opts=pulumi.ResourceOptions(provider=provider),
)

# Group web
security_group_web = aws.ec2.SecurityGroup(
    "sg/web/aws/us-east-1",
    region="us-east-1",
    name="shop-sg-web-aws-us-east-1-e9e55f",
    description="VMs of group web",
    vpc_id=vpc_us_east_1.id,
    tags={**TAGS, "a": "b", "mcis-group": "web", "Name": "shop-sg-web-aws-us-east-1-e9e55f"},
    opts=pulumi.ResourceOptions(provider=provider, depends_on=[key_pair_us_east_1]),
)

# Group db
for name, referenced_security_group_id in (
    ("db", security_group_db.id),
    ("web", security_group_web.id),
):
    aws.vpc.SecurityGroupIngressRule(
        f"rule/db/aws/us-east-1/all/{name}",
        region="us-east-1",
        security_group_id=security_group_db.id,
        ip_protocol="-1",
        referenced_security_group_id=referenced_security_group_id,
        tags={**TAGS, "mcis-group": "db", "Name": unique(f"rule/db/aws/us-east-1/all/{name}")},
        opts=pulumi.ResourceOptions(provider=provider),
    )

# Group web
aws.vpc.SecurityGroupEgressRule(
    "rule/web/aws/us-east-1/out",
    region="us-east-1",
    security_group_id=security_group_web.id,
    ip_protocol="-1",
    cidr_ipv4="0.0.0.0/0",
    tags={**TAGS, "a": "b", "mcis-group": "web", "Name": "shop-rule-web-aws-us-east-1-out-b83375"},
    opts=pulumi.ResourceOptions(provider=provider),
)
aws.vpc.SecurityGroupEgressRule(
    "rule/web/aws/us-east-1/out6",
    region="us-east-1",
    security_group_id=security_group_web.id,
    ip_protocol="-1",
    cidr_ipv6="::/0",
    tags={**TAGS, "a": "b", "mcis-group": "web", "Name": "shop-rule-web-aws-us-east-1-out6-c29970"},
    opts=pulumi.ResourceOptions(provider=provider),
)
for name, ip_protocol, from_port, referenced_security_group_id in (
    ("icmp/db", "icmp", -1, security_group_db.id),
    ("icmp/web", "icmp", -1, security_group_web.id),
    ("tcp-5432/db", "tcp", 5432, security_group_db.id),
    ("tcp-5432/web", "tcp", 5432, security_group_web.id),
):
    aws.vpc.SecurityGroupIngressRule(
        f"rule/web/aws/us-east-1/{name}",
        region="us-east-1",
        security_group_id=security_group_web.id,
        ip_protocol=ip_protocol,
        from_port=from_port,
        to_port=from_port,
        referenced_security_group_id=referenced_security_group_id,
        tags={
            **TAGS,
            "a": "b",
            "mcis-group": "web",
            "Name": unique(f"rule/web/aws/us-east-1/{name}"),
        },
        opts=pulumi.ResourceOptions(provider=provider),
    )
for name, from_port, cidr_ipv4 in (
    ("tcp-22/203.0.113.7%2F32", 22, "203.0.113.7/32"),
    ("tcp-80/0.0.0.0%2F0", 80, "0.0.0.0/0"),
    ("tcp-443/0.0.0.0%2F0", 443, "0.0.0.0/0"),
):
    aws.vpc.SecurityGroupIngressRule(
        f"rule/web/aws/us-east-1/{name}",
        region="us-east-1",
        security_group_id=security_group_web.id,
        ip_protocol="tcp",
        from_port=from_port,
        to_port=from_port,
        cidr_ipv4=cidr_ipv4,
        tags={
            **TAGS,
            "a": "b",
            "mcis-group": "web",
            "Name": unique(f"rule/web/aws/us-east-1/{name}"),
        },
        opts=pulumi.ResourceOptions(provider=provider),
    )
aws.vpc.SecurityGroupIngressRule(
    "rule/web/aws/us-east-1/udp-8000-8100/198.51.100.0%2F24",
    region="us-east-1",
    security_group_id=security_group_web.id,
    ip_protocol="udp",
    from_port=8000,
    to_port=8100,
    cidr_ipv4="198.51.100.0/24",
    tags={
        **TAGS,
        "a": "b",
        "mcis-group": "web",
        "Name": "shop-rule-web-aws-us-east-1-udp-8000-8100-198-51-100-0-2-f23e22",
    },
    opts=pulumi.ResourceOptions(provider=provider),
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
        instance = aws.ec2.Instance(
            vm,
            region="us-east-1",
            ami="ami-0123456789abcdef0",
            instance_type="t3.micro",
            subnet_id=subnets_us_east_1[zone].id,
            vpc_security_group_ids=[security_group_web.id],
            key_name="shop-key-generated-aws-us-east-1-f8a73e39-f51243",
            user_data=boot("web.yaml", vm=vm, host_public=host_public, host_key=host_key(vm)),
            root_block_device={
                "encrypted": True,
                "delete_on_termination": True,
                "tags": {
                    **TAGS,
                    "a": "b",
                    "mcis-group": "web",
                    "mcis-vm": vm,
                    "Name": unique(f"disk/{vm}"),
                },
                "volume_type": "gp3",
            },
            metadata_options={
                "http_endpoint": "enabled",
                "http_tokens": "required",
                "http_put_response_hop_limit": 1,
            },
            tags={**TAGS, "a": "b", "mcis-group": "web", "mcis-vm": vm, "Name": unique(vm)},
            opts=pulumi.ResourceOptions(
                provider=provider,
                depends_on=[route_table_associations_us_east_1_public[zone]],
                ignore_changes=["ami", "user_data", "key_name"],
                delete_before_replace=True,
            ),
        )
        aws.vpc.SecurityGroupIngressRule(
            f"admit/{vm}/api/aws/ap-south-1/all",
            region="ap-south-1",
            security_group_id=security_group_api.id,
            ip_protocol="-1",
            cidr_ipv4=pulumi.Output.concat(instance.public_ip, "/32"),
            tags={
                **TAGS,
                "a": "b",
                "mcis-group": "web",
                "mcis-vm": vm,
                "Name": unique(f"admit/{vm}/api/aws/ap-south-1/all"),
            },
            opts=pulumi.ResourceOptions(provider=provider),
        )
        inventory[vm] = {
            "group": "web",
            "ordinal": n,
            "connection": "aws",
            "cloud": "aws",
            "region": "us-east-1",
            "zone": zone,
            "type": "t3.micro",
            "id": instance.id,
            "private_ip": instance.private_ip,
            "public_ip": instance.public_ip,
            "user": "mcis",
            "host_key": host_public,
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
        volume = aws.ebs.Volume(
            f"disk/{vm}/data",
            region="ap-south-1",
            availability_zone=f"ap-south-1{zone}",
            encrypted=True,
            type="gp3",
            size=20,
            tags={**TAGS, "mcis-group": "api", "mcis-vm": vm, "Name": unique(f"disk/{vm}/data")},
            opts=pulumi.ResourceOptions(provider=provider),
        )
        instance = aws.ec2.Instance(
            vm,
            region="ap-south-1",
            ami="ami-0123456789abcdef0",
            instance_type="t3.micro",
            subnet_id=subnets_ap_south_1[f"{zone}/private"].id,
            vpc_security_group_ids=[security_group_api.id],
            key_name="shop-key-generated-aws-ap-south-1-f8a73e39-c39ffc",
            user_data=boot(
                "api.yaml",
                vm=vm,
                host_public=host_public,
                ref_0=volume.id,
                host_key=host_key(vm),
            ),
            root_block_device={
                "encrypted": True,
                "delete_on_termination": True,
                "tags": {**TAGS, "mcis-group": "api", "mcis-vm": vm, "Name": unique(f"disk/{vm}")},
                "volume_type": "gp3",
            },
            metadata_options={
                "http_endpoint": "enabled",
                "http_tokens": "required",
                "http_put_response_hop_limit": 1,
            },
            tags={**TAGS, "mcis-group": "api", "mcis-vm": vm, "Name": unique(vm)},
            opts=pulumi.ResourceOptions(
                provider=provider,
                depends_on=[route_table_associations_ap_south_1_private[zone]],
                ignore_changes=["ami", "user_data", "key_name"],
                delete_before_replace=True,
            ),
        )
        aws.ec2.VolumeAttachment(
            f"attach/{vm}/data",
            region="ap-south-1",
            device_name="/dev/xvdbn",
            volume_id=volume.id,
            instance_id=instance.id,
            opts=pulumi.ResourceOptions(
                provider=provider,
                deleted_with=instance,
                ignore_changes=["device_name"],
                delete_before_replace=True,
            ),
        )
        aws.vpc.SecurityGroupIngressRule(
            f"admit/{vm}/db/aws/us-east-1/all",
            region="us-east-1",
            security_group_id=security_group_db.id,
            ip_protocol="-1",
            cidr_ipv4=pulumi.Output.concat(instance.private_ip, "/32"),
            tags={
                **TAGS,
                "mcis-group": "api",
                "mcis-vm": vm,
                "Name": unique(f"admit/{vm}/db/aws/us-east-1/all"),
            },
            opts=pulumi.ResourceOptions(provider=provider),
        )
        aws.vpc.SecurityGroupIngressRule(
            f"admit/{vm}/web/aws/us-east-1/icmp",
            region="us-east-1",
            security_group_id=security_group_web.id,
            ip_protocol="icmp",
            from_port=-1,
            to_port=-1,
            cidr_ipv4=pulumi.Output.concat(instance.private_ip, "/32"),
            tags={
                **TAGS,
                "mcis-group": "api",
                "mcis-vm": vm,
                "Name": unique(f"admit/{vm}/web/aws/us-east-1/icmp"),
            },
            opts=pulumi.ResourceOptions(provider=provider),
        )
        aws.vpc.SecurityGroupIngressRule(
            f"admit/{vm}/web/aws/us-east-1/tcp-5432",
            region="us-east-1",
            security_group_id=security_group_web.id,
            ip_protocol="tcp",
            from_port=5432,
            to_port=5432,
            cidr_ipv4=pulumi.Output.concat(instance.private_ip, "/32"),
            tags={
                **TAGS,
                "mcis-group": "api",
                "mcis-vm": vm,
                "Name": unique(f"admit/{vm}/web/aws/us-east-1/tcp-5432"),
            },
            opts=pulumi.ResourceOptions(provider=provider),
        )
        inventory[vm] = {
            "group": "api",
            "ordinal": n,
            "connection": "aws",
            "cloud": "aws",
            "region": "ap-south-1",
            "zone": zone,
            "type": "t3.micro",
            "id": instance.id,
            "private_ip": instance.private_ip,
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
        instance = aws.ec2.Instance(
            vm,
            region="us-east-1",
            ami="ami-0123456789abcdef0",
            instance_type="t3.micro",
            subnet_id=subnets_us_east_1["a"].id,
            vpc_security_group_ids=[security_group_db.id],
            key_name="shop-key-generated-aws-us-east-1-f8a73e39-f51243",
            user_data=boot("db.yaml", vm=vm, host_public=host_public, host_key=host_key(vm)),
            root_block_device={
                "encrypted": True,
                "delete_on_termination": True,
                "tags": {**TAGS, "mcis-group": "db", "mcis-vm": vm, "Name": unique(f"disk/{vm}")},
                "volume_type": "gp3",
            },
            metadata_options={
                "http_endpoint": "enabled",
                "http_tokens": "required",
                "http_put_response_hop_limit": 1,
            },
            tags={**TAGS, "mcis-group": "db", "mcis-vm": vm, "Name": unique(vm)},
            opts=pulumi.ResourceOptions(
                provider=provider,
                depends_on=[route_table_associations_us_east_1_public["a"]],
                ignore_changes=["ami", "user_data", "key_name"],
                delete_before_replace=True,
            ),
        )
        eip = aws.ec2.Eip(
            f"ip/{vm}",
            region="us-east-1",
            domain="vpc",
            tags={**TAGS, "mcis-group": "db", "mcis-vm": vm, "Name": unique(f"ip/{vm}")},
            opts=pulumi.ResourceOptions(provider=provider),
        )
        aws.ec2.EipAssociation(
            f"bind/{vm}",
            region="us-east-1",
            allocation_id=eip.id,
            instance_id=instance.id,
            opts=pulumi.ResourceOptions(
                provider=provider,
                deleted_with=instance,
                delete_before_replace=True,
            ),
        )
        aws.vpc.SecurityGroupIngressRule(
            f"admit/{vm}/api/aws/ap-south-1/all",
            region="ap-south-1",
            security_group_id=security_group_api.id,
            ip_protocol="-1",
            cidr_ipv4=pulumi.Output.concat(eip.public_ip, "/32"),
            tags={
                **TAGS,
                "mcis-group": "db",
                "mcis-vm": vm,
                "Name": unique(f"admit/{vm}/api/aws/ap-south-1/all"),
            },
            opts=pulumi.ResourceOptions(provider=provider),
        )
        inventory[vm] = {
            "group": "db",
            "ordinal": n,
            "connection": "aws",
            "cloud": "aws",
            "region": "us-east-1",
            "zone": "a",
            "type": "t3.micro",
            "id": instance.id,
            "private_ip": instance.private_ip,
            "public_ip": eip.public_ip,
            "user": "ops",
            "host_key": host_public,
        }
