/**
 * What an origin may send, byte by byte, and what the client gets of it, after RFC 9110 and 9112. What cannot be trusted is
 * 502, what ends early ends early for the client too, and whatever one response was, the next client gets its own.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { type ClientResponse, RawClient, statusOf } from '../support/raw-client.ts'
import { startWeir, type Weir } from '../support/weir.ts'

interface Case {
  readonly rfc: string
  readonly what: string
  /** The origin's bytes, one character each. */
  readonly bytes: string
  /** What the origin does behind them; it keeps the connection by default. */
  readonly ending?: 'fin' | 'reset'
  readonly method?: string
  /** 200 by default. More than one: either will do. */
  readonly status?: number | readonly number[]
  readonly body?: string
  /** The client must see that the body ended early, having got this much at most. */
  readonly truncated?: boolean
  /** Whether the next request may come over the same connection. Either, if it is not given. */
  readonly reused?: boolean
  /** The statuses of the interim responses before the answer. */
  readonly interim?: readonly number[]
  readonly has?: Readonly<Record<string, string>>
  readonly hasNot?: readonly string[]
}

const response = (headers: string, body = '', line = 'HTTP/1.1 200 OK') => `${line}\r\n${headers}\r\n${body}`
const fine = response('Content-Length: 2\r\n', 'ok')
const chunked = (body: string, headers = '') => response(`Transfer-Encoding: chunked\r\n${headers}`, body)
const bad = 502

/** Of a chunked body that goes wrong. @param body as far as the client gets it, with a truncation, where it gets anything */
const brokenChunks =
  (body: string) =>
  ([what, bytes]: string[]): Case => ({
    rfc: '9112 7.1',
    what: what!,
    bytes: chunked(bytes!),
    status: [bad, 200],
    truncated: true,
    body,
  })

