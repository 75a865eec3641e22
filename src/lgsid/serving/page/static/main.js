// The page: loads the city, and ties the question, the maps and the answers together.

import { readAddress, writeAddress } from "./address.js";
import { answerList, comparedLists } from "./answer_list.js";
import { askForm } from "./ask_form.js";
import { City } from "./city.js";
import { byId, fill, make, refill } from "./elements.js";
import { legend } from "./legend.js";
import { placeCard } from "./place_card.js";
import { searchBox } from "./search_box.js";
import { load } from "./service.js";
import { Side } from "./side.js";
import { loadLibrary, Stage } from "./stage.js";
import { Store } from "./store.js";
import { countText, hourText, sidText, WEEKDAYS } from "./words.js";

const WAIT_MS = 120; // for a slider that is still moving
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const isNarrow = window.matchMedia("(max-width: 760px)");
const isCalm = window.matchMedia("(prefers-reduced-motion: reduce)");

async function start() {
  fill(byId("notice"));
  byId("notice").hidden = true;
  try {
    const [table, ground, loaded] = await Promise.all([load("page/places"), load("page/boundaries"), loadLibrary()]);
    run(new City(table), ground, loaded);
  } catch (error) {
    const again = make("button", { type: "button", class: "plain", onclick: start }, "Try again");
    fill(byId("notice"), make("b", {}, "The city cannot be shown. "), error.message, " ", again);
    byId("notice").hidden = false;
    byId("city-line").textContent = "";
    byId("views").querySelector(".waiting")?.remove();
  }
  byId("page").setAttribute("aria-busy", "false");
}

function startingEntries(city) {
  const { models, sids, end } = city.table;
  const setOf = (model) => model.sids ?? sids[0]?.name ?? null;
  const second = models.find((model) => setOf(model) !== setOf(models[0])) ?? models[1] ?? models[0];
  const { choices, ...asked } = readAddress(window.location.hash, city);
  const sides = [models[0], second].map((model, at) => {
    const named = models.find(({ name }) => name === choices[at].model) ?? model;
    return { model: named.name, set: city.sets.has(choices[at].set) ? choices[at].set : setOf(named) };
  });
  const day = (new Date(`${end.slice(0, 10)}T00:00:00Z`).getUTCDay() + 6) % 7;
  const entries = { spot: null, weekday: day, hour: 19, user: "", history: [], kind: "", radius: null, newOnly: true, place: null };
  return { ...entries, depth: 1, prefix: null, isCompared: false, hovered: null, sides, ...asked };
}

