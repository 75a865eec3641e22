// The maps of a board: which one or two, and of how many codes.

let mapPanels = [];

function drawMaps(shown, view, choose, palette) {
  const { maps = {}, cards = {} } = shown.board;
  const mapped = shown.methods.filter((method) => maps[method.name]);
  byId("maps-section").hidden = !mapped.length;
  mapPanels = [];
  if (!mapped.length) return;
  const left = methodNamed(mapped, view.map) ?? mapped[0];
  const right = besideOf(mapped, left, view.beside, shown.baseline);
  const pair = right ? [left, right] : [left];
  const depths = [...new Set(pair.flatMap((method) => maps[method.name].depths.map((one) => one.codes)))].sort((a, b) => a - b);
  const codes = depths.find((depth) => String(depth) === view.codes) ?? depths[0] ?? 1;
  drawMapChoices(mapped, left, right, depths, codes, choose);
  const panels = pair.map((method, i) =>
    mapPanel(i ? "right" : "left", method, maps[method.name], codes, cards[method.name], palette),
  );
  byId("maps").className = `maps ${right ? "two" : "one"}`;
  fill("maps", panels.map((panel) => panel.node));
  mapPanels = panels.filter((panel) => panel.canvas);
  mapPanels.forEach(showPanel);
}

// The reader's choice; else the baseline, or a control, as what to compare with; else any other.
function besideOf(mapped, left, name, baseline) {
  const others = mapped.filter((method) => method !== left);
  if (name === "none") return null;
  const compared = others.find((method) => method === baseline) ?? others.find((method) => method.role === "control");
  return methodNamed(others, name) ?? compared ?? others[0] ?? null;
}

function drawMapChoices(mapped, left, right, depths, codes, choose) {
  const none = { value: "none", title: "no second map" };
  const others = methodOptions(mapped.filter((method) => method !== left));
  const levels = depths.map((depth) => ({ value: String(depth), title: codesWord(depth) }));
  fill(
    "map-choices",
    chooser("map", "Map", methodOptions(mapped), left.name, (value) => choose({ map: value })),
    others.length ? chooser("beside", "Beside it", [none, ...others], right?.name ?? "none", (value) => choose({ beside: value })) : null,
    levels.length > 1 ? segmented("codes", "Prefix of", levels, String(codes), (value) => choose({ codes: value })) : null,
  );
}
