import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { fastApiMissing } from '../../../../perf/harness/fastapi.ts'
import { findGenerator } from '../../../../perf/harness/load.ts'
import { Processes, which } from '../../../../perf/harness/processes.ts'
import type { Run } from '../../../../perf/harness/run-settings.ts'
import { select } from '../../../../perf/report/catalogue.ts'
import { missingHere, runExperiment } from '../../../../perf/report/run.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const noWrk = which('wrk') === null ? 'wrk is not installed (Debian: apt-get install wrk)' : null

test('one experiment_from_the_command_line_to_the_file', {
  skip: noWrk ?? fastApiMissing() ?? false,
}, async () => {
  const script = fileURLToPath(new URL('../../../../perf/report.ts', import.meta.url))
  const out = join(folder, 'report.md')
  const options = ['--only', 'balance', '--seconds', '1', '--turns', '1', '--warmup', '0', '--out', out]
  const child = spawn(process.execPath, [script, ...options], { stdio: ['ignore', 'pipe', 'pipe'] })
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ])
  assert.equal(code, 0, `${stdout}\n${stderr}`)
  assert.match(stdout, /^written: .*report\.md$/m)
  const report = readFileSync(out, 'utf8')
  for (const variant of ['weir round-robin', 'weir least-connections']) {
    // Requests, seconds and a rate: something was answered.
    assert.match(
      report,
      new RegExp(`^\\| ${variant} +\\| +[1-9][\\d,]* \\| +\\d\\.\\d+ \\| +[1-9][\\d,]* \\|`, 'm'),
    )
  }
  assert.match(report, /FastAPI \d.*uvicorn \d.*Python 3/)
  assert.match(report, /\*\*Not tested: one turn is no evidence\.\*\* /)
})

test('a variant that lacks something_is_skipped_and_said, and one that fails takes no other along', async () => {
  const processes = new Processes()
  const said: string[] = []
  const run: Run = {
    bench: { processes, folder, cores: () => null, weir: join(folder, 'missing.ts'), allocation: false },
    generator: findGenerator('autocannon'),
    schedule: { turns: 1, seconds: 1, warmupSeconds: 0 },
    wanted: { h2load: null, strace: null, allocation: false },
    say: (line) => void said.push(line),
  }
  const experiment = select(['isolated'])[0]!
  const missing = ({ subject }: { subject: string }) => (subject === 'weir' ? null : 'not installed')
  try {
    const outcome = await runExperiment(run, experiment, missing)
    assert.equal(outcome.measured.size, 0)
    assert.deepEqual(outcome.skipped, ['skipped: isolated (go, nginx, haproxy), not installed'])
    assert.match(outcome.failed.join('\n'), /^FAILED: isolated\/weir: /)
    assert.deepEqual(said, [...outcome.skipped, ...outcome.failed])
  } finally {
    await processes.stopAll()
  }
})

test('more workers than cores_cannot_run', () => {
  const variant = select(['processors'])[0]!.variants[0]!
  const many = { ...variant, scenario: { ...variant.scenario, workers: 10_000 } }
  assert.equal(missingHere()(many), 'there are not as many cores')
  assert.equal(missingHere()({ ...variant, subject: 'weir' }), null)
})
