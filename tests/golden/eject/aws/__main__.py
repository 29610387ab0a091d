"""Stack shop.prod of project default."""

import pulumi

import connections.aws
from common import inventory

connections.aws.web()
connections.aws.api()
connections.aws.db()

pulumi.export("inventory", inventory)
