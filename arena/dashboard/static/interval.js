// Where a figure may lie: a bar from end to end, a point where it is, and a line at zero, all rows on one scale.
import { drawn } from "./draw.js";
import { about } from "./words.js";

const WIDTH = 132;
const HEIGHT = 16;
const EDGE = 6;

// Of estimates { value, low, high }, fractions; zero is always on it.
export class Scale {
  constructor(estimates) {
    const ends = estimates.flatMap((each) => [each.low, each.value, each.high]).filter((each) => each !== null).map(Number);
    this.low = Math.min(0, ...ends);
    this.high = Math.max(0, ...ends);
  }

  at(text) {
    return EDGE + ((Number(text) - this.low) / (this.high - this.low || 1)) * (WIDTH - 2 * EDGE);
  }

  // The bar of one; without an interval the point alone.
  bar(estimate, stroke, name = "ROI") {
    const middle = HEIGHT / 2;
    const zero = this.at(0).toFixed(1);
    const parts = [drawn("line", { x1: zero, x2: zero, y1: 0, y2: HEIGHT, class: "zero" })];
    if (estimate.low !== null && estimate.high !== null) {
      parts.push(drawn("line", { x1: this.at(estimate.low).toFixed(1), x2: this.at(estimate.high).toFixed(1), y1: middle, y2: middle, class: "range" }));
    }
    if (estimate.value !== null) parts.push(drawn("circle", { cx: this.at(estimate.value).toFixed(1), cy: middle, r: 4 }));
    const label = `${name} ${about(estimate.value, true)}, 90 % interval ${between(estimate)}`;
    const svg = drawn("svg", { class: "interval", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label }, ...parts);
    svg.style.color = stroke;
    return svg;
  }
}

export const between = (estimate, said = (text) => about(text, true)) =>
  estimate.low === null || estimate.high === null ? "unknown" : `${said(estimate.low).replace("\u00a0%", "")} to ${said(estimate.high)}`;
