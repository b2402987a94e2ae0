// Plays scenarios against the official JavaScript transport and notes what it does: one scenario as a line of JSON on
// stdin, the same scenario with its results (tests/golden/README.md) as a line on stdout, in the order of the input.
//
// A scenario ends at the first exception that nothing caught: the socket of the reference reads nothing after one.

import { createHash } from "node:crypto";
import { once } from "node:events";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import readline from "node:readline";
import { isDeepStrictEqual } from "node:util";
import { OpenAIRealtimeBase, OpenAIRealtimeSIP, OpenAIRealtimeWebSocket } from "@openai/agents-realtime";
import { WebSocket, WebSocketServer } from "ws";

const SEMANTIC = `connected disconnected connection_change error audio audio_interrupted audio_done audio_transcript_delta
  output_text_delta usage_update item_update item_deleted turn_started turn_done function_call mcp_tools_listed
  mcp_approval_request mcp_tool_call_completed`.split(/\s+/);
const LONG = 400; // characters or bytes that are written out; longer ones are told by their digest
const PATIENCE = 3000; // milliseconds for a call that nothing holds up
const KEPT_HEADERS = new Set(["authorization", "user-agent", "x-openai-agents-sdk"]);

const turn = () => new Promise(setImmediate);
const turns = async (count) => { for (let i = 0; i < count; i += 1) await turn(); };
const digest = (data) => createHash("sha256").update(data).digest("hex");
const ramp = (length) => Buffer.from(Uint8Array.from({ length }, (_, index) => index % 256));

async function freePort() {
  const probe = net.createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  return port;
}

// ---- the one server that all scenarios use, one after the other ----

class Peer {
  constructor() {
    this.sockets = new WebSocketServer({ noServer: true });
    this.http = http.createServer();
    this.http.on("upgrade", (request, socket, head) => this.upgrade(request, socket, head));
    this.reset();
  }

  reset() {
    for (const connection of this.connections ?? []) connection.ws.terminate();
    for (const socket of this.streams ?? []) socket.destroy();
    Object.assign(this, { mode: "accept", held: [], connections: [], streams: [] });
  }

  upgrade(request, socket, head) {
    socket.on("error", () => {});
    this.streams.push(socket);
    const mode = Array.isArray(this.mode) && this.mode.length > 1 ? this.mode.shift() : [this.mode].flat()[0];
    const answer = (how) => this.answer(how, request, socket, head);
    if (mode === "hold") this.held.push(answer);
    else answer(mode);
  }

  answer(how, request, socket, head) {
    if (how === "drop") socket.destroy();
    else if (how.refuse) {
      const { status, body = "" } = how.refuse;
      socket.end(`HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\nConnection: close\r\n` +
        `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    } else this.sockets.handleUpgrade(request, socket, head, (ws) => this.converse(ws, how.accept ?? {}));
  }

  converse(ws, { send = [], close }) {
    const connection = { ws, ended: false };
    this.connections.push(connection);
    ws.on("error", () => {});
    ws.on("message", (data, isBinary) => run.seen.wire.push(
      isBinary ? { $binary: data.toString("base64") } : run.tell(JSON.parse(data.toString()))));
    ws.on("close", () => { connection.ended = true; });
    for (const event of send) ws.send(JSON.stringify(run.read(event)));
    if (close) ws.close(close.code, close.reason);
  }

  get last() {
    return this.connections.findLast((connection) => !connection.ended);
  }
}

const peer = new Peer();
peer.http.listen(0, "127.0.0.1");
await once(peer.http, "listening");
const SERVER = `127.0.0.1:${peer.http.address().port}`;
const CLOSED = `127.0.0.1:${await freePort()}`;

// ---- the world as a scenario sees it: handshakes, clock, what escapes ----

// ws asks for the function when it dials: every handshake is noted and led to the peer, whatever host it was for.
function leadToPeer(scheme, usualPort, request) {
  return (options, ...rest) => {
    const port = Number(options.port || usualPort);
    const host = port === usualPort ? options.host : `${options.host}:${port}`;
    const headers = Object.entries(options.headers).map(([name, value]) => [name.toLowerCase(), run.tell(String(value))]);
    run.seen.connections.push({
      url: run.tell(`${scheme}://${host}${options.path}`),
      headers: Object.fromEntries(headers.filter(([name]) => KEPT_HEADERS.has(name))),
    });
    const [address, to] = (host === CLOSED ? CLOSED : SERVER).split(":");
    return request({ ...options, defaultPort: 80, createConnection: () => net.connect(Number(to), address) }, ...rest);
  };
}
const plainRequest = http.request;
http.request = leadToPeer("ws", 80, plainRequest);
https.request = leadToPeer("wss", 443, plainRequest);

