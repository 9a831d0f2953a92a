"""Every error a caller can meet, one class each.

::

    InglenookError
     ├── RequestError                  the request cannot be served as it was sent
     │    ├── InvalidRequest       400 malformed JSON, wrong types, unknown parameters
     │    ├── ContextExceeded      400 the prompt does not fit into the model's context
     │    ├── Unauthorized         401 no key, or a wrong one
     │    ├── HostNotAllowed       403 the Host header names neither loopback nor a configured host
     │    ├── OriginNotAllowed     403 a web page that is not on the allow-list
     │    ├── NotFound             404 no such route or thing
     │    ├── ModelNotFound        404 no model of that name
     │    ├── JobNotFound          404 no job of that id
     │    ├── DownloadNotFound     404 no download of that id
     │    ├── TrashNotFound        404 nothing of that id in the trash
     │    ├── RepositoryNotFound   404 the hub has no such repository, revision or file, or hides it
     │    ├── Gated                403 the model's licence must be accepted on the hub first
     │    ├── UnsafeFiles          403 the files are refused, or need a permission that was not given
     │    ├── MethodNotAllowed     405
     │    ├── Conflict             409 already there, or in use
     │    ├── BodyTooLarge         413
     │    ├── UnsupportedMediaType 415 a body that is not JSON
     │    ├── Unsupported          422 this model cannot do that
     │    ├── QueueFull            429 try again after `retry_after` seconds
     │    └── Cancelled            499 the caller went away or asked to stop
     ├── EnvironmentFault              the machine, not the request and not our code
     │    ├── DoesNotFit           507 not enough memory, with the numbers
     │    ├── DiskFull             507
     │    ├── DatabaseUnusable     503 read-only, full or damaged
     │    ├── PortUnavailable      503
     │    ├── AlreadyRunning       409 another service owns this data folder
     │    └── HubFault                  what lies between this machine and the hub
     │         ├── Offline              503 the offline switch is on: no connection is made
     │         ├── NetworkUnavailable   503 the hub cannot be reached, or the connection broke too often
     │         ├── CertificateUntrusted 503 its certificate comes from nobody that this machine trusts: see `ca_bundle`
     │         ├── HubRefused           503 the hub answered with a refusal; `retry_after` where it said when to come again
     │         └── IntegrityFailed      503 what arrived is not what the hub announced
     ├── ModelError                    the model or its process
     │    ├── LoadFailed           503 its files cannot be loaded, with the engine's reason
     │    ├── WorkerCrashed        503 with exit code and the end of its stderr
     │    ├── WorkerStalled        503 no progress within the time limit; its process was ended
     │    ├── OutOfMemory          507 the engine ran out of memory during this request
     │    ├── InferenceFailed      500 the engine raised an error
     │    └── PreparationFailed    503 it could not be converted, or what came out differs too much
     ├── RequestTimeout            503 not finished within `request_timeout_s`
     ├── NotReady                  503 starting or stopping
     ├── ServiceUnreachable        503 raised by the client: nobody answers at the address
     └── InternalError             500 our bug

An error carries a stable `code`, an HTTP `status`, a message that says what was wrong and what to do, and `details`.
Dialects turn it into JSON; the worker channel carries it as code, message and details, and `from_wire` restores it.
"""

from __future__ import annotations

from typing import Any, ClassVar


class InglenookError(Exception):
    """Base of all. `message` is the class's template filled with `details`, unless one is given."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    template: ClassVar[str] = "Something went wrong."

    def __init__(self, message: str | None = None, /, **details: Any) -> None:
        self.details = details
        self.message = message if message is not None else self.template.format(**details)
        super().__init__(self.message)

    def to_wire(self) -> dict[str, Any]:
        """`{"code", "message", "details"}`: the native dialect's error object and the worker channel's."""
        return {"code": self.code, "message": self.message, "details": self.details}


class RequestError(InglenookError):
    """The request cannot be served as it was sent."""

    code = "invalid_request"
    status = 400


class InvalidRequest(RequestError):
    template = "The request is not valid: {reason}."


class ContextExceeded(RequestError):
    code = "context_exceeded"
    template = (
        "The prompt has {prompt_tokens} tokens but the model's context holds {context_tokens}"
        ' and needs room for an answer. Shorten the prompt, or send "truncate": true to drop its beginning.'
    )


class Unauthorized(RequestError):
    code = "unauthorized"
    status = 401
    template = "A key is required: send it as 'Authorization: Bearer KEY' or 'x-api-key: KEY'."


class HostNotAllowed(RequestError):
    code = "host_not_allowed"
    status = 403
    template = "The Host header {host!r} is not allowed. Use the address in the discovery file, or add the host to allowed_hosts."


class OriginNotAllowed(RequestError):
    code = "origin_not_allowed"
    status = 403
    template = "Web pages from {origin!r} may not use this service. Add the origin to allowed_origins to permit it."


class NotFound(RequestError):
    code = "not_found"
    status = 404
    template = "There is nothing at {path}."


class ModelNotFound(RequestError):
    code = "model_not_found"
    status = 404
    template = "There is no model named {model!r}. GET /models lists those there are."


class JobNotFound(RequestError):
    code = "job_not_found"
    status = 404
    template = "There is no job {job!r}. GET /jobs lists those there are."


class DownloadNotFound(RequestError):
    code = "download_not_found"
    status = 404
    template = "There is no download {job!r}. GET /downloads lists those there are."


class TrashNotFound(RequestError):
    code = "trash_not_found"
    status = 404
    template = "There is no {trash!r} in the trash. GET /storage/trash lists what there is."


class RepositoryNotFound(RequestError):
    code = "repository_not_found"
    status = 404
    template = (
        "The hub has no {what}, or hides it from you. Check the name; for a private model store a token"
        " with 'inglenook hub login'."
    )


class Gated(RequestError):
    code = "gated"
    status = 403
    template = "The makers of {model!r} ask you to accept its licence first. {todo}"


class UnsafeFiles(RequestError):
    code = "unsafe_files"
    status = 403
    template = "{model!r} is not fetched: {reason}"


class MethodNotAllowed(RequestError):
    code = "method_not_allowed"
    status = 405
    template = "{path} does not take {method}. It takes {allowed}."


class Conflict(RequestError):
    code = "conflict"
    status = 409
    template = "That is already so: {reason}."


class BodyTooLarge(RequestError):
    code = "body_too_large"
    status = 413
    template = "The body is larger than {limit_mb} MB, the limit that max_body_mb sets."


class UnsupportedMediaType(RequestError):
    code = "unsupported_media_type"
    status = 415
    template = "The body has the type {content_type!r}. Send JSON with 'Content-Type: application/json'."


class Unsupported(RequestError):
    code = "unsupported"
    status = 422
    template = "The model {model!r} cannot do that: {reason}."


class QueueFull(RequestError):
    code = "queue_full"
    status = 429
    template = "{waiting} requests are already waiting for {model!r}, the limit. Try again in {retry_after} s."


class Cancelled(RequestError):
    code = "cancelled"
    status = 499
    template = "The request was cancelled."


class EnvironmentFault(InglenookError):
    """The machine's fault, not the request's and not our code's: reported plainly, never as a bug."""

    code = "environment_fault"
    status = 503


