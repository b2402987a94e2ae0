"use strict";
/* Paints the timeline on its canvases, in the colors of the style sheet. */

const PALETTE = [
  "ink", "quiet", "faint", "line", "band", "ground", "user", "model", "response", "response-ink", "tool", "tool-ink",
  "wait", "received", "cut", "error", "accent",
];

/** The colors as they are now: light, dark, or for paper. An element of each color tells what its variable comes to. */
function paletteOf(element) {
  let probes = element.querySelector(".probes");
  if (!probes) {
    probes = make("span", { class: "probes", hidden: "" });
    for (const name of PALETTE) {
      const probe = make("i");
      probe.style.color = `var(--${name})`;
      probes.append(probe);
    }
    element.append(probes);
  }
  return Object.fromEntries(PALETTE.map((name, index) => [name, getComputedStyle(probes.children[index]).color]));
}

/** The canvas, as large as it is shown, in the pixels of the screen; everything is drawn in those of the page. */
function prepare(canvas, height) {
  const scale = Math.max(window.devicePixelRatio || 1, 1);
  const width = canvas.parentElement.clientWidth;
  canvas.style.height = `${height}px`;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  context.clearRect(0, 0, width, height);
  context.font = `12px ${getComputedStyle(canvas).fontFamily}`;
  context.textBaseline = "middle";
  return context;
}

function drawStage(context, timeline, colors) {
  const { view, layout, session, waves, marks, selected } = timeline;
  drawTurns(context, view, layout, session.turns, colors);
  drawRuler(context, view, layout, colors);
  drawLabels(context, layout, colors);
  context.save();
  context.beginPath();
  context.rect(LEFT - 6, 0, view.width + 12, layout.height); // signs at both ends have room
  context.clip();
  for (const name of ["user", "model"]) drawWave(context, view, layout.lanes[name], waves[name], colors[name]);
  const shown = marks.filter((mark) => mark.end >= view.start && mark.start <= view.end);
  const ends = new Map(); // where the last bar of a row ends: of bars below a pixel one in a pixel is enough
  for (const mark of shown.filter((one) => LOOKS[one.kind]?.bar)) drawBar(context, view, layout, mark, colors, ends);
  for (const mark of shown.filter((one) => LOOKS[one.kind]?.sign)) drawSign(context, view, layout, mark, colors);
  if (selected) drawSelection(context, view, layout, selected, colors);
  context.restore();
}

/** Each turn as a band over all lanes, and its number where it has room. */
function drawTurns(context, view, layout, turns, colors) {
  let free = -Infinity;
  const shown = turns.filter(([, start, end]) => end >= view.start && start <= view.end);
  const crowded = view.width / shown.length < 8; // lines would be all that is seen
  for (const [number, start, end, failed] of shown) {
    if (crowded && !failed) continue;
    const from = Math.max(view.x(start), LEFT);
    const width = Math.max(Math.min(view.x(end), LEFT + view.width) - from, 1);
    context.fillStyle = colors.band;
    if (number % 2) context.fillRect(from, 18, width, layout.height - 18);
    context.fillStyle = failed ? colors.error : colors.faint;
    context.fillRect(from, 18, 1, layout.height - 18);
    const label = width > 52 ? `turn ${number}` : String(number);
    if (from < free || context.measureText(label).width + 4 > Math.max(width, 18)) continue;
    context.fillStyle = failed ? colors.error : colors.quiet;
    context.fillText(label, from + 4, 26);
    free = from + context.measureText(label).width + 8;
  }
}

function drawRuler(context, view, layout, colors) {
  const { distance, ticks } = ticksOf(view);
  context.fillStyle = colors.line;
  context.fillRect(LEFT, 17, view.width, 1);
  for (const time of ticks) {
    const x = Math.round(view.x(time));
    context.fillStyle = colors.line;
    context.fillRect(x, 10, 1, 8);
    const label = tickLabel(time, distance);
    context.fillStyle = colors.quiet;
    if (x + 4 + context.measureText(label).width <= LEFT + view.width) context.fillText(label, x + 4, 9);
  }
}

