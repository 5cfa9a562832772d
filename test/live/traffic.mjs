// Makes real packets: run with `server` or `client` inside the lab's network namespaces (see lab.ts).
//
//   node traffic.mjs server                  answers UDP 53 and 123 on each server address, accepts TCP 80 and 443
//   node traffic.mjs client '{"tcpOpen":9}'  makes that many flows, prints what it made as JSON, keeps them open, and goes
//                                            on with `perSecond` new ones, if that is asked for; unanswered UDP is sent
//                                            again at each line of standard input, and every `againEveryMs`
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';

export const SERVERS = 40;
const CLIENTS = 2000;
/** Answers nothing: the lab drops what is sent to it. */
const BLACK_HOLE = '203.0.113.250';

const serverAddress = (n) => `203.0.113.${1 + (n % SERVERS)}`;
const clientAddress = (n) => `10.20.${Math.floor(n / 250)}.${1 + (n % 250)}`;

/** A fixed sequence (Lehmer, modulo 2^31 − 1), so that two runs make the same flows. */
let seed = 20031105;
function random() {
  seed = (seed * 48271) % 2147483647;
  return seed / 2147483647;
}
/** A few clients make most of the flows, as in life. */
const someClient = () => clientAddress(Math.floor(CLIENTS * random() ** 4));

async function server() {
  for (let n = 0; n < SERVERS; n++) {
    for (const port of [53, 123]) {
      const socket = createSocket('udp4');
      socket.on('message', (message, from) => socket.send(message, from.port, from.address));
      socket.bind(port, serverAddress(n));
      await once(socket, 'listening');
    }
  }
  for (const port of [80, 443]) {
    const listener = net.createServer((socket) => {
      socket.on('error', () => {});
      // Port 80 says a word and hangs up; 443 stays.
      if (port === 80) socket.end('bye');
      else socket.resume();
    });
    listener.listen({ port, host: '0.0.0.0', backlog: 4096 });
    await once(listener, 'listening');
  }
  process.stdout.write('ready\n');
}

/** Runs `make` n times, at most `width` at once. */
async function times(n, width, make) {
  let next = 0;
  await Promise.all(
    Array.from({ length: Math.min(width, n) }, async () => {
      while (next < n) await make(next++);
    }),
  );
}

const sockets = new Map();
async function udpFrom(address) {
  let socket = sockets.get(address);
  if (!socket) {
    socket = createSocket('udp4');
    sockets.set(address, socket);
    socket.on('error', () => {});
    socket.bind(0, address);
    await once(socket, 'listening');
  }
  return socket;
}

/** Sends one datagram; resolves to whether the kernel took it: a full table refuses it with EPERM. */
function send(socket, port, address) {
  return new Promise((resolve) => socket.send('hello', port, address, (error) => resolve(!error)));
}

async function client(wanted) {
  const made = { udpAnswered: 0, udpUnanswered: 0, tcpOpen: 0, tcpShort: 0, synOnly: 0, refused: 0 };
  const keep = [];
  const sent = [];
  const count = (name, ok) => {
    if (ok) made[name]++;
    else made.refused++;
  };
  const connect = (options) =>
    new Promise((resolve) => {
      const socket = net.connect({ localAddress: someClient(), ...options });
      socket.setTimeout(4000, () => resolve([socket, false]));
      socket.on('error', () => resolve([socket, false]));
      socket.on('connect', () => resolve([socket, true]));
    });
  await times(wanted.tcpOpen ?? 0, 200, async (n) => {
    const [socket, ok] = await connect({ host: serverAddress(n), port: 443 });
    if (ok) keep.push(socket);
    count('tcpOpen', ok);
  });
  await times(wanted.tcpShort ?? 0, 100, async (n) => {
    const [socket, ok] = await connect({ host: serverAddress(n), port: 80 });
    if (ok) {
      socket.resume();
      // Closed in peace: destroying it could send a reset, and its entry would be CLOSE instead of TIME_WAIT.
      await once(socket, 'close').catch(() => {});
    } else socket.destroy();
    count('tcpShort', ok);
  });
  await times(wanted.synOnly ?? 0, 100, async () => {
    const socket = net.connect({ localAddress: someClient(), host: BLACK_HOLE, port: 443 });
    socket.on('error', () => {});
    await new Promise((resolve) => setTimeout(resolve, 5));
    socket.destroy();
    count('synOnly', true);
  });
  // One socket to many destinations: a flow each, without a file descriptor each.
  for (let n = 0; n < (wanted.udpAnswered ?? 0); n++) {
    const socket = await udpFrom(clientAddress(Math.floor(n / (2 * SERVERS)) % CLIENTS));
    count('udpAnswered', await send(socket, n % 2 ? 53 : 123, serverAddress(Math.floor(n / 2))));
  }
  for (let n = 0; n < (wanted.udpUnanswered ?? 0); n++) {
    const socket = await udpFrom(clientAddress(Math.floor(n / 1000) % CLIENTS));
    sent.push([socket, 20000 + (n % 1000), BLACK_HOLE]);
    count('udpUnanswered', await send(socket, 20000 + (n % 1000), BLACK_HOLE));
  }
  process.stdout.write(`${JSON.stringify(made)}\n`);
  let more = 0;
  if (wanted.perSecond) {
    const socket = await udpFrom(clientAddress(CLIENTS));
    setInterval(() => send(socket, 30000 + (more++ % 30000), BLACK_HOLE), 1000 / wanted.perSecond);
  }
  const again = () => {
    for (const [socket, port, address] of sent) socket.send('again', port, address);
  };
  if (wanted.againEveryMs) setInterval(again, wanted.againEveryMs);
  process.stdin.on('data', again);
  process.stdin.on('end', () => process.exit(0));
}

if (process.argv[2] === 'server') await server();
else if (process.argv[2] === 'client') await client(JSON.parse(process.argv[3]));
