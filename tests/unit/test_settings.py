import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from arena.configuration import load_settings
from arena.errors import ConfigurationError
from arena.llm_settings import CompetitorSettings
from arena.logs import configure_logging
from arena.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    import os

    for name in list(os.environ):
        if name.lower() in Settings.model_fields or name.startswith("LLM_"):
            monkeypatch.delenv(name)
    yield


def settings(tmp_path: Path, text: str = "", **changes: str) -> Settings:
    lines = (ROOT / ".env.example").read_text() + "\n" + text + "\n" + "\n".join(f"{k}={v}" for k, v in changes.items())
    path = tmp_path / "env"
    path.write_text(lines)
    return load_settings(path)


def test_the_example_is_a_configuration_with_three_competitors(tmp_path: Path) -> None:
    made = settings(tmp_path)
    assert [c.llm_id for c in made.competitors()] == ["LLM-A", "LLM-B", "LLM-C"]
    assert made.available_pairs[0] == "BTCUSDT" and len(made.available_pairs) == 6
    assert str(made.initial_balance_per_llm) == "200.0"


def test_every_setting_is_in_the_example_and_nothing_else_is() -> None:
    named = {
        line.split("=")[0]
        for line in (ROOT / ".env.example").read_text().splitlines()
        if "=" in line and not line.startswith("#")
    }
    general = {
        name for name in named if not name.startswith("LLM_") or not name.split("_")[1].isalpha() or len(name.split("_")[1]) > 1
    }
    assert general == {name.upper() for name in Settings.model_fields if name not in ("llms", "account_keys")}
    assert named - general == {
        f"LLM_{x}_{f}"
        for x in "ABC"
        for f in (*(name.upper() for name in CompetitorSettings.model_fields), "BINANCE_API_KEY", "BINANCE_SECRET_KEY")
    }


def test_the_example_has_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = tmp_path / "none"
    empty.write_text("")
    bare, example = load_settings(empty), settings(tmp_path)
    for name in Settings.model_fields:
        if name not in ("llms", "account_keys", "log_file_path"):
            assert getattr(example, name) == getattr(bare, name), name


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_LEVERAGE", "3")
    monkeypatch.setenv("LLM_B_MODEL", "another-model")
    made = settings(tmp_path)
    assert made.max_leverage == 3
    assert made.competitors()[1].model.model == "another-model"


def test_as_many_letters_as_are_set_may_compete(tmp_path: Path) -> None:
    made = settings(
        tmp_path, LLM_D_PROVIDER="openai", LLM_D_MODEL="local", LLM_D_BASE_URL="http://127.0.0.1:1/v1", TOTAL_LLMS="4"
    )
    assert [c.letter for c in made.competitors()] == ["A", "B", "C", "D"]
    assert made.competitors()[3].model.base_url == "http://127.0.0.1:1/v1"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"LLM_B_MAX_TOKENS": "2000"}, "LLM_X_MAX_TOKENS must be the same"),
        ({"LLM_C_TEMPERATURE": "0.5"}, "LLM_X_TEMPERATURE must be the same"),
        ({"LLM_A_THINKING": "off"}, "LLM_X_THINKING must be the same for all competitors"),
        ({"LLM_A_REASONING_EFFORT": "high"}, "LLM_X_REASONING_EFFORT must be the same for all competitors"),
        ({"LLM_DAILY_BUDGET_USD": "0"}, "LLM_DAILY_BUDGET_USD"),
        ({"LLM_A_THINKING": "maybe"}, "LLM_A_THINKING: say on or off"),
        ({"LLM_A_REASONING_EFFORT": "max"}, "LLM_A_REASONING_EFFORT"),
        ({"LLM_A_THINKING": "off", "LLM_A_REASONING_EFFORT": "low"}, "contradict each other"),
        ({"LLM_A_INPUT_PRICE_USD": "1"}, "LLM_X_OUTPUT_PRICE_USD belong together"),
        ({"LLM_A_CACHED_PRICE_USD": "1"}, "LLM_X_CACHED_PRICE_USD needs"),
        ({"LLM_A_INPUT_PRICE_USD": "-1", "LLM_A_OUTPUT_PRICE_USD": "1"}, "LLM_A_INPUT_PRICE_USD"),
        ({"LLM_C_SEED": "1"}, "LLM_X_SEED must be set for all competitors or for none, but only C has one"),
        ({"LLM_A_SEED": "1", "LLM_B_SEED": "2", "LLM_C_SEED": "3"}, "LLM_A_SEED is set, but Claude's API takes no seed"),
        ({"MAX_LEVERAGE": "two"}, "MAX_LEVERAGE"),
        ({"MAX_MARGIN_USAGE": "1.5"}, "MAX_MARGIN_USAGE"),
        ({"LLM_A_PROVIDER": "gemini"}, "LLM_A_PROVIDER"),
        ({"LLM_D_PROVIDER": "openai"}, "LLM_D_MODEL: is missing"),
        ({"AVAILABLE_PAIRS": "BTCUSDT,BTCUSDT"}, "AVAILABLE_PAIRS"),
        ({"AVAILABLE_PAIRS": "BTC/USDT"}, "AVAILABLE_PAIRS"),
        ({"LLM_DEADLINE_SECONDS": "300"}, "LLM_DEADLINE_SECONDS must be less"),
        ({"ENVIRONMENT": "production"}, "ENVIRONMENT"),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL"),
        ({"NOTIFY_LEVEL": "loud"}, "NOTIFY_LEVEL"),
        ({"INITIAL_BALANCE_PER_LLM": "0"}, "INITIAL_BALANCE_PER_LLM"),
    ],
)
def test_a_wrong_value_is_one_sentence_that_names_its_variable(tmp_path: Path, changes: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        settings(tmp_path, **changes)
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


def test_too_few_competitors_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="TOTAL_LLMS is 5"):
        settings(tmp_path, TOTAL_LLMS="5").competitors()


