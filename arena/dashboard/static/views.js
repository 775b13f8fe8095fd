// One competitor, one cycle, and the lists that lead back to a season's first day.
import { el, fill, small, table, terms } from "./draw.js";
import { positions, story, storyTitle, trades, wish } from "./parts.js";
import { read } from "./read.js";
import { count, dollars, lately, percent, plural, tone, usd, when, words } from "./words.js";

export function cycle(context, number) {
  const target = el("section");
  return {
    nodes: [target],
    async refresh() {
      const wanted = number ?? context.status.last_cycle?.number;
      if (!wanted) {
        fill(target, el("h2", {}, "Decisions"), el("p", { cls: "empty" }, "No cycle has been booked yet."));
        return;
      }
      const found = await read(`/cycles/${wanted}`);
      const to = (other, name) => (other === null ? el("button", { disabled: true }, name) : el("button", { onclick: () => (location.hash = `#/cycles/${other}`) }, name));
      const input = el("input", { type: "number", min: 1, max: context.status.last_cycle.number, value: found.number, "aria-label": "Cycle" });
      input.addEventListener("change", () => (location.hash = `#/cycles/${input.value}`));
      const steps = el("div", { cls: "tools" }, el("h2", {}, "Decisions of ", storyTitle(found)), to(found.before, "← before"), input, to(found.after, "after →"));
      fill(target, steps, story(context.field, found));
    },
  };
}

export function competitor(context, id) {
  const parts = Array.from({ length: 4 }, () => el("section"));
  return {
    nodes: parts,
    async refresh() {
      const { field } = context;
      const found = await read(`/competitors/${encodeURIComponent(id)}`);
      const [first, held, decided, closed] = parts;
      fill(first, el("h2", {}, `${id} `), el("p", {}, field.full(id), " ", field.kind(id)), figures(found));
      fill(held, el("h2", {}, "Open positions"), positions(field, found.positions, true), found.positions.map(thesis));
      const wishes = found.decisions.filter((each) => each.decision_type !== "hold");
      fill(decided, el("h2", {}, "Its last decisions ", small("holds left out")), wishes.length ? wishes.map(dated) : el("p", { cls: "empty" }, "It only held."));
      fill(closed, el("h2", {}, "Its last closed trades"), trades(field, found.trades));
    },
  };
}

const thesis = (row) => (row.invalidation ? el("p", {}, small(`${row.symbol} is wrong if: `), row.invalidation) : null);

const dated = (each) => el("article", { cls: "more" }, el("h3", {}, el("a", { href: `#/cycles/${each.cycle}` }, `cycle ${count(each.cycle)}`), small(`${when(each.time)} UTC`)), wish(each));

function figures(found) {
  const row = found.standing;
  const own = found.base_url_host ? ` at ${found.base_url_host}` : "";
  const sent = [
    `max_tokens ${found.max_tokens}`,
    found.temperature === null ? null : `temperature ${found.temperature}`,
    found.thinking === null ? null : `thinking ${found.thinking ? "on" : "off"}`,
    found.reasoning_effort && `effort ${found.reasoning_effort}`,
    found.seed === null ? null : `seed ${found.seed}`,
  ];
  return terms([
    ["Rank", `${row.rank}`],
    ["Equity", `${usd(row.equity)} USDT of ${usd(row.capital)}`],
    ["ROI, net", el("span", { cls: tone(row.roi) }, percent(row.roi, true)), ` · before fees and funding ${percent(row.roi_gross, true)} · after model cost ${row.roi_after_model_cost === null ? "unknown" : percent(row.roi_after_model_cost, true)}`],
    ["Max drawdown", percent(Number(row.max_drawdown) ? `-${row.max_drawdown}` : "0")],
    ["Trades", `${plural(row.trades, "position")} closed, ${percent(row.win_rate)} with a profit`],
    ["Answers", `${percent(row.valid_answers)} of ${count(row.asked)} valid · ${plural(row.calls, "call")}, ${count(row.failed_calls)} failed, ${count(row.repairs)} repairs`],
    ["Cost", `fees ${usd(row.fees)}, funding ${usd(row.funding)} USDT · model ${dollars(row.model_cost_usd)} · ${count(row.input_tokens)} tokens in (${count(row.cached_tokens)} cached), ${count(row.output_tokens)} out`],
    ["Model", `${row.model} (${row.provider}${own}) · ${sent.filter(Boolean).join(", ")}`],
  ]);
}

