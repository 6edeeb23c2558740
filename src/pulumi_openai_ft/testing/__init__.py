"""Fixtures and mocks for tests of your Pulumi programs; see docs/testing.md.

`__init__.pyi` lists the public names. Each name is imported on first use, because pytest imports this package in every
run in whose environment it is installed.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
