"""A resource of a stack, and the calls that the engine makes for it when a command runs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft import get_fine_tuning_events
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.harness import Harness

    from pulumi_openai_ft._provider.base import Provider


@dataclass
class StackResource:
    """A resource: the inputs of the program, and the id and outputs in the state.

    Each command runs in a new process. A command that raises does not change the resource.
    """

    harness: Harness
    kind: type[Provider]
    inputs: dict[str, Any]
    id: str | None = None
    outs: dict[str, Any] = field(default_factory=dict)
    pending_deletes: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Replaced resources that are not deleted yet."""

    def up(self) -> None:
        """Create, update or replace, depending on `diff`."""
        provider = self._provider()
        self._delete_pending_deletes(provider)
        if self.id is None:
            self._create(provider)
            return
        diff = self._note("diff", provider.diff)(self.id, self.outs, as_stored(self.inputs))
        if diff.replaces:
            self._replace(provider, old_first=bool(diff.delete_before_replace))
        elif diff.changes:
            self._update(provider)

    def touch(self) -> None:
        """Update without a diff, as after a `refresh` that found a repairable difference."""
        self._update(self._provider())

    def force(self) -> None:
        """Replace without a diff, as `up --replace` does."""
        self._replace(self._provider(), old_first=False)

    def refresh(self) -> None:
        """Read the resource."""
        assert self.id is not None
        read = self._note("read", self._provider().read)(self.id, self.outs)
        self.id, self.outs = read.id or None, as_stored(read.outs)

    def import_(self) -> None:
        """Import the resource."""
        assert self.id is not None
        read = self._note("import_", self._provider().import_)(self.id)
        self.id, self.outs = read.id, as_stored(read.outs)

    def destroy(self) -> None:
        """Delete the resource unless it is deleted already."""
        if self.id is None:
            return
        self._note("delete", self._provider().delete)(self.id, self.outs)
        self.forget()

    def check(self) -> None:
        """Raise the errors that a preview of the new resource would report."""
        failures = self._note("check", self._provider().check)({}, as_stored(self.inputs)).failures
        if failures:
            raise InputError("; ".join(failure.reason for failure in failures))

    def look_up(self) -> None:
        """Look up the job's events, as a program can."""
        assert self.id is not None
        with self.harness.program():
            assert get_fine_tuning_events(self.id).events

    def forget(self) -> None:
        """Lose the state."""
        self.id, self.outs = None, {}

    def has_converged(self) -> bool:
        """Return whether a preview shows no change."""
        if self.id is None or self.pending_deletes:
            return False
        return not self._provider().diff(self.id, self.outs, as_stored(self.inputs)).changes

    def _provider(self) -> Provider:
        return self.harness.provider(self.kind)

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
        self.pending_deletes.append(old)
        self._delete_pending_deletes(provider)

    def _delete_pending_deletes(self, provider: Provider) -> None:
        while self.pending_deletes:
            self._note("delete", provider.delete)(*self.pending_deletes[-1])
            self.pending_deletes.pop()

    def _note(self, operation: str, method: Callable[..., Any]) -> Callable[..., Any]:
        self.harness.operations.add(f"{self.kind.__name__}.{operation}")
        return method


def as_stored(value: Any) -> Any:
    """Return a value as it comes back from the state: numbers are floats."""
    stored = json.loads(json.dumps(value))
    return _floats(stored)


def _floats(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _floats(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_floats(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
