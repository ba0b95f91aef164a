/** curl's traffic: what people try a load balancer with first, and what scripts use. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { bytes, sha256 } from '../support/bytes.ts'
import { Certificates } from '../support/certificates.ts'
import { curl, curlMissing, startCurl } from '../support/curl.ts'
import { type Behaviours, unusedPort } from '../support/origin.ts'
import { breakMidBody, chunked, echoBody, ok, respond, sink } from '../support/origin-behaviours.ts'
import type { RecordedRequest } from '../support/origin-exchange.ts'
import { proxied } from '../support/proxied.ts'
import { Gate, waitFor } from '../support/wait.ts'
import { headerValue } from '../support/wire.ts'

const skip = curlMissing()
const mebibyte = 1 << 20
const page = '<p>grüße</p>\n'
const big = bytes(3 * mebibyte)
const expects = '100-continue'

/** A folder with files of known bytes, until the test ends. */
function files(t: TestContext, contents: Readonly<Record<string, Buffer>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'weir-curl-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  for (const [name, content] of Object.entries(contents)) writeFileSync(join(directory, name), content)
  return directory
}

const site: Behaviours = {
  '/page': ok(page, [
    ['content-type', 'text/html'],
    ['etag', '"1"'],
  ]),
  '/chunked': chunked(['one, ', 'two, ', 'three']),
  '/sink': sink(),
  '/echo': echoBody,
  '/range': respond({
    status: 206,
    headers: [
      ['content-range', 'bytes 100-199/1000'],
      ['accept-ranges', 'bytes'],
    ],
    body: bytes(200).subarray(100),
  }),
  '/gzip': ok(gzipSync(page), [
    ['content-encoding', 'gzip'],
    ['vary', 'accept-encoding'],
  ]),
  '/missing': respond({ status: 404, body: 'nothing here' }),
}

interface Case {
  readonly what: string
  /** Before the URL. */
  readonly args: readonly string[]
  readonly path: string
  readonly input?: Buffer
  /** curl's exit code, 0 where it is left out. */
  readonly code?: number
  readonly output: string | Buffer
  readonly messages?: RegExp
  /** What the origin received, of what is named. A RegExp is matched. */
  readonly received: Readonly<Record<string, unknown>>
}

function assertReceived(request: RecordedRequest, expected: Case['received']): void {
  const { method, target, bodySha256, bodyBytes } = request
  const known: Readonly<Record<string, unknown>> = { method, target, sha256: bodySha256, bytes: bodyBytes }
  for (const [name, value] of Object.entries(expected)) {
    const actual = name in known ? known[name] : headerValue(request.headers, name)
    if (value instanceof RegExp) assert.match(String(actual), value, name)
    else assert.equal(actual, value, name)
  }
}

const answeredFirst = /> Expect: 100-continue[\s\S]*< HTTP\/1\.1 100 Continue/
const sunk = (body: Buffer) => `${body.length} ${sha256(body)}`

