"""Helpers of the emulator's tests."""

from __future__ import annotations

import json
from ssl import PROTOCOL_TLS_CLIENT, SSLContext
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    import subprocess

    from pulumi_openai_ft.emulator import Emulator

MODEL = "gpt-4o-mini-2024-07-18"
KEY = "sk-test-project-0001"
ADMIN_KEY = "sk-admin-test-0001"
JOB_SECONDS = 120
NO_CERTIFICATES = SSLContext(PROTOCOL_TLS_CLIENT)  # loading them would take most of a test's time


class Api(httpx.Client):
    """A bare HTTP client of the emulator, with shortcuts for common requests."""

    def upload(
        self, content: bytes | None = None, *, filename: str = "data.jsonl", purpose: str = "fine-tune"
    ) -> dict[str, Any]:
        content = rows() if content is None else content
        reply = self.post("/files", files={"file": (filename, content)}, data={"purpose": purpose})
        assert reply.status_code in (200, 201), reply.text
        return reply.json()

    def train(self, **request: Any) -> dict[str, Any]:
        request = {"model": MODEL, "training_file": request.pop("training_file", None), **request}
        request["training_file"] = request["training_file"] or self.upload()["id"]
        reply = self.post("/fine_tuning/jobs", json=request)
        assert reply.status_code in (200, 201), reply.text
        return reply.json()

    def job(self, job_id: str) -> dict[str, Any]:
        return self.get(f"/fine_tuning/jobs/{job_id}").raise_for_status().json()

    def events(self, job_id: str, **query: Any) -> list[dict[str, Any]]:
        return self.get(f"/fine_tuning/jobs/{job_id}/events", params=query).raise_for_status().json()["data"]

    def checkpoints(self, job_id: str) -> list[dict[str, Any]]:
        return self.get(f"/fine_tuning/jobs/{job_id}/checkpoints").raise_for_status().json()["data"]


def rows(count: int = 10) -> bytes:
    """Return valid training data."""
    answer = {"role": "assistant", "content": "On its way."}
    questions = [{"role": "user", "content": f"Where is it? ({n})"} for n in range(count)]
    return b"".join(json.dumps({"messages": [one, answer]}).encode() + b"\n" for one in questions)


def error(reply: httpx.Response) -> dict[str, Any]:
    """Return the error of a rejected request, which always has all four keys."""
    body = reply.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "param", "code"}
    return body["error"]


class Address:
    """The address of an emulator in another process, as clients need it."""

    def __init__(self, running: subprocess.Popen[str]) -> None:
        assert running.stdout is not None
        self.url = running.stdout.readline().rstrip("\n")


def connect(emulator: Emulator | Address, key: str = KEY, **headers: str) -> Api:
    return Api(
        base_url=emulator.url,
        headers={"authorization": f"Bearer {key}", **headers},
        timeout=10,
        trust_env=False,
        verify=NO_CERTIFICATES,
    )
