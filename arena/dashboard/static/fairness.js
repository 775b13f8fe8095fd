// Were all treated alike? The season in short, and any cycle of it in full; and what it has cost.
import { el, fill, small, table, terms } from "./draw.js";
import { attempt, stepper } from "./parts.js";
import { read } from "./read.js";
import { clock, count, dollars, plural, usd, when, words } from "./words.js";

const RULES = "The same prompt, configuration, snapshot, settings and deadline for all, all asked within a second, no order before the last decision, everybody first equally often. Whether the books were changed afterwards: arena verify.";
const short = (hash) => (hash ? `${hash.slice(0, 12)}…` : "not on record");

export function fairness(context) {
  const [whole, one, cost] = Array.from({ length: 3 }, () => el("section"));
  let chosen = null; // the newest cycle where null
  const show = async (number) => {
    if (!number) return;
    const found = await read(`/cycles/${number}/fairness`);
    fill(one, ...cycleFairness(context, found, go));
  };
  const go = (other) =>
    attempt(one, async () => {
      await show(other);
      chosen = other;
    });
  return {
    nodes: [whole, one, cost],
    async refresh() {
      const [found, costs] = await Promise.all([read("/fairness"), read("/costs"), show(chosen ?? context.status.last_cycle?.number)]);
      one.hidden = !context.status.last_cycle;
      fill(whole, ...season(context.field, found));
      fill(cost, el("h2", {}, "Costs ", small(`models together ${dollars(costs.model_cost_usd)}`)), costTable(context.field, costs));
    },
  };
}

function season(field, found) {
  const first = Object.entries(found.first).map(([id, times]) => el("p", {}, field.brief(id), ` ${plural(times, "time")}`));
  const more = found.violations > found.shown.length ? ` (the first ${found.shown.length} of ${count(found.violations)})` : "";
  return [
    el("h2", {}, "Fairness"),
    el("p", { cls: found.fair ? null : "fail" }, found.sentence),
    terms([
      ["Cycles checked", count(found.cycles)],
      ["A model was asked", plural(found.asked, "time")],
      ["First in the order of sending", first],
      ["Begun and never booked", found.lost ? `${plural(found.lost, "cycle")}: nothing is known of ${found.lost === 1 ? "it" : "them"}` : "none"],
    ]),
    found.shown.length ? table(`What was unequal${more}`, [["Cycle", "n"], [`What was unequal${more}`, "wrap"]], found.shown.map((each) => [each.cycle === null ? "season" : count(each.cycle), each.text])) : null,
    el("p", {}, small(RULES)),
  ];
}

function cycleFairness(context, found, go) {
  const { field, status } = context;
  const title = el("h2", {}, `Cycle ${count(found.number)} `, small(`${when(found.scheduled_at)} UTC`));
  const seconds = (text) => (text === null ? "–" : `${Number(text).toFixed(2)} s`);
  const columns = [["Competitor"], ["Prompt", "fit"], ["Asked, UTC", "n spare"], ["Answered after", "n"], ["Calls took", "n spare"], ["Deadline after", "n spare"], ["First order", "n"], ["Settings it was sent", "wrap spare"]];
  const rows = found.turns.map((each) => [
    el("span", {}, field.brief(each.llm_id)),
    each.same_prompt === null ? `not asked${each.failure ? `: ${words(each.failure)}` : ""}` : each.same_prompt ? "the same" : el("span", { cls: "fail" }, "another"),
    each.asked_at === null ? "–" : clock(each.asked_at),
    el("span", {}, seconds(each.answered_seconds), each.failure && each.asked_at ? el("span", { cls: "fail" }, ` ${words(each.failure)}`) : null),
    seconds((each.latency_ms / 1000).toFixed(3)),
    seconds(each.deadline_seconds),
    each.ordered_seconds === null ? "none" : `${Number(each.ordered_seconds) < 0 ? "−" : "+"}${seconds(Math.abs(each.ordered_seconds))}`,
    each.settings,
  ]);
  return [
    el("div", { cls: "tools" }, title, stepper(found, status.last_cycle.number, go)),
    el("p", { cls: found.broken.length ? "fail" : null }, found.sentence),
    found.broken.map((text) => el("p", { cls: "fail" }, text)),
    table(`How cycle ${found.number} treated all`, columns, rows),
    terms([
      ["Prompt of all", short(found.prompt_hash)],
      ["Market data", short(found.snapshot_hash)],
      ["Configuration", short(found.configuration_hash)],
      ["Orders were sent", found.execution_order.join(", ")],
    ]),
    el("p", {}, small("The first order is counted from the last answer of all.")),
  ];
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

