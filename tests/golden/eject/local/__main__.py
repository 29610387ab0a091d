"""Stack shop.prod of project default."""

import pulumi

import connections.local
from common import inventory

connections.local.web()
connections.local.api()
connections.local.db()

pulumi.export("inventory", inventory)
