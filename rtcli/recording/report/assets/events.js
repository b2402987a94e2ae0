"use strict";
/* The list of events: as many rows in the page as can be seen, whatever their number. */

const ROW = 24; // pixels
const MAX_PRINTED = 500;

class EventList {
  /** `onSelect(number)` is told which event was chosen; `moments` are what is between the events. */
  constructor(events, moments, onSelect) {
    this.events = events;
    this.moments = moments;
    this.rows = []; // numbers of events; below 0 a moment: -1 is the first of them
    this.active = -1;
    this._onSelect = onSelect;
    this.grid = document.getElementById("grid");
    this.body = document.getElementById("grid-body");
    this.holder = document.getElementById("grid-rows");
    this.count = document.getElementById("count");
    this.body.addEventListener("scroll", () => this.render(), { passive: true });
    this.grid.addEventListener("keydown", (event) => this._key(event));
    this.body.addEventListener("click", (event) => this._click(event));
    new ResizeObserver(() => this.render()).observe(this.body);
    this.filter("");
  }

  /** Show the events that an expression lets pass. Throws FilterError. */
  filter(expression) {
    const passes = parseFilter(expression);
    const chosen = this.rows[this.active];
    this.rows = expression.trim() ? this._matching(passes) : this._all();
    const found = this.rows.filter((row) => row > 0).length;
    const all = this.events.count.toLocaleString("en");
    const share = found === this.events.count ? all : `${found.toLocaleString("en")} of ${all}`;
    this.count.textContent = `${share} events`;
    this.grid.setAttribute("aria-rowcount", this.rows.length + 1);
    this.holder.style.height = `${this.rows.length * ROW}px`;
    this.active = this.rows.indexOf(chosen);
    this.body.scrollTop = Math.max(0, (this.active - 3) * ROW);
    this.render();
  }

  _matching(passes) {
    const rows = [];
    for (let number = 1; number <= this.events.count; number++) {
      if (passes(this.events.row(number))) rows.push(number);
    }
    return rows;
  }

  /** Every event, and the moments where they were. */
  _all() {
    const rows = [];
    let moment = 0;
    for (let number = 0; number <= this.events.count; number++) {
      if (number) rows.push(number);
      while (moment < this.moments.length && this.moments[moment].after <= number) rows.push(-++moment);
    }
    return rows;
  }

  /** Make the rows that can be seen. */
  render() {
    const first = Math.max(Math.floor(this.body.scrollTop / ROW) - 4, 0);
    const last = Math.min(first + Math.ceil(this.body.clientHeight / ROW) + 8, this.rows.length);
    const shown = [];
    for (let index = first; index < last; index++) shown.push(this._row(index));
    this.holder.replaceChildren(...shown);
    const seen = this.active >= first && this.active < last;
    if (seen) this.grid.setAttribute("aria-activedescendant", `row-${this.active}`);
    else this.grid.removeAttribute("aria-activedescendant");
  }

  _row(index) {
    const row = make("div", {
      role: "row",
      id: `row-${index}`,
      "aria-rowindex": index + 2,
      "aria-selected": index === this.active,
      class: "grid-row",
    });
    row.dataset.index = index;
    row.style.transform = `translateY(${index * ROW}px)`;
    row.classList.add(...this._classes(this.rows[index]));
    for (const cell of this._cells(this.rows[index])) row.append(make("span", { role: "gridcell" }, cell));
    return row;
  }

  _classes(row) {
    if (row < 0) return ["moment"];
    return [this.events.direction(row) === ">" ? "sent" : "received", ...(this.events.failed(row) ? ["failed"] : [])];
  }

  _cells(row) {
    if (row < 0) {
      const moment = this.moments[-row - 1];
      return ["", clockTime(moment.at), "", moment.kind, moment.text];
    }
    const { events } = this;
    const about = [events.summary(row), events.by(row) && `by ${events.by(row)}`].filter(Boolean).join("  ");
    return [`#${row}`, clockTime(events.at(row)), events.direction(row), events.type(row) || "not an event", about];
  }

  /** Choose the row of an event, if the filter shows it. */
  show(number) {
    const index = this.rows.indexOf(number);
    if (index < 0) return;
    this._activate(index);
  }

  _activate(index) {
    if (!this.rows.length) return;
    this.active = Math.max(0, Math.min(index, this.rows.length - 1));
    const top = this.active * ROW;
    const height = this.body.clientHeight;
    if (top < this.body.scrollTop) this.body.scrollTop = top;
    else if (top + ROW > this.body.scrollTop + height) this.body.scrollTop = top + ROW - height;
    this.render();
  }

  _click(event) {
    const row = event.target.closest(".grid-row");
    if (!row) return;
    this._activate(Number(row.dataset.index));
    this._onSelect(this.rows[this.active]);
  }

  _key(event) {
    const page = Math.max(Math.floor(this.body.clientHeight / ROW) - 1, 1);
    const moves = { ArrowUp: -1, ArrowDown: 1, PageUp: -page, PageDown: page, Home: -Infinity, End: Infinity };
    if (event.key in moves) this._activate(this.active + moves[event.key]);
    else if ((event.key === "Enter" || event.key === " ") && this.active >= 0) this._onSelect(this.rows[this.active]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** A plain table for paper: a list of which only a window is there prints badly. */
  print(table) {
    const rows = this.rows.slice(0, MAX_PRINTED);
    const left = this.rows.length - rows.length;
    const body = rows.map((row) => make("tr", {}, ...this._cells(row).map((cell) => make("td", {}, cell))));
    const caption = left > 0 ? [make("caption", {}, `The first ${MAX_PRINTED} of ${this.rows.length} rows.`)] : [];
    table.replaceChildren(...caption, make("tbody", {}, ...body));
  }
}
