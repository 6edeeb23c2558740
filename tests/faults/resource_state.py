"""A row of a stack's state, and what the engine does with it when a command runs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft import get_fine_tuning_events
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.harness import World

    from pulumi_openai_ft._provider.base import Provider


@dataclass
class Row:
    """A resource: what the program asks for, and what the state has of it.

    Each command runs in a process of its own. A command that raises leaves the row as it was.
    """

    world: World
    kind: type[Provider]
    inputs: dict[str, Any]
    id: str | None = None
    outs: dict[str, Any] = field(default_factory=dict)
    condemned: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Replaced by another, and not deleted yet."""

    def up(self) -> None:
        """Creates, updates or replaces, as `diff` says."""
        provider = self._provider()
        self._delete_condemned(provider)
        if self.id is None:
            self._create(provider)
            return
        diff = self._note("diff", provider.diff)(self.id, self.outs, as_stored(self.inputs))
        if diff.replaces:
            self._replace(provider, old_first=bool(diff.delete_before_replace))
        elif diff.changes:
            self._update(provider)

    def touch(self) -> None:
        """Updates whether or not anything changed, as after `refresh` found something to repair."""
        self._update(self._provider())

    def force(self) -> None:
        """Replaces without asking, as `up --replace` does."""
        self._replace(self._provider(), old_first=False)

    def refresh(self) -> None:
        """Reads what is there."""
        assert self.id is not None
        read = self._note("read", self._provider().read)(self.id, self.outs)
        self.id, self.outs = read.id or None, as_stored(read.outs)

    def import_(self) -> None:
        """Reads what no state knows."""
        assert self.id is not None
        read = self._note("import_", self._provider().import_)(self.id)
        self.id, self.outs = read.id, as_stored(read.outs)

    def destroy(self) -> None:
        """Deletes, unless that is done."""
        if self.id is None:
            return
        self._note("delete", self._provider().delete)(self.id, self.outs)
        self.forget()

    def check(self) -> None:
        """Raises what a preview of the new resource would say."""
        failures = self._note("check", self._provider().check)({}, as_stored(self.inputs)).failures
        if failures:
            raise InputError("; ".join(failure.reason for failure in failures))

    def look_up(self) -> None:
        """Asks for what a program can ask about the job."""
        assert self.id is not None
        with self.world.program():
            assert get_fine_tuning_events(self.id).events

    def forget(self) -> None:
        """Loses the state."""
        self.id, self.outs = None, {}

    def has_converged(self) -> bool:
        """Whether a preview shows no change."""
        if self.id is None or self.condemned:
            return False
        return not self._provider().diff(self.id, self.outs, as_stored(self.inputs)).changes

    def _provider(self) -> Provider:
        return self.world.provider(self.kind)

    def _create(self, provider: Provider) -> None:
        created = self._note("create", provider.create)(as_stored(self.inputs))
        self.id, self.outs = created.id, as_stored(created.outs)

    def _update(self, provider: Provider) -> None:
        updated = self._note("update", provider.update)(self.id, self.outs, as_stored(self.inputs))
        self.outs = as_stored(updated.outs)

    def _replace(self, provider: Provider, *, old_first: bool) -> None:
        assert self.id is not None
        old = self.id, self.outs
        if old_first:
            self._note("delete", provider.delete)(*old)
            self.forget()
            self._create(provider)
            return
        self._create(provider)
        self.condemned.append(old)
        self._delete_condemned(provider)

    def _delete_condemned(self, provider: Provider) -> None:
        while self.condemned:
            self._note("delete", provider.delete)(*self.condemned[-1])
            self.condemned.pop()

    def _note(self, operation: str, method: Callable[..., Any]) -> Callable[..., Any]:
        self.world.operations.add(f"{self.kind.__name__}.{operation}")
        return method


def as_stored(value: Any) -> Any:
    """A value as it comes back from the state: numbers are floats."""
    stored = json.loads(json.dumps(value))
    return _floats(stored)


def _floats(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _floats(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_floats(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
