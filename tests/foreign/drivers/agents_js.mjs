// The official JavaScript agents SDK, unmodified: its WebSocket transport, and its session with an agent.
//
// Command line: URL of the server's API, WAV file of 24 kHz PCM16, optionally --recognizer. Prints a line of JSON for
// each check, and at the end the types of the events that the SDK's own schemas did not take.

import { readFileSync } from "node:fs";
import { OpenAIRealtimeWebSocket, RealtimeAgent, RealtimeSession, tool } from "@openai/agents-realtime";

const [api, wav, ...flags] = process.argv.slice(2);
const recognizer = flags.includes("--recognizer");
const url = `${api.replace("http", "ws")}/realtime?model=gpt-realtime-2.1`;
const speech = readFileSync(wav).subarray(44);
const phrase = speech.subarray(0, 1.6 * 48000); // "Ever tried."
const silence = (seconds) => Buffer.alloc(seconds * 48000);

const LONG_ANSWER = "Please count to 100.";
const TIME_LIMIT = 60_000;
const RED =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEklEQVR4nGP4z8CAFWEXHbQSACj/P8Fu7N9hAAAAAElFTkSuQmCC";

const checks = [];
const check = (name, promise, run) => checks.push({ name, promise, run });
const events = {};
const missed = new Set();

function assert(condition, what) {
  if (!condition) throw new Error(typeof what === "string" ? what : JSON.stringify(what));
}

/** The last argument of the next event of a type that fits. */
function next(emitter, type, fits = () => true) {
  return new Promise((resolve) => {
    const listener = (...payload) => {
      if (!fits(...payload)) return;
      emitter.off(type, listener);
      resolve(payload.at(-1));
    };
    emitter.on(type, listener);
  });
}

/** Images never get past the SDK's schema, whoever sends them. */
const isImage = ({ item }) => item?.content?.some(({ type }) => type === "input_image") ?? false;

/** Counts every event, and notes those that reach `*` alone: the SDK's schema refused them. */
function watch(transport) {
  const known = new Set();
  let pending = null;
  const settle = () => {
    if (pending) missed.add(pending);
    pending = null;
  };
  transport.on("*", (event) => {
    settle();
    events[event.type] = (events[event.type] ?? 0) + 1;
    pending = isImage(event) ? null : event.type;
    if (known.has(event.type)) return;
    known.add(event.type);
    transport.on(event.type, () => {
      pending = null;
    });
  });
  return settle;
}

async function connected(config, run) {
  const transport = new OpenAIRealtimeWebSocket({ useInsecureApiKey: true });
  const errors = [];
  const settle = watch(transport);
  transport.on("error", (error) => errors.push(error));
  const updated = next(transport, "session.updated");
  await transport.connect({ apiKey: "none", url, initialSessionConfig: config });
  await updated;
  try {
    await run(transport);
  } finally {
    transport.close();
    settle();
  }
  assert(errors.length === 0, errors);
}

async function session(agent, run) {
  const running = new RealtimeSession(agent, {
    transport: new OpenAIRealtimeWebSocket({ useInsecureApiKey: true }),
    config: { outputModalities: ["text"] },
  });
  const errors = [];
  running.on("error", (error) => errors.push(error));
  const settle = watch(running.transport);
  await running.connect({ apiKey: "none", url });
  try {
    await run(running);
  } finally {
    running.close();
    settle();
  }
  assert(errors.length === 0, errors);
}

function hear(transport, sound) {
  for (let start = 0; start < sound.length; start += 4800) {
    transport.sendAudio(Uint8Array.from(sound.subarray(start, start + 4800)).buffer);
  }
}

const detection = (silenceDurationMs) => ({
  input: {
    turnDetection: { type: "server_vad", silenceDurationMs, interruptResponse: true },
    transcription: { model: "gpt-4o-mini-transcribe" },
  },
});
const says = (history, words) => JSON.stringify(history).includes(words);

check("a_text_turn", "Text in, text out.", () =>
  connected({ outputModalities: ["text"] }, async (transport) => {
    let text = "";
    transport.on("output_text_delta", ({ delta }) => (text += delta));
    const done = next(transport, "turn_done");
    transport.sendMessage("Hello there.");
    const { response } = await done;
    assert(text && response.usage.totalTokens > 0, response);
  }),
);

check("an_audio_turn", "Text in, speech out, with its transcript.", () =>
  connected({}, async (transport) => {
    let [bytes, transcript] = [0, ""];
    transport.on("audio", ({ data }) => (bytes += data.byteLength));
    transport.on("audio_transcript_delta", ({ delta }) => (transcript += delta));
    const done = next(transport, "audio_done");
    transport.sendMessage("Hello there.");
    await done;
    assert(bytes > 0.3 * 48000 && transcript, `${bytes} bytes, ${transcript}`);
  }),
);

