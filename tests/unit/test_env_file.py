"""`.env` is rewritten by the eyes of the library that reads it: python-dotenv's own parser judges every result."""

from __future__ import annotations

import io
import re
import stat
from pathlib import Path

import pytest
from dotenv import dotenv_values
from dotenv.parser import parse_stream
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.env_file import close_to_others, read_text, replace_file, value_in, with_variable, with_variables
from arena.errors import ConfigurationError

NAME, VALUE = "AVAILABLE_PAIRS", "BTCUSDT,ETHUSDT,SOLUSDT"


def read(text: str) -> dict[str, str | None]:
    return dict(dotenv_values(stream=io.StringIO(text, newline=""), interpolate=False))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "AVAILABLE_PAIRS={}\n"),
        ("A=1\n", "A=1\nAVAILABLE_PAIRS={}\n"),
        ("A=1", "A=1\nAVAILABLE_PAIRS={}\n"),
        ("A=1\r\nB=2", "A=1\r\nB=2\r\nAVAILABLE_PAIRS={}\r\n"),
        ("A=1\nAVAILABLE_PAIRS=X,Y\nB=2\n", "A=1\nAVAILABLE_PAIRS={}\nB=2\n"),
        ("AVAILABLE_PAIRS=", "AVAILABLE_PAIRS={}"),
        ("AVAILABLE_PAIRS", "AVAILABLE_PAIRS={}"),
        ("AVAILABLE_PAIRS=X # why\n", "AVAILABLE_PAIRS={} # why\n"),
        ("AVAILABLE_PAIRS= # why\n", "AVAILABLE_PAIRS={} # why\n"),
        ("AVAILABLE_PAIRS=#none\n", "AVAILABLE_PAIRS={}\n"),
        ('\n\n  export AVAILABLE_PAIRS = "X,Y"   # why\r\nB=2', "\n\n  export AVAILABLE_PAIRS = {}   # why\r\nB=2"),
        ("AVAILABLE_PAIRS='X,\nY'\nB=2\n", "AVAILABLE_PAIRS={}\nB=2\n"),
        ("available_pairs=X\nAVAILABLE_PAIRS=Y\n", "available_pairs={}\nAVAILABLE_PAIRS={}\n"),
        ("#AVAILABLE_PAIRS=X\n", "#AVAILABLE_PAIRS=X\nAVAILABLE_PAIRS={}\n"),
        ("MY_AVAILABLE_PAIRS=X\nAVAILABLE_PAIRS_2=Y\n", "MY_AVAILABLE_PAIRS=X\nAVAILABLE_PAIRS_2=Y\nAVAILABLE_PAIRS={}\n"),
        ("NOTE='\nAVAILABLE_PAIRS=not me\n'\n", "NOTE='\nAVAILABLE_PAIRS=not me\n'\nAVAILABLE_PAIRS={}\n"),
        ("\ufeffAVAILABLE_PAIRS=X\n", "\ufeffAVAILABLE_PAIRS={}\n"),
        ("this is = no 'dotenv\n==\n", "this is = no 'dotenv\n==\nAVAILABLE_PAIRS={}\n"),
    ],
)
def test_the_variable_is_set_where_it_stands_or_at_the_end(before: str, after: str) -> None:
    changed = with_variable(before, NAME, VALUE)
    assert changed == after.replace("{}", VALUE)
    assert read(changed)[NAME if NAME in read(changed) else NAME.lower()] == VALUE
    assert with_variable(changed, NAME, VALUE) == changed


