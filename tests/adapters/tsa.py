"""A timestamping authority for tests: openssl behind a local HTTP server, with certificates of its own."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CONFIG = """
[ tsa ]
default_tsa = here
[ here ]
dir = {folder}
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
ess_cert_id_alg = sha256
[ req ]
distinguished_name = name
[ name ]
[ root ]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign
[ stamp ]
basicConstraints = critical,CA:false
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
"""


@dataclass
class Authority:
    """Where it is, the file of its root, and what it does: `answer` puts something else in the place of its answer."""

    url: str
    roots: Path
    asked: int = 0
    answer: bytes | None = None
    folder: Path = field(default=Path())


def openssl(folder: Path, *words: str) -> None:
    """A command in the authority's folder."""
    subprocess.run(["openssl", *words], check=True, cwd=folder, capture_output=True)


def certify(folder: Path) -> None:
    """A root, and a signer that it certifies for nothing but timestamps."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "openssl.cnf").write_text(CONFIG.format(folder=folder), encoding="ascii")
    (folder / "serial").write_text("01\n", encoding="ascii")
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-config", "openssl.cnf")
    openssl(folder, "req", "-x509", *new, "-keyout", "root.key", "-out", "root.pem", "-subj", "/CN=Test Root",
            "-days", "3650", "-extensions", "root")  # fmt: skip
    openssl(folder, "req", *new, "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=Test TSA")
    openssl(folder, "x509", "-req", "-in", "tsa.csr", "-CA", "root.pem", "-CAkey", "root.key", "-out", "tsa.pem",
            "-days", "3650", "-extfile", "openssl.cnf", "-extensions", "stamp", "-set_serial", "2")  # fmt: skip


@contextmanager
def authority(folder: Path) -> Iterator[Authority]:
    """The authority, answering until the end of the context."""
    certify(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.asked += 1
            (folder / "query").write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            openssl(folder, "ts", "-reply", "-config", "openssl.cnf", "-queryfile", "query", "-out", "reply")
            body = (folder / "reply").read_bytes() if found.answer is None else found.answer
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    found = Authority(f"http://127.0.0.1:{server.server_port}/", folder / "root.pem", folder=folder)
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
