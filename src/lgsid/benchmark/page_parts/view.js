// What the reader chose. It is kept in the address, so that a view can be linked to.

const ROLES = ["method", "control", "counting"];
const ROLE_WORDS = { method: "method", control: "control", counting: "counting baseline" };
const PLAIN_VIEW = {
  suite: "",
  board: "",
  slice: "",
  sort: "",
  order: "",
  find: "",
  hide: "",
  baseline: "",
  difference: "",
  accuracy: "",
  cost: "",
  map: "",
  beside: "",
  codes: "",
};

function viewOfHash(hash) {
  const chosen = new URLSearchParams(hash.replace(/^#/, ""));
  return Object.fromEntries(Object.keys(PLAIN_VIEW).map((name) => [name, chosen.get(name) ?? ""]));
}

function hashOfView(view) {
  const chosen = Object.keys(PLAIN_VIEW).filter((name) => view[name] !== "");
  return new URLSearchParams(chosen.map((name) => [name, view[name]])).toString();
}

function boardKey(board) {
  return `${board.dataset}/${board.split}`;
}

// The parts of the leaderboard that a view names; what it does not name, or names wrongly, is the usual choice.
function shownBy(leaderboard, view) {
  const suite = leaderboard.suites.find((one) => one.name === view.suite) ?? leaderboard.suites[0];
  const board = suite.boards.find((one) => boardKey(one) === view.board) ?? suite.boards[0];
  const slice = suite.slices.find((one) => one.key === view.slice) ?? suite.slices[0] ?? { key: "", title: "all" };
  const methods = board.methods;
  const columns = suite.columns.filter((column) => methods.some((method) => slice.key + column.key in method.values));
  const columnOf = (key) => columns.find((one) => one.key === key);
  const primary = columnOf(suite.primary) ?? columns[0] ?? null;
  const hidden = view.hide.split(" ");
  const sought = view.find.trim().toLowerCase();
  return {
    suite,
    board,
    slice,
    columns,
    primary,
    methods,
    visible: methods.filter((method) => !hidden.includes(method.role) && isNamed(method, sought)),
    hidden,
    sort: view.sort === "name" ? "name" : (columnOf(view.sort) ?? primary)?.key,
    reversed: view.order === "reversed",
    baseline: methodNamed(methods, view.baseline) ?? methodNamed(methods, board.baseline) ?? methods[0],
    difference: columnOf(view.difference) ?? primary,
    accuracy: columnOf(view.accuracy) ?? primary,
    cost: view.cost === "memory" ? "memory" : "seconds",
  };
}

function isNamed(method, sought) {
  return `${method.title} ${method.name}`.toLowerCase().includes(sought);
}

function methodNamed(methods, name) {
  return methods.find((method) => method.name === name);
}

function measured(shown, method, column) {
  const found = column && method.values[shown.slice.key + column.key];
  return found ? { mean: found[0], low: found[1], high: found[2] } : null;
}

function hasRange(found) {
  return found.low !== null && found.low !== undefined && found.high !== null && found.high !== undefined;
}

// Whether no number of a column, in the slice, exceeds one: then the zero before the point says nothing.
function isBare(shown, column) {
  const found = shown.methods.map((method) => measured(shown, method, column)).filter(Boolean);
  return found.every((one) => Math.max(Math.abs(one.mean), Math.abs(one.high ?? 0)) <= 1);
}

function extent(found) {
  const ends = found.flatMap((one) => (hasRange(one) ? [one.low, one.high, one.mean] : [one.mean]));
  return [Math.min(...ends), Math.max(...ends)];
}

// Ascending unless more is better.
function isDescending(column) {
  return column.higher === true;
}
