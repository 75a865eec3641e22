// One of the sides that can be compared: a model with its answers, and a set of semantic IDs with its colors.

import { Grouping } from "./groups.js";
import { ask } from "./service.js";
import { momentText } from "./words.js";

const IDLE = { status: "idle", places: [] };
export const K = 10;

export class Side {
  constructor(city, store, at) {
    Object.assign(this, { city, store, at, answer: IDLE, explained: null, grouping: null, view: null });
  }

  get choice() {
    return this.store.get("sides")[this.at];
  }

  get name() {
    return this.choice.model;
  }

  // Rows of the places that the model does not propose, since they are retired.
  get closed() {
    return this.city.closed.get(this.name) ?? new Set();
  }

  get set() {
    return this.city.sets.get(this.choice.set) ?? null;
  }

  // Colors the places again, and tells the map.
  regroup(isDark) {
    const { store, city, set } = this;
    const prefix = store.get("prefix");
    const inside = set && prefix?.set === set.name ? prefix.codes : [];
    const levels = set ? set.sizes.length : 1;
    this.grouping = new Grouping(city, set, Math.min(levels, Math.max(store.get("depth"), inside.length + 1)), inside, isDark);
    const owner = prefix && city.sets.get(prefix.set);
    const kind = store.get("kind");
    const isMeant = (row) =>
      (!owner || city.hasPrefix(owner, row, prefix.codes)) && (!kind || city.group(row) === kind || city.category(row) === kind);
    this.view?.paint(this.grouping, isMeant, this.closed);
  }

  // The question as the service takes it, null while nothing is known of who asks.
  question() {
    const { store, city } = this;
    const [spot, user, rows] = [store.get("spot"), store.get("user"), store.get("history")];
    if (!spot && !user && !rows.length) return null;
    const question = {
      model: this.name,
      time: momentText(city.table.end, store.get("weekday"), store.get("hour")),
      filters: { category: store.get("kind") ? [store.get("kind")] : [], new_only: store.get("newOnly") },
    };
    if (user) question.user = user;
    else question.history = rows.map((row) => city.table.id[row]);
    if (spot) Object.assign(question, { latitude: spot.lat, longitude: spot.lon });
    if (store.get("radius")) question.radius_km = store.get("radius");
    return question;
  }

  // Asks the model and calls `changed` when the answer changes; a later question overtakes an earlier one.
  async recommend(changed) {
    this.asking?.abort();
    const question = this.question();
    if (!question) {
      this.answer = IDLE;
      changed(this);
      return;
    }
    const asking = (this.asking = new AbortController());
    this.answer = { status: "waiting", places: this.answer.places };
    changed(this);
    try {
      const told = await ask("recommend", { ...question, k: K }, asking.signal);
      const places = told.places.map((place) => ({ ...place, row: this.city.rows.get(place.item) }));
      this.answer = { status: "done", places: places.filter(({ row }) => row !== undefined), servedBy: told.served_by, standingAt: this.city.rows.get(told.standing_at) };
    } catch (error) {
      if (error.name === "AbortError") return;
      this.answer = { status: "failed", places: [], error: error.message };
    }
    changed(this);
  }

  // Asks why the model would, or would not, recommend a place for the question at hand.
  async explain(row, changed) {
    this.explaining?.abort();
    const question = row === null ? null : this.question();
    this.explained = question && { status: "waiting" };
    changed(this);
    if (!question) return;
    const explaining = (this.explaining = new AbortController());
    try {
      this.explained = { status: "done", answer: await ask("explain", { ...question, item: this.city.table.id[row] }, explaining.signal) };
    } catch (error) {
      if (error.name === "AbortError") return;
      this.explained = { status: "failed", error: error.message };
    }
    changed(this);
  }
}
