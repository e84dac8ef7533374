/**
 * A table whose rows stay while their figures change: focus, selection and the reading place of a screen reader last.
 * @module
 */

import { h } from "../page/dom.js";

/**
 * @typedef {Object} Cell
 * @property {string} text
 * @property {"bad" | "fair" | "good" | ""} [tone]
 */

/**
 * @template T
 * @typedef {Object} Column
 * @property {string} title
 * @property {(row: T) => string | Cell} value
 * @property {boolean} [isNumber]
 */

/** @template T */
export class LiveTable {
  /**
   * @param {Object} options
   * @param {string} options.caption
   * @param {string} options.empty
   * @param {Column<T>[]} options.columns
   * @param {(row: T) => string} options.key
   * @param {(row: T) => void} [options.onOpen] makes the first cell of each row a button
   * @param {string} options.testid
   */
  constructor({ caption, empty, columns, key, onOpen, testid }) {
    this.columns = columns;
    this.key = key;
    this.onOpen = onOpen;
    /** @type {Map<string, {row: T, element: HTMLTableRowElement}>} */
    this.rows = new Map();
    this.body = h("tbody", {});
    this.none = h("p", { class: "admin-none" }, empty);
    const heads = columns.map(({ title, isNumber }) => h("th", { scope: "col", class: isNumber ? "number" : "" }, title));
    this.table = h(
      "table",
      { "data-testid": testid },
      h("caption", {}, caption),
      h("thead", {}, h("tr", {}, ...heads)),
      this.body,
    );
    // Wide tables scroll by themselves; who has no pointer can reach them.
    this.element = h("div", { class: "admin-scroll", tabindex: "0", role: "region", "aria-label": caption }, this.table, this.none);
  }

  /** @param {T[]} rows */
  show(rows) {
    const wanted = new Set(rows.map(this.key));
    for (const [key, { element }] of this.rows) {
      if (wanted.has(key)) continue;
      element.remove();
      this.rows.delete(key);
    }
    for (const [place, row] of rows.entries()) {
      const entry = this.#entry(row);
      entry.row = row;
      this.#fill(entry.element, row);
      const there = this.body.children[place];
      if (there !== entry.element) this.body.insertBefore(entry.element, there ?? null);
    }
    this.table.hidden = rows.length === 0;
    this.none.hidden = rows.length > 0;
  }

  /** @param {T} row */
  #entry(row) {
    const key = this.key(row);
    const known = this.rows.get(key);
    if (known) return known;
    const element = h("tr", {});
    const entry = { row, element };
    for (const [place, { isNumber }] of this.columns.entries()) {
      const cell = place === 0 ? h("th", { scope: "row" }) : h("td", { class: isNumber ? "number" : "" });
      if (place === 0 && this.onOpen) {
        cell.append(h("button", { type: "button", class: "admin-open", onclick: () => this.onOpen?.(entry.row) }));
      }
      element.append(cell);
    }
    this.rows.set(key, entry);
    return entry;
  }

  /**
   * @param {HTMLTableRowElement} element
   * @param {T} row
   */
  #fill(element, row) {
    for (const [place, column] of this.columns.entries()) {
      const value = column.value(row);
      const { text, tone = "" } = typeof value === "string" ? { text: value } : value;
      const cell = /** @type {HTMLElement} */ (element.children[place]);
      const holder = cell.querySelector("button") ?? cell;
      if (holder.textContent !== text) holder.textContent = text;
      if (tone) cell.dataset.tone = tone;
      else delete cell.dataset.tone;
    }
  }
}
