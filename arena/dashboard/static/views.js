// One cycle, and the lists that lead back to a season's first day.
import { el, fill, small, table } from "./draw.js";
import { attempt, stepper, story, storyTitle, trades, withoutName } from "./parts.js";
import { read } from "./read.js";
import { count, lately, words } from "./words.js";

export function cycle(context, number) {
  const target = el("section");
  return {
    nodes: [target],
    async refresh() {
      const wanted = number ?? context.status.last_cycle?.number;
      if (!wanted) {
        fill(target, el("h2", {}, "Decisions"), el("p", { cls: "empty" }, "No cycle has been booked yet."));
        return;
      }
      const found = await read(`/cycles/${wanted}`);
      const go = (other) => (location.hash = `#/cycles/${other}`);
      const steps = el("div", { cls: "tools" }, el("h2", {}, "Decisions of ", storyTitle(found)), stepper(found, context.status.last_cycle.number, go));
      fill(target, steps, story(context.field, found));
    },
  };
}

// A list that begins with the newest, and goes on when it is asked to.
function list(context, title, path, name, draw) {
  const target = el("section");
  let pages = 1;
  return {
    nodes: [target],
    async refresh() {
      const rows = [];
      let before = null;
      let total = 0;
      for (let page = 0; page < pages; page += 1) {
        const found = await read(path, { limit: 100, before });
        rows.push(...found[name]);
        ({ before, total } = found);
        if (before === null) break;
      }
      const more = () =>
        attempt(target, async () => {
          pages += 1;
          await this.refresh().catch((error) => {
            pages -= 1;
            throw error;
          });
        });
      const button = before === null ? null : el("p", { cls: "more" }, el("button", { onclick: more }, "older ones"));
      fill(target, el("h2", {}, title, " ", small(count(total))), draw(context.field, rows), button);
    },
  };
}

export const tradeList = (context) => list(context, "Closed trades", "/trades", "trades", trades);

export const alertList = (context) => list(context, "Alerts", "/alerts", "alerts", alertTable);

function alertTable(field, rows) {
  if (!rows.length) return el("p", { cls: "empty" }, "There were none.");
  const who = (row) => (row.llm_id && field.models[row.llm_id] ? el("span", {}, field.brief(row.llm_id)) : "all");
  const cells = rows.map((row) => [lately(row.time), who(row), words(row.kind), withoutName(row)]);
  return table("Alerts, newest first", [["Time, UTC"], ["Who"], ["Kind", "spare"], ["What", "wrap"]], cells);
}

