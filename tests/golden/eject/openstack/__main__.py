"""Stack shop.prod of project default."""

import pulumi

import connections.openstack
from common import inventory

connections.openstack.web()
connections.openstack.api()
connections.openstack.db()

pulumi.export("inventory", inventory)
