from __future__ import annotations

from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pulumi_openai_ft.server.errors import ApiError
from pulumi_openai_ft.server.job_request import HYPERPARAMETERS, check_job_request, ordered_method

FIELDS = ["validation_file", "suffix", "seed", "metadata", "integrations", "method", "hyperparameters"]
WORDS = [
    "auto",
    *HYPERPARAMETERS,
    "type",
    "hyperparameters",
    "grader",
    "n_epochs",
    "wandb",
    "multi",
    "graders",
]
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.sampled_from(WORDS)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS), VALUES))
def test_any_body_is_refused_or_creates_a_job(body: dict[str, Any]) -> None:
    request = {"model": "m", "training_file": "f", **body}
    with suppress(ApiError):
        check_job_request(request)
        method = ordered_method(request)

        assert set(method[method["type"]]["hyperparameters"]) == set(HYPERPARAMETERS[method["type"]])


def test_omitted_hyperparameters_are_auto() -> None:
    for kind in ("supervised", "dpo"):
        ordered = ordered_method({"method": {"type": kind}})

        assert ordered == {
            "type": kind,
            kind: {"hyperparameters": dict.fromkeys(HYPERPARAMETERS[kind], "auto")},
        }
