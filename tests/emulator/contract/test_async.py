from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import openai

if TYPE_CHECKING:
    from collections.abc import Callable

    from pulumi_openai_ft.emulator import Emulator


async def train_many(url: str, data: bytes, jobs: int) -> tuple[set[str], set[str | None]]:
    transport = openai.DefaultAsyncHttpxClient(trust_env=False, verify=False)
    options: Any = {"max_retries": 0, "http_client": transport, "_strict_response_validation": True}
    async with openai.AsyncOpenAI(base_url=url, api_key="sk-contract-test-0001", **options) as client:
        file = await client.files.create(file=("a.jsonl", data), purpose="fine-tune")
        create = client.fine_tuning.jobs.create
        created = await asyncio.gather(
            *(create(model="gpt-4o-mini", training_file=file.id) for _ in range(jobs))
        )
        listed = [job async for job in client.fine_tuning.jobs.list(limit=3)]
        return {job.id for job in created}, {job.id for job in listed if job.fine_tuned_model}


def test_asynchronous_client_trains_side_by_side(emulator: Emulator, jsonl: Callable[..., bytes]) -> None:
    created, succeeded = asyncio.run(train_many(emulator.url, jsonl(), jobs=10))

    assert len(created) == 10
    assert succeeded == created
