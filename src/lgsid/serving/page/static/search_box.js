// Search by name: a text field with a list under it, all by keyboard.

import { make, fill } from "./elements.js";

const MOST = 8;

export function searchBox(input, list, city, onPlace) {
  let rows = [];
  let active = -1;

  function show(found) {
    rows = found;
    active = rows.length ? 0 : -1;
    const isOpen = Boolean(input.value.trim());
    fill(list, rows.map((row, at) => option(row, at)), isOpen && !rows.length && make("li", { class: "hint", role: "presentation" }, "No place of that name or kind."));
    list.hidden = !isOpen;
    input.setAttribute("aria-expanded", String(isOpen && rows.length > 0));
    mark();
  }

  function option(row, at) {
    const facts = [city.category(row), city.region(row)].filter(Boolean).join(" · ");
    const element = make("li", { id: `found-${at}`, role: "option" }, make("span", { class: "name" }, city.name(row)), make("span", { class: "facts" }, facts));
    element.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      choose(at);
    });
    return element;
  }

  function mark() {
    [...list.children].forEach((element, at) => element.setAttribute?.("aria-selected", String(at === active)));
    if (active >= 0) {
      input.setAttribute("aria-activedescendant", `found-${active}`);
      list.children[active].scrollIntoView({ block: "nearest" });
    } else input.removeAttribute("aria-activedescendant");
  }

  function close() {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function choose(at) {
    const row = rows[at];
    if (row === undefined) return;
    input.value = "";
    close();
    onPlace(row);
  }

  input.addEventListener("input", () => show(city.search(input.value, MOST)));
  input.addEventListener("focus", () => input.value.trim() && show(city.search(input.value, MOST)));
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      input.value = "";
      close();
    } else if (event.key === "Enter") choose(active);
    else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && rows.length) {
      event.preventDefault();
      active = (active + (event.key === "ArrowDown" ? 1 : rows.length - 1)) % rows.length;
      mark();
    }
  });
  document.addEventListener("keydown", (event) => {
    const isTyping = ["INPUT", "SELECT", "TEXTAREA"].includes(document.activeElement?.tagName);
    if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    input.focus();
  });
}
