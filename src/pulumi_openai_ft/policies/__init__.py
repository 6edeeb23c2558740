"""Policies for stacks with fine-tuning, which Pulumi checks before it creates resources.

A policy pack is a folder with `PulumiPolicy.yaml` and this `__main__.py`. `openai-ft init --policies` creates it:

    from pulumi_openai_ft.policies import pack

    pack()
"""

try:
    import pulumi_policy as _  # noqa: F401 - only the extra `policies` installs it
except ModuleNotFoundError as _missing:
    raise ModuleNotFoundError(
        "policies require the package pulumi-policy: install the extra `policies` (docs/install.md)",
        name=_missing.name,
    ) from _missing

from pulumi_openai_ft.policies._pack import RULES, pack, policies

__all__ = ["RULES", "pack", "policies"]
