// The page: shows the view that the address names, and again whenever the season has changed.
import { competitor } from "./competitor.js";
import { el, Field } from "./draw.js";
import { fairness } from "./fairness.js";
import { markets } from "./markets.js";
import { Problem, read } from "./read.js";
import { next, season } from "./season.js";
import { alertList, cycle, tradeList } from "./views.js";
import { count } from "./words.js";

const AGAIN_MS = 2000;
const content = document.getElementById("content");
const context = { field: null, status: null, board: null };
let view = null;
let shown = null; // the address of the view
let connected = true;
let running = null;
let asked = false;

const ROUTES = [
  [/^#\/decisions$/, () => cycle(context, null)],
  [/^#\/cycles\/(\d+)$/, (number) => cycle(context, Number(number))],
  [/^#\/competitors\/([^/]+)(?:\/cycles\/(\d+))?$/, (id, number) => competitor(context, decodeURIComponent(id), number ? Number(number) : null)],
  [/^#\/markets(?:\/([^/]+))?$/, (symbol) => markets(context, symbol ? decodeURIComponent(symbol) : null)],
  [/^#\/trades$/, () => tradeList(context)],
  [/^#\/fairness$/, () => fairness(context)],
  [/^#\/alerts$/, () => alertList(context)],
  [/^/, () => season(context)],
];

function routed(address) {
  for (const [pattern, open] of ROUTES) {
    const match = address.match(pattern);
    if (match) return open(...match.slice(1));
  }
}

// One refresh at a time; what changes meanwhile is shown by one more.
function refresh() {
  if (running) asked = true;
  else running = update().finally(() => {
    running = null;
    if (asked) {
      asked = false;
      refresh();
    }
  });
}

async function update() {
  try {
    const before = context.status?.last_cycle?.number;
    const [status, board] = await Promise.all([read("/status"), read("/leaderboard")]);
    Object.assign(context, { status, board, field: new Field(board) });
    if (shown !== location.hash || !view) open();
    await view.refresh();
    say(before, status.last_cycle?.number);
  } catch (error) {
    failed(error);
  }
  tell();
}

function open() {
  view?.end?.();
  shown = location.hash;
  view = routed(shown);
  content.replaceChildren(...view.nodes);
  const current = { "#/": "#/", "": "#/" }[shown] ?? shown.replace(/^#\/cycles\/.*/, "#/decisions").replace(/^#\/markets\/.*/, "#/markets");
  for (const link of document.querySelectorAll("header nav a")) {
    if (link.getAttribute("href") === current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function say(before, now) {
  if (before && now && before !== now) document.getElementById("spoken").textContent = `Cycle ${count(now)} was booked.`;
}

function failed(error) {
  view?.end?.();
  view = null;
  const waits = error instanceof Problem && error.status === 503;
  content.replaceChildren(el("section", {}, el("h2", {}, waits ? "Waiting" : "Not shown"), el("p", {}, error.message)));
  if (!(error instanceof Problem)) console.warn(error);
  if (!(error instanceof Problem) || waits) setTimeout(refresh, AGAIN_MS);
}

function tell() {
  const { status } = context;
  if (!status) return;
  const market = document.getElementById("market");
  market.hidden = !status.market_warning;
  market.textContent = `${status.market}: ${status.market_warning}`;
  market.className = `pill${["generated", "recorded", "paper"].includes(status.market_kind) ? " warn" : ""}`;
  pill(document.getElementById("state"), status);
}

function pill(state, status) {
  const well = connected && status.state === "running" && !status.store_away;
  const words = !connected
    ? "not connected: this is what was last known"
    : status.store_away
      ? "the store is out of reach"
      : status.state === "running"
        ? `running · ${status.under_way ? `cycle ${count(status.under_way.number)} under way` : `next ${next(status)}`}`
        : `${status.state}: ${status.reason}`;
  if (state.dataset.words === words) return;
  state.dataset.words = words;
  state.className = `pill${well ? "" : " warn"}`;
  state.replaceChildren(el("span", { cls: "dot", "aria-hidden": "true" }), words);
}

function listen(known = null) {
  const events = new EventSource("/events");
  events.addEventListener("changed", (event) => {
    if (known !== JSON.parse(event.data).version) refresh(); // the first one may only say what is shown already
    known = null;
  });
  events.onopen = () => {
    connected = true;
    tell();
  };
  events.onerror = () => {
    connected = false;
    tell();
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, AGAIN_MS);
  };
}

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // as an address it would be another view
  content.focus();
});
window.addEventListener("hashchange", () => {
  refresh();
  content.focus({ preventScroll: true });
  window.scrollTo(0, 0);
});
setInterval(tell, 1000);
refresh();
running.finally(() => listen(context.status?.version ?? null));
