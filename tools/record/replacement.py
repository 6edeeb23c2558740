"""Replace ids, keys, organizations, projects and names, and find leftovers."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

ID_KEYS = re.compile(r"(?:.+[_\-])?ids?|training_file|validation_file|result_files|user|owner")
MODEL_KEYS = frozenset({"fine_tuned_model", "fine_tuned_model_checkpoint"})
NAME_KEYS = re.compile(
    r"(?:created|updated|deleted)_by|(?:.*_)?(?:name|email|organi[sz]ation|project|team|tenant|customer|account|workspace|"
    r"subscription|deployment|entity)",
    re.IGNORECASE,
)
SECRET_KEYS = re.compile(
    r"(?:.*[_\-])?(?:key|secret|password|token|sig|signature|credential)s?", re.IGNORECASE
)
PUBLIC_OWNERS = frozenset({"system", "openai", "openai-internal", "openai-dev"})
ID_PREFIXES = re.compile(
    r"(?:file|upload|part|ft|ftjob|ftevent|ftckpt|ftchkpt|cp|org|proj|user|req|eval)[_\-](?=.)", re.IGNORECASE
)
"""Prefixes of ids that the replacement keeps, because clients and readers recognize them."""
PUBLIC_HOSTS = ("openai.com", "microsoft.com", "aka.ms", "nebius.com", "amazon.com")
PATTERNS = {
    "key": re.compile(r"\bsk-[\w*…\-]{3,}"),
    "token": re.compile(r"(?i)(?<=bearer )[\w\-.~+/]{8,}=*|\beyJ[\w\-]+\.[\w\-.]+"),
    "host": re.compile(
        rf"(?<=://)(?!(?:[\w\-]+\.)*(?:{'|'.join(map(re.escape, PUBLIC_HOSTS))})(?![\w.\-]))[\w.\-\[\]]+(?::\d+)?"
    ),
    "email": re.compile(r"[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)+"),
    "model": re.compile(
        r"\bft:[\w.\-/]+:[\w.\-]*:[\w.\-]*:\w+(?::ckpt-step-\d+)?|\b[\w.\-]+\.ft-[0-9a-f]{16,}[\w\-]*"
    ),
    "id": re.compile(r"\b[a-z]{2,12}[_\-](?=[A-Za-z]*\d|[a-z]*[A-Z])[A-Za-z0-9]{8,}\b"),
    "uuid": re.compile(r"(?i)\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"),
    "address": re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b"),
    "random text": re.compile(
        r"\b(?=\w*\d)(?=\w*[A-Za-z])\w{24,}\b"
        r"|\b(?=[A-Za-z+/]*\d)(?=[a-z\d+/]*[A-Z])(?=[A-Z\d+/]*[a-z])[A-Za-z\d+/]{24,}={0,2}"
    ),
}
"""Patterns that are replaced wherever they occur, in order of precedence."""
OPAQUE_CONTENT = re.compile(r"/content$")
"""Paths whose content is data: only keys and known originals are replaced there."""
GIVEN_FIELDS = ("model", "options")
"""Fields of a recording that contain values which the person chose."""
REQUEST_FIELDS = frozenset({"path", "query", "body"})
NUMBERED_KINDS = frozenset({"id", "request id", "uuid", "organization id", "project id"})
_SHORT = 8
_MODEL = re.compile(r"ft:([^:]*):([^:]*):([^:]*):([^:]*)(:ckpt-step-\d+)?")
_AZURE_MODEL = re.compile(r"(.+?)\.ft-[0-9a-f]+(.*)")


class Leftover(NamedTuple):
    """A text that must not be saved.

    Attributes:
        place: Path of the value in the recording.
        kind: Kind of the text.
        text: The text.
    """

    place: str
    kind: str
    text: str


@dataclass
class Replacements:
    """The replaced texts. The same text always has the same replacement.

    Attributes:
        kept: Texts that are never replaced: the base model and the names that the tool made up.
        kinds: The kind of each original.
    """

    kept: frozenset[str] = frozenset()
    kinds: dict[str, str] = field(default_factory=dict)
    _replacements: dict[str, str] = field(default_factory=dict)
    _counts: Counter[str] = field(default_factory=Counter)
    _numbers: dict[float, int] = field(default_factory=dict)

    def add(self, original: str, kind: str, replacement: str | None = None) -> None:
        """Register a text. A text that is registered or was itself a replacement is ignored."""
        if not original or original in self._replacements or original in self.kept:
            return
        if original in self._replacements.values():
            return
        self._counts[kind] += 1
        made = replacement or self._made(original, kind, self._counts[kind])
        self._replacements[original], self.kinds[original] = made, kind

    def collect(self, tree: Any) -> None:
        """Register all texts of a recording that the fields or the patterns identify."""
        for _place, part, opaque in _parts(tree):
            for _path, name, text in strings(part):
                self._collect_field(name, text)
                self._collect_patterns(text, opaque=opaque)

    def applied(self, tree: Any) -> Any:
        """Return a recording with all registered texts replaced, in keys and values."""
        forms = {
            form: made for text, made in self._replacements.items() for form in (quote(text, safe=""), text)
        }
        ordered = sorted(forms, key=len, reverse=True)
        pattern = re.compile("|".join(map(_bounded, ordered)) or "$^")

        def change(value: Any) -> Any:
            return self._mapped(value, lambda text: pattern.sub(lambda match: forms[match.group()], text))

        changed = [_changed(exchange, change) for exchange in tree["exchanges"]]
        given = {name: change(tree[name]) for name in GIVEN_FIELDS}
        return {**tree, **given, "exchanges": changed}

    def leftovers(self, tree: Any, secrets: Mapping[str, str]) -> list[Leftover]:
        """Return the texts that are still in a recording and must not be saved.

        Args:
            tree: The recording, with replacements.
            secrets: Texts that must not occur, such as keys, with their kinds.
        """
        originals = {text: kind for text, kind in self.kinds.items() if len(text) >= _SHORT}
        forbidden = {**originals, **secrets}
        return [
            leftover
            for place, part, opaque in _parts(tree)
            for leftover in self._leftovers(part, place, forbidden, opaque=opaque)
        ]

    def table(self) -> list[tuple[str, str, str]]:
        """Return kind, original and replacement of each registered text."""
        return [(self.kinds[text], text, made) for text, made in self._replacements.items()]

    def _leftovers(
        self, part: Any, place: str, forbidden: Mapping[str, str], *, opaque: bool
    ) -> Iterator[Leftover]:
        harmless = re.compile("|".join(map(_whole, self._harmless())) or "$^")
        for path, _name, whole in strings(part, keys=True):
            text = harmless.sub(" ", whole)
            for original, kind in forbidden.items():
                if original.lower() in text.lower():
                    yield Leftover(place + path, kind, original)
            for kind, found in self._matches(text, opaque=opaque):
                yield Leftover(place + path, kind, found)

    def _mapped(self, tree: Any, change: Callable[[str], str], name: str = "") -> Any:
        """Return a JSON value with changed texts, and with other numbers as ids."""
        if isinstance(tree, str):
            return change(tree)
        if isinstance(tree, list):
            return [self._mapped(item, change, name) for item in tree]
        if isinstance(tree, dict):
            return {change(key): self._mapped(item, change, key) for key, item in tree.items()}
        if isinstance(tree, int | float) and not isinstance(tree, bool) and ID_KEYS.fullmatch(name):
            known = tree in self._numbers.values()
            return tree if known else self._numbers.setdefault(tree, len(self._numbers) + 1)
        return tree

    def _matches(self, text: str, *, opaque: bool) -> Iterator[tuple[str, str]]:
        """Yield kind and text of each match of a pattern. A match is of a single kind."""
        for kind, pattern in PATTERNS.items():
            if not (opaque and kind == "random text"):
                yield from ((kind, match.group()) for match in pattern.finditer(text))
                text = pattern.sub(" ", text)

    def _harmless(self) -> list[str]:
        """Return the texts that may stay, longest first: kept texts and replacements."""
        texts = {text for text in (*self.kept, *self._replacements.values()) if len(text) >= _SHORT}
        return sorted(texts, key=len, reverse=True)

    def _collect_field(self, name: str, text: str) -> None:
        if name in MODEL_KEYS:
            self._add_model(text)
        elif name == "owned_by" and text not in PUBLIC_OWNERS:
            self.add(text, "organization")
        elif ID_KEYS.fullmatch(name):
            self._add_model(text) if is_fine_tuned(text) else self.add(text, _kind_of_id(name, text))
        elif SECRET_KEYS.fullmatch(name):
            self.add(text, "key")
        elif NAME_KEYS.fullmatch(name) and name != "filename":
            self.add(text, "name")

    def _collect_patterns(self, text: str, *, opaque: bool) -> None:
        for kind, found in self._matches(text, opaque=opaque):
            self._add_model(found) if kind == "model" else self.add(found, kind)

    def _add_model(self, name: str) -> None:
        """Register a model's name. Keep its base model, its suffix if the tool set it, and its step."""
        if name in self.kept:
            return
        if match := _MODEL.fullmatch(name):
            base, organization, suffix, _tail, step = match.groups()
            suffix = suffix if suffix in self.kept else "suffix" if suffix else ""
            self.add(organization, "organization")
            made = f"ft:{base}:organization:{suffix}:{self._counts['model'] + 1:08}{step or ''}"
        elif match := _AZURE_MODEL.fullmatch(name):
            suffix = match[2] if match[2].removeprefix("-") in self.kept else ""
            made = f"{match[1]}.ft-{self._counts['model'] + 1:032}{suffix}"
        else:
            made = f"model-{self._counts['model'] + 1}"
        self.add(name, "model", made)

    @staticmethod
    def _made(original: str, kind: str, number: int) -> str:
        if kind == "key":
            return "sk-replaced"
        if kind == "email":
            return f"person-{number}@example.com"
        if kind == "address":
            return f"192.0.2.{number}"
        if kind == "host":
            return f"host-{number}.invalid"
        if kind in NUMBERED_KINDS:
            prefix = ID_PREFIXES.match(original)
            start = prefix.end() if prefix else 0
            return original[:start] + _numbered(original[start:], number)
        return f"{kind.replace(' ', '-')}-{number}"


