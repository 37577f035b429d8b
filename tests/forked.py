"""`xinheng` in scripts of many commands: each is forked from one process in which the program is loaded already.

Starting Python, importing the program and compiling the shipped policy take longer than what most commands do. `forked`
starts that process, and gives a folder for PATH with a `xinheng` that asks it for a fork with its own arguments,
surroundings, folder and streams.
"""

from __future__ import annotations

import importlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOADED = (
    "adapters.comparing",
    "adapters.office",
    "adapters.policy_files",
    "adapters.worker",
    "api.assembly",
    "api.cli",
)
PLACE = "socket"
CLIENT = """#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as asked:
    asked.connect({place!r})
    socket.send_fds(asked, [b"."], [0, 1, 2])
    asked.sendall(json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode())
    asked.shutdown(socket.SHUT_WR)
    code = asked.recv(1)
sys.exit(code[0] if code else "the command died")
"""


@contextmanager
def forked(folder: Path, surroundings: Mapping[str, str]) -> Iterator[Path]:
    """A folder with the command; the process behind it ends with the context. `surroundings`: what it starts with."""
    client = folder / "xinheng"
    client.write_text(CLIENT.format(python=sys.executable, place=str(folder / PLACE)), encoding="utf-8")
    client.chmod(0o755)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.forked", str(folder / PLACE)],
        stdout=subprocess.PIPE, cwd=ROOT, env=dict(surroundings),
    ) as server:  # fmt: skip
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == b"ready\n"
            yield folder
        finally:
            server.kill()


def serve(place: str) -> None:
    """Answer each call with a fork that runs the command, and its exit code."""
    import engine.compiler  # noqa: PLC0415 - what is loaded here is what the forks need not load
    from adapters.policy_files import read_bundle  # noqa: PLC0415

    for name in LOADED:
        importlib.import_module(name)

    @cache
    def compiled(files: frozenset[tuple[str, str | bytes]]) -> engine.compiler.Compiled:
        return engine.compiler.Workspace().compile(dict(files))

    def compile_policy(files: Mapping[str, str | bytes]) -> engine.compiler.Compiled:
        return compiled(
            frozenset((path, text.decode() if isinstance(text, bytes) else text) for path, text in files.items())
        )

    engine.compiler.compile_policy = compile_policy
    compile_policy(read_bundle())
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(place)
        listening.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            call, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                run(call)
            call.close()
            with suppress(ChildProcessError):
                os.waitpid(-1, os.WNOHANG)


def run(call: socket.socket) -> None:
    """In the fork: become the command."""
    from api.cli import main  # noqa: PLC0415 - as above

    code = 1
    try:
        _, streams, _, _ = socket.recv_fds(call, 1, 3)
        words, folder, surroundings = json.loads(call.makefile("rb").read())
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(surroundings)
        sys.argv = ["xinheng", *words]
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        with suppress(OSError):
            call.sendall(bytes([code]))
        os._exit(0)


if __name__ == "__main__":
    serve(sys.argv[1])
