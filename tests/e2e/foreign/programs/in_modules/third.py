"""A module that a provider imports only during a create."""

LABEL = "third party"