def strings(
    tree: Any, place: str = "", name: str = "", *, keys: bool = False
) -> Iterator[tuple[str, str, str]]:
    """Yield place, name of the field, and text of each string. The elements of a list have the name of the list."""
    if isinstance(tree, str):
        yield place, name, tree
    elif isinstance(tree, list):
        for index, item in enumerate(tree):
            yield from strings(item, f"{place}[{index}]", name, keys=keys)
    elif isinstance(tree, dict):
        for key, item in tree.items():
            if keys:
                yield f"{place} (a key)", "", key
            yield from strings(item, f"{place}.{key}", key, keys=keys)


def _parts(tree: Any) -> Iterator[tuple[str, Any, bool]]:
    """Yield place and value of each part of a recording, and whether it is opaque content.

    The fields that the format defines are not parts.
    """
    for name in GIVEN_FIELDS:
        yield name, tree[name], False
    for index, exchange in enumerate(tree["exchanges"]):
        place, request = f"exchanges[{index}]", exchange["request"]
        yield f"{place}.step", exchange["step"], False
        for name in REQUEST_FIELDS & request.keys():
            yield f"{place}.request.{name}", request[name], False
        yield f"{place}.response", exchange["response"], bool(OPAQUE_CONTENT.search(request["path"]))


def _changed(exchange: Any, change: Callable[[Any], Any]) -> Any:
    """Return an exchange with changed values. Values that the format defines stay the same."""
    request, response = exchange["request"], exchange["response"]
    given = {name: change(request[name]) for name in REQUEST_FIELDS & request.keys()}
    return {
        "step": change(exchange["step"]),
        "request": {**request, **given},
        "response": change(response),
    }


def _bounded(text: str) -> str:
    """Return a pattern for a text. A short text must be a whole word."""
    return re.escape(text) if len(text) >= _SHORT else _whole(text)


def _whole(text: str) -> str:
    return rf"(?<![A-Za-z0-9]){re.escape(text)}(?![A-Za-z0-9])"


def _numbered(text: str, number: int) -> str:
    """Return a text of the same form with zeros for its letters and digits, and the number at its end."""
    zeros = re.sub(r"[A-Za-z0-9]", "0", text)
    digits = str(number)
    return zeros[: -len(digits)] + digits if len(zeros) >= len(digits) else digits


def is_fine_tuned(text: str) -> bool:
    """Return whether a model's name is that of a fine-tuned model, which contains an organization or an id."""
    return bool(_MODEL.fullmatch(text) or _AZURE_MODEL.fullmatch(text))


def _kind_of_id(name: str, text: str) -> str:
    if name.endswith("request-id"):
        return "request id"
    if name == "organization_id" or text.startswith("org-"):
        return "organization id"
    return "project id" if name == "project_id" or text.startswith("proj_") else "id"
