// Makes many entries quickly: `node entries.mjs FIRST COUNT`, inside a namespace of weigh.ts, sends one datagram each to COUNT
// destinations from number FIRST on, from one socket, and prints how many the kernel took.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** Destinations are told apart by port, then by address. */
const FIRST_PORT = 1024;
const PORTS = 60_000;
/** Datagrams under way at once. */
const WIDTH = 256;

const [first, count] = process.argv.slice(2).map(Number);
const socket = createSocket('udp4');
socket.bind(40_000, '10.19.0.1');
await once(socket, 'listening');

function send(n) {
  const address = `203.0.113.${1 + Math.floor(n / PORTS)}`;
  return new Promise((resolve) => socket.send('.', FIRST_PORT + (n % PORTS), address, (error) => resolve(!error)));
}

let next = first;
let taken = 0;
await Promise.all(
  Array.from({ length: WIDTH }, async () => {
    while (next < first + count) if (await send(next++)) taken++;
  }),
);
socket.close();
process.stdout.write(`${taken}\n`);