const framing: readonly Case[] = [
  { rfc: '9112 6.2', what: 'a length', bytes: fine, body: 'ok', has: { 'content-length': '2' } },
  { rfc: '9112 6.2', what: 'a length of 0', bytes: response('Content-Length: 0\r\n'), body: '' },
  {
    rfc: '9112 6.3',
    what: 'the same length twice',
    bytes: response('Content-Length: 2\r\nContent-Length: 2\r\n', 'ok'),
    status: bad,
  },
  {
    rfc: '9112 6.3',
    what: 'two lengths',
    bytes: response('Content-Length: 2\r\nContent-Length: 3\r\n', 'oki'),
    status: bad,
  },
  {
    rfc: '9112 6.3',
    what: 'a list of lengths',
    bytes: response('Content-Length: 2, 2\r\n', 'ok'),
    status: bad,
  },
  ...['+2', '-2', '0x2', '2a', '', '2 2', '99999999999999999999999', '9999999999999999'].map(
    (length): Case => ({
      rfc: '9110 8.6',
      what: `a length of "${length}"`,
      bytes: response(`Content-Length: ${length}\r\n`, 'ok'),
      status: bad,
    }),
  ),
  {
    rfc: '9112 6.3',
    what: 'a length and chunks',
    bytes: response('Content-Length: 2\r\nTransfer-Encoding: chunked\r\n', '2\r\nok\r\n0\r\n\r\n'),
    status: bad,
  },
  {
    rfc: '9112 6.3',
    what: 'chunks and a length',
    bytes: chunked('2\r\nok\r\n0\r\n\r\n', 'Content-Length: 2\r\n'),
    status: bad,
  },
  ...[
    'gzip',
    'identity',
    'chunked, gzip',
    'gzip, chunked',
    'xchunked',
    'chunked, chunked',
    '',
    'chunked\x0b',
    // The parser takes neither for `chunked` and reads to the end of the connection.
    'chunked\t',
    'chunked\xa0',
  ].map(
    (coding): Case => ({
      rfc: '9112 6.1',
      what: `Transfer-Encoding "${coding}"`,
      bytes: response(`Transfer-Encoding: ${coding}\r\n`, '2\r\nok\r\n0\r\n\r\n'),
      ending: 'fin',
      status: bad,
    }),
  ),
  {
    rfc: '9112 6.1',
    what: 'Transfer-Encoding twice',
    bytes: chunked('2\r\nok\r\n0\r\n\r\n', 'Transfer-Encoding: chunked\r\n'),
    status: bad,
  },
  {
    rfc: '9110 15.2',
    what: 'a body that looks like an interim response',
    bytes: response('Content-Length: 25\r\n', 'HTTP/1.1 100 Continue\r\n\r\n'),
    body: 'HTTP/1.1 100 Continue\r\n\r\n',
  },
  { rfc: '9112 7.1', what: 'chunks', bytes: chunked('1\r\no\r\n1\r\nk\r\n0\r\n\r\n'), body: 'ok' },
  {
    rfc: '9112 7.1.1',
    what: 'chunk extensions, which go',
    bytes: chunked('2;a=b;c="d"\r\nok\r\n0;e\r\n\r\n'),
    body: 'ok',
  },
  {
    rfc: '9112 7.1.2',
    what: 'trailers, which go',
    bytes: chunked('2\r\nok\r\n0\r\nX-Trailer: 1\r\nSet-Cookie: a=1\r\n\r\n', 'Trailer: X-Trailer\r\n'),
    body: 'ok',
    hasNot: ['trailer', 'x-trailer', 'set-cookie'],
  },
  {
    rfc: '9110 6.5.1',
    what: 'a length among the trailers, where it may not stand',
    bytes: chunked('2\r\nok\r\n0\r\nContent-Length: 9\r\n\r\n'),
    status: [bad, 200],
    truncated: true,
    body: 'ok',
  },
  {
    rfc: '9110 5.5',
    what: 'white space around a length',
    bytes: response('Content-Length:  2  \r\n', 'ok'),
    body: 'ok',
  },
  {
    rfc: '9112 6.1',
    what: 'Transfer-Encoding in any case and with white space',
    bytes: response('TRANSFER-ENCODING: \tChunKed \r\n', '2\r\nok\r\n0\r\n\r\n'),
    body: 'ok',
  },
  ...[
    ['a chunk size that is none', 'zz\r\nok\r\n0\r\n\r\n'],
    ['a negative chunk size', '-2\r\nok\r\n0\r\n\r\n'],
    ['a chunk size in 0x', '0x2\r\nok\r\n0\r\n\r\n'],
    ['an endless chunk size', 'ffffffffffffffffff2\r\nok\r\n0\r\n\r\n'],
    ['an empty chunk size', '\r\nok\r\n0\r\n\r\n'],
    ['a bare line feed behind the size', '2\nok\r\n0\r\n\r\n'],
    ['a space before the size', ' 2\r\nok\r\n0\r\n\r\n'],
  ].map(brokenChunks('')),
  ...[
    ['a chunk without its CRLF', '2\r\nok0\r\n\r\n'],
    ['a chunk that is longer than its size', '2\r\nokay\r\n0\r\n\r\n'],
    ['a bare line feed behind a chunk', '2\r\nok\n0\r\n\r\n'],
    ['a bad size behind a good chunk', '2\r\nok\r\nzz\r\n'],
    ['a trailer that is no field', '2\r\nok\r\n0\r\nx y\r\n\r\n'],
  ].map(brokenChunks('ok')),
  {
    rfc: '9112 8',
    what: 'chunks cut off',
    bytes: chunked('2\r\nok\r\n'),
    ending: 'fin',
    status: [bad, 200],
    truncated: true,
    body: 'ok',
  },
  {
    rfc: '9112 8',
    what: 'a chunk cut off',
    bytes: chunked('5\r\nok'),
    ending: 'reset',
    status: [bad, 200],
    truncated: true,
    body: 'ok',
  },
  {
    rfc: '9112 8',
    what: 'a body short of its length',
    bytes: response('Content-Length: 5\r\n', 'ok'),
    ending: 'fin',
    truncated: true,
    body: 'ok',
  },
  {
    rfc: '9112 8',
    what: 'a body reset short of its length',
    bytes: response('Content-Length: 5\r\n', 'ok'),
    ending: 'reset',
    status: [bad, 200],
    truncated: true,
    body: 'ok',
  },
  {
    rfc: '9112 6.3',
    what: 'a body to the end of the connection',
    bytes: response('', 'all'),
    ending: 'fin',
    body: 'all',
  },
  {
    rfc: '9112 6.3',
    what: 'nothing to the end of the connection',
    bytes: response('X-A: 1\r\n'),
    ending: 'fin',
    body: '',
    has: { 'x-a': '1' },
  },
  {
    rfc: '9112 9.3',
    what: 'HTTP/1.0 to the end of the connection',
    bytes: response('Content-Type: text/x\r\n', 'old', 'HTTP/1.0 200 OK'),
    ending: 'fin',
    body: 'old',
    has: { 'content-type': 'text/x' },
  },
  {
    rfc: '9112 9.3',
    what: 'HTTP/1.0 with a length',
    bytes: response('Content-Length: 3\r\n', 'old', 'HTTP/1.0 200 OK'),
    ending: 'fin',
    body: 'old',
  },
  {
    rfc: '9112 9.3',
    what: 'HTTP/1.0 kept alive',
    bytes: response('Connection: keep-alive\r\nContent-Length: 3\r\n', 'old', 'HTTP/1.0 200 OK'),
    body: 'old',
    hasNot: ['connection'],
    reused: true,
  },
  {
    rfc: '9112 6.1',
    what: 'HTTP/1.0 in chunks, which ends its connection whatever it says',
    bytes: response(
      'Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n',
      '2\r\nok\r\n0\r\n\r\n',
      'HTTP/1.0 200 OK',
    ),
    body: 'ok',
    reused: false,
  },
]