class DoesNotFit(EnvironmentFault):
    code = "does_not_fit"
    status = 507
    template = (
        "{model!r} needs about {needed_mb} MB of memory; {available_mb} MB can be used"
        " ({reason}). Unload another model, choose a smaller one, or raise memory_limit_mb."
    )


class DiskFull(EnvironmentFault):
    code = "disk_full"
    status = 507
    template = "The disk that holds {path} is full. Free some space and try again."


class DatabaseUnusable(EnvironmentFault):
    code = "database_unusable"
    template = "The database {path} cannot be used: {reason}."


class PortUnavailable(EnvironmentFault):
    code = "port_unavailable"
    template = "No port could be opened on {host} from {port} on: {reason}."


class AlreadyRunning(EnvironmentFault):
    code = "already_running"
    status = 409
    template = "Inglenook's service is already running at {url} (process {pid})."


class HubFault(EnvironmentFault):
    """What lies between this machine and the hub."""

    code = "hub_fault"


class Offline(HubFault):
    code = "offline"
    template = (
        "The network is needed for {purpose}, and offline is on: no connection was made. Turn the setting offline off"
        " to allow it."
    )


class NetworkUnavailable(HubFault):
    code = "network_unavailable"
    template = "{host} could not be reached: {reason}. Check the network and the proxy; what has arrived is kept."


class CertificateUntrusted(HubFault):
    code = "certificate_untrusted"
    template = (
        "{host} shows a certificate that this machine does not trust ({reason}), so nothing was asked. If your network has"
        " a certificate authority of its own, name the file with its certificate in the setting ca_bundle."
    )


class HubRefused(HubFault):
    code = "hub_refused"
    template = "{host} answered {answer}: {reason}"


class IntegrityFailed(HubFault):
    code = "integrity_failed"
    template = "{file} is not what the hub announced: {reason}. It was set aside and is not used; fetch it again."


class ModelError(InglenookError):
    """The model or its worker process failed; other models are not affected."""

    code = "model_error"
    status = 503


class LoadFailed(ModelError):
    code = "load_failed"
    template = "{model!r} could not be loaded: {reason}"


class WorkerCrashed(ModelError):
    code = "worker_crashed"
    template = "The worker of {model!r} ended unexpectedly ({outcome}). The next request starts a fresh one. {stderr}"


class WorkerStalled(ModelError):
    code = "worker_stalled"
    template = (
        "The worker of {model!r} made no progress for {seconds} s and was ended. The next request starts a fresh one."
    )


class OutOfMemory(ModelError):
    code = "out_of_memory"
    status = 507
    template = "The model ran out of memory on this request ({reason}). Send a shorter text or fewer at once."


class InferenceFailed(ModelError):
    code = "inference_failed"
    status = 500
    template = "The engine failed on this request: {reason}"


class PreparationFailed(ModelError):
    code = "preparation_failed"
    template = "{model!r} was not prepared: {reason}"


class RequestTimeout(InglenookError):
    code = "timeout"
    status = 503
    template = "The request was not finished within {seconds} s, the limit that request_timeout_s sets."


class NotReady(InglenookError):
    code = "not_ready"
    status = 503
    template = "The service is {state}. Try again in a moment."


class ServiceUnreachable(InglenookError):
    code = "service_unreachable"
    status = 503
    template = "No Inglenook service answers at {url}: {reason}. Start it with 'inglenook serve' or open the window."


class InternalError(InglenookError):
    code = "internal_error"
    status = 500
    template = "The service met a fault of its own ({reason}). The log has the details under request {request_id}."


def from_wire(code: str, message: str, details: dict[str, Any]) -> InglenookError:
    """The error that `to_wire` described; an unknown code (a newer peer's) becomes the base class with its message."""
    return _BY_CODE.get(code, InglenookError)(message, **details)


def _all_subclasses(cls: type[InglenookError]) -> list[type[InglenookError]]:
    return [cls, *(found for child in cls.__subclasses__() for found in _all_subclasses(child))]


# Later classes win, so that a code shared by a base and its one concrete class restores the concrete class.
_BY_CODE = {cls.code: cls for cls in _all_subclasses(InglenookError)}
