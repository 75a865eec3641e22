// The question: where, when, for whom, and which places may be named.

import { fill, make, refill } from "./elements.js";
import { countText, hourText, readSpot, spotText, WEEKDAYS } from "./words.js";

const RADII = [0.5, 1, 2, 5, 10, 20];

export function askForm(form, store, city) {
  const where = make("input", { id: "where", autocomplete: "off", spellcheck: "false", placeholder: "Click the map", "aria-describedby": "where-note" });
  const whereNote = make("p", { id: "where-note", class: "wrong", hidden: true }, "Write a latitude and a longitude, such as 45.0012, -29.9981.");
  const day = make("select", { id: "day" }, WEEKDAYS.map((name, at) => make("option", { value: at }, name)));
  const hour = make("input", { id: "hour", type: "range", min: 0, max: 23, step: 1 });
  const hourShown = make("output", { for: "hour" });
  const user = make("input", { id: "user", autocomplete: "off", spellcheck: "false", placeholder: city.table.example_user ? `for example ${city.table.example_user}` : "an id of the log" });
  const history = make("div", { id: "history" });
  const kind = make("select", { id: "kind" }, make("option", { value: "" }, "All kinds"),
    city.kinds.map(({ name, count }) => make("option", { value: name }, `${name} (${count.toLocaleString("en")})`)));
  const radius = make("select", { id: "radius" }, make("option", { value: "" }, "Any distance"),
    RADII.map((km) => make("option", { value: km }, `Within ${km < 1 ? `${km * 1000} m` : `${km} km`}`)));
  const newOnly = make("input", { id: "new-only", type: "checkbox" });
  const whoLine = make("span", { class: "sum" });
  const filterLine = make("span", { class: "sum" });

  fill(form,
    make("div", { class: "row" },
      field("Where", where),
      make("button", { type: "button", class: "plain", id: "clear", title: "Forget the position" }, "Clear")),
    whereNote,
    make("div", { class: "row" }, field("Day", day),
      make("div", { class: "field grow" }, make("label", { for: "hour" }, "Hour ", hourShown), hour)),
    make("details", { id: "who" }, make("summary", {}, "Who: ", whoLine),
      make("div", { class: "inner" }, field("User of the log", user), make("p", { class: "hint" }, "Or somebody new, who has been to:"), history)),
    make("details", { id: "filters" }, make("summary", {}, "Only: ", filterLine),
      make("div", { class: "inner" },
        make("div", { class: "row" }, field("Kind", kind), field("Distance", radius)),
        make("label", { class: "check" }, newOnly, "Places not visited yet"))),
  );

  form.addEventListener("submit", (event) => event.preventDefault());
  where.addEventListener("change", () => {
    const spot = readSpot(where.value);
    whereNote.hidden = Boolean(spot) || !where.value.trim();
    where.setAttribute("aria-invalid", String(!whereNote.hidden));
    if (spot || !where.value.trim()) store.set({ spot });
  });
  form.querySelector("#clear").addEventListener("click", () => store.set({ spot: null }));
  day.addEventListener("change", () => store.set({ weekday: Number(day.value) }));
  hour.addEventListener("input", () => store.set({ hour: Number(hour.value) }));
  user.addEventListener("change", () => store.set({ user: user.value.trim() }));
  kind.addEventListener("change", () => store.set({ kind: kind.value }));
  radius.addEventListener("change", () => store.set({ radius: radius.value ? Number(radius.value) : null }));
  newOnly.addEventListener("change", () => store.set({ newOnly: newOnly.checked }));

  store.on(["spot"], () => {
    const spot = store.get("spot");
    where.value = spot ? spotText(spot) : "";
    whereNote.hidden = true;
    where.setAttribute("aria-invalid", "false");
    form.querySelector("#clear").disabled = !spot;
  });
  store.on(["weekday", "hour"], () => {
    day.value = store.get("weekday");
    hour.value = store.get("hour");
    hourShown.textContent = hourText(store.get("hour"));
    hour.setAttribute("aria-valuetext", hourText(store.get("hour")));
  });
  store.on(["user", "history"], () => {
    user.value = store.get("user");
    const rows = store.get("history");
    const somebody = rows.length ? `somebody who has been to ${countText(rows.length, "place")}` : "somebody new";
    whoLine.textContent = store.get("user") ? `user ${store.get("user")}` : somebody;
    refill(history, rows.length ? historyList(rows, store, city) : make("p", { class: "hint" }, "Nowhere yet. Press + at a place to add it."));
  });
  store.on(["kind", "radius", "newOnly"], () => {
    kind.value = store.get("kind");
    radius.value = store.get("radius") ?? "";
    newOnly.checked = store.get("newOnly");
    const parts = [store.get("kind"), store.get("radius") && radius.selectedOptions[0].text.toLowerCase(), store.get("newOnly") && "not visited yet"];
    filterLine.textContent = parts.filter(Boolean).join(", ") || "all places";
  });
}

function historyList(rows, store, city) {
  const leave = (at) => store.set({ history: rows.filter((_, other) => other !== at) });
  return make("ol", { class: "chips" }, rows.map((row, at) =>
    make("li", {}, city.name(row),
      make("button", { type: "button", "data-key": `leave-${row}`, "aria-label": `Take ${city.name(row)} out of the history`, onclick: () => leave(at) }, "×"))));
}

function field(label, control) {
  return make("div", { class: "field" }, make("label", { for: control.id }, label), control);
}
