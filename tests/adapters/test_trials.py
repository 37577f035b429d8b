"""Whatever a trial does, its caller hears of it in time and nothing of it is left."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from adapters.trials import Crashed, OutOfMemory, TimedOut, report, run_limited

LIMITS = {"seconds": 10, "megabytes": 512}


def double(number: int) -> int:
    """An ordinary trial."""
    return 2 * number


def loop() -> None:
    """Never ends, inside C."""
    any(iter(int, 1))


def hog() -> int:
    """Takes all there is."""
    held = []
    while True:
        held.append(bytearray(1 << 24))


def hog_in_c() -> None:
    """What z3 and others raise is no `MemoryError`."""
    raise RuntimeError("std::bad_alloc")


def segfault() -> None:
    """Reads where nothing is."""
    ctypes.string_at(0)


def leave(code: int) -> None:
    """Ends without a word."""
    os._exit(code)


def huge(size: int) -> bytes:
    """A result far beyond the buffer of a pipe."""
    return b"x" * size


def wrong() -> None:
    """Raises."""
    raise ValueError("没有这个字段")


class OddError(Exception):
    """Cannot be unpickled."""

    def __init__(self, left: int, right: int) -> None:
        super().__init__(f"{left} {right}")


def odd() -> None:
    """Raises that."""
    raise OddError(1, 2)


def steps(count: int) -> int:
    """Says how far it is."""
    for number in range(count):
        report(number + 1, count)
    return count


def with_child(path: str) -> None:
    """Starts a process of its own, notes both, and both stay."""
    child = subprocess.Popen(["sleep", "60"])
    Path(f"{path}.part").write_text(f"{os.getpid()} {child.pid}", encoding="utf-8")
    Path(f"{path}.part").rename(path)
    time.sleep(60)


def alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(path: Path) -> bool:
    """Whether both processes that `with_child` noted end within a second or two."""
    pids = [int(p) for p in path.read_text(encoding="utf-8").split()]
    until = time.monotonic() + 5
    while any(map(alive, pids)) and time.monotonic() < until:
        time.sleep(0.01)
    return len(pids) == 2 and not any(map(alive, pids))


def test_a_result_comes_back() -> None:
    """Small or huge."""
    assert run_limited(double, 21, **LIMITS) == 42
    assert len(run_limited(huge, 50_000_000, **LIMITS)) == 50_000_000


def test_what_the_function_raises_is_raised_here_with_its_traceback() -> None:
    """The same class and words; the child's traceback is a note."""
    with pytest.raises(ValueError, match="没有这个字段") as raised:
        run_limited(wrong, **LIMITS)

    assert "in wrong" in raised.value.__notes__[0]


def test_an_error_that_cannot_travel_is_told_as_a_crash() -> None:
    """By name and words."""
    with pytest.raises(Crashed, match="OddError：1 2") as raised:
        run_limited(odd, **LIMITS)

    assert "in odd" in raised.value.told


def test_an_endless_loop_is_stopped() -> None:
    """Within its time, and nothing of it runs on."""
    begun = time.monotonic()
    with pytest.raises(TimedOut, match=r"超过 0\.4 秒"):
        run_limited(loop, seconds=0.4, megabytes=512)

    assert 0.4 <= time.monotonic() - begun < 2


@pytest.mark.parametrize("function", [hog, hog_in_c])
def test_a_memory_hog_is_stopped(function: object) -> None:
    """Whether Python or a library finds that there is no more."""
    with pytest.raises(OutOfMemory, match="200 兆字节"):
        run_limited(function, seconds=10, megabytes=200)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("function", "args", "how"),
    [
        (segfault, (), "信号 SIGSEGV"),
        (leave, (3,), "退出码 3"),
        (leave, (0,), "退出码 0"),
        (sys.exit, (4,), "退出码 4"),
    ],
)
def test_a_crash_is_told(function: object, args: tuple[int, ...], how: str) -> None:
    """How it ended, and for a crash inside C where."""
    with pytest.raises(Crashed, match=how) as raised:
        run_limited(function, *args, **LIMITS)  # type: ignore[arg-type]

    assert ("in segfault" in raised.value.told) == (function is segfault)


def test_progress_is_passed_on() -> None:
    """However much is reported, the last of it is heard, and each step is greater than the one before."""
    heard: list[tuple[int, int]] = []
    result = run_limited(steps, 20_000, **LIMITS, progress=lambda done, total: heard.append((done, total)))

    assert result == 20_000
    assert heard == sorted(set(heard))
    assert heard[-1][1] == 20_000


def test_reporting_outside_a_trial_does_nothing() -> None:
    """So a function is the same inside and outside."""
    assert steps(3) == 3


def test_its_own_children_die_with_it(tmp_path: Path) -> None:
    """A trial that is stopped leaves nothing behind."""
    with pytest.raises(TimedOut):
        run_limited(with_child, str(tmp_path / "pids"), seconds=1, megabytes=512)

    assert gone(tmp_path / "pids")


def test_an_interrupt_ends_the_trial(tmp_path: Path) -> None:
    """Ctrl-C reaches the caller, and the child is gone when it does."""
    path = tmp_path / "pids"

    def interrupt() -> None:
        while not path.exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            run_limited(with_child, str(path), **LIMITS)
    finally:
        signal.signal(signal.SIGINT, before)
        thread.join()

    assert gone(path)


def test_a_trial_does_not_outlive_its_caller(tmp_path: Path) -> None:
    """Even when that is killed and can do nothing more."""
    path = tmp_path / "pids"
    code = "from adapters.trials import run_limited; from tests.adapters.test_trials import with_child; "
    code += f"run_limited(with_child, {str(path)!r}, seconds=60, megabytes=512)"
    caller = subprocess.Popen([sys.executable, "-c", code])
    while not path.exists():
        time.sleep(0.01)
    caller.kill()
    caller.wait()

    assert gone(path)
