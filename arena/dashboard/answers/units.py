"""The types of what is answered: text that is exact, each with its unit."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, WithJsonSchema


def _amount(unit: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$", "x-unit": unit})


def _time(clock: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "format": "date-time", "x-unit": f"ISO 8601, UTC, by {clock} clock"})


Usdt = Annotated[str, _amount("USDT")]
Usd = Annotated[str, _amount("US dollars")]
Price = Annotated[str, _amount("USDT for one of the base asset")]
Quantity = Annotated[str, _amount("base asset")]
Fraction = Annotated[str, _amount("fraction of 1")]
Percent = Annotated[str, _amount("percent")]
Hours = Annotated[str, _amount("hours")]
Days = Annotated[str, _amount("days")]
Number = Annotated[str, _amount("a number")]
Figure = Annotated[str, _amount("the unit of its label")]
Measured = Annotated[str, _amount("the unit of the measure")]
Seconds = Annotated[str, _amount("seconds")]
Time = Annotated[str, _time("the venue's")]
MachineTime = Annotated[str, _time("this machine's")]
RunTime = Annotated[str, _time("the trading machine's")]
Side = Literal["LONG", "SHORT"]


class Answer(BaseModel):
    """Base of all: what a row has besides is left out."""

    model_config = ConfigDict(extra="ignore", frozen=True)
