/** A real browser's traffic over TLS: Debian's Chromium, driven by playwright-core, to an ordinary node:http server. */
import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { chromium, type Page } from 'playwright-core'
import { Certificates, pem } from '../support/certificates.ts'
import { upstreamOf } from '../support/proxied.ts'
import { waitFor } from '../support/wait.ts'
import { startWeir } from '../support/weir.ts'
import { gzipped, imageHeight, imageWidth, Site } from './browser-origin.ts'

const executablePath = '/usr/bin/chromium'
const skip = !existsSync(executablePath) && `${executablePath} is not installed (Debian's package chromium)`
const blobBytes = 6 << 20

/** What Chromium's list of trusted keys wants: the hash of the public key. */
function keyHash(certificate: string): string {
  const key = new X509Certificate(pem(certificate)).publicKey.export({ type: 'spki', format: 'der' })
  return createHash('sha256').update(key).digest('base64')
}

/** A page of a browser with a fresh profile, until the test ends. */
async function openBrowser(t: TestContext, certificate: string): Promise<Page> {
  const browser = await chromium.launch({
    executablePath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--disable-dev-shm-usage',
      `--ignore-certificate-errors-spki-list=${keyHash(certificate)}`,
      '--host-resolver-rules=MAP weir.test 127.0.0.1',
    ],
  })
  t.after(() => browser.close())
  return (await browser.newContext()).newPage()
}

