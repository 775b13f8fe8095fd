from __future__ import annotations

import json
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from arena.connections import open_listings
from arena.domain.pairs import check_pair, list_faults, list_warnings
from arena.errors import ConfigurationError
from arena.pairs import PRESETS, SECTION_END, SECTION_START, Examination, chosen, section, with_section
from arena.settings import Environment, Settings, VenueSettings
from tests.unit.test_pairs import CAPITAL, LIMITS, listing


@pytest.mark.parametrize("pairs", PRESETS.values())
def test_the_presets_are_lists_a_season_takes(pairs: tuple[str, ...]) -> None:
    assert list_faults(pairs) == list_warnings(pairs) == ()
    assert Settings(available_pairs=pairs).available_pairs == pairs


def test_pairs_are_chosen_by_name_or_by_preset() -> None:
    assert chosen(["btcusdt, ETHUSDT,", "solusdt"], "") == ("BTCUSDT", "ETHUSDT", "SOLUSDT")
    assert chosen([], "low-price") == PRESETS["low-price"]
    with pytest.raises(ConfigurationError, match="there is no preset cheap: there are major and low-price"):
        chosen([], "cheap")
    for names, preset in (([], ""), (["BTCUSDT"], "major")):
        with pytest.raises(ConfigurationError, match="name either pairs"):
            chosen(names, preset)


def examination(**changes: object) -> Examination:
    usual = Examination(
        market="a market",
        as_of=datetime(2025, 11, 30, 22, tzinfo=UTC),
        capital=CAPITAL,
        leverage=5,
        checks=tuple(check_pair(listing(s, p), None, CAPITAL, LIMITS) for s, p in (("BTCUSDT", "91139"), ("SOLUSDT", "136.99"))),
        faults=(),
        warnings=(),
    )
    return replace(usual, **changes)  # type: ignore[arg-type]


def test_readme_gets_a_table_of_pair_and_smallest_order() -> None:
    assert section(examination()).splitlines() == [
        "The default pairs; the smallest orders are those of 2025-11-30, a market:",
        "",
        "| pair | smallest order, USDT |",
        "|---|---:|",
        "| BTCUSDT | 91.14 |",
        "| SOLUSDT | 5.48 |",
    ]


TEXT = st.text().filter(lambda text: SECTION_START not in text and SECTION_END not in text)


@given(before=TEXT, old=TEXT, after=TEXT)
def test_everything_outside_the_markers_of_readme_stays(before: str, old: str, after: str) -> None:
    changed = with_section(f"{before}{SECTION_START}{old}{SECTION_END}{after}", "new\nrows")
    assert changed is not None
    line_end = "\r\n" if "\r\n" in before + old + after else "\n"
    assert changed == f"{before}{SECTION_START}{line_end}new{line_end}rows{line_end}{SECTION_END}{after}"
    assert with_section(changed, "new\nrows") == changed


@pytest.mark.parametrize("readme", ["", "no markers", SECTION_START, SECTION_END, f"{SECTION_END} {SECTION_START}"])
def test_a_readme_without_both_markers_has_no_section(readme: str) -> None:
    assert with_section(readme, "rows") is None


def test_json_has_what_the_table_has_and_decimals_as_strings() -> None:
    found = examination(faults=("only 2 pairs are named",), unchecked="no key").to_json()
    assert json.loads(json.dumps(found)) == found
    assert (found["well"], found["faults"], found["unchecked"], found["leverage"]) == (
        False,
        ["only 2 pairs are named"],
        "no key",
        5,
    )
    assert found["pairs"][0] == {
        "pair": "BTCUSDT",
        "price": "91139",
        "mark_price": "91139",
        "smallest_quantity": "0.001",
        "smallest_order_usdt": "91.139",
        "margin_usdt": "18.2278",
        "share_of_capital": "0.091139",
        "well": True,
        "faults": [],
    }


@pytest.mark.parametrize(
    ("environment", "use_testnet", "testnet_url", "host", "signed"),
    [
        (Environment.TESTNET, True, "https://testnet.example", "https://testnet.example", True),
        (Environment.DEMO, True, "http://127.0.0.1:8900", "http://127.0.0.1:8900", True),
        (
            Environment.DEMO,
            True,
            "https://testnet.example",
            "https://testnet.example",
            False,
        ),  # the simulator's key is not for it
        (Environment.PAPER, True, "https://testnet.example", "https://live.example", False),
        (Environment.MAINNET, True, "https://testnet.example", "https://live.example", False),
        (Environment.MAINNET, False, "https://testnet.example", "https://live.example", True),
    ],
)
async def test_a_key_goes_to_no_host_but_its_own(
    environment: Environment, use_testnet: bool, testnet_url: str, host: str, signed: bool
) -> None:
    settings = VenueSettings(
        _env_file=None,
        environment=environment,
        use_testnet=use_testnet,
        binance_testnet_base_url=testnet_url,
        binance_base_url="https://live.example",
        binance_testnet_api_key=SecretStr("testnet"),
        binance_testnet_secret_key=SecretStr("testnet"),
        binance_api_key=SecretStr("live"),
        binance_secret_key=SecretStr("live"),
    )
    async with AsyncExitStack() as closing:
        client = open_listings(settings, closing)._client
        key = "live" if host == "https://live.example" else "testnet"
        assert (client.base_url, client._client.API_KEY) == (host, key if signed else None)
