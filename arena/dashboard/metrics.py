"""The season as Prometheus reads it. Amounts are floats here, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from arena.application.standing import SeasonStatus
from arena.dashboard.telling import board
from arena.dashboard.watch import Rendered, Watch

_GAUGES = {  # of a competitor: what of the ranking, and its words
    "equity_usdt": ("equity", "Equity after fees and funding."),
    "roi_ratio": ("roi", "Return on the capital after fees and funding."),
    "max_drawdown_ratio": ("max_drawdown", "Largest fall from an earlier high."),
    "valid_answers_ratio": ("valid_answers", "Share of the turns asked that brought a valid decision."),
    "fees_usdt": ("fees", "Fees paid."),
    "funding_usdt": ("funding", "Funding paid."),
    "model_cost_usd": ("model_cost_usd", "What the calls have cost; missing where a price is unknown."),
}
_KEY = "metrics"
_COUNTERS = {
    "model_calls": ("calls", "Calls of the model."),
    "model_calls_failed": ("failed_calls", "Calls without an answer in time."),
    "trades": ("trades", "Positions closed."),
}


def prometheus_text(watch: Watch) -> bytes:
    """Return the metrics in Prometheus's text format."""
    kept = watch.answers.get(_KEY)
    if kept is None:
        season = CollectorRegistry()
        season.register(_Season(watch))
        kept = Rendered(generate_latest(season), None, "")  # sent as a part of the whole
        watch.keep(_KEY, kept)
    own = CollectorRegistry()
    ProcessCollector(registry=own)  # of the dashboard itself, which no version of the season tells
    return kept.body + generate_latest(own)


class _Season(Collector):
    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of the season, then those of each competitor."""
        yield from self._whole()
        ranking = board(self._watch.view).competitors
        for name, (field, words) in _GAUGES.items():
            gauge = GaugeMetricFamily(f"arena_{name}", words, labels=("llm_id", "model"))
            for each in ranking:
                if (value := getattr(each, field)) is not None:
                    gauge.add_metric((each.llm_id, each.model), float(value))
            yield gauge
        for name, (field, words) in _COUNTERS.items():
            counter = CounterMetricFamily(f"arena_{name}", words, labels=("llm_id", "model"))
            for each in ranking:
                counter.add_metric((each.llm_id, each.model), getattr(each, field))
            yield counter

    def _whole(self) -> Iterator[Metric]:
        view, standing = self._watch.view, self._watch.standing
        booked_at = view.booked_at or view.season["started_at"]
        fairness = view.fairness()
        yield CounterMetricFamily("arena_cycles_booked", "Cycles booked.", value=len(view.cycles))
        yield CounterMetricFamily("arena_cycles_lost", "Cycles begun and never booked.", value=view.cycles.lost)
        yield CounterMetricFamily("arena_bookings", "Units of work booked, sweeps included.", value=view.bookings)
        yield CounterMetricFamily("arena_discrepancies", "Times books and venue differed.", value=view.discrepancies)
        yield CounterMetricFamily("arena_alerts", "Alerts.", value=len(view.alerts))
        yield GaugeMetricFamily(
            "arena_last_booking_timestamp_seconds",
            "When the last booking was closed, by the venue's clock.",
            value=datetime.fromisoformat(booked_at).timestamp(),
        )
        yield GaugeMetricFamily("arena_open_positions", "Positions held.", value=len(view.holdings))
        yield GaugeMetricFamily("arena_running", "1 while the season runs.", value=standing.status is SeasonStatus.RUNNING)
        yield GaugeMetricFamily("arena_store_away", "1 while the store cannot be reached.", value=self._watch.away)
        yield GaugeMetricFamily("arena_fair", "1 while no rule of fairness was broken.", value=fairness.fair)
