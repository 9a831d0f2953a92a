"""What can go wrong on the way to the hub, as errors of ours."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from time import time
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from sidecar.errors import CertificateUntrusted, HubFault, HubRefused, NetworkUnavailable, RepositoryNotFound

if TYPE_CHECKING:
    import httpx2

TRANSIENT = (408, 425, 429, 500, 502, 503, 504)
MISSING = ("RepoNotFound", "EntryNotFound", "RevisionNotFound")
INVALID = "Invalid credentials in Authorization header"


@contextmanager
def as_our_errors(host: str) -> Iterator[None]:
    """Failures of the network in the block become NetworkUnavailable, or CertificateUntrusted."""
    import httpx2

    try:
        yield
    except httpx2.TimeoutException as error:
        raise NetworkUnavailable(host=host, reason="nothing came from it in time") from error
    except httpx2.HTTPError as error:
        if (why := _distrusted(error)) is not None:
            raise CertificateUntrusted(host=host, reason=why) from error
        raise NetworkUnavailable(host=host, reason=str(error) or type(error).__name__) from error


def _distrusted(error: BaseException) -> str | None:
    """Why a certificate was refused, if that is what `error` comes from."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    return None if cause is None else cause.verify_message


def refused(host: str, response: httpx2.Response) -> HubFault | RepositoryNotFound:
    """The error for an answer that is not what was asked for."""
    status, path = response.status_code, unquote(urlsplit(str(response.request.url)).path).strip("/")
    if _is_missing(response, path):
        what = path.removeprefix("api/models/")
        return RepositoryNotFound(what=what.replace("/revision/", " at ").replace("/resolve/", " at "))
    return HubRefused(host=host, answer=status, reason=_why(status), retry_after=retry_after(response), status=status)


def _is_missing(response: httpx2.Response, path: str) -> bool:
    """The hub tells strangers 401, often without a code, of what it does not have as of what it hides; a wrong token it names."""
    code = response.headers.get("X-Error-Code")
    if code is not None or response.status_code != 401:
        return code in MISSING
    of_repository = path.startswith("api/models/") or "/resolve/" in path
    return of_repository and response.headers.get("X-Error-Message") != INVALID


def retry_after(response: httpx2.Response) -> float | None:
    """Seconds that the answer asks to wait, given as a number or as a date."""
    text = response.headers.get("Retry-After", "").strip()
    if text.replace(".", "", 1).isdecimal():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time())
    except ValueError:
        return None


def is_transient(error: Exception) -> bool:
    """Whether trying again later may help."""
    if isinstance(error, HubRefused):
        return error.details.get("status") in TRANSIENT
    return isinstance(error, NetworkUnavailable)


def _why(status: int) -> str:
    if status == 429:
        return "it wants fewer requests. Wait, or store a token with 'inglenook hub login', which raises the limit."
    if status == 401:
        return "the token is not valid. Store another with 'inglenook hub login'."
    if status == 403:
        return "the token does not permit this. Create one that may read this repository."
    return "it has trouble of its own. Try again later." if status >= 500 else "it does not serve this request."
