"""The blocks that Prefect's server sends with when no worker is left to run a deployment."""

from __future__ import annotations

from uuid import UUID

from prefect.blocks.abstract import NotificationBlock
from prefect.blocks.notifications import CustomWebhookNotificationBlock, SlackWebhook
from prefect.types import SecretDict

from arena.adapters.notifications.destination import TITLE
from arena.alerting import destinations_of
from arena.settings import AlertSettings

NAME = "arena-telegram"
TELEGRAM = "https://api.telegram.org"


async def apply_messengers(settings: AlertSettings, host: str = TELEGRAM) -> tuple[UUID, ...]:
    """Keep a block for each destination of the settings, its address among the block's secrets; none where no alerts are wanted.

    Args:
        host: Of Telegram's bot API.

    Raises:
        ConfigurationError: A destination cannot be used.
    """
    blocks: dict[str, NotificationBlock] = {}
    for each in destinations_of(settings):
        if each.name == "Telegram":
            blocks[NAME] = _telegram(settings, host)
        else:  # Prefect has no block for whatever Apprise reaches; this one hands on to Apprise what is not Slack's
            blocks[f"arena-{each.slug}"] = SlackWebhook(url=each.url)
    return tuple([await block.save(name, overwrite=True) for name, block in blocks.items()])


def _telegram(settings: AlertSettings, host: str) -> NotificationBlock:
    return CustomWebhookNotificationBlock(
        name=NAME,
        url=f"{host}/bot{{{{token}}}}/sendMessage",
        json_data={"chat_id": settings.telegram_chat_id, "text": f"{TITLE}\n{{{{subject}}}}: {{{{body}}}}"},
        secrets=SecretDict({"token": settings.telegram_bot_token.get_secret_value()}),
    )
