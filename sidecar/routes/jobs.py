"""Long tasks: preparing a model, and the jobs that run or have ended."""

from __future__ import annotations

from sidecar import errors
from sidecar.routes.call import MODEL_ID, Answer, Call, Route
from sidecar.types import JobInfo, JobStarted, PrepareRequest


async def prepare(call: Call, body: PrepareRequest) -> Answer:
    return JobStarted(call.manager.prepare(call.model_id, body).id)


async def list_jobs(call: Call) -> Answer:
    return call.manager.jobs()


async def show_job(call: Call) -> Answer:
    return call.manager.job(call.request.match_info["job_id"])


async def cancel_job(call: Call) -> Answer:
    return await call.manager.cancel_job(call.request.match_info["job_id"])


_GROUP = "Jobs"
ROUTES = [
    Route(
        "POST",
        f"/models/{MODEL_ID}/prepare",
        prepare,
        _GROUP,
        "Convert a model for a quicker engine, and compare it with the original on sample texts; a job.",
        (JobStarted,),
        body=PrepareRequest,
        may_be_empty=True,
        errors=(errors.InvalidRequest, errors.ModelNotFound, errors.Conflict, errors.Unsupported, errors.LoadFailed),
    ),
    Route("GET", "/jobs", list_jobs, _GROUP, "Every job since the service started, the newest last.", (list[JobInfo],)),
    Route("GET", "/jobs/{job_id}", show_job, _GROUP, "One job.", (JobInfo,), errors=(errors.JobNotFound,)),
    Route(
        "POST",
        "/jobs/{job_id}/cancel",
        cancel_job,
        _GROUP,
        "Stop a job; what it had made is deleted. One that has ended stays as it is.",
        (JobInfo,),
        errors=(errors.JobNotFound,),
    ),
]
