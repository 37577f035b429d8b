"""Child processes that run durable_rules, watched over: a crash or a hang costs one retry, never the service.

`EnginePool.decide` computes every decision twice, in a child by durable_rules and here by the reference interpreter,
and returns it only when both agree. While one child is being replaced the others keep working; a decision that fails
in two children in a row is refused, never made by one engine alone.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import queue
import threading
from collections import OrderedDict
from collections.abc import Callable
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

from engine.decision.conditions import environment
from engine.decision.durable import Ruleset
from engine.decision.model import Decision, Evaluation, Facts
from engine.decision.reference import Interpreter
from engine.decision.rete import Program, compile_program, in_force
from engine.language.ir import Memorandum, Policy

TIMEOUT_SECONDS = 10.0  # a decision takes milliseconds; a child silent for this long hangs in create_ruleset
ATTEMPTS = 2
LOADED_RULESETS = 256  # per child; the least recently used one is freed
INTERPRETERS = 8  # policy versions kept compiled


class EngineUnavailableError(Exception):
    """durable_rules crashed, hung or reported an error in every attempt; no decision was made."""


class DisagreementError(Exception):
    """The two engines differ, so no decision was made. Carries both evaluations for the report."""

    def __init__(self, reference: tuple[Evaluation, ...], durable: tuple[Evaluation, ...]) -> None:
        super().__init__(f"reference {reference} but durable_rules {durable}")
        self.reference, self.durable = reference, durable


class ChildDiedError(Exception):
    """The child process ended or stopped answering in the middle of a request."""


def serve(connection: Connection) -> None:
    """Child: answer requests until the parent hangs up. A request is (programs by name or body, facts)."""
    loaded: OrderedDict[str, Ruleset] = OrderedDict()
    while True:
        try:
            names, bodies, facts = connection.recv()
        except (EOFError, OSError):
            return
        try:
            for program in bodies:
                if program.name not in loaded:
                    loaded[program.name] = Ruleset(program)
            missing = [name for name in names if name not in loaded]
            if missing:
                connection.send(("missing", missing))
                continue
            evaluations = []
            for name in names:
                loaded.move_to_end(name)
                evaluations.append(loaded[name].evaluate(facts))
            while len(loaded) > max(LOADED_RULESETS, len(names)):
                loaded.popitem(last=False)[1].close()
            connection.send(("ok", evaluations))
        except Exception as error:  # noqa: BLE001 - whatever the engine did, the parent decides what it means
            connection.send(("error", f"{type(error).__name__}: {error}"))


class Child:
    """One process with its pipe."""

    def __init__(self, target: Callable[[Connection], None] = serve) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self.process = context.Process(target=target, args=(theirs,), daemon=True, name="xinheng-durable-rules")
        self.process.start()
        theirs.close()

    def begin(self, programs: tuple[Program, ...], facts: Facts) -> None:
        """Send a request; `finish` has the answer. In between the parent may do its own half of the work."""
        self._send(([p.name for p in programs], (), facts))

    def finish(self, programs: tuple[Program, ...], facts: Facts, timeout: float) -> tuple[Evaluation, ...]:
        """The evaluations of the request begun last; programs the child does not hold yet are sent after it.

        Raises:
            ChildDiedError: it crashed or did not answer within `timeout` seconds.
            EngineUnavailableError: durable_rules reported an error.

        """
        status, answer = self._receive(timeout)
        if status == "missing":
            bodies = tuple(p for p in programs if p.name in answer)
            self._send(([p.name for p in programs], bodies, facts))
            status, answer = self._receive(timeout)
        if status != "ok":
            raise EngineUnavailableError(str(answer))
        return tuple(answer)

    def _send(self, request: object) -> None:
        with contextlib.suppress(OSError):  # a dead child shows when its answer is read
            self._connection.send(request)

    def _receive(self, timeout: float) -> tuple[str, Any]:
        try:
            if not self._connection.poll(timeout):
                message = f"no answer within {timeout} s"
                raise ChildDiedError(message)
            status, answer = self._connection.recv()
        except (EOFError, OSError) as error:
            raise ChildDiedError(str(error)) from error
        return status, answer

    def stop(self) -> None:
        """Kill the process and release the pipe."""
        self._connection.close()
        self.process.kill()
        self.process.join()


class EnginePool:
    """The two engines behind one door. Thread-safe; close it, or use it as a context manager.

    Args:
        size: number of child processes, at least 1.
        timeout: seconds a child may take before it counts as hanging.

    """

    def __init__(self, size: int = 2, timeout: float = TIMEOUT_SECONDS) -> None:
        self.timeout = timeout
        self.restarts = 0
        self._idle: queue.LifoQueue[Child] = queue.LifoQueue()
        self._children: set[Child] = set()
        self._lock = threading.Lock()
        self._interpreters: OrderedDict[str, Interpreter] = OrderedDict()
        self._programs: OrderedDict[tuple[str, str, tuple[str, ...]], Program] = OrderedDict()
        for _ in range(size):
            self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop every child."""
        with self._lock:
            children, self._children = self._children, set()
        for child in children:
            child.stop()

    def pids(self) -> tuple[int, ...]:
        """Process ids of the children, for supervision from outside."""
        with self._lock:
            return tuple(sorted(c.process.pid for c in self._children if c.process.pid is not None))

    def _start(self) -> None:
        child = Child()
        with self._lock:
            self._children.add(child)
        self._idle.put(child)

    def _replace(self, child: Child) -> None:
        with self._lock:
            self._children.discard(child)
            self.restarts += 1
        with contextlib.suppress(OSError):
            child.stop()
        self._start()

    def interpreter(self, policy: Policy) -> Interpreter:
        """The reference interpreter of a policy, compiled once for each version."""
        with self._lock:
            interpreter = self._interpreters.get(policy.version)
            if interpreter is None:
                interpreter = self._interpreters[policy.version] = Interpreter(policy)
            self._interpreters.move_to_end(policy.version)
            while len(self._interpreters) > INTERPRETERS:
                self._interpreters.popitem(last=False)
            return interpreter

    def program(self, policy: Policy, memorandum: Memorandum, facts: Facts) -> Program:
        """The durable_rules program of the rules in force on the decision's date."""
        sliced = in_force(memorandum, facts.as_of)
        key = (policy.version, memorandum.id, tuple(r.id for r in sliced.rules))
        with self._lock:
            program = self._programs.get(key)
        if program is None:
            program = compile_program(sliced, policy.tables)
        with self._lock:
            self._programs[key] = program
            self._programs.move_to_end(key)
            while len(self._programs) > LOADED_RULESETS:
                self._programs.popitem(last=False)
        return program

    def decide(self, policy: Policy, facts: Facts) -> Decision:
        """The decision on which both engines agree.

        Raises:
            DisagreementError: they differ.
            EngineUnavailableError: durable_rules could not be made to answer.
            engine.decision.rete.BudgetError: the policy does not fit into durable_rules.

        """
        return self._decide(policy, facts, alone=False)

    def decide_alone(self, policy: Policy, facts: Facts) -> Decision:
        """What durable_rules decides, unchecked: for replay, where the logged decision is the check.

        Raises like `decide`, but for a disagreement.
        """
        return self._decide(policy, facts, alone=True)

    def _decide(self, policy: Policy, facts: Facts, *, alone: bool) -> Decision:
        memoranda = policy.memoranda_for(facts.list, facts.as_of)
        programs = tuple(self.program(policy, memorandum, facts) for memorandum in memoranda)
        interpreter = self.interpreter(policy)
        reference: tuple[Evaluation, ...] | None = None
        failure: Exception | None = None
        for _ in range(ATTEMPTS):
            child = self._idle.get()
            try:
                child.begin(programs, facts)
                if reference is None and not alone:  # while the child is at work
                    env = environment(facts)
                    reference = tuple(interpreter.evaluate(memorandum, facts, env) for memorandum in memoranda)
                durable = child.finish(programs, facts, self.timeout)
            except (ChildDiedError, EngineUnavailableError) as error:
                # after an error the child's engine state is not trusted either
                failure = error
                self._replace(child)
            except BaseException:
                self._replace(child)
                raise
            else:
                self._idle.put(child)
                if reference is not None and reference != durable:
                    raise DisagreementError(reference, durable)
                return interpreter.conclude(facts, durable)
        message = f"durable_rules failed {ATTEMPTS} times: {failure}"
        raise EngineUnavailableError(message) from failure
