// The candles of a symbol, everybody's entries and exits on them, and stops and targets of what is held.
import { axis, colour, inner, tick, utc } from "./chart.js";
import { dashes, el, small } from "./draw.js";
import { mark, stamp } from "./marks.js";
import { clock, price } from "./words.js";

const HOUR = 3600;
const STRETCHES = [["4 hours", 4 * HOUR], ["1 day", 24 * HOUR], ["all", null]];
const seconds = (time) => Date.parse(time) / 1000;

export class CandleChart {
  constructor(field) {
    this.field = field;
    this.plot = null;
    this.stretch = matchMedia("(max-width: 640px)").matches ? 4 * HOUR : 24 * HOUR; // up to the newest candle; all where null, undefined while zoomed by hand
    this.target = el("div");
    this.legend = el("div", { cls: "legend" });
    this.told = el("p", { cls: "legend" });
    this.buttons = STRETCHES.map(([name, length]) => el("button", { type: "button", "aria-pressed": "false", onclick: () => this.show(length) }, name));
    this.title = el("h2", {}, "Candles");
    this.node = el("section", {}, el("div", { cls: "tools" }, this.title, this.buttons), this.target, this.told, this.legend);
    this.observer = new ResizeObserver(() => this.plot && this.plot.width !== inner(this.node) && this.plot.setSize({ width: inner(this.node), height: this.plot.height }));
    this.observer.observe(this.node);
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.redraw = () => this.found && this.draw(this.found, true);
    this.scheme.addEventListener("change", this.redraw);
  }

  end() {
    this.observer.disconnect();
    this.scheme.removeEventListener("change", this.redraw);
    this.plot?.destroy();
  }

  draw(found, anew = false) {
    this.found = found;
    const { candles, symbol } = found;
    const old = found.candles_reason && candles ? `; none newer: ${found.candles_reason}` : "";
    this.title.replaceChildren(`${symbol}, USDT `, small(candles?.length ? `candles of ${this.step() / 60} minutes up to ${clock(candles.at(-1).close_time)} UTC${old}; drag to zoom, double click to go back` : ""));
    for (const button of this.buttons) button.hidden = !candles?.length;
    if (!candles?.length) {
      this.plot?.destroy();
      this.plot = null;
      this.target.replaceChildren(el("p", { cls: "empty" }, `No candles can be shown: ${found.candles_reason || "the venue has none"}.`));
      this.told.replaceChildren();
      this.legend.replaceChildren();
      return;
    }
    if (this.plot && !anew) this.plot.setData(this.data(), false);
    else this.plotAnew();
    if (this.stretch === undefined) this.plot.redraw();
    else this.show(this.stretch);
    this.name(null);
    this.explain();
  }

  step() {
    const [first] = this.found.candles;
    return seconds(first.close_time) - seconds(first.open_time);
  }

  // A column more than there are candles: there is room for the bar that is still forming.
  data() {
    const { candles, fills } = this.found;
    const end = seconds(candles.at(-1).close_time);
    const newest = fills.length ? Math.min(seconds(fills.at(-1).time), end + 2 * this.step()) : end;
    const values = (name) => [...candles.map((each) => Number(each[name])), null];
    return [[...candles.map((each) => seconds(each.open_time)), Math.max(end, newest)], values("high"), values("low"), values("open"), values("close")];
  }

  plotAnew() {
    this.plot?.destroy();
    this.target.replaceChildren();
    const narrow = this.node.clientWidth < 600;
    const hidden = { paths: () => null, points: { show: false } };
    this.plot = new uPlot(
      {
        width: inner(this.node),
        height: narrow ? 300 : 420,
        tzDate: utc,
        cursor: { drag: { x: true, y: false }, points: { show: false } },
        legend: { show: false },
        padding: [8, 22, 4, 0],
        scales: { x: { time: true, range: (_, low, high) => [low, high] }, y: { range: (_, low, high) => this.span(low, high) } },
        axes: [
          { ...axis(), size: 32, space: narrow ? 70 : 90, values: (_, times, __, ___, step) => times.map((time) => tick(time, step)) },
          { ...axis(), size: narrow ? 62 : 74, values: (_, values) => values.map((value) => price(String(value))) },
        ],
        series: [{}, hidden, hidden, hidden, hidden],
        hooks: { setSelect: [() => this.press(undefined)], draw: [(plot) => this.inside(plot)], setCursor: [(plot) => this.name(plot.cursor.idx ?? null)] },
      },
      this.data(),
      this.target,
    );
    this.plot.over.addEventListener("dblclick", () => this.show(null));
  }