const bodiless: readonly Case[] = [
  {
    rfc: '9110 15.3.5',
    what: '204',
    bytes: response('', '', 'HTTP/1.1 204 No Content'),
    status: 204,
    body: '',
  },
  {
    rfc: '9110 8.6',
    what: '204 with a length of 0',
    bytes: response('Content-Length: 0\r\n', '', 'HTTP/1.1 204 No Content'),
    status: 204,
    hasNot: ['content-length', 'transfer-encoding'],
  },
  {
    rfc: '9112 6.3',
    what: '204 with a length and a body',
    bytes: response('Content-Length: 2\r\n', 'ok', 'HTTP/1.1 204 No Content'),
    status: [204, bad],
    hasNot: ['transfer-encoding'],
  },
  {
    rfc: '9112 6.3',
    what: '204 and a body',
    bytes: response('', fine, 'HTTP/1.1 204 No Content'),
    status: [204, bad],
  },
  {
    rfc: '9112 6.1',
    what: '204 in chunks',
    bytes: response('Transfer-Encoding: chunked\r\n', '2\r\nok\r\n0\r\n\r\n', 'HTTP/1.1 204 No Content'),
    status: [204, bad],
    hasNot: ['transfer-encoding'],
  },
  {
    rfc: '9110 15.4.5',
    what: '304 with the length of what it stands for',
    bytes: response('Content-Length: 5\r\nETag: "a"\r\n', '', 'HTTP/1.1 304 Not Modified'),
    status: 304,
    has: { 'content-length': '5', etag: '"a"' },
    reused: true,
  },
  {
    rfc: '9112 6.3',
    what: '304 with a body',
    bytes: response('Content-Length: 2\r\n', 'ok', 'HTTP/1.1 304 Not Modified'),
    status: [304, bad],
  },
  {
    rfc: '9112 6.1',
    what: '304 in chunks',
    bytes: response('Transfer-Encoding: chunked\r\n', '', 'HTTP/1.1 304 Not Modified'),
    status: 304,
  },
  {
    rfc: '9110 9.3.2',
    what: 'HEAD with a length',
    method: 'HEAD',
    bytes: response('Content-Length: 5\r\n'),
    has: { 'content-length': '5' },
  },
  {
    rfc: '9110 9.3.2',
    what: 'HEAD in chunks',
    method: 'HEAD',
    bytes: chunked(''),
    hasNot: ['content-length'],
  },
  {
    rfc: '9110 9.3.2',
    what: 'HEAD without either',
    method: 'HEAD',
    bytes: response('X-A: 1\r\n'),
    has: { 'x-a': '1' },
  },
  {
    rfc: '9110 9.3.2',
    what: 'HEAD with a body',
    method: 'HEAD',
    bytes: fine,
    status: [200, bad],
  },
  {
    rfc: '9112 6.3',
    what: 'HEAD with two lengths',
    method: 'HEAD',
    bytes: response('Content-Length: 2\r\nContent-Length: 3\r\n'),
    status: bad,
  },
  {
    rfc: '9110 15.3.6',
    what: '205',
    bytes: response('Content-Length: 0\r\n', '', 'HTTP/1.1 205 Reset Content'),
    status: 205,
    body: '',
  },
]