let run = null;
Date.now = () => run?.moment ?? 0;
delete process.env.OPENAI_API_KEY;
console.warn = console.error = console.log = console.debug = () => {};
process.on("uncaughtException", (error) => run.escaped(error));
process.on("unhandledRejection", (error) => run.seen.uncaught.push(run.describe(error)));

// ---- one scenario ----

class Nothing {
  wire = []; emitted = []; connections = []; calls = []; uncaught = [];
}

class Run {
  constructor(scenario) {
    this.scenario = scenario;
    this.seen = new Nothing();
    this.now = scenario.clock_ms ?? 1_000_000;
    this.isBase = scenario.transport?.class === "base";
    this.isCall = scenario.transport?.class === "sip";
    this.listeners = new Map();
    this.started = new Map();
    this.keys = new Map();
    this.failingSends = 0;
    this.heard = null;
    this.crashed = new Promise((resolve) => { this.crash = resolve; });
    this.isCrashed = false;
  }

  escaped(error) {
    this.seen.uncaught.push(this.describe(error));
    this.isCrashed = true;
    this.crash();
  }

  // Where a player says how much was played, an interruption comes that long after the first audio.
  get moment() {
    const begin = this.transport?._firstAudioTimestamp;
    return this.heard === null || begin === undefined ? this.now : begin + this.heard;
  }

  // -- values of a scenario, and values for it --

