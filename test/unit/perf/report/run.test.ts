import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
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
import type { ReportResults } from '../../../../perf/report/results.ts'
import { missingHere, runExperiment } from '../../../../perf/report/run.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const noWrk = which('wrk') === null ? 'wrk is not installed (Debian: apt-get install wrk)' : null

test('one experiment_from_the_command_line_to_the_file', {
  skip: noWrk ?? fastApiMissing() ?? false,
}, async () => {
  const script = fileURLToPath(new URL('../../../../perf/report.ts', import.meta.url))
  const out = join(folder, 'report.md')
  const short = ['--seconds', '1', '--turns', '1', '--warmup', '0', '--seed', '7']
  const options = ['--only', 'balance', ...short, '--out', out]
  const child = spawn(process.execPath, [script, ...options], { stdio: ['ignore', 'pipe', 'pipe'] })
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ])
  assert.equal(code, 0, `${stdout}\n${stderr}`)
  assert.match(stdout, /^turns: 1 of 1 s, in an order of its own each \(seed 7\)/m)
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
  const [file, ...others] = readdirSync(folder).filter((name) => name.endsWith('-report.json'))
  assert.deepEqual(others, [])
  assert.ok(report.includes(`[${file}](${file})`), file)
  const { seed, outcomes, unfinished } = JSON.parse(
    readFileSync(join(folder, file!), 'utf8'),
  ) as ReportResults
  assert.deepEqual([seed, unfinished, outcomes.length], [7, undefined, 1])
  for (const { variant, turns } of outcomes[0]!.measured)
    assert.ok(turns.length === 1 && turns[0]!.load.requests > 0, variant)
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
