"""The routes under /_emulator/, for tests and for inspecting the emulator."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft.emulator.faults import ACTIONS, Fault
from pulumi_openai_ft.emulator.inspection import OBJECTS
from pulumi_openai_ft.emulator.service_modes import MODES
from pulumi_openai_ft.server.errors import ApiError, invalid
from pulumi_openai_ft.server.handlers.files import PURPOSES
from pulumi_openai_ft.server.request_context import ApiRequest
from pulumi_openai_ft.server.validators import (
    Check,
    fields,
    flag,
    items,
    nullable,
    number,
    one_of,
    text,
    whole,
)

if TYPE_CHECKING:
    from pulumi_openai_ft.emulator.backend import EmulatorBackend
    from pulumi_openai_ft.emulator.settings import Settings
    from pulumi_openai_ft.server.auth import Key
    from pulumi_openai_ft.server.request_context import Json

_ADVANCE = fields({"seconds": number(minimum=0)})
_KEY = fields({"key": text(1)}, {"project": nullable(text(1)), "scopes": nullable(items(text(1)))})


def _day(value: Any, path: str) -> None:
    text()(value, path)
    try:
        date.fromisoformat(value)
    except ValueError as error:
        raise invalid(f"Invalid value for '{path}': expected YYYY-MM-DD, but got '{value}'.", path) from error


_SETTINGS: dict[str, Check] = {
    "organization_id": text(1),
    "organization": text(1),
    "project": text(1),
    "projects": items(text(1)),
    "closed": flag,
    "job_seconds": number(minimum=0),
    "max_active_jobs": nullable(whole(0)),
    "admin_requests_per_minute": nullable(whole(1)),
    "today": _day,
    "missing_scope_status": whole(401, 403),
    "refused_contents": items(one_of(*PURPOSES)),
    "file_processing_seconds": nullable(number(minimum=0)),
    "max_file_bytes": whole(1),
    "max_part_bytes": whole(1),
    "max_upload_bytes": whole(1),
    "mode": one_of(*MODES),
}


@dataclass(slots=True)
class ControlRequest(ApiRequest):
    """A request to a route of the emulator. It needs no key."""

    backend: EmulatorBackend


Handler = Callable[[ControlRequest], dict[str, Any]]


def show_help(call: ControlRequest) -> Json:
    """GET / and GET /_emulator/."""
    base = str(call.request.base_url).rstrip("/")
    return {
        "what": "an emulator of OpenAI's fine-tuning API; it does not train models or send data anywhere",
        "base_url": f"{base}/v1",
        "keys": "any bearer key is a project key; keys that begin with sk-admin- are admin keys",
        "control": {
            "POST /_emulator/reset": "deletes all objects, journal entries and faults",
            "GET /_emulator/clock": "the time in the API's timestamps",
            "POST /_emulator/advance": {"seconds": 120},
            "GET /_emulator/journal": "requests; filters: method, path (glob), status, after (a number)",
            "GET /_emulator/counts": "requests by method and route",
            "GET /_emulator/objects": f"all objects; of a kind: /_emulator/objects/{{{'|'.join(OBJECTS)}}}",
            "GET, POST /_emulator/settings": sorted(_SETTINGS),
            "GET, POST, DELETE /_emulator/keys": {"key": "sk-…", "project": "proj_…", "scopes": []},
            "GET, POST, DELETE /_emulator/faults": {
                "method": "POST", "path": "/files*", "times": 1, "skip": 0, "action": " | ".join(ACTIONS)
            },
        },
    }  # fmt: skip


def reset(call: ControlRequest) -> Json:
    """POST /_emulator/reset."""
    call.backend.reset()
    return {"reset": True}


def show_clock(call: ControlRequest) -> Json:
    """GET /_emulator/clock."""
    clock = call.backend.clock
    return {"now": clock.now(), "speed": clock.speed, "skipped": clock.skipped}


def advance(call: ControlRequest) -> Json:
    """POST /_emulator/advance {"seconds": …}."""
    _ADVANCE(call.body, "")
    call.backend.advance(call.body["seconds"])
    return show_clock(call)


def show_journal(call: ControlRequest) -> Json:
    """GET /_emulator/journal."""
    entries = call.backend.journal.entries(
        method=call.query("method"),
        path=call.query("path"),
        status=_integer(call, "status"),
        after=_integer(call, "after") or 0,
    )
    return {"entries": [asdict(entry) for entry in entries]}


def clear_journal(call: ControlRequest) -> Json:
    """DELETE /_emulator/journal."""
    call.backend.journal.clear()
    return {"entries": []}


def show_counts(call: ControlRequest) -> Json:
    """GET /_emulator/counts."""
    return {"counts": call.backend.journal.counts()}


def show_objects(call: ControlRequest) -> Json:
    """GET /_emulator/objects."""
    return {kind: find(call.backend) for kind, find in OBJECTS.items()}


def show_objects_of_kind(call: ControlRequest) -> Json:
    """GET /_emulator/objects/{kind}."""
    kind = call.path("kind")
    if kind not in OBJECTS:
        raise ApiError(404, f"Unknown kind of object '{kind}'; expected one of {', '.join(OBJECTS)}.")
    return {kind: OBJECTS[kind](call.backend)}


def show_settings(call: ControlRequest) -> Json:
    """GET /_emulator/settings."""
    settings = call.backend.settings
    shown = {name: value for name, value in asdict(settings).items() if name in _SETTINGS}
    return {**shown, "today": settings.today.isoformat()}


def change_settings(call: ControlRequest) -> Json:
    """POST /_emulator/settings with the fields to change."""
    fields({}, _SETTINGS)(call.body, "")
    change(call.backend.settings, call.body)
    return show_settings(call)


def change(settings: Settings, changes: dict[str, Any]) -> None:
    """Change settings to validated JSON values."""
    for name, value in changes.items():
        setattr(settings, name, _setting(name, value))


def show_keys(call: ControlRequest) -> Json:
    """GET /_emulator/keys."""
    return {"keys": [_key(key) for key in call.backend.keyring.all()]}


def add_key(call: ControlRequest) -> Json:
    """POST /_emulator/keys."""
    _KEY(call.body, "")
    spec = call.body
    return _key(call.backend.keyring.add(spec["key"], project=spec.get("project"), scopes=spec.get("scopes")))


def clear_keys(call: ControlRequest) -> Json:
    """DELETE /_emulator/keys: make every key work again."""
    call.backend.keyring.clear()
    return show_keys(call)


def show_faults(call: ControlRequest) -> Json:
    """GET /_emulator/faults."""
    return {"faults": [asdict(fault) for fault in call.backend.faults.all()]}


def add_fault(call: ControlRequest) -> Json:
    """POST /_emulator/faults."""
    if not isinstance(call.body, dict):
        raise invalid("A fault must be a JSON object with an action.")
    fault: Fault = call.backend.faults.add(call.body)
    return asdict(fault)


def clear_faults(call: ControlRequest) -> Json:
    """DELETE /_emulator/faults."""
    call.backend.faults.clear()
    return show_faults(call)


def _integer(call: ControlRequest, name: str) -> int | None:
    given = call.query(name)
    if given is not None and not re.fullmatch(r"[0-9]{1,9}", given):
        raise invalid(f"Invalid value for '{name}': expected an integer, but got '{given}' instead.", name)
    return None if given is None else int(given)


def _setting(name: str, value: Any) -> Any:
    if name == "today":
        return date.fromisoformat(value)
    return tuple(value) if isinstance(value, list) else value


def _key(key: Key) -> Json:
    return {"key": key.masked, "admin": key.admin, "project": key.project, "scopes": sorted(key.scopes)}
