"""Rule trials in a child process of their own: whatever a bundle does there, the service and the editor live on.

A trial is a top-level function with arguments, all of which can be pickled. Its process is started afresh and imports
only what these name. Time and memory are limited by the kernel, so a loop inside a C library is no escape from them.
"""

from __future__ import annotations

import faulthandler
import math
import os
import pickle
import resource
import select
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import IO, Any, TypeVar

T = TypeVar("T")
MEGABYTE = 1 << 20
SLICE_SECONDS = 0.05
"""How often the parent looks whether the child has ended, should a grandchild keep its pipe open."""
GRACE_SECONDS = 2
"""CPU time beyond the limit before the kernel ends the child; only felt when its parent is no longer there to."""
WANT_OF_MEMORY = ("out of memory", "bad_alloc", "MemoryError", "Cannot allocate memory")
"""What libraries say that raise errors of their own, or abort, where Python raises `MemoryError`."""
TOLD = 20  # lines of what a crashed child said
PROGRESS = struct.Struct("!QQ")
START = "import sys; sys.path[:] = sys.argv[5:]; from adapters.trials import main; main(*map(int, sys.argv[1:5]))"


class TrialError(Exception):
    """A trial came to no end of its own. The message is Chinese, for people."""


class TimedOut(TrialError):  # noqa: N818 - one of the ends of a trial
    """It took longer than it may."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"试算超过 {seconds:g} 秒，已停止")


class OutOfMemory(TrialError):  # noqa: N818 - as above
    """It needed more memory than it may have."""

    def __init__(self, megabytes: int) -> None:
        super().__init__(f"试算所需内存超过 {megabytes} 兆字节，已停止")


class Crashed(TrialError):  # noqa: N818 - as above
    """Its process ended without a result. `told` is the end of what it wrote to its error output."""

    def __init__(self, how: str, told: str = "") -> None:
        super().__init__(f"试算进程意外结束：{how}")
        self.how, self.told = how, told

    def __reduce__(self) -> tuple[type[Crashed], tuple[str, str]]:
        """Travels between processes whole."""
        return Crashed, (self.how, self.told)


def run_limited(
    function: Callable[..., T],
    *args: Any,
    seconds: float,
    megabytes: int,
    progress: Callable[[int, int], None] | None = None,
) -> T:
    """What `function(*args)` returns or raises, computed in a child process that ends with this call.

    Args:
        function: a function at the top level of a module that can be imported; not of `__main__`.
        args: its arguments; they are pickled, as is what it returns or raises.
        seconds: wall-clock time from start to result; start-up takes some 30 ms besides the function's imports.
        megabytes: address space of the child, libraries included. Python with the engine and z3 maps about 100.
        progress: called in this process with what the function passes to `report`, now and then.

    Raises:
        TimedOut: `seconds` went by; the child and its own children are killed.
        OutOfMemory: `megabytes` did not suffice.
        Crashed: a signal or an exit without a result.
        Exception: what the function raised, with the child's traceback as a note.

    """
    deadline = time.monotonic() + seconds
    with ExitStack() as stack:
        job, answer, told = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(3))
        pickle.dump((math.ceil(seconds), megabytes), job)
        pickle.dump((function, args), job)
        job.seek(0)
        life, reports = stack.enter_context(_pipe()), stack.enter_context(_pipe())
        handed = tuple(end.fileno() for end in (job, answer, life[0], reports[1]))
        process = subprocess.Popen(  # noqa: S603 - this very interpreter
            [sys.executable, "-c", START, *map(str, handed), *sys.path],
            stdin=subprocess.DEVNULL, stdout=told, stderr=told, pass_fds=handed, start_new_session=True,
            env=os.environ | {"MALLOC_ARENA_MAX": "2"},  # an arena maps 64 MB for each thread, used or not
        )  # fmt: skip
        try:
            reports[1].close()
            ended = _wait(process.pid, reports[0].fileno(), deadline, progress)
        finally:
            with suppress(ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if not ended or process.returncode == -signal.SIGXCPU:
            raise TimedOut(seconds)
        result: T = _result(process.returncode, answer, told, megabytes)
        return result


def report(done: int, total: int) -> None:
    """Inside a trial: tell the caller of `run_limited` how far it is. Anywhere else nothing happens."""
    if _reports is not None:
        with suppress(OSError):  # nobody reads any more, or not as fast as this is called
            os.write(_reports, PROGRESS.pack(done, total))


_reports: int | None = None


@contextmanager
def _pipe() -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb", 0) as source, os.fdopen(writer, "wb", 0) as target:
        yield source, target


def _wait(pid: int, reports: int, deadline: float, progress: Callable[[int, int], None] | None) -> bool:
    """Pass reports on until the child ends; false when its time is up first."""
    watched, rest = [reports], b""
    while (left := deadline - time.monotonic()) > 0:
        readable = select.select(watched, [], [], min(left, SLICE_SECONDS if watched else 0.001))[0]
        if readable:
            read = os.read(reports, 1 << 16)
            rest += read
            whole = len(rest) // PROGRESS.size * PROGRESS.size
            if whole and progress is not None:
                progress(*PROGRESS.unpack(rest[whole - PROGRESS.size : whole]))  # the newest is enough
            rest = rest[whole:]
            if read:
                continue
            watched = []  # closed: it has ended, or will in a moment
        # a zombie is left, so that the process group still is the child's when it is killed
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None:
            return True
    return False


def _result(code: int, answer: IO[bytes], told: IO[bytes], megabytes: int) -> Any:
    if code == 0 and answer.seek(0, os.SEEK_END):
        answer.seek(0)
        kind, value = pickle.load(answer)  # noqa: S301 - written by our own child, which runs no code of a bundle
        if kind == "memory":
            raise OutOfMemory(megabytes)
        if kind == "raised":
            raise value
        return value
    told.seek(0)
    words = "\n".join(told.read().decode("utf-8", "replace").splitlines()[-TOLD:])
    if any(w in words for w in WANT_OF_MEMORY):
        raise OutOfMemory(megabytes)
    raise Crashed(f"退出码 {code}" if code >= 0 else f"信号 {signal.Signals(-code).name}", words)


def main(job: int, answer: int, lifeline: int, reports: int) -> None:
    """Child: limit itself, do the job, leave the answer, end. Arguments are file descriptors."""
    for handed in (job, answer, lifeline, reports):
        os.set_inheritable(handed, False)
    faulthandler.enable()
    with os.fdopen(job, "rb") as source, os.fdopen(answer, "wb") as target:
        seconds, megabytes = pickle.load(source)  # noqa: S301 - written by our own parent
        _limit(seconds, megabytes)
        threading.Thread(target=_die_with, args=(lifeline,), daemon=True).start()
        os.set_blocking(reports, False)
        global _reports  # noqa: PLW0603 - what `report` writes to, set once for the life of this process
        _reports = reports
        try:
            function, args = pickle.load(source)  # noqa: S301 - as above
            written = pickle.dumps(("returned", function(*args)))
        except MemoryError:
            written = b""
        except Exception as error:  # noqa: BLE001 - it is the caller's
            written = _raised(error)
        target.write(written or pickle.dumps(("memory", None)))
        target.flush()
        os._exit(0)  # no exit handlers: the group is killed anyway, and libraries take their time to say goodbye


def _limit(seconds: int, megabytes: int) -> None:
    for what, wanted in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, megabytes * MEGABYTE),
        (resource.RLIMIT_FSIZE, megabytes * MEGABYTE),
        (resource.RLIMIT_CPU, seconds + GRACE_SECONDS),
    ):
        hard = resource.getrlimit(what)[1]
        chosen = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(what, (chosen, hard))


def _die_with(lifeline: int) -> None:
    """Nothing is ever written to the lifeline; it ends when the parent does, however that happens."""
    with suppress(OSError):
        os.read(lifeline, 1)
    os.killpg(0, signal.SIGKILL)


def _raised(error: Exception) -> bytes:
    """An exception as an answer; one that does not survive the journey is told as a crash."""
    if any(w in str(error) for w in WANT_OF_MEMORY):
        return b""
    trace = "".join(traceback.format_exception(error))
    error.add_note(trace)
    try:
        written = pickle.dumps(("raised", error))
        pickle.loads(written)  # noqa: S301 - made on the line above
    except Exception:  # noqa: BLE001 - pickling runs whatever the exception's class defines
        return pickle.dumps(("raised", Crashed(f"{type(error).__name__}：{error}", trace)))
    return written
