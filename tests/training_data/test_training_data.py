from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from tests.training_data.rows import (
    ALL_VALID,
    ASSISTANT,
    CHAT,
    NAMES,
    PAIR,
    TASK,
    USER,
    chat,
    found,
    numbered,
    write,
)

from pulumi_openai_ft.errors import InputError
from pulumi_openai_ft.training_data import Severity, check, estimate, sha256

if TYPE_CHECKING:
    from pathlib import Path

    from pulumi_openai_ft.training_data import Report

TWELVE = [numbered(number) for number in range(12)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "training.jsonl"


@pytest.mark.parametrize(("method", "row"), ALL_VALID, ids=NAMES)
def test_valid_rows_are_counted_without_problems(method: str, row: Any, file: Path) -> None:
    rows = [numbered(number, row) for number in range(10)]

    report = check(write(file, *rows), method=method, part="training")  # type: ignore[arg-type]

    assert (found(report), report.examples, report.method) == ([], 10, method)
    assert report.tokens % 10 == 0
    assert report.tokens > 0


def test_a_report_has_hash_and_size(file: Path) -> None:
    content = write(file, *TWELVE).read_bytes()

    report = check(file)

    assert (report.sha256, report.bytes) == (hashlib.sha256(content).hexdigest(), len(content))
    assert sha256(file) == report.sha256


@pytest.mark.parametrize(("row", "method"), [(CHAT, "supervised"), (PAIR, "dpo"), (TASK, "reinforcement")])
def test_readable_rows_determine_the_method(row: Any, method: str, file: Path) -> None:
    assert check(write(file, b"", b"{", row)).method == method


def test_rows_determine_the_method_despite_invalid_bytes(file: Path) -> None:
    report = check(write(file, b"", PAIR, b'"caf\xe9"', PAIR))

    assert (report.method, set(report.counts)) == (
        "dpo",
        {"blank_line", "encoding", "duplicate", "few_examples"},
    )


def test_problems_are_reported_with_line_and_path(file: Path) -> None:
    rows = [*TWELVE[:4], b"{", *TWELVE[4:], chat(USER, ASSISTANT | {"weight": 2}), chat(USER)]

    report = check(write(file, *rows))

    assert found(report) == [
        ("json", 5, ""),
        ("weight", 14, "messages[1].weight"),
        ("nothing_to_learn", 15, "messages"),
    ]
    assert (report.errors, report.warnings, report.examples) == (3, 0, 15)


def test_twenty_problems_are_reported_and_the_others_counted(file: Path) -> None:
    bad = [numbered(number, chat(USER, ASSISTANT | {"weight": 2})) for number in range(30)]

    report = check(write(file, *TWELVE, TWELVE[0], *bad, b"{"))

    errors = [problem for problem in report.problems if problem.severity is Severity.ERROR]
    assert [problem.line for problem in errors] == list(range(14, 34))
    assert report.counts == {"duplicate": 1, "weight": 30, "json": 1}
    assert report.hidden_counts(Severity.ERROR) == {"weight": 10, "json": 1}
    assert report.messages(Severity.ERROR)[-1] == "and 11 more: 10 weight, 1 json"
    assert report.messages(Severity.WARNING) == [
        "line 13: the example is identical to line 1; remove the duplicate, unless it is intentional"
    ]


def test_a_file_of_errors_is_abandoned_but_hashed(file: Path) -> None:
    content = write(file, *[b'{"messages": %d}' % number for number in range(12_000)]).read_bytes()

    report = check(file)

    assert report.counts == {"messages": 10_000, "stopped": 1}
    assert report.sha256 == hashlib.sha256(content).hexdigest()


FILES: dict[str, tuple[bytes, list[tuple[str, int | None, str]]]] = {
    "empty": (b"", [("no_examples", None, "")]),
    "only blank lines": (
        b"\n \n",
        [("no_examples", None, ""), ("blank_line", 1, ""), ("blank_line", 2, "")],
    ),
    "JSON array": (json.dumps([CHAT] * 12, indent=1).encode(), [("array", None, "")]),
    "UTF-16": ("".join(json.dumps(row) + "\n" for row in TWELVE).encode("utf-16"), [("encoding", None, "")]),
    "UTF-16 without a mark": (json.dumps(CHAT).encode("utf-16-le"), [("encoding", None, "")]),
    "Latin-1 in an unused key": (
        b"".join(json.dumps(row).encode() + b"\n" for row in TWELVE)
        + json.dumps(CHAT | {"source": "café"}, ensure_ascii=False).encode("latin-1"),
        [("encoding", 13, "")],
    ),
}


@pytest.mark.parametrize(("content", "expected"), FILES.values(), ids=FILES.keys())
def test_a_file_of_another_form_is_recognised(content: bytes, expected: Any, file: Path) -> None:
    file.write_bytes(content)

    assert found(check(file, part="training")) == expected


def test_a_byte_order_mark_is_a_warning(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + write(file, *TWELVE).read_bytes())

    assert found(check(file)) == [("byte_order_mark", None, "")]
    assert found(check(file, service="azure")) == []


@pytest.mark.parametrize("unclear", [{"messages": []}, {"messages": 3}, {}, 1])
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(("method", "row"), ALL_VALID, ids=NAMES)
def test_first_rows_follow_the_method_of_later_rows(
    file: Path, method: Any, row: Any, unclear: object, count: int
) -> None:
    write(file, *[json.dumps(unclear).encode()] * count, row)

    assert check(file) == check(file, method=method)


@pytest.mark.parametrize("key", ["plain", "\\", '"', "\n", "\0", "\x1f", "\ud800", "\U0001f600", "", "a b"])
def test_reinforcement_rows_may_have_any_key(file: Path, key: str) -> None:
    rows = [json.dumps(numbered(number, TASK | {key: {"inner": number}})).encode() for number in range(12)]
    valid = check(write(file, *rows), method="reinforcement")
    repeated = check(
        write(file, *[row.replace(b'{"inner"', b'{"inner": 0, "inner"') for row in rows]),
        method="reinforcement",
    )

    assert {kind for kind, _, _ in found(valid)} <= {"lone_surrogate"}
    assert valid.examples == 12
    assert repeated.counts == valid.counts | {"repeated_key": 12}


def test_windows_line_endings_are_accepted(file: Path) -> None:
    lines = [json.dumps(row).encode() + b"\r" for row in [*TWELVE, TWELVE[0]]]

    assert found(check(write(file, *lines))) == [("duplicate", 13, "")]


def test_the_last_line_needs_no_end(file: Path) -> None:
    file.write_bytes(write(file, *TWELVE).read_bytes().rstrip())

    report = check(file)

    assert (report.examples, found(report)) == (12, [])


@pytest.mark.parametrize(
    ("part", "kind"), [("training", "too_few_examples"), ("validation", None), (None, "few_examples")]
)
def test_nine_rows_are_too_few_to_train(part: Any, kind: str | None, file: Path) -> None:
    report = check(write(file, *TWELVE[:9]), part=part)

    assert [problem.kind for problem in report.problems] == ([kind] if kind else [])


def test_too_few_rows_are_reported_before_other_problems(file: Path) -> None:
    row = chat(*[USER | {"name": 7}] * 25, ASSISTANT)

    of_training, of_validation, open_ = (
        check(write(file, row), part=part) for part in ("training", "validation", None)
    )

    assert of_training.problems == (of_training.problems[0], *of_validation.problems[:-1])
    assert of_training.problems[0].kind == "too_few_examples"
    assert of_training.counts == {"name": 25, "too_few_examples": 1}
    assert of_validation.counts == {"name": 25}
    assert [problem.kind for problem in open_.problems] == ["name"] * 20 + ["few_examples"]


def test_training_rows_are_found_in_the_validation_file(file: Path, tmp_path: Path) -> None:
    training = write(file, *TWELVE)
    validation = write(tmp_path / "validation.jsonl", numbered(99), TWELVE[4])

    report = check(validation, part="validation", training_file=training)

    assert found(report) == [("shared_row", 2, "")]
    assert str(report.problems[0]).startswith(
        "line 2: the example is identical to line 5 of the training file"
    )


def test_a_too_long_row_is_truncated_in_the_count(file: Path) -> None:
    rows = [*TWELVE, chat(USER, ASSISTANT | {"content": "parcel " * 500})]
    whole, cut = check(write(file, *rows)), check(file, context_length=100)

    assert found(cut) == [("too_long_for_model", 13, "")]
    assert whole.tokens - cut.tokens == 500 + 4 * 2 + 5 + 1 - 100


def test_tokens_are_texts_plus_four_per_message(file: Path) -> None:
    row = chat({"role": "system", "content": "a"}, USER | {"content": "b"}, ASSISTANT | {"content": "c d e"})

    report = check(write(file, row, numbered(2, row)))

    assert (report.is_exact, report.encoding, report.tokens) == (True, "o200k_base", 2 * (3 * 4 + 5))


def test_a_name_is_counted_with_a_token_more(file: Path) -> None:
    row = chat(USER | {"content": "b", "name": "a"}, ASSISTANT | {"content": "c"})

    assert check(write(file, row)).tokens == 2 * 4 + 3 + 1


def test_older_models_count_tokens_differently(file: Path) -> None:
    write(file, *TWELVE)

    assert check(file, model="gpt-3.5-turbo-0125").encoding == "cl100k_base"


WITHOUT_TOKENIZER = """
import sys; sys.modules["toktok"] = None
from pulumi_openai_ft.training_data import check
report = check(sys.argv[1])
print(report.is_exact, report.tokens)
"""


def test_without_the_tokenizer_tokens_are_estimated_by_length(file: Path) -> None:
    rows = [numbered(number, chat(USER, ASSISTANT | {"content": "four" * 100})) for number in range(12)]
    write(file, *rows)

    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT_TOKENIZER, file], capture_output=True, text=True, check=True
    )

    letters = 12 * (400 + len(USER["content"])) + len("".join(f" {number}" for number in range(12)))
    assert ran.stdout.split() == ["False", str(12 * 8 - -letters // 4)]


def test_a_row_with_half_a_character_is_counted_too(file: Path) -> None:
    report = check(write(file, *TWELVE, chat(USER | {"content": "\ud83d"}, ASSISTANT)))

    assert found(report) == [("lone_surrogate", 13, "messages[0].content")]


def test_progress_ends_with_the_whole_file(file: Path) -> None:
    reported: list[tuple[int, int]] = []

    report = check(write(file, *TWELVE), progress=lambda done, size: reported.append((done, size)))

    assert reported[-1] == (report.bytes, report.bytes)


def test_several_threads_find_the_same_problems(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [numbered(number, CHAT | {"filler": "x" * 200}) for number in range(3000)]
    write(file, *rows, b"{", rows[7])
    with_threads = check(file)
    monkeypatch.setattr("pulumi_openai_ft._training_data.executors.SMALL", 10**9)

    assert check(file, context_length=10**6) == with_threads


@pytest.mark.parametrize("name", ["", "/dev/zero", "/proc/self/mem", "fifo", "missing", "\0"])
def test_an_unreadable_file_is_refused_at_once(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")

    with pytest.raises(InputError, match=r"folder|not a regular file|cannot be read: ") as raised:
        check(f"{tmp_path}/{name}" if not name.startswith("/") else name)

    assert "\n" not in str(raised.value)


def appended(file: Path) -> None:
    with file.open("ab") as content:
        content.write(b"{}\n")


def shortened(file: Path) -> None:
    os.truncate(file, 1)


def replaced(file: Path) -> None:
    write(file.with_name("other"), CHAT).replace(file)


@pytest.mark.parametrize("change", [appended, shortened, replaced, os.unlink])
def test_a_file_changed_while_being_read_is_refused(file: Path, change: Any) -> None:
    write(file, *TWELVE)
    changes = [change]

    with pytest.raises(InputError, match="changed while it was being read; run the check again"):
        check(file, progress=lambda _done, _size: changes.pop()(file) if changes else None)


def test_two_threads_may_check_the_same_file(file: Path) -> None:
    write(file, *TWELVE)
    reports: list[Report] = []
    threads = [threading.Thread(target=lambda: reports.append(check(file))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(reports) == 4
    assert len(set(map(str, reports))) == 1


@pytest.mark.parametrize(
    ("examples", "epochs"),
    [(1, 25), (4, 25), (10, 10), (33, 3), (34, 3), (100, 3), (8333, 3), (8334, 2), (30_000, 1)],
)
def test_auto_epochs_follow_the_cookbook(examples: int, epochs: int) -> None:
    assert estimate(examples=examples, tokens=7).epochs == epochs


def test_an_estimate_is_tokens_times_epochs_times_price() -> None:
    priced = estimate(examples=100, tokens=1_000_000, epochs=4, usd_per_million=2.5)

    assert (priced.epochs, priced.tokens, priced.usd) == (4, 4_000_000, 10.0)
    assert estimate(examples=100, tokens=1).usd is None
