import assert from 'node:assert/strict'
import fs, { readdirSync, readlinkSync } from 'node:fs'
import { createRequire, syncBuiltinESMExports } from 'node:module'
import { after, test } from 'node:test'
import { receiveBufferBytes, withSmallReceiveBuffer } from '../../../src/native/receive-buffer.ts'
import { loadBinding } from '../../../src/native/uws.ts'

const { uws } = loadBinding()
const app = uws.App()
after(() => app.close())

/** Listens before it returns. */
function listen(): void {
  app.listen('127.0.0.1', 0, (socket) => assert.ok(socket))
}

function socketFds(): number[] {
  return readdirSync('/proc/self/fd')
    .map(Number)
    .filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:')
      } catch {
        return false
      }
    })
}

/** SO_RCVBUF as libc tells it; null where koffi is not installed, and nothing can be asked or set. */
function receiveBufferOf(fd: number): number | null {
  let koffi: typeof import('koffi')
  try {
    koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
  } catch {
    return null
  }
  const signature = 'int getsockopt(int fd, int level, int name, _Out_ int *value, _Inout_ uint32_t *length)'
  const getsockopt = koffi.load(null).func(signature)
  const value = [0]
  assert.equal(getsockopt(fd, 1, 8, value, [4]), 0)
  return value[0] as number
}

const skip = process.platform === 'linux' ? false : 'Linux only'

test('socket opened inside_has the small buffer; those opened before keep theirs', { skip }, () => {
  listen()
  const before = socketFds()
  const untouched = before.map(receiveBufferOf)
  const bounded = withSmallReceiveBuffer(listen)
  const opened = socketFds().filter((fd) => !before.includes(fd))
  assert.equal(opened.length, 1)
  const bytes = receiveBufferOf(opened[0] as number)
  assert.equal(bounded, bytes !== null)
  // Linux doubles what it is given, for its own bookkeeping.
  if (bytes !== null) assert.equal(bytes, 2 * receiveBufferBytes)
  assert.deepEqual(before.map(receiveBufferOf), untouched)
})

test('nothing opened inside_not bounded, no error', () => {
  assert.equal(
    withSmallReceiveBuffer(() => undefined),
    false,
  )
})

test('no /proc on this machine_not bounded, no error', { skip }, (t) => {
  const { mock } = t.mock.method(fs, 'readdirSync', () => {
    throw Object.assign(new Error('no such directory'), { code: 'ENOENT' })
  })
  syncBuiltinESMExports()
  t.after(() => {
    mock.restore()
    syncBuiltinESMExports()
  })
  assert.equal(withSmallReceiveBuffer(listen), false)
})

test('listening fails inside_its error comes through', () => {
  assert.throws(
    () =>
      withSmallReceiveBuffer(() => {
        throw new Error('no such address')
      }),
    /no such address/,
  )
})
