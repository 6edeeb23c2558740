"""The rule for `auto`, and batches that several workers share."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pulumi_openai_ft.serve.hyperparameters import resolve, uneven_batch_message


@given(rows=st.integers(1, 20_000), workers=st.integers(1, 64))
def test_workers_share_automatic_batches_evenly(rows: int, workers: int) -> None:
    size = resolve({}, method="supervised", rows=rows, workers=workers)["batch_size"]

    assert size % workers == 0
    assert size - workers < resolve({}, method="supervised", rows=rows)["batch_size"] <= size


@given(size=st.integers(1, 256), workers=st.integers(1, 64))
def test_uneven_batches_are_refused_with_even_sizes(size: int, workers: int) -> None:
    message = uneven_batch_message(size, workers, 256)

    assert (message is None) == (size % workers == 0)
    if message:
        sizes = [int(number) for number in message.rpartition(": ")[2].rstrip(".").split(", ")]
        assert sizes == [number for number in range(1, 257) if number % workers == 0]


def test_automatic_batches_are_not_refused() -> None:
    assert uneven_batch_message("auto", 7, 256) is None
