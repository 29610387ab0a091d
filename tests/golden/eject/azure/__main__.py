"""Stack shop.prod of project default."""

import pulumi

import connections.azure
from common import inventory

connections.azure.web()
connections.azure.api()
connections.azure.db()
connections.azure.links()

pulumi.export("inventory", inventory)
