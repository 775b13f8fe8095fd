// Who leads, whether it means anything, what is held and why, and what happens now.
import { leaderboard } from "./board.js";
import { EquityChart } from "./chart.js";
import { el, fill, small, terms } from "./draw.js";
import { positions, story, storyTitle, trades } from "./parts.js";
import { judgement, read } from "./read.js";
import { verdict } from "./verdict.js";
import { clock, count, plural, until, when } from "./words.js";

const TRADES = 8;
const ALERTS = 3;

export function season(context) {
  const parts = Object.fromEntries(["verdict", "board", "held", "now", "decisions", "trades"].map((name) => [name, el("section")]));
  parts.verdict.className = "verdict";
  const chart = new EquityChart(context.field);
  parts.now.className = "now";
  const ticking = setInterval(() => tick(parts.now, context.status), 1000);
  return {
    nodes: [parts.verdict, parts.board, parts.now, chart.node, parts.held, parts.decisions, parts.trades],
    end() {
      clearInterval(ticking);
      chart.end();
    },
    async refresh() {
      const { field, status, board } = context;
      const last = status.last_cycle?.number;
      const judging = judgement(board);
      const [judged, held, newest, closed, alerts] = await Promise.all([
        judging,
        read("/positions"),
        last ? read(`/cycles/${last}`) : null,
        read("/trades", { limit: TRADES }),
        read("/alerts", { limit: ALERTS }),
        chart.refresh(judging),
      ]);
      fill(parts.verdict, ...verdict(board, judged));
      fill(parts.board, ...leaderboard(field, board, judged));
      fill(parts.held, el("h2", {}, "Open positions"), positions(field, held));
      fill(parts.now, ...now(status, alerts.alerts));
      fill(parts.decisions, ...(newest ? decisions(field, newest) : nothing("Decisions")));
      const all = closed.total > closed.trades.length ? `the last ${closed.trades.length} of ${count(closed.total)}` : count(closed.total);
      fill(parts.trades, el("h2", {}, "Closed trades ", small(all)), trades(field, closed.trades));
    },
  };
}

const nothing = (title) => [el("h2", {}, title), el("p", { cls: "empty" }, "No cycle has been booked yet.")];

function decisions(field, newest) {
  const older = newest.before === null ? null : el("p", { cls: "more" }, el("a", { href: `#/cycles/${newest.before}` }, "the cycle before"));
  return [el("h2", {}, "Decisions of ", storyTitle(newest)), story(field, newest), older];
}

function now(status, alerts) {
  const books = status.discrepancies
    ? el("span", { cls: "fail" }, `differed from the venue ${plural(status.discrepancies, "time")}; each is on record`)
    : "equal the venue's in every cycle";
  const told = alerts.map((alert) => el("p", {}, small(`${when(alert.time)} `), alert.llm_id && !alert.text.startsWith(alert.llm_id) ? `${alert.llm_id}: ` : "", alert.text));
  return [
    el("h2", {}, "Now"),
    terms([
      ["Season", stands(status)],
      ["Cycle", el("span", { "data-tick": "cycle" }, cycleNow(status))],
      ["Next", el("span", { "data-tick": "next" }, next(status))],
      ["Booked", `${plural(status.cycles, "cycle")}${status.lost ? `, ${count(status.lost)} lost` : ""}, one every ${status.interval_seconds} s since ${when(status.started_at)} UTC`],
      ["Books", books],
      ["Store", status.store_away ? el("span", { cls: "fail" }, "out of reach: this is what was last read") : "answers"],
      ["Alerts", told.length ? [told, el("a", { href: "#/alerts" }, "all alerts")] : "none"],
    ]),
  ];
}

function stands(status) {
  if (status.state === "running") return "running";
  return el("span", { cls: "fail" }, `${status.state === "ended" ? "has ended" : "halted"}: ${status.reason} `, small(`since ${when(status.since)} UTC`));
}

function cycleNow(status) {
  const begun = status.under_way;
  const over = begun && !status.simulated_clock && Date.now() > Date.parse(begun.scheduled_at) + 1000 * status.interval_seconds;
  if (begun && over) return `${count(begun.number)} was begun at ${clock(begun.scheduled_at)} UTC and not booked`;
  if (begun) return `${count(begun.number)} is under way, begun for ${clock(begun.scheduled_at)} UTC`;
  return status.last_cycle ? `none is under way; ${count(status.last_cycle.number)} was booked for ${clock(status.last_cycle.scheduled_at)} UTC` : "none was booked yet";
}

export function next(status) {
  if (!status.next_due_at) return "none is due";
  const at = `${clock(status.next_due_at)} UTC`;
  return status.simulated_clock ? `${at} of the simulated clock` : `${until(status.next_due_at)} (${at})`;
}

function tick(target, status) {
  const shown = { cycle: cycleNow(status), next: next(status) };
  for (const each of target.querySelectorAll("[data-tick]")) {
    if (each.textContent !== shown[each.dataset.tick]) each.textContent = shown[each.dataset.tick];
  }
}
