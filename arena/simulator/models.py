"""The baseline rules behind OpenAI's and Anthropic's wire formats, so that the official SDKs can ask them.

They are rules and say so: every answer names its model `baseline/…` and carries a fingerprint. A model name that ends in
`?fault=http500` (timeout, malformed, empty, rate_limited, overloaded) fails in that way instead of answering.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from arena.strategies.prompt_reader import UnreadablePrompt, read_prompt
from arena.strategies.registry import RULES

router = APIRouter()

FINGERPRINT = "baseline rule, not an LLM"
CREATED = 1_735_689_600  # 2025-01-01; an answer depends on its request alone, not on when it was asked
SILENCE_SECONDS = 30.0  # of the timeout fault
CHARACTERS_PER_TOKEN = 4


class Fault(StrEnum):
    """How a model can be asked to fail."""

    HTTP500 = "http500"
    TIMEOUT = "timeout"
    MALFORMED = "malformed"
    EMPTY = "empty"
    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"


_OPENAI_CODES = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}
_TEXTS = {Fault.MALFORMED: "I think the market looks strong today, so I would rather buy than sell.", Fault.EMPTY: ""}


class _Refused(Exception):
    """The request gets an error instead of an answer; `kind` is the provider's name for it."""

    def __init__(self, status: int, kind: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.kind, self.headers = status, kind, dict(headers or {})


@router.post("/v1/chat/completions")
@router.post("/chat/completions")
async def chat_completions(request: Request) -> Response:
    """OpenAI's chat completions; DeepSeek's base URL has no /v1."""
    try:
        body = await _body(request, "authorization")
        text, name = await _reply(request, body, _texts(body.get("messages")))
    except _Refused as refused:
        error = {"message": str(refused), "type": refused.kind, "param": None, "code": _OPENAI_CODES.get(refused.status)}
        return JSONResponse({"error": error}, refused.status, refused.headers)
    asked, answered = _tokens(_texts(body.get("messages"))), _tokens([text])
    return JSONResponse(
        {
            "id": f"chatcmpl-{_digest(body)}",
            "object": "chat.completion",
            "created": CREATED,
            "model": name,
            "system_fingerprint": FINGERPRINT,
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": text, "refusal": None},
                    "logprobs": None,
                    "finish_reason": "stop",
                }
            ],
            "usage": {
                "prompt_tokens": asked,
                "completion_tokens": answered,
                "total_tokens": asked + answered,
                "prompt_tokens_details": {"cached_tokens": 0},
            },
        },
        headers={"x-request-id": f"req_{_digest(body)}"},
    )


@router.post("/v1/messages")
async def messages(request: Request) -> Response:
    """Anthropic's messages."""
    try:
        body = await _body(request, "x-api-key")
        texts = [*_texts([{"content": body.get("system")}]), *_texts(body.get("messages"))]
        text, name = await _reply(request, body, texts)
    except _Refused as refused:
        error = {"type": refused.kind, "message": str(refused)}
        return JSONResponse({"type": "error", "error": error}, refused.status, refused.headers)
    return JSONResponse(
        {
            "id": f"msg_{_digest(body)}",
            "type": "message",
            "role": "assistant",
            "model": name,
            "system_fingerprint": FINGERPRINT,
            "content": [{"type": "text", "text": text}] if text else [],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {
                "input_tokens": _tokens(texts),
                "output_tokens": _tokens([text]),
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0,
            },
        },
        headers={"request-id": f"req_{_digest(body)}"},
    )


@router.get("/v1/models")
@router.get("/models")
async def models(request: Request) -> Response:
    """List the rules, with the fields of both providers."""
    if not _key(request):
        return JSONResponse({"type": "error", "error": {"type": "authentication_error", "message": "an API key is needed"}}, 401)
    listed = [
        {
            "id": name,
            "object": "model",
            "type": "model",
            "created": CREATED,
            "created_at": "2025-01-01T00:00:00Z",
            "owned_by": FINGERPRINT,
            "display_name": f"{name} ({FINGERPRINT})",
        }
        for name in RULES
    ]
    ends = {"first_id": listed[0]["id"], "last_id": listed[-1]["id"], "has_more": False}
    return JSONResponse({"object": "list", "data": listed, **ends})


async def _body(request: Request, header: str) -> dict[str, Any]:
    """Return the request's JSON object, once there is a key (any will do)."""
    if not _key(request):
        raise _Refused(401, "authentication_error", f"an API key is needed in the header {header}; any will do")
    try:
        body = json.loads(await request.body())
    except ValueError:
        raise _Refused(400, "invalid_request_error", "the body is not JSON") from None
    if not isinstance(body, dict) or not isinstance(body.get("model"), str):
        raise _Refused(400, "invalid_request_error", "the body needs a model")
    if body.get("stream"):
        raise _Refused(400, "invalid_request_error", "streaming is not supported")
    return body


def _key(request: Request) -> str:
    return request.headers.get("x-api-key") or request.headers.get("authorization", "").removeprefix("Bearer").strip()


async def _reply(request: Request, body: Mapping[str, Any], texts: Iterable[str]) -> tuple[str, str]:
    """Return the answer's text and the name of who answers."""
    name, _, fault = str(body["model"]).partition("?fault=")
    name = name.removeprefix("baseline/")
    if name not in RULES or (fault and fault not in set(Fault)):
        raise _Refused(404, "not_found_error", f"the model {body['model']} does not exist; there are {', '.join(RULES)}")
    if fault:
        return await _failed(request, Fault(fault)), f"baseline/{name}"
    try:
        return RULES[name](read_prompt("\n".join(texts))), f"baseline/{name}"
    except UnreadablePrompt as error:
        raise _Refused(400, "invalid_request_error", str(error)) from None


async def _failed(request: Request, fault: Fault) -> str:
    match fault:
        case Fault.HTTP500:
            raise _Refused(500, "api_error", "an internal error, as asked for")
        case Fault.RATE_LIMITED:
            raise _Refused(429, "rate_limit_error", "too many requests, as asked for", {"retry-after": "1"})
        case Fault.OVERLOADED:
            raise _Refused(529, "overloaded_error", "overloaded, as asked for")
        case Fault.TIMEOUT:
            await _silence(request)
            raise _Refused(504, "timeout_error", "silent for too long, as asked for")
        case Fault.MALFORMED | Fault.EMPTY:
            return _TEXTS[fault]


async def _silence(request: Request) -> None:
    """Say nothing until the client hangs up or `SILENCE_SECONDS` are over."""
    step = 0.1
    for _ in range(int(SILENCE_SECONDS / step)):
        if await request.is_disconnected():
            return
        await asyncio.sleep(step)


def _texts(messages: Any) -> list[str]:
    """Return the texts of messages whose content is a string or a list of text blocks."""
    found: list[str] = []
    for message in messages if isinstance(messages, list) else []:
        content = message.get("content") if isinstance(message, dict) else None
        blocks = content if isinstance(content, list) else [content]
        parts = [block.get("text") if isinstance(block, dict) else block for block in blocks]
        found += [part for part in parts if isinstance(part, str)]
    return found


def _tokens(texts: Iterable[str]) -> int:
    return sum(len(text) for text in texts) // CHARACTERS_PER_TOKEN


def _digest(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:24]
