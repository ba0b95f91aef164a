import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConfig } from '../../../src/config/load.ts'
import { type DemoTarget, demoConfig, demoText } from '../../../src/demo/demo.ts'
import { startOrigins } from '../../../src/demo/origins.ts'

const targets: DemoTarget[] = [1, 2, 3].map((number) => ({
  name: `origin ${number}`,
  url: `http://127.0.0.1:${9000 + number}`,
  slow: number === 3,
}))

test('config is valid, plain JSON, and compiles to what the demo promises', () => {
  const config = demoConfig(targets, 8080)
  assert.deepEqual(JSON.parse(JSON.stringify(config)), config)
  const result = readConfig(JSON.stringify(config))
  assert.ok(result.ok, JSON.stringify(result))
  const { listeners, upstreams, routes } = result.plan
  assert.deepEqual(listeners, [{ host: '127.0.0.1', port: 8080 }])
  const [upstream, ...others] = upstreams
  assert.deepEqual(others, [])
  assert.equal(upstream!.balance, 'round-robin')
  assert.deepEqual(
    upstream!.endpoints.map(({ origin }) => origin),
    targets.map(({ url }) => url),
  )
  assert.equal(upstream!.health!.path, '/health')
  assert.equal(upstream!.health!.intervalMs, 1000)
  assert.deepEqual(
    routes.map(({ path, target }) => [path, target.kind]),
    [
      ['/isolated', 'respond'],
      [null, 'upstream'],
    ],
  )
})

test('text names the addresses and marks the slow origin', () => {
  const text = demoText(targets, 8123)
  assert.match(text, /^Weir listens on http:\/\/127\.0\.0\.1:8123, in front of$/m)
  for (const { name, url, slow } of targets) {
    assert.ok(text.includes(`  ${name}  ${url}${slow ? '  (slow)' : ''}\n`))
  }
  assert.ok(text.endsWith('\n'))
})

test('text commands each have a line on what they show, and nothing is left to fill in', () => {
  const lines = demoText(targets, 8080).split('\n')
  const commands = lines.flatMap((line, index) => (/^ {2}(curl|for) /.test(line) ? [index] : []))
  assert.equal(commands.length, 7)
  for (const index of commands) assert.match(lines[index - 1]!, /^ {2}# /)
  assert.doesNotMatch(lines.join('\n'), /undefined|\[object|\$\{/)
})

test('text commands ask only for what the origins or a route answer', async (t) => {
  const origins = await startOrigins([0, 0, 0], { slowMs: 1, lineMs: 1, outageMs: 60_000 })
  t.after(() => Promise.all(origins.map((origin) => origin.close())))
  const port = 8080
  // Weir's own address stands for an origin here: what passes through it has to exist behind it.
  const text = demoText(origins, port).replaceAll(`http://127.0.0.1:${port}/`, `${origins[2]!.url}/`)
  const commands = [...text.matchAll(/^ {2}.*?(curl.*?)(http:\S+?\/\w*)(?:;|$)/gm)]
  assert.equal(commands.length, 7)
  for (const [command, options = '', url = ''] of commands) {
    if (url.endsWith('/isolated')) continue
    const method = /-X POST|-d /.test(options) ? 'POST' : 'GET'
    const response = await fetch(url, { method, ...(options.includes('-d') && { body: 'there' }) })
    assert.equal(response.status, 200, `${command}: ${await response.text()}`)
  }
})