/** @param folder has `big` and `small` */
const cases = (folder: string): Case[] => [
  {
    what: 'GET',
    args: [],
    path: '/page',
    output: page,
    received: { method: 'GET', target: '/page', accept: '*/*', 'content-length': undefined },
  },
  {
    what: 'GET of an answer in chunks, with a query and a name and password',
    args: ['-u', 'name:password'],
    path: '/chunked?a=b%20c&d[]=1',
    output: 'one, two, three',
    received: {
      target: '/chunked?a=b%20c&d[]=1',
      authorization: `Basic ${Buffer.from('name:password').toString('base64')}`,
    },
  },
  { what: '-f at 404', args: ['-f'], path: '/missing', code: 22, output: '', received: { method: 'GET' } },
  {
    what: 'POST --data',
    args: ['--data', 'a=1&b=2'],
    path: '/sink',
    output: sunk(Buffer.from('a=1&b=2')),
    received: {
      method: 'POST',
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': '7',
    },
  },
  {
    what: 'POST of a big file, Expect: 100-continue by curl itself',
    args: ['-v', '--expect100-timeout', '60', '--data-binary', `@${folder}/big`],
    path: '/sink',
    output: sunk(big),
    messages: answeredFirst,
    received: { method: 'POST', sha256: sha256(big), expect: undefined },
  },
  {
    what: '-T of a big file, Expect: 100-continue by curl itself',
    args: ['-v', '--expect100-timeout', '60', '-T', `${folder}/big`],
    path: '/sink',
    output: sunk(big),
    messages: answeredFirst,
    received: { method: 'PUT', 'content-length': String(big.length), expect: undefined },
  },
  {
    what: '-T of a small file with Expect: 100-continue',
    args: ['-v', '--expect100-timeout', '60', '-H', `Expect: ${expects}`, '-T', `${folder}/small`],
    path: '/sink',
    output: sunk(bytes(1_000)),
    messages: answeredFirst,
    received: { method: 'PUT', bytes: 1_000 },
  },
  {
    what: '-T of a big file without Expect',
    args: ['-v', '-H', 'Expect:', '-T', `${folder}/big`],
    path: '/sink',
    output: sunk(big),
    messages: /^(?![\s\S]*(> Expect|100 Continue))/,
    received: { method: 'PUT', sha256: sha256(big) },
  },
  {
    what: 'a chunked upload of what comes in',
    args: ['-H', 'Transfer-Encoding: chunked', '-T', '-'],
    path: '/sink',
    input: big,
    output: sunk(big),
    received: { method: 'PUT', 'transfer-encoding': 'chunked', 'content-length': undefined },
  },
  {
    what: 'a chunked POST, echoed while it comes',
    args: ['-X', 'POST', '-H', 'Transfer-Encoding: chunked', '-T', '-'],
    path: '/echo',
    input: big,
    output: big,
    received: { method: 'POST', 'transfer-encoding': 'chunked' },
  },
  {
    what: '--range',
    args: ['-r', '100-199', '-w', '%{http_code}'],
    path: '/range',
    output: Buffer.concat([bytes(200).subarray(100), Buffer.from('206')]),
    received: { range: 'bytes=100-199' },
  },
  {
    what: '--compressed',
    args: ['--compressed'],
    path: '/gzip',
    output: page,
    received: { 'accept-encoding': /\bgzip\b/, range: undefined },
  },
]

test('downloads and uploads', { skip }, async (t) => {
  const folder = files(t, { big, small: bytes(1_000) })
  const { origin, weir } = await proxied(t, site)
  for (const { what, args, path, input, code = 0, output, messages = /^/, received } of cases(folder)) {
    await t.test(what, async () => {
      origin.requests.length = 0
      const got = await curl([...args, '-g', `${weir.url}${path}`], input)
      assert.equal(got.code, code, got.messages)
      assert.ok(got.output.equals(Buffer.from(output as string)), got.output.toString().slice(0, 200))
      assert.match(got.messages, messages)
      await waitFor(() => origin.only().complete, { what: 'the whole request at the origin' })
      assertReceived(origin.only(), received)
    })
  }

  await t.test('HEAD with -I: the head that GET has, and no wait for a body', async () => {
    origin.requests.length = 0
    const { code, output } = await curl(['-I', `${weir.url}/page`])
    assert.equal(code, 0)
    const head = String(output)
    assert.match(head, /^HTTP\/1\.1 200 OK\r\n/)
    assert.match(head, new RegExp(`\r\ncontent-length: ${Buffer.byteLength(page)}\r\n`, 'i'))
    assert.match(head, /\r\netag: "1"\r\n/i)
    assert.ok(head.endsWith('\r\n\r\n'))
    assert.equal(origin.only().method, 'HEAD')
  })

  await t.test('several URLs in one call: one connection, also behind a POST, a HEAD and a 404', async () => {
    origin.requests.length = 0
    const report = ['-o', '/dev/null', '-w', '%{http_code} %{num_connects}\n']
    const requests = [
      [`${weir.url}/page`],
      ['--data', 'x', `${weir.url}/sink`],
      ['-I', `${weir.url}/page`],
      [`${weir.url}/missing`],
      [`${weir.url}/chunked`],
      ['-H', 'Expect: 100-continue', '--data', 'x', `${weir.url}/sink`],
      [`${weir.url}/page`],
    ]
    const { output } = await curl(requests.flatMap((request) => ['--next', ...report, ...request]).slice(1))
    const lines = ['200 1', '200 0', '200 0', '404 0', '200 0', '200 0', '200 0']
    assert.deepEqual(String(output).trim().split('\n'), lines)
    assert.equal(origin.requests.length, requests.length)
  })

  await weir.atRest()
})

