"""Connection azure: what its machines share, then a function per group."""

import pulumi
import pulumi_azure_native as azure_native

from common import boot, encoded, host_key, inventory, machines, members, unique

TAGS = {"team": "x", "mcis": "shop", "mcis-namespace": "default", "mcis-env": "prod"}

provider = azure_native.Provider(
    "provider/azure",
    environment="public",
    subscription_id="11111111-2222-4333-8444-555555555555",
)
resource_group_australiaeast = azure_native.resources.ResourceGroup(
    "resources/all/azure/australiaeast",
    resource_group_name="shop-resources-all-azure-australiaeast-3cd3c0",
    location="australiaeast",
    tags=TAGS,
    opts=pulumi.ResourceOptions(provider=provider),
)
resource_group_westus3 = azure_native.resources.ResourceGroup(
    "resources/all/azure/westus3",
    resource_group_name="shop-resources-all-azure-westus3-6691d5",
    location="westus3",
    tags=TAGS,
    opts=pulumi.ResourceOptions(provider=provider),
)
virtual_network_australiaeast = azure_native.network.VirtualNetwork(
    "net/main/azure/australiaeast",
    resource_group_name=resource_group_australiaeast.name,
    virtual_network_name="shop-net-main-azure-australiaeast-f4c43d",
    location="australiaeast",
    address_space={"address_prefixes": ["10.32.0.0/20"]},
    enable_ddos_protection=False,
    enable_vm_protection=False,
    tags=TAGS,
    opts=pulumi.ResourceOptions(
        provider=provider,
        ignore_changes=["subnets"],
        replace_on_changes=["address_space"],
        delete_before_replace=True,
    ),
)
subnet_australiaeast_public = azure_native.network.Subnet(
    "subnet/main/azure/australiaeast/public",
    resource_group_name=resource_group_australiaeast.name,
    virtual_network_name=virtual_network_australiaeast.name,
    subnet_name="public",
    address_prefix="10.32.0.0/21",
    default_outbound_access=False,
    private_endpoint_network_policies="Disabled",
    private_link_service_network_policies="Enabled",
    opts=pulumi.ResourceOptions(provider=provider),
)
application_security_group_main_australiaeast = azure_native.network.ApplicationSecurityGroup(
    "everyone/main/azure/australiaeast",
    resource_group_name=resource_group_australiaeast.name,
    application_security_group_name="shop-everyone-main-azure-australiaeast-d3868e",
    location="australiaeast",
    tags=TAGS,
    opts=pulumi.ResourceOptions(provider=provider),
)
virtual_network_westus3 = azure_native.network.VirtualNetwork(
    "net/main/azure/westus3",
    resource_group_name=resource_group_westus3.name,
    virtual_network_name="shop-net-main-azure-westus3-cf9643",
    location="westus3",
    address_space={"address_prefixes": ["10.32.16.0/20"]},
    enable_ddos_protection=False,
    enable_vm_protection=False,
    tags=TAGS,
    opts=pulumi.ResourceOptions(
        provider=provider,
        ignore_changes=["subnets"],
        replace_on_changes=["address_space"],
        delete_before_replace=True,
    ),
)
subnet_westus3_public = azure_native.network.Subnet(
    "subnet/main/azure/westus3/public",
    resource_group_name=resource_group_westus3.name,
    virtual_network_name=virtual_network_westus3.name,
    subnet_name="public",
    address_prefix="10.32.16.0/21",
    default_outbound_access=False,
    private_endpoint_network_policies="Disabled",
    private_link_service_network_policies="Enabled",
    opts=pulumi.ResourceOptions(provider=provider),
)
public_ip_address = azure_native.network.PublicIPAddress(
    "natip/main/azure/westus3",
    resource_group_name=resource_group_westus3.name,
    public_ip_address_name="shop-natip-main-azure-westus3-3fb977",
    location="westus3",
    sku={"name": "Standard", "tier": "Regional"},
    public_ip_allocation_method="Static",
    public_ip_address_version="IPv4",
    tags=TAGS,
    zones=["1", "2", "3"],
    opts=pulumi.ResourceOptions(provider=provider, ignore_changes=["zones"]),
)
nat_gateway = azure_native.network.NatGateway(
    "nat/main/azure/westus3",
    resource_group_name=resource_group_westus3.name,
    nat_gateway_name="shop-nat-main-azure-westus3-032a33",
    location="westus3",
    sku={"name": "Standard"},
    public_ip_addresses=[{"id": public_ip_address.id}],
    tags=TAGS,
    opts=pulumi.ResourceOptions(provider=provider),
)
subnet_westus3_private = azure_native.network.Subnet(
    "subnet/main/azure/westus3/private",
    resource_group_name=resource_group_westus3.name,
    virtual_network_name=virtual_network_westus3.name,
    subnet_name="private",
    address_prefix="10.32.24.0/21",
    default_outbound_access=False,
    private_endpoint_network_policies="Disabled",
    private_link_service_network_policies="Enabled",
    nat_gateway={"id": nat_gateway.id},
    opts=pulumi.ResourceOptions(provider=provider, depends_on=[subnet_westus3_public]),
)
application_security_group_main_westus3 = azure_native.network.ApplicationSecurityGroup(
    "everyone/main/azure/westus3",
    resource_group_name=resource_group_westus3.name,
    application_security_group_name="shop-everyone-main-azure-westus3-ee23b1",
    location="westus3",
    tags=TAGS,
    opts=pulumi.ResourceOptions(provider=provider),
)

