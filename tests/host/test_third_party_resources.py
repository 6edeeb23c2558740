"""Third-party resources behave as on the stock host (its source: `pulumi/dynamic/__main__.py`)."""

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
    THIRD_PARTY_TYPE,
    UNKNOWN,
    Engine,
    HostProcess,
    connected,
    pickled,
    refusal,
    struct,
    to_dict,
    urn,
)
from tests.host.third_party_providers import (
    Capturing,
    Empty,
    Environment,
    Exiting,
    Failing,
    FailingOnce,
    Printing,
    Recording,
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
RECORDING = pickled(Recording("red"))


def all_properties(given: Any) -> dict[str, Any]:
    """Return all properties, including the provider."""
    found: dict[str, Any] = json_format.MessageToDict(given)
    return found


class Gate:
    """A gate at which providers wait until the test opens it."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._inside = ExitStack()
        self.threads: set[bytes] = set()

    @property
    def props(self) -> dict[str, Any]:
        return {"gate": self._listening.getsockname()[1], **pickled(Waiting())}

    def wait_for(self, number: int) -> None:
        """Wait until this number of providers has arrived."""
        self._listening.settimeout(LONGEST_WAIT)
        for _ in range(number):
            arrived, _address = self._listening.accept()
            self._inside.enter_context(arrived)
            self.threads.add(arrived.recv(100))

    @property
    def is_quiet(self) -> bool:
        """Return whether no provider arrives for a while."""
        self._listening.settimeout(A_MOMENT)
        try:
            self._listening.accept()[0].close()
        except TimeoutError:
            return True
        return False

    def release(self) -> None:
        """Let all waiting providers continue."""
        self._inside.close()

    def close(self) -> None:
        self.release()
        self._listening.close()


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.close()


class TestPreview:
    """The stock host does not receive previews: the engine uses the program's values."""

    @pytest.mark.parametrize(
        "provider", [RECORDING, {}, {"__provider": "broken"}], ids=["good", "none", "broken"]
    )
    def test_values_make_the_round_trip_unchanged(self, host: Host, provider: dict[str, str]) -> None:
        given = {"size": 2**60, "nothing": None, "list": [None, UNKNOWN], "unknown": UNKNOWN, **provider}

        created = host.create(THIRD_PARTY_TYPE, given, preview=True)
        updated = host.update(THIRD_PARTY_TYPE, "1", {"size": 1, **provider}, given, preview=True)

        assert created == provider_pb2.CreateResponse(properties=struct(given))
        assert updated == provider_pb2.UpdateResponse(properties=struct(given))


class TestMethods:
    """Inputs and results of each method."""

    def test_check(self, host: Host) -> None:
        good = host.check(THIRD_PARTY_TYPE, {"size": 1, "color": UNKNOWN, **RECORDING})
        bad = host.check(THIRD_PARTY_TYPE, {"size": 99, **RECORDING})

        assert all_properties(good.inputs) == {"size": 1, "color": UNKNOWN, "checked": True, **RECORDING}
        assert list(good.failures) == []
        assert [(failure.property, failure.reason) for failure in bad.failures] == [("size", "is too large")]

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            (None, DiffResponse.DIFF_UNKNOWN),
            (True, DiffResponse.DIFF_SOME),
            (False, DiffResponse.DIFF_NONE),
            (1, DiffResponse.DIFF_SOME),
            ("", DiffResponse.DIFF_NONE),
        ],
    )
    def test_diff_reports_whether_something_changes(self, host: Host, changes: Any, expected: Any) -> None:
        news = {"changes": changes, **RECORDING} if changes is not None else {**pickled(Undecided("u"))}

        assert host.diff(THIRD_PARTY_TYPE, "1", {}, news) == DiffResponse(changes=expected)

    def test_diff_reports_replaced_but_not_stable_properties(self, host: Host) -> None:
        found = host.diff(
            THIRD_PARTY_TYPE, "1", {}, {"changes": True, "replaces": ["size"], "first": True, **RECORDING}
        )

        assert found == DiffResponse(
            changes=DiffResponse.DIFF_SOME, replaces=["size"], deleteBeforeReplace=True
        )

    def test_diff_compares_old_outputs_with_new_inputs(self, host: Host, tmp_path: Path) -> None:
        record = tmp_path / "record"
        request = provider_pb2.DiffRequest(
            urn=urn(THIRD_PARTY_TYPE),
            id="red-1",
            olds=struct({"out": 1, **RECORDING}),
            old_inputs=struct({"in": 1}),
            news=struct({"changes": False, "record": str(record), **RECORDING}),
        )

        host.stub.Diff(request)

        assert record.read_text() == repr(
            ("red-1", ["__provider", "out"], ["__provider", "changes", "record"])
        )

    @pytest.mark.parametrize("method", ["check", "diff"])
    def test_an_unknown_provider_falls_back_to_the_old_one(self, host: Host, method: str) -> None:
        """The stock host intends this, but compares with the unknowns of an old SDK version, and fails."""
        news = {"changes": True, "__provider": UNKNOWN}
        if method == "check":
            assert host.check(THIRD_PARTY_TYPE, news, RECORDING).inputs["checked"]
        else:
            assert host.diff(THIRD_PARTY_TYPE, "1", RECORDING, news).changes == DiffResponse.DIFF_SOME

    def test_create(self, host: Host) -> None:
        created = host.create(THIRD_PARTY_TYPE, {"size": 1, "list": [1, {"a": None}], **RECORDING})

        assert created.id == "red-1"
        assert all_properties(created.properties) == {"size": 1, "list": [1, {}], "label": "red", **RECORDING}

    def test_a_create_without_outputs_records_no_outputs(self, host: Host) -> None:
        assert (
            all_properties(host.create(THIRD_PARTY_TYPE, {"outs": "none", **RECORDING}).properties)
            == RECORDING
        )

    def test_update(self, host: Host) -> None:
        updated = host.update(THIRD_PARTY_TYPE, "red-1", {"size": 1, **RECORDING}, {"size": 2, **RECORDING})

        assert all_properties(updated.properties) == {"before": 1, "size": 2, **RECORDING}

    def test_an_update_without_outputs_loses_the_old_ones(self, host: Host) -> None:
        news = {"size": 2, "outs": "none", **RECORDING}

        assert (
            all_properties(host.update(THIRD_PARTY_TYPE, "1", {"size": 1, **RECORDING}, news).properties)
            == RECORDING
        )

    def test_a_new_provider_takes_over_in_an_update(self, host: Host) -> None:
        new = pickled(Recording("blue"))

        updated = host.update(THIRD_PARTY_TYPE, "1", {"size": 1, **RECORDING}, {"size": 2, **new})

        assert all_properties(updated.properties)["__provider"] == new["__provider"]

    def test_read(self, host: Host) -> None:
        read = host.read(THIRD_PARTY_TYPE, "red-1", {"found": {"size": 3}, **RECORDING})

        assert (read.id, all_properties(read.properties)) == ("red-1", {"size": 3, **RECORDING})
        assert not read.HasField("inputs")

    def test_a_read_may_find_inputs(self, host: Host) -> None:
        read = host.read(THIRD_PARTY_TYPE, "red-1", {"found": {}, "found_inputs": {"size": 3}, **RECORDING})

        assert all_properties(read.inputs) == {"size": 3, **RECORDING}

    def test_a_programs_get_has_only_inputs(self, host: Host) -> None:
        read = host.read(THIRD_PARTY_TYPE, "red-1", None, {"found": {"size": 3}, **RECORDING})

        assert all_properties(read.properties) == {"size": 3, **RECORDING}

    def test_a_deleted_resource_has_no_id(self, host: Host) -> None:
        assert host.read(THIRD_PARTY_TYPE, "red-1", {"is_gone": True, **RECORDING}).id == ""

    def test_an_import_is_refused(self, host: Host) -> None:
        reason = refusal(host.read, THIRD_PARTY_TYPE, "red-1").reason

        assert reason.startswith("resource 'support' cannot be imported: ")

    def test_delete(self, host: Host, tmp_path: Path) -> None:
        host.delete(THIRD_PARTY_TYPE, "red-1", {"record": str(tmp_path / "record"), **RECORDING})

        assert (tmp_path / "record").read_text() == "red-1"

    def test_a_large_value_passes(self, host: Host) -> None:
        large = "x" * 6_000_000

        assert host.create(THIRD_PARTY_TYPE, {"size": large, **RECORDING}).properties["size"] == large


