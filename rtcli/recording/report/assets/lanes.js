"use strict";
/* The geometry of the timeline: which time is where, which lane is where, what lies under a point. Draws nothing. */

const LANES = [
  { name: "user", label: "user", height: 76, rows: 1, above: 17, below: 10 },
  { name: "model", label: "heard", height: 76, rows: 1, above: 8, below: 19 },
  { name: "responses", label: "responses", rowHeight: 20, rows: 3 },
  { name: "tools", label: "tools", rowHeight: 20, rows: 3 },
  { name: "events", label: "events", height: 26, rows: 1 },
];
const RULER = 34;
const GAP = 6;
const LEFT = 78; // for the labels
const MIN_SECONDS = 0.02; // that a window shows

/** The lanes with their places; those that show several spans at a time are as high as the session needs. */
function layOut(spans) {
  let top = RULER;
  const lanes = LANES.map((lane) => {
    const used = Math.max(...spans.filter((span) => span.lane === lane.name).map((span) => span.row + 1), 1);
    const height = lane.rowHeight ? lane.rowHeight * Math.min(used, lane.rows) : lane.height;
    const placed = { ...lane, top, height };
    top += height + GAP;
    return placed;
  });
  return { lanes: Object.fromEntries(lanes.map((lane) => [lane.name, lane])), height: top };
}

/** What part of the session a window shows. */
class View {
  constructor(length) {
    this.length = length;
    this.start = 0;
    this.seconds = length;
    this.width = 1; // pixels
  }

  get end() {
    return this.start + this.seconds;
  }

  x(time) {
    return LEFT + ((time - this.start) / this.seconds) * this.width;
  }

  time(x) {
    return this.start + ((x - LEFT) / this.width) * this.seconds;
  }

  show(start, seconds) {
    this.seconds = Math.max(MIN_SECONDS, Math.min(seconds, this.length));
    this.start = Math.max(0, Math.min(start, this.length - this.seconds));
  }

  /** Make the window longer or shorter; `time` stays where it is. */
  zoom(factor, time) {
    const share = (time - this.start) / this.seconds;
    const seconds = Math.max(MIN_SECONDS, Math.min(this.seconds * factor, this.length));
    this.show(time - share * seconds, seconds);
  }

  pan(seconds) {
    this.show(this.start + seconds, this.seconds);
  }

  /** Move so that a moment is in the window. */
  reveal(time, end = time) {
    if (time >= this.start && end <= this.end) return false;
    this.show(time - this.seconds * 0.15, this.seconds);
    return true;
  }
}

/** Levels of 10 ms each (decibels above -96), and their maxima over ever longer stretches. */
class Waveform {
  constructor(levels) {
    this.scales = [levels];
    while (this.scales.at(-1).length > 256) {
      const finer = this.scales.at(-1);
      const coarser = new Uint8Array(Math.ceil(finer.length / 2));
      for (let index = 0; index < coarser.length; index++) {
        coarser[index] = Math.max(finer[2 * index], finer[2 * index + 1] ?? 0);
      }
      this.scales.push(coarser);
    }
  }

  /** The loudest level between two moments. */
  peak(start, end) {
    const steps = Math.max((end - start) * 100, 1);
    const scale = Math.min(Math.floor(Math.log2(steps)), this.scales.length - 1);
    const levels = this.scales[scale];
    const per = 100 / 2 ** scale;
    const last = Math.min(Math.ceil(end * per), levels.length);
    let loudest = 0;
    for (let index = Math.max(Math.floor(start * per), 0); index < last; index++) {
      if (levels[index] > loudest) loudest = levels[index];
    }
    return loudest;
  }
}

/** How high a level is drawn, 0 to 1: from -66 dBFS to -6. */
function loudness(level) {
  return Math.max(0, Math.min((level - 30) / 60, 1)) ** 2.2;
}

/** Distances between ticks, in seconds. */
const TICKS = [
  0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200,
];

/** The moments of a ruler whose labels have room for `room` pixels. */
function ticksOf(view, room = 84) {
  const distance = TICKS.find((one) => (one / view.seconds) * view.width >= room) ?? TICKS.at(-1);
  const ticks = [];
  const first = Math.ceil(view.start / distance);
  for (let index = first; index * distance <= view.end; index++) ticks.push(index * distance);
  return { distance, ticks };
}

/** `1:04`, `1:04.5`: with as many digits as the distance needs. */
function tickLabel(time, distance) {
  const text = clockTime(time);
  const digits = distance >= 1 ? 0 : distance >= 0.1 ? 1 : distance >= 0.01 ? 2 : 3;
  return digits ? text.slice(0, text.length - 3 + digits) : text.slice(0, -4);
}

/** The mark under a point: the one whose middle is nearest of those that are hit, moments before what lasts. */
function hit(marks, view, layout, x, y) {
  let best = null;
  let least = Infinity;
  for (const mark of marks) {
    if (mark.start > view.end || mark.end < view.start) continue;
    const { top, bottom } = markBox(mark, layout);
    if (y < top - 1 || y > bottom + 1) continue;
    const from = view.x(mark.start);
    const to = view.x(mark.end);
    if (x < from - 5 || x > to + 5) continue;
    const away = x < from ? from - x : x > to ? x - to : 0;
    const score = away * 1000 + (to - from);
    if (score < least) [best, least] = [mark, score];
  }
  return best;
}

/** Where a mark is, from top to bottom. */
function markBox(mark, layout) {
  const lane = layout.lanes[mark.lane];
  if (lane.rowHeight) {
    const row = Math.min(mark.row, lane.rows - 1);
    return { top: lane.top + row * lane.rowHeight, bottom: lane.top + (row + 1) * lane.rowHeight - 3 };
  }
  return { top: lane.top, bottom: lane.top + lane.height };
}
