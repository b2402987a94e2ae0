"use strict";
/* Draws the lanes and the overview, and takes what a pointer and the keys do there. */

/** Words for a mark, for its tip and for those who hear the page. */
function describeMark(mark) {
  const length = mark.end > mark.start ? `, ${duration(mark.end - mark.start)}${mark.open ? " so far" : ""}` : "";
  const turn = mark.turn ? `turn ${mark.turn}, ` : "";
  const about = mark.label || mark.note;
  return `${turn}${mark.kind} at ${clockTime(mark.start)}${length}${about ? `: ${about}` : ""}`;
}

/** How each kind of span is drawn: a bar in a color, how high (1: all of its row), hatched; or a sign for a moment. */
const LOOKS = {
  voice: { color: "user", bar: 0.1, foot: true },
  "end of turn": { color: "wait", bar: 1, hatched: true },
  commit: { color: "user", sign: "line" },
  typed: { color: "user", sign: "square" },
  asked: { color: "user", sign: "square" },
  "out of band": { color: "user", sign: "square" },
  unasked: { color: "model", sign: "square" },
  waiting: { color: "wait", bar: 1, hatched: true },
  response: { color: "response", bar: 1 },
  "first delta": { color: "ink", sign: "notch" },
  "audio received": { color: "received", bar: 0.07, foot: true },
  "audio heard": { color: "model", bar: 0.07 },
  "tool call": { color: "tool", bar: 1 },
  interruption: { color: "cut", sign: "cut" },
  error: { color: "error", sign: "cross" },
  "silence of the server": { color: "error", bar: 1, hatched: true },
  connection: { color: "ink", sign: "ring" },
  "connection lost": { color: "error", sign: "cross" },
  did: { color: "quiet", sign: "dot" },
  device: { color: "quiet", sign: "dot" },
  http: { color: "quiet", sign: "dot" },
  mark: { color: "tool", sign: "flag" },
  end: { color: "quiet", sign: "ring" },
};

class Timeline {
  /** `onSelect(mark)` and `onSeek(time)` are told what the user chose. */
  constructor(session, waves, { onSelect, onSeek, onKey }) {
    this.session = session;
    this.waves = waves;
    this.marks = session.spans;
    this.layout = layOut(this.marks);
    this.view = new View(session.length);
    this.selected = null;
    this.position = 0;
    this._onSelect = onSelect;
    this._onSeek = onSeek;
    this._onKey = onKey;
    this._drawing = false;
    this.root = document.getElementById("lanes");
    this.stage = document.getElementById("stage");
    this.overview = document.getElementById("overview");
    this.cursor = document.getElementById("cursor");
    this.tip = document.getElementById("tip");
    this.said = document.getElementById("said");
    this._listen();
    new ResizeObserver(() => this.resize()).observe(this.root);
    this.resize();
  }

  /** Take the place that there is. */
  resize() {
    const width = this.root.clientWidth;
    if (!width) return;
    this.view.width = Math.max(width - LEFT - 8, 10);
    this.draw();
  }

  /** Draw anew before the next frame is shown. */
  draw() {
    if (this._drawing) return;
    this._drawing = true;
    requestAnimationFrame(() => this.drawNow());
  }

  drawNow() {
    this._drawing = false;
    const colors = paletteOf(this.root);
    drawStage(prepare(this.stage, this.layout.height), this, colors);
    drawOverview(prepare(this.overview, 48), this, colors);
    this.moveCursor(this.position, false);
  }

  /** Show the cursor; `follow` moves the window with it. */
  moveCursor(position, follow) {
    this.position = position;
    if (follow && (position > this.view.end || position < this.view.start)) {
      this.view.show(position, this.view.seconds);
      this.draw();
    }
    const x = this.view.x(position);
    this.cursor.hidden = x < LEFT - 1 || x > LEFT + this.view.width + 1;
    this.cursor.style.transform = `translateX(${x.toFixed(1)}px)`;
    this.cursor.style.height = `${this.layout.height}px`;
  }

  /** Choose a mark, or none. */
  select(mark, { reveal = true } = {}) {
    this.selected = mark;
    if (mark) {
      if (reveal) this.view.reveal(mark.start, Math.min(mark.end, mark.start + this.view.seconds * 0.5));
      this.said.textContent = describeMark(mark);
    }
    this.draw();
  }

  /** Show a stretch with a little around it. */
  showSpan(start, end) {
    const around = Math.max((end - start) * 0.08, 0.2);
    this.view.show(start - around, end - start + 2 * around);
    this.draw();
  }

  zoom(factor, time = this.view.start + this.view.seconds / 2) {
    this.view.zoom(factor, time);
    this.draw();
  }