function drawLabels(context, layout, colors) {
  for (const lane of Object.values(layout.lanes)) {
    context.fillStyle = colors.line;
    context.fillRect(0, lane.top + lane.height + GAP / 2, LEFT + 10_000, 1);
    context.fillStyle = colors[lane.name] ?? colors.quiet;
    context.fillText(lane.label, 4, lane.top + Math.min(lane.height / 2, 24));
  }
}

/** A waveform, between the room for words and the bars above and below. */
function drawWave(context, view, lane, wave, color) {
  const half = (lane.height - lane.above - lane.below) / 2;
  const middle = lane.top + lane.above + half;
  const per = view.seconds / view.width;
  context.fillStyle = color;
  context.globalAlpha = 0.85;
  for (let x = 0; x < view.width; x++) {
    const time = view.start + x * per;
    const high = loudness(wave.peak(time, time + per)) * half;
    if (high > 0.3) context.fillRect(LEFT + x, middle - high, 1, 2 * high);
  }
  context.globalAlpha = 1;
}

function drawBar(context, view, layout, mark, colors, ends) {
  const look = LOOKS[mark.kind];
  const box = markBox(mark, layout);
  const full = box.bottom - box.top;
  const height = Math.max(full * look.bar, 3);
  const top = look.foot ? box.bottom - height : box.top;
  const from = Math.max(view.x(mark.start), LEFT - 2);
  const to = Math.min(Math.max(view.x(mark.end), from + 1.5), LEFT + view.width + 2);
  const key = `${mark.lane} ${mark.row} ${mark.kind}`;
  if (to - from < 2 && Math.floor(from) === ends.get(key)) return;
  if (look.hatched && to - from < 3 && look.color === "wait") return; // from so far away waits are noise
  ends.set(key, Math.floor(from));
  const failed = /^(failed|incomplete|lost)/.test(mark.note) && mark.kind === "response";
  context.fillStyle = failed ? colors.error : colors[look.color];
  context.globalAlpha = look.hatched ? 0.35 : 1;
  context.beginPath();
  context.roundRect(from, top, to - from, height, look.bar === 1 ? Math.min(3, (to - from) / 2) : 0);
  context.fill();
  context.globalAlpha = 1;
  if (look.hatched) hatch(context, from, top, to - from, height, colors[look.color]);
  const label = mark.label || mark.name;
  if (look.bar === 1 && !look.hatched && to - from > 26) {
    drawText(context, label, from, top + height / 2, to - from, failed ? colors.ground : colors[`${look.color}-ink`]);
  } else if (label && (mark.kind === "voice" || mark.kind === "audio heard") && to - from > 40) {
    const y = mark.kind === "voice" ? box.top + 8 : box.bottom - 12;
    outlinedText(context, label, from, y, to - from, colors);
  }
}

function hatch(context, left, top, width, height, color) {
  context.save();
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
  context.strokeStyle = color;
  context.lineWidth = 1;
  context.beginPath();
  for (let x = left - height - (left % 6); x < left + width; x += 6) {
    context.moveTo(x, top + height);
    context.lineTo(x + height, top);
  }
  context.stroke();
  context.restore();
}

/** As much of a text as has room, with an ellipsis. */
function fitText(context, text, width) {
  const line = text.replace(/\s+/g, " ");
  if (context.measureText(line).width <= width) return line;
  let low = 0;
  let high = Math.min(line.length, 400);
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (context.measureText(`${line.slice(0, middle)}…`).width <= width) low = middle;
    else high = middle - 1;
  }
  return low > 1 ? `${line.slice(0, low)}…` : "";
}

function drawText(context, text, left, y, width, color) {
  context.fillStyle = color;
  context.fillText(fitText(context, text, width - 10), left + 5, y + 0.5);
}

/** A text over a waveform: with a rim of the ground's color. */
function outlinedText(context, text, left, y, width, colors) {
  const fitted = fitText(context, text, width - 4);
  context.lineWidth = 3;
  context.lineJoin = "round";
  context.strokeStyle = colors.ground;
  context.strokeText(fitted, left + 2, y);
  context.fillStyle = colors.ink;
  context.fillText(fitted, left + 2, y);
}

