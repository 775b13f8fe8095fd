"""One place where people read alerts: Telegram, or wherever else Apprise reaches."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from arena.application.levels import Level
from arena.errors import ConfigurationError

TITLE = "LLM Trading Arena"
_SHORTEST_SECRET = 6  # shorter parts of a URL are words such as "json"
_TELEGRAM_TOKEN = re.compile(r"\d+:[A-Za-z0-9_-]+")
_LEVEL = "|".join(Level)
_BETWEEN_URLS = re.compile(rf"\s+|,+\s*(?=(?:(?:{_LEVEL})\|)?[a-z0-9]+://)", re.IGNORECASE)  # a comma may be a part of a URL
_URL = re.compile(r"[a-z0-9]+://", re.IGNORECASE)
_LEVEL_AND_URL = re.compile(rf"(?:({_LEVEL})\|)?(.+)", re.IGNORECASE)

log = logging.getLogger("arena.alerts")


class Destination:
    """Somewhere that Apprise can send to.

    Args:
        name: For people and for files; it must tell no secret.
        url: In Apprise's form; a secret.
        level: From which on somebody there wants alerts.

    Raises:
        ConfigurationError: Apprise cannot use the URL, or it names several places, which could not be told apart.
    """

    def __init__(self, name: str, url: SecretStr, level: Level = Level.INFO) -> None:
        import apprise

        _keep_out_of_logs(url)
        self.name, self.url, self.level = name, url, level
        self._apprise = apprise.Apprise()
        if not _URL.match(url.get_secret_value()) or not self._apprise.add(url.get_secret_value()):
            raise ConfigurationError(
                f"{name} cannot be used: write it as a URL of Apprise, such as json://host/path or critical|json://host/path"
            )
        if len(self._apprise[0]) // (getattr(self._apprise[0], "retry", 0) + 1) > 1:  # where one takes a message and another not
            raise ConfigurationError(f"{name} names several places at once: give each a URL of its own")
        self.service = str(self._apprise[0].service_name or urlsplit(url.get_secret_value()).scheme)
        if "overflow=" not in url.get_secret_value():
            self._apprise[0].overflow_mode = apprise.OverflowMode.SPLIT  # a long one in parts: nothing is cut off

    @property
    def title(self) -> str:
        """The name with the service that it is."""
        return self.name if self.service.lower() == self.name.lower() else f"{self.name} ({self.service})"

    @property
    def slug(self) -> str:
        """The name as a file's."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower())

    def send(self, text: str, level: Level, pictures: Sequence[Path] = ()) -> bool:
        """Send a message and wait for the answer; False where it was not taken, and the log has what Apprise says of it.

        It takes as long as the destination lets it, which by Apprise's own limits is some seconds.
        """
        import apprise

        kinds = {
            Level.INFO: apprise.NotifyType.INFO,
            Level.WARNING: apprise.NotifyType.WARNING,
            Level.CRITICAL: apprise.NotifyType.FAILURE,
        }
        attached = [str(picture) for picture in pictures if picture.exists()] or None
        try:
            taken = self._apprise.notify(
                body=text, title=TITLE, body_format=apprise.NotifyFormat.TEXT, notify_type=kinds[level], attach=attached
            )
        except Exception as error:  # a destination's defect must cost nobody else anything
            log.warning("%s failed (%s)", self.name, type(error).__name__)
            return False
        return bool(taken)

    def why_not(self, text: str) -> str | None:
        """Send a message now; return why it was not taken, in Apprise's words, or None where it was."""
        import apprise

        with apprise.LogCapture(level=logging.WARNING, fmt="%(message)s") as said:  # type: ignore[no-untyped-call]
            if self.send(text, Level.INFO):
                return None
        lines = [line for line in said.getvalue().splitlines() if line.strip()]
        return lines[0] if lines else "it was not taken"


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
    if not re.fullmatch(r"[^/,\s]+", chat_id):
        raise ConfigurationError("TELEGRAM_CHAT_ID is not a chat: give its number, or @channel")
    return SecretStr(f"tgram://{token}/{chat_id}")


def read_urls(text: SecretStr, level: Level) -> list[Destination]:
    """Return the destinations of a list such as `json://host/a, critical|tgram://…`, each named after its place.

    Args:
        text: URLs with blanks or commas between them; before one may stand from which level on it wants alerts.
        level: Of those that do not say.

    Raises:
        ConfigurationError: Apprise cannot use one of them; the sentence tells its place and nothing of it.
    """
    parts = [part.strip(",") for part in _BETWEEN_URLS.split(text.get_secret_value())]
    found = [match for part in parts if part and (match := _LEVEL_AND_URL.fullmatch(part))]
    return [
        Destination(f"NOTIFY_URLS {place}", SecretStr(url), Level(wanted.lower()) if wanted else level)
        for place, (wanted, url) in enumerate((match.groups() for match in found), 1)
    ]


class _Redaction(logging.Filter):
    """Blots secrets out of a logger's records: Apprise and urllib3 log the full address that they post to.

    Every part of it goes, a word that is the name of somebody's channel too; `arena.redaction`, which all loggers obey, must
    leave words alone.
    """

    def __init__(self) -> None:
        super().__init__()
        self._parts: set[str] = set()
        self._secret = re.compile(r"(?!)")

    def learn(self, parts: set[str]) -> None:
        """Blot these out from now on, too."""
        if not parts <= self._parts:
            self._parts |= parts
            self._secret = re.compile("|".join(map(re.escape, sorted(self._parts, key=len, reverse=True))))

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep every record, without the secrets."""
        record.msg, record.args = self._secret.sub("***", record.getMessage()), ()
        record.exc_info = None  # a traceback's last line repeats the address
        return True


_REDACTION = _Redaction()


def _keep_out_of_logs(url: SecretStr) -> None:
    _REDACTION.learn({part for part in re.split(r"[/:@?&=]+", url.get_secret_value()) if len(part) >= _SHORTEST_SECRET})
    for name in ("apprise", "urllib3.connectionpool"):
        logging.getLogger(name).addFilter(_REDACTION)  # added once, however often