def test_a_temperature_that_one_model_refuses_is_sent_to_nobody_and_said(tmp_path: Path) -> None:
    equal = {f"LLM_{x}_TEMPERATURE": "0.2" for x in "ABC"}
    made = settings(tmp_path, **equal)
    assert {c.model.temperature for c in made.competitors()} == {None}
    refusers = "claude-sonnet-5-5, deepseek-v4-pro, gpt-6.1-terra refuse it"
    assert f"no temperature is sent to anyone, because {refusers}" in made.equal_settings()
    local = {f"LLM_{x}_BASE_URL": "http://127.0.0.1:1" for x in "ABC"} | {"LLM_A_PROVIDER": "openai"}
    willing = settings(tmp_path, **equal, **local)
    assert {str(c.model.temperature) for c in willing.competitors()} == {"0.2"}
    assert "temperature 0.2" in willing.equal_settings()


LOCAL = {f"LLM_{x}_BASE_URL": "http://127.0.0.1:1" for x in "ABC"} | {"LLM_A_PROVIDER": "openai"}


def alike(**values: str) -> dict[str, str]:
    return {f"LLM_{x}_{name}": value for x in "ABC" for name, value in values.items()}


@pytest.mark.parametrize(
    ("changes", "sent", "said"),
    [
        (alike(THINKING="off"), (False, None, None), "thinking off; no temperature or reasoning effort is set."),
        (alike(REASONING_EFFORT="high"), (None, "high", None), "reasoning effort high; no temperature or thinking is set."),
        (alike(THINKING="on", REASONING_EFFORT="low"), (True, "low", None), "thinking on; reasoning effort low; no temp"),
        (  # OpenAI has no other word for it
            alike(THINKING="on"),
            (None, None, None),
            "no thinking is sent to anyone, because gpt-6.1-terra refuses it",
        ),
        (
            alike(REASONING_EFFORT="high") | {"LLM_A_MODEL": "claude-haiku-4-5"},
            (None, None, None),
            "no reasoning effort is sent to anyone, because claude-haiku-4-5 refuses it",
        ),
        (  # where no effort can be sent, OpenAI's model cannot be told to think either
            alike(REASONING_EFFORT="high", THINKING="on") | {"LLM_A_MODEL": "claude-haiku-4-5"},
            (None, None, None),
            "no thinking is sent to anyone, because claude-haiku-4-5, gpt-6.1-terra refuse it",
        ),
        (
            alike(THINKING="off") | {"LLM_C_MODEL": "gpt-5-mini"},
            (None, None, None),
            "no thinking is sent to anyone, because gpt-5-mini refuses it",
        ),
        (alike(TEMPERATURE="0.2", THINKING="off"), (False, None, None), "because claude-sonnet-5-5 refuses it"),
        (  # GPT-6 and DeepSeek take a temperature while they do not think
            alike(TEMPERATURE="0.2", THINKING="off") | {"LLM_A_PROVIDER": "openai", "LLM_A_MODEL": "gpt-6-luna"},
            (False, None, "0.2"),
            "temperature 0.2; thinking off; no reasoning effort is set.",
        ),
        (  # but o3 cannot be told not to think, so nobody is, and so nobody gets a temperature
            alike(TEMPERATURE="0.2", THINKING="off") | {"LLM_A_PROVIDER": "openai", "LLM_A_MODEL": "o3"},
            (None, None, None),
            "no temperature is sent to anyone, because o3, deepseek-v4-pro, gpt-6.1-terra refuse it",
        ),
        (alike(TEMPERATURE="0.2", REASONING_EFFORT="low") | LOCAL, (None, "low", "0.2"), "temperature 0.2; reasoning effort low"),
    ],
)
def test_a_setting_is_sent_to_all_or_to_none(
    tmp_path: Path, changes: dict[str, str], sent: tuple[bool | None, str | None, str | None], said: str
) -> None:
    made = settings(tmp_path, **changes)
    assert said in made.equal_settings()
    got = {
        (c.model.thinking, c.model.reasoning_effort, None if c.model.temperature is None else str(c.model.temperature))
        for c in made.competitors()
    }
    assert got == {sent}


