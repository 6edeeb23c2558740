"""Other people's resources behave as on the stock host (its source: `pulumi/dynamic/__main__.py`)."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf import json_format
from pulumi.runtime.proto import provider_pb2
from pulumi.runtime.proto.provider_pb2 import DiffResponse
from tests.host.support import (
    JOB,
    LONGEST_WAIT,
    MODEL,
    THEIRS,
    UNKNOWN,
    Engine,
    HostProcess,
    connected,
    pickled,
    plain,
    refusal,
    struct,
    urn,
)
from tests.host.third_party_providers import (
    Brittle,
    Empty,
    Exiting,
    Failing,
    Holding,
    Printing,
    Shelf,
    Surroundings,
    Undecided,
    Waiting,
)

from pulumi_openai_ft.host import __main__ as host_main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.host.support import Host

MAX_THREADS = 4
A_MOMENT = 0.15
SHELF = pickled(Shelf("red"))


def everything(given: Any) -> dict[str, Any]:
    """All properties, with the provider."""
    found: dict[str, Any] = json_format.MessageToDict(given)
    return found


class Gate:
    """Where providers wait until they are let through."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._inside = ExitStack()
        self.threads: set[bytes] = set()

    @property
    def props(self) -> dict[str, Any]:
        return {"gate": self._listening.getsockname()[1], **pickled(Waiting())}

    def admit(self, number: int) -> None:
        """Waits until so many have come."""
        self._listening.settimeout(LONGEST_WAIT)
        for _ in range(number):
            arrived, _address = self._listening.accept()
            self._inside.enter_context(arrived)
            self.threads.add(arrived.recv(100))

    @property
    def is_quiet(self) -> bool:
        """Whether nobody comes for a while."""
        self._listening.settimeout(A_MOMENT)
        try:
            self._listening.accept()[0].close()
        except TimeoutError:
            return True
        return False

    def let_go(self) -> None:
        """Lets all go who are there."""
        self._inside.close()

    def close(self) -> None:
        self.let_go()
        self._listening.close()


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.close()


class TestPreview:
    """The stock host isn't even asked: the engine takes what the program gives."""

    @pytest.mark.parametrize(
        "provider", [SHELF, {}, {"__provider": "broken"}], ids=["good", "none", "broken"]
    )
    def test_values_make_the_round_trip_unchanged(self, host: Host, provider: dict[str, str]) -> None:
        given = {"size": 2**60, "nothing": None, "list": [None, UNKNOWN], "unknown": UNKNOWN, **provider}

        created = host.create(THEIRS, given, preview=True)
        updated = host.update(THEIRS, "1", {"size": 1, **provider}, given, preview=True)

        assert created == provider_pb2.CreateResponse(properties=struct(given))
        assert updated == provider_pb2.UpdateResponse(properties=struct(given))


