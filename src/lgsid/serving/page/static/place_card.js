// One place: its semantic ID code by code, its neighbors in code and on the map, and why it would be recommended.

import { make, refill } from "./elements.js";
import { describe } from "./groups.js";
import { sidMark } from "./sid_mark.js";
import { countText, kmText, sidText, spotText } from "./words.js";

const NEIGHBORS = 5;

// `sides` are those that are shown, each with name, set, grouping and reasons.
export function placeCard(element, row, sides, city, store, calls) {
  const spot = city.spot(row);
  const facts = [city.category(row), city.region(row)].filter(Boolean).join(" · ");
  const isAdded = store.get("history").includes(row);
  const sets = sides.filter(({ set }, at) => set && sides.findIndex((other) => other.set === set) === at);
  refill(element,
    make("article", { class: "card", "aria-label": city.name(row) },
      make("button", { type: "button", class: "back", "data-key": "back", onclick: calls.onBack }, "‹ Back to the list"),
      make("h2", { tabindex: "-1" }, city.name(row)),
      make("p", { class: "facts" }, facts),
      sides.filter(({ closed }) => closed.has(row)).map(({ name }) => make("p", { class: "closed" }, `Closed: its semantic ID is retired, and ${name} does not propose it.`)),
      make("p", { class: "facts" }, `${city.table.id[row]}${spot ? ` · ${spotText(spot)}` : " · position unknown"}`),
      make("div", { class: "row" },
        make("button", { type: "button", class: "main", "data-key": "from-here", disabled: !spot, onclick: () => calls.onSpot(spot) }, "Recommend from here"),
        make("button", { type: "button", class: "plain", "data-key": `add-${row}`, disabled: isAdded, onclick: () => calls.onAdd(row) }, isAdded ? "In the history" : "Add to history")),
      sides.map((side) => reasons(side, sides.length > 1)),
      sets.map((side) => [
        make("h3", {}, "Semantic ID", sets.length > 1 && make("small", {}, ` ${side.set.name}`)),
        levels(row, side, city, calls),
        make("h3", {}, "Neighbors in code", sets.length > 1 && make("small", {}, ` ${side.set.name}`)),
        codeNeighbors(row, side, city, calls),
      ]),
      make("h3", {}, "Neighbors on the map"),
      neighbors(city.nearest(spot, NEIGHBORS + 1).filter((other) => other.row !== row).slice(0, NEIGHBORS), (found) => kmText(found.km), sides[0], city, calls)));
}

function levels(row, side, city, calls) {
  const codes = city.codes(row, side.set);
  if (!codes.length) return make("p", { class: "hint" }, "This set has no codes for the place.");
  return make("ol", { class: "levels" }, codes.map((_, level) => {
    const prefix = codes.slice(0, level + 1);
    const rows = city.withPrefix(side.set, prefix);
    const told = rows.length === 1 ? "this place alone" : `${countText(rows.length, "place")}: ${describe(city, rows)}`;
    return make("li", {},
      make("button", { type: "button", "data-key": `prefix-${side.set.name}-${level}`, title: "Show these places only", disabled: rows.length === 1, onclick: () => calls.onPrefix(prefix, side) },
        make("span", { class: "sid" }, level === 0 && make("i", { class: "swatch", style: { "--color": side.grouping.color(row) ?? "transparent" } }), sidText(prefix)),
        make("span", { class: "facts" }, told)));
  }));
}

function codeNeighbors(row, side, city, calls) {
  const found = city.codeNeighbors(row, side.set, NEIGHBORS);
  if (!found.length) return make("p", { class: "hint" }, "No other place shares its first code.");
  const note = ({ shared, km }) => [`${shared} of ${countText(side.set.sizes.length, "code")} shared`, kmText(km)].filter(Boolean).join(" · ");
  return neighbors(found, note, side, city, calls);
}

function neighbors(found, note, side, city, calls) {
  if (!found.length) return make("p", { class: "hint" }, "None: its position is unknown.");
  return make("ul", { class: "places small" }, found.map((other) =>
    make("li", { onmouseenter: () => calls.onHover(other.row), onmouseleave: () => calls.onHover(null) },
      make("button", { type: "button", class: "place", onclick: () => calls.onPlace(other.row), onfocus: () => calls.onHover(other.row), onblur: () => calls.onHover(null) },
        make("span", { class: "text" },
          make("span", { class: "name" }, city.name(other.row)),
          make("span", { class: "facts" }, [note(other), city.category(other.row), side.closed.has(other.row) && "closed"].filter(Boolean).join(" · "))),
        sidMark(city.codes(other.row, side.set), side.grouping.color(other.row))))));
}

function reasons({ name, explained }, isNamed) {
  if (!explained) return null;
  const title = make("h3", {}, "For this question", isNamed && make("small", {}, ` ${name}`));
  if (explained.status === "waiting") return [title, make("p", { class: "hint" }, "Asking the model…")];
  if (explained.status === "failed") return [title, make("p", { class: "hint" }, explained.error)];
  const { rank, of, listed, excluded_by: excluded, reasons: found } = explained.answer;
  const place = rank ? `Rank ${rank} of ${countText(of, "place")}.` : `Not among the first ${listed} of ${countText(of, "place")}.`;
  return [title,
    make("p", {}, make("b", {}, place), excluded.length ? ` The question leaves it out: ${excluded.join("; ")}.` : ""),
    found.length ? make("ul", { class: "reasons" }, found.map(({ text }) => make("li", {}, text))) : make("p", { class: "hint" }, "Nothing plain speaks for it.")];
}
