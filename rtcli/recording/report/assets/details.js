"use strict";
/* Shows one mark and one event: what it is, what it was caused by, what it led to, and its JSON. */

const MAX_LINKS = 12;

class Details {
  /** `onSeek(time)` is told where the cursor is to be. Links change the address, which the page follows. */
  constructor(events, onSeek) {
    this.events = events;
    this.place = document.getElementById("details");
    this.heading = document.getElementById("details-heading");
    this._onSeek = onSeek;
    this._asked = 0;
    this.clear();
  }

  /** Nothing is chosen. */
  clear() {
    this._asked++;
    this.heading.textContent = "Event";
    this.place.replaceChildren(make("p", { class: "help" }, "Choose a mark in the timeline, or an event."));
  }

  /** What a mark says, and its event where it has one. */
  showMark(mark) {
    if (mark.frame) {
      this.showEvent(mark.frame, mark);
      return;
    }
    this._asked++;
    this.heading.textContent = mark.kind;
    this.place.replaceChildren(this._mark(mark), this._toCursor(mark.start));
  }

  /** An event; of `mark` first, where the user came by one. */
  async showEvent(number, mark = null) {
    const { events } = this;
    const asked = ++this._asked;
    this.heading.textContent = `Event #${number}`;
    const about = make("p", { class: "event-head" });
    const way = events.direction(number);
    about.append(
      make("span", { class: way === ">" ? "way sent" : "way received" }, way),
      make("strong", {}, events.type(number) || "not an event"),
    );
    const direction = way === ">" ? "to the server" : "from the server";
    const size = `${events.size(number).toLocaleString("en")} bytes`;
    const facts = make("p", { class: "facts" }, `${clockTime(events.at(number))}, ${direction}, ${size}`);
    const text = make("pre", { class: "json", tabindex: "0", "aria-label": `JSON of event ${number}` });
    this.place.replaceChildren(
      ...(mark ? [this._mark(mark)] : []),
      about,
      facts,
      ...this._causes(number),
      text,
      this._toCursor(events.at(number)),
    );
    const source = await events.text(number);
    if (asked === this._asked) text.replaceChildren(...colored(source));
  }

  /** Something between the events. */
  showMoment(moment) {
    this._asked++;
    this.heading.textContent = moment.kind;
    const facts = make("p", { class: "facts" }, clockTime(moment.at));
    this.place.replaceChildren(facts, make("p", {}, moment.text), this._toCursor(moment.at));
  }

  _mark(mark) {
    const words = make("div", { class: "mark" });
    const going = mark.open ? " and going on" : "";
    const length = mark.end > mark.start ? `, ${duration(mark.end - mark.start)}${going}` : "";
    const turn = mark.turn ? `, turn ${mark.turn}` : "";
    words.append(make("strong", {}, mark.kind), ` at ${clockTime(mark.start)}${length}${turn}`);
    for (const line of new Set([mark.label, mark.note].filter(Boolean))) words.append(make("p", {}, line));
    return words;
  }

  _causes(number) {
    const { events } = this;
    const chain = events.chain(number);
    const children = events.children(number);
    const parts = [];
    if (events.by(number) || chain.length) {
      const list = make("ol", { class: "links" });
      if (events.by(number)) list.append(make("li", {}, make("span", { class: "by" }, events.by(number))));
      for (const link of chain) list.append(this._link(link));
      parts.push(make("h3", {}, "Caused by"), list);
    }
    if (children.length) {
      const list = make("ul", { class: "links" });
      for (const child of children.slice(0, MAX_LINKS)) list.append(this._link(child));
      if (children.length > MAX_LINKS) list.append(make("li", {}, `and ${children.length - MAX_LINKS} more`));
      parts.push(make("h3", {}, "Led to"), list);
    }
    return parts;
  }

  _link(number) {
    const { events } = this;
    const link = make("a", { href: `#event-${number}` }, `#${number} ${events.type(number) || "not an event"}`);
    const by = events.by(number) ? ` by ${events.by(number)}` : "";
    return make("li", {}, link, make("span", { class: "when" }, ` ${clockTime(events.at(number))}${by}`));
  }

  _toCursor(time) {
    const button = make("button", { type: "button" }, `Move the cursor to ${clockTime(time)}`);
    button.addEventListener("click", () => this._onSeek(time));
    return make("p", {}, button);
  }
}

const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** JSON with line breaks, its tokens in elements of their own. Only texts are made: nothing of it can become markup. */
function colored(source) {
  let text = source;
  try {
    text = JSON.stringify(JSON.parse(source), null, 2);
  } catch {
    // it is shown as it is
  }
  const parts = [];
  let last = 0;
  for (const match of text.matchAll(TOKEN)) {
    parts.push(text.slice(last, match.index));
    const kind = match[2] ? "key" : match[1] ? "string" : "value";
    parts.push(make("span", { class: kind }, match[1] ?? match[0]), match[2] ?? "");
    last = match.index + match[0].length;
  }
  parts.push(text.slice(last));
  return parts;
}
