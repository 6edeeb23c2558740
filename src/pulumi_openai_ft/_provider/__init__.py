"""Implementation of the providers. Programs and states refer to them through proxies in the resources' modules."""
