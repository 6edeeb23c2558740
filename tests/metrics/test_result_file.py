from __future__ import annotations

from base64 import b64encode, encodebytes
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_openai_ft._metrics.result_file import metrics_of_result_file
from pulumi_openai_ft._metrics.steps import StepMetrics

if TYPE_CHECKING:
    from collections.abc import Callable

OPENAI = (
    "step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy\n1,1.5,0.25,,\n2,0.75,0.5,0.8,0.4\n"
)
ROWS = [
    StepMetrics(step=1, train_loss=1.5, train_accuracy=0.25),
    StepMetrics(step=2, train_loss=0.75, train_accuracy=0.5, valid_loss=0.8, valid_accuracy=0.4),
]
ENCODINGS: dict[str, Callable[[str], bytes]] = {
    "base64": lambda text: b64encode(text.encode()),
    "base64 in lines": lambda text: encodebytes(text.encode()),
    "base64 of a BOM": lambda text: b64encode(text.encode("utf-8-sig")),
    "BOM before base64": lambda text: b"\xef\xbb\xbf" + b64encode(text.encode()),
    "plain": str.encode,
    "plain with a BOM": lambda text: text.encode("utf-8-sig"),
    "Windows lines": lambda text: text.replace("\n", "\r\n").encode(),
    "blank lines": lambda text: ("\n\n" + text.replace("\n", "\n\n")).encode(),
    "quoted": lambda text: "\n".join(
        ",".join(f'"{cell}"' for cell in line.split(",")) for line in text.splitlines()
    ).encode(),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_result_file_is_read_in_every_encoding(encoding: str) -> None:
    assert metrics_of_result_file(ENCODINGS[encoding](OPENAI)) == ROWS


def test_columns_of_azure_are_read() -> None:
    text = (
        "step,train_loss,train_mean_token_accuracy,valid_loss,validation_mean_token_accuracy,full_valid_loss,"
        "full_valid_mean_token_accuracy\n7,0.5,0.9,0.6,0.8,0.7,0.75\n"
    )

    assert metrics_of_result_file(text.encode()) == [
        StepMetrics(
            step=7,
            train_loss=0.5,
            train_accuracy=0.9,
            valid_loss=0.6,
            valid_accuracy=0.8,
            full_valid_loss=0.7,
            full_valid_accuracy=0.75,
        )
    ]


def test_unknown_columns_and_short_rows_are_accepted() -> None:
    text = "elapsed_tokens,step,learning_rate,training_loss\n10,1,2e-5,0.5\n20,2\nbroken\n30,x,1,1\n"

    assert metrics_of_result_file(text.encode()) == [StepMetrics(step=1, train_loss=0.5), StepMetrics(step=2)]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"step",
        b"<html>no</html>",
        b'{"step": 1}',
        b"\xff\xfe\x00",
        b64encode(b"a,b\n1,2\n"),
        b"a,b\n1,2\n",
    ],
)
def test_content_without_steps_has_no_rows(content: bytes) -> None:
    assert metrics_of_result_file(content) == []


values = st.none() | st.floats(-100, 100)


@given(
    st.lists(
        st.builds(
            StepMetrics,
            step=st.integers(0, 10**6),
            train_loss=values,
            full_valid_loss=values,
            train_reward=values,
        ),
        unique_by=lambda row: row.step,
    ),
    st.sampled_from(sorted(ENCODINGS)),
)
def test_any_metrics_survive_a_result_file(rows: list[StepMetrics], encoding: str) -> None:
    cells = [[row.step, row.train_loss, row.full_valid_loss, row.train_reward] for row in rows]
    lines = [",".join("" if cell is None else repr(cell) for cell in line) for line in cells]
    text = "\n".join(["step,train_loss,full_valid_loss,train_mean_reward", *lines]) + "\n"

    assert metrics_of_result_file(ENCODINGS[encoding](text)) == sorted(rows, key=lambda row: row.step)


@given(st.binary())
def test_any_content_is_accepted(content: bytes) -> None:
    assert all(row.step >= 0 for row in metrics_of_result_file(content))