# Group db
application_security_group_db_australiaeast = azure_native.network.ApplicationSecurityGroup(
    "asg/db/azure/australiaeast",
    resource_group_name=resource_group_australiaeast.name,
    application_security_group_name="shop-asg-db-azure-australiaeast-90e0dd",
    location="australiaeast",
    tags={**TAGS, "mcis-group": "db"},
    opts=pulumi.ResourceOptions(provider=provider),
)
network_security_group_db = azure_native.network.NetworkSecurityGroup(
    "sg/db/azure/australiaeast",
    resource_group_name=resource_group_australiaeast.name,
    network_security_group_name="shop-sg-db-azure-australiaeast-e0faad",
    location="australiaeast",
    tags={**TAGS, "mcis-group": "db"},
    opts=pulumi.ResourceOptions(
        provider=provider,
        depends_on=[
            application_security_group_main_australiaeast,
            application_security_group_db_australiaeast,
        ],
        ignore_changes=["security_rules"],
    ),
)
azure_native.network.SecurityRule(
    "rule/db/azure/australiaeast/353",
    resource_group_name=resource_group_australiaeast.name,
    network_security_group_name=network_security_group_db.name,
    security_rule_name="353",
    description="all mcis",
    direction="Inbound",
    priority=353,
    source_port_range="*",
    destination_address_prefix="*",
    access="Allow",
    protocol="*",
    destination_port_range="*",
    source_application_security_groups=[{"id": application_security_group_main_australiaeast.id}],
    opts=pulumi.ResourceOptions(provider=provider),
)
azure_native.network.SecurityRule(
    "rule/db/azure/australiaeast/3573",
    resource_group_name=resource_group_australiaeast.name,
    network_security_group_name=network_security_group_db.name,
    security_rule_name="3573",
    description="tcp-22 ranges",
    direction="Inbound",
    priority=3573,
    source_port_range="*",
    destination_address_prefix="*",
    access="Allow",
    protocol="Tcp",
    destination_port_range="22",
    source_address_prefix="203.0.113.7/32",
    opts=pulumi.ResourceOptions(provider=provider),
)
azure_native.network.SecurityRule(
    "rule/db/azure/australiaeast/4096",
    resource_group_name=resource_group_australiaeast.name,
    network_security_group_name=network_security_group_db.name,
    security_rule_name="4096",
    description="what no other rule allows",
    direction="Inbound",
    priority=4096,
    source_port_range="*",
    destination_address_prefix="*",
    access="Deny",
    protocol="*",
    destination_port_range="*",
    source_address_prefix="VirtualNetwork",
    opts=pulumi.ResourceOptions(provider=provider),
)

