// Curves that only serve as a measure: thin, grey and dashed, each drawn or not as the reader likes.
import { el, line } from "./draw.js";
import { usd } from "./words.js";

const WIDTH = 1.2;
const DASHES = ["1 6", "4 4", "9 4", "2 2 8 2", "14 5", "5 2 1 2", "2 3"]; // in line widths
const AT_FIRST = / hold$|^equal weight$|^matched random/;

export class Baselines {
  // redraw is called when the reader shows one or takes it away.
  constructor(redraw) {
    this.redraw = redraw;
    this.lines = [];
    this.times = [];
    this.chosen = new Map(); // by name, what the reader has chosen
    this.node = el("p", { cls: "baselines", role: "group", "aria-label": "Baselines in the chart", hidden: true });
  }

  take(judged) {
    const lines = (judged?.lines ?? []).filter((each) => each.kind === "baseline");
    this.times = (judged?.times ?? []).map((each) => Date.parse(each) / 1000);
    if (lines.map((each) => each.name).join() !== this.lines.map((each) => each.name).join()) this.name(lines);
    this.lines = lines;
    this.node.hidden = !lines.length;
    this.worth(null);
  }

  name(lines) {
    this.buttons = lines.map((each, index) => {
      const toggle = ({ currentTarget }) => {
        this.chosen.set(each.name, !this.on(each.name));
        currentTarget.setAttribute("aria-pressed", String(this.on(each.name)));
        this.redraw();
      };
      return el("button", { type: "button", "aria-pressed": String(this.on(each.name)), "aria-label": each.name, title: each.label, onclick: toggle }, line("var(--muted)", 2, DASHES[index % DASHES.length]), `${each.name} `, el("b", {}));
    });
    this.node.replaceChildren(...this.buttons);
  }

  on(name) {
    return this.chosen.get(name) ?? AT_FIRST.test(name);
  }

  // The parts of the curves between two times, as uPlot joins them; null is an end that is open.
  tables(since, until) {
    const inside = this.times.map((time, index) => index).filter((index) => (since === null || this.times[index] >= since) && (until === null || this.times[index] <= until));
    return this.lines.map((each) => [inside.map((index) => this.times[index]), inside.map((index) => (each.drawn[index] === null ? null : Number(each.drawn[index])))]);
  }

  series(stroke) {
    return this.lines.map((each, index) => ({
      label: each.name,
      show: this.on(each.name),
      stroke,
      width: WIDTH,
      dash: DASHES[index % DASHES.length].split(" ").map((part) => WIDTH * Number(part)),
      spanGaps: true,
      points: { show: false },
    }));
  }

  // What they were worth at a time, at their end where it is null.
  worth(time) {
    const index = time === null ? this.times.length - 1 : this.times.findLastIndex((each) => each <= time);
    this.lines.forEach((each, at) => (this.buttons[at].querySelector("b").textContent = usd(each.drawn[Math.max(0, index)] ?? null)));
  }
}
