// Which color is which prefix: those with the most places in sight, each a button that shows its places only.

import { make, refill } from "./elements.js";
import { describe } from "./groups.js";
import { countText, sidText } from "./words.js";

const MOST = 9;

// `isSeen` tells whether a row is on the visible part of the map.
export function legend(element, side, city, isSeen, onPrefix) {
  const { grouping, set, name, closed } = side;
  if (!set) return refill(element, make("summary", {}, "No semantic IDs"), make("p", { class: "hint" }, "This model has no codes; its places are gray."));
  const counted = [...grouping.groups.values()]
    .map((group) => ({ group, seen: group.rows.filter(isSeen).length }))
    .filter(({ seen }) => seen)
    .sort((a, b) => b.seen - a.seen || b.group.rows.length - a.group.rows.length);
  const many = counted.length - MOST;
  return refill(element,
    make("summary", {}, `${countText(counted.length, "prefix", "prefixes")} in sight`),
    grouping.inside.length > 0 && path(grouping.inside, onPrefix),
    make("ol", {}, counted.slice(0, MOST).map(({ group }) => entry(group, city, set, onPrefix, `${name}-${group.key}`))),
    many > 0 && make("p", { class: "hint" }, `and ${many.toLocaleString("en")} more`),
    closed.size > 0 && make("p", { class: "hint" }, make("i", { class: "ring", "aria-hidden": "true" }), `${countText(closed.size, "place")} closed, drawn as rings`));
}

function entry(group, city, set, onPrefix, key) {
  const isLast = group.codes.length >= set.sizes.length || group.rows.length === 1;
  return make("li", {},
    make("button", { type: "button", "data-key": key, disabled: isLast, title: isLast ? null : "Show these places only", onclick: () => onPrefix(group.codes) },
      make("i", { class: "swatch", style: { "--color": group.color } }),
      make("span", { class: "sid" }, sidText(group.codes)),
      make("span", { class: "facts" }, describe(city, group.rows)),
      make("span", { class: "count" }, group.rows.length.toLocaleString("en"))));
}

function path(inside, onPrefix) {
  return make("p", { class: "path" },
    make("button", { type: "button", "data-key": "all", onclick: () => onPrefix([]) }, "All"),
    inside.map((_, level) => [" › ", level + 1 < inside.length
      ? make("button", { type: "button", onclick: () => onPrefix(inside.slice(0, level + 1)) }, sidText(inside.slice(0, level + 1)))
      : make("b", {}, sidText(inside))]));
}
