// What is asked, in the fragment of the address, so that a reload and a link show the same.

const NUMBERS = ["depth", "weekday", "hour", "radius"];

export function readAddress(fragment, city) {
  const given = new URLSearchParams(fragment.replace(/^#/, ""));
  const found = {};
  const spot = (given.get("spot") ?? "").split(",").map(Number);
  if (spot.length === 2 && spot.every(Number.isFinite) && Math.abs(spot[0]) <= 90 && Math.abs(spot[1]) <= 180) found.spot = { lat: spot[0], lon: spot[1] };
  for (const name of NUMBERS) {
    const value = Number(given.get(name));
    if (given.has(name) && Number.isFinite(value)) found[name] = value;
  }
  const levels = Math.max(1, ...city.table.sids.map(({ sizes }) => sizes.length));
  if (found.depth !== undefined) found.depth = Math.min(levels, Math.max(1, Math.round(found.depth)));
  if (found.weekday !== undefined) found.weekday = Math.min(6, Math.max(0, Math.round(found.weekday)));
  if (found.hour !== undefined) found.hour = Math.min(23, Math.max(0, Math.round(found.hour)));
  if (found.radius !== undefined && found.radius <= 0) delete found.radius;
  if (given.get("user")) found.user = given.get("user");
  if (city.kinds.some(({ name }) => name === given.get("kind"))) found.kind = given.get("kind");
  if (given.get("new") === "0") found.newOnly = false;
  if (given.get("compare") === "1") found.isCompared = true;
  const rows = given.getAll("been").map((id) => city.rows.get(id)).filter((row) => row !== undefined);
  if (rows.length) found.history = rows;
  const place = city.rows.get(given.get("place") ?? "");
  if (place !== undefined) found.place = place;
  found.choices = ["a", "b"].map((side) => ({ model: given.get(side), set: given.get(`${side}_sids`) }));
  return found;
}

export function writeAddress(store, city) {
  const told = new URLSearchParams();
  const spot = store.get("spot");
  if (spot) told.set("spot", `${spot.lat.toFixed(5)},${spot.lon.toFixed(5)}`);
  for (const name of NUMBERS) if (store.get(name) !== null) told.set(name, store.get(name));
  if (store.get("user")) told.set("user", store.get("user"));
  for (const row of store.get("history")) told.append("been", city.table.id[row]);
  if (store.get("kind")) told.set("kind", store.get("kind"));
  if (!store.get("newOnly")) told.set("new", "0");
  if (store.get("place") !== null) told.set("place", city.table.id[store.get("place")]);
  if (store.get("isCompared")) told.set("compare", "1");
  store.get("sides").slice(0, store.get("isCompared") ? 2 : 1).forEach(({ model, set }, at) => {
    const side = "ab"[at];
    told.set(side, model);
    if (set) told.set(`${side}_sids`, set);
  });
  history.replaceState(null, "", `#${told}`);
}
