"""An editor's side of a language server: a real process, JSON-RPC over its standard streams."""

from __future__ import annotations

import itertools
import json
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

PATIENCE = 60.0  # seconds until an answer counts as missing
Json = dict[str, Any]


class ServerError(Exception):
    """The server answered a request with an error."""


class Client:
    """One session. `diagnostics` has what was last published, by URI; `heard` everything the server said by itself."""

    def __init__(self, command: Sequence[str], *, cwd: Path | None = None) -> None:
        self._process = subprocess.Popen(
            command, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self._numbers = itertools.count(1)
        self._news = threading.Condition()
        self._answers: dict[int, Json] = {}
        self.diagnostics: dict[str, Json] = {}
        self.heard: list[Json] = []
        self.errors = b""
        self.version = 0  # of the text that was sent last, whichever file it is
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._listen, self._drain)]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.running:
            self._process.kill()
        self._process.wait()
        for thread in self._threads:
            thread.join()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()

    @property
    def running(self) -> bool:
        """Whether the server's process is still there."""
        return self._process.poll() is None

    def start(self, *folders: Path, capabilities: Mapping[str, Any] | None = None, options: Any = None) -> Json:
        """Initialise the session; the answer says what the server can do."""
        named = [{"uri": folder.as_uri(), "name": folder.name} for folder in folders]
        root = named[0]["uri"] if named else None
        result: Json = self.ask(
            "initialize", processId=None, rootUri=root, workspaceFolders=named or None, initializationOptions=options,
            capabilities=capabilities or {},
        )  # fmt: skip
        self.tell("initialized")
        return result

    def stop(self) -> int:
        """End the session in good order; the exit code."""
        self.ask("shutdown")
        self.tell("exit")
        return self._process.wait(PATIENCE)

    def ask(self, method: str, **params: Any) -> Any:
        """The answer to a request.

        Raises:
            ServerError: it was an error.

        """
        return self.answer(self.begin(method, **params))

    def begin(self, method: str, **params: Any) -> int:
        """Send a request; `answer` fetches what comes of it."""
        number = next(self._numbers)
        self._send({"id": number, "method": method, "params": params or None})
        return number

    def answer(self, number: int) -> Any:
        """The answer to a request that was begun."""
        self.wait(lambda: number in self._answers, f"an answer to {number}")
        answer = self._answers.pop(number)
        if "error" in answer:
            raise ServerError(json.dumps(answer["error"], ensure_ascii=False))
        return answer["result"]

    def tell(self, method: str, **params: Any) -> None:
        """Send a notification."""
        self._send({"method": method, "params": params})

    def wait(self, condition: Callable[[], object], what: str) -> None:
        """Wait until something is so, which only the server's messages can bring about."""
        deadline = time.monotonic() + PATIENCE
        with self._news:
            while not condition():
                if not self._news.wait(max(0.0, min(0.5, deadline - time.monotonic()))) and (
                    time.monotonic() > deadline or not self.running
                ):
                    message = f"no {what}; running: {self.running}; {self.errors.decode(errors='replace')[-2000:]}"
                    raise TimeoutError(message)

    def published(self, uri: str, version: int | None = None) -> list[Json]:
        """The diagnostics of a file, of this version of it if one is given."""
        self.wait(
            lambda: uri in self.diagnostics and (version is None or self.diagnostics[uri].get("version") == version),
            f"diagnostics of {uri} in version {version}",
        )
        found: list[Json] = self.diagnostics[uri]["diagnostics"]
        return found

    def open(self, path: Path, text: str) -> str:
        """Open a file with this text; its URI."""
        uri = path.as_uri()
        self.version += 1
        document = {"uri": uri, "languageId": "yaml", "version": self.version, "text": text}
        self.tell("textDocument/didOpen", textDocument=document)
        return uri

    def change(self, uri: str, text: str) -> int:
        """Replace the text of an open file; the version that this makes."""
        self.version += 1
        document = {"uri": uri, "version": self.version}
        self.tell("textDocument/didChange", textDocument=document, contentChanges=[{"text": text}])
        return self.version

    def _send(self, message: Json) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()

    def _listen(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        while True:
            length = 0
            while (line := stream.readline()).strip():
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            if not line:
                break
            self._hear(json.loads(stream.read(length)))
        with self._news:
            self._news.notify_all()

    def _hear(self, message: Json) -> None:
        with self._news:
            if "method" not in message:
                self._answers[message["id"]] = message
            else:
                self.heard.append(message)
                if message["method"] == "textDocument/publishDiagnostics":
                    self.diagnostics[message["params"]["uri"]] = message["params"]
            self._news.notify_all()
        if "method" in message and "id" in message:
            items = (message.get("params") or {}).get("items", [])
            self._send({"id": message["id"], "result": [None] * len(items) if "items" in message["params"] else None})

    def _drain(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.errors += line
