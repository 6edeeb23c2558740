from __future__ import annotations

import pytest
from pulumi_policy import Secret
from tests.policies.harness import KEY, TODAY, UNKNOWN, VALID, PolicyHarness

from pulumi_openai_ft._provider.input_models import is_known
from pulumi_openai_ft._shared.state_names import JOB_TYPE
from pulumi_openai_ft.policies._checked_resource import CheckedResource, read, unknown_paths

URN = "urn:pulumi:dev::shop::shop:models:Family$pulumi-python:dynamic/openai_ft:FineTuningJob::support"


def test_it_reads_resources_of_the_sdk() -> None:
    policies = PolicyHarness()
    props = {**VALID[JOB_TYPE], "suffix": Secret("hush"), "seed": UNKNOWN}

    subject = CheckedResource.of(policies.arguments(JOB_TYPE, props, protect=True), policies.marks, TODAY)

    assert {**subject.props, "seed": None} == {**VALID[JOB_TYPE], "suffix": "hush", "seed": None}
    assert not is_known(subject.props["seed"])
    assert subject.secret == frozenset({"suffix"})
    assert subject.is_protected


def test_its_urn_contains_name_and_stack() -> None:
    subject = CheckedResource(JOB_TYPE, URN, TODAY)

    assert (subject.name, subject.stack) == ("support", "dev")


def test_shown_values_are_truncated() -> None:
    text = CheckedResource(JOB_TYPE, URN, TODAY, secret=frozenset()).redacted_repr("model", "x" * 200)

    assert len(text) == 80
    assert text.endswith("x…")


@pytest.mark.parametrize("path", ["method", "method.dpo.beta", "method[0]"])
def test_it_shows_no_part_of_a_secret(path: str) -> None:
    assert (
        CheckedResource(JOB_TYPE, URN, TODAY, secret=frozenset({"method"})).redacted_repr(path, 1)
        == "[secret]"
    )


def test_it_removes_keys_of_any_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "0123456789abcdefadmin")
    subject = CheckedResource(
        JOB_TYPE, URN, TODAY, configuration={"openai-ft:apiKey": "0123456789abcdefproject"}
    )

    masked = subject.mask(f"{KEY} 0123456789abcdefproject 0123456789abcdefadmin")

    assert masked == "sk-…cdef sk-…ject sk-…dmin"


def test_unknown_parts_are_named_by_their_paths() -> None:
    value = read({"a": [1, UNKNOWN], "b": {"c": UNKNOWN}, "d": "known"})

    assert list(unknown_paths(value, "method")) == ["method.a[1]", "method.b.c"]
