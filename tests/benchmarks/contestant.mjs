// agents-realtime's OpenAIRealtimeWebSocket in a process of its own: contestant.mjs MODE URL COUNT
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [, , modules, mode, url, countText] = process.argv;
const require = createRequire(`${modules}/package.json`);
const { OpenAIRealtimeWebSocket } = await import(pathToFileURL(require.resolve('@openai/agents-realtime')).href);
const count = Number(countText);
const tally = { events: 0, pcm: 0, characters: 0, cpu: 0, seconds: 0 };
let begun, started, finish;
const finished = new Promise((resolve) => (finish = resolve));
const begin = () => { begun = process.cpuUsage(); started = process.hrtime.bigint(); };
const end = () => {
  const spent = process.cpuUsage(begun);
  tally.cpu = (spent.user + spent.system) / 1e6;
  tally.seconds = Number(process.hrtime.bigint() - started) / 1e9;
  finish();
};
const chunk = new Uint8Array(960).map((_, i) => i % 240);
const t = new OpenAIRealtimeWebSocket();
const ready = new Promise((resolve) => t.on('session.created', resolve));
t.on('error', (error) => { console.error(error); process.exit(1); });
await t.connect({ apiKey: 'sk', url });
await ready;
if (mode === 'send') {
  t.on('rate_limits.updated', (event) => {
    const digest = createHash('sha256');
    for (let i = 0; i < count; i += 1) digest.update(chunk);
    if (digest.digest('hex') !== event.event_id) process.exit(2);
    end();
  });
  t.sendEvent({ type: 'input_audio_buffer.clear' });
  begin();
  for (let i = 0; i < count; i += 1) {
    t.sendAudio(chunk.buffer);
    if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
} else {
  const items = new Map();
  t.on('audio', (audio) => { tally.pcm += audio.data.byteLength; });
  t.on('audio_transcript_delta', (event) => { tally.characters += event.delta.length; });
  t.on('item_update', (item) => { items.set(item.itemId, item); });
  t.on('*', () => { tally.events += 1; if (tally.events === count) end(); });
  begin();
  t.sendEvent({ type: 'input_audio_buffer.clear' });
}
await finished;
tally.peak_mb = process.resourceUsage().maxRSS / 1024;
console.log(JSON.stringify(tally));
process.exit(0);
