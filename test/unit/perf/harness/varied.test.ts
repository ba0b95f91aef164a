import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { autocannonVariedCommand, shareOf } from '../../../../perf/harness/autocannon-varied.ts'
import { checkAnswer } from '../../../../perf/harness/check.ts'
import { which } from '../../../../perf/harness/processes.ts'
import type { Load } from '../../../../perf/harness/scenario.ts'
import { asSent } from '../../../../perf/harness/sent.ts'
import { numberOf, variedAnswers, variedRequests } from '../../../../perf/harness/varied.ts'
import { parseWrk, wrkArguments } from '../../../../perf/harness/wrk.ts'
import { select } from '../../../../perf/scenarios/catalogue.ts'
import { small } from '../../../../perf/scenarios/routes.ts'
import { fieldName } from '../../../../src/proxy/headers/field-names.ts'
import { JoinedFields, KnownValues } from '../../../../src/proxy/headers/known-fields.ts'
import { WholeResponse } from '../../../../src/proxy/headers/whole-response.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'))
after(() => rmSync(folder, { recursive: true }))
const write = (ending: string, content: string) => {
  const path = join(folder, `load.${ending}`)
  writeFileSync(path, content)
  return path
}

const [varied] = select(['varied'])
const { load, origin } = varied!
const few: Load = { ...load, connections: 4, varied: 20 }

test('requests differ_in path, cookie, referer, traceparent, each from each; in browser and language, of which there are some', () => {
  const requests = variedRequests(load)
  const distinct = (field: string) => new Set(requests.map(({ headers }) => headers[field])).size
  assert.equal(new Set(requests.map(({ path }) => path)).size, 4_000)
  assert.deepEqual(['Cookie', 'traceparent'].map(distinct), [4_000, 4_000])
  assert.ok(distinct('Referer') > 100)
  assert.deepEqual(['User-Agent', 'Accept-Language', 'Accept'].map(distinct), [36, 5, 1])
  assert.deepEqual([...new Set(requests.map(({ headers }) => Object.keys(headers).length))].sort(), [12, 15])
  assert.ok(requests.every(({ path }, number) => numberOf(path.split('?')[0]!) === number))
})

test('they are_the same each time, and fit into a buffer of nginx', () => {
  const sent = asSent(load, '127.0.0.1:65535')
  assert.deepEqual(sent, asSent(load, '127.0.0.1:65535'))
  assert.ok(Math.max(...sent.map((request) => request.length)) <= 1_024)
  assert.match(
    sent[7]!,
    /^GET \/catalogue\/[a-z]+\/7\?\S+ HTTP\/1\.1\r\nHost: 127\.0\.0\.1:65535\r\n(\S+: .+\r\n)+\r\n$/,
  )
})

test('answers differ_in tag, date and length, and some may be cached or set a cookie', () => {
  const answers = variedAnswers(origin)
  assert.deepEqual(answers, variedAnswers(origin))
  assert.equal(new Set(answers.map(({ headers }) => headers.ETag)).size, 4_000)
  assert.ok(new Set(answers.map(({ headers }) => headers['Last-Modified'])).size > 3_900)
  const lengths = answers.map(({ body }) => body.length)
  assert.deepEqual([Math.min(...lengths), Math.max(...lengths)], [80, 400])
  const share = (field: string) => answers.filter(({ headers }) => field in headers).length / answers.length
  assert.ok(Math.abs(share('Cache-Control') - 1 / 4) < 0.03 && Math.abs(share('Set-Cookie') - 1 / 16) < 0.02)
})

test('the number of a path is_what it ends in', () => {
  assert.deepEqual(['/a/0', '/a7/1204', '/', ''].map(numberOf), [0, 1204, 0, 0])
})

test('each connection of autocannon has_a share of its own, and one request at least', () => {
  const shares = [0, 1, 2].map((connection) => shareOf([0, 1, 2, 3, 4], connection, 3))
  assert.deepEqual(shares, [[0, 3], [1, 4], [2]])
  assert.deepEqual(shareOf(['a', 'b'], 5, 8), ['b'])
})

