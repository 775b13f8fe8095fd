import pytest

from arena.domain.client_id import OrderKey, client_order_id, owner_of, parse_client_order_id, season_tag
from arena.domain.competitor import LETTERS, CompetitorId, SeasonId
from arena.domain.order import Leg

SEASON = SeasonId("season-1")


def test_an_id_says_whose_order_it_is_and_fits_the_venue() -> None:
    text = client_order_id(SEASON, 123456, "C", "1000000MOGUSDT", Leg.STOP)
    assert len(text) <= 36
    assert parse_client_order_id(text) == OrderKey(
        tag=season_tag(SEASON), cycle=123456, letter="C", symbol="1000000MOGUSDT", leg=Leg.STOP
    )
    assert owner_of(text, SEASON) == CompetitorId("LLM-C")


def test_every_letter_is_told_from_every_other() -> None:
    owners = [owner_of(client_order_id(SEASON, 123456, letter, "1000000MOGUSDT", Leg.STOP), SEASON) for letter in LETTERS]
    assert owners == [f"LLM-{letter}" for letter in LETTERS] and len(set(owners)) == 104


def test_the_same_order_always_has_the_same_id_and_another_never() -> None:
    ids = {
        client_order_id(season, cycle, letter, symbol, leg)
        for season in (SEASON, SeasonId("season-2"))
        for cycle in (1, 2)
        for letter in "AB"
        for symbol in ("BTCUSDT", "ETHUSDT")
        for leg in Leg
    }
    assert len(ids) == 2 * 2 * 2 * 2 * len(Leg)
    assert client_order_id(SEASON, 1, "A", "BTCUSDT", Leg.OPEN) == client_order_id(SEASON, 1, "A", "BTCUSDT", Leg.OPEN)


@pytest.mark.parametrize(
    "text", ["", "web_abc", "autoclose-1700000000000", "x-1-A-BTCUSDT-o", "abcdef-1-A-BTCUSDT-z", "abcdef-1-DA-BTCUSDT-o"]
)
def test_foreign_ids_belong_to_nobody(text: str) -> None:
    assert parse_client_order_id(text) is None
    assert owner_of(text, SEASON) is None


def test_another_seasons_order_belongs_to_nobody_of_this_one() -> None:
    assert owner_of(client_order_id(SeasonId("season-2"), 1, "A", "BTCUSDT", Leg.OPEN), SEASON) is None


def test_an_id_the_venue_would_refuse_is_never_formed() -> None:
    with pytest.raises(ValueError, match="longer than 36"):
        client_order_id(SEASON, 12345678901, "A", "1000000000000MOGUSDT", Leg.OPEN)
