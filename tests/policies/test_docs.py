"""The statements of `docs/policies.md` and `docs/ci.md` about the pack are true."""

from __future__ import annotations

import json
import re
from pathlib import Path

from pulumi_openai_ft.cli import policy_config
from pulumi_openai_ft.cli.policy_scaffold import PACK
from pulumi_openai_ft.policies import RULES

DOCS = Path(__file__).parents[2] / "docs"
POLICIES = (DOCS / "policies.md").read_text()


def test_the_table_of_rules_matches_the_pack() -> None:
    violations = [
        f"| `{rule.name}` | {rule.description} | {rule.level.value} | {rule.reason} |" for rule in RULES
    ]

    assert [line for line in POLICIES.splitlines() if line in violations] == violations


def test_the_table_of_limits_matches_the_pack() -> None:
    violations = [
        f"| `{rule.name}` | `{name}` | `{json.dumps(form['default'])}` | {form['description']} |"
        for rule in RULES
        for name, form in rule.options.items()
    ]

    assert [line for line in POLICIES.splitlines() if line in violations] == violations


def test_the_documented_configuration_is_valid(tmp_path: Path) -> None:
    (written,) = re.findall(r"```json\n(.*?)```", POLICIES, re.DOTALL)
    (tmp_path / "config.json").write_text(written)

    assert policy_config.read(tmp_path / "config.json")["fine-tuning-epochs"].limits == {"max": 3}


def test_the_documented_pack_matches_init() -> None:
    assert f"```python\n{PACK}```" in POLICIES


def test_the_recipe_names_the_secrets_of_the_workflow() -> None:
    workflow = (DOCS.parent / "examples" / "ci" / "fine-tuning.yml").read_text()
    used = set(re.findall(r"(?:secrets|vars)\.(\w+)", workflow))

    assert {"OPENAI_API_KEY", "OPENAI_ADMIN_KEY"} <= used
    assert [name for name in used if f"`{name}`" not in (DOCS / "ci.md").read_text()] == []