class TestMethods:
    """What goes in and what comes out."""

    def test_check(self, host: Host) -> None:
        good = host.check(THEIRS, {"size": 1, "color": UNKNOWN, **SHELF})
        bad = host.check(THEIRS, {"size": 99, **SHELF})

        assert everything(good.inputs) == {"size": 1, "color": UNKNOWN, "checked": True, **SHELF}
        assert list(good.failures) == []
        assert [(failure.property, failure.reason) for failure in bad.failures] == [("size", "is too large")]

    @pytest.mark.parametrize(
        ("changes", "wanted"),
        [
            (None, DiffResponse.DIFF_UNKNOWN),
            (True, DiffResponse.DIFF_SOME),
            (False, DiffResponse.DIFF_NONE),
            (1, DiffResponse.DIFF_SOME),
            ("", DiffResponse.DIFF_NONE),
        ],
    )
    def test_diff_reports_whether_something_changes(self, host: Host, changes: Any, wanted: Any) -> None:
        news = {"changes": changes, **SHELF} if changes is not None else {**pickled(Undecided("u"))}

        assert host.diff(THEIRS, "1", {}, news) == DiffResponse(changes=wanted)

    def test_diff_reports_replaced_but_not_stable_properties(self, host: Host) -> None:
        found = host.diff(THEIRS, "1", {}, {"changes": True, "replaces": ["size"], "first": True, **SHELF})

        assert found == DiffResponse(
            changes=DiffResponse.DIFF_SOME, replaces=["size"], deleteBeforeReplace=True
        )

    def test_diff_compares_old_outputs_with_new_inputs(self, host: Host, tmp_path: Path) -> None:
        record = tmp_path / "record"
        request = provider_pb2.DiffRequest(
            urn=urn(THEIRS),
            id="red-1",
            olds=struct({"out": 1, **SHELF}),
            old_inputs=struct({"in": 1}),
            news=struct({"changes": False, "record": str(record), **SHELF}),
        )

        host.stub.Diff(request)

        assert record.read_text() == repr(
            ("red-1", ["__provider", "out"], ["__provider", "changes", "record"])
        )

    @pytest.mark.parametrize("method", ["check", "diff"])
    def test_an_unknown_provider_falls_back_to_the_old_one(self, host: Host, method: str) -> None:
        """The stock host means to do so, but it compares with what an SDK of old made of unknowns, and breaks."""
        news = {"changes": True, "__provider": UNKNOWN}
        if method == "check":
            assert host.check(THEIRS, news, SHELF).inputs["checked"]
        else:
            assert host.diff(THEIRS, "1", SHELF, news).changes == DiffResponse.DIFF_SOME

    def test_create(self, host: Host) -> None:
        created = host.create(THEIRS, {"size": 1, "list": [1, {"a": None}], **SHELF})

        assert created.id == "red-1"
        assert everything(created.properties) == {"size": 1, "list": [1, {}], "label": "red", **SHELF}

    def test_a_create_without_outputs_records_no_outputs(self, host: Host) -> None:
        assert everything(host.create(THEIRS, {"outs": "none", **SHELF}).properties) == SHELF

    def test_update(self, host: Host) -> None:
        updated = host.update(THEIRS, "red-1", {"size": 1, **SHELF}, {"size": 2, **SHELF})

        assert everything(updated.properties) == {"before": 1, "size": 2, **SHELF}

    def test_an_update_without_outputs_loses_the_old_ones(self, host: Host) -> None:
        news = {"size": 2, "outs": "none", **SHELF}

        assert everything(host.update(THEIRS, "1", {"size": 1, **SHELF}, news).properties) == SHELF

    def test_a_new_provider_takes_over_in_an_update(self, host: Host) -> None:
        new = pickled(Shelf("blue"))

        updated = host.update(THEIRS, "1", {"size": 1, **SHELF}, {"size": 2, **new})

        assert everything(updated.properties)["__provider"] == new["__provider"]

    def test_read(self, host: Host) -> None:
        read = host.read(THEIRS, "red-1", {"found": {"size": 3}, **SHELF})

        assert (read.id, everything(read.properties)) == ("red-1", {"size": 3, **SHELF})
        assert not read.HasField("inputs")

    def test_a_read_may_find_inputs(self, host: Host) -> None:
        read = host.read(THEIRS, "red-1", {"found": {}, "found_inputs": {"size": 3}, **SHELF})

        assert everything(read.inputs) == {"size": 3, **SHELF}

    def test_a_programs_get_has_inputs_alone(self, host: Host) -> None:
        read = host.read(THEIRS, "red-1", None, {"found": {"size": 3}, **SHELF})

        assert everything(read.properties) == {"size": 3, **SHELF}

    def test_a_deleted_resource_has_no_id(self, host: Host) -> None:
        assert host.read(THEIRS, "red-1", {"is_gone": True, **SHELF}).id == ""

    def test_an_import_is_refused(self, host: Host) -> None:
        reason = refusal(host.read, THEIRS, "red-1").reason

        assert reason.startswith("resource 'support' cannot be imported: ")

    def test_delete(self, host: Host, tmp_path: Path) -> None:
        host.delete(THEIRS, "red-1", {"record": str(tmp_path / "record"), **SHELF})

        assert (tmp_path / "record").read_text() == "red-1"

    def test_a_large_value_passes(self, host: Host) -> None:
        large = "x" * 6_000_000

        assert host.create(THEIRS, {"size": large, **SHELF}).properties["size"] == large


class TestFailures:
    """What a provider raises is shown with its traceback."""

    def test_an_exception(self, host: Host) -> None:
        failed = refusal(host.create, THEIRS, pickled(Failing("x")))

        assert failed.reason.startswith("Traceback (most recent call last):")
        assert failed.reason.endswith("ValueError: what\nis wrong\n")
        assert failed.left is None

    def test_leaving_the_process(self, host: Host) -> None:
        failed = refusal(host.create, THEIRS, pickled(Exiting("x")))

        assert "SystemExit: enough" in failed.reason
        assert host.create(THEIRS, SHELF).id == "red-1"

    @pytest.mark.parametrize("method", ["Check", "Read"])
    def test_no_result_is_an_error_and_empties_nothing(self, host: Host, method: str) -> None:
        properties = {"size": 1, **pickled(Empty("x"))}
        calls = {
            "Check": lambda: host.check(THEIRS, properties),
            "Read": lambda: host.read(THEIRS, "1", properties),
        }

        assert "TypeError" in refusal(calls[method]).reason


