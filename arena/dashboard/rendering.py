"""Answers as bytes: rendered and compressed once, and sent in the way that whoever asks can read."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from fastapi import HTTPException, Response
from pydantic import BaseModel
from pydantic_core import to_json
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from arena.dashboard.watch import Rendered, Watch

JSON = "application/json"
SHORT = 1000  # bytes that are not worth compressing


def rendered(body: bytes) -> Rendered:
    """Return a text as it will be sent."""
    zipped = gzip.compress(body, compresslevel=1, mtime=0) if len(body) >= SHORT else None
    return Rendered(body, zipped, f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"')


class Kept(Response):
    """An answer that is rendered already; a 304 without it where whoever asks knows it.

    Args:
        known: The request's If-None-Match.
    """

    def __init__(self, answer: Rendered, known: str | None, media_type: str) -> None:
        unchanged = known is not None and ("*" in known or answer.etag in known)
        headers = {"ETag": answer.etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        super().__init__(b"" if unchanged else answer.body, 304 if unchanged else 200, headers, None if unchanged else media_type)
        self._zipped = None if unchanged else answer.zipped

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        if self._zipped is not None and "gzip" in Headers(scope=scope).get("accept-encoding", ""):
            self.body = self._zipped
            self.headers["Content-Encoding"] = "gzip"
            self.headers["Content-Length"] = str(len(self.body))
        await super().__call__(scope, receive, send)


def answered(watch: Watch, key: str, known: str | None, tell: Callable[[], BaseModel | list[Any]]) -> Response:
    """Return an answer, rendered once as long as nothing changes."""
    kept = watch.answers.get(key)
    if kept is None:
        kept = _body(tell())
        watch.keep(key, kept)
    return Kept(kept, known, JSON)


async def told(watch: Watch, key: str, known: str | None, tell: Callable[[], Awaitable[BaseModel]]) -> Response:
    """Return an answer for which the store may be asked, rendered once as long as nothing changes."""
    version, kept = watch.version, watch.answers.get(key)
    if kept is None:
        kept = _body(await tell())
        if watch.version == version:
            watch.keep(key, kept)
    return Kept(kept, known, JSON)


def _body(answer: BaseModel | list[Any]) -> Rendered:
    return rendered(to_json(answer))


class Files:
    """The files of a folder, in memory."""

    def __init__(self, folder: Path) -> None:
        found = [each for each in folder.rglob("*") if each.is_file()]
        self._kept = {each.relative_to(folder).as_posix(): rendered(each.read_bytes()) for each in found}

    def sent(self, name: str, known: str | None) -> Response:
        """Return a file as a response.

        Raises:
            HTTPException: 404, there is none of that name.
        """
        if name not in self._kept:
            raise HTTPException(404)
        return Kept(self._kept[name], known, mimetypes.guess_type(name)[0] or "application/octet-stream")
