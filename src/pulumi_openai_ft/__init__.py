"""Manage OpenAI fine-tuning as code with Pulumi.

`__init__.pyi` lists the public names. Each name is imported on first use, so that the `openai-ft` command and the
emulator start without loading Pulumi.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
