"""Policies for stacks with fine-tuning: rules that Pulumi checks before anything is created.

A policy pack is a folder with `PulumiPolicy.yaml` and this `__main__.py`, as `openai-ft init --policies` writes it:

    from pulumi_openai_ft.policies import pack

    pack()
"""

try:
    import pulumi_policy as _  # noqa: F401 - the extra that all of this stands on
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        "policies need the package pulumi-policy: install the extra `policies` (docs/install.md)",
        name=missing.name,
    ) from missing

from pulumi_openai_ft.policies._pack import RULES, pack, policies

__all__ = ["RULES", "pack", "policies"]
