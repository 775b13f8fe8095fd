// What the judgement tells of one competitor: its place among chance, where its profit came from, its figures with intervals.
import { el, small, table } from "./draw.js";
import { between, Scale } from "./interval.js";
import { about, count, number, plural, signed, tone, when, words } from "./words.js";

const share = (text) => about(text);
const times = (text) => `${number(text)}×`;
const plain = (text) => number(text);
const MEASURES = {
  sharpe: ["Sharpe ratio, a year", plain],
  sortino: ["Sortino ratio, a year", plain],
  calmar: ["Calmar ratio", plain],
  volatility: ["Volatility, a year", share],
  max_drawdown: ["Maximum drawdown", share],
  below_half: ["Chance that the equity falls below half", share],
  win_rate: ["Win rate", share],
  profit_factor: ["Profit factor: won over lost", plain],
  turnover: ["Turnover a day, of the capital", times],
  exposure: ["Exposure, of the equity", times],
};

const of = (judged) => small(`as of cycle ${count(judged.cycles)}, ${when(judged.as_of)} UTC`);

export function chance(judged, { chance: found }, style) {
  const title = el("h2", {}, "Against chance ", of(judged));
  if (found.percentile === null) return [title, el("p", { cls: "empty" }, found.why || "Nothing can be said yet.")];
  const random = { value: found.median, low: found.low, high: found.high };
  const line = judged.lines.find((each) => each.kind !== "baseline" && each.name === style.id);
  const scale = new Scale([random, line.roi]);
  const rows = [
    ["Its own", about(line.roi.value, true), drawn(scale.bar(line.roi, `var(--c${style.index})`), line.roi)],
    ["At random, median", about(found.median, true), drawn(scale.bar(random, "var(--muted)", "median ROI"), random)],
  ];
  return [
    title,
    el("p", {}, `It leaves ${Math.round(Number(found.percentile))} of 100 behind, of ${count(found.traders)} traders who make its trades at instants drawn at random.`),
    el("div", { cls: "snug" }, table("Its ROI beside that of those who trade at random", [["Whose", "fit"], ["ROI", "n"], ["90 % interval"]], rows)),
  ];
}

const drawn = (bar, estimate) => el("span", {}, bar, el("br"), small(between(estimate)));

export function profit(judged, subject) {
  const title = el("h2", {}, "Where its profit came from, USDT ", of(judged));
  if (!subject.parts.length) return [title, el("p", { cls: "empty" }, "It has not traded yet.")];
  const insured = subject.parts.some((each) => Number(each.insurance));
  const names = ["price", "fee", "funding", "slippage", ...(insured ? ["insurance"] : []), "total"];
  const heads = { price: "Price", fee: "Fee", funding: "Funding", slippage: "Slippage", insurance: "Insurance", total: "Total" };
  const columns = [["Position", "whose"], ...names.map((name) => [heads[name], "n"])];
  const rows = subject.parts.map((each) => [
    el("span", {}, el("span", { cls: each.side.toLowerCase() }, each.side.toLowerCase()), ` ${each.symbol}`),
    ...names.map((name) => (name === "total" ? [signed(each[name]), tone(each[name])] : signed(each[name]))),
  ]);
  const sum = (name) => signed(subject.parts.reduce((whole, each) => whole + Number(each[name]), 0));
  const all = ["All", ...names.map((name) => el("b", {}, name === "total" ? signed(subject.pnl) : sum(name)))];
  return [
    title,
    el("div", { cls: "tight" }, table("Profit by symbol and side", columns, rows, [all])),
    el("p", {}, small("Price is what the market moved, had every order traded where it was meant to; slippage is what it traded worse. The parts add up to the profit.")),
  ];
}

export function measures(judged, id) {
  const title = el("h2", {}, "Its figures ", of(judged));
  const found = judged.lines.find((each) => each.kind !== "baseline" && each.name === id)?.measures ?? {};
  const known = [...Object.keys(MEASURES).filter((name) => name in found), ...Object.keys(found).filter((name) => !(name in MEASURES))];
  if (!known.length) return [title, el("p", { cls: "empty" }, "There is too little data yet.")];
  const rows = known.map((name) => {
    const [label, said] = MEASURES[name] ?? [words(name), plain];
    return [label, said(found[name].value), found[name].low === null ? "–" : between(found[name], said)];
  });
  return [title, el("div", { cls: "snug" }, table("Figures with their 90 % intervals", [["Figure", "fit"], ["Value", "n"], ["90 % interval", "n"]], rows))];
}

// Beside the table of stated confidences: what they are worth by number, and what chance shows.
export function reliability({ confidence: found }) {
  if (found.brier === null || found.error === null) return el("p", {}, found.sentence);
  const calibrated = found.expected === null ? "" : ` A perfectly calibrated model shows ${number(found.expected, 3)} with ${plural(found.trades, "trade")}, and more than ${number(found.most, 3)} in 5 of 100 cases.`;
  return [
    el("p", {}, found.sentence),
    el("p", {}, small(`Brier score ${number(found.brier, 3)} (0 is best, 0.25 is what always saying 50 % gets). Calibration error ${number(found.error, 3)}.${calibrated}`)),
  ];
}
