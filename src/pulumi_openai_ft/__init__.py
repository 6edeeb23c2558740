"""Manage OpenAI fine-tuning as code with Pulumi.

`__init__.pyi` lists the public names. Each is imported when it is first used, so that `openai-ft` and the emulator do
not load Pulumi.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