# Group web
application_security_group_web_australiaeast = azure_native.network.ApplicationSecurityGroup(
    "asg/web/azure/australiaeast",
    resource_group_name=resource_group_australiaeast.name,
    application_security_group_name="shop-asg-web-azure-australiaeast-f84bf5",
    location="australiaeast",
    tags={**TAGS, "a": "b", "mcis-group": "web"},
    opts=pulumi.ResourceOptions(provider=provider),
)
network_security_group_web = azure_native.network.NetworkSecurityGroup(
    "sg/web/azure/australiaeast",
    resource_group_name=resource_group_australiaeast.name,
    network_security_group_name="shop-sg-web-azure-australiaeast-c6fb61",
    location="australiaeast",
    tags={**TAGS, "a": "b", "mcis-group": "web"},
    opts=pulumi.ResourceOptions(
        provider=provider,
        depends_on=[
            application_security_group_main_australiaeast,
            application_security_group_web_australiaeast,
        ],
        ignore_changes=["security_rules"],
    ),
)
for security_rule_name, description, priority, destination_port_range in (
    ("159", "tcp-80 ranges", 159, "80"),
    ("2406", "tcp-443 ranges", 2406, "443"),
):
    azure_native.network.SecurityRule(
        f"rule/web/azure/australiaeast/{security_rule_name}",
        resource_group_name=resource_group_australiaeast.name,
        network_security_group_name=network_security_group_web.name,
        security_rule_name=security_rule_name,
        description=description,
        direction="Inbound",
        priority=priority,
        source_port_range="*",
        destination_address_prefix="*",
        access="Allow",
        protocol="Tcp",
        destination_port_range=destination_port_range,
        source_address_prefix="0.0.0.0/0",
        opts=pulumi.ResourceOptions(provider=provider),
    )
azure_native.network.SecurityRule(
    "rule/web/azure/australiaeast/2159",
    resource_group_name=resource_group_australiaeast.name,
    network_security_group_name=network_security_group_web.name,
    security_rule_name="2159",
    description="tcp-5432 mcis",
    direction="Inbound",
    priority=2159,
    source_port_range="*",
    destination_address_prefix="*",
    access="Allow",
    protocol="Tcp",
    destination_port_range="5432",
    source_application_security_groups=[{"id": application_security_group_main_australiaeast.id}],
    opts=pulumi.ResourceOptions(provider=provider),
)
azure_native.network.SecurityRule(
    "rule/web/azure/australiaeast/2246",
    resource_group_name=resource_group_australiaeast.name,
    network_security_group_name=network_security_group_web.name,
    security_rule_name="2246",
    description="udp-8000-8100 ranges",
    direction="Inbound",
    priority=2246,
    source_port_range="*",
    destination_address_prefix="*",
    access="Allow",
    protocol="Udp",
    destination_port_range="8000-8100",
    source_address_prefix="198.51.100.0/24",
    opts=pulumi.ResourceOptions(provider=provider),
)
azure_native.network.SecurityRule(
    "rule/web/azure/australiaeast/3140",
    resource_group_name=resource_group_australiaeast.name,
    network_security_group_name=network_security_group_web.name,
    security_rule_name="3140",
    description="icmp mcis",
    direction="Inbound",
    priority=3140,
    source_port_range="*",
    destination_address_prefix="*",
    access="Allow",
    protocol="Icmp",
    destination_port_range="*",
    source_application_security_groups=[{"id": application_security_group_main_australiaeast.id}],
    opts=pulumi.ResourceOptions(provider=provider),
)
azure_native.network.SecurityRule(
    "rule/web/azure/australiaeast/3573",
    resource_group_name=resource_group_australiaeast.name,
    network_security_group_name=network_security_group_web.name,
    security_rule_name="3573",
    description="tcp-22 ranges",
    direction="Inbound",
    priority=3573,
    source_port_range="*",
    destination_address_prefix="*",
    access="Allow",
    protocol="Tcp",
    destination_port_range="22",
    source_address_prefix="203.0.113.7/32",
    opts=pulumi.ResourceOptions(provider=provider),
)
azure_native.network.SecurityRule(
    "rule/web/azure/australiaeast/4096",
    resource_group_name=resource_group_australiaeast.name,
    network_security_group_name=network_security_group_web.name,
    security_rule_name="4096",
    description="what no other rule allows",
    direction="Inbound",
    priority=4096,
    source_port_range="*",
    destination_address_prefix="*",
    access="Deny",
    protocol="*",
    destination_port_range="*",
    source_address_prefix="VirtualNetwork",
    opts=pulumi.ResourceOptions(provider=provider),
)

