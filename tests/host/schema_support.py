"""Helpers of the schema's tests: a language host that writes programs, example inputs, and the models in
annotations.
"""

from __future__ import annotations

import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import grpc
from pulumi.runtime.proto import language_pb2, language_pb2_grpc
from pulumi.runtime.proto.codegen import loader_pb2
from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SPECIAL_TEXT = """it's "strange": ${x} %{y} {{z}} \\ a tab\tand
a line more, ü"""
MAX_RESPONSE_TIME = 60
_MESSAGES = [
    {"role": "developer", "content": SPECIAL_TEXT, "type": "message"},
    {"role": "user", "content": {"type": "input_text", "text": "{{sample.output_text}}"}},
    {"role": "user", "content": [{"type": "output_text", "text": "a"}, "b"]},
]
_CHECK = {
    "type": "string_check",
    "name": "same",
    "pass_threshold": 0.5,
    "input": "{{sample.output_text}}",
    "reference": "{{item.answer}}",
    "operation": "eq",
}
_GRADERS: dict[str, Any] = {
    "as a text": _CHECK,
    "near": {
        "type": "text_similarity",
        "name": "near",
        "pass_threshold": 0.5,
        "input": "{{sample.output_text}}",
        "reference": SPECIAL_TEXT,
        "evaluation_metric": "rouge_1",
    },
    "score.model": {
        "type": "score_model",
        "name": "score",
        "pass_threshold": 0.5,
        "model": "gpt-4.1",
        "input": _MESSAGES,
        "range": [0, 2.5],
        "sampling_params": {
            "seed": 1,
            "top_p": 0.5,
            "temperature": 0,
            "max_completions_tokens": 99,
            "reasoning_effort": "low",
        },
    },
    "label": {
        "type": "label_model",
        "name": "label",
        "pass_threshold": 0.5,
        "model": "gpt-4.1",
        "input": _MESSAGES,
        "labels": ["good", "bad"],
        "passing_labels": ["good"],
    },
    "code": {
        "type": "python",
        "name": "code",
        "pass_threshold": 0.5,
        "source": f"# {SPECIAL_TEXT}\n",
        "image_tag": "2025-05-08",
    },
}
_HYPERPARAMETERS = {"n_epochs": 3, "batch_size": "auto", "learning_rate_multiplier": 2}
_REQUIRED = {"model": "gpt-4.1-mini-2025-04-14", "training_file": "file-1"}


def _reinforcement(grader: Any, **settings: Any) -> dict[str, Any]:
    method = {"type": "reinforcement", "reinforcement": {"grader": grader, **settings}}
    return {**_REQUIRED, "validation_file": "file-2", "method": method}


def _multi(graders: Any) -> dict[str, Any]:
    return {
        "type": "multi",
        "name": "both",
        "pass_threshold": 0.5,
        "graders": graders,
        "calculate_output": "0.5 * near + 0.5 * code",
    }


EXAMPLES: dict[str, tuple[str, dict[str, Any]]] = {
    "file": (
        "File",
        {
            "file": "data/täglich.jsonl",
            "purpose": "fine-tune",
            "filename": "it's mine.jsonl",
            "validate": "warn",
            "expires_after": {"anchor": "created_at", "seconds": 3600},
            "sha256": "0" * 64,
        },
    ),
    "minimal": ("FineTuningJob", _REQUIRED),
    "lambda": (
        "FineTuningJob",
        _reinforcement({"type": "lambda", "lambda": {"function": "arn:aws:lambda:us-west-2:1:function:f"}}),
    ),
    "supervised": (
        "FineTuningJob",
        {
            **_REQUIRED,
            "suffix": SPECIAL_TEXT,
            "seed": 2147483647,
            "method": {"type": "supervised", "supervised": {"hyperparameters": _HYPERPARAMETERS}},
            "integrations": [
                {
                    "type": "wandb",
                    "wandb": {"project": "p", "name": "n", "entity": "e", "tags": ["a", SPECIAL_TEXT]},
                },
                {"type": "wandb", "wandb": {"project": "q"}},
            ],
            "metadata": {"team.name": "a", "an odd key: é": SPECIAL_TEXT, "class": ""},
            "extra_body": {"service_tier": {"x-y": [1, 1.5, "a", True, None, {"a.b": {}}]}},
            "wait_for_completion": False,
            "cancel_after_timeout": 7200,
            "paused": True,
            "recreate_on_failure": True,
            "delete_model_on_destroy": False,
            "triggers": ["a", 1, 0.25, False, None, {"odd key": [SPECIAL_TEXT]}, []],
            "former_names": ["old", SPECIAL_TEXT],
        },
    ),
    "dpo": (
        "FineTuningJob",
        {
            **_REQUIRED,
            "method": {"type": "dpo", "dpo": {"hyperparameters": {**_HYPERPARAMETERS, "beta": 0.1}}},
        },
    ),
    "every-grader": (
        "FineTuningJob",
        _reinforcement(
            _multi(_GRADERS),
            response_format={"type": "json_schema", "json_schema": {"schema": {"$defs": {"a-b": {}}}}},
            hyperparameters={
                **_HYPERPARAMETERS,
                "reasoning_effort": "low",
                "compute_multiplier": 1.5,
                "eval_interval": 2,
                "eval_samples": "auto",
            },
        ),
    ),
    "list-of-graders": ("FineTuningJob", _reinforcement(_multi([_CHECK, _GRADERS["near"]]))),
    "grader-in-grader": ("FineTuningJob", _reinforcement(_multi(_CHECK))),
    "one-grader": ("FineTuningJob", _reinforcement(_CHECK)),
    "permission": (
        "FineTuningCheckpointPermission",
        {
            "checkpoint_id": "ft:gpt-4.1-mini-2025-04-14:org:support:abc:ckpt-step-90",
            "project_ids": ["proj_a", "proj_b"],
            "allow_view": True,
            "allow_create": True,
        },
    ),
}
"""Resources with every input: name → type and inputs."""