const SIGNS = {
  line: (context, x, top, bottom) => context.fillRect(x - 0.75, top, 1.5, bottom - top),
  notch: (context, x, top) => triangle(context, x, top, 4, 6),
  square: (context, x, top, bottom) => context.fillRect(x - 4, (top + bottom) / 2 - 4, 8, 8),
  dot: (context, x, top, bottom) => circle(context, x, (top + bottom) / 2, 3).fill(),
  ring: (context, x, top, bottom) => circle(context, x, (top + bottom) / 2, 4).stroke(),
  cross: (context, x, top, bottom) => {
    const y = (top + bottom) / 2;
    context.lineWidth = 2.5;
    context.beginPath();
    for (const side of [-1, 1]) {
      context.moveTo(x - 5, y - 5 * side);
      context.lineTo(x + 5, y + 5 * side);
    }
    context.stroke();
  },
  cut: (context, x, top, bottom, near) => {
    if (near) context.fillRect(x - 1, top, 2, bottom - top);
    triangle(context, x, top, near ? 6 : 4, 8);
  },
  flag: (context, x, top, bottom) => {
    context.fillRect(x - 0.75, top, 1.5, bottom - top);
    context.fillRect(x, top, 9, 7);
  },
};

function circle(context, x, y, radius) {
  context.lineWidth = 1.5;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  return context;
}

function triangle(context, x, top, half, height) {
  context.beginPath();
  context.moveTo(x - half, top);
  context.lineTo(x + half, top);
  context.lineTo(x, top + height);
  context.fill();
}

function drawSign(context, view, layout, mark, colors) {
  const { color, sign } = LOOKS[mark.kind];
  const { top, bottom } = markBox(mark, layout);
  const x = view.x(mark.start);
  const near = view.width / view.seconds > 8;
  if (!near && (sign === "line" || sign === "notch")) return;
  context.fillStyle = context.strokeStyle = colors[color];
  SIGNS[sign](context, x, top, bottom, near);
  if (sign === "square" && mark.label) {
    const next = mark.room ?? Infinity;
    const width = Math.min(view.x(next) - x - 10, 320);
    if (width > 30) outlinedText(context, mark.label, x + 6, (top + bottom) / 2, width, colors);
  }
}

function drawSelection(context, view, layout, mark, colors) {
  const { top, bottom } = markBox(mark, layout);
  const from = view.x(mark.start);
  const to = Math.max(view.x(mark.end), from + 2);
  context.strokeStyle = colors.accent;
  context.lineWidth = 2;
  context.beginPath();
  context.roundRect(from - 3, top - 2, to - from + 6, bottom - top + 4, 4);
  context.stroke();
}

const TROUBLE = new Set(["error", "connection lost", "interruption", "silence of the server"]);

/** The whole session: both waveforms, what went wrong, and the window on it. */
function drawOverview(context, timeline, colors) {
  const { view, waves, marks, session } = timeline;
  const whole = new View(session.length);
  whole.width = view.width;
  const height = 48;
  context.fillStyle = colors.band;
  context.fillRect(LEFT, 0, view.width, height);
  for (const [name, side] of [["user", -1], ["model", 1]]) {
    context.fillStyle = colors[name];
    const per = whole.length / whole.width;
    for (let x = 0; x < whole.width; x++) {
      const high = loudness(waves[name].peak(x * per, (x + 1) * per)) * (height / 2 - 2);
      context.fillRect(LEFT + x, side < 0 ? height / 2 - high : height / 2, 1, high);
    }
  }
  for (const mark of marks.filter((one) => TROUBLE.has(one.kind))) {
    context.fillStyle = colors[LOOKS[mark.kind].color];
    context.fillRect(whole.x(mark.start) - 1, 0, 2, 6);
  }
  context.fillStyle = colors.quiet;
  context.fillText("all", 4, height / 2);
  const from = whole.x(view.start);
  const to = whole.x(view.end);
  context.fillStyle = colors.ground;
  context.globalAlpha = 0.65;
  context.fillRect(LEFT, 0, from - LEFT, height);
  context.fillRect(to, 0, LEFT + view.width - to, height);
  context.globalAlpha = 1;
  context.strokeStyle = colors.accent;
  context.lineWidth = 1.5;
  context.strokeRect(from + 0.75, 0.75, Math.max(to - from - 1.5, 2), height - 1.5);
}
