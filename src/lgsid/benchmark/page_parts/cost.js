// Accuracy over what a method costs.

const SECOND_TICKS = [0.001, 0.01, 0.1, 1, 10, 60, 600, 3600, 36000, 360000, 3600000];
const CLOSE_SECOND_TICKS = [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 18000, 36000, 72000];
const MEGABYTE_TICKS = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144];
const CLOSE_MEGABYTE_TICKS = [...Array(20).keys()].map((power) => 2 ** power);
const FEW_TICKS = 3;
const COST_NARROW = 560;
const COST_LABEL = 12.5;
const COSTS = {
  seconds: { title: "Time", axis: "time of a seed, all stages (log scale)", of: (method) => method.seconds, text: durationText, ticks: [SECOND_TICKS, CLOSE_SECOND_TICKS] },
  memory: { title: "Peak memory", axis: "peak memory (log scale)", of: (method) => method.peak_memory_mb, text: memoryText, ticks: [MEGABYTE_TICKS, CLOSE_MEGABYTE_TICKS] },
};

function drawCost(shown, choose) {
  const axes = Object.entries(COSTS).map(([value, { title }]) => ({ value, title }));
  fill(
    "cost-choices",
    chooser("accuracy", "Column", columnOptions(shown), shown.accuracy?.key, (value) => choose({ accuracy: value })),
    segmented("cost-axis", "Cost", axes, shown.cost, (value) => choose({ cost: value })),
  );
  const cost = COSTS[shown.cost];
  const known = shown.visible.filter((method) => measured(shown, method, shown.accuracy));
  const points = known.filter((method) => cost.of(method) > 0).map((method) => costPoint(shown, method, cost));
  const unknown = known.filter((method) => !(cost.of(method) > 0));
  fill("cost-note", costNote(shown, unknown));
  fill("cost", points.length ? costPlot(shown, points, cost) : notice("No chosen method has a known cost."));
}

function costPoint(shown, method, cost) {
  return { method, cost: cost.of(method), ...measured(shown, method, shown.accuracy) };
}

function costNote(shown, unknown) {
  const front = "Dashed: no other method shown is both better and cheaper.";
  const missing = unknown.length ? ` Cost unknown, not drawn: ${unknown.map((method) => method.title).join(", ")}.` : "";
  return (shown.accuracy?.higher === null ? "" : front) + missing;
}

function costPlot(shown, points, cost) {
  const width = byId("cost").clientWidth;
  const box = { left: 52, right: width - 12, top: 28, bottom: width < COST_NARROW ? 500 : clamp(width * 0.5, 340, 470) };
  const [cheap, dear] = spread(points.map((point) => point.cost));
  const [low, high] = extent(points);
  const pad = (high - low) * 0.06 || 0.01;
  const x = logScale(cheap, dear, box.left, box.right);
  const y = linearScale(low - pad, high + pad, box.bottom, box.top);
  const placed = points.map((point) => ({ ...point, x: x(point.cost), y: y(point.mean) }));
  const label = `${shown.accuracy.title}, ${shown.slice.title}, over ${cost.axis}`;
  return shape(
    "svg",
    { width, height: box.bottom + 48, role: "group", "aria-label": label },
    costAxes(shown, cost, [cheap, dear], [low - pad, high + pad], { x, y }, box),
    costFront(placed, shown.accuracy),
    placed.map((point) => whisker(point, y)),
    costLabels(placed, y, box, shown.accuracy),
    placed.map((point) => costDot(point)),
  );
}

// Bounds of a log axis with room at both ends.
function spread(costs) {
  const [low, high] = [Math.min(...costs), Math.max(...costs)];
  const room = Math.max(high / low, 10) ** 0.1;
  return [low / room, high * room];
}

function costAxes(shown, cost, [cheap, dear], [low, high], { x, y }, box) {
  const { ticks, digits } = roundTicks(low, high, 5);
  const bare = isBare(shown, shown.accuracy);
  const across = ticks.map((tick) => [
    shape("line", { class: "grid", x1: box.left, x2: box.right, y1: y(tick), y2: y(tick) }),
    shape("text", { class: "small", x: box.left - 8, y: y(tick) + 4, "text-anchor": "end" }, fixed(tick, digits, bare)),
  ]);
  const shownTicks = costTicks(cost, cheap, dear, x);
  const up = shownTicks.map((tick) => [
    shape("line", { class: "axis", x1: x(tick), x2: x(tick), y1: box.bottom, y2: box.bottom + 5 }),
    costTickText(cost.text(tick), x(tick), box),
  ]);
  return [
    across,
    shape("line", { class: "axis", x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom }),
    up,
    shape("text", { class: "small", x: (box.left + box.right) / 2, y: box.bottom + 40, "text-anchor": "middle" }, cost.axis),
    shape("text", { class: "small", x: 0, y: 14 }, shown.accuracy.title + directionWord(shown.accuracy)),
  ];
}