const interim: readonly Case[] = [
  ...['100 Continue', '102 Processing', '103 Early Hints', '150 What'].map(
    (line): Case => ({
      rfc: '9110 15.2',
      what: `${line} before the answer`,
      bytes: `HTTP/1.1 ${line}\r\nLink: </a>\r\n\r\n${fine}`,
      body: 'ok',
      // Weir has not asked for a 100, and the client has had its own.
      interim: line.startsWith('100') ? [] : [Number(line.slice(0, 3))],
      hasNot: ['link'],
    }),
  ),
  ...(['HEAD', 'GET'] as const).map(
    (method): Case => ({
      rfc: '8297 2',
      what: `103 before the answer to ${method} without a body`,
      method,
      bytes: `HTTP/1.1 103 E\r\nLink: </a>\r\n\r\n${response('Content-Length: 0\r\nETag: "a"\r\n', '', 'HTTP/1.1 404 Not Found')}`,
      status: 404,
      body: '',
      interim: [103],
      has: { etag: '"a"' },
    }),
  ),
  {
    rfc: '8297 2',
    what: '103 before an answer in chunks',
    bytes: `HTTP/1.1 103 E\r\nLink: </\xe9>\r\n\r\n${chunked('2\r\nok\r\n0\r\n\r\n')}`,
    body: 'ok',
    interim: [103],
  },
  {
    rfc: '9110 15.2',
    what: 'an endless number of interim responses, of which some are passed on',
    bytes: `HTTP/1.1 103 E\r\nLink: </${'a'.repeat(3_000)}>\r\n\r\n`.repeat(4) + fine,
    body: 'ok',
    interim: [103],
  },
  {
    rfc: '9112 5.1',
    what: 'an interim response with a broken header',
    bytes: `HTTP/1.1 103 E\r\nX A: a\r\n\r\n${fine}`,
    status: bad,
  },
  {
    rfc: '9110 15.2',
    what: 'several interim responses',
    bytes: `HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 E\r\nLink: </a>\r\n\r\nHTTP/1.1 103 E\r\n\r\n${fine}`,
    body: 'ok',
    interim: [103, 103],
    hasNot: ['link'],
  },
  {
    rfc: '9110 15.2',
    what: 'an interim response and no answer',
    bytes: 'HTTP/1.1 103 E\r\n\r\n',
    ending: 'fin',
    status: bad,
  },
  ...['000', '099'].map(
    (status): Case => ({
      rfc: '9110 15',
      what: `the status ${status} before the answer`,
      bytes: `HTTP/1.1 ${status} X\r\n\r\n${fine}`,
      status: bad,
    }),
  ),
  {
    rfc: '9110 15.2.2',
    what: '101 that nobody asked for',
    bytes: `HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n${fine}`,
    status: bad,
  },
  {
    rfc: '9110 15.2.2',
    what: '101 without Upgrade',
    bytes: `HTTP/1.1 101 Switching Protocols\r\n\r\n${fine}`,
    status: bad,
  },
  {
    rfc: '9110 15.2.2',
    what: '101 without Upgrade and nothing behind it',
    bytes: `HTTP/1.1 101 Switching Protocols\r\nX-A: 1\r\n\r\n`,
    status: bad,
  },
  {
    rfc: '9110 7.8',
    what: '200 with Upgrade',
    bytes: response('Upgrade: h2c\r\nConnection: upgrade\r\nContent-Length: 2\r\n', 'ok'),
    status: [200, bad],
    hasNot: ['upgrade'],
  },
]