export function fairness(context) {
  const fair = el("section");
  const cost = el("section");
  return {
    nodes: [fair, cost],
    async refresh() {
      const [found, costs] = await Promise.all([read("/fairness"), read("/costs")]);
      const first = Object.entries(found.first).map(([id, times]) => `${id} ${count(times)}`);
      const more = found.violations > found.shown.length ? ` (the first ${found.shown.length} of ${count(found.violations)})` : "";
      fill(
        fair,
        el("h2", {}, "Fairness"),
        el("p", { cls: found.fair ? null : "fail" }, found.sentence),
        terms([["Asked", `${count(found.asked)} times`], ["First in the order of sending", first.join(", ")], ["Begun and never booked", count(found.lost)]]),
        found.shown.length ? table(`What was unequal${more}`, [["Cycle", "n"], [`What was unequal${more}`, "wrap"]], found.shown.map((each) => [each.cycle === null ? "season" : count(each.cycle), each.text])) : null,
        el("p", {}, small("The same prompt, configuration, snapshot, settings and deadline for all, no order before the last decision, everybody first equally often. Whether the books were changed afterwards: arena verify.")),
      );
      fill(cost, el("h2", {}, "Costs ", small(`models together ${dollars(costs.model_cost_usd)}`)), costTable(context.field, costs));
    },
  };
}

function costTable(field, costs) {
  const columns = [["Competitor"], ["Fees", "n"], ["Funding paid", "n"], ["Model cost", "n"], ["a cycle", "n spare"], ["Calls", "n spare"], ["failed", "n spare"], ["repairs", "n spare"], ["Mean call", "n spare"], ["Tokens in", "n spare"], ["cached", "n spare"], ["out", "n spare"]];
  const rows = costs.competitors.map((row) => [
    el("span", {}, field.brief(row.llm_id)),
    usd(row.fees),
    usd(row.funding),
    dollars(row.model_cost_usd),
    row.model_cost_per_cycle_usd === null ? "–" : `$${Number(row.model_cost_per_cycle_usd).toFixed(4)}`,
    count(row.calls),
    count(row.failed_calls),
    count(row.repairs),
    row.latency_seconds === null ? "–" : `${Number(row.latency_seconds).toFixed(1)} s`,
    count(row.input_tokens),
    count(row.cached_tokens),
    count(row.output_tokens),
  ]);
  return table("Costs", columns, rows);
}

// A list that begins with the newest, and goes on when it is asked to.
function list(context, title, path, name, draw) {
  const target = el("section");
  let pages = 1;
  return {
    nodes: [target],
    async refresh() {
      const rows = [];
      let before = null;
      let total = 0;
      for (let page = 0; page < pages; page += 1) {
        const found = await read(path, { limit: 100, before });
        rows.push(...found[name]);
        ({ before, total } = found);
        if (before === null) break;
      }
      const more = () => {
        pages += 1;
        this.refresh();
      };
      const button = before === null ? null : el("p", { cls: "more" }, el("button", { onclick: more }, "older ones"));
      fill(target, el("h2", {}, title, " ", small(count(total))), draw(context.field, rows), button);
    },
  };
}

export const tradeList = (context) => list(context, "Closed trades", "/trades", "trades", trades);

export const alertList = (context) => list(context, "Alerts", "/alerts", "alerts", alertTable);

function alertTable(field, rows) {
  if (!rows.length) return el("p", { cls: "empty" }, "There were none.");
  const who = (row) => (row.llm_id && field.models[row.llm_id] ? el("span", {}, field.brief(row.llm_id)) : "all");
  const cells = rows.map((row) => [lately(row.time), who(row), words(row.kind), row.text]);
  return table("Alerts, newest first", [["Time, UTC"], ["Who"], ["Kind", "spare"], ["What", "wrap"]], cells);
}

