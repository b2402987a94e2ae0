"use strict";
/* Puts the parts of the page together. */

async function start() {
  const session = jsonOf("session");
  const events = new Events(JSON.parse(await unpackedText("columns")));
  const waves = {};
  for (const name of ["user", "model"]) waves[name] = new Waveform(await unpacked(`levels-${name}`));
  addMoments(session);
  if (!session.played) LANES[1].label = document.getElementById("model-name").textContent = "received";

  const player = new Player(session.audio, session.length);
  const list = new EventList(events, session.moments, (row) => {
    if (row > 0) showEvent(row);
    else details.showMoment(session.moments[-row - 1]);
  });
  const timeline = new Timeline(session, waves, {
    onSelect: (mark) => {
      details.showMark(mark);
      list.show(mark.frame || -1 - mark.moment);
    },
    onSeek: (time) => player.seek(time),
    onKey: (key) => (key === "play" ? player.toggle() : toDetails()),
  });
  const details = new Details(events, (time) => {
    player.seek(time);
    if (timeline.view.reveal(time)) timeline.draw();
  });

  function showEvent(number) {
    details.showEvent(number);
    list.show(number);
    timeline.select(session.spans.find((mark) => mark.frame === number) ?? null);
  }

  function toDetails() {
    document.getElementById("details-heading").focus();
  }

  /** `#event-57` names an event: in links, and behind the address of the page. */
  function followAddress() {
    const number = Number(/^#event-(\d{1,9})$/.exec(location.hash)?.[1] ?? 0);
    if (number >= 1 && number <= events.count) showEvent(number);
  }

  connectPlayer(player, timeline);
  connectFilter(list);
  connectTurns(session, timeline, player);
  document.getElementById("zoom-in").addEventListener("click", () => timeline.zoom(0.5));
  document.getElementById("zoom-out").addEventListener("click", () => timeline.zoom(2));
  document.getElementById("fit").addEventListener("click", () => timeline.showAll());
  document.getElementById("close").addEventListener("click", () => {
    details.clear();
    timeline.select(null);
  });
  connectTheme(timeline);
  connectKeys(player);
  window.addEventListener("beforeprint", () => {
    list.print(document.getElementById("printed"));
    timeline.drawNow();
  });
  window.addEventListener("afterprint", () => timeline.draw());
  window.addEventListener("hashchange", followAddress);
  followAddress();
  window.rtcliReport = { session, events, timeline, player }; // for the console of those who want to look further
  document.documentElement.dataset.ready = "true";
}

/** What happened between the events as marks of the lane of events; the room that the text of each mark has. */
function addMoments(session) {
  for (const [moment, { at, kind, text }] of session.moments.entries()) {
    const lost = kind === "connection" && text.startsWith("lost");
    const mark = { lane: "events", kind: lost ? "connection lost" : kind, start: at, end: at, moment, note: text };
    session.spans.push({ ...mark, open: false, turn: 0, frame: 0, name: "", label: "", row: 0 });
  }
  session.spans.sort((one, other) => one.start - other.start);
  const next = {};
  for (const mark of [...session.spans].reverse()) {
    mark.room = next[mark.lane];
    next[mark.lane] = mark.start;
  }
}

function connectPlayer(player, timeline) {
  const button = document.getElementById("play");
  const clock = document.getElementById("clock");
  button.disabled = !player.audible;
  if (!player.audible) button.title = "This page holds no audio";
  button.addEventListener("click", () => player.toggle());
  player.onState = (playing) => (button.textContent = playing ? "Pause" : "Play");
  player.onMove = (position) => {
    clock.textContent = clockTime(position);
    timeline.moveCursor(position, player.playing);
  };
  for (const name of ["user", "model"]) {
    const box = document.getElementById(`hear-${name}`);
    box.disabled = !player.tracks[name]?.about.pieces.length;
    box.addEventListener("change", () => player.tracks[name].mute(!box.checked));
  }
}

function connectFilter(list) {
  const input = document.getElementById("filter");
  const problem = document.getElementById("filter-problem");
  input.addEventListener("input", () => {
    try {
      list.filter(input.value);
      problem.textContent = "";
    } catch (error) {
      if (!(error instanceof FilterError)) throw error;
      problem.textContent = error.message;
    }
    input.setAttribute("aria-invalid", problem.textContent !== "");
  });
}

function connectTurns(session, timeline, player) {
  const table = document.getElementById("turns");
  if (!table) return;
  const spans = new Map(session.turns.map(([number, start, end]) => [number, [start, end]]));
  table.addEventListener("click", (event) => {
    const row = event.target.closest("tr[data-turn]");
    const span = spans.get(Number(row?.dataset.turn));
    if (!span) return;
    for (const other of table.querySelectorAll("[aria-current]")) other.removeAttribute("aria-current");
    row.setAttribute("aria-current", "true");
    timeline.showSpan(...span);
    timeline.root.scrollIntoView({ block: "nearest" });
    player.seek(span[0]);
  });
}

/** Colors as the system has them, or as the user wants them for this page. */
function connectTheme(timeline) {
  const button = document.getElementById("theme");
  const choices = ["auto", "light", "dark"];
  let chosen = 0;
  button.addEventListener("click", () => {
    chosen = (chosen + 1) % choices.length;
    document.documentElement.dataset.theme = choices[chosen];
    button.textContent = `Colors: ${choices[chosen]}`;
    timeline.draw();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => timeline.draw());
}

/** Space plays wherever it means nothing else. */
function connectKeys(player) {
  document.addEventListener("keydown", (event) => {
    if (event.key !== " " || event.target.closest("button, input, summary, a, pre, [role=grid], .scroll")) return;
    player.toggle();
    event.preventDefault();
  });
}

start().catch((error) => {
  const place = document.getElementById("problem");
  place.textContent = `This page cannot be shown by this browser: ${error.message}`;
  place.hidden = false;
  throw error;
});
