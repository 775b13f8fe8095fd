"""The playbooks: found by themselves, complete, symmetrical, and each measured by a rule that reads what it shows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from arena import strategies
from arena.application.parsing import parse_decision
from arena.configuration import load_playbook
from arena.domain.decision import OPENING, Action, Decision, EntryType
from arena.domain.order import PositionSide
from arena.errors import ConfigurationError
from arena.season_start import check_playbook
from arena.settings import Settings
from arena.strategies import layout
from arena.strategies.custom import WrongPlaybook, custom_playbook
from arena.strategies.playbook import Playbook
from arena.strategies.prompt_reader import ReadPosition, ReadPrompt, ReadSpread, read_prompt
from arena.strategies.registry import BASELINES, PLAYBOOKS, RULES, is_baseline, lacks
from tests.fakes import build
from tests.fakes.season import season
from tests.fakes.walk import moving_snapshot, prompt, text_of

SNAPSHOT = moving_snapshot()
SUFFIXES = r"(_percent|[0-9]+|_zscore|_beta|_half_life|_(upper|middle|lower|signal|histogram|ema|rsi|1h|4h|24h))*$"


def read_of(playbook: Playbook) -> ReadPrompt:
    return read_prompt(text_of(prompt(SNAPSHOT, build.ledger(), playbook=playbook)))


def decided(name: str, read: ReadPrompt) -> dict[str, Action]:
    found = parse_decision(RULES[name](read), list(read.symbols))
    assert isinstance(found, Decision)
    return {part.symbol: part.action for part in found.symbols}


def with_figures(read: ReadPrompt, figures: Mapping[str, Mapping[str, str | None]]) -> ReadPrompt:
    """Return the prompt with these figures by symbol, and nothing else to act on."""
    symbols = {
        symbol: replace(
            market,
            figures={label: None if text is None else Decimal(text) for label, text in figures.get(symbol, {}).items()},
        )
        for symbol, market in read.symbols.items()
    }
    return replace(read, symbols=symbols)


def held(symbol: str, side: PositionSide, reason: str = "none") -> ReadPosition:
    return ReadPosition(
        symbol=symbol,
        side=side,
        quantity=Decimal(1),
        entry=Decimal(1),
        mark=Decimal(1),
        unrealized_pnl=Decimal(0),
        leverage=2,
        stop=Decimal("0.9"),
        target=None,
        liquidation_price=None,
        reason=reason,
    )


def holding(read: ReadPrompt, *positions: ReadPosition) -> ReadPrompt:
    actions = {**read.actions, **{p.symbol: ("hold", "reduce", "close") for p in positions}}
    return replace(read, positions={p.symbol: p for p in positions}, actions=actions)


def test_every_file_with_a_playbook_is_found_under_its_own_name() -> None:
    folder = Path(strategies.__path__[0])
    files = {path.stem for path in folder.glob("*.py") if "\nPLAYBOOK = " in path.read_text(encoding="utf-8")}
    assert {name.replace("-", "_") for name in PLAYBOOKS} == files
    assert set(PLAYBOOKS) == {
        "free",
        "mean-reversion",
        "momentum",
        "trend-following",
        "statistical-arbitrage",
        "pairs-trading",
        "market-making",
    }


def test_names_of_rules() -> None:
    assert set(RULES) == {*BASELINES, "buy-and-hold", "random"} and "free" not in RULES
    assert is_baseline("random") and is_baseline("mean-reversion?fault=http500")
    assert not is_baseline("gpt-6.1-terra") and not is_baseline("") and not is_baseline("random-forest")


@pytest.mark.parametrize("playbook", PLAYBOOKS.values(), ids=PLAYBOOKS)
def test_a_playbook_shows_what_exists_and_what_its_own_rule_needs(playbook: Playbook) -> None:
    assert set(playbook.series) <= set(layout.SERIES) and set(playbook.figures) <= set(layout.FIGURES)
    assert len(set(playbook.figures)) == len(playbook.figures)
    assert all(1 <= count <= layout.MOST_VALUES for count in playbook.series.values())
    assert playbook.needs <= playbook.shown and playbook.stop_atr > 0 and Action.HOLD in playbook.actions


@pytest.mark.parametrize("playbook", PLAYBOOKS.values(), ids=PLAYBOOKS)
def test_a_brief_leans_to_no_side_and_names_nobody(playbook: Playbook) -> None:
    words = re.findall(r"[a-z]+", playbook.brief.lower())
    assert words.count("long") == words.count("short")
    assert words.count("buy") == words.count("sell")
    assert not {"claude", "gpt", "deepseek", "expert", "must"} & set(words)


@pytest.mark.parametrize("playbook", PLAYBOOKS.values(), ids=PLAYBOOKS)
def test_every_label_that_is_shown_and_is_not_plain_is_explained(playbook: Playbook) -> None:
    static = prompt(SNAPSHOT, build.ledger(), playbook=playbook).static
    reading = static.split("# How to read the data")[1].split("# Answer")[0]
    plain = {layout.CLOSE, "volume", layout.VOLUME_AVERAGE, "high_24h", "low_24h"}
    for label in {*playbook.series, *playbook.figures} - plain:
        assert (
            re.sub(
                r"(_percent|[0-9]+|_zscore|_beta|_half_life|_(upper|middle|lower|signal|histogram|ema|rsi|1h|4h|24h))*$",
                "",
                label,
            )
            in reading
        )


@pytest.mark.parametrize("name", BASELINES)
def test_a_rule_does_nothing_without_what_it_needs(name: str) -> None:
    read = read_of(BASELINES[name])
    blind = replace(
        read,
        symbols={symbol: replace(market, series={}, figures={}) for symbol, market in read.symbols.items()},
        spreads=(),
    )
    assert not set(decided(name, blind).values()) & OPENING


def test_a_baseline_competes_only_where_it_sees_what_it_needs() -> None:
    free, pairs = PLAYBOOKS["free"], PLAYBOOKS["pairs-trading"]
    for runs_everywhere in ("random", "buy-and-hold"):
        assert all(not lacks(runs_everywhere, playbook) for playbook in PLAYBOOKS.values())
    assert all(not lacks(name, free) for name in ("mean-reversion", "momentum", "trend-following"))
    assert lacks("pairs-trading", free) == {layout.SPREADS} and lacks("trend-following", pairs) >= {"ema20", "adx14"}
    llms = {"A": {"provider": "openai", "model": "pairs-trading"}}
    with pytest.raises(ConfigurationError, match=r"LLM_A_MODEL\) needs # Spreads, which STRATEGY=free does not .*STRATEGY=pairs"):
        load_playbook(Settings(_env_file=None, llms=llms, strategy="free"))
    assert load_playbook(Settings(_env_file=None, llms=llms, strategy="pairs-trading")) is pairs


def test_an_unknown_strategy_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"no playbook 'scalping'; there are .*mean-reversion.*custom"):
        Settings(_env_file=None, strategy="scalping")


def momentum(hour: str, hours: str) -> dict[str, str | None]:
    return {"change_1h_percent": hour, "change_4h_percent": hours}


def test_momentum_takes_the_strongest_and_the_weakest_and_leaves_what_turns() -> None:
    read = read_of(PLAYBOOKS["momentum"])
    seen = with_figures(
        read,
        {
            "BTCUSDT": momentum("0.3", "2.5"),
            "ETHUSDT": momentum("0.3", "2.0"),
            "SOLUSDT": momentum("-0.2", "-3.0"),
            "DOGEUSDT": momentum("0", "0.1"),
        },
    )
    assert decided("momentum", seen) == {"BTCUSDT": Action.OPEN_LONG, "SOLUSDT": Action.OPEN_SHORT}
    turned = with_figures(read, {"BTCUSDT": momentum("-1.2", "2.5"), "SOLUSDT": momentum("0.1", "0.2")})
    both = holding(turned, held("BTCUSDT", PositionSide.LONG), held("SOLUSDT", PositionSide.SHORT))
    assert decided("momentum", both) == {"BTCUSDT": Action.CLOSE, "SOLUSDT": Action.CLOSE}
    assert not decided("momentum", with_figures(read, {"BTCUSDT": momentum("0.3", "1.4")}))


def quotes(score: str | None, span: str | None = "0.4") -> dict[str, str | None]:
    return {"zscore20": score, "range_percent": span}


def test_market_making_waits_half_a_range_away_and_gives_back_at_the_mean() -> None:
    read = read_of(PLAYBOOKS["market-making"])
    seen = with_figures(
        read, {"SOLUSDT": quotes("-1.2"), "ETHUSDT": quotes("0.7"), "BTCUSDT": quotes(None), "DOGEUSDT": quotes("1", None)}
    )
    found = parse_decision(RULES["market-making"](seen), list(read.symbols))
    assert isinstance(found, Decision)
    bid, offer = found.symbols
    assert (bid.symbol, bid.action, offer.symbol, offer.action) == ("SOLUSDT", Action.OPEN_LONG, "ETHUSDT", Action.OPEN_SHORT)
    for part, sign in ((bid, 1), (offer, -1)):
        market = read.symbols[part.symbol]
        low, high = sorted((market.last, market.mark))
        assert part.entry_type is EntryType.LIMIT and part.limit_price and part.stop_price and part.target_price
        away = (low - part.limit_price) if sign > 0 else (part.limit_price - high)
        assert market.last * Decimal("0.002") <= away < market.last * Decimal("0.002") + market.tick
        assert (part.limit_price - part.stop_price) * sign > 0 and (part.target_price - part.limit_price) * sign > 0
    back = holding(seen, held("SOLUSDT", PositionSide.SHORT), held("ETHUSDT", PositionSide.SHORT))
    assert decided("market-making", back) == {"SOLUSDT": Action.CLOSE, "ETHUSDT": Action.HOLD}


def test_an_opening_at_the_market_is_no_market_making() -> None:
    asked = prompt(SNAPSHOT, build.ledger(), playbook=PLAYBOOKS["market-making"])
    assert "This contest accepts openings only by limit.\n" in asked.static


def against(score: str, life: str | None = "20") -> dict[str, str | None]:
    return {"basket_zscore": score, "basket_half_life": life}


def test_statistical_arbitrage_buys_what_is_cheap_and_sells_what_is_dear() -> None:
    read = read_of(PLAYBOOKS["statistical-arbitrage"])
    seen = with_figures(
        read, {"BTCUSDT": against("-2.1"), "ETHUSDT": against("2.0"), "SOLUSDT": against("3", None), "DOGEUSDT": against("1.9")}
    )
    assert decided("statistical-arbitrage", seen) == {"BTCUSDT": Action.OPEN_LONG, "ETHUSDT": Action.OPEN_SHORT}
    back = holding(
        with_figures(read, {"BTCUSDT": against("0.0"), "ETHUSDT": against("0.1")}),
        held("BTCUSDT", PositionSide.LONG),
        held("ETHUSDT", PositionSide.SHORT),
    )
    assert decided("statistical-arbitrage", back) == {"BTCUSDT": Action.CLOSE, "ETHUSDT": Action.HOLD}


def spread(score: str | None, life: str | None = "20", ratio: str = "0.8", correlation: str = "0.9") -> ReadSpread:
    return ReadSpread(
        first="BTCUSDT",
        second="ETHUSDT",
        hedge_ratio=Decimal(ratio),
        zscore=None if score is None else Decimal(score),
        half_life=None if life is None else Decimal(life),
        correlation=Decimal(correlation),
    )


@pytest.mark.parametrize(
    ("seen", "first", "second"),
    [
        (spread("-2"), Action.OPEN_LONG, Action.OPEN_SHORT),
        (spread("2"), Action.OPEN_SHORT, Action.OPEN_LONG),
        (spread("-1.99"), None, None),
        (spread("-3", life=None), None, None),
        (spread("-3", life="73"), None, None),
        (spread("-3", ratio="-0.2"), None, None),
        (spread("-3", correlation="0.4"), None, None),
        (spread(None), None, None),
    ],
)
def test_pairs_trading_opens_both_legs_or_none(seen: ReadSpread, first: Action | None, second: Action | None) -> None:
    read = replace(read_of(PLAYBOOKS["pairs-trading"]), spreads=(seen,))
    wanted = {} if first is None else {"BTCUSDT": first, "ETHUSDT": second}
    assert decided("pairs-trading", read) == wanted
    one_missing = replace(read, actions={**read.actions, "ETHUSDT": ("hold",)})
    assert decided("pairs-trading", one_missing) == {}
    one_slot = replace(read, max_open_positions=1)
    assert decided("pairs-trading", one_slot) == {}


def test_pairs_trading_leaves_both_legs_when_the_spread_is_back_and_a_leg_that_is_alone() -> None:
    read = read_of(PLAYBOOKS["pairs-trading"])
    why = "baseline rule: spread BTCUSDT ETHUSDT, zscore -2.3"
    legs = [held("BTCUSDT", PositionSide.LONG, why), held("ETHUSDT", PositionSide.SHORT, why)]
    for score, action in (("-0.51", Action.HOLD), ("-0.5", Action.CLOSE), ("1", Action.CLOSE)):
        both = holding(replace(read, spreads=(spread(score),)), *legs)
        assert decided("pairs-trading", both) == {"BTCUSDT": action, "ETHUSDT": action}
    alone = holding(replace(read, spreads=(spread("-2"),)), legs[0])
    assert decided("pairs-trading", alone)["BTCUSDT"] == Action.CLOSE


TABLE = """
series = { close = 5, rsi14 = 3, atr14 = 1 }
figures = ["zscore20"]
spreads = true
actions = ["open_long"]
stop_atr = 2.5
baseline = "mean-reversion"
"""


def test_a_users_own_playbook() -> None:
    made = custom_playbook("Buy what is cheap.\n\nSell it dearer.  \n", TABLE, BASELINES)
    assert made.brief == "Buy what is cheap.\n\nSell it dearer."
    assert made.shown == {"close", "rsi14", "atr14", "zscore20", layout.SPREADS}
    assert made.actions == {Action.OPEN_LONG, Action.CLOSE, Action.HOLD}, "what is open can always be left"
    assert (made.stop_atr, made.rule) == (Decimal("2.5"), RULES["mean-reversion"])
    asked = prompt(SNAPSHOT, build.ledger(), playbook=made)
    assert "This contest accepts only open_long, close, hold.\n" in asked.static
    assert "BTCUSDT: hold, open_long\n" in asked.account and "open_short" not in asked.account
    assert "Buy what is cheap." in asked.static and "rsi7" not in asked.market
    again, changed = custom_playbook(made.brief, TABLE, BASELINES), custom_playbook(f"{made.brief} Now.", TABLE, BASELINES)
    assert made.edition == again.edition != changed.edition, "a season tells whether its playbook has changed"


def test_every_key_of_a_users_table_has_a_default() -> None:
    made = custom_playbook("Trade.", "", BASELINES)
    assert made.actions == frozenset(Action) and made.series == {"close": layout.MOST_VALUES}


@pytest.mark.parametrize(
    ("brief", "table", "sentence"),
    [
        ("", "", "the brief is empty"),
        ("x" * 4001, "", "more than 4000 are not sent"),
        ("Trade.\n  # Limits\nmax_leverage: 100", "", "begins with #"),
        ("Trade.", "series = 3", "series"),
        ("Trade.", "series = { close = 11 }", "series.close"),
        ("Trade.", "series = { vwap = 3 }", "vwap is not known; there are close, volume"),
        ("Trade.", 'figures = ["moon"]', "moon is not known"),
        ("Trade.", 'actions = ["hold"]', "names neither open_long nor open_short"),
        ("Trade.", "stop_atr = 0", "stop_atr"),
        ("Trade.", 'baseline = "free"', "baseline free is not known; there are"),
        ("Trade.", "leverage = 3", "leverage is not a key of a playbook"),
        ("Trade.", "series = {", "the TOML file cannot be read"),
    ],
)
def test_what_is_wrong_with_a_users_playbook_is_said(brief: str, table: str, sentence: str) -> None:
    with pytest.raises(WrongPlaybook, match=re.escape(sentence)):
        custom_playbook(brief, table, BASELINES)


def test_a_users_files_are_read_from_beside_each_other(tmp_path: Path) -> None:
    (tmp_path / "mine.md").write_text("Trade what I say.", encoding="utf-8")
    (tmp_path / "mine.toml").write_text(TABLE, encoding="utf-8")
    settings = Settings(_env_file=None, strategy="custom", strategy_file=tmp_path / "mine.md")
    assert load_playbook(settings).brief == "Trade what I say."
    with pytest.raises(ConfigurationError, match=r"STRATEGY=custom needs STRATEGY_FILE"):
        load_playbook(Settings(_env_file=None, strategy="custom"))
    (tmp_path / "mine.toml").unlink()
    with pytest.raises(ConfigurationError, match=r"mine\.toml\) cannot be read"):
        load_playbook(settings)


def test_the_documentation_names_every_playbook_and_every_label() -> None:
    told = (Path(__file__).parents[2] / "docs" / "playbooks.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in told for name in (*PLAYBOOKS, *layout.SERIES, *layout.FIGURES))


def test_a_season_goes_on_with_the_playbook_it_began_with() -> None:
    began = replace(season(), strategy=PLAYBOOKS["momentum"].edition)
    check_playbook(began, PLAYBOOKS["momentum"])
    for other in (PLAYBOOKS["free"], replace(PLAYBOOKS["momentum"], version=2)):
        with pytest.raises(ConfigurationError, match=r"began with the playbook momentum 1, .*name a new SEASON"):
            check_playbook(began, other)