class TestFailures:
    """Exceptions of a provider are shown with their traceback."""

    def test_an_exception_is_shown(self, host: Host) -> None:
        failed = refusal(host.create, THIRD_PARTY_TYPE, pickled(Failing("x")))

        assert failed.reason.startswith("Traceback (most recent call last):")
        assert failed.reason.endswith("ValueError: it\nis wrong\n")
        assert failed.left is None

    def test_a_provider_cannot_exit_the_process(self, host: Host) -> None:
        failed = refusal(host.create, THIRD_PARTY_TYPE, pickled(Exiting("x")))

        assert "SystemExit: enough" in failed.reason
        assert host.create(THIRD_PARTY_TYPE, RECORDING).id == "red-1"

    @pytest.mark.parametrize("method", ["Check", "Read"])
    def test_a_missing_result_is_an_error(self, host: Host, method: str) -> None:
        properties = {"size": 1, **pickled(Empty("x"))}
        calls = {
            "Check": lambda: host.check(THIRD_PARTY_TYPE, properties),
            "Read": lambda: host.read(THIRD_PARTY_TYPE, "1", properties),
        }

        assert "TypeError" in refusal(calls[method]).reason


class TestEnvironment:
    """The environment in which a provider runs."""

    def test_project_stack_and_organization(self, host: Host) -> None:
        found = to_dict(host.create(THIRD_PARTY_TYPE, pickled(Environment())).properties)

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
        found = [to_dict(host.create(THIRD_PARTY_TYPE, pickled(Environment())).properties) for _ in range(3)]

        assert len({each["configured"] for each in found}) == 1

    def test_a_failed_configuration_is_repeated(self, host: Host) -> None:
        brittle = pickled(FailingOnce("brittle"))
        reason = refusal(host.create, THIRD_PARTY_TYPE, brittle).reason

        assert reason.endswith("ValueError: not the first time\n")
        assert host.create(THIRD_PARTY_TYPE, brittle).id == "brittle-1"

    def test_a_provider_may_contain_an_output(self, host: Host) -> None:
        """The SDK refuses to unpickle outputs outside of the SDK's reader."""
        holding = pickled(Capturing("x"))

        assert host.create(THIRD_PARTY_TYPE, holding).id == "x-1"

    def test_printed_text_reaches_the_user(self) -> None:
        with (
            Engine().serving() as engine,
            HostProcess(engine.address) as process,
            connected(process.address, engine) as host,
        ):
            host.create(THIRD_PARTY_TYPE, pickled(Printing()))

            assert process.stdout.readline() == b"said on stdout\n"
            assert process.stderr == "said on stderr\n"

    def test_the_hosts_main_module_is_nearly_empty(self) -> None:
        """dill replaces a class of `__main__` by the existing class with the same name."""
        # pytest adds names that start with @ to modules of a distribution that has a plugin.
        names = {name for name in vars(host_main) if not name.startswith(("_", "@"))}

        assert names <= {"annotations", "main", "serve", "sys"}