function run(city, ground, loaded) {
  const { table } = city;
  byId("city-line").textContent = `${table.title} · ${countText(city.size, "place")}`;
  document.title = `${table.title} · lgsid`;
  const store = new Store(startingEntries(city));
  const sides = [0, 1].map((at) => new Side(city, store, at));
  const shown = () => (store.get("isCompared") ? sides : sides.slice(0, 1));

  const goTo = (row, isByKeyboard) => {
    store.set({ place: row, hovered: null });
    for (const side of shown()) side.view.reveal(city.spot(row));
    if (isByKeyboard) byId("answer").querySelector("h2")?.focus({ preventScroll: true });
    bringAnswerIntoSight();
  };
  const askFrom = (spot) => {
    store.set({ spot, place: null });
    bringAnswerIntoSight();
  };
  const addToHistory = (row) => store.set({ user: "", history: [...store.get("history"), row] });
  const showPrefix = (codes, side) => store.set({ prefix: codes.length ? { set: side.set.name, codes } : null });
  const hover = (row) => store.set({ hovered: row });
  const middle = () => {
    const [west, south, east, north] = table.bounds ?? [0, 0, 0, 0];
    return { lat: (south + north) / 2, lon: (west + east) / 2 };
  };

  const stage = new Stage(city, ground, store, sides, loaded, (side) => ({
    onSpot: askFrom,
    onPlace: (row) => goTo(row, false),
    onHover: hover,
    onMoved: () => showLegend(side),
  }));
  askForm(byId("ask"), store, city);
  searchBox(byId("search"), byId("found"), city, (row) => goTo(row, true));

  const isSeen = (side) => (row) => city.spot(row) !== null && (!side.view?.isReady || side.view.isVisible(row));
  function showLegend(side) {
    if (side.grouping) legend(stage.frames[side.at].legend, side, city, isSeen(side), (codes) => showPrefix(codes, side));
  }
  function paint() {
    for (const side of shown()) {
      side.regroup(dark.matches);
      showLegend(side);
    }
    showAnswers();
  }
  function mark() {
    for (const side of shown()) {
      const { spot, radius, history, place } = store.entries;
      side.view.show({ spot, radius, history, place, results: side.answer.places });
    }
  }
  function showAnswers() {
    const listCalls = (side) => ({
      onPlace: (row) => goTo(row, true),
      onHover: hover,
      onAdd: addToHistory,
      onAgain: () => side.recommend(answered),
      onExample: () => askFrom(middle()),
    });
    const place = store.get("place");
    const isCompared = store.get("isCompared");
    if (isCompared) sides.forEach((side) => answerList(stage.frames[side.at].list, side, city, store, listCalls(side), sides[1 - side.at].answer));
    if (place !== null) {
      const cardCalls = {
        onBack: () => {
          store.set({ place: null });
          byId("page").querySelector(`[data-key="place-${place}"]`)?.focus();
        },
        onSpot: askFrom,
        onAdd: addToHistory,
        onHover: hover,
        onPrefix: showPrefix,
        onPlace: (row) => goTo(row, true),
      };
      byId("answer").removeAttribute("aria-busy");
      placeCard(byId("answer"), place, shown(), city, store, cardCalls);
    } else if (isCompared) refill(byId("answer"), comparedLists(sides[0].answer, sides[1].answer) ?? make("p", { class: "hint" }, "Click the map: both lists stand below the maps."));
    else answerList(byId("answer"), sides[0], city, store, listCalls(sides[0]), null);
  }
  function answered(side) {
    showAnswers();
    mark();
    const { status, places, error, servedBy } = side.answer;
    if (status === "done") {
      if (servedBy.generation !== table.models.find(({ name }) => name === side.name).generation) tellOfSwap();
      const when = `${WEEKDAYS[store.get("weekday")]} at ${hourText(store.get("hour"))}`;
      byId("said").textContent = `${side.name}: ${countText(places.length, "place")} for ${when}`;
    } else if (status === "failed") byId("said").textContent = error;
  }
  function tellOfSwap() {
    const again = make("button", { type: "button", class: "plain", onclick: () => window.location.reload() }, "Load them");
    fill(byId("notice"), "The service has new semantic IDs since this page was loaded. The colors are of the old ones. ", again);
    byId("notice").hidden = false;
  }
  function bringAnswerIntoSight() {
    if (isNarrow.matches) byId(store.get("isCompared") && store.get("place") === null ? "views" : "answer").scrollIntoView({ behavior: isCalm.matches ? "auto" : "smooth", block: "start" });
  }

  let waiting = 0;
  const askAll = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      for (const side of shown()) side.recommend(answered);
      explainAll();
    }, WAIT_MS);
  };
  const explainAll = () => {
    for (const side of shown()) side.explain(store.get("place"), showAnswers);
  };

  stage.start(sides[0], dark.matches);
  stage.sides[0].view.map?.on("load", () => showLegend(sides[0]));
  store.on(["isCompared"], () => stage.compare(store.get("isCompared"), dark.matches));
  store.on(["depth", "prefix", "kind", "sides", "isCompared"], paint);
  store.on(["spot", "weekday", "hour", "user", "history", "kind", "radius", "newOnly", "sides", "isCompared"], askAll);
  store.on(["spot", "radius", "history", "place", "isCompared"], mark);
  store.on(["history", "place"], showAnswers);
  store.on(["place"], explainAll);
  store.on(["hovered"], () => {
    const row = store.get("hovered");
    for (const side of shown()) {
      const codes = row === null ? [] : city.codes(row, side.set);
      side.view.hover(row, codes.length ? sidText(codes) : "");
    }
    for (const button of document.querySelectorAll("button.place[data-row]")) button.classList.toggle("hot", Number(button.dataset.row) === row);
  });
  store.on(["depth", "spot", "weekday", "hour", "user", "history", "kind", "radius", "newOnly", "place", "isCompared", "sides"], () => writeAddress(store, city));
  dark.addEventListener("change", () => {
    for (const side of shown()) side.view.restyle(dark.matches);
    paint();
  });
  byId("page").dataset.ready = "true";
}

start();