# Group api
application_security_group_api_westus3 = azure_native.network.ApplicationSecurityGroup(
    "asg/api/azure/westus3",
    resource_group_name=resource_group_westus3.name,
    application_security_group_name="shop-asg-api-azure-westus3-0b2532",
    location="westus3",
    tags={**TAGS, "mcis-group": "api"},
    opts=pulumi.ResourceOptions(provider=provider),
)
network_security_group_api = azure_native.network.NetworkSecurityGroup(
    "sg/api/azure/westus3",
    resource_group_name=resource_group_westus3.name,
    network_security_group_name="shop-sg-api-azure-westus3-bf4504",
    location="westus3",
    tags={**TAGS, "mcis-group": "api"},
    opts=pulumi.ResourceOptions(
        provider=provider,
        depends_on=[
            application_security_group_main_westus3,
            application_security_group_api_westus3,
        ],
        ignore_changes=["security_rules"],
    ),
)
azure_native.network.SecurityRule(
    "rule/api/azure/westus3/353",
    resource_group_name=resource_group_westus3.name,
    network_security_group_name=network_security_group_api.name,
    security_rule_name="353",
    description="all mcis",
    direction="Inbound",
    priority=353,
    source_port_range="*",
    destination_address_prefix="*",
    access="Allow",
    protocol="*",
    destination_port_range="*",
    source_application_security_groups=[{"id": application_security_group_main_westus3.id}],
    opts=pulumi.ResourceOptions(provider=provider),
)
azure_native.network.SecurityRule(
    "rule/api/azure/westus3/3573",
    resource_group_name=resource_group_westus3.name,
    network_security_group_name=network_security_group_api.name,
    security_rule_name="3573",
    description="tcp-22 ranges",
    direction="Inbound",
    priority=3573,
    source_port_range="*",
    destination_address_prefix="*",
    access="Allow",
    protocol="Tcp",
    destination_port_range="22",
    source_address_prefix="203.0.113.7/32",
    opts=pulumi.ResourceOptions(provider=provider),
)
azure_native.network.SecurityRule(
    "rule/api/azure/westus3/4096",
    resource_group_name=resource_group_westus3.name,
    network_security_group_name=network_security_group_api.name,
    security_rule_name="4096",
    description="what no other rule allows",
    direction="Inbound",
    priority=4096,
    source_port_range="*",
    destination_address_prefix="*",
    access="Deny",
    protocol="*",
    destination_port_range="*",
    source_address_prefix="VirtualNetwork",
    opts=pulumi.ResourceOptions(provider=provider),
)


