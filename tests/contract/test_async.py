from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import openai

if TYPE_CHECKING:
    from collections.abc import Callable


async def train_many(url: str, key: str, data: bytes, jobs: int) -> tuple[set[str], set[str]]:
    transport = openai.DefaultAsyncHttpxClient(trust_env=False, verify=False)
    options: Any = {"max_retries": 0, "http_client": transport, "_strict_response_validation": True}
    async with openai.AsyncOpenAI(base_url=url, api_key=key, **options) as client:
        file = await client.files.create(file=("a.jsonl", data), purpose="fine-tune")
        create = client.fine_tuning.jobs.create
        created = await asyncio.gather(
            *(create(model="gpt-4o-mini", training_file=file.id) for _ in range(jobs))
        )
        deadline = time.monotonic() + 60
        while True:
            listed = [job async for job in client.fine_tuning.jobs.list(limit=3)]
            succeeded = {job.id for job in listed if job.fine_tuned_model}
            if len(succeeded) == jobs or time.monotonic() > deadline:
                return {job.id for job in created}, succeeded
            await asyncio.sleep(0.05)


def test_asynchronous_client_trains_side_by_side(service: Any, jsonl: Callable[..., bytes]) -> None:
    created, succeeded = asyncio.run(train_many(service.url, service.key, jsonl(), jobs=10))

    assert len(created) == 10
    assert succeeded == created