test('-F: fields and a file arrive as they were', { skip }, async (t) => {
  const picture = bytes(300_000)
  const folder = files(t, { 'bild ü.bin': picture })
  let form: FormData | null = null
  const { weir } = await proxied(t, async (exchange) => {
    const type = headerValue(exchange.record.headers, 'content-type')!
    const body = Buffer.from(await exchange.text(), 'latin1')
    form = await new Response(body, { headers: { 'content-type': type } }).formData()
    await exchange.respond({ body: 'thanks' })
  })
  const file = `file=@${folder}/bild ü.bin;type=image/x-test`
  const { code, output } = await curl(['-F', 'note=süß & "quoted"', '-F', file, `${weir.url}/form`])
  assert.deepEqual([code, String(output)], [0, 'thanks'])
  assert.equal(form!.get('note'), 'süß & "quoted"')
  const received = form!.get('file') as File
  assert.deepEqual([received.name, received.type], ['bild ü.bin', 'image/x-test'])
  assert.ok(Buffer.from(await received.arrayBuffer()).equals(picture))
})

test('--http1.1 over TLS, verified with --cacert; without it curl refuses with 60', { skip }, async (t) => {
  const own = new Certificates(t).selfSigned('own', 'own.test')
  const listen = { host: '127.0.0.1', port: 0, tls: { cert: own.cert, key: own.key } }
  const { origin, weir } = await proxied(t, site, { config: { listen } })
  const url = ['--resolve', `own.test:${weir.port}:127.0.0.1`, `https://own.test:${weir.port}/sink`]
  const version = ['-w', '\n%{http_version}']
  const got = await curl(['--http1.1', '--cacert', own.cert, '-T', '-', ...version, ...url], big)
  assert.deepEqual([got.code, String(got.output)], [0, `${sunk(big)}\n1.1`])
  assert.equal(headerValue(origin.only().headers, 'x-forwarded-proto'), 'https')
  // Offers HTTP/2 as curl does by itself.
  const offered = await curl(['--cacert', own.cert, ...version, ...url])
  assert.match(String(offered.output), /\n1\.1$/)
  assert.equal((await curl(url)).code, 60)
})

test('--unix-socket', { skip }, async (t) => {
  const socket = join(files(t, {}), 'weir.sock')
  const { origin, weir } = await proxied(t, site, { config: { listen: `unix:${socket}` } })
  const got = await curl(['--unix-socket', socket, '-T', '-', 'http://app.test/sink'], big)
  assert.deepEqual([got.code, String(got.output)], [0, sunk(big)])
  assert.equal(headerValue(origin.only().headers, 'host'), 'app.test')
  await weir.atRest()
})

test('redirectToHttps, followed with -L: method, body and target are kept', { skip }, async (t) => {
  const own = new Certificates(t).selfSigned('own', 'own.test')
  const securePort = await unusedPort()
  const listen = [
    { host: '127.0.0.1', port: 0, redirectToHttps: securePort },
    { host: '127.0.0.1', port: securePort, tls: { cert: own.cert, key: own.key } },
  ]
  const { origin, weir } = await proxied(t, site, { config: { listen } })
  const plainPort = weir.ports.find((port) => port !== securePort)!
  const resolve = [plainPort, securePort].flatMap((port) => ['--resolve', `own.test:${port}:127.0.0.1`])
  const follow = ['-L', '--cacert', own.cert, ...resolve, '-w', '\n%{num_redirects} %{url_effective}']
  const got = await curl([...follow, '--data', 'a=1', `http://own.test:${plainPort}/sink?x=%20y`])
  const effective = `https://own.test:${securePort}/sink?x=%20y`
  assert.deepEqual([got.code, String(got.output)], [0, `${sunk(Buffer.from('a=1'))}\n1 ${effective}`])
  const { method, target } = origin.only()
  assert.deepEqual([method, target], ['POST', '/sink?x=%20y'])
})

