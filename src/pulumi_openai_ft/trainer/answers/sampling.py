"""Choice of the next token, reproducible for a seed whatever other threads do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from transformers.generation.logits_process import (
    LogitsProcessor,
    LogitsProcessorList,
    TemperatureLogitsWarper,
    TopPLogitsWarper,
)

if TYPE_CHECKING:
    from pulumi_openai_ft.trainer.answers.operations import Generate

_COLDEST = 1e-3
"""Temperature below which the most likely token is always taken."""


def processors(request: Generate) -> LogitsProcessorList:
    """Return the processors after which the token with the highest score is the one to take."""
    chosen: list[LogitsProcessor] = []
    if request.temperature >= _COLDEST:
        chosen.append(TemperatureLogitsWarper(request.temperature))
        if request.top_p < 1:
            chosen.append(TopPLogitsWarper(request.top_p))
        chosen.append(_RandomScores(request.seed))
    return LogitsProcessorList(chosen)


class _RandomScores(LogitsProcessor):
    """Adds Gumbel noise: the highest score is then a sample of the distribution (the Gumbel-max trick).

    Unlike sampling with PyTorch's global generator, this is not influenced by answers of other base models.
    """

    def __init__(self, seed: int | None) -> None:
        self._seed = seed
        self._generator: torch.Generator | None = None

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:  # noqa: ARG002
        if self._generator is None:
            self._generator = torch.Generator(scores.device)
            if self._seed is None:
                self._generator.seed()
            else:
                self._generator.manual_seed(self._seed)
        scores = scores.float()
        noise = torch.empty_like(scores).exponential_(generator=self._generator)
        return scores - noise.clamp_min(torch.finfo(noise.dtype).tiny).log()
