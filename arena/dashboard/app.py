"""The dashboard as a web server: the API, and the page that is made of it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import Response
from jinja2 import Environment, StrictUndefined

from arena.analysis.charts import COLOURS, DARK_COLOURS, DASHES
from arena.dashboard.api import routes
from arena.dashboard.asking import Known
from arena.dashboard.description import DescribedApi
from arena.dashboard.gate import Gate, is_loopback
from arena.dashboard.problems import tell_problems
from arena.dashboard.rendering import Files, Kept, rendered
from arena.dashboard.watch import Source, Watch
from arena.errors import ConfigurationError
from arena.listening import Server, listening

HERE = Path(__file__).parent
GRACE_SECONDS = 2  # for answers under way when the server is ended


def create_app(source: Source, token: str = "") -> FastAPI:
    """Return the application, which looks at the season as long as it runs."""
    watch = Watch(source)

    @asynccontextmanager
    async def watching(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(watch.run())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    app = DescribedApi(
        guarded=bool(token),
        title="LLM Trading Arena",
        lifespan=watching,
        docs_url=None,  # this and the next load from another host
        redoc_url=None,
    )
    app.state.watch = watch
    tell_problems(app)
    app.include_router(routes(watch))
    page, files = rendered(_page(source).encode()), Files(HERE / "static")

    @app.get("/", include_in_schema=False)
    async def index(known: Known = None) -> Response:
        return Kept(page, known, "text/html")

    @app.get("/static/{name:path}", include_in_schema=False)
    async def static(name: str, known: Known = None) -> Response:
        return files.sent(name, known)

    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=1)
    app.add_middleware(Gate, token=token)
    return app


def serve(source: Source, host: str, port: int, token: str) -> None:
    """Serve until SIGINT or SIGTERM; says one line when ready.

    Raises:
        ConfigurationError: Others could reach it, and no token is set; or the address cannot be listened on.
    """
    if not token and not is_loopback(host):
        raise ConfigurationError(
            f"API_HOST={host} can be reached from other machines: set API_TOKEN to a long random text, or API_HOST=127.0.0.1"
        )
    app = create_app(source, token)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,  # an address may hold the token
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    where = f"http://{f'[{host}]' if ':' in host else host}:{port}/"
    greeting = f"dashboard of {source.season_id} ready on {where}{'?token=API_TOKEN' if token else ''}"
    with listening(host, port, "API_HOST or API_PORT") as listener:
        DashboardServer(config, app.state.watch, greeting).run(sockets=[listener])


class DashboardServer(Server):
    """Ends the event streams before it ends: they would go on for ever."""

    def __init__(self, config: uvicorn.Config, watch: Watch, greeting: str) -> None:
        super().__init__(config, greeting)
        self._watch = watch

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let go of everybody."""
        await self._watch.end()
        await super().shutdown(sockets)


def _page(source: Source) -> str:
    template = (HERE / "templates" / "page.html").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    palette = list(zip(COLOURS, DARK_COLOURS, DASHES, strict=True))
    return environment.from_string(template).render(season=source.season_id, palette=palette)
