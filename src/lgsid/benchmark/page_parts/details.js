// What is known of a method, under its row.

function toggleDetail(method) {
  opened.has(method.name) ? opened.delete(method.name) : opened.add(method.name);
  redraw();
}

function detailRow(method, columns) {
  const box = element(
    "div",
    { class: "detail-box" },
    method.help ? element("p", {}, method.help) : null,
    element("dl", {}, methodFacts(method).map(([word, text]) => [element("dt", {}, word), element("dd", {}, text)])),
  );
  return element("tr", { class: "detail" }, element("td", { colspan: columns }, box));
}

function methodFacts(method) {
  const facts = [
    ["name", method.name],
    ["seeds", method.seeds.length ? method.seeds.join(", ") : "none: deterministic"],
    ["time", isKnown(method.seconds) ? `${durationText(method.seconds)} a seed` : "unknown"],
    ["peak memory", isKnown(method.peak_memory_mb) ? memoryText(method.peak_memory_mb) : "unknown"],
  ];
  return [...facts, ...(method.facts ?? [])];
}

function isKnown(number) {
  return number !== null && number !== undefined;
}

// The box of a detail row stays in sight while the table scrolls sideways.
function fitDetails() {
  const width = byId("table-box").clientWidth;
  for (const box of document.querySelectorAll(".detail-box")) box.style.maxWidth = `${width}px`;
}
