"""The same template and the same context give the same bytes: today, later, elsewhere."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile

import pytest
from pypdf import PdfReader

from adapters.documents import KINDS, render
from tests.documents.support import SAMPLE

CHILD = """
import datetime, json, sys, time
class Later(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2041, 2, 3, 4, 5, 6, tzinfo=tz)
    @classmethod
    def utcnow(cls):
        return cls(2041, 2, 3, 4, 5, 6)
datetime.datetime = Later
seconds = Later(2041, 2, 3, tzinfo=datetime.timezone.utc).timestamp()
time.time = lambda: seconds
moment = time.gmtime(seconds)
time.localtime = time.gmtime = lambda *_: moment
from adapters.documents import render
kinds, context = json.load(sys.stdin)
letters = {kind: render(kind, context) for kind in kinds}
print(json.dumps({kind: [letter.docx_sha256, letter.pdf_sha256] for kind, letter in letters.items()}))
"""


@pytest.mark.parametrize(
    ("zone", "seed", "kinds"), [("Pacific/Kiritimati", "1", KINDS[::2]), ("America/Los_Angeles", "2", KINDS[1::2])]
)
def test_another_process_on_another_day_gives_the_same_bytes(zone: str, seed: str, kinds: tuple[str, ...]) -> None:
    """Neither the clock, the time zone, the locale nor the hash seed is in a letter."""
    environment = {"TZ": zone, "PYTHONHASHSEED": seed, "LC_ALL": "C", "PYTHONIOENCODING": "utf-8"}
    child = subprocess.run(
        [sys.executable, "-W", "error", "-c", CHILD],
        input=json.dumps([kinds, SAMPLE]),
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=environment,
        check=False,
    )

    assert child.stderr == ""
    letters = {kind: render(kind, SAMPLE) for kind in kinds}
    assert {kind: [letter.docx_sha256, letter.pdf_sha256] for kind, letter in letters.items()} == json.loads(
        child.stdout
    )


def test_the_order_of_keys_does_not_matter() -> None:
    """A context that went through JSON in another order is the same context."""
    turned = dict(reversed(SAMPLE.items()))

    assert render("decision", SAMPLE) == render("decision", turned)


def test_nothing_is_compressed() -> None:
    """What deflate gives depends on the machine's zlib, so that no part of a letter may go through it."""
    letter = render("notice", SAMPLE)

    with zipfile.ZipFile(io.BytesIO(letter.docx)) as archive:
        entries = {(entry.date_time, entry.compress_type, entry.create_system) for entry in archive.infolist()}
    assert {((1980, 1, 1, 0, 0, 0), zipfile.ZIP_STORED, 0)} == entries
    assert b"FlateDecode" not in letter.pdf


def test_the_metadata_names_the_day_of_the_letter() -> None:
    """The day comes from the letter; a letter without one has the same day for ever."""
    dated, undated = render("notice", SAMPLE), render("notice", {"date": "2026年2月30日"})

    days = [PdfReader(io.BytesIO(letter.pdf)).xmp_metadata for letter in (dated, undated)]
    assert [str(day.xmp_create_date)[:10] for day in days if day] == ["2026-11-24", "1980-01-01"]