check("push_to_talk", "Sound, commit, and a response that is asked for.", () =>
  connected({ audio: { input: { turnDetection: null } } }, async (transport) => {
    const committed = next(transport, "input_audio_buffer.committed");
    hear(transport, speech);
    transport.sendEvent({ type: "input_audio_buffer.commit" });
    await committed;
    const done = next(transport, "turn_done");
    transport.requestResponse();
    await done;
  }),
);

check("speech_is_detected", "A person's words start a turn, and are transcribed where the server can.", () =>
  connected({ audio: detection(1500) }, async (transport) => {
    const place = "conversation.item.input_audio_transcription";
    const heard = next(transport, recognizer ? `${place}.completed` : `${place}.failed`);
    const done = next(transport, "turn_done");
    hear(transport, Buffer.concat([speech, silence(2)]));
    const { transcript } = await heard;
    assert(!recognizer || /fail better/i.test(transcript), transcript);
    await done;
  }),
);

check("barge_in", "Speech during an answer: interrupted, cancelled, truncated, answered.", () =>
  connected({ audio: detection(500) }, async (transport) => {
    const speaking = next(transport, "audio");
    transport.sendMessage(LONG_ANSWER);
    await speaking;
    const interrupted = next(transport, "audio_interrupted");
    const truncated = next(transport, "conversation.item.truncated");
    const cancelled = next(transport, "response.done", ({ response }) => response.status === "cancelled");
    const answered = next(transport, "response.done", ({ response }) => response.status === "completed");
    hear(transport, Buffer.concat([phrase, silence(1.5)]));
    await Promise.all([interrupted, truncated, answered]);
    const { response } = await cancelled;
    assert(response.status_details.reason === "turn_detected", response);
  }),
);

check("interrupt", "interrupt() cancels, and truncates to what was heard.", () =>
  connected({ audio: { input: { turnDetection: null } } }, async (transport) => {
    const speaking = next(transport, "audio");
    transport.sendMessage(LONG_ANSWER);
    await speaking;
    const truncated = next(transport, "conversation.item.truncated");
    const done = next(transport, "response.done");
    transport.interrupt();
    const { response } = await done;
    assert(response.status_details.reason === "client_cancelled", response);
    await truncated;
  }),
);

check("an_image", "An image is taken and answered.", () =>
  connected({ outputModalities: ["text"] }, async (transport) => {
    const done = next(transport, "turn_done");
    transport.addImage(RED);
    await done;
  }),
);

check("mcp_tools", "The tools of a (simulated) MCP server are listed.", () =>
  connected({ outputModalities: ["text"] }, async (transport) => {
    const listed = next(transport, "mcp_tools_listed");
    const server = { type: "mcp", server_label: "docs", server_url: "https://example.com/mcp", require_approval: "never" };
    transport.sendEvent({ type: "session.update", session: { type: "realtime", tools: [server] } });
    const { serverLabel, tools } = await listed;
    assert(serverLabel === "docs" && tools.length > 0, tools);
  }),
);

check("an_agent_uses_its_tool", "The session runs the agent's function, and the answer has what it returned.", () => {
  const weather = tool({
    name: "get_weather",
    description: "The weather in a city.",
    strict: false,
    parameters: {
      type: "object",
      properties: { city: { type: "string" } },
      required: ["city"],
      additionalProperties: false,
    },
    execute: async ({ city }) => `In ${city} it has 21 degrees.`,
  });
  return session(new RealtimeAgent({ name: "guide", instructions: "Help.", tools: [weather] }), async (running) => {
    const answered = next(running, "history_updated", (history) =>
      history.some((item) => item.role === "assistant" && says(item, "21") && item.status === "completed"),
    );
    running.sendMessage("What is the weather in Paris?");
    await answered;
  });
});

check("history_is_edited", "updateHistory deletes and inserts on the server, and its answers come back.", () =>
  session(new RealtimeAgent({ name: "guide", instructions: "Help." }), async (running) => {
    const answered = next(running, "history_updated", (history) =>
      history.some((item) => item.role === "assistant" && item.status === "completed"),
    );
    running.sendMessage("Hello there.");
    const [question] = await answered;
    const deleted = next(running.transport, "item_deleted");
    running.updateHistory([question]);
    await deleted;
    const added = next(running.transport, "conversation.item.added");
    const note = { itemId: "noted", type: "message", role: "system", content: [{ type: "input_text", text: "Noted." }] };
    running.updateHistory([note, question]);
    const { item, previous_item_id: previous } = await added;
    assert(item.id === "noted" && previous === null, { item, previous });
  }),
);

const tell = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

await Promise.all(
  checks.map(async ({ name, run }) => {
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error("out of time")), TIME_LIMIT);
    });
    try {
      await Promise.race([run(), late]);
      tell({ check: name, ok: true, detail: "" });
    } catch (error) {
      tell({ check: name, ok: false, detail: String(error.stack ?? error) });
    } finally {
      clearTimeout(timer);
    }
  }),
);
tell({ events, problems: [...missed].map((type) => `${type}: refused by the SDK's own schema`) });
process.exit(0);
