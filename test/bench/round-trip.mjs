// Measures how long UDP takes, from one namespace of the lab to another:
//
//   node round-trip.mjs answer ADDRESS PORT   sends back what comes
//   node round-trip.mjs ask ADDRESS PORT      asks all the time, and prints at each line of standard input, as JSON, how many answers
//                                             came since the last one, and how long they took
import { createSocket } from 'node:dgram';
import { createInterface } from 'node:readline';

/** Often enough for a percentile of a few seconds, and less than a gateway notices. */
const EVERY_MS = 1;
/** An answer that takes longer is lost. */
const LOST_MS = 1000;

const [mode, address, port] = process.argv.slice(2);
const socket = createSocket('udp4');

function answer() {
  socket.on('message', (message, from) => socket.send(message, from.port, from.address));
  socket.bind(Number(port), address);
}

function ask() {
  const sent = new Map();
  let next = 0;
  let lost = 0;
  let took = [];
  socket.on('message', (message) => {
    const number = message.readUInt32BE(0);
    const start = sent.get(number);
    if (start === undefined) return;
    sent.delete(number);
    took.push(Number(process.hrtime.bigint() - start) / 1e6);
  });
  setInterval(() => {
    const message = Buffer.alloc(4);
    message.writeUInt32BE(next);
    sent.set(next++, process.hrtime.bigint());
    socket.send(message, Number(port), address);
  }, EVERY_MS);
  createInterface({ input: process.stdin }).on('line', () => {
    const now = process.hrtime.bigint();
    for (const [number, start] of sent) {
      if (Number(now - start) / 1e6 < LOST_MS) break;
      sent.delete(number);
      lost++;
    }
    const sorted = took.sort((a, b) => a - b);
    const percentile = (share) => sorted[Math.floor((sorted.length - 1) * share)];
    process.stdout.write(
      `${JSON.stringify({ answers: sorted.length, lost, p50Ms: percentile(0.5), p99Ms: percentile(0.99) })}\n`,
    );
    took = [];
    lost = 0;
  });
}

if (mode === 'answer') answer();
else ask();
