"use strict";
/* What the page knows of the session: events by their number (from 1), marks, and how times are written. */

/** The events: columns for all of them, their texts on demand. */
class Events {
  constructor(columns) {
    this.columns = columns;
    this.count = columns.at.length;
    this._failed = new Set(columns.failed);
    this._chunks = new Map();
    this._children = null;
  }

  /** When it crossed the wire, in seconds. */
  at(number) {
    return this.columns.at[number - 1] / 1000;
  }

  type(number) {
    return this.columns.types[this.columns.type[number - 1]];
  }

  /** What filters look at. */
  row(number) {
    const index = number - 1;
    return {
      type: this.type(number),
      direction: this.columns.dir[index],
      items: (this.columns.items[index] ?? []).map((id) => this.columns.ids[id]),
      failed: this._failed.has(index),
    };
  }

  failed(number) {
    return this._failed.has(number - 1);
  }

  direction(number) {
    return this.columns.dir[number - 1];
  }

  summary(number) {
    return this.columns.summary[number - 1];
  }

  size(number) {
    return this.columns.size[number - 1];
  }

  /** What it was caused by, in words: a command, a key. */
  by(number) {
    return this.columns.by[number - 1] ?? "";
  }

  /** The number of the event that it answers or was caused by; 0: not known. */
  parent(number) {
    const back = this.columns.parent[number - 1];
    return back ? number - back : 0;
  }

  /** The events that led here, the nearest first. */
  chain(number) {
    const links = [];
    for (let next = this.parent(number); next && links.length < 20; next = this.parent(next)) links.push(next);
    return links;
  }

  /** The events that this one led to. */
  children(number) {
    if (this._children === null) {
      this._children = new Map();
      for (let child = 1; child <= this.count; child++) {
        const parent = this.parent(child);
        if (!parent) continue;
        const known = this._children.get(parent);
        if (known) known.push(child);
        else this._children.set(parent, [child]);
      }
    }
    return this._children.get(number) ?? [];
  }

  /** The event itself, as JSON text, audio and images told in words. */
  async text(number) {
    const chunk = Math.floor((number - 1) / this.columns.chunk);
    if (!this._chunks.has(chunk)) {
      if (this._chunks.size > 20) this._chunks.clear();
      this._chunks.set(chunk, unpackedText(`events-${chunk}`).then((text) => text.split("\n")));
    }
    return (await this._chunks.get(chunk))[(number - 1) % this.columns.chunk];
  }
}

/** `0:04.250`, `1:02:03.004`. */
function clockTime(seconds) {
  const milliseconds = Math.round(Math.max(seconds, 0) * 1000);
  const whole = Math.floor(milliseconds / 1000);
  const pad = (value, size) => String(value).padStart(size, "0");
  const minutes = Math.floor(whole / 60);
  const rest = `${pad(whole % 60, 2)}.${pad(milliseconds % 1000, 3)}`;
  return minutes < 60 ? `${minutes}:${rest}` : `${Math.floor(minutes / 60)}:${pad(minutes % 60, 2)}:${rest}`;
}

/** `340 ms`, `2.31 s`, `4:05`. */
function duration(seconds) {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  return seconds < 60 ? `${seconds.toFixed(2)} s` : clockTime(seconds).replace(/\.\d+$/, "");
}

/** An element with attributes and children; a child that is a text stays one. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
