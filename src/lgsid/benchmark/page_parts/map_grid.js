// The grid of a city map, as `city_map` writes it: which cells there are, and what one of them holds.

const MAP_FOOT = 30;

function gridOf(map) {
  const { column, row_starts: starts, places } = map.cells;
  const row = column.map(() => 0);
  for (let r = 0; r < map.rows; r += 1) row.fill(r, starts[r], starts[r + 1]);
  const at = new Map(column.map((c, i) => [row[i] * map.columns + c, i]));
  return { columns: map.columns, rows: map.rows, cellM: map.cell_m, column, row, places, at };
}

function cellAt(grid, column, row) {
  if (column < 0 || column >= grid.columns) return null;
  return grid.at.get(row * grid.columns + column) ?? null;
}

// The occupied cell nearest to a spot (in cells), if there is one within `reach` cells.
function nearestCell(grid, x, y, reach) {
  let [best, least] = [null, reach * reach];
  for (let i = 0; i < grid.column.length; i += 1) {
    const away = (grid.column[i] + 0.5 - x) ** 2 + (grid.row[i] + 0.5 - y) ** 2;
    if (away <= least) [best, least] = [i, away];
  }
  return best;
}

// The next occupied cell in a direction: near, and rather ahead than aside.
function cellTowards(grid, from, [dx, dy]) {
  let [best, least] = [from, Infinity];
  for (let i = 0; i < grid.column.length; i += 1) {
    const [x, y] = [grid.column[i] - grid.column[from], grid.row[i] - grid.row[from]];
    const ahead = x * dx + y * dy;
    const away = ahead + 2.5 * Math.abs(x * dy + y * dx);
    if (ahead > 0 && away < least) [best, least] = [i, away];
  }
  return best;
}

// The middle of all places: where the keyboard starts.
function middleCell(grid) {
  const total = grid.places.reduce((sum, count) => sum + count, 0);
  const mean = (values) => values.reduce((sum, value, i) => sum + (value + 0.5) * grid.places[i], 0) / total;
  return nearestCell(grid, mean(grid.column), mean(grid.row), Infinity);
}

// A prefix as the tokens of an index file: <a_12><b_3>.
function prefixText(codes) {
  return codes.map((code, level) => `<${levelLetters(level)}_${code}>`).join("");
}

function levelLetters(level) {
  const last = String.fromCharCode(97 + (level % 26));
  return level < 26 ? last : levelLetters(Math.floor(level / 26) - 1) + last;
}

function cellTexts(grid, layer, cell) {
  const prefix = layer.prefix[cell];
  const [places, sharing] = [grid.places[cell], layer.sharing[cell]];
  const most = layer.prefix.filter((one) => one === prefix).length;
  const share = `${Math.round((100 * sharing) / places)} %`;
  return [
    prefixText(layer.prefix_codes[prefix]),
    places === 1 ? "1 place in this cell" : `${countText(places)} places in this cell, ${countText(sharing)} with this prefix (${share})`,
    `most frequent in ${countText(most)} ${most === 1 ? "cell" : "cells"}`,
  ];
}

function mapScale(grid, width) {
  const size = width / grid.columns;
  return { size, width, height: grid.rows * size };
}

// The longest of 1, 2, 5, 10, ... km that is at most a quarter of the map's width.
function scaleBar(grid) {
  const limit = (grid.columns * grid.cellM) / 4000;
  const power = 10 ** Math.floor(Math.log10(limit));
  return Math.max(...[1, 2, 5].map((step) => step * power).filter((km) => km <= limit * 1.000001));
}
