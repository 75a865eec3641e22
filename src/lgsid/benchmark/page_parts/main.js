// Reads the data of the page and draws it, again after every choice.

const leaderboard = JSON.parse(byId("leaderboard-data").textContent);
const palette = JSON.parse(byId("palette-data").textContent);
let view = { ...PLAIN_VIEW };

function choose(change) {
  view = { ...view, ...change };
  window.history.replaceState(null, "", `#${hashOfView(view)}`);
  redraw();
}

// Everything is made anew, so the focus goes to what has the same id now.
function redraw() {
  const focused = document.activeElement?.id;
  const scrolled = byId("table-box").scrollLeft;
  const shown = shownBy(leaderboard, view);
  drawChoices(leaderboard, shown, choose);
  drawTable(shown, choose);
  fitDetails();
  drawDifferences(shown, choose);
  drawCost(shown, choose);
  drawMaps(shown, view, choose, palette);
  byId("table-box").scrollLeft = scrolled;
  if (focused && document.activeElement?.id !== focused) byId(focused)?.focus({ preventScroll: true });
}

function startPage() {
  byId("title").textContent = leaderboard.title;
  byId("source").textContent = leaderboard.source;
  startTheme();
  const hasBoards = leaderboard.suites.some((suite) => suite.boards.length);
  leaderboard.suites = leaderboard.suites.filter((suite) => suite.boards.length);
  byId(hasBoards ? "content" : "empty").hidden = false;
  if (!hasBoards) return;
  readAddress();
  window.addEventListener("hashchange", readAddress);
  byId("find").addEventListener("input", (event) => choose({ find: event.target.value }));
  redrawOnResize();
}

function readAddress() {
  view = viewOfHash(window.location.hash);
  byId("find").value = view.find;
  redraw();
}

function redrawOnResize() {
  let width = byId("content").clientWidth;
  new ResizeObserver(() => {
    if (byId("content").clientWidth === width) return;
    width = byId("content").clientWidth;
    redraw();
  }).observe(byId("content"));
}

startPage();
