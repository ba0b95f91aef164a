import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { readConfig } from '../../../src/config/load.ts'
import { accepted, configWith, onlyProblem, planOf, refused } from './read.ts'

const listening = (listen: unknown) => planOf(configWith({ listen })).listeners

test('Unix socket_as a text or an object, relative to the folder; "0600" if no mode is given', () => {
  const path = resolve('run/weir.sock')
  const short = { host: `unix:${path}`, port: 0, unix: { path, mode: 0o600 } }
  assert.deepEqual(listening('unix:run/weir.sock'), [short])
  assert.deepEqual(listening([{ unix: path, mode: '0660' }]), [{ ...short, unix: { path, mode: 0o660 } }])
})

test('Unix socket beside host or port, mode without one, the same twice_said', () => {
  onlyProblem(configWith({ listen: { unix: '/a', port: 1 } }), 'listen.port')
  onlyProblem(configWith({ listen: { mode: '0600' } }), 'listen.mode')
  onlyProblem(configWith({ listen: { unix: '/a', mode: '660' } }), 'listen.mode')
  onlyProblem(configWith({ listen: ['unix:/a', { unix: '/a' }] }), 'listen[1]')
  onlyProblem(configWith({ listen: 'tcp:/a' }), 'listen')
})

test('Unix socket whose path is too long once it is absolute, in bytes_said, with the whole of it', () => {
  const folder = `/${'f'.repeat(90)}`
  const read = (listen: unknown, directory: string) =>
    readConfig(JSON.stringify(configWith({ listen })), directory)
  for (const [listen, path] of [
    [`unix:${'a'.repeat(17)}`, 'listen'],
    [[{ unix: 'ä'.repeat(8) }, 'unix:b'], 'listen[0].unix'],
  ] as const) {
    const [problem, ...others] = refused(read(listen, folder))
    assert.deepEqual([problem?.path, others], [path, []])
    assert.match(problem?.found ?? '', /^10[89] bytes: "\/fff/)
    assert.match(problem?.hint ?? '', /the kernel takes no longer one/)
  }
  accepted(read(`unix:${'a'.repeat(15)}`, folder))
})

test('Unix socket twice in two spellings_said', () => {
  for (const other of ['unix:./a.sock', 'unix:b/../a.sock', { unix: resolve('a.sock') }])
    onlyProblem(configWith({ listen: ['unix:a.sock', other] }), 'listen[1]')
})

test('PROXY protocol beside a Unix socket_said: nobody there could be listed', () => {
  const listen = { unix: '/a', proxyProtocol: { from: ['10.0.0.0/8'] } }
  assert.match(onlyProblem(configWith({ listen }), 'listen.proxyProtocol').expected, /beside unix/)
})

test('PROXY protocol_peers as addresses and networks, at least one', () => {
  const from = ['10.0.0.0/8', '::1']
  assert.deepEqual(listening({ port: 1, proxyProtocol: { from } })[0]?.proxyProtocolFrom, from)
  onlyProblem(configWith({ listen: { proxyProtocol: { from: [] } } }), 'listen.proxyProtocol.from')
  onlyProblem(
    configWith({ listen: { proxyProtocol: { from: ['10.0.0.0/33'] } } }),
    'listen.proxyProtocol.from[0]',
  )
})