def test_a_competitors_own_key_comes_before_its_providers(tmp_path: Path) -> None:
    made = settings(tmp_path, OPENAI_API_KEY="sk-provider", LLM_C_API_KEY="sk-own")
    keys = {c.letter: made.model_key(c) for c in made.competitors()}
    assert (keys["C"][0], keys["C"][1].get_secret_value()) == ("LLM_C_API_KEY", "sk-own")
    assert (keys["A"][0], keys["A"][1].get_secret_value()) == ("CLAUDE_API_KEY", "")
    assert "sk-own" not in repr(made) and "sk-own" not in made.model_dump_json()


def test_seeds_are_chance_and_may_differ(tmp_path: Path) -> None:
    seeds = {f"LLM_{x}_SEED": str(number) for number, x in enumerate("ABC")} | {"LLM_A_PROVIDER": "openai"}
    made = settings(tmp_path, **seeds)
    assert [c.model.seed for c in made.competitors()] == [0, 1, 2]
    assert made.equal_settings().endswith("; seeds, which are chance and no setting: A 0, B 1, C 2.")
    assert "seed" not in settings(tmp_path).equal_settings()


def test_secrets_show_nowhere(tmp_path: Path) -> None:
    made = settings(tmp_path, CLAUDE_API_KEY="sk-hidden", BINANCE_TESTNET_SECRET_KEY="hidden-too")
    assert "hidden" not in repr(made) and "hidden" not in str(made) and "hidden" not in made.model_dump_json()
    with pytest.raises(ConfigurationError) as caught:
        settings(tmp_path, CLAUDE_API_KEY="sk-hidden", MAX_LEVERAGE="sk-hidden")
    assert "hidden" not in str(caught.value)


def test_a_season_keeps_its_book_in_a_folder_of_its_own(tmp_path: Path) -> None:
    assert settings(tmp_path, SEASON="autumn").database() == Path("runs/autumn/arena.sqlite")
    assert settings(tmp_path).database("demo") == Path("runs/demo/arena.sqlite")
    assert settings(tmp_path, DATABASE_PATH="x.sqlite").database("demo") == Path("x.sqlite")


def test_the_log_file_and_level_are_the_settings(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "arena.log"
    configure_logging(settings(tmp_path, LOG_LEVEL="warning", LOG_FILE_PATH=str(log)))
    configure_logging(settings(tmp_path, LOG_LEVEL="warning", LOG_FILE_PATH=str(log)))
    logging.getLogger("arena.cycle").info("not this")
    logging.getLogger("arena.cycle").warning("but this")
    lines = log.read_text().splitlines()
    assert len(lines) == 1 and json.loads(lines[0])["event"] == "but this"
