"""Run the sequence against a service or the emulator, and return the recording with all replacements."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import msgspec
from tools.record.cleanup import cleaned_up
from tools.record.exchanges import WRONG_KEY, Recorder
from tools.record.plan import DEFAULT_EXTRA_BODY, DEFAULT_MODELS, Plan
from tools.record.recording import Recording, RecordingError
from tools.record.replacement import SECRET_KEYS, Leftover, Replacements, is_fine_tuned
from tools.record.sequence import OWN_NAMES, Sequence

from pulumi_openai_ft._service_profiles import PROFILES
from pulumi_openai_ft._settings import DEFAULT_BASE_URL, Settings
from pulumi_openai_ft.emulator import Clock, Emulator
from pulumi_openai_ft.emulator.service_modes import MODES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

EMULATED_DAY = date(2026, 12, 1)
"""Date of the emulator; its catalog has no models to fine-tune from 2027-01-14 on."""
EMULATED_KEY, EMULATED_ADMIN_KEY = "sk-recorded-from-emulator", "sk-admin-recorded-from-emulator"
EMULATED_PROJECT = "proj_emulatedpartner"
TOKEN, TOKEN_LENGTH = "recorder", 8
PROFILES_OF_MODES = {"openai": "openai", "azure": "azure"}
MODES_OF_PROFILES = {"openai": "openai", "azure": "azure", "bedrock": "openai"}
OTHER_PROFILE, OTHER_MODE = "generic", "gateway"
PUBLIC_SEGMENTS = frozenset({"", "v1", "openai", "api"})
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SHOWN_OF_KEY = 8


@dataclass(frozen=True)
class Result:
    """A run's recording, which is not saved yet.

    Attributes:
        recording: The recording with replacements.
        replacements: The replaced texts.
        leftovers: Texts that must not be saved.
    """

    recording: Recording
    replacements: Replacements
    leftovers: list[Leftover]


def new_token() -> str:
    """Return random letters that distinguish this run's files from all others."""
    return "".join(secrets.choice(string.ascii_lowercase) for _ in range(TOKEN_LENGTH))


def record(
    settings: Settings,
    plan: Plan,
    *,
    sleep: Callable[[float], object],
    report: Callable[[str], object],
    training_seconds: float,
    emulator_mode: str | None,
) -> Result:
    """Run the sequence, clean up, and replace all ids and names.

    Args:
        settings: Base URL, keys and profile.
        plan: The options.
        sleep: Waits for a number of seconds.
        report: Prints a line of progress.
        training_seconds: Maximum time to wait for the trained job.
        emulator_mode: Mode of the emulator, if the service is one.

    Raises:
        RecordingError: No response arrived.
    """
    recorder = Recorder(settings, plan.model, sleep=sleep, report=report)
    try:
        with cleaned_up(recorder, plan.token, report):
            Sequence(recorder, plan, training_seconds).run()
        recording = Recording(
            plan.service,
            emulator_mode,
            date.today().isoformat(),  # noqa: DTZ011  # the day where the person is
            plan.model,
            plan.options,
            recorder.exchanges,
        )
        return replaced(recording, settings, plan, recorder.owners)
    finally:
        recorder.close()


def replaced(recording: Recording, settings: Settings, plan: Plan, owners: dict[str, str]) -> Result:
    """Replace all ids and names of a recording, and scan it for leftovers."""
    kept = {*OWN_NAMES, TOKEN}
    if not is_fine_tuned(plan.model):
        kept.add(plan.model)
    replacements = Replacements(frozenset(kept))
    replacements.add(plan.token, "id", TOKEN)
    for text, kind in {**owners, **_owners(settings, plan)}.items():
        replacements.add(text, kind)
    if settings.base_url != DEFAULT_BASE_URL:
        parts = urlsplit(settings.base_url)
        replacements.add(parts.netloc, "host")
        for segment in set(parts.path.split("/")) - PUBLIC_SEGMENTS:
            replacements.add(segment, "path")
    tree = msgspec.to_builtins(recording)
    replacements.collect(tree)
    return rescanned(Result(recording, replacements, []), tree, settings)


def hidden(result: Result, text: str, settings: Settings) -> Result:
    """Replace another text, which the person names before saving."""
    result.replacements.add(text, "hidden text")
    return rescanned(result, msgspec.to_builtins(result.recording), settings)


