"""From the settings to where alerts go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from arena.adapters.notifications.courier import Courier, read_waiting
from arena.adapters.notifications.destination import Destination, read_urls, telegram_url
from arena.adapters.notifications.messages import Waiting
from arena.adapters.notifications.notifier import QueuedNotifier, SilentNotifier
from arena.application.notifier import Notifier
from arena.errors import ConfigurationError
from arena.settings import AlertSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of a message that was sent to a destination; `fault` is None where it was taken."""

    name: str
    fault: str | None


def destinations_of(settings: AlertSettings) -> list[Destination]:
    """Return where alerts go, Telegram first.

    Raises:
        ConfigurationError: Telegram is wanted, but where to is not said; or one of NOTIFY_URLS cannot be used.
    """
    found = []
    if settings.telegram_notifications_enabled:
        token = settings.telegram_bot_token.get_secret_value()
        if not token or not settings.telegram_chat_id:
            raise ConfigurationError(
                "TELEGRAM_NOTIFICATIONS_ENABLED is true, but TELEGRAM_BOT_TOKEN or TELEGRAM_CHAT_ID is empty"
            )
        found.append(Destination("Telegram", telegram_url(token, settings.telegram_chat_id), settings.notify_level))
    return found + read_urls(settings.notify_urls, settings.notify_level)


def open_notifier(settings: AlertSettings, outboxes: Path) -> Notifier:
    """Connect the alerts, or nothing where none are wanted.

    Args:
        settings: Where they go.
        outboxes: The directory in which they wait.

    Raises:
        ConfigurationError: As `destinations_of`.
    """
    found = destinations_of(settings)
    return QueuedNotifier([Courier(each, outboxes / f"{each.slug}.sqlite") for each in found]) if found else SilentNotifier()


def read_pending(settings: AlertSettings, outboxes: Path) -> Iterator[tuple[str, list[Waiting]]]:
    """Yield what waits for each destination, and for those that were configured once.

    Raises:
        ConfigurationError: As `destinations_of`; or a file cannot be read.
    """
    titles = {each.slug: each.title for each in destinations_of(settings)}
    files = {path.stem: path for path in sorted(outboxes.glob("*.sqlite"))}
    for slug in [*titles, *(slug for slug in files if slug not in titles)]:
        waiting = read_waiting(files[slug]) if slug in files else []
        if waiting or slug in titles:
            yield titles.get(slug, f"{slug}, which is not configured any more"), waiting


def described(settings: AlertSettings) -> str:
    """Return where alerts go, in words.

    Raises:
        ConfigurationError: As `destinations_of`.
    """
    found = destinations_of(settings)
    return ", ".join(f"{each.title} from {each.level} on" for each in found) or "none are wanted"


def try_destinations(settings: AlertSettings, text: str) -> Iterator[Tried]:
    """Send a message to every destination now, whatever waits and whatever level it wants.

    Raises:
        ConfigurationError: As `destinations_of`.
    """
    for each in destinations_of(settings):
        yield Tried(name=each.title, fault=each.why_not(text))


def see_arriving(settings: AlertSettings, text: str) -> str:
    """Send a message to every destination, and return where it has arrived.

    Raises:
        ConfigurationError: There is no destination, or the message was not delivered to one of them.
    """
    tried = list(try_destinations(settings, text))
    if not tried:
        raise ConfigurationError(
            "no alerts are wanted: set TELEGRAM_NOTIFICATIONS_ENABLED, _BOT_TOKEN and _CHAT_ID, or NOTIFY_URLS"
        )
    if failed := [f"{each.name}: {each.fault}" for each in tried if each.fault]:
        raise ConfigurationError(f"the message was not delivered to {'; '.join(failed)}")
    return f"a message was delivered to {', '.join(each.name for each in tried)}: see that it is there"