const heads: readonly Case[] = [
  ...[
    ['a CR in a value', 'X-A: a\rX-B: b\r\n'],
    ['a bare line feed in a value', 'X-A: a\nX-B: b\r\n'],
    ['a NUL in a value', 'X-A: a\x00b\r\n'],
    ['a control character in a value', 'X-A: a\x01b\r\n'],
    ['DEL in a value', 'X-A: a\x7fb\r\n'],
    ['a folded line', 'X-A: a\r\n b\r\n'],
    ['a folded line with a tab', 'X-A: a\r\n\tb\r\n'],
    ['a folded first line', ' X-A: a\r\n'],
    ['a space before the colon', 'X-A : a\r\n'],
    ['a tab before the colon', 'X-A\t: a\r\n'],
    ['an empty name', ': a\r\n'],
    ['a space in a name', 'X A: a\r\n'],
    ['a bracket in a name', 'X(A: a\r\n'],
    ['a NUL in a name', 'X\x00A: a\r\n'],
    ['a high byte in a name', 'X\xe9A: a\r\n'],
    ['no colon', 'X-A\r\n'],
  ].map(
    ([what, line]): Case => ({
      rfc: what!.includes('fold')
        ? '9112 5.2'
        : what!.includes('name') || what!.includes('colon')
          ? '9112 5.1'
          : '9110 5.5',
      what: what!,
      bytes: response(`X-First: 1\r\n${line}Content-Length: 2\r\n`, 'ok'),
      status: bad,
    }),
  ),
  {
    rfc: '9112 2.2',
    what: 'lines that end in a line feed',
    bytes: 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok',
    status: bad,
  },
  {
    rfc: '9112 2.2',
    what: 'lines that end in a CR',
    bytes: 'HTTP/1.1 200 OK\rContent-Length: 2\r\rok',
    status: bad,
  },
  {
    rfc: '9110 5.4',
    what: 'a head too large',
    bytes: response(`X-A: ${'a'.repeat(20_000)}\r\nContent-Length: 2\r\n`, 'ok'),
    status: bad,
  },
  {
    rfc: '9110 5.4',
    what: 'too many lines',
    bytes: response(`${'X-A: 1\r\n'.repeat(4_000)}Content-Length: 2\r\n`, 'ok'),
    status: bad,
  },
  {
    rfc: '9110 5.4',
    what: 'a head of 12 kB',
    bytes: response(`X-A: ${'a'.repeat(12_000)}\r\nContent-Length: 2\r\n`, 'ok'),
    body: 'ok',
  },
  { rfc: '9112 4', what: 'HTTP/0.9', bytes: '<html>hello</html>', ending: 'fin', status: bad },
  { rfc: '9112 4', what: 'the preface of HTTP/2', bytes: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', status: bad },
  {
    rfc: '9113 3.4',
    what: 'a SETTINGS frame',
    bytes: '\x00\x00\x00\x04\x00\x00\x00\x00\x00',
    ending: 'fin',
    status: bad,
  },
  {
    rfc: '9112 4',
    what: 'HTTP/2.0',
    bytes: response('Content-Length: 2\r\n', 'ok', 'HTTP/2.0 200 OK'),
    status: [200, bad],
  },
  ...['HTTP/1.2', 'HTTP/1.9'].map(
    (version): Case => ({
      rfc: '9110 2.5',
      what: `${version}, read as 1.1`,
      bytes: response('Content-Length: 2\r\n', 'ok', `${version} 200 OK`),
      body: 'ok',
    }),
  ),
  ...['HTTP/1.10', 'HTTP/01.1', 'HTTP/1.', 'HTTP/1.x', 'HTTP/1'].map(
    (version): Case => ({
      rfc: '9112 2.3',
      what: version,
      bytes: response('Content-Length: 2\r\n', 'ok', `${version} 200 OK`),
      status: bad,
    }),
  ),
  {
    rfc: '9112 4',
    what: 'HTTP/1.1 in lower case',
    bytes: response('Content-Length: 2\r\n', 'ok', 'http/1.1 200 OK'),
    status: bad,
  },
  { rfc: '9112 4', what: 'random bytes', bytes: '\xff\x00\x12garbage\r\n\r\n', status: bad },
  { rfc: '9112 4', what: 'another protocol', bytes: 'SSH-2.0-OpenSSH_9.2\r\n', status: bad },
  { rfc: '9112 4', what: 'nothing', bytes: '', ending: 'fin', status: bad },
  { rfc: '9112 4', what: 'half a head', bytes: 'HTTP/1.1 200 OK\r\nContent-Le', ending: 'fin', status: bad },
  ...['99', '000', '20', '1000', '2000', 'abc', '-20', '2 0', ''].map(
    (status): Case => ({
      rfc: '9112 4',
      what: `the status "${status}"`,
      bytes: response('Content-Length: 2\r\n', 'ok', `HTTP/1.1 ${status} OK`),
      status: bad,
    }),
  ),
  // 600 to 999 are no HTTP, but in use (RFC 9110, section 15): to the client they are 5xx, and other proxies pass them on.
  ...[299, 418, 499, 599, 600, 999].map(
    (status): Case => ({
      rfc: '9110 15',
      what: `the status ${status}, unknown`,
      bytes: response('Content-Length: 2\r\n', 'ok', `HTTP/1.1 ${status} Whatever`),
      status,
      body: 'ok',
    }),
  ),
  {
    rfc: '9112 4',
    what: 'no reason',
    bytes: response('Content-Length: 2\r\n', 'ok', 'HTTP/1.1 200 '),
    body: 'ok',
  },
  {
    rfc: '9112 4',
    what: 'neither reason nor space',
    bytes: response('Content-Length: 2\r\n', 'ok', 'HTTP/1.1 200'),
    body: 'ok',
  },
  {
    rfc: '9110 5.5',
    what: 'bytes above 0x7F in a value',
    bytes: response('X-Latin: caf\xe9\r\nX-Utf8: \xe2\x82\xac\r\nContent-Length: 2\r\n', 'ok'),
    body: 'ok',
    has: { 'x-latin': 'caf\xe9', 'x-utf8': '\xe2\x82\xac' },
  },
  {
    rfc: '9110 5.5',
    what: 'empty values and white space',
    bytes: response('X-A:\r\nX-B:  b \t c \t \r\nX-C:c\r\nContent-Length: 2\r\n', 'ok'),
    has: { 'x-a': '', 'x-b': 'b \t c', 'x-c': 'c' },
  },
  {
    rfc: '9110 5.3',
    what: 'Set-Cookie, line by line in order',
    bytes: response(
      'Set-Cookie: a=1\r\nX-Between: 1\r\nSet-Cookie: b=2\r\nSet-Cookie: a=3; Path=/\r\nContent-Length: 2\r\n',
      'ok',
    ),
    has: { 'set-cookie': 'a=1|b=2|a=3; Path=/' },
  },
  {
    rfc: '9110 7.6.1',
    what: 'Connection, what it names, and the other hop-by-hop fields',
    bytes: response(
      'Connection: X-Hop, keep-alive\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\nProxy-Connection: x\r\nTE: x\r\nTrailer: y\r\nUpgrade: z\r\nX-End: 1\r\nContent-Length: 2\r\n',
      'ok',
    ),
    status: [200],
    has: { 'x-end': '1' },
    hasNot: ['connection', 'x-hop', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'upgrade'],
  },
  {
    rfc: '9110 7.6.1',
    what: 'Connection on two lines, the nominated field in front',
    bytes: response('X-Hop: 1\r\nConnection: close\r\nConnection: x-hop\r\nContent-Length: 2\r\n', 'ok'),
    ending: 'fin',
    hasNot: ['connection', 'x-hop'],
  },
  {
    rfc: '9110 7.6.1',
    what: 'Connection naming fields that say what the body is, and `close`',
    bytes: response(
      'Connection: close, Content-Type, content-encoding\r\nClose: 1\r\nContent-Type: a/b\r\nContent-Encoding: gzip\r\nX-End: 1\r\nContent-Length: 2\r\n',
      'ok',
    ),
    ending: 'fin',
    body: 'ok',
    has: { 'x-end': '1' },
    hasNot: ['connection', 'close', 'content-type', 'content-encoding'],
  },
  {
    rfc: '9110 7.6.1',
    what: 'Content-Length that Connection names',
    bytes: response('Connection: Content-Length\r\nContent-Length: 2\r\n', 'ok'),
    body: 'ok',
    has: { 'content-length': '2' },
  },
  {
    // The binding writes a Date of its own and cannot be kept from it: native-notes/04-response-heads.md.
    rfc: '9110 6.6.1',
    what: 'one Date only; Server and Via as they are',
    bytes: response(
      'Date: Tue, 15 Nov 1994 08:12:31 GMT\r\nServer: theirs\r\nVia: 1.1 inner\r\nContent-Length: 2\r\n',
      'ok',
    ),
    has: { server: 'theirs', via: '1.1 inner' },
  },
]

const desync: readonly Case[] = [
  {
    rfc: '9112 9.2',
    what: 'a second response behind the first',
    bytes: fine + response('Content-Length: 4\r\n', 'evil'),
    body: 'ok',
  },
  { rfc: '9112 6.3', what: 'bytes behind the length', bytes: `${fine}more`, body: 'ok' },
  {
    rfc: '9112 7.1',
    what: 'bytes behind the last chunk',
    bytes: `${chunked('2\r\nok\r\n0\r\n\r\n')}more`,
    status: [200, bad],
  },
  {
    rfc: '9112 7.1',
    what: 'a response behind the last chunk',
    bytes: chunked('2\r\nok\r\n0\r\n\r\n') + fine.replace('ok', 'no'),
    status: [200, bad],
  },
  {
    rfc: '9110 9.3.2',
    what: 'HEAD and a response for a body',
    method: 'HEAD',
    bytes: response(`Content-Length: ${fine.length}\r\n`, fine),
    status: [200, bad],
  },
  {
    rfc: '9112 9.6',
    what: 'a response behind Connection: close',
    bytes: response('Connection: close\r\nContent-Length: 2\r\n', `ok${fine}`),
    body: 'ok',
  },
]

for (const [name, table] of Object.entries({ framing, bodiless, interim, heads, desync })) {
  test(`responses as the RFCs have them: ${name}`, async (t) => {
    const arrangement = await startArrangement(t)
    const failures: string[] = []
    for (const entry of table) {
      try {
        await check(arrangement, entry)
      } catch (error) {
        failures.push(`${entry.rfc}, ${entry.what}: ${(error as Error).message}`)
      }
    }
    assert.deepEqual(failures, [])
    await arrangement.weir.atRest()
  })
}

interface Arrangement {
  readonly weir: Weir
  /** What the origin answers to `/case`. */
  script: Case | null
  /** By which connection `/case` has come, and the request behind it. */
  used: Socket | null
  next: Socket | null
}

/** An origin that answers `/case` as scripted and anything else with its own target, and Weir with one connection to it. */
async function startArrangement(t: TestContext): Promise<Arrangement> {
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined)
    let received = ''
    socket.on('data', (piece) => {
      received += piece.toString('latin1')
      for (let end = received.indexOf('\r\n\r\n'); end >= 0; end = received.indexOf('\r\n\r\n')) {
        const target = received.split(' ', 2)[1]!
        received = received.slice(end + 4)
        if (target !== '/case') {
          arrangement.next ??= socket
          socket.write(response(`Content-Length: ${target.length}\r\n`, target))
        } else {
          arrangement.used = socket
          arrangement.next = null
          void play(socket, arrangement.script!)
        }
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const app = {
    endpoints: [`http://127.0.0.1:${port}`],
    health: false,
    connections: 1,
    timeouts: { body: '5s', headers: '5s' },
  }
  const weir = await startWeir(t, { upstreams: { app } })
  const arrangement: Arrangement = { weir, script: null, used: null, next: null }
  return arrangement
}

async function play(socket: Socket, { bytes, ending }: Case): Promise<void> {
  socket.write(bytes, 'latin1', () => {
    if (ending === 'fin') socket.end()
    // Not before the bytes are read: an RST throws away what waits in the receiver's buffer.
    if (ending === 'reset') setTimeout(() => socket.resetAndDestroy(), 30)
  })
}

let serial = 0

async function check(arrangement: Arrangement, entry: Case): Promise<void> {
  arrangement.script = entry
  const { port } = arrangement.weir
  const { method = 'GET' } = entry
  const client = await RawClient.connect(port)
  try {
    await client.request({ method, target: '/case' })
    const got = await client.response({ method })
    compare(got, entry)
    // Nothing more may come, and what the client asks next is answered by its own answer.
    if (got.ended === 'complete' && got.header('connection') !== 'close') {
      const target = `/own-${serial++}`
      assert.equal((await client.exchange({ target })).text, target, 'the next answer on the same connection')
    }
  } finally {
    client.close()
  }
  const other = await RawClient.connect(port)
  const target = `/other-${serial++}`
  const next = await other.exchange({ target })
  other.close()
  assert.equal(next.text, target, `another client's answer (${next.status})`)
  if (entry.reused !== undefined)
    assert.equal(arrangement.next === arrangement.used, entry.reused, 'the connection is used again')
}

function compare(got: ClientResponse, entry: Case): void {
  const { status = 200, body, truncated = false, has = {}, hasNot = [] } = entry
  const allowed: readonly number[] = typeof status === 'number' ? [status] : status
  assert.ok(allowed.includes(got.status), `status ${got.status} ${JSON.stringify(got.text)}, not ${allowed}`)
  if (got.status === bad) {
    if (entry.method !== 'HEAD') assert.match(got.text, /server|answer/, 'an answer of Weir’s')
    return
  }
  assert.equal(got.ended !== 'complete', truncated, `ended ${got.ended} with ${JSON.stringify(got.text)}`)
  if (entry.interim !== undefined) assert.deepEqual(got.interim.map(statusOf), entry.interim)
  if (body !== undefined && truncated)
    assert.ok(body.startsWith(got.text), `a body of ${JSON.stringify(got.text)}`)
  else if (body !== undefined) assert.equal(got.text, body)
  for (const [name, value] of Object.entries(has)) assert.equal(got.headers(name).join('|'), value, name)
  for (const name of hasNot) assert.deepEqual(got.headers(name), [], name)
  assert.equal(got.headers('date').length, 1)
  assert.match(got.header('date')!, /20\d\d/)
}