class TestSurroundings:
    """What a provider sees of its process."""

    def test_project_stack_and_organization(self, host: Host) -> None:
        found = plain(host.create(THEIRS, pickled(Surroundings())).properties)

        assert (found["project"], found["stack"], found["organization"]) == (
            "project",
            "stack",
            "organization",
        )

    def test_the_stacks_configuration_as_texts(self, unconfigured: Host) -> None:
        unconfigured.configure({"project:size": "7", "aws:tags": '{"a": 1}', "openai-ft:apiKey": "k"})

        found = host_config(unconfigured, "size", "aws:tags", "openai-ft:apiKey", "missing")

        assert found == {"size": "7", "aws:tags": '{"a": 1}', "openai-ft:apiKey": "k", "missing": None}

    def test_secret_configuration_is_decrypted(self, unconfigured: Host) -> None:
        secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": "hush"}
        unconfigured.stub.Configure(provider_pb2.ConfigureRequest(args=struct({"project:password": secret})))

        assert host_config(unconfigured, "password") == {"password": "hush"}

    def test_each_provider_is_configured_once(self, host: Host) -> None:
        found = [plain(host.create(THEIRS, pickled(Surroundings())).properties) for _ in range(3)]

        assert len({each["configured"] for each in found}) == 1

    def test_one_that_cannot_be_configured_is_configured_again(self, host: Host) -> None:
        brittle = pickled(Brittle("brittle"))
        reason = refusal(host.create, THEIRS, brittle).reason

        assert reason.endswith("ValueError: not the first time\n")
        assert host.create(THEIRS, brittle).id == "brittle-1"

    def test_a_provider_may_hold_an_output(self, host: Host) -> None:
        """The SDK refuses to unpickle those outside of its own reader."""
        holding = pickled(Holding("x"))

        assert host.create(THEIRS, holding).id == "x-1"

    def test_printed_text_reaches_the_user(self) -> None:
        with (
            Engine().serving() as engine,
            HostProcess(engine.address) as process,
            connected(process.address, engine) as host,
        ):
            host.create(THEIRS, pickled(Printing()))

            assert process.stdout.readline() == b"said on stdout\n"
            assert process.stderr == "said on stderr\n"

    def test_the_hosts_main_module_is_nearly_empty(self) -> None:
        """dill takes a class of `__main__` for the one that is there under its name."""
        names = {name for name in vars(host_main) if not name.startswith("_")}

        assert names <= {"annotations", "main", "serve", "sys"}


def host_config(host: Host, *keys: str) -> dict[str, Any]:
    found = everything(host.create(THEIRS, {"keys": list(keys), **pickled(Surroundings())}).properties)
    given: dict[str, Any] = found["config"]
    return given


class TestAtATime:
    """Other people's code may count on four threads."""

    def test_four_operations_run_at_a_time(self, host: Host, gate: Gate) -> None:
        props = gate.props
        calls: list[Any] = [
            host.stub.Check.future(provider_pb2.CheckRequest(urn=urn(THEIRS), news=struct(props))),
            host.stub.Diff.future(provider_pb2.DiffRequest(urn=urn(THEIRS), id="1", news=struct(props))),
            host.stub.Read.future(
                provider_pb2.ReadRequest(urn=urn(THEIRS), id="1", properties=struct(props))
            ),
            host.stub.Delete.future(
                provider_pb2.DeleteRequest(urn=urn(THEIRS), id="1", properties=struct(props))
            ),
            *(host.creating(THEIRS, props) for _ in range(3)),
            host.updating(THEIRS, "1", props, props),
        ]

        gate.admit(MAX_THREADS)
        assert gate.is_quiet
        gate.let_go()
        gate.admit(len(calls) - MAX_THREADS)
        gate.let_go()

        for call in calls:
            call.result(LONGEST_WAIT)
        assert len(gate.threads) <= MAX_THREADS

    def test_ours_are_not_held_up_by_them(self, host: Host, gate: Gate, job_inputs: dict[str, Any]) -> None:
        calls = [host.creating(THEIRS, gate.props) for _ in range(2 * MAX_THREADS)]
        gate.admit(MAX_THREADS)

        assert host.create(JOB, job_inputs).id.startswith("ftjob-")
        assert not host.check(JOB, {"model": MODEL, "training_file": "file-1"}).failures

        gate.let_go()
        gate.admit(MAX_THREADS)
        gate.let_go()
        assert [call.result(LONGEST_WAIT).id for call in calls] == ["1"] * len(calls)

    def test_a_preview_does_not_wait_for_them(self, host: Host, gate: Gate) -> None:
        calls = [host.creating(THEIRS, gate.props) for _ in range(MAX_THREADS)]
        gate.admit(MAX_THREADS)

        assert host.create(THEIRS, {"size": 1, **SHELF}, preview=True).properties["size"] == 1

        gate.let_go()
        for call in calls:
            call.result(LONGEST_WAIT)


def test_a_changed_configuration_replaces_nothing(host: Host) -> None:
    """Neither does the stock host answer these two."""
    with pytest.raises(grpc.RpcError) as error:
        host.stub.DiffConfig(provider_pb2.DiffRequest())

    assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED
