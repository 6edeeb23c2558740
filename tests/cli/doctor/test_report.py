from __future__ import annotations

import json

from pulumi_openai_ft.cli.doctor.report import as_json, as_table, ok, problem, warning

FINDINGS = [ok("SDK", "3.272.0"), warning("project key", "stored in\nplaintext"), problem("host", "stopped")]


def test_the_table_has_a_line_for_each_check() -> None:
    assert as_table(FINDINGS).splitlines() == [
        "ok       SDK          3.272.0",
        "warning  project key  stored in plaintext",
        "problem  host         stopped",
    ]


def test_json_contains_the_same() -> None:
    assert json.loads(as_json(FINDINGS))[2] == {"check": "host", "status": "problem", "message": "stopped"}
