"""A resource whose creation waits for a signal."""

from mill import Mill, Slow

Slow("flour", Mill())
