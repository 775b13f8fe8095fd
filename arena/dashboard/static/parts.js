// What several views show alike.
import { el, small, table } from "./draw.js";
import { clock, count, lately, percent, price, signed, tone, usd, when, words } from "./words.js";

export function positions(field, rows, own = false) {
  if (!rows.length) return el("p", { cls: "empty" }, own ? "It holds no position." : "Nobody holds a position.");
  const columns = [["Competitor"], ["Position", "fit"], ["PnL", "n"], ["Entry", "n"], ["Mark", "n"], ["Stop", "n"], ["Target", "n"], ["Liquidation", "n"], ["Since, UTC", "n spare mid"]];
  const cells = rows.map((row) => [
    el("span", {}, field.brief(row.llm_id)),
    held(row),
    [signed(row.unrealized_pnl), tone(row.unrealized_pnl)],
    price(row.entry_price),
    price(row.mark_price),
    el("span", {}, price(row.stop_price), row.protected ? null : [" ", el("span", { cls: "fail" }, "not at the venue")]),
    price(row.target_price),
    price(row.liquidation_price),
    lately(row.opened_at),
  ]);
  const skip = own ? 1 : 0;
  const note = "Liquidation: the mark at which the competitor's own margin is used up while all other marks stay; – where there is none, or it is not known.";
  return [table("Open positions", columns.slice(skip), cells.map((row) => row.slice(skip))), small(note)];
}

export const held = (row) =>
  el("span", {}, el("span", { cls: row.side.toLowerCase() }, row.side.toLowerCase()), ` ${price(row.quantity)} ${row.symbol} `, small(`${row.leverage}×`));

export function trades(field, rows) {
  if (!rows.length) return el("p", { cls: "empty" }, "No position has been closed yet.");
  const columns = [["Competitor"], ["Position", "fit"], ["Net PnL", "n"], ["Entry", "n spare"], ["Exit", "n spare"], ["Closed by"], ["Fees", "n spare mid"], ["Funding", "n spare mid"], ["Opened, UTC", "n spare mid"], ["Closed, UTC", "n"]];
  const cells = rows.map((row) => [
    el("span", {}, field.brief(row.llm_id)),
    held(row),
    [signed(row.net_pnl), tone(row.net_pnl)],
    price(row.entry_price),
    price(row.exit_price),
    words(row.cause),
    usd(row.fees),
    usd(row.funding),
    lately(row.opened_at),
    lately(row.closed_at),
  ]);
  return table("Closed trades", columns, cells);
}

// From a cycle to the one before, after, or any other.
export function stepper(found, last, go) {
  const to = (other, name) => el("button", { disabled: other === null, onclick: () => go(other) }, name);
  const input = el("input", { type: "number", min: 1, max: last, value: found.number, "aria-label": "Cycle" });
  input.addEventListener("change", () => input.value && go(Number(input.value)));
  return [to(found.before, "← before"), input, to(found.after, "after →")];
}

// Do what was asked for, or say below why not; the next that succeeds takes that away.
export const attempt = (node, act) => act().catch((error) => node.append(el("p", { cls: "fail", role: "alert" }, error.message)));

// An alert beside the name of whom it is about.
export const withoutName = ({ llm_id: id, text }) => (id && text.startsWith(`${id} `) ? text.slice(id.length + 1) : text);

// A cycle: everybody's decisions side by side.
export function story(field, found) {
  return el("div", { cls: "feed" }, found.turns.map((turn) => card(field, found.number, turn)));
}

export const storyTitle = (found) => [
  `cycle ${count(found.number)}, ${when(found.scheduled_at)} UTC `,
  small(`same prompt ${found.prompt_hash.slice(0, 8)}… for all · orders sent: ${found.execution_order.join(", ")}`),
];

