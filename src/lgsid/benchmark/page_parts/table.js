// The table of methods and columns.

const MARK_WIDTH = 104;
const MARK_HEIGHT = 14;
const opened = new Set();

function drawTable(shown, choose) {
  const rows = sortedMethods(shown);
  fill("table-status", statusText(shown));
  fill("table-note", noteText(shown));
  if (!rows.length || !shown.columns.length) {
    fill("table-box", element("p", { class: "notice" }, emptyText(shown)));
    return;
  }
  const looks = shown.columns.map((column) => columnLook(shown, column));
  const body = element("tbody", {}, rows.map((method) => methodRows(shown, method, looks)));
  fill("table-box", element("table", {}, tableHead(shown, looks, choose), body));
}

function emptyText(shown) {
  return shown.columns.length ? "No method has such a name and kind." : "Nothing was measured on this part of the data.";
}

function sortedMethods(shown) {
  if (shown.sort === "name") {
    const named = [...shown.visible].sort((a, b) => a.title.localeCompare(b.title, "en"));
    return shown.reversed ? named.reverse() : named;
  }
  const column = shown.columns.find((one) => one.key === shown.sort);
  if (!column) return shown.visible;
  const sign = isDescending(column) === shown.reversed ? 1 : -1;
  const mean = (method) => measured(shown, method, column)?.mean;
  return [...shown.visible].sort((a, b) => byNumber(mean(a), mean(b), sign));
}

// What was not measured comes last in either direction; equal numbers keep their order.
function byNumber(a, b, sign) {
  if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
  return sign * (a - b);
}

function statusText(shown) {
  const column = shown.columns.find((one) => one.key === shown.sort);
  const by = column ? column.title : "name";
  const end = column && column.higher !== null ? (shown.reversed ? "worst first" : "best first") : orderWord(shown);
  return `${shown.visible.length} of ${shown.methods.length} methods, sorted by ${by}, ${end}.`;
}

function orderWord(shown) {
  return shown.reversed ? "descending" : "ascending";
}

function noteText(shown) {
  return `${shown.suite.interval.replace(/\.$/, "")}. Bold and underlined: the best mean of all methods of the board.`;
}

// What all cells of a column share: how its numbers are written, its best, and the scale of its marks.
function columnLook(shown, column) {
  const found = shown.methods.map((method) => measured(shown, method, column)).filter(Boolean);
  const means = found.map((one) => one.mean);
  const [low, high] = extent(found);
  return {
    column,
    bare: isBare(shown, column),
    best: column.higher === null ? null : column.higher ? Math.max(...means) : Math.min(...means),
    low,
    high,
    isPrimary: column === shown.primary,
  };
}

function tableHead(shown, looks, choose) {
  const sortBy = (key) => () => choose({ sort: key, order: shown.sort === key && !shown.reversed ? "reversed" : "" });
  const name = headCell("name", "Method", "", isUp(shown, "name", false), sortBy("name"));
  const others = looks.map(({ column }) =>
    headCell(column.key, column.title, column.help, isUp(shown, column.key, isDescending(column)), sortBy(column.key)),
  );
  looks.forEach((look, i) => look.isPrimary && others[i].firstChild.append(scaleText(look)));
  return element("thead", {}, element("tr", {}, name, others));
}

// Whether the column is sorted and ascending; null if it is not sorted.
function isUp(shown, key, descending) {
  return shown.sort === key ? descending === shown.reversed : null;
}

function headCell(key, title, help, up, sort) {
  const sorted = up === null ? "none" : up ? "ascending" : "descending";
  const arrow = up === null ? "" : up ? "\u2191" : "\u2193";
  const button = element(
    "button",
    { type: "button", class: "sorter", id: `sort-${key}`, title: help || null, click: sort },
    title,
    element("span", { class: "arrow", "aria-hidden": "true" }, arrow),
  );
  return element("th", { scope: "col", "aria-sort": sorted }, button);
}

function scaleText({ column, bare, low, high }) {
  return element("span", { class: "scale" }, `marks ${rangeText(low, high, column.digits, bare)}`);
}

function methodRows(shown, method, looks) {
  const row = element(
    "tr",
    { class: "method", "data-method": method.name },
    nameCell(method, shown),
    looks.map((look) => valueCell(measured(shown, method, look.column), look, method)),
  );
  return opened.has(method.name) ? [row, detailRow(method, looks.length + 1)] : [row];
}

function nameCell(method) {
  const isOpen = opened.has(method.name);
  const button = element(
    "button",
    { type: "button", class: "opener", id: `open-${method.name}`, "aria-expanded": String(isOpen), click: () => toggleDetail(method) },
    element("span", { class: "name" }, method.title),
  );
  const role = element("span", { class: `role ${roleClass(method)}` }, ROLE_WORDS[method.role] ?? method.role);
  return element("th", { scope: "row" }, button, role);
}

function roleClass(method) {
  return `role-${ROLES.includes(method.role) ? method.role : "control"}`;
}

function valueCell(found, look, method) {
  if (!found) return element("td", { class: "missing", title: "not measured" }, "\u2013");
  const { column, bare } = look;
  const text = fixed(found.mean, column.digits, bare);
  const isBest = look.best !== null && text === fixed(look.best, column.digits, bare);
  const number = element("span", { class: "value" }, element("span", {}, text), isBest ? unseen(" best") : null);
  const range = hasRange(found) ? rangeText(found.low, found.high, column.digits, bare) : "\u00a0";
  const numbers = element("div", {}, number, element("span", { class: "range" }, range));
  const content = look.isPrimary ? element("div", { class: "primary-cell" }, intervalMark(found, look, method), numbers) : numbers;
  return element("td", { class: isBest ? "best" : null }, content);
}

function unseen(text) {
  return element("span", { class: "unseen" }, text);
}

function intervalMark(found, look, method) {
  const x = linearScale(look.low, look.high, 5, MARK_WIDTH - 5);
  const y = MARK_HEIGHT / 2;
  const range = hasRange(found) ? shape("line", { class: "mark", x1: x(found.low), x2: x(found.high), y1: y, y2: y }) : null;
  return shape(
    "svg",
    { class: roleClass(method), width: MARK_WIDTH, height: MARK_HEIGHT, "aria-hidden": "true" },
    shape("line", { class: "track", x1: 1, x2: MARK_WIDTH - 1, y1: y, y2: y }),
    range,
    shape("circle", { class: "dot", cx: x(found.mean), cy: y, r: 2.5 }),
  );
}
