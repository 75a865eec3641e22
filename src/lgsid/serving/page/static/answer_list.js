// What is recommended, as a list; or in words why there is none.

import { make, refill } from "./elements.js";
import { sidMark } from "./sid_mark.js";
import { countText, kmText, whyText } from "./words.js";

// `side` has answer, set and grouping; `calls` has onPlace, onHover, onAdd, onAgain and onExample; `other` is the answer
// beside it, or null.
export function answerList(element, side, city, store, calls, other) {
  const { answer } = side;
  element.setAttribute("aria-busy", String(answer.status === "waiting"));
  if (answer.status === "idle") return refill(element, idle(calls));
  if (answer.status === "failed") return refill(element, failed(answer.error, calls));
  if (answer.status === "waiting" && !answer.places.length) return refill(element, make("p", { class: "hint" }, "Asking the model…"));
  if (!answer.places.length) return refill(element, make("p", { class: "hint" }, "No place to recommend here. Allow a wider radius, all kinds, or visited places."));
  const ranks = other && new Map(other.places.map(({ row, rank }) => [row, rank]));
  const rows = answer.places.map((place) => item(place, side, city, store, calls, ranks));
  const spots = answer.places.map(({ row }) => city.spot(row));
  const generation = answer.servedBy?.generation;
  const there = answer.standingAt === undefined ? "" : `, for somebody at ${city.name(answer.standingAt)}`;
  const told = make("p", { class: "told" },
    make("span", { class: "facts", title: generation ? `Semantic IDs ${generation}` : null }, `${countText(rows.length, "place")} from ${side.name}${there}`),
    side.view?.map && make("button", { type: "button", "data-key": "zoom", onclick: () => side.view.frame([store.get("spot"), ...spots]) }, "Zoom to them"));
  return refill(element, told, make("ol", { class: "places" }, rows));
}

function item(place, side, city, store, calls, ranks) {
  const { row, rank, km, why } = place;
  const facts = [kmText(km), city.category(row), city.region(row)].filter(Boolean).join(" · ");
  const isAdded = store.get("history").includes(row);
  return make("li", { onmouseenter: () => calls.onHover(row), onmouseleave: () => calls.onHover(null) },
    make("button", { type: "button", class: "place", "data-key": `place-${row}`, "data-row": row, onclick: () => calls.onPlace(row), onfocus: () => calls.onHover(row), onblur: () => calls.onHover(null) },
      make("span", { class: "rank" }, rank),
      make("span", { class: "text" },
        make("span", { class: "name" }, city.name(row)),
        make("span", { class: "facts" }, facts),
        why && make("span", { class: "why" }, whyText(why)),
        make("span", { class: "marks" }, sidMark(city.codes(row, side.set), side.grouping.color(row)), ranks && elsewhere(ranks.get(row))))),
    make("button", { type: "button", class: "add", "data-key": `add-${row}`, disabled: isAdded, "aria-label": isAdded ? `${city.name(row)} is in the history` : `Add ${city.name(row)} to the history`, title: isAdded ? "In the history" : "Add to the history", onclick: () => calls.onAdd(row) }, isAdded ? "✓" : "+"));
}

function elsewhere(rank) {
  return make("span", { class: rank ? "elsewhere" : "elsewhere alone" }, rank ? `other list: ${rank}` : "only here");
}

function idle(calls) {
  return make("div", { class: "idle" },
    make("p", { class: "lead" }, "Where are you?"),
    make("p", {}, "Click a free spot of the map for recommendations around it, or a place to see its semantic ID. With the keyboard: move the map with the arrows and press Enter."),
    make("button", { type: "button", class: "main", "data-key": "example", onclick: calls.onExample }, "Try the middle of the city"));
}

function failed(error, calls) {
  return make("div", { class: "failed" },
    make("p", { class: "lead" }, "No recommendations"),
    make("p", {}, error),
    make("button", { type: "button", class: "plain", "data-key": "again", onclick: calls.onAgain }, "Try again"));
}

// What two lists have in common, in words.
export function comparedLists(a, b) {
  if (!a.places.length || !b.places.length) return null;
  const rows = new Set(b.places.map(({ row }) => row));
  const both = a.places.filter(({ row }) => rows.has(row)).length;
  const far = ({ places }) => middle(places.map(({ km }) => km).filter((km) => km !== null));
  const away = [far(a), far(b)].map((km) => (km === null ? "unknown" : kmText(km)));
  return make("div", { class: "compared" },
    make("p", {}, make("b", {}, `${both} of ${a.places.length}`), " places are in both lists."),
    make("p", {}, "Half of the places are nearer than ", make("b", {}, away[0]), " in the left list and ", make("b", {}, away[1]), " in the right one."));
}

function middle(values) {
  if (!values.length) return null;
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}
