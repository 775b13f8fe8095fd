"""What models write and what must come of it, by group and name; all of it is a variation of one entry (`template`)."""

from __future__ import annotations

from tests.corpus.answers import around, broken, fields, hostile
from tests.corpus.answers.template import Group

GROUPS: dict[str, Group] = {
    "plain": around.PLAIN,
    "fences": around.FENCES,
    "prose": around.PROSE,
    "reasoning": around.REASONING,
    "envelopes": around.ENVELOPES,
    "no decision": broken.NO_DECISION,
    "punctuation": broken.PUNCTUATION,
    "cut off": broken.CUT_OFF,
    "fields": fields.FIELDS,
    "symbols": fields.SYMBOLS,
    "actions": fields.ACTION,
    "whole numbers": fields.WHOLE_NUMBERS,
    "prices": fields.PRICES,
    "limits": fields.LIMITS,
    "texts": fields.TEXTS,
    "smuggling": hostile.SMUGGLING,
    "injection": hostile.INJECTION,
}
CORPUS = {f"{group}: {name}": case for group, cases in GROUPS.items() for name, case in cases.items()}