ASSIGNMENT = re.compile(r"(?P<blank>\s*)[^\r\n#]*(?P<comment>(?<= )# why, X)?[^\r\n]*(?P<end>\r\n|\n)?")
LINE_ENDS = st.sampled_from(["\n", "\r\n"])
BLANKS = st.sampled_from(["", " ", "\t"])
OTHER_LINES = st.one_of(
    st.just(""),
    st.builds("# {}".format, st.text("AVAILABLE_PAIRS=#'\" xé", max_size=30)),
    st.builds("{}={}".format, st.sampled_from(["SEASON", "CLAUDE_API_KEY", "X"]), st.text("abcé #'\"=,$\\{}", max_size=12)),
    st.text("abc é#'\"=\\", max_size=12),
)
OUR_LINES = st.builds(
    "{}{}{}={}{}{}".format,
    st.sampled_from(["", "  ", "export "]),
    st.sampled_from([NAME, NAME, NAME.lower()]),
    BLANKS,
    BLANKS,
    st.sampled_from(["", "X", "X,Y", "'X'", '"X, Y"']),
    st.sampled_from(["", "  ", " # why, X"]),
)


@given(
    before=st.lists(OTHER_LINES), ours=st.none() | OUR_LINES, after=st.lists(OTHER_LINES), line_end=LINE_ENDS, last=st.booleans()
)
def test_every_other_line_stays_the_same_to_the_byte(
    before: list[str], ours: str | None, after: list[str], line_end: str, last: bool
) -> None:
    lines = [*before, *([] if ours is None else [ours]), *after]
    text = line_end.join(lines) + (line_end if last else "")
    changed = with_variable(text, NAME, VALUE)
    place = 0
    for binding in parse_stream(io.StringIO(text, newline="")):
        original = binding.original.string
        if is_ours(binding.key):
            found = ASSIGNMENT.match(changed, place)
            assert found is not None and f"={VALUE}" in "".join(found[0].split(" ")).replace("\t", "")
            assert found["blank"] == original[: len(original) - len(original.lstrip())]
            assert found["comment"] == ("# why, X" if original.rstrip().endswith(" # why, X") else None)
            assert (found["end"] or "") == original[len(original.rstrip("\r\n")) :]
            place = found.end()
        else:
            assert changed.startswith(original, place)
            place += len(original)
    assert changed[place:].strip() in ("", f"{NAME}={VALUE}")
    assert {value for key, value in read(changed).items() if is_ours(key)} == {VALUE}


@given(st.text().filter(lambda text: NAME not in text.upper()))
def test_no_text_whatever_is_lost_or_read_otherwise(text: str) -> None:
    changed = with_variable(text, NAME, VALUE)
    assert changed.startswith(text), "it names no pairs, so it is all kept"
    before, after = read(text), read(changed)
    assert after.pop(NAME) == VALUE and after == before


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain", "A=plain"),
        ("", "A="),
        ("postgresql://me:p@s#w0rd$1@host:5432/db?x=1", "A=postgresql://me:p@s#w0rd$1@host:5432/db?x=1"),
        ("C:\\books", "A=C:\\books"),
        ("two words", "A=two words"),
        ("two # words", "A='two # words'"),
        ("it's # his", 'A="it\'s # his"'),
        (" blanks ", "A=' blanks '"),
        ('"quoted"', "A='\"quoted\"'"),
    ],
)
def test_a_value_is_quoted_only_where_it_would_be_read_otherwise(value: str, written: str) -> None:
    assert with_variable("", "A", value) == f"{written}\n"
    assert value_in(f"{written}\n", "A") == value
    assert with_variable(f"{written} # why\n", "A", "x") == "A=x # why\n"