def host_config(host: Host, *keys: str) -> dict[str, Any]:
    found = all_properties(
        host.create(THIRD_PARTY_TYPE, {"keys": list(keys), **pickled(Environment())}).properties
    )
    given: dict[str, Any] = found["config"]
    return given


class TestConcurrency:
    """Third-party code may rely on four threads."""

    def test_four_operations_run_at_a_time(self, host: Host, gate: Gate) -> None:
        props = gate.props
        calls: list[Any] = [
            host.stub.Check.future(provider_pb2.CheckRequest(urn=urn(THIRD_PARTY_TYPE), news=struct(props))),
            host.stub.Diff.future(
                provider_pb2.DiffRequest(urn=urn(THIRD_PARTY_TYPE), id="1", news=struct(props))
            ),
            host.stub.Read.future(
                provider_pb2.ReadRequest(urn=urn(THIRD_PARTY_TYPE), id="1", properties=struct(props))
            ),
            host.stub.Delete.future(
                provider_pb2.DeleteRequest(urn=urn(THIRD_PARTY_TYPE), id="1", properties=struct(props))
            ),
            *(host.creating(THIRD_PARTY_TYPE, props) for _ in range(3)),
            host.updating(THIRD_PARTY_TYPE, "1", props, props),
        ]

        gate.wait_for(MAX_THREADS)
        assert gate.is_quiet
        gate.release()
        gate.wait_for(len(calls) - MAX_THREADS)
        gate.release()

        for call in calls:
            call.result(LONGEST_WAIT)
        assert len(gate.threads) <= MAX_THREADS

    def test_own_resources_do_not_wait_for_them(
        self, host: Host, gate: Gate, job_inputs: dict[str, Any]
    ) -> None:
        calls = [host.creating(THIRD_PARTY_TYPE, gate.props) for _ in range(2 * MAX_THREADS)]
        gate.wait_for(MAX_THREADS)

        assert host.create(JOB, job_inputs).id.startswith("ftjob-")
        assert not host.check(JOB, {"model": MODEL, "training_file": "file-1"}).failures

        gate.release()
        gate.wait_for(MAX_THREADS)
        gate.release()
        assert [call.result(LONGEST_WAIT).id for call in calls] == ["1"] * len(calls)

    def test_a_preview_does_not_wait_for_them(self, host: Host, gate: Gate) -> None:
        calls = [host.creating(THIRD_PARTY_TYPE, gate.props) for _ in range(MAX_THREADS)]
        gate.wait_for(MAX_THREADS)

        assert host.create(THIRD_PARTY_TYPE, {"size": 1, **RECORDING}, preview=True).properties["size"] == 1

        gate.release()
        for call in calls:
            call.result(LONGEST_WAIT)


def test_a_changed_configuration_replaces_nothing(host: Host) -> None:
    """The stock host does not implement these two calls either."""
    with pytest.raises(grpc.RpcError) as error:
        host.stub.DiffConfig(provider_pb2.DiffRequest())

    assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED
