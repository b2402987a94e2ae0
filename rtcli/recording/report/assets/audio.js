"use strict";
/* Plays both tracks in time: each is a list of pieces that are decoded shortly before they are heard. */

const STEP_SIZES = [
  7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66, 73, 80, 88, 97, 107,
  118, 130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449, 494, 544, 598, 658, 724, 796, 876, 963,
  1060, 1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272, 2499, 2749, 3024, 3327, 3660, 4026, 4428, 4871, 5358, 5894,
  6484, 7132, 7845, 8630, 9493, 10442, 11487, 12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794,
  32767,
];
const INDEX_STEPS = [-1, -1, -1, -1, 2, 4, 6, 8];
const BLOCK_SAMPLES = 1001;
const BLOCK_BYTES = 4 + (BLOCK_SAMPLES - 1) / 2;
const AHEAD = 2.5; // seconds that are scheduled before they are due: a page in the background is asked once a second

/** IMA ADPCM (see rtcli/dsp/adpcm.py) as samples from -32,768 to 32,767. */
function decodeAdpcm(bytes) {
  const blocks = Math.floor(bytes.length / BLOCK_BYTES);
  const samples = new Int16Array(blocks * BLOCK_SAMPLES);
  let to = 0;
  for (let block = 0; block < blocks; block++) {
    const from = block * BLOCK_BYTES;
    let predicted = ((bytes[from] | (bytes[from + 1] << 8)) << 16) >> 16;
    let index = Math.min(bytes[from + 2], STEP_SIZES.length - 1);
    samples[to++] = predicted;
    for (let position = 0; position < BLOCK_SAMPLES - 1; position++) {
      const byte = bytes[from + 4 + (position >> 1)];
      const code = position & 1 ? byte >> 4 : byte & 15;
      const size = STEP_SIZES[index];
      let change = size >> 3;
      if (code & 4) change += size;
      if (code & 2) change += size >> 1;
      if (code & 1) change += size >> 2;
      predicted = Math.max(-32768, Math.min(32767, code & 8 ? predicted - change : predicted + change));
      index = Math.max(0, Math.min(STEP_SIZES.length - 1, index + INDEX_STEPS[code & 7]));
      samples[to++] = predicted;
    }
  }
  return samples;
}

const DECODERS = {
  adpcm: decodeAdpcm,
  pcm: (bytes) => new Int16Array(bytes.buffer, 0, bytes.length >> 1),
};

/** One track: pieces of [start, samples], each in an element of the page. */
class TrackPlayer {
  constructor(name, about) {
    this.name = name;
    this.about = about;
    this.muted = false;
    this._next = 0;
    this._sources = new Set();
    this._gain = null;
  }

  get end() {
    const last = this.about.pieces.at(-1);
    return last ? last[0] + last[1] / this.about.rate : 0;
  }

  mute(muted) {
    this.muted = muted;
    if (this._gain) this._gain.gain.value = muted ? 0 : 1;
  }

  /** Begin at a position: `zero` is when the session's second 0 is (or would have been) heard. */
  begin(context, position) {
    this._gain ??= context.createGain();
    this._gain.connect(context.destination);
    this.mute(this.muted);
    const { pieces, rate } = this.about;
    this._next = pieces.findIndex(([start, samples]) => start + samples / rate > position);
    if (this._next < 0) this._next = pieces.length;
  }

  /** Schedule what is due soon. */
  schedule(context, zero, ahead = AHEAD) {
    const { pieces, rate, coding } = this.about;
    while (this._next < pieces.length && zero + pieces[this._next][0] < context.currentTime + ahead) {
      const [start, length] = pieces[this._next];
      const samples = DECODERS[coding](bytesOf(`audio-${this.name}-${this._next}`)).subarray(0, length);
      this._next++;
      const late = Math.max(context.currentTime - (zero + start), 0);
      if (!samples.length || late >= samples.length / rate) continue;
      const buffer = context.createBuffer(1, samples.length, rate);
      const channel = buffer.getChannelData(0);
      for (let index = 0; index < samples.length; index++) channel[index] = samples[index] / 32768;
      const source = new AudioBufferSourceNode(context, { buffer });
      source.connect(this._gain);
      source.onended = () => this._sources.delete(source);
      source.start(Math.max(zero + start, context.currentTime), late);
      this._sources.add(source);
    }
  }

  stop() {
    for (const source of this._sources) source.stop();
    this._sources.clear();
  }
}

/** Both tracks and the cursor. `onMove` is told where it is, `onState` whether it moves. */
class Player {
  constructor(about, length) {
    this.tracks = {};
    for (const [name, one] of Object.entries(about ?? {})) this.tracks[name] = new TrackPlayer(name, one);
    this.length = length;
    this.position = 0;
    this.playing = false;
    this.onMove = () => {};
    this.onState = () => {};
    this._context = null;
    this._zero = 0;
    this._timer = 0;
  }

  /** Whether the page holds anything to hear. */
  get audible() {
    return Object.values(this.tracks).some((track) => track.about.pieces.length);
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  /** Play from the cursor, from the beginning where it is at the end. */
  async play() {
    if (this.playing || !this.audible) return;
    this._context ??= new AudioContext(); // browsers want a click or a key before
    this.playing = true;
    await this._context.resume();
    if (!this.playing) return;
    if (this.position >= this.length) this.position = 0;
    this._begin();
    this._timer = setInterval(() => this._schedule(), 200);
    this.onState(true);
    this._show();
  }

  pause() {
    if (!this.playing) return;
    this.playing = false;
    clearInterval(this._timer);
    for (const track of Object.values(this.tracks)) track.stop();
    this.onState(false);
    this.onMove(this.position); // which may be past the last frame that was painted
  }

  /** Move the cursor. */
  seek(position) {
    this.position = Math.max(0, Math.min(position, this.length));
    if (this.playing && this._context) {
      for (const track of Object.values(this.tracks)) track.stop();
      this._begin();
    }
    this.onMove(this.position);
  }

  _begin() {
    this._zero = this._context.currentTime + 0.05 - this.position;
    for (const track of Object.values(this.tracks)) track.begin(this._context, this.position);
    this._schedule();
  }

  _schedule() {
    for (const track of Object.values(this.tracks)) track.schedule(this._context, this._zero);
    this.position = Math.max(0, Math.min(this._context.currentTime - this._zero, this.length));
    if (this.position >= this.length) this.pause();
  }

  /** Move the cursor with each frame that is painted. */
  _show() {
    if (!this.playing) return;
    this.position = Math.max(0, Math.min(this._context.currentTime - this._zero, this.length));
    this.onMove(this.position);
    requestAnimationFrame(() => this._show());
  }
}
