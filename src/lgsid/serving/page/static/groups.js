// Places grouped by the prefix of their semantic IDs, with a color and a few words for each group.

import { prefixColor } from "./colors.js";

const NO_CODES = "#8a929b";

// Groups a set of semantic IDs at a depth. With `inside`, a prefix, only places that start with it are grouped, and the
// groups take the colors of the palette in turn: close up, shades of one hue would be hard to tell apart.
export class Grouping {
  constructor(city, set, depth, inside, isDark) {
    this.inside = inside;
    this.depth = depth;
    this.groups = new Map();
    this.keys = new Array(city.size).fill(null);
    for (let row = 0; set && row < city.size; row += 1) {
      const codes = city.codes(row, set).slice(0, depth);
      if (!codes.length || !inside.every((code, level) => codes[level] === code)) continue;
      const key = codes.join("-");
      this.keys[row] = key;
      const group = this.groups.get(key) ?? { key, codes, rows: [] };
      group.rows.push(row);
      this.groups.set(key, group);
    }
    const { palette } = city.table;
    const sorted = [...this.groups.values()].sort((a, b) => byCodes(a.codes, b.codes));
    sorted.forEach((group, number) => {
      const first = set.colors[group.codes[0]];
      group.color = inside.length
        ? prefixColor(palette[number % palette.length], [0], isDark)
        : prefixColor(palette[first], group.codes, isDark);
    });
  }

  // The color of a place, null where it is in no group.
  color(row) {
    const key = this.keys[row];
    return key === null ? null : this.groups.get(key).color;
  }

  group(row) {
    return this.groups.get(this.keys[row]);
  }
}

export const GRAY = NO_CODES;

// What most places of a group are and where most of them lie, in a few words.
export function describe(city, rows) {
  return [mostFrequent(rows.map((row) => city.region(row))), mostFrequent(rows.map((row) => city.category(row)))].filter(Boolean).join(" · ");
}

function mostFrequent(texts) {
  const counts = new Map();
  for (const text of texts) if (text) counts.set(text, (counts.get(text) ?? 0) + 1);
  let best = "";
  for (const [text, count] of counts) if (count > (counts.get(best) ?? 0)) best = text;
  return best;
}

function byCodes(a, b) {
  const level = a.findIndex((code, at) => code !== b[at]);
  return level < 0 ? 0 : a[level] - b[level];
}
