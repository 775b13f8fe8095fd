// Elements. What a model wrote is text and never markup: nothing here parses HTML.
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name === "cls" ? "class" : name, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

export const small = (...children) => el("small", {}, ...children);

// Columns are [heading, class]; a cell is a text, a node, or [content, class]. The rows below are less than the others.
export function table(caption, columns, rows, below = []) {
  const cell = (content, index) => {
    const [inside, cls] = Array.isArray(content) && typeof content[1] === "string" ? content : [content, ""];
    return el("td", { cls: `${columns[index][1] ?? ""} ${cls}`.trim() || null }, inside);
  };
  const head = columns.map(([heading, cls]) => el("th", { scope: "col", cls }, heading));
  const body = (some) => some.map((row) => el("tr", {}, row.map(cell)));
  const rest = below.length ? el("tbody", { cls: "below" }, body(below)) : null;
  const made = el("table", {}, el("caption", { cls: "sr" }, caption), el("thead", {}, el("tr", {}, head)), el("tbody", {}, body(rows)), rest);
  return el("div", { cls: "scroll", role: "region", "aria-label": caption, tabindex: "0" }, made);
}

export const terms = (pairs) =>
  el("dl", { cls: "terms" }, pairs.map(([term, ...said]) => [el("dt", {}, term), el("dd", {}, ...said)]));

// Put new contents into a section, and leave the keyboard and what was folded out where they were.
export function fill(target, ...children) {
  const focused = target.contains(document.activeElement) ? document.activeElement : null;
  const mark = focused && (focused.getAttribute("href") ?? focused.getAttribute("aria-label") ?? focused.textContent);
  const open = [...target.querySelectorAll("details[open]")].map((each) => each.dataset.key);
  target.replaceChildren(...children.flat(Infinity).filter(Boolean));
  for (const each of target.querySelectorAll("details")) if (open.includes(each.dataset.key)) each.open = true;
  if (!focused) return;
  const same = (each) => (each.getAttribute("href") ?? each.getAttribute("aria-label") ?? each.textContent) === mark;
  [...target.querySelectorAll(focused.tagName)].find(same)?.focus({ preventScroll: true });
}

const SVG = "http://www.w3.org/2000/svg";

export function drawn(tag, attributes, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

const DASHES = document.body.dataset.dashes.split(",");

export const dashes = (style) => DASHES[style].split(" ").filter(Boolean).map(Number);

// The line by which a competitor is known in the curves, also to those who see no colours.
export const key = (style) => line(`var(--c${style})`, 2.6, DASHES[style]);

export function line(stroke, width, dash) {
  const made = drawn("line", { x1: 0, x2: 26, y1: 5, y2: 5, "stroke-width": width, "stroke-dasharray": dash });
  made.style.stroke = stroke;
  return drawn("svg", { class: "key", viewBox: "0 0 26 10", "aria-hidden": "true" }, made);
}

// Who competes, in the season's order, each with a style of its own.
export class Field {
  constructor(board) {
    const ids = board.competitors.map((each) => each.llm_id);
    this.ids = ids.sort((a, b) => a.length - b.length || a.localeCompare(b));
    this.models = Object.fromEntries(board.competitors.map((each) => [each.llm_id, each]));
  }
  style(id) {
    return this.ids.indexOf(id) % DASHES.length;
  }
  label(id) {
    const { model } = this.models[id];
    const shared = Object.values(this.models).filter((each) => each.model === model).length > 1;
    return shared ? `${id} ${model}` : model;
  }
  full(id) {
    return [key(this.style(id)), el("a", { href: `#/competitors/${id}` }, el("b", {}, this.models[id].model))];
  }
  brief(id) {
    return [key(this.style(id)), this.name(id)];
  }
  name(id) {
    const names = [el("span", { cls: "spare" }, this.label(id)), el("span", { cls: "phone" }, id)];
    return el("a", { href: `#/competitors/${id}`, "aria-label": this.label(id) }, names);
  }
  kind(id) {
    const { baseline, provider } = this.models[id];
    return baseline ? el("span", { cls: "badge" }, "baseline rule, not an LLM") : provider;
  }
}
