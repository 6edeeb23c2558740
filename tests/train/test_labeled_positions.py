from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from tests.train.support import MARKS
from trl.trainer import utils

from pulumi_openai_ft.trainer.labeled_positions import score_labeled_positions_only
from pulumi_openai_ft.trainer.models import load_base
from pulumi_openai_ft.trainer.tokenization import IGNORED

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = MARKS
INPUTS = torch.tensor([[5, 6, 7, 8, 9, 10], [11, 12, 13, 14, 15, 16]])
SOME = torch.tensor([[IGNORED, IGNORED, 7, IGNORED, 9, 10], [IGNORED] * 6])
NONE = torch.full_like(INPUTS, IGNORED)


class _Scored:
    """The last layer of trl's head, which records how many positions it scores."""

    def __init__(self, original: Any) -> None:
        self._original = original
        self.positions = 0

    def apply(self, hidden: torch.Tensor, *arguments: Any) -> Any:
        self.positions += hidden.shape[0]
        return self._original.apply(hidden, *arguments)


def scored(
    base: Path, labels: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> tuple[int, float, torch.Tensor]:
    """Return the number of scored positions, the loss, and the gradient of the embeddings."""
    record = _Scored(utils._ChunkedLogProbFunction)
    monkeypatch.setattr(utils, "_ChunkedLogProbFunction", record)
    model: Any = load_base(str(base))
    utils.add_fused_lm_head(model, outputs=("log_probs", "is_top1"))
    loss = model(input_ids=INPUTS, labels=labels, fused_lm_head=True).loss
    loss.backward()
    return record.positions, loss.item(), model.get_input_embeddings().weight.grad


@pytest.mark.parametrize(
    ("labels", "positions"), [(SOME, 3), (INPUTS, 10), (NONE, 0)], ids=["some", "all", "none"]
)
def test_only_labeled_positions_are_scored(
    base: Path, labels: torch.Tensor, positions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(utils, "_use_triton", utils._use_triton)  # restored after the test
    _, loss, gradient = scored(base, labels, monkeypatch)
    monkeypatch.undo()

    monkeypatch.setattr(utils, "_use_triton", utils._use_triton)
    score_labeled_positions_only()
    count, same_loss, same_gradient = scored(base, labels, monkeypatch)

    assert count == positions
    assert same_loss == pytest.approx(loss, abs=1e-6)
    torch.testing.assert_close(same_gradient, gradient)
