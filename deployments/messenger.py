"""The block that Prefect's server sends with when no worker is left to run a deployment."""

from __future__ import annotations

from uuid import UUID

from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.types import SecretDict

from arena.adapters.notifications.destination import TITLE
from arena.settings import AlertSettings

NAME = "arena-telegram"
TELEGRAM = "https://api.telegram.org"


async def apply_messenger(settings: AlertSettings, host: str = TELEGRAM) -> UUID | None:
    """Keep the Telegram bot of the settings as a block, its token among the block's secrets; None where no alerts are wanted.

    Args:
        host: Of Telegram's bot API.
    """
    if not settings.telegram_notifications_enabled:
        return None
    block = CustomWebhookNotificationBlock(
        name=NAME,
        url=f"{host}/bot{{{{token}}}}/sendMessage",
        json_data={"chat_id": settings.telegram_chat_id, "text": f"{TITLE}\n{{{{subject}}}}: {{{{body}}}}"},
        secrets=SecretDict({"token": settings.telegram_bot_token.get_secret_value()}),
    )
    saved: UUID = await block.save(NAME, overwrite=True)
    return saved