UNKNOWN: dict[str, tuple[str, dict[str, Any]]] = {
    "added": (
        "FineTuningJob",
        {
            **_REQUIRED,
            "method": {
                "type": "supervised",
                "supervised": {"hyperparameters": {"n_epochs": 3, "lora": True, "lora-r": 16}},
            },
        },
    ),
    "left-out": ("FineTuningJob", _reinforcement({"type": "score_model"})),
}
"""Inputs outside of the models: services add hyperparameters, and omit properties that the API requires."""


def hcl(value: Any) -> str:
    """Write a value as the engine writes it into the program that it converts to Python."""
    if isinstance(value, dict):
        return "{" + "".join(f"{hcl(key)} = {hcl(item)}\n" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(hcl, value)) + "]"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, str):
        for character, escaped in {"\\": "\\\\", '"': '\\"', "\n": "\\n", "${": "$${", "%{": "%%{"}.items():
            value = value.replace(character, escaped)
        return f'"{value}"'
    return str(value)


def attributes(values: dict[str, Any]) -> str:
    return "".join(f"{name} = {hcl(value)}\n" for name, value in values.items())


def resource(name: str, token: str, inputs: dict[str, Any]) -> str:
    label = name.replace("-", "_")
    return f'resource {label} "{token}" {{\n{attributes({"__logicalName": name, **inputs})}}}\n'


class LanguageHost:
    """The engine's converter to Python, given the host's schema."""

    def __init__(self, folder: str, schema: str) -> None:
        self._schema = schema
        self._loader = grpc.server(ThreadPoolExecutor(1))
        self._loader.add_generic_rpc_handlers([self._loading()])
        self._address = f"127.0.0.1:{self._loader.add_insecure_port('127.0.0.1:0')}"
        self._loader.start()
        command = Path(folder) / "pulumi-language-python"
        self._process = subprocess.Popen([command], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        self._channel = grpc.insecure_channel(f"127.0.0.1:{int(self._process.stdout.readline())}")

    def close(self) -> None:
        self._channel.close()
        self._process.send_signal(signal.SIGINT)
        self._process.communicate(timeout=MAX_RESPONSE_TIME)
        self._loader.stop(None).wait()

    def _loading(self) -> grpc.GenericRpcHandler:
        """Return the handler that `loader_pb2_grpc` would add; in the SDK, that module imports a missing
        package.
        """
        answer = grpc.unary_unary_rpc_method_handler(
            lambda _request, _context: loader_pb2.GetSchemaResponse(schema=self._schema.encode()),
            request_deserializer=loader_pb2.GetSchemaRequest.FromString,
            response_serializer=loader_pb2.GetSchemaResponse.SerializeToString,
        )
        return grpc.method_handlers_generic_handler("codegen.Loader", {"GetSchema": answer})

    def translate(self, program: str) -> tuple[str, list[str]]:
        """Return the program in Python, and the problems found. Types are checked, unlike in an import."""
        request = language_pb2.GenerateProgramRequest(
            source={"main.pp": program}, loader_target=self._address, strict=True
        )
        stub = language_pb2_grpc.LanguageRuntimeStub(self._channel)
        try:
            answer = stub.GenerateProgram(request, timeout=MAX_RESPONSE_TIME)
        except grpc.RpcError as error:
            return "", [str(error)]
        problems = [f"{found.summary}; {found.detail}" for found in answer.diagnostics]
        return answer.source.get("__main__.py", b"").decode(), problems

    def python(self, program: str) -> str:
        translated, problems = self.translate(program)
        assert not problems
        return translated


def models(annotations: Iterable[Any]) -> Iterator[type[BaseModel]]:
    """Yield the models in annotations, and recursively in their fields."""
    for annotation in annotations:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield annotation
            yield from nested_models(annotation)
        else:
            yield from models(get_args(annotation))


def nested_models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    return models(field.annotation for field in model.model_fields.values())


def fields_used(value: Any) -> Iterator[tuple[type[BaseModel], str]]:
    """Yield each field that is set in a model or in a nested model."""
    if isinstance(value, BaseModel):
        for name in value.model_fields_set:
            yield type(value), name
            yield from fields_used(getattr(value, name))
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from fields_used(item)
