// An application on the official JavaScript agents SDK; its argument plants a bug.

import { OpenAIRealtimeWebSocket, RealtimeAgent, RealtimeSession, tool } from "@openai/agents-realtime";

const bug = process.argv[2];
const url = `${process.env.RTCLI_URL}?model=gpt-realtime-2.1`;
const parameters = { type: "object", properties: {}, required: [], additionalProperties: false };
const weather = tool({
  name: "get_weather",
  description: "The weather.",
  strict: false,
  parameters,
  execute: () => (bug === "never_answers" ? new Promise(() => {}) : "21 degrees"),
});
const transport = new OpenAIRealtimeWebSocket({ useInsecureApiKey: true });
const session = new RealtimeSession(new RealtimeAgent({ name: "guide", tools: [weather] }), { transport });
const over = () => {
  session.close();
  process.exit(0);
};
let received = 0; // bytes of audio

session.on("error", over);
transport.on("audio", ({ data }) => {
  if (bug === "creates_while_active" && !received) {
    // by the socket: what goes through sendEvent waits for the response to end
    transport.connectionState.websocket.send('{"type": "response.create"}');
  }
  received += data.byteLength;
});
transport.on("conversation.item.truncated", over);
transport.on("response.done", ({ response }) => {
  const [item] = response.output;
  if (item.type === "message") {
    const heard = Math.floor(bug === "truncates_beyond" ? received / 48 + 3000 : received / 96); // milliseconds
    transport.sendEvent({ type: "conversation.item.truncate", item_id: item.id, content_index: 0, audio_end_ms: heard });
  } else if (bug === "never_answers") {
    over();
  }
});
await session.connect({ apiKey: process.env.OPENAI_API_KEY, url });
session.sendMessage("What is the weather?");