@pytest.mark.parametrize("value", ["two\nlines", "${HOME}", "' \" #", "\x00", "'\\"])
def test_what_no_quotes_can_hold_is_refused_by_name_and_not_shown(value: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^this value of A_KEY cannot stand in \.env") as refused:
        with_variable("", "A_KEY", value)
    assert value not in str(refused.value).replace("${ or", "").replace("quotes", "")


WANTED = st.dictionaries(st.sampled_from(["A_KEY", "B_URL", "C"]), st.text("ab é#'\"=\\$ {},@/", max_size=12), min_size=1)
OWNERS = st.one_of(
    OTHER_LINES, st.builds("{}={}".format, st.sampled_from(["A_KEY", "b_url"]), st.sampled_from(["", "x", "'y' # z"]))
)


@settings(deadline=None)
@given(st.lists(OWNERS), LINE_ENDS, st.booleans(), WANTED)
def test_whatever_is_in_the_file_survives_and_what_is_set_is_read_back(
    lines: list[str], line_end: str, last: bool, wanted: dict[str, str]
) -> None:
    text = line_end.join(lines) + (line_end if last else "")
    try:
        changed = with_variables(text, wanted)
    except ConfigurationError:
        return  # a value that cannot stand in the file: nothing is changed
    for name, value in wanted.items():
        assert value_in(changed, name) == value
    place = 0
    for binding in parse_stream(io.StringIO(text, newline="")):
        if binding.key is None or binding.key.upper() not in wanted:
            place = changed.index(binding.original.string, place) + len(binding.original.string)
    others = {name: value for name, value in read(text).items() if name.upper() not in wanted}
    assert {name: value for name, value in read(changed).items() if name.upper() not in wanted} == others


def test_a_quote_that_somebody_forgot_to_close_swallows_nothing() -> None:
    assert with_variables("NOTE='\n", {"A": "1"}) == "NOTE='\nA=1\n"
    with pytest.raises(ConfigurationError, match=r"A, B cannot be set in \.env: another line has a quote that is not closed"):
        with_variables("NOTE='\n", {"A": "it's", "B": "1"})


def test_a_file_is_closed_to_others_once(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.touch(0o644)
    assert close_to_others(path) and stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not close_to_others(path)
    with pytest.raises(ConfigurationError, match=r"the permissions of .* cannot be changed"):
        close_to_others(tmp_path / "nowhere")


def is_ours(key: str | None) -> bool:
    return key is not None and key.upper() == NAME


# --- files ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o640])
def test_a_file_keeps_its_mode_and_every_byte_of_it_comes_back(tmp_path: Path, mode: int) -> None:
    path = tmp_path / ".env"
    path.write_bytes(b"A=\xff\xfe\r\n# caf\xc3\xa9\n")
    path.chmod(mode)
    text = read_text(path)
    assert text is not None
    replace_file(path, text, 0o600)
    assert path.read_bytes() == b"A=\xff\xfe\r\n# caf\xc3\xa9\n" and stat.S_IMODE(path.stat().st_mode) == mode
    assert [entry.name for entry in tmp_path.iterdir()] == [".env"]


def test_a_new_file_gets_the_mode_it_is_given_and_a_link_stays_one(tmp_path: Path) -> None:
    assert read_text(tmp_path / ".env") is None
    replace_file(tmp_path / "kept", "A=1\n", 0o600)
    assert stat.S_IMODE((tmp_path / "kept").stat().st_mode) == 0o600
    (tmp_path / ".env").symlink_to("kept")
    replace_file(tmp_path / ".env", "A=2\n", 0o644)
    assert (tmp_path / ".env").is_symlink() and (tmp_path / "kept").read_text() == "A=2\n"
    assert stat.S_IMODE((tmp_path / "kept").stat().st_mode) == 0o600


def test_what_cannot_be_read_or_written_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    (tmp_path / ".env" / "inside").touch()
    with pytest.raises(ConfigurationError, match=r"\.env cannot be read \(Is a directory\)"):
        read_text(tmp_path / ".env")
    with pytest.raises(ConfigurationError, match=r"\.env cannot be written \(Is a directory\)"):
        replace_file(tmp_path / ".env", "A=1\n", 0o600)
    with pytest.raises(ConfigurationError, match="cannot be written"):
        replace_file(tmp_path / "nowhere" / ".env", "A=1\n", 0o600)
    assert [entry.name for entry in tmp_path.iterdir()] == [".env"]
