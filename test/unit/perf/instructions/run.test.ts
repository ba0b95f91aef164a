import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inLanes } from '../../../../perf/instructions/run.ts'

/** Work that is done when it is told to be. */
function workbench() {
  const begun: string[] = []
  const ends = new Map<string, { resolve: () => void; reject: (error: Error) => void }>()
  const work = (job: string) => {
    begun.push(job)
    return new Promise<void>((resolve, reject) => void ends.set(job, { resolve, reject }))
  }
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  return { begun, ends, work, turn }
}

test('jobs_are begun in order, so many at a time', async () => {
  const { begun, ends, work, turn } = workbench()
  const all = inLanes(2, ['a', 'b', 'c', 'd'], work)
  assert.deepEqual(begun, ['a', 'b'])
  ends.get('b')!.resolve()
  await turn()
  assert.deepEqual(begun, ['a', 'b', 'c'])
  for (const job of ['a', 'c']) ends.get(job)!.resolve()
  await turn()
  ends.get('d')!.resolve()
  await all
  assert.deepEqual(begun, ['a', 'b', 'c', 'd'])
})

test('more lanes than jobs_are no trouble', async () => {
  await inLanes(3, [], () => assert.fail('there is nothing to do'))
})

test('a failure_is thrown when the others have ended', async () => {
  const { ends, work, turn } = workbench()
  let over = false
  const all = inLanes(2, ['a', 'b'], work).finally(() => {
    over = true
  })
  all.catch(() => {})
  ends.get('a')!.reject(new Error('a fails'))
  await turn()
  assert.equal(over, false)
  ends.get('b')!.resolve()
  await assert.rejects(all, /a fails/)
})
