"""`make audit` says what it knows: how many packages were looked up, which are vulnerable, or that nothing could be asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.fixtures.sandbox import PROJECT

pytest.importorskip("pip_audit")

FLAW = {
    "id": "PYSEC-0000-1",
    "summary": "a flaw",
    "affected": [
        {
            "package": {"name": "starlette", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.1"}]}],
        }
    ],
}


@contextmanager
def vulnerabilities(flaws: dict[str, dict[str, Any]]) -> Iterator[str]:
    """A database of vulnerabilities, speaking as osv.dev does, that knows `flaws` by package."""

    class Osv(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            flaw = flaws.get(asked["package"]["name"])
            body = json.dumps({"vulns": [flaw]} if flaw else {}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Osv)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
    finally:
        server.shutdown()
        server.server_close()


def audit(database: str) -> tuple[int, str]:
    environment = os.environ | {
        "PIP_AUDIT_VULNERABILITY_SERVICE": "osv",
        "PIP_AUDIT_OSV_URL": database,
    }
    done = subprocess.run(
        [sys.executable, "-m", "dev.audit"], cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_a_lock_without_known_flaws_passes_and_says_how_much_was_looked_at() -> None:
    with vulnerabilities({}) as database:
        status, said = audit(database)
    assert status == 0
    locked = (PROJECT / "requirements.txt").read_text().count("==")
    audited = int(said.removeprefix("audited ").split()[0])
    assert locked * 0.8 < audited <= locked  # some are for other systems than this
    assert said.endswith("locked packages: 0 vulnerable\n")


def test_a_known_flaw_fails_naming_the_package_and_the_version_that_mends_it() -> None:
    with vulnerabilities({"starlette": FLAW}) as database:
        status, said = audit(database)
    assert status == 1
    assert "PYSEC-0000-1 (fixed in 99.1)" in said
    assert "starlette" in said


def test_where_nothing_can_be_asked_one_line_says_so() -> None:
    status, said = audit("http://127.0.0.1:9/v1/query")
    assert (status, said) == (0, "audit skipped: no vulnerability database can be reached from here\n")
