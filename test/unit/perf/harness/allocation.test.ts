import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { after, test } from 'node:test'
import { allocatedBytes, allocationDuring, probeEnvironment } from '../../../../perf/harness/allocation.ts'
import { countBufferBytes } from '../../../../perf/harness/buffer-count.ts'
import { Processes } from '../../../../perf/harness/processes.ts'
import { waitFor } from '../../../support/wait.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'))
after(() => rmSync(folder, { recursive: true }))

/** A socket has its name before it listens. */
async function answers(path: string): Promise<boolean> {
  const socket = createConnection(path)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

test('what was allocated is_what_came_into_use_between_collections', () => {
  assert.equal(allocatedBytes(100, [], 130), 30)
  assert.equal(
    allocatedBytes(
      100,
      [
        { before: 500, after: 120 },
        { before: 520, after: 90 },
      ],
      100,
    ),
    400 + 400 + 10,
  )
})

test('a process that allocates_is_asked_how_much, and one without a probe is_not', async () => {
  const processes = new Processes()
  // At each line of input 200,000 arrays of 20 numbers, of which none is kept. Their elements take 176 bytes each. And a Buffer.
  const [arrays, least, bufferBytes] = [200_000, 176, 100_000]
  const script = `process.stdin.on('data', () => {
    for (let count = 0; count < ${arrays}; count++) globalThis.last = new Array(20).fill(count)
    Buffer.allocUnsafeSlow(${bufferBytes})
    process.stdout.write('done')
  })`
  const options = { cores: null, stderr: join(folder, 'stderr'), env: probeEnvironment(folder) }
  try {
    const { pid, process: child } = await processes.start(
      'allocating',
      [process.execPath, '-e', script],
      options,
    )
    await waitFor(() => answers(join(folder, `${pid}.sock`)), { what: 'the probe' })
    for (const which of ['first', 'second']) {
      const allocated = await allocationDuring(folder, [pid], async () => {
        child.stdin?.write('go\n')
        await once(child.stdout as Readable, 'data')
      })
      // The rest is what Node itself allocates meanwhile.
      const { heap, buffers } = allocated!
      assert.ok(heap >= arrays * least && heap < 2 * arrays * least, `${which}: ${heap}`)
      assert.ok(buffers >= bufferBytes && buffers < 2 * bufferBytes, `${which}: ${buffers}`)
    }
    assert.equal(await allocationDuring(folder, [1], async () => {}), null)
  } finally {
    await processes.stopAll()
  }
})

test('bytes of Buffers are_counted_once_each, and what is only a view of others is_not', () => {
  const originals = [Buffer.alloc, Buffer.allocUnsafe, Buffer.allocUnsafeSlow, Buffer.from]
  const end = countBufferBytes()
  const made = [
    Buffer.alloc(10, 'ab'),
    Buffer.allocUnsafe(100),
    Buffer.allocUnsafeSlow(1_000),
    Buffer.from('0123456789'.repeat(1_000)),
    Buffer.from('fe', 'hex'),
    Buffer.concat([new Uint8Array(50_000), new Uint8Array(50_000)]),
  ]
  assert.throws(() => Buffer.alloc(-1))
  const view = Buffer.from(new ArrayBuffer(8_000), 1_000, 5)
  assert.equal(end(), 111_111)
  assert.deepEqual(
    made.map(({ length }) => length),
    [10, 100, 1_000, 10_000, 1, 100_000],
  )
  assert.equal(made[0]!.toString(), 'ababababab')
  assert.equal(view.length, 5)
  assert.deepEqual([Buffer.alloc, Buffer.allocUnsafe, Buffer.allocUnsafeSlow, Buffer.from], originals)
})
