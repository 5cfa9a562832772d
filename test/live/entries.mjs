// Makes many entries quickly: `node entries.mjs FIRST COUNT [CLIENTS]`, inside a namespace, sends one datagram each to COUNT destinations
// from number FIRST on, and prints how many the kernel took. Without CLIENTS all are from one socket, as in weigh.ts; with it from so many
// clients of lab.ts, whose addresses and ports are scattered as those of a real gateway are.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** Destinations are told apart by port, then by address; those of many clients by address, then by port. */
const FIRST_PORT = 1024;
const PORTS = 60_000;
const SERVERS = 200;
const SERVICES = [443, 53, 80, 123, 8080];
/** Datagrams under way at once. */
const WIDTH = 256;

const [first, count, clients = 0] = process.argv.slice(2).map(Number);

async function bound(port, address) {
  const socket = createSocket('udp4');
  // Answers that nobody listens to are errors of a socket.
  socket.on('error', () => {});
  socket.bind(port, address);
  await once(socket, 'listening');
  return socket;
}

/** Multiplicative hashing: the same numbers in every run. */
const scattered = (n) => Math.imul(n + 1, 0x9e3779b1) >>> 0;

const sockets =
  clients === 0
    ? [await bound(40_000, '10.19.0.1')]
    : await Promise.all(
        Array.from({ length: clients }, (_, n) => {
          const [host, port] = [scattered(n) >>> 20, 1024 + (scattered(n + clients) % 64_000)];
          return bound(port, `10.20.${host >>> 8}.${1 + ((host & 255) % 250)}`);
        }),
      );

function destination(n) {
  if (clients === 0) return { address: `203.0.113.${1 + Math.floor(n / PORTS)}`, port: FIRST_PORT + (n % PORTS) };
  const each = Math.floor(n / clients);
  return { address: `203.0.113.${30 + (each % SERVERS)}`, port: SERVICES[Math.floor(each / SERVERS)] ?? 9 };
}

function send(n) {
  const { address, port } = destination(n);
  const socket = sockets[n % sockets.length];
  return new Promise((resolve) => socket.send('.', port, address, (error) => resolve(!error)));
}

let next = first;
let taken = 0;
await Promise.all(
  Array.from({ length: WIDTH }, async () => {
    while (next < first + count) if (await send(next++)) taken++;
  }),
);
for (const socket of sockets) socket.close();
process.stdout.write(`${taken}\n`);
