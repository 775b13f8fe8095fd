"""A place on loopback where alerts arrive, which can be away, refuse, or leave a sender waiting."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response


@dataclass
class Webhook:
    """What Apprise's `json://` posts to.

    Attributes:
        arrived: What was posted and taken.
        refuses: Whether a text is answered with 500.
        released: While it is clear, a post waits for its answer.
        asked: Set whenever something was posted, taken or not.
    """

    server: HTTPServer
    path: str = "/alerts"
    arrived: list[dict[str, Any]] = field(default_factory=list)
    refuses: Callable[[str], bool] = lambda _: False
    released: threading.Event = field(default_factory=threading.Event)
    asked: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.released.set()
        self.server.expect_request(self.path, method="POST").respond_with_handler(self._take)

    @property
    def address(self) -> str:
        return f"json://{self.server.host}:{self.server.port}{self.path}"

    @property
    def url(self) -> SecretStr:
        return SecretStr(self.address)

    @property
    def texts(self) -> list[str]:
        return [each["message"] for each in self.arrived]

    def _take(self, request: Request) -> Response:
        sent = json.loads(request.get_data())
        self.asked.set()
        self.released.wait(30)
        if self.refuses(sent["message"]):
            return Response("no", status=500)
        self.arrived.append(sent)
        return Response("ok")
