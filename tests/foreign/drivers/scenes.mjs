// The official JavaScript agents SDK takes part in one scene; ends with 0 when it came to its end.
//
// Command line: URL of the server's API, name of the scene.

import { OpenAIRealtimeWebSocket, RealtimeAgent, RealtimeSession, tool } from "@openai/agents-realtime";

const [api, scene] = process.argv.slice(2);
const url = `${api.replace("http", "ws")}/realtime?model=gpt-realtime-2.1`;
const TIME_LIMIT = 60_000;

/** A second of loud noise, the same each time, and a second of silence. */
function phrase() {
  const sound = Buffer.alloc(2 * 48_000);
  let state = 1;
  for (let at = 0; at < 48_000; at += 2) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    sound.writeInt16LE(((state >> 12) % 24_000) - 12_000, at);
  }
  return sound;
}

/** The next `count` events of a type. */
function next(emitter, type, count = 1) {
  return new Promise((resolve) => {
    const listener = (...payload) => {
      count -= 1;
      if (count > 0) return;
      emitter.off(type, listener);
      resolve(payload.at(-1));
    };
    emitter.on(type, listener);
  });
}

function hear(transport) {
  const sound = phrase();
  for (let start = 0; start < sound.length; start += 4800) {
    transport.sendAudio(Uint8Array.from(sound.subarray(start, start + 4800)).buffer);
  }
}

async function connected(config, run) {
  const transport = new OpenAIRealtimeWebSocket({ useInsecureApiKey: true });
  const updated = next(transport, "session.updated");
  transport.on("error", () => {});
  await transport.connect({ apiKey: "none", url, initialSessionConfig: config });
  await updated;
  await run(transport);
  transport.close();
}

const detection = { type: "server_vad", silenceDurationMs: 300 };

const scenes = {
  text: () =>
    connected({ outputModalities: ["text"] }, async (transport) => {
      for (const words of ["Hello there.", "What time is it?"]) {
        const ended = next(transport, "rate_limits.updated");
        transport.sendMessage(words);
        await ended;
      }
    }),

  tools: async () => {
    const weather = tool({
      name: "get_weather",
      description: "The weather in a city.",
      strict: false,
      parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false },
      execute: async ({ city }) => `In ${city} it has 21 degrees.`,
    });
    const session = new RealtimeSession(new RealtimeAgent({ name: "guide", instructions: "Help.", tools: [weather] }), {
      transport: new OpenAIRealtimeWebSocket({ useInsecureApiKey: true }),
      config: { outputModalities: ["text"] },
    });
    session.on("error", () => {});
    await session.connect({ apiKey: "none", url });
    const ended = next(session.transport, "rate_limits.updated", 2);
    session.sendMessage("What is the weather in Paris?");
    await ended;
    session.close();
  },

  voice: () =>
    connected(
      { audio: { input: { turnDetection: detection, transcription: { model: "whisper-1" } } } },
      async (transport) => {
        for (let turn = 0; turn < 2; turn += 1) {
          const ended = next(transport, "rate_limits.updated");
          hear(transport);
          await ended;
        }
      },
    ),

  interruption: () =>
    connected({ outputModalities: ["audio"] }, async (transport) => {
      const speaking = next(transport, "audio", 3);
      const ended = [next(transport, "response.done"), next(transport, "conversation.item.retrieved")];
      transport.sendMessage("Count to 100.");
      await speaking;
      transport.interrupt();
      await Promise.all(ended);
    }),

  error: () =>
    connected({ outputModalities: ["text"] }, async (transport) => {
      for (const event of [
        { type: "response.cancel", event_id: "mine" },
        { type: "conversation.item.delete", item_id: "item_of_nobody" },
      ]) {
        const refused = next(transport, "error");
        transport.sendEvent(event);
        await refused;
      }
      const ended = next(transport, "rate_limits.updated");
      transport.sendMessage("Hello there.");
      await ended;
    }),
};

setTimeout(() => {
  console.error("out of time");
  process.exit(1);
}, TIME_LIMIT);
await scenes[scene]();
await new Promise((resolve) => setTimeout(resolve, 100)); // what close() has begun goes out
process.exit(0);