/** A server that keeps what it is asked, as it came, while a generator runs against it. */
async function asked(command: (url: string) => readonly string[]) {
  const requests: string[] = []
  const server = createServer((request, response) => {
    const { method, url, rawHeaders } = request
    const lines = Array.from({ length: rawHeaders.length / 2 }, (_, index) =>
      rawHeaders.slice(2 * index, 2 * index + 2).join(': '),
    )
    requests.push([`${method} ${url}`, ...lines].join('\n'))
    response.end('ok')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  try {
    const [program, ...args] = command(url)
    const { stdout } = await promisify(execFile)(program!, args, { maxBuffer: 1 << 24 })
    return { requests, stdout, host: new URL(url).host }
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

const skip = which('wrk') === null ? 'wrk is not installed' : false
test('wrk sends_each of them as often as the others, and all of their bytes', { skip }, async () => {
  const { requests, stdout, host } = await asked((url) => [
    which('wrk')!,
    ...wrkArguments(few, 1, `${url}/catalogue`, write),
  ])
  const counts = new Map<string, number>()
  for (const request of requests) counts.set(request, (counts.get(request) ?? 0) + 1)
  const expected = asSent(few, host).map((request) =>
    request
      .replace(/ HTTP\/1\.1\r\n/, '\n')
      .trim()
      .replaceAll('\r\n', '\n'),
  )
  assert.deepEqual([...counts.keys()].sort(), expected.sort())
  assert.ok(Math.max(...counts.values()) - Math.min(...counts.values()) <= few.connections)
  assert.ok(parseWrk(stdout).requests > 0)
})

test('autocannon sends_so many, and no two the same at the same time', { timeout: 60_000 }, async () => {
  const { requests, stdout } = await asked((origin) =>
    autocannonVariedCommand({ origin, load: few, amount: 40 }, write),
  )
  assert.equal(requests.length, 40)
  assert.equal((JSON.parse(stdout) as Record<string, number>)['2xx'], 40)
  assert.equal(new Set(requests).size, 20)
  const wanted = new Set(
    variedRequests(few).map(({ path, headers }) => `${path} ${headers.Cookie} ${headers.traceparent}`),
  )
  for (const request of requests) {
    const [, path] = /^GET (\S+)/.exec(request)!
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(request)![1]
    assert.ok(wanted.has(`${path} ${field('Cookie')} ${field('traceparent')}`), request)
  }
})

test('an answer to another request, or with another field, is_found out', async (t) => {
  const answers = variedAnswers(origin)
  let wrong: (number: number) => { number: number; headers: Record<string, string> } = (number) => ({
    number,
    headers: {},
  })
  const server = createServer((request, response) => {
    const { number, headers } = wrong(numberOf(request.url!.split('?')[0]!))
    response.writeHead(200, { ...answers[number]!.headers, ...headers }).end(answers[number]!.body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  assert.equal(await checkAnswer(url, varied!), null)
  // As a cache would that looks at nothing but the first request.
  wrong = () => ({ number: 0, headers: {} })
  assert.match((await checkAnswer(url, varied!))!, /answered \d+ bytes instead of the origin's/)
  wrong = (number) => ({ number, headers: { ETag: '"old"' } })
  assert.match((await checkAnswer(url, varied!))!, /with ETag: "old" instead of the origin's "/)
  wrong = (number) => ({
    number,
    headers: 'Set-Cookie' in answers[number]!.headers ? { 'Set-Cookie': 'a=b' } : {},
  })
  assert.match((await checkAnswer(url, varied!))!, /with Set-Cookie: a=b instead of/)
  // One request only is answered like every other one.
  assert.match((await checkAnswer(url, small))!, /answered \d+ bytes instead of the origin's 100/)
})

test('what Weir remembers of heads and fields is_of no use here but for the fields that browsers have in common', () => {
  const requests = variedRequests(load)
  const heads = variedAnswers(origin).map(({ headers, body }) => {
    const lines = Object.entries({ ...headers, 'Content-Length': body.length }).map(
      ([name, value]) => `${name}: ${value}`,
    )
    return Buffer.from(['HTTP/1.1 200 OK', ...lines, '', body].join('\r\n'))
  })
  const response = new WholeResponse()
  const [values, joined] = [new KnownValues(), new JoinedFields()]
  const joinedBefore = new WeakSet<readonly string[]>()
  const recognised = { head: 0, request: 0, cookie: 0, accept: 0 }
  const rounds = 5
  for (let number = 0; number < rounds * heads.length; number++) {
    assert.ok(response.read(heads[number % heads.length]!, 0))
    if (response.head !== response) recognised.head++
    const list: string[] = []
    for (const [name, value] of Object.entries(requests[number % requests.length]!.headers)) {
      const found = fieldName(name.toLowerCase())!
      if (values.addIfKnown(list, found, value)) {
        if (name === 'Cookie') recognised.cookie++
        if (name === 'Accept') recognised.accept++
      } else {
        values.learn(found, value)
        list.push(found.text, value)
      }
    }
    const lines = joined.of(list)
    if (joinedBefore.has(lines)) recognised.request++
    joinedBefore.add(lines)
  }
  const share = (count: number) => count / (rounds * heads.length)
  assert.ok(share(recognised.head) < 0.01, JSON.stringify(recognised))
  assert.deepEqual([recognised.request, recognised.cookie], [0, 0])
  assert.ok(share(recognised.accept) > 0.9, JSON.stringify(recognised))
})
