// The ranking with its intervals, and below it those who only serve as a measure.
import { el, small, table, terms } from "./draw.js";
import { between, Scale } from "./interval.js";
import { afterModelCost, fall } from "./parts.js";
import { count, dollars, percent, tone, usd } from "./words.js";

const RANDOM = /^matched random/;

export function leaderboard(field, board, judged) {
  const lines = new Map((judged?.lines ?? []).map((each) => [each.name, each]));
  const scale = new Scale([...lines.values()].map((each) => each.roi));
  const shown = []; // which columns are
  const bar = (id, stroke) => (lines.has(id) ? scale.bar(lines.get(id).roi, stroke) : null);
  const columns = [
    ["#", "n"], ["Competitor", "fit"], ["Equity, USDT", "n"], ["ROI, net", "n"], ["90 % interval", "spare", judged], ["gross", "n spare wide"], ["after model cost", "n spare low"], ["Max drawdown", "n spare few"],
    ["Trades", "n spare low"], ["Win rate", "n spare wide", !judged], ["Valid answers", "n spare mid"], ["Fees", "n spare wide", !judged], ["Model cost", "n spare mid"],
  ].filter(([, , here = true], index) => (shown[index] = here));
  const some = (row) => row.filter((_, index) => shown[index]);
  const rows = board.competitors.map((row) => {
    const stroke = `var(--c${field.style(row.llm_id)})`;
    return some([
      String(row.rank),
      el("span", {}, field.full(row.llm_id), el("br"), small(row.llm_id, " · ", field.kind(row.llm_id)), onAPhone(row, lines.get(row.llm_id), bar(row.llm_id, stroke))),
      usd(row.equity),
      [percent(row.roi, true), tone(row.roi)],
      interval(lines.get(row.llm_id), bar(row.llm_id, stroke)),
      percent(row.roi_gross, true),
      afterModelCost(row),
      fall(row),
      count(row.trades),
      percent(row.win_rate),
      percent(row.valid_answers),
      usd(row.fees),
      dollars(row.model_cost_usd),
    ]);
  });
  const baselines = [...lines.values()].filter((each) => each.kind === "baseline");
  const below = baselines.map((each) => some(baseline(each, bar(each.name, "var(--muted)"), judged)));
  const fair = el("p", {}, el("small", { cls: board.fairness.fair ? null : "fail" }, board.fairness.sentence, " ", el("a", { href: "#/fairness" }, "How this is checked")));
  const note = below.length ? el("p", {}, small(`Baselines and intervals: ${judged.behind ? `as of cycle ${count(judged.cycles)}` : "of the same cycle"}. The line in the intervals is zero.`)) : null;
  return [el("h2", {}, "Leaderboard"), table("Leaderboard, best first", columns, rows, below), note, below.length ? rules(baselines) : null, fair];
}

const interval = (line, drawn) => (line ? el("span", {}, drawn, el("br"), small(between(line.roi))) : "–");

function onAPhone(row, line, drawn) {
  const words = `gross ${percent(row.roi_gross, true)}, after model cost ${afterModelCost(row)}, largest fall ${fall(row)}`;
  const within = line ? [el("br"), drawn.cloneNode(true), el("br"), `90 % interval ${between(line.roi)}`] : null;
  return el("small", { cls: "phone" }, within, el("br"), words);
}

function baseline(line, drawn, judged) {
  const random = RANDOM.test(line.name) ? el("small", { cls: "beaten" }, el("span", {}, beaten(judged))) : null;
  const phone = el("span", { cls: "phone" }, el("br"), drawn.cloneNode(true));
  const deepest = line.measures.max_drawdown?.value ?? null;
  const figures = [usd(line.equity), percent(line.roi.value, true), el("span", { title: between(line.roi) }, drawn)];
  const rest = [deepest === null ? "–" : percent(Number(deepest) ? `-${deepest}` : "0"), count(line.trades)];
  return ["", el("span", {}, title(line.name), phone, random), ...figures, "", "", ...rest, "", "", "", ""];
}

// What each of them does, to be unfolded.
const rules = (lines) =>
  el("details", { "data-key": "baselines" }, el("summary", {}, "What the baselines do"), terms(lines.map((each) => [title(each.name), each.label])));

const title = (name) => name.charAt(0).toUpperCase() + name.slice(1);

// How many of those who trade at random each competitor leaves behind.
function beaten(judged) {
  const known = judged.subjects.filter((each) => each.chance.percentile !== null);
  if (!known.length) return judged.subjects[0]?.chance.why ?? "";
  const names = judged.subjects.map((each) => each.model);
  const own = (each) => (names.filter((name) => name === each.model).length > 1 ? `${each.llm_id} ${each.model}` : each.model);
  const [first, ...others] = known.map((each) => [own(each), `${Math.round(Number(each.chance.percentile))}\u00a0%`]);
  return `${count(known[0].chance.traders)} traders; ${first[0]} beats ${first[1]}${others.map(([name, share]) => `, ${name} ${share}`).join("")}`;
}
