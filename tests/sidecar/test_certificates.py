"""The machine's certificates: not read by the start, and there for whoever speaks TLS afterwards."""

from __future__ import annotations

import json
import subprocess
import sys

PROGRAM = """
import json, os
from sidecar import certificates
os.environ.pop("SSL_CERT_FILE", None)
os.environ.update({given!r})
with certificates.unread():
    import aiohttp.connector
trusted = aiohttp.connector._SSL_CONTEXT_VERIFIED
print(json.dumps([trusted.cert_store_stats()["x509"], os.environ.get("SSL_CERT_FILE"), trusted.verify_mode.name]))
"""


def imported(**given: str) -> list[object]:
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(given=given)], capture_output=True, text=True, timeout=60, check=True
    )
    answer: list[object] = json.loads(run.stdout)
    return answer


def test_the_http_library_reads_no_certificates_and_trusts_nobody() -> None:
    assert imported() == [0, None, "CERT_REQUIRED"]


def test_the_users_own_certificates_stay_named_for_what_goes_out() -> None:
    assert imported(SSL_CERT_FILE="/etc/mine.pem") == [0, "/etc/mine.pem", "CERT_REQUIRED"]
