"""Paper accounts on a live market made by hand, with their book in a store that a test can look into."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from arena.adapters.paper.book import PaperBook
from arena.adapters.paper.book_text import read_book
from arena.adapters.paper.live import LivePaperAccount
from arena.domain.competitor import SHARED_ACCOUNT, AccountId, SeasonId
from arena.domain.order import OrderOutcome
from tests.fakes.live import LiveTape
from tests.fakes.rig import make

TEST = SeasonId("test")


@dataclass
class BooksInMemory:
    """Satisfies the PaperBooks port."""

    texts: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    saves: int = 0

    async def load_paper_book(self, season_id: SeasonId, account: AccountId) -> tuple[int, str] | None:
        return self.texts.get((season_id, account))

    async def save_paper_book(self, season_id: SeasonId, account: AccountId, version: int, text: str) -> bool:
        if self.texts.get((season_id, account), (0, ""))[0] != version:
            return False
        self.texts[season_id, account] = (version + 1, text)
        self.saves += 1
        return True

    def book(self) -> PaperBook:
        return read_book(self.texts[TEST, SHARED_ACCOUNT][1])


class PaperDesk:
    """One paper account; every call is a process of its own, as far as the account can tell.

    Orders in a line: `await desk.place("BUY LONG 0.1 BTCUSDT", "tag-1-A-BTCUSDT-o")`.
    """

    def __init__(self, tape: LiveTape, capital: str = "10000") -> None:
        self.tape = tape
        self.books = BooksInMemory()
        self._capital = Decimal(capital)
        self._sent = 0

    @property
    def account(self) -> LivePaperAccount:
        """The account as a process that has just started has it."""
        return LivePaperAccount(self.books, self.tape, TEST, SHARED_ACCOUNT, self._capital)

    @property
    def book(self) -> PaperBook:
        return self.books.book()

    async def place(self, text: str, client_id: str = "") -> OrderOutcome:
        self._sent += 1
        return await self.account.place(make(text, client_id or f"order-{self._sent}"))

    async def look(self) -> dict[str, str]:
        """Look and return what is held, `{"BTCUSDT LONG": "0.1"}`."""
        found = (await self.account.book()).positions
        return {f"{symbol} {side}": str(quantity) for (symbol, side), quantity in found.items()}

    async def fills(self, cursor: int = 0, symbol: str = "BTCUSDT") -> list[tuple[str, str, str]]:
        """Return client id, price and time of the trades after a cursor."""
        found = await self.account.fills({symbol: cursor}, self.book.opened_at, await self.tape.time())
        return [(fill.client_order_id, str(fill.price), f"{fill.time:%H:%M:%S.%f}"[:-3]) for fill in found]


async def desk(tape: LiveTape, leverage: int = 5, capital: str = "10000") -> PaperDesk:
    """Return an account in hedge mode."""
    made = PaperDesk(tape, capital)
    await made.account.prepare(["BTCUSDT", "ETHUSDT"], leverage)
    return made
