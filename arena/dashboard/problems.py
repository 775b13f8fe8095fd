"""What is wrong with a request, as RFC 9457 says it (application/problem+json)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from arena.dashboard.answers.fault import Fault, Problem
from arena.dashboard.watch import NothingYet
from arena.errors import RecordsError

MEDIA_TYPE = "application/problem+json"
MISSING: dict[int | str, dict[str, Any]] = {404: {"model": Problem, "description": "There is none of that name."}}


def problem(status: int, detail: str, errors: list[Fault] | None = None, headers: dict[str, str] | None = None) -> Response:
    """Return a problem as a response."""
    told = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, errors=errors)
    return Response(told.model_dump_json(exclude_none=True), status, headers, MEDIA_TYPE)


def tell_problems(app: FastAPI) -> None:
    """Make every fault of the application a problem."""

    @app.exception_handler(HTTPException)
    async def _refused(_: Request, error: HTTPException) -> Response:
        return problem(error.status_code, str(error.detail), headers=dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    async def _wrong(_: Request, error: RequestValidationError) -> Response:
        faults = [Fault(field=str(each["loc"][-1]), message=each["msg"]) for each in error.errors()]
        return problem(422, "; ".join(f"{each.field}: {each.message}" for each in faults), faults)

    @app.exception_handler(NothingYet)
    async def _nothing(_: Request, error: NothingYet) -> Response:
        return problem(503, str(error), headers={"Retry-After": "1"})

    @app.exception_handler(RecordsError)
    async def _away(_: Request, error: RecordsError) -> Response:
        return problem(503, f"the store was asked for something old, and did not answer: {error}", headers={"Retry-After": "5"})

    @app.exception_handler(Exception)
    async def _failed(_: Request, error: Exception) -> Response:
        return problem(500, f"{type(error).__name__}; the dashboard's log says more")
