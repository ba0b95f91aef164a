import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { failedRequests, findGenerator } from '../../../../perf/harness/load.ts'
import { Processes } from '../../../../perf/harness/processes.ts'
import type { Row } from '../../../../perf/harness/row.ts'
import { startSubject } from '../../../../perf/harness/subject.ts'
import { putUnderLoad } from '../../../../perf/harness/turn.ts'
import { select } from '../../../../perf/scenarios/catalogue.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'))
after(() => rmSync(folder, { recursive: true }))

const [scenario] = select(['websocket'])
const alone: Row = { name: 'echo', baseline: 'echo', subject: 'origin', scenario: scenario! }

test('one second of messages gives_the_figures_of_a_load_generator', async () => {
  const processes = new Processes()
  const bench = { processes, folder, cores: () => null, weir: '', allocation: false }
  try {
    const echo = await startSubject(bench, alone, [])
    const figures = await putUnderLoad(bench, findGenerator('autocannon'), alone, echo, 1)
    assert.ok(figures.requests > 100 && figures.bytesRead === figures.requests * 100, JSON.stringify(figures))
    assert.ok(figures.latency.p50Us > 0 && figures.latency.p999Us <= figures.latency.maxUs * 1.01)
    assert.equal(failedRequests(figures), 0)
  } finally {
    await processes.stopAll()
  }
})

test('a server that takes no WebSockets is_no_figure', async () => {
  const processes = new Processes()
  const bench = { processes, folder, cores: () => null, weir: '', allocation: false }
  const deaf: Row = { ...alone, name: 'deaf', scenario: select(['small'])[0]! }
  try {
    const origin = await startSubject(bench, deaf, [])
    await assert.rejects(
      putUnderLoad(bench, findGenerator('autocannon'), alone, origin, 1),
      /no request was answered: .*websocket-load[\s\S]*"error":64/,
    )
  } finally {
    await processes.stopAll()
  }
})