def web() -> None:
    """The machines of group web and what belongs to each of them."""
    zones = ("1", "2", "3")
    host_keys = {
        1: "ssh-ed25519 AAAAweb-1",
        2: "ssh-ed25519 AAAAweb-2",
        3: "ssh-ed25519 AAAAweb-3",
    }
    for n in members("web"):
        vm = f"web-{n}"
        zone = zones[(n - 1) % len(zones)]
        host_public = host_keys.get(n)
        public_ip_address = azure_native.network.PublicIPAddress(
            f"ip/{vm}",
            resource_group_name=resource_group_australiaeast.name,
            public_ip_address_name=unique(f"ip/{vm}/main"),
            location="australiaeast",
            sku={"name": "Standard", "tier": "Regional"},
            public_ip_allocation_method="Static",
            public_ip_address_version="IPv4",
            tags={**TAGS, "a": "b", "mcis-group": "web", "mcis-vm": vm},
            zones=["1", "2", "3"],
            opts=pulumi.ResourceOptions(provider=provider, ignore_changes=["zones"]),
        )
        network_interface = azure_native.network.NetworkInterface(
            f"nic/{vm}",
            resource_group_name=resource_group_australiaeast.name,
            network_interface_name=unique(f"nic/{vm}/main"),
            location=virtual_network_australiaeast.location,
            ip_configurations=[
                {
                    "name": "main",
                    "primary": True,
                    "private_ip_allocation_method": "Dynamic",
                    "private_ip_address_version": "IPv4",
                    "subnet": {
                        "id": subnet_australiaeast_public.id,
                        "private_endpoint_network_policies": "Disabled",
                        "private_link_service_network_policies": "Enabled",
                    },
                    "application_security_groups": [
                        {"id": application_security_group_main_australiaeast.id},
                        {"id": application_security_group_web_australiaeast.id},
                    ],
                    "public_ip_address": {"id": public_ip_address.id},
                },
            ],
            network_security_group={"id": network_security_group_web.id},
            enable_ip_forwarding=False,
            tags={**TAGS, "a": "b", "mcis-group": "web", "mcis-vm": vm},
            opts=pulumi.ResourceOptions(provider=provider, replace_on_changes=["location"]),
        )
        virtual_machine = azure_native.compute.VirtualMachine(
            vm,
            resource_group_name=resource_group_australiaeast.name,
            vm_name=unique(vm),
            location=network_interface.location,
            zones=[zone],
            hardware_profile={"vm_size": "Standard_B2s"},
            network_profile={
                "network_interfaces": [
                    {"id": network_interface.id, "primary": True, "delete_option": "Detach"},
                ],
            },
            os_profile={
                "computer_name": vm,
                "admin_username": "mcis",
                "custom_data": encoded(
                    boot("web.yaml", host_public=host_public, host_key=host_key(vm)),
                ),
                "linux_configuration": {
                    "disable_password_authentication": True,
                    "provision_vm_agent": True,
                    "ssh": {
                        "public_keys": [
                            {
                                "path": "/home/mcis/.ssh/authorized_keys",
                                "key_data": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB6ZQfAkEGBrzN5vJfA3rFj1uEWqAzwSm2s3jvJq4mY8",
                            },
                        ],
                    },
                },
            },
            storage_profile={
                "image_reference": {
                    "publisher": "Canonical",
                    "offer": "ubuntu-24_04-lts",
                    "sku": "server",
                    "version": "24.04.202601010",
                },
                "os_disk": {
                    "create_option": "FromImage",
                    "name": unique(f"disk/{vm}//os"),
                    "caching": "ReadWrite",
                    "delete_option": "Delete",
                    "managed_disk": {"storage_account_type": "StandardSSD_LRS"},
                },
            },
            diagnostics_profile={"boot_diagnostics": {"enabled": True}},
            tags={**TAGS, "a": "b", "mcis-group": "web", "mcis-vm": vm},
            opts=pulumi.ResourceOptions(
                provider=provider,
                ignore_changes=["osProfile.customData", "storageProfile.imageReference", "plan"],
                replace_on_changes=[
                    "availability_set",
                    "eviction_policy",
                    "networkProfile.networkInterfaces",
                    "osProfile.adminUsername",
                    "osProfile.computerName",
                    "osProfile.customData",
                    "osProfile.linuxConfiguration",
                    "plan",
                    "priority",
                    "securityProfile.securityType",
                    "storageProfile.imageReference",
                    "storageProfile.osDisk.createOption",
                    "storageProfile.osDisk.managedDisk.storageAccountType",
                    "storageProfile.osDisk.name",
                    "zones",
                ],
                delete_before_replace=True,
            ),
        )
        inventory[vm] = {
            "group": "web",
            "ordinal": n,
            "connection": "azure",
            "cloud": "azure",
            "region": "australiaeast",
            "zone": zone,
            "type": "Standard_B2s",
            "id": virtual_machine.id,
            "private_ip": network_interface.ip_configurations[0].private_ip_address,
            "public_ip": public_ip_address.ip_address,
            "user": "mcis",
            "host_key": host_public,
            "created_at": virtual_machine.time_created,
        }