function card(field, number, turn) {
  const seconds = (turn.calls.reduce((sum, call) => sum + call.latency_ms, 0) / 1000).toFixed(1);
  const asked = turn.calls.length ? `${seconds} s${turn.calls.length > 1 ? ` in ${turn.calls.length} calls` : ""}` : "not asked";
  const title = el("h3", {}, field.full(turn.llm_id), small(turn.llm_id, " · ", asked));
  const kind = field.models[turn.llm_id].baseline ? el("p", {}, field.kind(turn.llm_id)) : null;
  const exact = el("p", {}, small(el("a", { href: `#/competitors/${turn.llm_id}/cycles/${number}`, "aria-label": `Prompt and answer of ${turn.llm_id}` }, "prompt and answer")));
  return el("article", {}, title, kind, turn.answer === "decision" ? decided(turn) : failed(turn), between(turn), exact);
}

function failed(turn) {
  const what = turn.answer === "no_answer" ? "no answer" : "invalid answer";
  const outcome = turn.decisions.map((each) => `${each.outcome}. `).join("");
  const record = turn.calls.length ? "Recorded as a failure, not as a hold. Its stops stay in force." : "Recorded as not asked, not as a hold.";
  return [
    el("span", { cls: "chip fail" }, turn.failure ? `${what}: ${words(turn.failure)}` : what),
    el("p", {}, turn.error ?? ""),
    small(outcome, record),
  ];
}

function decided(turn) {
  const holds = turn.decisions.filter((each) => each.decision_type === "hold");
  const wishes = turn.decisions.filter((each) => each.decision_type !== "hold");
  if (!turn.decisions.length) return el("p", { cls: "quiet" }, "Named no symbol: everything is held.");
  const folded = holds.length
    ? el(
        "details",
        { open: !wishes.length, "data-key": turn.llm_id },
        el("summary", {}, `hold ${holds.map((each) => each.symbol).join(", ")}`),
        holds.map((each) => el("p", {}, small(`${each.symbol}, confidence ${each.confidence}: `), each.reasoning)),
      )
    : null;
  return [wishes.map(wish), folded];
}

const SIDES = { open_long: "long", open_short: "short" };

export function wish(each) {
  const opening = each.decision_type in SIDES;
  const size = opening ? ` · ${each.size_percent} % · ${each.leverage}×` : each.decision_type === "reduce" ? ` · by ${each.size_percent} %` : "";
  const levels = [
    each.limit_price && `limit ${price(each.limit_price)}`,
    each.stop_price && `stop ${price(each.stop_price)}`,
    each.target_price && `target ${price(each.target_price)}`,
  ];
  const wrong = each.invalidation ? el("p", {}, small("Wrong if: "), each.invalidation) : null;
  return el(
    "div",
    { cls: "wish" },
    el("span", { cls: `chip ${SIDES[each.decision_type] ?? ""}` }, `${words(each.decision_type)} ${each.symbol ?? ""}${size}`),
    each.confidence === null ? null : small(`confidence ${each.confidence}`),
    el("p", {}, each.reasoning),
    opening ? wrong : null,
    small([each.outcome, ...levels].filter(Boolean).join(" · ")),
  );
}

// What happened without a decision of this cycle: stops, targets, liquidations.
function between(turn) {
  const others = turn.fills.filter((fill) => fill.cause !== "decision");
  if (!others.length) return null;
  const told = others.map((fill) =>
    el("p", {}, small(`${words(fill.cause)}: ${fill.side === "BUY" ? "bought" : "sold"} ${price(fill.quantity)} ${fill.symbol} at ${price(fill.price)}, ${clock(fill.time)} UTC, ${signed(fill.realized_pnl)} USDT`)),
  );
  return el("div", { cls: "wish" }, told);
}

export const afterModelCost = (row) => (row.roi_after_model_cost === null ? "unknown" : percent(row.roi_after_model_cost, true));
export const fall = (row) => percent(Number(row.max_drawdown) ? `-${row.max_drawdown}` : "0");
