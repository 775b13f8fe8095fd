// The verdict in words: what it is, what supports it, of when it is, and how it is computed.
import { el, small } from "./draw.js";
import { about, count, plural, when } from "./words.js";

const METHOD = [
  "A winner must be all of this: alone in the 90 % Model Confidence Set, the set of models that the data cannot tell from the best one (Hansen, Lunde and Nason, 2011); better than everybody else by its paired differences, the gains of the same day subtracted from each other, at 5 % after Holm's correction for all pairs; and that over 30 days or more. Else there is no winner yet.",
  "Intervals are 90 %. They come from thousands of seasons that are put together from blocks of this one, so that what hangs together in time stays together.",
  "Baselines trade the season's own candles with its fees. Matched random: a thousand traders make a competitor's trades, as many, as long, as large, each at instants drawn at random. Who beats few of them had no better instants than chance.",
];

export function verdict(board, judged) {
  if (!judged) {
    const coming = board.judging ? el("p", { cls: "quiet" }, "The first verdict is being computed.") : null;
    return [el("h2", {}, "Verdict"), el("p", { cls: "headline" }, board.verdict), coming, small(board.remark)];
  }
  const replicas = judged.replicas.map((each) => el("li", {}, twins(each)));
  const remarks = judged.remarks.map((each) => el("li", {}, each));
  return [
    el("h2", {}, "Verdict, ", age(judged)),
    el("p", { cls: "headline" }, judged.headline),
    judged.details.length ? el("p", { cls: "support" }, judged.details.join(" ")) : null,
    replicas.length + remarks.length ? el("ul", { cls: "remarks" }, replicas, remarks) : null,
    el("p", {}, small(of(judged), board.remark ? ` ${board.remark}` : "")),
    el("details", { "data-key": "method" }, el("summary", {}, "How this is computed"), METHOD.map((each) => el("p", {}, each))),
  ];
}

function age(judged) {
  const days = Number(judged.days);
  return days < 1 ? `the first day` : `day ${Math.floor(days) + 1}`;
}

function of(judged) {
  const behind = judged.behind ? `; ${plural(judged.behind, "cycle")} booked since` : "; the newest";
  return `As of cycle ${count(judged.cycles)}, ${when(judged.as_of)} UTC${behind}.`;
}

const points = (text) => about(text).replace("\u00a0%", " points");

function twins(each) {
  const among = each.between === null ? "" : ` The best and the worst model are ${points(each.between)} apart.`;
  return `${each.name} plays ${each.llm_ids.length} times (${each.llm_ids.join(", ")}): its best and its worst are ${points(each.within)} apart.${among}`;
}