def rescanned(result: Result, tree: Any, settings: Settings) -> Result:
    """Apply the replacements to a recording and scan it."""
    clean = result.replacements.applied(tree)
    return replace(
        result,
        recording=msgspec.convert(clean, Recording),
        leftovers=result.replacements.leftovers(clean, _secrets(settings)),
    )


def run_emulator(
    mode: str, model: str | None, *, options: Mapping[str, Any], report: Callable[[str], object]
) -> Result:
    """Record the emulator in a mode. Its clock moves only while the sequence waits.

    Args:
        mode: Mode of the emulator.
        model: Base model. If the emulator does not know it, a model that it knows.
        options: Options that `Plan.options` returned; by default, everything that the emulator can do.
        report: Prints a line of progress.

    Raises:
        RecordingError: The mode is unknown.
    """
    if mode not in MODES:
        raise RecordingError(f"unknown mode {mode!r} of the emulator: use one of {', '.join(MODES)}")
    rules = MODES[mode]
    name = mode if mode in PROFILES else PROFILES_OF_MODES.get(mode, OTHER_PROFILE)
    profile = replace(
        PROFILES[name],
        api_key_header=rules.key_header,
        query=((rules.required_query, "preview"),) if rules.required_query else (),
    )
    with Emulator(today=EMULATED_DAY, clock=Clock.manual(), mode=mode) as emulator:
        settings = Settings(
            api_key=EMULATED_KEY, admin_key=EMULATED_ADMIN_KEY, base_url=emulator.url, profile=profile
        )
        for key in (EMULATED_KEY, EMULATED_ADMIN_KEY):
            emulator.add_key(key)  # so that the emulator rejects a wrong key
        known = model if model and emulator.backend.catalog.find(model) else DEFAULT_MODELS["openai"]
        plan = Plan(
            name,
            known,
            train=options.get("train", True),
            project=EMULATED_PROJECT if options.get("grants", True) else None,
            admin=options.get("admin", True),
            extra_body=options.get("extra_body", DEFAULT_EXTRA_BODY.get(name, {})),
            token=new_token(),
        )
        return record(
            settings,
            plan,
            sleep=emulator.advance,
            report=report,
            training_seconds=10 * emulator.settings.job_seconds,
            emulator_mode=mode,
        )


def run_like(recording: Recording, mode: str) -> Result:
    """Record the emulator in a mode, with the options of another recording.

    Raises:
        RecordingError: The mode is unknown.
    """
    options = {name: value for name, value in recording.options.items() if name != "extra_body"}
    if mode == mode_of(recording):
        options["extra_body"] = recording.options.get("extra_body", {})
    return run_emulator(mode, recording.model, options=options, report=lambda _line: None)


def mode_of(recording: Recording) -> str:
    """Return the mode of the emulator that matches a recording."""
    if recording.emulator_mode:
        return recording.emulator_mode
    name = recording.service
    return name if name in MODES else MODES_OF_PROFILES.get(name, OTHER_MODE)


def emulator_mode_at(base_url: str) -> str | None:
    """Return the mode of a running emulator at a base URL, or None if another service runs there."""
    parts = urlsplit(base_url)
    if parts.hostname not in _LOOPBACK:
        return None
    try:
        found = httpx.get(f"{parts.scheme}://{parts.netloc}/_emulator/settings", trust_env=False)
        mode = found.json().get("mode")
    except (httpx.HTTPError, ValueError, AttributeError):
        return None
    return mode if isinstance(mode, str) else None


def _owners(settings: Settings, plan: Plan) -> dict[str, str]:
    named = {
        settings.organization: "organization id",
        settings.project: "project id",
        plan.project: "project id",
    }
    return {text: kind for text, kind in named.items() if text}


def _secrets(settings: Settings) -> dict[str, str]:
    """Return the keys, and their first and last characters, which services show in errors."""
    keys = [key for key in (settings.api_key, settings.admin_key) if key]
    forms = {form for key in keys for form in (key, key[-_SHOWN_OF_KEY:], key[: 2 * _SHOWN_OF_KEY])}
    forms |= {value for name, value in settings.profile.query if SECRET_KEYS.fullmatch(name)}
    return {form: "key" for form in forms if len(form) >= _SHOWN_OF_KEY and form not in WRONG_KEY}