  read(value) {
    if (typeof value === "string") return value.replaceAll("$SERVER", `ws://${SERVER}`).replaceAll("$CLOSED", `ws://${CLOSED}`);
    if (Array.isArray(value)) return value.map((entry) => this.read(entry));
    if (value === null || typeof value !== "object") return value;
    const [[marker, given] = []] = Object.entries(value);
    switch (marker) {
      case "$undefined": return undefined;
      case "$number": return Number(given);
      case "$bytes": return Uint8Array.from(Buffer.from(given, "base64")).buffer;
      case "$ramp": return Uint8Array.from(ramp(given)).buffer;
      case "$base64_ramp": return ramp(given).toString("base64");
      case "$base64_zeros": return Buffer.alloc(given).toString("base64");
      case "$function": return this.stub(given);
      default: return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, this.read(entry)]));
    }
  }

  tell(value) {
    if (value === undefined) return { $undefined: true };
    if (typeof value === "number") return Number.isFinite(value) ? value : { $number: String(value) };
    if (typeof value === "string") {
      const text = value.replaceAll(`ws://${SERVER}`, "$SERVER").replaceAll(`ws://${CLOSED}`, "$CLOSED");
      return text.length > LONG ? { $long_string: { length: text.length, sha256: digest(text) } } : text;
    }
    if (value === null || typeof value === "boolean") return value;
    if (typeof value === "function") return { $function: true };
    if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
      const bytes = Buffer.from(value.buffer ?? value, value.byteOffset ?? 0, value.byteLength);
      return bytes.length > LONG
        ? { $long_bytes: { length: bytes.length, sha256: digest(bytes) } } : { $bytes: bytes.toString("base64") };
    }
    if (Array.isArray(value)) return value.map((entry) => this.tell(entry));
    if (value instanceof Error || value.constructor?.name === "ErrorEvent") return { $error: this.describe(value) };
    const given = Object.entries(value).filter(([, entry]) => entry !== undefined);
    return Object.fromEntries(given.map(([key, entry]) => [key, this.tell(entry)]));
  }

  describe(error) {
    const name = error?.constructor?.name ?? typeof error;
    return name === "ZodError"
      ? { class: name, paths: [...new Set(error.issues.map((issue) => issue.path.join(".")))] }
      : { class: name, message: this.tell(String(error?.message ?? error).split("\n")[0]) };
  }

  stub(spec) {
    let calls = 0;
    const answer = () => {
      if ("throws" in spec) throw new Error(spec.throws);
      const each = spec.returns_each ?? [spec.returns];
      return this.read(each[Math.min(calls, each.length) - 1]);
    };
    return (...args) => {
      calls += 1;
      if (spec.as) this.seen.calls.push({ function: spec.as, args: args.map((arg) => this.tell(arg)) });
      if (spec.socket && !("throws" in spec)) return this.dial(spec.socket);
      if (spec.hold) return new Promise((resolve) => { this.keys.set(spec.hold, resolve); }).then(answer);
      return spec.async ? Promise.resolve().then(answer) : answer();
    };
  }

  async dial({ already_open: isOpen }) {
    const ws = new WebSocket(`ws://${SERVER}/custom`);
    if (isOpen) await once(ws, "open");
    return ws;
  }

  // -- the transport and its listeners --

  build() {
    const options = this.read(this.scenario.transport?.options ?? {});
    const Transport = this.isBase ? recording(this) : this.isCall ? OpenAIRealtimeSIP : OpenAIRealtimeWebSocket;
    this.Transport = Transport;
    this.transport = new Transport(options);
    const wanted = this.scenario.listen ?? "all";
    const names = wanted === "all" ? new Set(["*", ...SEMANTIC, ...typesIn(this.scenario.steps)]) : wanted;
    for (const name of names) this.transport.on(name, (...args) => this.note(name, args));
  }

  note(event, args, listener) {
    const entry = { event, args: args.map((arg) => this.tell(arg)) };
    this.seen.emitted.push(listener ? { ...entry, listener } : entry);
  }

  listener(event, { as, do: actions = [] }) {
    const added = this.listeners.get(as) ?? ((...args) => {
      this.note(event, args, as);
      for (const action of actions) {
        if ("throw" in action) throw new Error(action.throw);
        if ("reject" in action) return Promise.reject(new Error(action.reject));
        if ("call" in action) this.transport[action.call](...this.read(action.args ?? []));
        if ("start" in action) this.start(action);
        if ("off" in action) this.transport.off(action.off, this.listeners.get(action.listener) ?? (() => {}));
        if ("on" in action) this.transport.on(action.on, this.listener(action.on, { as: action.as }));
      }
      return undefined;
    });
    this.listeners.set(as, added);
    return added;
  }

  start({ start, args, as }) {
    const call = { over: false };
    this.started.set(as, call);
    this.follow(call, this.transport[start](...this.read(args ?? [])));
  }

  follow(call, promise) {
    call.promise = promise.then(
      (value) => Object.assign(call, { over: true, value }),
      (error) => Object.assign(call, { over: true, error, failed: true }),
    );
  }

  outcome(call) {
    if (!call.over) return { expect_pending: true };
    if (call.failed) return { expect_error: this.describe(call.error) };
    return call.value === undefined ? {} : { expect_return: this.tell(call.value) };
  }

  // -- steps --

  async invoke(target, method, args) {
    const heldBefore = this.held;
    const value = target[method](...this.read(args ?? []));
    if (target === this.Transport) return { expect_return: this.tell(value) };
    if (!(value instanceof Promise)) {
      return [undefined, target, target.eventEmitter].includes(value) ? {} : { expect_return: this.tell(value) };
    }
    const call = { over: false };
    this.follow(call, value);
    const begin = performance.now();
    while (!call.over && this.held === heldBefore && !this.isCrashed && performance.now() - begin < PATIENCE) await turn();
    return this.outcome(call);
  }

  // How many handshakes and keys are held back: a call that met one will not end in this step.
  get held() {
    return peer.held.length + this.keys.size;
  }

  async act(step) {
    const { transport } = this;
    if ("call" in step) return this.invoke(transport, step.call, step.args);
    if ("accept_payload" in step) return { expect_return: this.tell(this.acceptPayload(this.read(step.accept_payload))) };
    if ("static_call" in step) return this.invoke(this.Transport, step.static_call, step.args);
    if ("start" in step) this.start(step);
    else if ("await" in step) { await this.settle(); return this.outcome(this.started.get(step.await)); }
    else if ("get" in step) return { expect_values: Object.fromEntries(step.get.map((name) => [name, this.tell(transport[name])])) };
    else if ("set" in step) Object.assign(transport, this.read(step.set));
    else if ("on" in step) transport.on(step.on, this.listener(step.on, step));
    else if ("once" in step) transport.once(step.once, this.listener(step.once, step));
    else if ("off" in step) transport.off(step.off, this.listeners.get(step.listener) ?? (() => {}));
    else if ("heard_ms" in step) this.heard = step.heard_ms;
    else if ("clock_ms" in step) this.now = step.clock_ms;
    else if ("release" in step) {
      this.keys.get(step.release)?.();
      this.keys.delete(step.release);
    } else if ("fail_sends" in step) this.failingSends = step.fail_sends;
    else if ("server_mode" in step) peer.mode = structuredClone(step.server_mode);
    else if ("server_release" in step) {
      peer.mode = "accept";
      for (const answer of peer.held.splice(0)) answer(step.server_release);
    } else if ("server_close" in step) peer.last?.ws.close(step.server_close.code, step.server_close.reason);
    else if ("server_abort" in step) peer.last?.ws.terminate();
    else if ("server" in step) this.deliver([JSON.stringify(this.read(step.server))]);
    else if ("server_batch" in step) this.deliver(step.server_batch.map((event) => JSON.stringify(this.read(event))));
    else if ("server_text" in step) this.deliver([step.server_text]);
    else if ("server_binary" in step) this.deliver([Buffer.from(step.server_binary, "base64")]);
    else throw new Error(`no action in ${JSON.stringify(step)}`);
    return {};
  }

  // What buildInitialConfig() does behind the agent that it wants.
  acceptPayload(config) {
    const payload = this.transport.buildSessionPayload(config);
    OpenAIRealtimeSIP.assertSupportedInitialConfigPayload(payload);
    return payload;
  }

  deliver(frames) {
    if (this.isBase) for (const data of frames) this.transport._onMessage({ data });
    else for (const frame of frames) peer.last?.ws.send(frame, { binary: Buffer.isBuffer(frame) });
  }

  // Nothing moves any more: what was sent has been read on both sides, and nobody does anything about it.
  async settle() {
    for (let round = 0; round < 2; round += 1) {
      await turns(3);
      const dialing = () => this.transport.connectionState?.websocket?.readyState === WebSocket.CONNECTING;
      const begin = performance.now();
      while (dialing() && !peer.held.length && performance.now() - begin < PATIENCE) await turn();
      for (const connection of peer.connections) await this.answered(connection);
      await turns(3);
    }
  }

  async answered({ ws, ended }) {
    if (ended || this.isCrashed) return;
    if (ws.readyState === WebSocket.OPEN) ws.ping();
    const over = new Promise((resolve) => ws.once("close", resolve));
    await Promise.race([over, this.crashed, ws.readyState === WebSocket.OPEN ? once(ws, "pong") : over]);
  }

  state() {
    const { status, currentModel, currentItemId = null } = this.transport;
    return this.tell(this.isBase ? { status, currentModel } : { status, currentModel, currentItemId });
  }

  async step(input) {
    const step = Object.fromEntries(Object.entries(input).filter(([key]) => !/^(expect|info)_/.test(key)));
    this.seen = new Nothing();
    let results = {};
    try {
      results = await this.act(step);
    } catch (error) {
      results = { expect_error: this.describe(error) };
    }
    await this.settle();
    const sent = ("server" in step ? [step.server] : step.server_batch ?? []).map((event) => this.tell(this.read(event)));
    const short = (arg) => {
      const index = sent.findIndex((event) => isDeepStrictEqual(event, arg));
      return index < 0 ? arg : { $sent: index };
    };
    const { wire, connections, calls, uncaught } = this.seen;
    const emitted = this.seen.emitted.map((entry) => ({ ...entry, args: entry.args.map(short) }));
    const found = {
      expect_connections: connections, expect_function_calls: calls, expect_wire: wire, expect_emitted: emitted,
      expect_uncaught: uncaught,
    };
    for (const [key, list] of Object.entries(found)) if (list.length && !step.setup) results[key] = list;
    const state = this.state();
    if (!isDeepStrictEqual(state, this.before)) results.expect_state = this.before = state;
    return { ...step, ...results };
  }

  async play() {
    for (const [name, value] of Object.entries(this.scenario.env ?? {})) process.env[name] = value;
    this.build();
    this.before = this.state();
    const result = { ...this.scenario, reference: "@openai/agents-realtime@0.20.0", expect_initial_state: this.before, steps: [] };
    for (const step of this.scenario.steps) {
      result.steps.push(await this.step(step));
      if (this.isCrashed) break;
    }
    this.seen = new Nothing();
    this.transport.connectionState?.websocket?.terminate?.();
    peer.reset();
    await turns(2);
    for (const name of Object.keys(this.scenario.env ?? {})) delete process.env[name];
    return result;
  }
}

// The smallest transport: what reaches sendEvent is the wire.
function recording(owner) {
  return class extends OpenAIRealtimeBase {
    status = "connected";
    muted = null;
    async connect() {}
    sendEvent(event) {
      if (owner.failingSends > 0) {
        owner.failingSends -= 1;
        throw new Error("send failed");
      }
      owner.seen.wire.push(owner.tell(JSON.parse(JSON.stringify(event))));
    }
    mute() {}
    close() { this._onClose(); }
    interrupt() {}
  };
}

function typesIn(value) {
  if (value === null || typeof value !== "object") return [];
  const text = value.server_text ?? Buffer.from(value.server_binary ?? "", "base64").toString();
  const written = /"type": ?"(\w+\.[\w.]+)"/.exec(text);
  if (written) return [written[1]];
  const own = typeof value.type === "string" && value.type.includes(".") ? [value.type] : [];
  return [...own, ...Object.values(value).flatMap(typesIn)];
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  run = new Run(JSON.parse(line));
  let result;
  try {
    result = await run.play();
  } catch (error) {
    result = { problem: String(error?.stack ?? error) };
  }
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
process.exit(0);
