"""The outcomes of policy tests as JUnit XML, as build servers read it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from junitparser import Failure, JUnitXml, TestCase, TestSuite

from engine.workbench.policy_tests import Outcome


def write_junit(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Write a suite for each memorandum, a case for each test.

    Raises:
        OSError: the file cannot be written.

    """
    xml = JUnitXml("xinheng test")
    for memorandum, group in groupby(outcomes, key=lambda o: o.memorandum):
        suite = TestSuite(memorandum)
        for outcome in group:
            case = TestCase(outcome.test, memorandum)
            case._elem.set("file", outcome.span.path)  # noqa: SLF001 - attributes that build servers read, unknown to it
            case._elem.set("line", str(outcome.span.line))  # noqa: SLF001 - as above
            if not outcome.passed:
                failure = Failure(str(outcome.problems[0]))
                failure.text = "\n".join(f"{problem.span} {problem}" for problem in outcome.problems)
                case.result = [failure]
            suite.add_testcase(case)
        xml.add_testsuite(suite)
    xml.update_statistics()  # type: ignore[no-untyped-call]
    xml.write(str(path), pretty=True)
