import { availableParallelism } from 'node:os'
import type { Load, Scenario, Suite } from '../harness/scenario.ts'
import { defaultWeir, small, smallLoad } from './routes.ts'

const kib = 1024
const mib = 1024 * kib

/** What Chromium sends with a request for an image of a page, and the cookies of a shop: 952 bytes with the request line and Host. */
const browserHeaders: Load['headers'] = {
  'User-Agent':
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36',
  Accept: 'image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8',
  'Accept-Encoding': 'gzip, deflate, br, zstd',
  'Accept-Language': 'en-GB,en;q=0.9,de;q=0.8',
  'Cache-Control': 'no-cache',
  Pragma: 'no-cache',
  Referer: 'https://shop.example.com/catalogue/lamps?sort=price&page=2',
  'Sec-Ch-Ua': '"Chromium";v="131", "Not_A Brand";v="24"',
  'Sec-Ch-Ua-Mobile': '?0',
  'Sec-Ch-Ua-Platform': '"Linux"',
  'Sec-Fetch-Dest': 'image',
  'Sec-Fetch-Mode': 'no-cors',
  'Sec-Fetch-Site': 'same-origin',
  Cookie: [
    `session=${'4f2c9a7be1d05836'.repeat(4)}`,
    `_ga=GA1.2.1234567890.1700000000; _gid=GA1.2.987654321.1700000000`,
    `cart=${'0a1b2c3d'.repeat(8)}; consent=${'analytics%3A1%7Cads%3A0%7C'.repeat(4)}; theme=dark`,
  ].join('; '),
}

/** More than anything small remembers. */
const variety = 4_000

function response(name: string, bytes: number): Scenario {
  return {
    ...small,
    name: `response-${name}`,
    what: `answers of ${bytes / kib} KiB`,
    origin: { ...small.origin, bytes },
  }
}

function upload(name: string, bytes: number): Scenario {
  const load: Load = { ...smallLoad, method: 'POST', bodyBytes: bytes }
  return { ...small, name: `upload-${name}`, what: `uploads of ${bytes / kib} KiB, small answers`, load }
}

/** The queue holds them all: what comes above its bound is shed, and a refusal is no answer to compare. */
function connections(count: number): Scenario {
  return {
    ...small,
    name: `connections-${count}`,
    what: `a small GET on ${count.toLocaleString('en-US')} connections`,
    weir: { ...defaultWeir, upstream: { queue: { limit: Math.max(1024, count) } } },
    load: { ...smallLoad, connections: count },
  }
}

/** 1, 2, 4 … as far as there are cores for them. */
function workerCounts(): readonly number[] {
  const counts = [1]
  while (counts.at(-1)! * 2 <= availableParallelism()) counts.push(counts.at(-1)! * 2)
  return counts
}

function workers(count: number): Scenario {
  return { ...small, name: `workers-${count}`, what: `a small GET, workers: ${count}`, workers: count }
}

const variants: readonly Scenario[] = [
  {
    ...small,
    name: 'browser',
    what: "a small GET with a browser's dozen headers and cookies",
    load: { ...smallLoad, headers: browserHeaders },
    mostCpuRatio: 1.6,
  },
  {
    ...small,
    name: 'varied',
    what: "a browser's GETs, 4,000 that differ, and as many answers; one client has another address",
    origin: { ...small.origin, bytes: 400, varied: variety },
    load: {
      ...smallLoad,
      path: '/catalogue',
      headers: browserHeaders,
      varied: variety,
      otherClients: ['127.0.0.2'],
    },
  },
  { ...response('16k', 16 * kib), mostCpuRatio: 1.4 },
  { ...response('1m', mib), mostCpuRatio: 1.0 },
  upload('16k', 16 * kib),
  upload('1m', mib),
  connections(500),
  { ...connections(2000), mostCpuRatio: 1.3 },
  connections(10_000),
  {
    ...small,
    name: 'pipelined',
    what: 'a small GET; Weir sends up to 16 ahead to the origin on each of 4 connections, which is an option there (neither clients nor peers pipeline)',
    weir: { ...defaultWeir, upstream: { connections: 4, pipelining: 16 } },
    mostCpuRatio: 0.9,
  },
  { ...small, name: 'tls', what: 'a small GET, TLS with the clients', tls: true },
  {
    ...small,
    name: 'websocket',
    what: 'WebSocket messages of 100 bytes, echoed by the origin',
    origin: { ...small.origin, webSocket: true },
    load: { ...smallLoad, protocol: 'websocket', bodyBytes: 100 },
  },
  ...workerCounts().map(workers),
]

export const traffic: Suite = {
  name: 'traffic',
  what: 'headers, sizes, uploads, connections, pipelining, TLS, WebSockets, workers',
  // Where nginx is missing, what is left to be divided by is the same origin, asked directly.
  scenarios: variants.map((scenario) => ({ ...scenario, baseline: `${scenario.name}@origin` })),
}
