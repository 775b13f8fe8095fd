// One symbol: its candles with what everybody did, what is held of it, and what the models were told.
import { CandleChart } from "./candles.js";
import { el, fill, small, table, terms } from "./draw.js";
import { mark } from "./marks.js";
import { positions } from "./parts.js";
import { read } from "./read.js";
import { count, lately, price, rate, signed, tone, usd, when, words } from "./words.js";

const SHOWN = 20; // entries and exits, until all are asked for
const KEPT = 500; // that the API has at most

export function markets(context, wanted) {
  const chosen = el("section");
  const [held, marked, seen] = Array.from({ length: 3 }, () => el("section"));
  const chart = new CandleChart(context.field);
  let most = SHOWN;
  return {
    nodes: [chosen, chart.node, held, marked, seen],
    end: () => chart.end(),
    async refresh() {
      const { field, status } = context;
      const symbol = wanted ?? status.symbols[0];
      const found = await read(`/markets/${encodeURIComponent(symbol)}`);
      const links = status.symbols.map((each) => el("a", { href: `#/markets/${each}`, "aria-current": each === symbol ? "page" : null }, each));
      fill(chosen, el("h2", {}, "Markets"), el("nav", { "aria-label": "Symbol" }, links));
      chart.draw(found);
      fill(held, el("h2", {}, `Open positions in ${symbol}`), positions(field, found.positions));
      const all = () => {
        most = Infinity;
        fill(marked, ...executions(field, found, most));
      };
      fill(marked, ...executions(field, found, most, all));
      fill(seen, ...told(found));
    },
  };
}

function executions(field, found, most, all) {
  const newest = found.fills.slice(-most).reverse();
  const rest = found.fills.length - newest.length;
  const of = found.fills.length < KEPT ? "" : "the newest ";
  const title = el("h2", {}, `Entries and exits in ${found.symbol} `, small(rest ? `the last ${count(newest.length)} of ${of}${count(found.fills.length)}` : `${of}${count(newest.length)}`));
  if (!newest.length) return [title, el("p", { cls: "empty" }, "Nobody has traded it yet.")];
  const columns = [["Time, UTC"], ["Who"], ["What"], ["Price", "n"], ["PnL", "n"], ["Fee", "n spare"], ["By", "spare"], ["Cycle", "n spare"]];
  const rows = newest.map((each) => [
    small(lately(each.time)),
    el("span", {}, mark(field.style(each.llm_id), each.entry), field.name(each.llm_id)),
    el("span", {}, `${each.entry ? "entry" : "exit"} `, el("span", { cls: each.position_side.toLowerCase() }, each.position_side.toLowerCase()), el("small", { cls: "spare" }, ` ${each.side === "BUY" ? "bought" : "sold"} ${price(each.quantity)}`)),
    price(each.price),
    each.entry ? "" : [signed(each.realized_pnl), tone(each.realized_pnl)],
    usd(each.fee),
    words(each.cause),
    el("a", { href: `#/cycles/${each.booked_cycle}` }, count(each.booked_cycle)),
  ]);
  return [title, table(`Entries and exits in ${found.symbol}, newest first`, columns, rows), rest ? el("p", { cls: "more" }, el("button", { type: "button", onclick: all }, "all of these")) : null];
}

// To the letter of the prompt: its labels, its digits.
function told({ seen, seen_reason: reason, symbol }) {
  if (!seen) return [el("h2", {}, "What the models saw"), el("p", { cls: "empty" }, `Not known: ${reason}.`)];
  const known = (value) => value ?? "not known";
  const head = terms([
    ["Last price", known(seen.last_price), " USDT"],
    ["Mark price", known(seen.mark_price), " USDT"],
    ["Funding", seen.funding_rate === null ? "not known" : `${rate(seen.funding_rate)} expected at ${when(seen.next_funding_time)} UTC`],
    ["Default stop", seen.default_stop_distance === null ? "not known" : `${seen.default_stop_distance} USDT away`],
    ["Series", seen.series_last === null ? "none" : `candles of ${seen.interval}, oldest first, up to ${when(seen.series_last)} UTC`],
  ]);
  const series = seen.series.map((each) => [each.label, each.values.map((value) => value ?? "n/a").join(", ") || "n/a"]);
  const figures = [...seen.figures, ...seen.spreads.flatMap((each) => each.figures.map((one) => ({ ...one, label: `${each.pairs} ${one.label}` })))];
  return [
    el("h2", {}, `What the models saw of ${symbol} `, small(`cycle ${count(seen.cycle)}, as of ${when(seen.as_of)} UTC; labels and digits are the prompt's`)),
    head,
    series.length ? table(`Series of ${symbol}`, [["Series"], ["Values, oldest first", "wrap"]], series) : null,
    figures.length ? table(`Figures of ${symbol}`, [["Figure"], ["Value", "n"]], figures.map((each) => [each.label, each.value ?? "n/a"])) : null,
  ];
}
