"""Alerts to Telegram, or wherever else Apprise reaches."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Sequence

from pydantic import SecretStr

from arena.application.record import Alert
from arena.errors import ConfigurationError

TITLE = "LLM Trading Arena"
LIMIT_SECONDS = 10.0
_SHORTEST_SECRET = 6  # shorter parts of a URL are words such as "json"
_TELEGRAM_TOKEN = re.compile(r"\d+:[A-Za-z0-9_-]+")

log = logging.getLogger(__name__)


def telegram_url(token: str, chat_id: str) -> SecretStr:
    """Return the Apprise URL of a Telegram chat.

    Args:
        token: Of the bot, such as `123456:ABC-…`.
        chat_id: A number, negative for groups, or `@channel`.

    Raises:
        ConfigurationError: The token is none, or the chat is empty.
    """
    if not _TELEGRAM_TOKEN.fullmatch(token):
        raise ConfigurationError("TELEGRAM_BOT_TOKEN is not a bot's token: copy the one that @BotFather gave")
    if not chat_id or "/" in chat_id:
        raise ConfigurationError("TELEGRAM_CHAT_ID is not a chat: give its number, or @channel")
    return SecretStr(f"tgram://{token}/{chat_id}")


class SilentNotifier:
    """Implements `Notifier` where no destination is configured."""

    async def notify(self, alerts: Sequence[Alert]) -> int:
        """Deliver to nobody; the alerts are in the record."""
        return 0


class AppriseNotifier:
    """Implements `Notifier` over Apprise.

    Args:
        urls: Destinations in Apprise's form; they hold secrets.
        limit_seconds: All deliveries of one call together take no longer.

    Raises:
        ConfigurationError: Apprise cannot use a URL.
    """

    def __init__(self, urls: Sequence[SecretStr], limit_seconds: float = LIMIT_SECONDS) -> None:
        import apprise

        self._limit_seconds = limit_seconds
        self._text_format = apprise.NotifyFormat.TEXT
        self._destinations = apprise.Apprise()
        _keep_out_of_logs(urls)
        for number, url in enumerate(urls, start=1):
            if not self._destinations.add(url.get_secret_value()):
                raise ConfigurationError(f"Apprise cannot use alert destination {number}: check its URL or token")

    async def notify(self, alerts: Sequence[Alert]) -> int:
        """Deliver one message per alert, in order; what cannot be delivered in time is counted in the log and given up."""
        delivered = 0
        try:
            async with asyncio.timeout(self._limit_seconds):
                for alert in alerts:
                    delivered += await self._deliver(alert)
        except TimeoutError:
            log.warning("alerts took longer than %g s to deliver", self._limit_seconds)
        if delivered < len(alerts):
            log.warning("%d of %d alerts were not delivered", len(alerts) - delivered, len(alerts))
        return delivered

    async def _deliver(self, alert: Alert) -> bool:
        try:
            return bool(await self._destinations.async_notify(body=alert.text, title=TITLE, body_format=self._text_format))
        except Exception as error:  # a destination's defect must not cost a cycle
            log.warning("an alert destination failed (%s)", type(error).__name__)
            return False


class _Redaction(logging.Filter):
    """Blots secrets out of a logger's records: Apprise and urllib3 log the full address that they post to."""

    def __init__(self, secrets: Sequence[str]) -> None:
        super().__init__()
        self._secret = re.compile("|".join(re.escape(secret) for secret in sorted(secrets, key=len, reverse=True)))

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep every record, without the secrets."""
        record.msg, record.args = self._secret.sub("***", record.getMessage()), ()
        record.exc_info = None  # a traceback's last line repeats the address
        return True


def _keep_out_of_logs(urls: Sequence[SecretStr]) -> None:
    parts = {part for url in urls for part in re.split(r"[/:@?&=]+", url.get_secret_value()) if len(part) >= _SHORTEST_SECRET}
    if parts:
        for name in ("apprise", "urllib3.connectionpool"):
            logging.getLogger(name).addFilter(_Redaction(list(parts)))
