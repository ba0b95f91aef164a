import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytesOf, loadBinding, nativeLimits } from '../../../src/native/uws.ts'

const newest = 'uws-20.69'
const oldest = 'uws-20.51'

/** A loader that has these modules and fails for all others; `asked` says what it was asked for. */
function loader(modules: Record<string, object>, failure = 'Cannot find module') {
  const asked: string[] = []
  const require = (alias: string): object => {
    asked.push(alias)
    const found = modules[alias]
    if (found === undefined) throw new Error(`${failure} '${alias}'`)
    return found
  }
  return { asked, require }
}

test('newest loads_taken, and no other is tried', () => {
  const { asked, require } = loader({ [newest]: { name: 'new' }, [oldest]: { name: 'old' } })
  const binding = loadBinding(require)
  assert.deepEqual(asked, [newest])
  assert.deepEqual(binding.uws as unknown, { name: 'new' })
  assert.equal(binding.version, '20.69.0')
  assert.deepEqual(binding.refused, [])
})

test('newest does not load_the older one, with the reason why', () => {
  const { asked, require } = loader({ [oldest]: { name: 'old' } })
  const binding = loadBinding(require)
  assert.deepEqual(asked, [newest, oldest])
  assert.equal(binding.version, '20.51.4')
  assert.deepEqual(binding.refused, [{ version: '20.69.0', reason: `Cannot find module '${newest}'` }])
})

test('older one_writes in pieces that it cannot lose', () => {
  assert.equal(loadBinding(loader({ [oldest]: {} }).require).writeBytes, 16_000)
  assert.ok(loadBinding(loader({ [newest]: {} }).require).writeBytes > 16_000)
  assert.equal(loadBinding(loader({ [oldest]: {} }).require).upgradesInCork, false)
  assert.equal(loadBinding(loader({ [newest]: {} }).require).upgradesInCork, true)
})

test('reason_the loader\u2019s own line, without the paragraph around it', () => {
  const wrapped = [
    'This version of uWS.js supports only Node.js versions 22, 24 and 26 on (glibc) Linux.',
    '',
    "Error: libc.so.6: version `GLIBC_2.38' not found",
    'Require stack:',
    '- /somewhere/uws.js',
  ].join('\n')
  const require = (alias: string): object => {
    if (alias === newest) throw new Error(wrapped)
    return {}
  }
  assert.equal(loadBinding(require).refused[0]?.reason, "Error: libc.so.6: version `GLIBC_2.38' not found")
})

test('something else than an error thrown_still a reason', () => {
  const require = (alias: string): object => {
    if (alias === newest) throw 'no'
    return {}
  }
  assert.equal(loadBinding(require).refused[0]?.reason, 'no')
})

test('none loads_one error that says where, what was tried, and what to do', () => {
  const { require } = loader({}, 'not for this machine:')
  assert.throws(
    () => loadBinding(require),
    (error: Error) => {
      const [first, ...rest] = error.message.split('\n')
      assert.match(first ?? '', /^no uWebSockets\.js binding loads on this machine: /)
      assert.ok(first?.includes(`Node ${process.version}`))
      assert.ok(first?.includes(`${process.platform} ${process.arch}`))
      assert.match(first ?? '', /(glibc \d+\.\d+|no glibc)$/)
      const text = rest.join('\n')
      assert.ok(text.includes(`20.69.0: not for this machine: '${newest}'`))
      assert.ok(text.includes(`20.51.4: not for this machine: '${oldest}'`))
      assert.match(text, /what to do:\n {2}- /)
      return true
    },
  )
})

test('marks_switched off where the binding has a switch', () => {
  const keys: string[] = []
  loadBinding(loader({ [newest]: { _cfg: (key: string) => keys.push(key) } }).require)
  assert.deepEqual(keys, ['silent'])
})

test('header limit_set before the binding is mapped, and not over what the user has set', () => {
  const name = 'UWS_HTTP_MAX_HEADERS_SIZE'
  const before = process.env[name]
  try {
    delete process.env[name]
    let seen: string | undefined
    loadBinding(() => {
      seen = process.env[name]
      return {}
    })
    assert.equal(seen, String(nativeLimits.headBytes))
    process.env[name] = '8192'
    loadBinding(() => ({}))
    assert.equal(process.env[name], '8192')
  } finally {
    if (before === undefined) delete process.env[name]
    else process.env[name] = before
  }
})

test('this machine_has one that loads', () => {
  const { uws, version } = loadBinding()
  assert.equal(typeof uws.App, 'function')
  assert.match(version, /^20\.\d+\.\d+$/)
})

test('bytesOf_the text as UTF-8, and not a byte more', () => {
  for (const text of ['', 'host', 'é', 'x'.repeat(10_000)])
    assert.deepEqual(Buffer.from(bytesOf(text)), Buffer.from(text))
})