def api() -> None:
    """The machines of group api and what belongs to each of them."""
    zones = ("1", "2")
    host_keys = {
        1: "ssh-ed25519 AAAAapi-1",
        2: "ssh-ed25519 AAAAapi-2",
    }
    for n in members("api"):
        vm = f"api-{n}"
        zone = zones[(n - 1) % len(zones)]
        host_public = host_keys.get(n)
        network_interface = azure_native.network.NetworkInterface(
            f"nic/{vm}",
            resource_group_name=resource_group_westus3.name,
            network_interface_name=unique(f"nic/{vm}/main"),
            location=virtual_network_westus3.location,
            ip_configurations=[
                {
                    "name": "main",
                    "primary": True,
                    "private_ip_allocation_method": "Dynamic",
                    "private_ip_address_version": "IPv4",
                    "subnet": {
                        "id": subnet_westus3_private.id,
                        "private_endpoint_network_policies": "Disabled",
                        "private_link_service_network_policies": "Enabled",
                    },
                    "application_security_groups": [
                        {"id": application_security_group_main_westus3.id},
                        {"id": application_security_group_api_westus3.id},
                    ],
                },
            ],
            network_security_group={"id": network_security_group_api.id},
            enable_ip_forwarding=False,
            tags={**TAGS, "mcis-group": "api", "mcis-vm": vm},
            opts=pulumi.ResourceOptions(provider=provider, replace_on_changes=["location"]),
        )
        disk = azure_native.compute.Disk(
            f"disk/{vm}/data",
            resource_group_name=resource_group_westus3.name,
            disk_name=unique(f"disk/{vm}/data/{zone}"),
            location="westus3",
            zones=[zone],
            sku={"name": "StandardSSD_LRS"},
            creation_data={"create_option": "Empty"},
            disk_size_gb=20,
            tags={**TAGS, "mcis-group": "api", "mcis-vm": vm},
            opts=pulumi.ResourceOptions(provider=provider),
        )
        virtual_machine = azure_native.compute.VirtualMachine(
            vm,
            resource_group_name=resource_group_westus3.name,
            vm_name=unique(vm),
            location=network_interface.location,
            zones=[zone],
            hardware_profile={"vm_size": "Standard_B2s"},
            network_profile={
                "network_interfaces": [
                    {"id": network_interface.id, "primary": True, "delete_option": "Detach"},
                ],
            },
            os_profile={
                "computer_name": vm,
                "admin_username": "mcis",
                "custom_data": encoded(
                    boot("api.yaml", host_public=host_public, host_key=host_key(vm)),
                ),
                "linux_configuration": {
                    "disable_password_authentication": True,
                    "provision_vm_agent": True,
                    "ssh": {
                        "public_keys": [
                            {
                                "path": "/home/mcis/.ssh/authorized_keys",
                                "key_data": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB6ZQfAkEGBrzN5vJfA3rFj1uEWqAzwSm2s3jvJq4mY8",
                            },
                        ],
                    },
                },
            },
            storage_profile={
                "image_reference": {
                    "publisher": "Canonical",
                    "offer": "ubuntu-24_04-lts",
                    "sku": "server",
                    "version": "24.04.202601010",
                },
                "os_disk": {
                    "create_option": "FromImage",
                    "name": unique(f"disk/{vm}//os"),
                    "caching": "ReadWrite",
                    "delete_option": "Delete",
                    "managed_disk": {"storage_account_type": "StandardSSD_LRS"},
                },
                "data_disks": [
                    {
                        "lun": 61,
                        "create_option": "Attach",
                        "caching": "None",
                        "delete_option": "Detach",
                        "managed_disk": {"id": disk.id},
                    },
                ],
            },
            diagnostics_profile={"boot_diagnostics": {"enabled": True}},
            tags={**TAGS, "mcis-group": "api", "mcis-vm": vm},
            opts=pulumi.ResourceOptions(
                provider=provider,
                ignore_changes=["osProfile.customData", "storageProfile.imageReference", "plan"],
                replace_on_changes=[
                    "availability_set",
                    "eviction_policy",
                    "networkProfile.networkInterfaces",
                    "osProfile.adminUsername",
                    "osProfile.computerName",
                    "osProfile.customData",
                    "osProfile.linuxConfiguration",
                    "plan",
                    "priority",
                    "securityProfile.securityType",
                    "storageProfile.imageReference",
                    "storageProfile.osDisk.createOption",
                    "storageProfile.osDisk.managedDisk.storageAccountType",
                    "storageProfile.osDisk.name",
                    "zones",
                ],
                delete_before_replace=True,
            ),
        )
        inventory[vm] = {
            "group": "api",
            "ordinal": n,
            "connection": "azure",
            "cloud": "azure",
            "region": "westus3",
            "zone": zone,
            "type": "Standard_B2s",
            "id": virtual_machine.id,
            "private_ip": network_interface.ip_configurations[0].private_ip_address,
            "public_ip": None,
            "user": "mcis",
            "host_key": host_public,
            "created_at": virtual_machine.time_created,
        }


