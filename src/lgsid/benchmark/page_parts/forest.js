// Paired differences from a baseline: a row for each method, with its interval and p.

const FOREST_NARROW = 620;

function drawDifferences(shown, choose) {
  fill(
    "difference-choices",
    chooser("baseline", "Baseline", methodOptions(shown.methods), shown.baseline?.name, (value) => choose({ baseline: value })),
    chooser("difference", "Column", columnOptions(shown), shown.difference?.key, (value) => choose({ difference: value })),
  );
  const rows = differenceRows(shown);
  fill("forest", rows.length ? forestPlot(shown, rows) : notice(noDifferences(shown)));
}

function noDifferences(shown) {
  const name = shown.baseline?.title ?? "the baseline";
  return `No difference from ${name} was computed for this column and part of the data, or no method is chosen above.`;
}

// The better a method, the higher its row.
function differenceRows(shown) {
  const column = shown.difference;
  const found = column ? shown.board.differences?.[shown.slice.key + column.key]?.[shown.baseline.name] : null;
  const sign = column?.higher === false ? 1 : -1;
  return shown.visible
    .filter((method) => method !== shown.baseline && found?.[method.name])
    .map((method) => {
      const [mean, low, high, , p] = found[method.name];
      return { method, mean, low, high, p };
    })
    .sort((a, b) => sign * (a.mean - b.mean));
}

function forestLayout(rows, width) {
  const narrow = width < FOREST_NARROW;
  const longest = Math.max(...rows.map((row) => textWidth(row.method.title, 13)));
  const left = narrow ? 8 : Math.min(longest + 24, width * 0.34);
  const right = narrow ? width - 8 : width - 250;
  const step = narrow ? 46 : 30;
  return { narrow, left, right, step, top: 30, bottom: 30 + rows.length * step, width };
}

function forestPlot(shown, rows) {
  const column = shown.difference;
  const layout = forestLayout(rows, byId("forest").clientWidth);
  const [low, high] = extent([...rows, { mean: 0, low: 0, high: 0 }]);
  const pad = (high - low) * 0.04 || 0.01;
  const x = linearScale(low - pad, high + pad, layout.left, layout.right);
  const bare = Math.max(Math.abs(low), Math.abs(high)) <= 1;
  const label = `Difference in ${column.title} from ${shown.baseline.title}, ${shown.slice.title}, with 95 % intervals`;
  return shape(
    "svg",
    { width: layout.width, height: layout.bottom + 40, role: "group", "aria-label": label },
    forestDirections(column, x, layout),
    forestAxis(low - pad, high + pad, x, layout, bare),
    rows.map((row, i) => forestRow(row, layout.top + (i + 0.5) * layout.step, x, layout, column, bare)),
  );
}

function forestDirections(column, x, layout) {
  const [worse, better] = directionWords(column, layout);
  const [left, right] = column.higher === false ? [better, worse] : [worse, better];
  const texts = [
    { text: `\u2190 ${left}`, x: x(0) - 8, anchor: "end", room: x(0) - layout.left },
    { text: `${right} \u2192`, x: x(0) + 8, anchor: "start", room: layout.right - x(0) },
  ];
  return texts
    .filter(({ text, room }) => textWidth(text, 12) + 8 <= room + (layout.narrow ? 8 : 60))
    .map(({ text, x: at, anchor }) => shape("text", { class: "small", x: at, y: 16, "text-anchor": anchor }, text));
}

function directionWords(column, layout) {
  if (column.higher === null) return ["less", "more"];
  return layout.narrow ? ["worse", "better"] : ["baseline better", "method better"];
}

function forestAxis(low, high, x, layout, bare) {
  const { ticks, digits } = roundTicks(low, high, layout.narrow ? 4 : 6);
  const marks = ticks.map((tick) => [
    shape("line", { class: "grid", x1: x(tick), x2: x(tick), y1: layout.top, y2: layout.bottom }),
    shape("text", { class: "small", x: x(tick), y: layout.bottom + 18, "text-anchor": "middle" }, tick === 0 ? "0" : signed(tick, digits, bare)),
  ]);
  const zero = shape("line", { class: "zero", x1: x(0), x2: x(0), y1: layout.top - 8, y2: layout.bottom + 4 });
  return [marks, zero];
}

function forestRow(row, middle, x, layout, column, bare) {
  const isMuted = !(isKnown(row.p) && row.p < 0.05);
  const y = layout.narrow ? middle + 11 : middle;
  const digits = column.digits;
  const range = hasRange(row) ? `  [${fixed(row.low, digits, bare)}, ${fixed(row.high, digits, bare)}]` : "";
  const numbers = signed(row.mean, digits, bare) + range;
  const p = isKnown(row.p) ? pText(row.p) : "";
  return shape(
    "g",
    { class: `difference ${isMuted ? "muted" : roleClass(row.method)}`, "data-method": row.method.name },
    hasRange(row) ? shape("line", { class: "mark", x1: x(row.low), x2: x(row.high), y1: y, y2: y }) : null,
    shape("circle", { class: "dot", cx: x(row.mean), cy: y, r: 4.5 }),
    layout.narrow ? narrowTexts(row, numbers, p, middle, layout) : wideTexts(row, numbers, p, middle, layout),
  );
}

function wideTexts(row, numbers, p, middle, layout) {
  const y = middle + 4.5;
  return [
    shape("text", { x: 0, y }, shortened(row.method.title, 13, layout.left - 16)),
    shape("text", { x: layout.width - 74, y, "text-anchor": "end" }, numbers),
    shape("text", { x: layout.width, y, "text-anchor": "end" }, p),
  ];
}

function narrowTexts(row, numbers, p, middle, layout) {
  const mean = numbers.split("  ")[0];
  const right = p ? `${mean}, ${p}` : mean;
  const room = layout.width - textWidth(right, 12) - 16;
  return [
    shape("text", { x: 0, y: middle - 5, class: "halo" }, shortened(row.method.title, 13, room)),
    shape("text", { x: layout.width, y: middle - 5, "text-anchor": "end", class: "small halo" }, right),
  ];
}

// Cut a text to a width in pixels, with an ellipsis where something is lost.
function shortened(text, size, room) {
  if (textWidth(text, size) <= room) return text;
  let kept = text;
  while (kept && textWidth(`${kept}\u2026`, size) > room) kept = kept.slice(0, -1);
  return `${kept.trimEnd()}\u2026`;
}
