// What is shown, in one place. A listener names the entries it depends on and runs after any of them was set.

export class Store {
  constructor(entries) {
    this.entries = entries;
    this.listeners = [];
  }

  get(name) {
    return this.entries[name];
  }

  set(changes) {
    const changed = Object.keys(changes).filter((name) => changes[name] !== this.entries[name]);
    if (!changed.length) return;
    Object.assign(this.entries, changes);
    for (const { names, run } of this.listeners) if (changed.some((name) => names.includes(name))) run(changed);
  }

  on(names, run) {
    this.listeners.push({ names, run });
    run(names);
  }
}
