// What a competitor was sent in a cycle, and what came back. The texts are long: they are read when one of them is opened.
import { el, fill, small, table } from "./draw.js";
import { attempt, stepper } from "./parts.js";
import { read } from "./read.js";
import { count, when, words } from "./words.js";

const PARTS = [
  ["static_prompt", "The season's rules, the same for all"],
  ["market_prompt", "The cycle's market, the same for all"],
  ["account_prompt", "Its own account"],
];

export class Asked {
  constructor(context, id, number) {
    this.context = context;
    this.id = id;
    this.number = number; // the newest cycle where null
    this.shown = null;
    this.named = number !== null;
    this.node = el("section");
  }

  // Who reads is not disturbed: what is open stays until another cycle is asked for.
  async refresh() {
    const wanted = this.number ?? this.context.status.last_cycle?.number;
    const reading = this.number === null && this.node.querySelector("details[open]");
    if (!wanted) fill(this.node, el("h2", {}, "Asked and answered"), el("p", { cls: "empty" }, "No cycle has been booked yet."));
    else if (!reading && wanted !== this.shown) await this.show(wanted);
    if (this.named) this.node.scrollIntoView();
    this.named = false;
  }

  async show(number) {
    const found = await read(`/cycles/${number}`);
    this.shown = number;
    const turn = found.turns.find((each) => each.llm_id === this.id);
    const title = el("h2", {}, `Asked and answered in cycle ${count(number)} `, small(`${when(found.scheduled_at)} UTC`));
    const go = (other) =>
      attempt(this.node, async () => {
        await this.show(other);
        this.number = other;
      });
    const tools = el("div", { cls: "tools" }, title, stepper(found, this.context.status.last_cycle.number, go));
    fill(this.node, tools, turn ? [calls(turn), this.texts(number)] : el("p", { cls: "empty" }, "It had no part in this cycle."));
  }

  texts(number) {
    const prompt = el("details", { "data-key": "prompt" }, el("summary", {}, "Prompt as sent"));
    const answer = el("details", { "data-key": "answer" }, el("summary", {}, "Raw answer"));
    let asked = null;
    const opened = async () => {
      asked ??= read(`/cycles/${number}/competitors/${encodeURIComponent(this.id)}`);
      try {
        const found = await asked;
        put(prompt, PARTS.map(([name, title]) => text(title, found[name], "is not in the store any more")));
        put(answer, found.calls.length ? found.calls.map(said) : el("p", { cls: "empty" }, "It was not asked."));
      } catch (error) {
        asked = null;
        for (const each of [prompt, answer]) put(each, el("p", { cls: "fail" }, error.message));
      }
    };
    for (const each of [prompt, answer]) each.addEventListener("toggle", () => each.open && opened());
    return el("div", { cls: "texts" }, prompt, answer);
  }
}

const put = (details, children) => details.replaceChildren(details.firstChild, ...[children].flat(2));

const text = (title, content, otherwise) => [
  el("p", {}, small(title)),
  content === null ? el("p", { cls: "empty" }, `It ${otherwise}.`) : el("pre", { cls: "verbatim", tabindex: "0", role: "region", "aria-label": title }, content || "(empty)"),
];

function said(call) {
  const title = `Call ${call.number}, ${call.purpose}${call.stop_reason ? `, ended by ${call.stop_reason}` : ""}`;
  return text(title, call.text, call.fault ? `gave no answer: ${words(call.fault)}` : "gave no answer");
}

function calls(turn) {
  if (!turn.calls.length) return el("p", { cls: "empty" }, `It was not asked${turn.failure ? `: ${words(turn.failure)}` : ""}.`);
  const columns = [["Call", "n"], ["For", "spare"], ["Latency", "n"], ["Tokens in", "n"], ["cached", "n spare"], ["out", "n"], ["Cost", "n"], ["Came", "fit"]];
  const tokens = (value) => (value === null ? "–" : count(value));
  const rows = turn.calls.map((call) => [
    String(call.number),
    call.purpose,
    `${(call.latency_ms / 1000).toFixed(1)} s`,
    tokens(call.input_tokens),
    tokens(call.cached_tokens),
    tokens(call.output_tokens),
    call.cost_usd === null ? (call.input_tokens === null ? "–" : "unknown") : `$${Number(call.cost_usd).toFixed(4)}`,
    call.fault || call.error ? el("span", { cls: "fail" }, call.fault ? words(call.fault) : "not valid") : "an answer",
  ]);
  const wrong = turn.calls.filter((call) => call.error).map((call) => el("p", {}, small(`Call ${call.number}: `), call.error));
  return [table("Calls of the model", columns, rows), wrong];
}
