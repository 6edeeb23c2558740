"""Run pytest with Ray in a network namespace that has only loopback.

Ray listens on several ports, and everyone who reaches them can run programs. The namespace of processes ends all of Ray's
processes together with pytest.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent))

import ray_env

NAMESPACES = [
    "unshare",
    "--user",
    "--map-root-user",
    "--net",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
]
REFUSED = "the tests with Ray need network namespaces, which this machine refuses (unshare -rn): Ray was not started"
INSIDE = "--inside"
CLIENT_PORTS = (53000, 60999)
"""Ports of client sockets. By default, they include port 52365, without which a head accepts no submissions."""
PYTHON = "OPENAI_FT_RAY_PYTHON"
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1
_IFREQ = "16sh14x"


def main(arguments: list[str]) -> int:
    """Run pytest with the arguments, and return its exit code."""
    if arguments[:1] == [INSIDE]:
        start_loopback()
        reserve_ports()
        return run_as_init([sys.executable, "-m", "pytest", *arguments[1:]])
    if not namespaces_exist():
        print(REFUSED, file=sys.stderr)
        return 1
    python = str(ray_env.ensure())
    source = str(Path(__file__).resolve().parent.parent / "src")
    environment = {**os.environ, PYTHON: python, "PYTHONPATH": source, "OMP_NUM_THREADS": "1"}
    command = [*NAMESPACES, python, __file__, INSIDE, *arguments]
    return subprocess.run(command, env=environment, check=False).returncode


def namespaces_exist() -> bool:
    """Return whether this machine lets a user create the namespaces."""
    if shutil.which(NAMESPACES[0]) is None:
        return False
    return subprocess.run([*NAMESPACES, "true"], capture_output=True, check=False).returncode == 0


def run_as_init(command: list[str]) -> int:
    """Run a command as the first process of a namespace, and return its exit code.

    Wait for all processes that lose their parent as well: Ray kills a training run once its parent no longer exists.
    """
    pid = subprocess.Popen(command).pid
    while True:
        ended, status = os.wait()
        if ended == pid:
            return os.waitstatus_to_exitcode(status)


def start_loopback() -> None:
    """Start the loopback interface, which is down in a new namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        request = struct.pack(_IFREQ, b"lo", 0)
        flags = struct.unpack(_IFREQ, fcntl.ioctl(handle, _SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(handle, _SIOCSIFFLAGS, struct.pack(_IFREQ, b"lo", flags | _IFF_UP))


def reserve_ports() -> None:
    """Keep the ports on which Ray listens free from the client sockets of tests."""
    Path("/proc/sys/net/ipv4/ip_local_port_range").write_text(f"{CLIENT_PORTS[0]} {CLIENT_PORTS[1]}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