def db() -> None:
    """The machines of group db and what belongs to each of them."""
    host_keys = {
        1: "ssh-ed25519 AAAAdb-1",
    }
    for n in members("db"):
        vm = f"db-{n}"
        host_public = host_keys.get(n)
        public_ip_address = azure_native.network.PublicIPAddress(
            f"ip/{vm}",
            resource_group_name=resource_group_australiaeast.name,
            public_ip_address_name=unique(f"ip/{vm}/main"),
            location="australiaeast",
            sku={"name": "Standard", "tier": "Regional"},
            public_ip_allocation_method="Static",
            public_ip_address_version="IPv4",
            tags={**TAGS, "mcis-group": "db", "mcis-vm": vm},
            zones=["1", "2", "3"],
            opts=pulumi.ResourceOptions(provider=provider, ignore_changes=["zones"]),
        )
        network_interface = azure_native.network.NetworkInterface(
            f"nic/{vm}",
            resource_group_name=resource_group_australiaeast.name,
            network_interface_name=unique(f"nic/{vm}/main"),
            location=virtual_network_australiaeast.location,
            ip_configurations=[
                {
                    "name": "main",
                    "primary": True,
                    "private_ip_allocation_method": "Dynamic",
                    "private_ip_address_version": "IPv4",
                    "subnet": {
                        "id": subnet_australiaeast_public.id,
                        "private_endpoint_network_policies": "Disabled",
                        "private_link_service_network_policies": "Enabled",
                    },
                    "application_security_groups": [
                        {"id": application_security_group_main_australiaeast.id},
                        {"id": application_security_group_db_australiaeast.id},
                    ],
                    "public_ip_address": {"id": public_ip_address.id},
                },
            ],
            network_security_group={"id": network_security_group_db.id},
            enable_ip_forwarding=False,
            tags={**TAGS, "mcis-group": "db", "mcis-vm": vm},
            opts=pulumi.ResourceOptions(provider=provider, replace_on_changes=["location"]),
        )
        virtual_machine = azure_native.compute.VirtualMachine(
            vm,
            resource_group_name=resource_group_australiaeast.name,
            vm_name=unique(vm),
            location=network_interface.location,
            zones=["1"],
            hardware_profile={"vm_size": "Standard_B2s"},
            network_profile={
                "network_interfaces": [
                    {"id": network_interface.id, "primary": True, "delete_option": "Detach"},
                ],
            },
            os_profile={
                "computer_name": vm,
                "admin_username": "ops",
                "custom_data": encoded(
                    boot("db.yaml", host_public=host_public, host_key=host_key(vm)),
                ),
                "linux_configuration": {
                    "disable_password_authentication": True,
                    "provision_vm_agent": True,
                    "ssh": {
                        "public_keys": [
                            {
                                "path": "/home/ops/.ssh/authorized_keys",
                                "key_data": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB6ZQfAkEGBrzN5vJfA3rFj1uEWqAzwSm2s3jvJq4mY8",
                            },
                        ],
                    },
                },
            },
            storage_profile={
                "image_reference": {
                    "publisher": "Canonical",
                    "offer": "ubuntu-24_04-lts",
                    "sku": "server",
                    "version": "24.04.202601010",
                },
                "os_disk": {
                    "create_option": "FromImage",
                    "name": unique(f"disk/{vm}//os"),
                    "caching": "ReadWrite",
                    "delete_option": "Delete",
                    "managed_disk": {"storage_account_type": "StandardSSD_LRS"},
                },
            },
            diagnostics_profile={"boot_diagnostics": {"enabled": True}},
            tags={**TAGS, "mcis-group": "db", "mcis-vm": vm},
            opts=pulumi.ResourceOptions(
                provider=provider,
                ignore_changes=["osProfile.customData", "storageProfile.imageReference", "plan"],
                replace_on_changes=[
                    "availability_set",
                    "eviction_policy",
                    "networkProfile.networkInterfaces",
                    "osProfile.adminUsername",
                    "osProfile.computerName",
                    "osProfile.customData",
                    "osProfile.linuxConfiguration",
                    "plan",
                    "priority",
                    "securityProfile.securityType",
                    "storageProfile.imageReference",
                    "storageProfile.osDisk.createOption",
                    "storageProfile.osDisk.managedDisk.storageAccountType",
                    "storageProfile.osDisk.name",
                    "zones",
                ],
                delete_before_replace=True,
            ),
        )
        inventory[vm] = {
            "group": "db",
            "ordinal": n,
            "connection": "azure",
            "cloud": "azure",
            "region": "australiaeast",
            "zone": "1",
            "type": "Standard_B2s",
            "id": virtual_machine.id,
            "private_ip": network_interface.ip_configurations[0].private_ip_address,
            "public_ip": public_ip_address.ip_address,
            "user": "ops",
            "host_key": host_public,
            "created_at": virtual_machine.time_created,
        }


def links() -> None:
    """What needs the addresses of machines that are declared elsewhere."""
    azure_native.network.SecurityRule(
        "rule/api/azure/westus3/197",
        resource_group_name=resource_group_westus3.name,
        network_security_group_name=network_security_group_api.name,
        security_rule_name="197",
        description="all away:db",
        direction="Inbound",
        priority=197,
        source_port_range="*",
        destination_address_prefix="*",
        access="Allow",
        protocol="*",
        destination_port_range="*",
        source_address_prefixes=[
            pulumi.Output.concat(inventory[vm]["public_ip"], "/32") for vm in machines("db")
        ],
        opts=pulumi.ResourceOptions(provider=provider),
    )
    azure_native.network.SecurityRule(
        "rule/api/azure/westus3/4095",
        resource_group_name=resource_group_westus3.name,
        network_security_group_name=network_security_group_api.name,
        security_rule_name="4095",
        description="all away:web",
        direction="Inbound",
        priority=4095,
        source_port_range="*",
        destination_address_prefix="*",
        access="Allow",
        protocol="*",
        destination_port_range="*",
        source_address_prefixes=[
            pulumi.Output.concat(inventory[vm]["public_ip"], "/32") for vm in machines("web")
        ],
        opts=pulumi.ResourceOptions(provider=provider),
    )
    azure_native.network.SecurityRule(
        "rule/db/azure/australiaeast/3358",
        resource_group_name=resource_group_australiaeast.name,
        network_security_group_name=network_security_group_db.name,
        security_rule_name="3358",
        description="all away:api",
        direction="Inbound",
        priority=3358,
        source_port_range="*",
        destination_address_prefix="*",
        access="Allow",
        protocol="*",
        destination_port_range="*",
        source_address_prefixes=[
            pulumi.Output.concat(inventory[vm]["private_ip"], "/32") for vm in machines("api")
        ],
        opts=pulumi.ResourceOptions(provider=provider),
    )
    azure_native.network.SecurityRule(
        "rule/web/azure/australiaeast/1963",
        resource_group_name=resource_group_australiaeast.name,
        network_security_group_name=network_security_group_web.name,
        security_rule_name="1963",
        description="tcp-5432 away:api",
        direction="Inbound",
        priority=1963,
        source_port_range="*",
        destination_address_prefix="*",
        access="Allow",
        protocol="Tcp",
        destination_port_range="5432",
        source_address_prefixes=[
            pulumi.Output.concat(inventory[vm]["private_ip"], "/32") for vm in machines("api")
        ],
        opts=pulumi.ResourceOptions(provider=provider),
    )
    azure_native.network.SecurityRule(
        "rule/web/azure/australiaeast/2724",
        resource_group_name=resource_group_australiaeast.name,
        network_security_group_name=network_security_group_web.name,
        security_rule_name="2724",
        description="icmp away:api",
        direction="Inbound",
        priority=2724,
        source_port_range="*",
        destination_address_prefix="*",
        access="Allow",
        protocol="Icmp",
        destination_port_range="*",
        source_address_prefixes=[
            pulumi.Output.concat(inventory[vm]["private_ip"], "/32") for vm in machines("api")
        ],
        opts=pulumi.ResourceOptions(provider=provider),
    )
