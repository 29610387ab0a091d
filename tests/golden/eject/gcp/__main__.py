"""Stack shop.prod of project default."""

import pulumi

import connections.gcp
from common import inventory

connections.gcp.web()
connections.gcp.api()
connections.gcp.db()

pulumi.export("inventory", inventory)