test('a browser over TLS', { skip }, async (t) => {
  const own = new Certificates(t).selfSigned('own', 'weir.test')
  const site = await new Site().start(t)
  const listen = { host: '127.0.0.1', port: 0, tls: { cert: own.cert, key: own.key } }
  const weir = await startWeir(t, { listen, upstreams: { app: upstreamOf([site]) } })
  const page = await openBrowser(t, own.cert)
  const base = `https://weir.test:${weir.port}`
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
  /** Has the page do something of browser-page.js. */
  const ask = <T>(call: string, ...args: unknown[]): Promise<T> =>
    page.evaluate(`weir.${call}(...${JSON.stringify(args)})`) as Promise<T>
  const isReady = () => page.waitForSelector('html[data-ready]', { state: 'attached' })

  await t.test('a page with its scripts and its image', async () => {
    const answer = await page.goto(base)
    assert.equal(answer!.status(), 200)
    await isReady()
    assert.equal(await page.title(), 'by a classic script')
    assert.equal(await page.textContent('h1'), 'grüße')
    const size = await page.evaluate(
      '(({ naturalWidth: w, naturalHeight: h }) => [w, h])(document.images[0])',
    )
    assert.deepEqual(size, [imageWidth, imageHeight])
    for (const path of ['/', '/classic.js', '/page.js', '/greeting.js', '/picture.bmp'])
      assert.equal(site.to(path).length, 1, path)
    const { headers } = site.to('/')[0]!
    assert.equal(headers.host, `weir.test:${weir.port}`)
    assert.equal(headers['x-forwarded-proto'], 'https')
    assert.match(headers['user-agent']!, /Chrome/)
  })

  await t.test(
    'reloaded: the browser asks by ETag, 304 comes through, and it shows what it has',
    async () => {
      // What came over the wire; to the page it is the 200 that it knows.
      const onTheWire: number[] = []
      const session = await page.context().newCDPSession(page)
      session.on('Network.responseReceivedExtraInfo', ({ statusCode }) => onTheWire.push(statusCode))
      await session.send('Network.enable')
      const answer = await page.reload()
      await isReady()
      assert.equal(site.to('/').at(-1)!.headers['if-none-match'], '"page-1"')
      assert.deepEqual([answer!.status(), await page.textContent('h1')], [200, 'grüße'])
      await waitFor(() => onTheWire.includes(304), { what: () => `a 304, got ${onTheWire}` })
      await session.detach()
    },
  )

  await t.test('a redirect, by fetch and by navigation', async () => {
    const { url, redirected, text } = await ask<Record<string, unknown>>('get', '/old')
    assert.deepEqual(
      { url, redirected, text },
      {
        url: `${base}/new?from=old`,
        redirected: true,
        text: 'the new place',
      },
    )
    const other = await page.context().newPage()
    await other.goto(`${base}/old`)
    assert.equal(other.url(), `${base}/new?from=old`)
    await other.close()
    assert.deepEqual([site.to('/old').length, site.to('/new').length], [2, 2])
  })

  await t.test('gzip: offered to the origin, opened by the browser', async () => {
    const { text, headers } = await ask<{ text: string; headers: Record<string, string> }>('get', '/gzip')
    assert.equal(text, gzipped)
    assert.equal(headers['content-encoding'], 'gzip')
    assert.match(site.to('/gzip')[0]!.headers['accept-encoding']!, /\bgzip\b.*\bbr\b/)
  })

  await t.test('two cookies in one answer: both are kept and sent back', async () => {
    await ask('get', '/set-cookies')
    assert.equal(await page.evaluate('document.cookie'), 'seen=1', 'HttpOnly is hidden from scripts')
    await ask('get', '/new')
    assert.deepEqual(site.to('/new').at(-1)!.headers.cookie!.split('; ').sort(), ['hidden=a=b', 'seen=1'])
  })

  await t.test('POST of JSON, and of a Blob of some MiB', async () => {
    const order = { name: 'Tee, süß', count: 3 }
    assert.deepEqual(await ask('postJson', '/json', order), { status: 201, body: { received: order } })
    assert.equal(site.to('/json')[0]!.headers.origin, base)
    const { sent, received } = await ask<{ sent: string; received: string }>('postBlob', '/sha256', blobBytes)
    assert.equal(received, sent)
    assert.equal(site.to('/sha256')[0]!.headers['content-length'], String(blobBytes))
  })

  await t.test('a streamed answer: each piece is read before the next is sent', async () => {
    const pieces = ['one', 'zwei, süß', 'x'.repeat(20_000), 'four']
    const opened = ask('openStream', '/stream')
    for (const piece of pieces) {
      await site.send('/stream', piece)
      await opened
      let read = ''
      // A long piece may be read in several.
      while (read.length < piece.length) read += await ask<string>('nextPiece')
      assert.equal(read, piece)
    }
    site.end('/stream')
    assert.equal(await ask('nextPiece'), null)
  })

  await t.test(
    'EventSource: each event is seen before the next is sent, and it comes back with Last-Event-ID',
    async () => {
      await ask('listen', '/events')
      const seen: string[] = []
      const tick = async (id: number) => {
        await site.send('/events', `id: ${id}\nevent: tick\ndata: number ${id}\nretry: 10\n\n`)
        seen.push(`${id}: number ${id}`)
        assert.deepEqual(await ask('events', id), seen)
      }
      for (const id of [1, 2, 3]) await tick(id)
      site.end('/events')
      for (const id of [4, 5]) await tick(id)
      await ask('stopListening')
      assert.deepEqual(
        site.to('/events').map(({ headers }) => headers['last-event-id']),
        [undefined, '3'],
      )
      assert.equal(site.to('/events')[0]!.headers.accept, 'text/event-stream')
    },
  )

  await t.test(
    'a WebSocket: the subprotocol that the origin chose, text and binary back, closed by the page',
    async () => {
      const texts = ['plain', 'süß', '', 'y'.repeat(70_000)]
      const got = await ask<Record<string, unknown>>(
        'webSocket',
        `wss://weir.test:${weir.port}/echo`,
        texts,
        200_000,
      )
      assert.deepEqual(got, { protocol: 'second', texts, equal: true, code: 4000, wasClean: true })
      await waitFor(() => site.closeCodes.length === 1, { what: 'the origin to see the end' })
      assert.deepEqual(site.closeCodes, [4000])
      const { headers } = site.to('/echo')[0]!
      assert.equal(headers.origin, base)
      assert.match(headers.cookie!, /hidden=a=b/)
    },
  )

  assert.deepEqual(complaints, [])
  await page.close()
  await weir.atRest()
})
