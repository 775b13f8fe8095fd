// One competitor: where it stands, what it holds and why, what it was asked and answered, what its confidence is worth.
import { Asked } from "./asked.js";
import { el, fill, small, table, terms } from "./draw.js";
import { chance, measures, profit, reliability } from "./judged.js";
import { afterModelCost, fall, positions, trades, wish } from "./parts.js";
import { judgement, read } from "./read.js";
import { count, dollars, percent, plural, tone, usd, when } from "./words.js";

export function competitor(context, id, number) {
  const parts = Array.from({ length: 8 }, () => el("section"));
  const [first, held, luck, gained, figured, worth, decided, closed] = parts;
  const asked = new Asked(context, id, number);
  return {
    nodes: [first, held, luck, gained, figured, asked.node, worth, decided, closed],
    async refresh() {
      const { field, board } = context;
      const path = `/competitors/${encodeURIComponent(id)}`;
      const [found, calibrated, judged] = await Promise.all([read(path), read(`${path}/calibration`), judgement(board), asked.refresh()]);
      const subject = judged?.subjects.find((each) => each.llm_id === id);
      for (const each of [luck, gained, figured]) each.hidden = !subject;
      fill(first, el("h2", {}, `${id} `), el("p", {}, field.full(id), " ", field.kind(id)), figures(found));
      fill(held, el("h2", {}, "Open positions"), positions(field, found.positions, true), found.positions.map(thesis));
      fill(luck, subject ? chance(judged, subject, { id, index: field.style(id) }) : small("Not judged yet."));
      fill(gained, subject ? profit(judged, subject) : small("Not judged yet."));
      fill(figured, subject ? measures(judged, id) : small("Not judged yet."));
      fill(worth, ...calibration(calibrated, subject));
      const wishes = found.decisions.filter((each) => each.decision_type !== "hold");
      fill(decided, el("h2", {}, "Its last decisions ", small("holds left out")), wishes.length ? wishes.map(dated) : el("p", { cls: "empty" }, "It only held."));
      fill(closed, el("h2", {}, "Its last closed trades"), trades(field, found.trades));
    },
  };
}

// Stated confidence against what came of the trade; a share of few trades is not shown as one.
function calibration(found, subject) {
  const columns = [["Confidence"], ["Trades", "n"], ["With a profit", "n"], ["Stated, mean", "n"], ["Came true", "n"]];
  const rows = found.buckets.map((each) => [
    `${each.lowest} to ${each.highest}\u00a0%`,
    count(each.trades),
    count(each.hits),
    percent(each.stated),
    each.enough ? percent(each.hit_rate) : el("span", { cls: "quiet" }, each.trades ? "too few" : "–"),
  ]);
  const unknown = found.unknown ? ` Of ${plural(found.unknown, "closed trade")} no stated confidence is on record.` : "";
  return [
    el("h2", {}, "What its confidence is worth"),
    subject ? [reliability(subject), unknown ? el("p", {}, unknown) : null] : el("p", {}, found.sentence, unknown),
    found.trades ? table("Stated confidence against closed trades", columns, rows) : null,
    found.trades ? el("p", {}, small("Confidence is how probable it thought, when it opened, that the trade earns money. It came true where there was a profit after fees and funding.")) : null,
  ];
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
    ["ROI, net", el("span", { cls: tone(row.roi) }, percent(row.roi, true)), ` · before fees and funding ${percent(row.roi_gross, true)} · after model cost ${afterModelCost(row)}`],
    ["Max drawdown", fall(row)],
    ["Trades", `${plural(row.trades, "position")} closed, ${percent(row.win_rate)} with a profit`],
    ["Answers", `${percent(row.valid_answers)} of ${count(row.asked)} valid · ${plural(row.calls, "call")}, ${count(row.failed_calls)} failed, ${count(row.repairs)} repairs`],
    ["Cost", `fees ${usd(row.fees)}, funding ${usd(row.funding)} USDT · model ${dollars(row.model_cost_usd)} · ${count(row.input_tokens)} tokens in (${count(row.cached_tokens)} cached), ${count(row.output_tokens)} out`],
    ["Model", `${row.model} (${row.provider}${own}) · ${sent.filter(Boolean).join(", ")}`],
  ]);
}

