// Makes real packets: run with `server` or `client` inside the lab's network namespaces (see lab.ts).
//
//   node traffic.mjs server                  answers UDP 53 and 123 on each server address, accepts TCP 80 and 443
//   node traffic.mjs client '{"tcpOpen":9}'  makes that many flows, prints what it made as JSON, keeps them open, and goes
//                                            on with `perSecond` new ones, if that is asked for; unanswered UDP is sent
//                                            again at each line of standard input, and every `againEveryMs`
//   node traffic.mjs load '{"perSecond":{"udpAnswered":90}}'
//                                            makes new flows all the time, at such rates
//   node traffic.mjs race '{…}'              sends datagrams at the very moments at which another process sends some, too
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
function lehmer(seed) {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}
const random = lehmer(20031105);
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

/** Opens a TCP connection that takes what comes; one that does not open within `patienceMs` is given up. */
function talk(options, patienceMs) {
  const socket = net.connect(options);
  socket.on('error', () => {});
  socket.resume();
  if (patienceMs) {
    const timer = setTimeout(() => socket.destroy(), patienceMs);
    socket.on('connect', () => clearTimeout(timer));
  }
  return socket;
}

/** Sends a datagram, and again each second until it is answered, at most `retries` times, as resolvers do. */
function ask(socket, port, address, retries) {
  socket.send('hello', port, address);
  if (retries === 0) return;
  let left = retries;
  const isAnswer = (_, from) => {
    if (from.port === port && from.address === address) end();
  };
  const timer = setInterval(() => {
    socket.send('hello', port, address);
    if (--left === 0) end();
  }, 1000);
  const end = () => {
    clearInterval(timer);
    socket.off('message', isAnswer);
  };
  socket.setMaxListeners(0).on('message', isAnswer);
}

/** Sources that take turns in sending UDP. */
const POOL = 50;

/**
 * New flows all the time. The arrivals of each kind are a Poisson process: the flows and their moments are the same in each
 * run, as far as the machine keeps up.
 */
async function load({ perSecond, burst, arriveForSeconds, destinations = 2 * SERVERS, lastSeconds, retries = 0 }) {
  const after = (seconds, act) => seconds && setTimeout(act, 1000 * seconds);
  const make = {
    async udpAnswered(n) {
      const lap = Math.floor(n / POOL / destinations);
      const to = Math.floor(n / POOL) % destinations;
      const socket = await udpFrom(clientAddress((n % POOL) + POOL * lap));
      ask(socket, to % 2 ? 123 : 53, serverAddress(Math.floor(to / 2)), retries);
    },
    async udpUnanswered(n) {
      const socket = await udpFrom(clientAddress(10_000 + (n % POOL)));
      socket.send('hello', 20_000 + Math.floor(n / POOL), BLACK_HOLE);
    },
    async udpStream(n) {
      const socket = await udpFrom(clientAddress(20_000 + n));
      const speak = () => socket.send('hello', 123, serverAddress(n));
      speak();
      const timer = setInterval(speak, 1000);
      after(lastSeconds, () => clearInterval(timer));
    },
    tcpShort(n) {
      talk({ localAddress: clientAddress(n % CLIENTS), host: serverAddress(n), port: 80 }, 3000);
    },
    tcpLong(n) {
      const socket = talk({ localAddress: clientAddress(n % CLIENTS), host: serverAddress(n), port: 443 });
      socket.on('connect', () => after(lastSeconds, () => socket.end()));
    },
    synOnly(n) {
      talk({ localAddress: clientAddress(n % CLIENTS), host: BLACK_HOLE, port: 443 }, 5);
    },
  };
  function* poisson(perSecond, seed) {
    const random = lehmer(seed);
    const end = arriveForSeconds ?? Number.POSITIVE_INFINITY;
    for (let at = 0; at <= end; at += -Math.log(random()) / perSecond) yield at;
  }
  function* bursts({ flows, firstSecond, everySeconds }) {
    for (let first = firstSecond; ; first += everySeconds) {
      for (let n = 0; n < flows; n++) yield first + n / flows;
    }
  }
  const streams = Object.entries(perSecond).map(([kind, rate], index) => ({
    kind,
    moments: poisson(rate, 20031105 + index),
  }));
  if (burst) streams.push({ kind: 'udpAnswered', moments: bursts(burst) });
  for (const stream of streams) stream.next = stream.moments.next();
  const numbers = {};
  const start = performance.now();
  setInterval(() => {
    const now = (performance.now() - start) / 1000;
    for (const stream of streams) {
      for (; !stream.next.done && stream.next.value <= now; stream.next = stream.moments.next()) {
        const n = numbers[stream.kind] ?? 0;
        numbers[stream.kind] = n + 1;
        make[stream.kind](n);
      }
    }
  }, 4);
  process.stdin.on('end', () => process.exit(0)).resume();
  process.stdout.write('started\n');
}

/**
 * One datagram from each of these sources by turns, all to one server and each from a port that was not used before, at
 * moments of the clock that all processes share: two that were given the same moments send at once, on a processor each.
 */
async function race({ sources, firstPort, startMs, everyMs, rounds }) {
  const clock = () => Number(process.hrtime.bigint()) / 1e6;
  process.stdin.on('end', () => process.exit(0)).resume();
  process.stdout.write('started\n');
  for (let n = 0; n < rounds; n++) {
    const socket = createSocket({ type: 'udp4', reuseAddr: true });
    socket.on('error', () => {});
    socket.bind(firstPort + n, sources[n % sources.length]);
    await once(socket, 'listening');
    socket.connect(53, serverAddress(0));
    await once(socket, 'connect');
    const moment = startMs + n * everyMs;
    await new Promise((resolve) => setTimeout(resolve, moment - clock() - 3));
    // Timers are too coarse for what follows.
    while (clock() < moment);
    socket.send('hello');
  }
}

const [, , mode, wanted] = process.argv;
if (mode === 'server') await server();
else if (mode === 'client') await client(JSON.parse(wanted));
else if (mode === 'load') await load(JSON.parse(wanted));
else if (mode === 'race') await race(JSON.parse(wanted));
