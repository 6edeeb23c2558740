"""The command line of the process that answers."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from contextlib import contextmanager
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

from pulumi_openai_ft.trainer.answers.operations import DECODER, Cancel, Generate, Output, RefusalError
from pulumi_openai_ft.trainer.answers.tool_calls import ToolCall
from pulumi_openai_ft.trainer.errors import TrainingError
from pulumi_openai_ft.trainer.offline import OFFLINE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pulumi_openai_ft.trainer.answers.held_models import Held
    from pulumi_openai_ft.trainer.answers.operations import Operation, Unload


class Process:
    """Performs operations, each in a thread, so that the end of the input is noticed at once."""

    def __init__(self, output: Output, most_adapters: int, device: str | None) -> None:
        self._output = output
        self._most_adapters = most_adapters
        self._device = device
        self._cancelled: dict[int, Event] = {}
        self._held: Held | None = None
        self._importing = Lock()

    def begin(self, operation: Operation) -> None:
        """Perform an operation, or start to."""
        if isinstance(operation, Cancel):
            if cancelled := self._cancelled.get(operation.request):
                cancelled.set()
            self._output.write(operation.id, "done")
        elif isinstance(operation, Generate):
            self._cancelled[operation.id] = Event()
            Thread(target=self._generate, args=(operation,), daemon=True).start()
        else:
            Thread(target=self._unload, args=(operation,), daemon=True).start()

    def _generate(self, request: Generate) -> None:
        cancelled = self._cancelled[request.id]
        with self._reported_errors(request.id):
            result = self._answer(request, cancelled)
            if cancelled.is_set():
                self._output.write(request.id, "cancelled")
            else:
                self._output.write(request.id, "done", **result)
        del self._cancelled[request.id]

    def _answer(self, request: Generate, cancelled: Event) -> dict[str, object]:
        from pulumi_openai_ft.trainer.answers.generation import Answer  # noqa: PLC0415  # imports PyTorch
        from pulumi_openai_ft.trainer.answers.held_models import CancelledError  # noqa: PLC0415

        def emit(part: str | ToolCall) -> None:
            if isinstance(part, ToolCall):
                self._output.write(request.id, "tool_call", name=part.name, arguments=part.arguments)
            else:
                self._output.write(request.id, "text", text=part)

        try:
            with self._models().model(request.base, cancelled.is_set) as held:
                return Answer(request, emit, cancelled.is_set).generate(held)
        except CancelledError:
            return {}

    def _unload(self, operation: Unload) -> None:
        with self._reported_errors(operation.id):
            if self._held is not None:
                self._held.unload(operation.adapter)
            self._output.write(operation.id, "done")

    def _models(self) -> Held:
        from pulumi_openai_ft.trainer.answers.held_models import Held  # noqa: PLC0415  # imports PyTorch

        with self._importing:
            if self._held is None:
                self._held = Held(self._most_adapters, self._device)
            return self._held

    @contextmanager
    def _reported_errors(self, number: int) -> Iterator[None]:
        """Report errors of an operation. Other operations continue."""
        try:
            yield
        except RefusalError as error:
            self._report(number, 400, error.message, error.param, error.code)
        except TrainingError as error:
            self._report(number, 500, error.message)
        except Exception as error:  # noqa: BLE001  # each operation needs a last event
            traceback.print_exc()
            self._report(number, 500, f"{type(error).__name__}: {error}")

    def _report(
        self, number: int, status: int, message: str, param: str | None = None, code: str | None = None
    ) -> None:
        self._output.write(number, "error", status=status, message=message, param=param, code=code)


def main() -> None:
    """Perform the operations of stdin until its end."""
    parser = argparse.ArgumentParser(prog="python -m pulumi_openai_ft.trainer.answers", description=__doc__)
    parser.add_argument(
        "--adapters", type=int, default=4, help="maximum number of adapters of each base model"
    )
    parser.add_argument("--device", help="device of the models (default: the first GPU, or else the CPU)")
    arguments = parser.parse_args()
    os.environ.update(OFFLINE)
    process = Process(Output.reserve_stdout(), max(1, arguments.adapters), arguments.device)
    for line in sys.stdin.buffer:
        process.begin(DECODER.decode(line))
    os._exit(0)  # without waiting for answers that no one will read


if __name__ == "__main__":
    main()
