"""A resource that takes until somebody says so."""

from mill import Mill, Slow

Slow("flour", Mill())
