// An application on the official `openai` package; its argument plants a bug. The package connects to wss alone.

import OpenAI from "openai";
import { OpenAIRealtimeWS } from "openai/realtime/ws";

const bug = process.argv[2];
const connection = new OpenAIRealtimeWS({ model: "gpt-realtime-2.1" }, new OpenAI());
let received = 0; // bytes of audio

connection.on("error", () => connection.close());
connection.on("conversation.item.truncated", () => connection.close());
connection.on("session.created", () => {
  const tools = [{ type: "function", name: "get_weather", parameters: { type: "object", properties: {} } }];
  connection.send({ type: "session.update", session: { type: "realtime", tools } });
  const content = [{ type: "input_text", text: "What is the weather?" }];
  connection.send({ type: "conversation.item.create", item: { type: "message", role: "user", content } });
  connection.send({ type: "response.create" });
});
connection.on("response.output_audio.delta", ({ delta }) => {
  if (bug === "creates_while_active" && !received) connection.send({ type: "response.create" });
  received += Buffer.from(delta, "base64").length;
});
connection.on("response.done", ({ response }) => {
  const [item] = response.output;
  if (item.type === "message") {
    const heard = Math.floor(bug === "truncates_beyond" ? received / 48 + 3000 : received / 96); // milliseconds
    connection.send({ type: "conversation.item.truncate", item_id: item.id, content_index: 0, audio_end_ms: heard });
  } else if (bug === "never_answers") {
    connection.close();
  } else {
    const output = { type: "function_call_output", call_id: item.call_id, output: "21 degrees" };
    connection.send({ type: "conversation.item.create", item: output });
    connection.send({ type: "response.create" });
  }
});
