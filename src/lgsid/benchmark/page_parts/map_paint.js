// Painting a city map on its canvas.

// `state`: {cell: the cell pointed at, prefix: the prefix chosen}, null if none.
function paintMap(canvas, grid, layer, state, palette) {
  const { size, width, height } = mapScale(grid, canvas.clientWidth);
  const brush = sharpBrush(canvas, width, height + MAP_FOOT);
  const colors = inkColors();
  brush.fillStyle = colors.raised;
  brush.fillRect(0, 0, width, height + MAP_FOOT);
  const shades = colors.isDark ? palette.map(lightened) : palette;
  const gap = size >= 5 ? 0.6 : 0;
  for (let i = 0; i < grid.column.length; i += 1) {
    const prefix = layer.prefix[i];
    const isOther = state.prefix !== null && prefix !== state.prefix;
    brush.globalAlpha = isOther ? 0.1 : cellAlpha(layer.sharing[i] / grid.places[i]);
    brush.fillStyle = isOther ? colors.soft : shades[layer.colours[prefix] % shades.length];
    const [x, y] = corner(grid, i, size, height);
    brush.fillRect(x, y, size - gap, size - gap);
  }
  brush.globalAlpha = 1;
  if (state.prefix !== null) outlinePrefix(brush, grid, layer, state.prefix, size, height, colors.ink);
  if (state.cell !== null) outlineCell(brush, grid, state.cell, size, height, colors);
  paintScale(brush, grid, size, height, colors);
}

function sharpBrush(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.height = `${height}px`;
  const brush = canvas.getContext("2d");
  brush.scale(ratio, ratio);
  return brush;
}

function cellAlpha(share) {
  return 0.3 + 0.7 * share;
}

function corner(grid, cell, size, height) {
  return [grid.column[cell] * size, height - (grid.row[cell] + 1) * size];
}

function inkColors() {
  const style = getComputedStyle(document.documentElement);
  const named = (name) => style.getPropertyValue(`--${name}`).trim();
  const isDark = document.documentElement.dataset.theme === "dark";
  return { isDark, ink: named("ink"), soft: named("soft"), paper: named("paper"), raised: named("raised") };
}

// The shared colors are for light paper; on dark paper they are mixed with white.
function lightened(color) {
  const parts = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
  return `rgb(${parts.map((part) => Math.round(part + 0.3 * (255 - part))).join(" ")})`;
}

// A line around the cells of the prefix where a neighbor has another one.
function outlinePrefix(brush, grid, layer, prefix, size, height, ink) {
  const isIn = (column, row) => layer.prefix[cellAt(grid, column, row)] === prefix;
  brush.strokeStyle = ink;
  brush.lineWidth = 1;
  brush.beginPath();
  for (let i = 0; i < grid.column.length; i += 1) {
    if (layer.prefix[i] !== prefix) continue;
    const [column, row] = [grid.column[i], grid.row[i]];
    const [x, y] = corner(grid, i, size, height);
    if (!isIn(column - 1, row)) line(brush, x, y, x, y + size);
    if (!isIn(column + 1, row)) line(brush, x + size, y, x + size, y + size);
    if (!isIn(column, row + 1)) line(brush, x, y, x + size, y);
    if (!isIn(column, row - 1)) line(brush, x, y + size, x + size, y + size);
  }
  brush.stroke();
}

function line(brush, x1, y1, x2, y2) {
  brush.moveTo(x1, y1);
  brush.lineTo(x2, y2);
}

function outlineCell(brush, grid, cell, size, height, { ink, paper }) {
  const [x, y] = corner(grid, cell, size, height);
  const grown = Math.max(size, 7);
  const at = (size - grown) / 2;
  for (const [color, width] of [[paper, 4.5], [ink, 2]]) {
    brush.strokeStyle = color;
    brush.lineWidth = width;
    brush.strokeRect(x + at, y + at, grown, grown);
  }
}

function paintScale(brush, grid, size, height, { ink }) {
  const km = scaleBar(grid);
  const length = ((km * 1000) / grid.cellM) * size;
  const y = height + MAP_FOOT - 11;
  brush.fillStyle = ink;
  brush.fillRect(10, y - 1, length, 2);
  brush.fillRect(10, y - 4, 1, 8);
  brush.fillRect(9 + length, y - 4, 1, 8);
  brush.font = `12px ${getComputedStyle(document.body).fontFamily}`;
  brush.textBaseline = "middle";
  brush.fillText(km >= 1 ? `${km} km` : `${Math.round(km * 1000)} m`, 18 + length, y);
}