// Under its tick, but never beyond the figure's edge.
function costTickText(text, middle, box) {
  const half = textWidth(text, 12) / 2 + 1;
  const at = clamp(middle, half, box.right + 12 - half);
  return shape("text", { class: "small", x: at, y: box.bottom + 20, "text-anchor": "middle" }, text);
}

function directionWord(column) {
  if (column.higher === null) return "";
  return column.higher ? ", higher is better" : ", lower is better";
}

// Ticks at round costs; closer ones where there would be few.
function costTicks(cost, cheap, dear, x) {
  const [wide, close] = cost.ticks.map((ticks) => ticks.filter((tick) => tick >= cheap && tick <= dear));
  return apart(wide.length < FEW_TICKS ? close : wide, x, 52);
}

// Ticks that are at least `gap` pixels from the last one kept.
function apart(ticks, x, gap) {
  return ticks.reduce((kept, tick) => (kept.length && x(tick) - x(kept.at(-1)) < gap ? kept : [...kept, tick]), []);
}

function costFront(points, column) {
  if (column.higher === null) return null;
  const sign = column.higher ? 1 : -1;
  const front = frontOf(points, sign);
  const path = front.map((point, i) => (i ? `H${point.x}V${point.y}` : `M${point.x} ${point.y}`)).join("");
  return shape("path", { class: "front", d: path });
}

// The points that no other is better and cheaper than, the cheapest first.
function frontOf(points, sign) {
  const order = [...points].sort((a, b) => a.cost - b.cost || sign * (b.mean - a.mean));
  return order.filter((point, i) => order.slice(0, i).every((other) => sign * (point.mean - other.mean) > 0));
}

function whisker(point, y) {
  if (!hasRange(point)) return null;
  const ends = { x1: point.x, x2: point.x, y1: y(point.low), y2: y(point.high) };
  return shape("g", { class: roleClass(point.method) }, shape("line", { class: "mark whisker", ...ends }));
}

function costDot({ x, y, method }) {
  const marks = {
    "role-method": shape("circle", { class: "dot", cx: x, cy: y, r: 5 }),
    "role-control": shape("rect", { class: "dot", x: x - 4.5, y: y - 4.5, width: 9, height: 9 }),
    "role-counting": shape("path", { class: "dot", d: `M${x} ${y - 6}L${x + 6} ${y + 5}H${x - 6}Z` }),
  };
  return shape("g", { class: roleClass(method), "data-method": method.name }, marks[roleClass(method)]);
}

function costLabels(points, y, box, column) {
  const room = (box.right - box.left) * 0.6;
  const labelled = points.map((point) => {
    const text = shortened(point.method.title, COST_LABEL, room);
    return { ...point, text, label: { width: textWidth(text, COST_LABEL) + 2, height: 15 } };
  });
  const whiskers = points.filter(hasRange).map((p) => ({ x: p.x - 1, y: y(p.high), width: 2, height: y(p.low) - y(p.high) }));
  const bars = [...whiskers, ...frontBars(points, column)];
  const bounds = { x: box.left, y: box.top - 10, width: box.right - box.left + 12, height: box.bottom - box.top + 8 };
  return placeLabels(labelled, bars, bounds).map((place, i) => costLabel(labelled[i], place));
}

// The level parts of the dashed line.
function frontBars(points, column) {
  const front = column.higher === null ? [] : frontOf(points, column.higher ? 1 : -1);
  return front.slice(1).map((end, i) => ({ x: front[i].x, y: front[i].y - 1, width: end.x - front[i].x, height: 2 }));
}

function costLabel({ x, y, text }, place) {
  const [endX, endY] = nearestOf(place, x, y);
  const isFar = Math.hypot(endX - x, endY - y) > 10;
  const leader = isFar ? shape("line", { class: "leader", x1: x, y1: y, x2: endX, y2: endY }) : null;
  return [leader, shape("text", { class: "halo label", x: place.x + 1, y: place.y + 12 }, text)];
}