test('-N: each event of a stream is seen before the next is sent', { skip }, async (t) => {
  const gates = Array.from({ length: 4 }, () => new Gate())
  const { weir } = await proxied(t, async (exchange) => {
    await exchange.head(200, [
      ['content-type', 'text/event-stream'],
      ['transfer-encoding', 'chunked'],
    ])
    for (const [id, gate] of gates.entries()) {
      await exchange.chunk(`id: ${id}\ndata: event ${id}\n\n`)
      await gate.pass()
    }
    await exchange.endChunks()
  })
  const child = startCurl('-N', '-H', 'Accept: text/event-stream', `${weir.url}/events`)
  const closed = once(child, 'close')
  let seen = ''
  child.stdout.on('data', (piece) => {
    seen += piece
  })
  for (const [id, gate] of gates.entries()) {
    await waitFor(() => seen.endsWith(`data: event ${id}\n\n`), { what: () => `event ${id}, got ${seen}` })
    gate.open()
  }
  assert.deepEqual(await closed, [0, null])
  await weir.atRest()
})

test('an answer that the origin cuts short: curl exits with 18', { skip }, async (t) => {
  const gates = { length: new Gate(), chunked: new Gate() }
  const { weir } = await proxied(t, async (exchange) => {
    const [, framing, how] = exchange.path.split('/') as [string, 'length' | 'chunked', 'fin' | 'reset']
    await breakMidBody(framing, how, 50_000, gates[framing])(exchange)
  })
  for (const framing of ['length', 'chunked'] as const) {
    const running = ['fin', 'reset'].map((how) => startCurl(`${weir.url}/${framing}/${how}`))
    const ends = Promise.all(running.map((child) => once(child, 'close')))
    const seen = running.map(() => 0)
    for (const [n, child] of running.entries()) {
      child.stdout.on('data', (piece: Buffer) => {
        seen[n]! += piece.length
      })
    }
    // What curl has written out has passed Weir.
    await waitFor(() => seen.every((bytes) => bytes > 16_384), { what: () => `the beginning, got ${seen}` })
    gates[framing].open()
    assert.deepEqual(await ends, Array(2).fill([18, null]), framing)
  }
  await weir.atRest()
})

test('limits: 413, 414 and 431 reach curl, and nothing reaches the origin', { skip }, async (t) => {
  const folder = files(t, { big, small: bytes(1_000) })
  const limits = { bodyBytes: '500B', targetBytes: '2KiB', headBytes: '8KiB', headers: 20 }
  const { origin, weir } = await proxied(t, site, { config: { limits } })
  const ask = async (args: readonly string[]) => {
    const got = await curl([...args, '-w', '\n%{http_code}', `${weir.url}/sink`])
    const [body = '', status] = String(got.output).trim().split(/\n+/)
    return { code: got.code, status: Number(status), body }
  }
  const headers = (count: number) => Array.from({ length: count }, (_, n) => ['-H', `X-${n}: 1`]).flat()

  const refused: [what: string, status: number, error: string, args: readonly string[]][] = [
    ['a body', 413, 'body_too_large', ['--data-binary', `@${folder}/small`]],
    ['a target', 414, 'target_too_long', ['-G', '--data', `q=${'x'.repeat(3_000)}`]],
    ['a header', 431, 'head_too_large', ['-H', `X-Long: ${'x'.repeat(9_000)}`]],
    ['many headers', 431, 'head_too_large', headers(30)],
  ]
  for (const [what, status, error, args] of refused) {
    const got = await ask(args)
    assert.deepEqual([got.code, got.status], [0, status], what)
    assert.equal(JSON.parse(got.body).error, error, what)
  }
  // These the native parser refuses, in words of its own (native-notes/03-request-parser.md).
  for (const args of [['-H', `X-Long: ${'x'.repeat(20_000)}`], headers(120)]) {
    const { code, status } = await ask(args)
    assert.deepEqual([code, status], [0, 431])
  }
  // Still sending when the connection closes: the kernel may reset it, and the answer with it (curl says 55 or 56 then).
  // The native layer has sent 100 before Weir can refuse, so waiting for that makes no difference.
  for (const args of [[], ['-H', 'Expect:'], ['-H', 'Transfer-Encoding: chunked']]) {
    const { code, status } = await ask([...args, '-T', `${folder}/big`])
    if (code === 0) assert.equal(status, 413)
    else assert.ok(code === 55 || code === 56, `curl ended with ${code}`)
  }
  assert.ok(origin.requests.every(({ complete }) => !complete))
  await weir.atRest()
})
