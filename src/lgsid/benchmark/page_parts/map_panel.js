// One map with its tooltip and card. Panels beside each other point at the same cell.

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const REACH_PX = 12;

function mapPanel(side, method, map, codes, cardRows, palette) {
  const layer = map.depths.find((one) => one.codes === codes);
  const card = cardRows?.length ? cardTable(method, cardRows) : null;
  const heading = element("h3", {}, method.title);
  if (!layer) {
    const text = `With ${codesWord(codes)} (nearly) every place has a prefix of its own: there is nothing to see on a map.`;
    return { node: element("article", { class: "map-panel" }, heading, element("p", { class: "note" }, text), card) };
  }
  const grid = gridOf(map);
  const tooltip = element("div", { class: "tooltip", role: "status", hidden: true });
  const canvas = mapCanvas(side, method, codes);
  const panel = { grid, layer, canvas, tooltip, palette, state: { cell: null, prefix: null }, side };
  listen(panel);
  panel.node = element(
    "article",
    { class: "map-panel" },
    heading,
    element("p", { class: "note" }, layerText(map, layer)),
    element("div", { class: "map-figure" }, canvas, tooltip),
    card,
  );
  return panel;
}

function mapCanvas(side, method, codes) {
  const label = `Map of the city, prefixes of ${codesWord(codes)}, ${method.title}`;
  return element("canvas", { id: `map-canvas-${side}`, tabindex: 0, role: "application", "aria-label": label });
}

function codesWord(codes) {
  return codes === 1 ? "1 code" : `${codes} codes`;
}

function layerText(map, layer) {
  const sharing = layer.sharing.reduce((sum, count) => sum + count, 0);
  const share = Math.round((100 * sharing) / map.places);
  const cells = `${countText(map.cells.column.length)} cells of ${countText(map.cell_m)} m with ${countText(map.places)} places`;
  const out = map.left_out ? `, ${countText(map.left_out)} far ones left out` : "";
  return `${countText(layer.prefixes)} prefixes. ${share} % of the places have the prefix of their cell's color. ${cells}${out}.`;
}

function cardTable(method, rows) {
  const lines = rows.map(([label, value, note]) =>
    element("tr", {}, element("th", { scope: "row" }, label), element("td", {}, value), element("td", {}, note ?? "")),
  );
  const caption = element("caption", {}, "Card", unseen(` of ${method.title}`));
  return element("table", { class: "card" }, caption, element("tbody", {}, lines));
}

function listen(panel) {
  const { canvas } = panel;
  canvas.addEventListener("pointermove", (event) => event.pointerType === "mouse" && pointAt(panel, cellUnder(panel, event)));
  canvas.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && pointAt(panel, null));
  canvas.addEventListener("click", (event) => choosePrefix(panel, cellUnder(panel, event)));
  canvas.addEventListener("keydown", (event) => pressed(panel, event));
  canvas.addEventListener("blur", () => pointAt(panel, null));
}

function cellUnder({ canvas, grid }, event) {
  const box = canvas.getBoundingClientRect();
  const { size, height } = mapScale(grid, box.width);
  const [x, y] = [(event.clientX - box.left) / size, (box.top + height - event.clientY) / size];
  return cellAt(grid, Math.floor(x), Math.floor(y)) ?? nearestCell(grid, x, y, REACH_PX / size);
}

function pressed(panel, event) {
  const direction = ARROWS[event.key];
  const { state } = panel;
  if (direction) {
    pointAt(panel, state.cell === null ? middleCell(panel.grid) : cellTowards(panel.grid, state.cell, direction));
  } else if (event.key === "Enter" || event.key === " ") {
    choosePrefix(panel, state.cell);
  } else if (event.key === "Escape") {
    choosePrefix(panel, null);
  } else {
    return;
  }
  event.preventDefault();
}

// Point at a cell, and at the same one on the map beside it.
function pointAt(panel, cell) {
  for (const other of mapPanels) {
    const same = other === panel || cell === null ? cell : cellAt(other.grid, panel.grid.column[cell], panel.grid.row[cell]);
    if (same === other.state.cell) continue;
    other.state.cell = same;
    showPanel(other);
  }
}

// Show all cells of a cell's prefix, or of all prefixes if it is shown already.
function choosePrefix(panel, cell) {
  const prefix = cell === null ? null : panel.layer.prefix[cell];
  panel.state.prefix = prefix === panel.state.prefix ? null : prefix;
  pointAt(panel, cell);
  showPanel(panel);
}

function showPanel(panel) {
  paintMap(panel.canvas, panel.grid, panel.layer, panel.state, panel.palette);
  const { tooltip, state, grid, layer } = panel;
  tooltip.hidden = state.cell === null;
  if (state.cell === null) return;
  const [prefix, ...lines] = cellTexts(grid, layer, state.cell);
  tooltip.replaceChildren(element("strong", {}, prefix), ...lines.map((text) => element("div", {}, text)));
  placeTooltip(panel);
}

// Beside the cell, inside the map's frame.
function placeTooltip({ canvas, tooltip, grid, state }) {
  const { size, width, height } = mapScale(grid, canvas.clientWidth);
  const [x, y] = corner(grid, state.cell, size, height);
  const isRight = x + size + 14 + tooltip.offsetWidth <= width;
  const left = isRight ? x + size + 14 : x - 14 - tooltip.offsetWidth;
  const top = clamp(y - tooltip.offsetHeight / 2, 0, height + MAP_FOOT - tooltip.offsetHeight);
  const above = left < 0 ? y - 14 - tooltip.offsetHeight : top;
  tooltip.style.transform = `translate(${Math.round(clamp(left, 0, width - tooltip.offsetWidth))}px, ${Math.round(above < 0 ? y + size + 14 : above)}px)`;
}