  /** The next mark in time, or the one before; of the window where none is chosen yet. */
  step(direction) {
    const index = this.marks.indexOf(this.selected);
    let next = index + direction;
    if (index < 0) next = this.marks.findIndex((mark) => mark.start >= this.view.start);
    const mark = this.marks[Math.max(0, Math.min(next, this.marks.length - 1))];
    if (mark) this._choose(mark);
  }

  _choose(mark) {
    this.select(mark);
    this._onSelect(mark);
  }

  _listen() {
    const view = this.view;
    const at = (event) => {
      const box = this.root.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    dragging(this.root, {
      start: (event) => ({ from: view.start, x: at(event)[0], ruler: at(event)[1] < RULER }),
      move: (event, drag) => {
        const [x] = at(event);
        if (drag.ruler) this._onSeek(view.time(x));
        else view.show(drag.from - ((x - drag.x) / view.width) * view.seconds, view.seconds);
        this.draw();
      },
      click: (event) => {
        const [x, y] = at(event);
        const mark = hit(this.marks, view, this.layout, x, y);
        if (mark) this._choose(mark);
        else if (x >= LEFT) this._onSeek(view.time(x));
      },
    });
    dragging(this.overview, {
      start: (event) => this._overviewTo(event),
      move: (event) => this._overviewTo(event),
      click: () => {},
    });
    this.root.addEventListener("pointermove", (event) => this._hover(...at(event)));
    this.root.addEventListener("pointerleave", () => (this.tip.hidden = true));
    this.root.addEventListener("dblclick", (event) => this.zoom(0.4, view.time(at(event)[0])));
    this.root.addEventListener("wheel", (event) => this._wheel(event, view.time(at(event)[0])), { passive: false });
    this.root.addEventListener("keydown", (event) => this._key(event));
  }

  _overviewTo(event) {
    const box = this.overview.getBoundingClientRect();
    const share = (event.clientX - box.left - LEFT) / this.view.width;
    this.view.show(share * this.view.length - this.view.seconds / 2, this.view.seconds);
    this.draw();
  }

  _hover(x, y) {
    const mark = hit(this.marks, this.view, this.layout, x, y);
    this.tip.hidden = !mark;
    this.root.classList.toggle("over", Boolean(mark));
    if (!mark) return;
    this.tip.textContent = describeMark(mark);
    const left = Math.min(x + 12, this.root.clientWidth - this.tip.offsetWidth - 4);
    this.tip.style.transform = `translate(${Math.max(left, 0)}px, ${y + 18}px)`;
  }

  _wheel(event, time) {
    if (event.ctrlKey || event.metaKey) {
      this.zoom(Math.exp(event.deltaY * 0.004), time);
    } else {
      const across = event.shiftKey ? event.deltaY : event.deltaX;
      if (Math.abs(across) < Math.abs(event.shiftKey ? 0 : event.deltaY)) return; // the page scrolls
      this.view.pan((across / this.view.width) * this.view.seconds);
      this.draw();
    }
    event.preventDefault();
  }

  _key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const pan = (share) => {
      this.view.pan(this.view.seconds * share);
      this.draw();
    };
    const keys = {
      ArrowLeft: () => pan(-0.1),
      ArrowRight: () => pan(0.1),
      PageUp: () => pan(-0.9),
      PageDown: () => pan(0.9),
      Home: () => pan(-Infinity),
      End: () => pan(Infinity),
      "+": () => this.zoom(0.6),
      "=": () => this.zoom(0.6),
      "-": () => this.zoom(1 / 0.6),
      0: () => this.showAll(),
      n: () => this.step(1),
      p: () => this.step(-1),
      " ": () => this._onKey("play"),
      Enter: () => this._onKey("details"),
      Escape: () => this.select(null),
    };
    const act = keys[event.key] ?? keys[event.key.toLowerCase()];
    if (!act) return;
    act();
    event.preventDefault();
    event.stopPropagation();
  }

  showAll() {
    this.view.show(0, this.view.length);
    this.draw();
  }
}

/** Follow a pointer from its press: `move` once it was dragged, `click` where it was not. */
function dragging(element, { start, move, click }) {
  let drag = null;
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    drag = { state: start(event), x: event.clientX, moved: false };
    element.setPointerCapture(event.pointerId);
  });
  element.addEventListener("pointermove", (event) => {
    if (!drag) return;
    drag.moved ||= Math.abs(event.clientX - drag.x) > 3;
    if (drag.moved) move(event, drag.state);
  });
  element.addEventListener("pointerup", (event) => {
    if (drag && !drag.moved) click(event);
    drag = null;
  });
  element.addEventListener("pointercancel", () => (drag = null));
}