  press(length) {
    this.stretch = length;
    this.buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(STRETCHES[index][1] === length)));
  }

  show(length) {
    this.press(length);
    const [times] = this.plot.data;
    this.plot.setScale("x", { min: length === null ? times[0] : Math.max(times[0], times.at(-1) - length), max: times.at(-1) });
  }

  levels() {
    return this.found.positions.flatMap((row) => [["stop", row.stop_price], ["target", row.target_price]].filter(([, at]) => at !== null).map(([name, at]) => ({ row, name, at: Number(at) })));
  }

  // Stops and targets are to be seen, as long as the candles are too.
  span(low, high) {
    if (low === null) return [0, 1];
    const room = Math.max(high - low, Math.abs(high) * 0.0005);
    const near = this.levels().map(({ at }) => at).filter((at) => at > low - room && at < high + room);
    return [Math.min(low, ...near) - 0.06 * room, Math.max(high, ...near) + 0.06 * room];
  }

  inside(plot) {
    const { ctx } = plot;
    const { left, top, width, height } = plot.bbox;
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, top, width, height);
    ctx.clip();
    this.bars(plot, ctx);
    this.lines(plot, ctx);
    this.trades(plot, ctx);
    ctx.restore();
  }

  // A rising candle is hollow, a falling one filled: they can be told apart without colours.
  bars(plot, ctx) {
    const [times, high, low, open, close] = plot.data;
    const [from, to] = plot.series[0].idxs;
    const step = this.step();
    const at = (value) => Math.round(plot.valToPos(value, "y", true));
    const wide = Math.abs(plot.valToPos(times[0] + step, "x", true) - plot.valToPos(times[0], "x", true));
    const body = Math.max(1, Math.round(0.66 * wide));
    const colours = { up: colour("--up"), down: colour("--down"), card: colour("--card") };
    ctx.lineWidth = Math.max(1, Math.round(devicePixelRatio));
    for (let index = Math.max(0, from - 1); index <= to; index += 1) {
      if (open[index] === null) continue;
      const middle = Math.round(plot.valToPos(times[index] + step / 2, "x", true));
      const [upper, lower] = [at(Math.max(open[index], close[index])), at(Math.min(open[index], close[index]))];
      const rises = close[index] >= open[index];
      ctx.strokeStyle = rises ? colours.up : colours.down;
      ctx.fillStyle = rises && body > 3 ? colours.card : ctx.strokeStyle;
      ctx.beginPath();
      ctx.moveTo(middle, at(high[index]));
      ctx.lineTo(middle, at(low[index]));
      ctx.stroke();
      ctx.fillRect(middle - body / 2, upper, body, Math.max(1, lower - upper));
      if (body > 3) ctx.strokeRect(middle - body / 2, upper, body, Math.max(1, lower - upper));
    }
  }

  lines(plot, ctx) {
    const { left, width } = plot.bbox;
    const size = 11 * devicePixelRatio;
    ctx.font = `${size}px system-ui`;
    ctx.textAlign = "right";
    for (const { row, name, at } of this.levels()) {
      const style = this.field.style(row.llm_id);
      const y = plot.valToPos(at, "y", true);
      ctx.strokeStyle = colour(`--c${style}`);
      ctx.lineWidth = 1.5 * devicePixelRatio;
      ctx.setLineDash(dashes(style).map((part) => 2 * part));
      ctx.beginPath();
      const label = `${row.llm_id} ${name}`;
      const { width: long } = ctx.measureText(label);
      ctx.moveTo(Math.max(left, Math.min(left + width - long, plot.valToPos(seconds(row.opened_at), "x", true))), y);
      ctx.lineTo(left + width, y);
      ctx.stroke();
      ctx.setLineDash([]);
      ctx.fillStyle = colour("--card");
      ctx.fillRect(left + width - long - 6, y - 3 - size, long + 4, size);
      ctx.fillStyle = ctx.strokeStyle;
      ctx.fillText(label, left + width - 4, y - 4);
    }
  }

  trades(plot, ctx) {
    const card = colour("--card");
    for (const fill of this.found.fills) {
      const style = this.field.style(fill.llm_id);
      const [x, y] = [plot.valToPos(seconds(fill.time), "x", true), plot.valToPos(Number(fill.price), "y", true)];
      stamp(ctx, style, fill.entry, x, y, 5 * devicePixelRatio, { own: colour(`--c${style}`), card });
    }
  }

  // The candle under the cursor, or the newest.
  name(index) {
    const { candles } = this.found;
    const each = candles[index] ?? candles.at(-1);
    const values = ["open", "high", "low", "close"].map((name) => el("span", {}, `${name} `, el("b", {}, price(each[name]))));
    this.told.replaceChildren(el("small", {}, `${clock(each.open_time)} to ${clock(each.close_time)} UTC`), ...values);
  }

  explain() {
    const seen = this.field.ids.filter((id) => this.found.fills.some((fill) => fill.llm_id === id) || this.found.positions.some((row) => row.llm_id === id));
    const entries = seen.map((id) => el("span", {}, mark(this.field.style(id), true), mark(this.field.style(id), false), ` ${this.field.label(id)}`));
    this.legend.replaceChildren(...entries, small(seen.length ? "filled: entry, hollow: exit; lines: stop and target of what is held" : "Nobody has traded it yet."));
  }
}
