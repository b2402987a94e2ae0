// The official JavaScript SDK's SIP transport, unmodified: it joins a call that was accepted, and steers it.
//
// Command line: the server's URL, the id of the call. Prints the types of the events that it got, as a line of JSON.

import { OpenAIRealtimeSIP, RealtimeAgent } from "@openai/agents-realtime";

const [url, callId] = process.argv.slice(2);
const types = [];
const transport = new OpenAIRealtimeSIP({ useInsecureApiKey: true });
transport.on("*", ({ type }) => types.push(type));
const next = (type) => new Promise((resolve) => transport.on(type, resolve));

const agent = new RealtimeAgent({ name: "Desk", instructions: "Answer the telephone." });
const accepted = await OpenAIRealtimeSIP.buildInitialConfig(agent);
const started = next("output_audio_buffer.started");
const updated = next("session.updated");
await transport.connect({ apiKey: "none", url: `${url}?call_id=${callId}`, callId });
await updated;
transport.sendMessage("Please count to 100.", {});
await started;
const cleared = next("output_audio_buffer.cleared");
const truncated = next("conversation.item.truncated");
transport.interrupt();
await cleared;
const { audio_end_ms } = await truncated;
transport.close();
console.log(JSON.stringify({ types, audio_end_ms, accepted }));
