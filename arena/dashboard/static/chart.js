// Equity above, drawdown below; both zoom together, and a stretch that is zoomed into is read again in its detail.
import { Baselines } from "./baselines.js";
import { dashes, el, key } from "./draw.js";
import { read } from "./read.js";
import { usd, when } from "./words.js";

const DAY = 86_400;
const HALF_AN_HOUR = 1800; // around a single point
const ROOMY = 900; // pixels; from here on the curves are named at their ends
const NAMES = { width: 190, height: 15 };
const STRETCHES = [["1 day", DAY], ["1 week", 7 * DAY], ["season", null]];
export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const iso = (seconds) => new Date(1000 * seconds).toISOString();
export const tick = (seconds, step) =>
  new Date(1000 * seconds).toLocaleString("en-GB", step >= DAY ? { day: "numeric", month: "short", timeZone: "UTC" } : { hour: "2-digit", minute: "2-digit", timeZone: "UTC" });

export const utc = (seconds) => uPlot.tzDate(new Date(1000 * seconds), "Etc/UTC");
export const axis = () => ({ stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui" });

// How wide a chart may be inside of a node.
export function inner(node) {
  const { paddingLeft, paddingRight } = getComputedStyle(node);
  return Math.max(240, node.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight));
}

export class EquityChart {
  constructor(field) {
    this.field = field;
    this.range = null; // [since, until] in seconds; the whole season where null
    this.plots = [];
    this.upper = el("div");
    this.lower = el("div");
    this.legend = el("p", { cls: "legend" });
    this.baselines = new Baselines(() => this.showBaselines());
    this.said = el("p", { cls: "sr" });
    this.buttons = STRETCHES.map(([name, seconds]) =>
      el("button", { type: "button", "aria-pressed": String(seconds === null), onclick: () => this.stretch(seconds) }, name),
    );
    const title = el("h2", {}, "Equity, USDT ", el("small", {}, "after fees and funding; drawdown below; drag to zoom"));
    this.node = el("section", {}, el("div", { cls: "tools" }, title, this.buttons), this.said, this.upper, this.legend, this.baselines.node, this.lower);
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(this.node);
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.redraw = () => this.draw(true);
    this.scheme.addEventListener("change", this.redraw);
  }

  end() {
    this.observer.disconnect();
    this.scheme.removeEventListener("change", this.redraw);
    for (const plot of this.plots) plot.destroy();
  }

  // judging is the judgement or a promise of it; without it the one before stays.
  async refresh(judging) {
    const [since, until] = this.range ?? [null, null];
    const [found, judged] = await Promise.all([read("/equity", { since: since && iso(since), until: until && iso(until), points: 800 }), judging]);
    if (judged !== undefined) this.baselines.take(judged);
    this.curves = found.curves.filter((curve) => curve.times.length);
    this.capital = Number(found.capital);
    if (until === null) this.last = Math.max(...this.curves.map((curve) => Date.parse(curve.times.at(-1)) / 1000));
    this.draw();
  }

  async stretch(seconds) {
    await this.show(seconds === null ? null : [this.last - seconds, null], seconds);
  }

  // A range without an end goes on with the season.
  async show(range, seconds) {
    this.range = range;
    this.buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(STRETCHES[index][1] === seconds)));
    await this.refresh();
  }

  // The curves were thinned one by one: their times are put together, and gaps are drawn through.
  joined(values, others = []) {
    const tables = [...this.curves.map((curve) => [curve.times.map((time) => Date.parse(time) / 1000), values(curve).map(Number)]), ...others];
    return tables.length ? uPlot.join(tables) : [[]];
  }

  // The plots stay where they are as long as the same competitors are drawn in the same colours.
  draw(anew = false) {
    if (!this.curves?.length) {
      this.upper.replaceChildren(el("p", { cls: "empty" }, "No cycle has been booked yet."));
      return;
    }
    const ends = this.curves.map((curve) => `${this.field.label(curve.llm_id)} ${usd(curve.equity.at(-1))} USDT`);
    this.said.textContent = `Equity at the end of what is shown: ${ends.join(", ")}.`;
    const [since, until] = this.range ?? [null, null];
    const data = [this.joined((curve) => curve.equity, this.baselines.tables(since, until)), this.joined((curve) => curve.drawdown)];
    if (anew || this.plots.length === 0 || this.plots[0].series.length !== data[0].length) this.plotAnew(data);
    else this.plots.forEach((plot, index) => plot.setData(data[index]));
    this.name(null);
  }

  plotAnew([equity, drawdown]) {
    for (const plot of this.plots) plot.destroy();
    this.upper.replaceChildren();
    this.plots = [
      this.plot(this.upper, equity, 300, (value) => usd(value), true),
      this.plot(this.lower, drawdown, 150, (value) => `${value.toFixed(1)} %`.replace("-", "−"), false),
    ];
  }

  plot(target, data, height, shown, upper) {
    const narrow = this.node.clientWidth < 600;
    this.roomy = inner(this.node) >= ROOMY;
    const series = this.curves.map((curve) => {
      const style = this.field.style(curve.llm_id);
      return {
        label: this.field.label(curve.llm_id),
        stroke: colour(`--c${style}`),
        width: upper ? 2 : 1.4,
        dash: dashes(style).map((part) => 2 * part),
        spanGaps: true,
        points: { show: (plot) => plot.data[0].length === 1 },
      };
    });
    const options = {
      width: inner(this.node),
      height: height - (narrow ? 40 : 0) * upper,
      tzDate: utc,
      cursor: { sync: { key: "equity", setSeries: true }, drag: { x: true, y: false } },
      legend: { show: false },
      padding: [8, this.roomy ? NAMES.width : 20, 4, 0],
      scales: { x: { time: true, range: (_, low, high) => (low === high ? [low - HALF_AN_HOUR, high + HALF_AN_HOUR] : [low, high]) }, y: { range: (_, low, high) => this.span(low, high, upper) } },
      axes: [
        { ...axis(), show: !upper, size: 32, space: narrow ? 70 : 90, values: (_, times, __, ___, step) => times.map((time) => tick(time, step)) },
        { ...axis(), size: 62, space: upper ? 40 : 24, values: (_, values) => values.map((value) => (upper ? value.toLocaleString("en") : shown(value))) },
      ],
      series: [{}, ...series, ...(upper ? this.baselines.series(colour("--muted")) : [])],
      hooks: { setCursor: [(plot) => this.name(plot.cursor.idx ?? null)], setSelect: [(plot) => this.selected(plot)], draw: upper ? [(plot) => this.level(plot), (plot) => this.ends(plot)] : [] },
    };
    const made = new uPlot(options, data, target);
    made.over.addEventListener("dblclick", () => this.stretch(null));
    return made;
  }

  // Who is which line, with what it was worth where the cursor is, or at the end.
  name(at) {
    const [times] = this.plots[0]?.data ?? [[]];
    const time = at === null || times[at] === undefined ? null : times[at];
    const entries = this.curves.map((curve) => {
      const index = time === null ? curve.times.length - 1 : curve.times.findLastIndex((each) => Date.parse(each) / 1000 <= time);
      const worth = curve.equity[Math.max(0, index)];
      return el("span", {}, key(this.field.style(curve.llm_id)), `${this.field.label(curve.llm_id)} `, el("b", {}, usd(worth)));
    });
    const last = this.curves.map((curve) => curve.times.at(-1)).sort().at(-1);
    this.baselines.worth(time);
    this.legend.replaceChildren(...entries, el("small", {}, `${when(time === null ? last : iso(time))} UTC`));
  }

  span(low, high, upper) {
    if (!upper) return [Math.min(low ?? 0, -0.1) * 1.05, 0];
    const room = Math.max((high - low) * 0.08, Math.abs(high) * 0.0005, 0.01);
    return [low - room, high + room];
  }

  // The capital, as a thin line.
  level(plot) {
    const y = plot.valToPos(this.capital, "y", true);
    const { left, top, width, height } = plot.bbox;
    if (y < top || y > top + height) return;
    plot.ctx.save();
    plot.ctx.strokeStyle = colour("--muted");
    plot.ctx.setLineDash([2, 6]);
    plot.ctx.beginPath();
    plot.ctx.moveTo(left, y);
    plot.ctx.lineTo(left + width, y);
    plot.ctx.stroke();
    plot.ctx.restore();
  }

  showBaselines() {
    const [plot] = this.plots;
    this.baselines.lines.forEach((each, index) => plot?.setSeries(1 + this.curves.length + index, { show: this.baselines.on(each.name) }));
  }

  // The names of the curves that are drawn, where they end; none covers another.
  ends(plot) {
    if (!this.roomy) return;
    const ratio = devicePixelRatio;
    const { left, top, width, height } = plot.bbox;
    const last = (values) => values.findLast((value) => value !== null && value !== undefined);
    const names = plot.series
      .map((series, index) => ({ series, at: index && series.show ? last(plot.data[index]) : undefined, measure: index > this.curves.length }))
      .filter(({ at }) => at !== undefined)
      .map((each) => ({ ...each, y: plot.valToPos(each.at, "y", true) }))
      .sort((one, other) => one.y - other.y);
    const gap = NAMES.height * ratio;
    names.forEach((each, index) => (each.y = Math.max(each.y, index ? names[index - 1].y + gap : top)));
    names.reverse().forEach((each, index) => (each.y = Math.min(each.y, index ? names[index - 1].y - gap : top + height)));
    plot.ctx.save();
    Object.assign(plot.ctx, { textBaseline: "middle", textAlign: "left" });
    for (const { series, y, measure } of names) {
      plot.ctx.font = `${measure ? "" : "600 "}${12 * ratio}px system-ui`;
      plot.ctx.fillStyle = colour(measure ? "--muted" : "--ink");
      plot.ctx.fillText(series.label, left + width + 8 * ratio, y, (NAMES.width - 12) * ratio);
    }
    plot.ctx.restore();
  }

  selected(plot) {
    const { left, width } = plot.select;
    if (width < 8 || this.zooming) return;
    this.zooming = true;
    const range = [plot.posToVal(left, "x"), plot.posToVal(left + width, "x")];
    setTimeout(() => this.show(range).finally(() => (this.zooming = false)));
  }

  resize() {
    const width = inner(this.node);
    if (this.plots.length && this.roomy !== width >= ROOMY) return this.draw(true);
    for (const plot of this.plots) if (plot.width !== width) plot.setSize({ width, height: plot.height });
  }
}
